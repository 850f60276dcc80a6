"""Calls to stores and OpenID providers from functions: urllib3 behind the guard, bounded in time and size."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError

from storelink.transport.guard import CONNECT_TIMEOUT, Deadline, check, failure, guard_pools, read

READ_TIMEOUT = 8.0
"""Seconds of silence after which a call fails."""

MAX_BYTES = 64 * 1024
"""Bytes of a response that are read, where the caller sets no limit of its own."""


@dataclass(frozen=True)
class Response:
    """A store's answer as it came. headers: looked up without regard to case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def post(url: str, authorization: str, seconds: float) -> Response:
    """POST an empty body to a store's token endpoint and read what it answers, at most `MAX_BYTES` bytes.

    seconds: how long it may take in all, however slowly the answer trickles.
    Raises Rejected where the store may not be called, Unavailable where no whole answer came.
    """
    return _call("POST", url, {"Authorization": authorization}, b"", seconds)


def post_json(url: str, body: Mapping[str, str], seconds: float) -> Response:
    """POST a JSON object and read the answer, as `post` does. Raises Rejected, Unavailable."""
    return _call("POST", url, {"Content-Type": "application/json"}, json.dumps(body).encode(), seconds)


def request_json(url: str, seconds: float, form: str | None = None, authorization: str = "") -> Response:
    """GET a document, or POST a form and read the answer, as `post` does. Raises Rejected, Unavailable."""
    headers = {"Accept": "application/json"} | ({"Authorization": authorization} if authorization else {})
    if form is None:
        return _call("GET", url, headers, None, seconds)
    return _call("POST", url, headers | {"Content-Type": "application/x-www-form-urlencoded"}, form.encode(), seconds)


def get(url: str, authorization: str, seconds: float, max_bytes: int) -> Response:
    """GET a signed REST call's answer, at most `max_bytes` bytes, as `post` does. Raises Rejected, Unavailable."""
    return _call("GET", url, {"Authorization": authorization}, None, seconds, max_bytes)


def _call(
    method: str, url: str, headers: dict[str, str], body: bytes | None, seconds: float, max_bytes: int = MAX_BYTES
) -> Response:
    check(url)
    given = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "Storelink", "Connection": "close"}
    with Deadline(seconds) as deadline, guard_pools(PoolManager()) as pools:
        try:
            response = pools.urlopen(
                method,
                url,
                body=body,
                headers=given | headers,
                timeout=Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except HTTPError as error:
            raise failure(error) from None
        with response:
            return Response(response.status, response.headers, read(response, deadline, max_bytes))
