"""When a REST call that only reads is made again: the store cannot answer now. rest.py has the other reasons."""

import random
import time
from collections.abc import Callable

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

from storelink.client.response import StoreResponse
from storelink.errors import NotNow, Unavailable
from storelink.transport.guard import Limits

READING = frozenset(["GET", "HEAD"])
NOT_NOW = frozenset([429, 502, 503, 504])
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds between two tries, where the store names none."""

_RANDOM = random.SystemRandom()


def send_patiently(send: Callable[[], StoreResponse], patience: float, limits: Limits) -> StoreResponse:
    """Send a call until the store answers it, for at most `patience` seconds; its last answer.

    Raises Unavailable when none came.
    """
    backoff = Backoff(patience)
    while True:
        try:
            response = send()
        except Unavailable:
            if limits.left <= 0 or not backoff.wait():
                raise
            continue
        if not is_not_now(response) or not backoff.wait(response.headers.get("Retry-After")):
            return response
        response.close()


def is_not_now(response: StoreResponse) -> bool:
    """Whether a later try may succeed: 429, 502, 503, 504, or a 400 whose words say so, as "Please try again"."""
    if response.status_code != 400:
        return response.status_code in NOT_NOW
    return isinstance(response.failure(), NotNow)


class Backoff:
    """The waits between the tries of one call, until `seconds` are over in all."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._wait = FIRST_WAIT

    def wait(self, retry_after: str | None = None) -> bool:
        """Wait as long as the store asks (seconds or an HTTP date, RFC 9110), else longer each time, by chance.

        False, at once, where that would be past the end.
        """
        asked = _seconds(retry_after)
        wait = _RANDOM.uniform(0, self._wait) if asked is None else asked
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        if time.monotonic() + wait >= self._end:
            return False
        time.sleep(wait)
        return True


def _seconds(retry_after: str | None) -> float | None:
    """The seconds of a Retry-After; None where it cannot be read."""
    try:
        return Retry().parse_retry_after(retry_after) if retry_after else None
    except (InvalidHeader, ValueError, OverflowError):
        return None
