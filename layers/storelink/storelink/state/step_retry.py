"""When a step runs again after a store could not answer. The state machine waits; no function does.

Magento gives the request token for 300 s after the click, and the access token for as long as the request token is not
used. So the request step is tried until that time is nearly over, and the access step for a day.
"""

from storelink.aws.dynamodb import Row
from storelink.errors import Unavailable
from storelink.models import EXPIRATION_PERIOD
from storelink.state import activations

LAST_REQUEST = EXPIRATION_PERIOD - 10
"""Seconds after the click until which the request step is begun: it may take 8 s."""

ACCESS_PERIOD = 24 * 3600
"""Seconds after the click until which the access step is begun."""

_REQUEST_DELAYS = (1, 2, 4, 8, 15, 20)
_ACCESS_DELAYS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 300, 300, 300, 300, 300, 300, 300, 300, 900)
"""Seconds between two tries; the last one repeats."""

_OURS = frozenset({"aws", "busy", "unfinished"})
"""Reasons that are not the store's. `Retry` in the state machine repeats such a step, and later the sweep does."""


def is_store_trouble(error: Unavailable) -> bool:
    """Whether the store is the cause, so that a later try can succeed."""
    return error.reason not in _OURS


def delay(row: Row) -> int | None:
    """Seconds until the next try of the step that an activation is at; None when it is too late for one."""
    is_request = row["reached"] == "pending"
    delays, period = (_REQUEST_DELAYS, LAST_REQUEST) if is_request else (_ACCESS_DELAYS, ACCESS_PERIOD)
    seconds = delays[min(row.get("tries", 0), len(delays) - 1)]
    age = (activations.now() - row["received_at"]) / 1000
    return seconds if age + seconds <= period else None
