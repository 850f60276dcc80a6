"""The answer to a REST call."""

from collections.abc import Iterator
from typing import Any

import requests

from storelink.client.errors import http_error, json_error, no_answer
from storelink.errors import CallFailed, NotFound, NotJSON, Unavailable
from storelink.magento import bulk
from storelink.magento import errors as magento_errors
from storelink.transport import guard
from storelink.transport.http import Response
from storelink.transport.session import GuardedAdapter


class StoreResponse(requests.Response):
    """A `requests.Response` that knows what Magento's errors mean.

    max_bytes: what the body of a streamed answer may have, unpacked. by_customer: the call was made by a customer's
    token.
    """

    max_bytes: int | None = None
    by_customer = False

    def raise_for_status(self) -> None:
        """Raise the error that the answer stands for, unless it is a success (2xx).

        NotAuthorized (`resource`: the ACL resource that is missing), NotFound, NotNow, CallRefused; each a CallFailed
        with Magento's message for its `problem`, and the `status`; each a requests.HTTPError, too. An accepted bulk
        (202) of which the store rejected items is CallRefused.
        """
        failed = self.failure()
        if failed is not None:
            raise http_error(failed, self)

    @property
    def ok(self) -> bool:
        """Whether the status is below 400 and no item of a bulk was rejected; also what `bool(response)` is."""
        return self.status_code < 400 and not (self.status_code == 202 and self.failure())

    def failure(self) -> CallFailed | None:
        """What `raise_for_status` would raise, as Storelink's own; None for a success."""
        if self.status_code == 202:
            return bulk.rejection(self.content)
        has_password = str(self.request.headers.get("Authorization", "")).startswith("Basic ")
        failed = magento_errors.call_failed(self._answer(), str(self.request.method), self.by_customer, has_password)
        if isinstance(failed, NotFound) and "%2F" in str(self.url).partition("?")[0]:
            return NotFound("encoded-slash", failed.problem, failed.status, method=failed.method)
        return failed

    def json(self, **kwargs: Any) -> Any:
        """The answer's JSON, as requests reads it.

        A byte order mark before it is skipped. kwargs: as those of `json.loads`. Raises NotJSON, which is a
        requests.JSONDecodeError, too.
        """
        try:
            return magento_errors.read_answer(self._answer(), **kwargs)
        except NotJSON as error:
            raise json_error(error, self) from None

    def read(self, limits: guard.Limits, cut_at: int | None) -> None:
        """Read the body, as `guard.read` does. The connection is closed when that fails. Raises Unavailable."""
        try:
            self._content = guard.read(self.raw, limits, cut_at)
        except Unavailable:
            self.close()
            raise
        self._content_consumed = True

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[Any]:
        """The body part by part, as requests gives it, each part bounded. Raises Unavailable, also past `max_bytes`.

        chunk_size: None stands for `PART` bytes: all that arrives at once could unpack to any size.
        """
        size = chunk_size if chunk_size is not None and chunk_size > 0 else guard.PART
        if self.max_bytes is None:
            return super().iter_content(size, decode_unicode)
        return self._bounded(super().iter_content(min(size, self.max_bytes + 1), decode_unicode))

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all but the Authorization header that was sent."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]  # the stubs do not know it
        state["request"] = self.request.copy()
        state["request"].headers.pop("Authorization", None)
        return state

    def _answer(self) -> Response:
        return Response(self.status_code, self.headers, self.content)

    def _bounded(self, parts: Iterator[Any]) -> Iterator[Any]:
        """The same parts, while they are within the limit; what a library raises is turned into Unavailable."""
        size = 0
        try:
            with guard.reading(self.status_code):
                for part in parts:
                    size += len(part)
                    if size > (self.max_bytes or 0):
                        raise guard.too_large(self.max_bytes or 0)
                    yield part
        except Unavailable as error:
            self.close()
            raise no_answer(error, str(self.request.method)) from None


class StoreAdapter(GuardedAdapter):
    """Makes a `StoreResponse` of each answer."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """requests makes them by its own class, so theirs is changed."""
        response = super().build_response(req, resp)
        response.__class__ = StoreResponse
        return response
