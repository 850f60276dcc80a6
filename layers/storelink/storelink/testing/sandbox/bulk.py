"""Magento's asynchronous and bulk API (Magento_WebapiAsync, Magento_AsynchronousOperations), in memory.

A bulk's operations are open when it is accepted. Each look at its status completes a third of them, at least one.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from storelink.testing.sandbox.refusal import Refused

COMPLETE, NOT_RETRIABLY_FAILED, OPEN = 1, 3, 4  # Magento\Framework\Bulk\OperationInterface


@dataclass
class Operation:
    """One accepted item. run: does what it asks for. message: why it failed."""

    number: int
    run: Callable[[], object]
    message: str | None = None
    status: int = OPEN

    def complete(self) -> None:
        """Do what the item asks for."""
        try:
            self.run()
        except Refused as refused:
            self.status, self.message = NOT_RETRIABLY_FAILED, refused.problem
        else:
            self.status = COMPLETE

    def to_dict(self) -> dict[str, Any]:
        is_done = self.status != OPEN
        return {
            "id": self.number,
            "status": self.status,
            "result_message": (self.message or "Service execution success") if is_done else None,
            "error_code": 0 if is_done and self.message else None,
        }


@dataclass
class Bulk:
    topic: str
    started_at: float
    operations: list[Operation] = field(default_factory=list)

    def advance(self) -> None:
        """Complete a third of the operations, at least one."""
        still_open = [operation for operation in self.operations if operation.status == OPEN]
        for operation in still_open[: max(1, len(self.operations) // 3)]:
            operation.complete()


class Bulks:
    """The bulks of one store, by their UUID. Every method may be called from any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._bulks: dict[str, Bulk] = {}

    def accept(self, method: str, route: str, items: list[Any], run: Callable[[Any], object]) -> dict[str, Any]:
        """Return the answer to items that are posted. route: after V1/, such as `products`. run: does one of them."""
        identity = str(uuid.uuid4())
        bulk = Bulk(f"async.{route.replace('/', '.')}.{method.lower()}", self._now())
        answers = []
        for number, item in enumerate(items):
            problem = _rejection(item)
            answers.append(_answer(number, item, problem))
            if problem is None:
                bulk.operations.append(Operation(number, partial(run, item)))
        with self._lock:
            self._bulks[identity] = bulk
        rejected = any(answer["status"] == "rejected" for answer in answers)
        return {"bulk_uuid": identity, "request_items": answers, "errors": rejected}

    def status(self, identity: str) -> dict[str, Any]:
        """Return a bulk's status, after which a part of it is done. Raises Refused for an unknown one."""
        with self._lock:
            bulk = self._found(identity)
            answer = {
                "operations_list": [operation.to_dict() for operation in bulk.operations],
                "user_type": 1,
                "bulk_id": identity,
                "description": f"Topic {bulk.topic}",
                "start_time": datetime.fromtimestamp(bulk.started_at, UTC).strftime("%Y-%m-%d %H:%M:%S"),
                "user_id": 1,
                "operation_count": len(bulk.operations),
            }
            bulk.advance()
            return answer

    def count(self, identity: str, status: int) -> int:
        """Return how many operations of a bulk have a status. Raises Refused for an unknown bulk."""
        with self._lock:
            return sum(operation.status == status for operation in self._found(identity).operations)

    def _found(self, identity: str) -> Bulk:
        if identity not in self._bulks:
            named = {"fieldName": "uuid", "fieldValue": identity}
            raise Refused(404, "No such entity with %fieldName = %fieldValue", named)
        return self._bulks[identity]


def _answer(number: int, item: Any, problem: str | None) -> dict[str, Any]:
    if problem:
        return {"id": number, "data_hash": None, "status": "rejected", "error_message": problem, "error_code": 0}
    digest = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
    return {"id": number, "data_hash": digest, "status": "accepted"}


def _rejection(item: Any) -> str | None:
    """Return why an item is not accepted, None when it is."""
    if not isinstance(item, dict) or not item:
        return "Error processing element of input data"
    product = item.get("product", {"sku": "-"})
    if not isinstance(product, dict) or not product.get("sku"):
        return '"product" is required. Enter and try again.'
    return None
