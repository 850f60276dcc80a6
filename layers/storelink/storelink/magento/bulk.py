"""Bulk calls: many items in one call, worked on by the store one after the other (Magento_AsynchronousOperations)."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from storelink.errors import CallRefused, Unavailable
from storelink.magento.errors import store_words

TIMEOUT = 600.0
"""Seconds that a bulk is followed, where the call does not say otherwise."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two looks at a bulk's status."""

MAX_REASONS = 3
"""Rejected items that an error names."""

STATUSES = {1: "complete", 2: "failed", 3: "failed", 4: "open", 5: "rejected"}
"""Magento\\Framework\\Bulk\\OperationInterface; 2 is what Magento itself may try again."""


@dataclass(frozen=True)
class BulkOperation:
    """One item of a bulk.

    index: its place in what was sent. status: a value of `STATUSES`; "rejected" where the store did not take it.
    message: the store's own words, "" for none. error_code: Magento's, None for none.
    """

    index: int
    item: Any = field(repr=False)
    status: str = "open"
    message: str = ""
    error_code: str | None = None


@dataclass(frozen=True)
class BulkResult:
    """The items of a bulk with their statuses. uuid: Magento's id of the bulk."""

    uuid: str
    operations: list[BulkOperation]

    @property
    def completed(self) -> list[BulkOperation]:
        return [one for one in self.operations if one.status == "complete"]

    @property
    def failed(self) -> list[BulkOperation]:
        """Those that the store rejected or failed to do, with its words."""
        return [one for one in self.operations if one.status in ("failed", "rejected")]

    @property
    def open(self) -> list[BulkOperation]:
        """Those that the store has still to do."""
        return [one for one in self.operations if one.status == "open"]

    def raise_for_status(self) -> None:
        """Raises CallRefused, with the first reasons, when an item was rejected or failed."""
        if self.failed:
            raise _refused([(one.index, one.message) for one in self.failed])


def begin(answer: Any, items: Sequence[Any]) -> BulkResult:
    """The bulk that a store has begun. answer: that of async/bulk, read from JSON. Raises CallRefused."""
    try:
        operations = [BulkOperation(index, item) for index, item in enumerate(items)]
        for asked in answer["request_items"]:
            if asked.get("status") == "rejected":
                index = int(asked["id"])
                operations[index] = _seen(operations[index], "rejected", asked.get("error_message"), asked)
        return BulkResult(str(answer["bulk_uuid"]), operations)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise CallRefused("no-bulk", "", 202) from None


def follow(
    result: BulkResult,
    status: Callable[[str], Any],
    timeout: float = TIMEOUT,
    progress: Callable[[BulkResult], object] | None = None,
) -> BulkResult:
    """The bulk when the store has done all of it.

    status: the answer of V1/bulk/{uuid}/status, read from JSON. progress: called with each state that was seen.
    Raises CallFailed, Unavailable; with reason "bulk-unfinished" when it is not done in time.
    """
    end, pause = time.monotonic() + timeout, FIRST_PAUSE
    while True:
        if result.open:
            result = _updated(result, status(result.uuid))
        if progress is not None:
            progress(result)
        if not result.open:
            return result
        if time.monotonic() + pause > end:
            left = f"{len(result.open)} of {len(result.operations)} items are open after {timeout:.0f} s"
            raise Unavailable("bulk-unfinished", f"{left}; bulk {result.uuid}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def rejection(body: bytes) -> CallRefused | None:
    """The error that an accepted call (202) stands for; None where the store took every item."""
    try:
        answer = json.loads(body)
        if answer["errors"] is not True:
            return None
        asked = [one for one in answer["request_items"] if one.get("status") == "rejected"]
        return _refused([(one.get("id"), _words(one.get("error_message"))) for one in asked])
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _refused(reasons: list[tuple[Any, str]]) -> CallRefused:
    named = "; ".join(f"item {index}: {words or 'no reason given'}" for index, words in reasons[:MAX_REASONS])
    more = f"; and {len(reasons) - MAX_REASONS} more" if len(reasons) > MAX_REASONS else ""
    return CallRefused("bulk-rejected", f"{len(reasons)} rejected: {named}{more}", 202)


def _updated(result: BulkResult, answer: Any) -> BulkResult:
    operations = list(result.operations)
    try:
        for nth, seen in enumerate(answer["operations_list"]):
            index = int(seen.get("id", nth))
            if 0 <= index < len(operations) and operations[index].status == "open":
                status = STATUSES.get(int(seen["status"]), "failed")
                operations[index] = _seen(operations[index], status, seen.get("result_message"), seen)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CallRefused("no-bulk", "", 200) from None
    return replace(result, operations=operations)


def _seen(operation: BulkOperation, status: str, message: Any, seen: Any) -> BulkOperation:
    code = seen.get("error_code")
    return replace(operation, status=status, message=_words(message), error_code=None if code is None else str(code))


def _words(text: Any) -> str:
    return store_words(text) if isinstance(text, str) else ""
