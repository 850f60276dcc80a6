"""Calls to stores and OpenID providers from functions: urllib3 behind the guard, bounded in time and size."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any
from urllib.parse import urljoin, urlsplit

from urllib3 import PoolManager, Timeout

from storelink.store import DEFAULT_PORTS
from storelink.transport.guard import CONNECT_TIMEOUT, Limits, check, failure, guard_pools, read

READ_TIMEOUT = 8.0
"""Seconds of silence after which a call fails."""

MAX_BYTES = 64 * 1024
"""Bytes of a response that are read, where the caller sets no limit of its own."""

MAX_ERROR_BYTES = 64 * 1024
"""Bytes of an error's body (status 300 and above) that are read; the rest is not waited for."""

MAX_LOCATION = 1024
"""Characters of a Location header that are read."""

MAX_JSON_DEPTH = 500
"""Arrays and objects within each other that a JSON body may have. Magento's deepest, category trees, have some 20."""

_BEFORE_JSON = b" \t\r\n\xef\xbb\xbf"
_NESTED: Any = (dict, list)
_SECONDS = re.compile(r"[0-9]{1,9}")


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


def post_json(url: str, body: bytes, seconds: float, headers: Mapping[str, str] | None = None) -> Response:
    """POST JSON and read the answer, as `post` does. headers: such as sign its bytes. Raises Rejected, Unavailable."""
    return _call("POST", url, {"Content-Type": "application/json", **(headers or {})}, body, seconds)


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
    with Limits(seconds, max_bytes) as limits, guard_pools(PoolManager()) as pools:
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
        except Exception as error:  # what urllib3 and http.client make of a stranger's bytes is not all their own
            raise failure(error) from None
        with response:
            cut_at = min(max_bytes, MAX_ERROR_BYTES) if response.status >= 300 else None
            return Response(response.status, response.headers, read(response, limits, cut_at))


def read_json(body: bytes, **options: Any) -> Any:
    """A JSON body's value. A byte order mark before it, as PHP files with one send it, is skipped.

    options: as `json.loads` takes them. Raises ValueError where it is no JSON, or nested deeper than `MAX_JSON_DEPTH`:
    Python's own limit depends on its version and on the caller's stack.
    """
    try:
        value = json.loads(body.lstrip(_BEFORE_JSON), **options)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level: list[Any] = [[value]]
    for _ in range(MAX_JSON_DEPTH):
        members = chain.from_iterable(held.values() if isinstance(held, dict) else held for held in level)
        level = [one for one in members if isinstance(one, _NESTED)]
        if not level:
            return value
    raise ValueError("nested too deep")


def redirect_target(answer: Response, url: str = "") -> str:
    """Where a redirect leads: scheme, host, port and path, bounded; "" where its Location cannot be read.

    url: what was called, where a relative Location is to be resolved. User name, password, query and fragment are left
    out: they can hold what was sent.
    """
    location = answer.headers.get("Location", "")[:MAX_LOCATION]
    try:
        parts = urlsplit(urljoin(url, location))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host:
        return "" if parts.scheme else parts.path
    if parts.scheme not in ("", *DEFAULT_PORTS):
        return ""
    authority = f"[{host}]" if ":" in host else host
    port_text = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{authority}{port_text}{parts.path}".removeprefix(":")


def clock_skew(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds by which the clock behind an answer is ahead of this machine's (below 0: behind), by its Date header.

    now: when the answer was given, by this machine's clock, in seconds since 1970; by default this moment.
    None where the header is missing or cannot be read. Precise to some seconds; a proxy in front of the store may have
    set it. A cached answer is as much older as its Age says (RFC 9110 section 6.6.1, RFC 9111 section 5.1).
    """
    age = headers.get("Age", "0")
    try:
        shown = parsedate_to_datetime(headers.get("Date", "")[:64]).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
    return shown + (int(age) if _SECONDS.fullmatch(age) else 0) - (time.time() if now is None else now)
