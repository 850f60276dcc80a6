"""A sandbox store's customers (Magento_Customer)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from storelink.testing.sandbox import body
from storelink.testing.sandbox.body import INVALID_VALUE, Fields
from storelink.testing.sandbox.refusal import Refused

NO_CUSTOMER = "No such entity with %fieldName = %fieldValue"
KNOWN_EMAIL = "A customer with the same email address already exists in an associated website."
CUSTOMER = body.types(
    int="id group_id gender store_id website_id disable_auto_group_change",
    string="email firstname middlename lastname prefix suffix dob taxvat created_at updated_at",
    mixed="addresses custom_attributes extension_attributes",
)


class Customers:
    """The customers by their id. It is not safe for threads: the store locks. now: the store's time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._customers: dict[int, Fields] = {}
        for name in ("customer", "second"):
            self._store({"email": f"{name}@shop.example", "firstname": name.capitalize(), "lastname": "Customer"}, None)

    def items(self) -> list[Fields]:
        """Return all customers."""
        return list(self._customers.values())

    def get(self, number: int) -> Fields:
        """Return a customer. Raises Refused."""
        if number not in self._customers:
            raise Refused(404, NO_CUSTOMER, {"fieldName": "customerId", "fieldValue": str(number)})
        return self._customers[number]

    def save(self, given: Any, number: int | None) -> Fields:
        """Make a customer (None), or change one. Raises Refused."""
        customer = body.fields(given, "customer", CUSTOMER)
        known = {} if number is None else self.get(number)
        changed = known | {name: value for name, value in customer.items() if value is not None}
        body.together(_problems(changed))
        taken = [one["id"] for one in self._customers.values() if one["email"].lower() == changed["email"].lower()]
        if any(one != number for one in taken):
            raise Refused(400, KNOWN_EMAIL)
        return self._store(changed, number)

    def delete(self, number: int) -> bool:
        """Delete a customer. Raises Refused."""
        self.get(number)
        del self._customers[number]
        return True

    def _store(self, customer: Fields, number: int | None) -> Fields:
        time = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%d %H:%M:%S")
        number = max(self._customers, default=0) + 1 if number is None else number
        usual = {"group_id": 1, "store_id": 1, "website_id": 1, "addresses": [], "created_at": time}
        self._customers[number] = usual | customer | {"id": number, "entity_id": number, "updated_at": time}
        return self._customers[number]


def _problems(customer: Fields) -> list[Refused]:
    """Return what Magento finds wrong with a customer."""
    problems = [body.required(name) for name in ("firstname", "lastname") if not str(customer.get(name) or "").strip()]
    email = customer.get("email")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", str(email or "")):
        problems.append(Refused(400, INVALID_VALUE, {"fieldName": "email", "value": str(email or "")}))
    return problems
