"""A sandbox store's orders: comments, invoices and shipments (Magento_Sales)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from storelink.testing.sandbox import body, catalog
from storelink.testing.sandbox.body import Fields
from storelink.testing.sandbox.refusal import Refused

NO_ENTITY = "The entity that was requested doesn't exist. Verify the entity and try again."
NO_ORDER = "The entity that was requested doesn't exist. Verify %fieldName = %fieldValue."
COMMENT = body.types(
    int="is_customer_notified is_visible_on_front entity_id parent_id",
    string="comment status entity_name created_at",
    mixed="extension_attributes",
)
ITEM = body.types(int="order_item_id", float="qty", mixed="extension_attributes")
TRACK = body.types(string="track_number title carrier_code", mixed="extension_attributes")


class Orders:
    """The orders with their documents. It is not safe for threads: the store locks. now: the store's time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        products = catalog.products("default")
        self._orders = {order["entity_id"]: _with_items(order, products) for order in catalog.orders("default")}
        self.invoices: dict[int, Fields] = {}
        self.shipments: dict[int, Fields] = {}
        self._comments: list[Fields] = []
        self._ids = count(1)

    def items(self) -> list[Fields]:
        """Return all orders."""
        return list(self._orders.values())

    def get(self, number: int) -> Fields:
        """Return an order by its entity id. Raises Refused."""
        if number not in self._orders:
            raise Refused(404, NO_ORDER, {"fieldName": "orderId", "fieldValue": str(number)})
        return self._orders[number]

    def comment(self, number: int, given: Any) -> bool:
        """Add a comment, which can change the order's status (POST orders/ID/comments). Raises Refused."""
        order = self.get(number)
        comment = body.fields(given, "statusHistory", COMMENT)
        if not comment.get("comment") and not comment.get("status"):
            raise body.required("comment")
        order["status"] = comment.get("status") or order["status"]
        stored = {"entity_id": next(self._ids), "parent_id": number, "created_at": self._time(), "entity_name": "order"}
        self._comments.append(comment | {"status": order["status"]} | stored)
        return True

    def comments(self, number: int) -> Fields:
        """Return an order's comments as a search does, the newest first. Raises Refused."""
        self.get(number)
        found = [comment for comment in reversed(self._comments) if comment["parent_id"] == number]
        return {"items": found, "search_criteria": {"filter_groups": []}, "total_count": len(found)}

    def invoice(self, number: int, given: Any) -> int:
        """Invoice an order or items of it (POST order/ID/invoice), and return the invoice's id. Raises Refused."""
        order = self.get(number)
        wanted = _wanted(order, given, "invoice", "qty_invoiced")
        made = self._document(order, wanted, "qty_invoiced")
        made["grand_total"] = round(sum(item["qty"] * item["price"] for item in made["items"]), 2)
        self.invoices[made["entity_id"]] = made
        return int(made["entity_id"])

    def ship(self, number: int, given: Any) -> int:
        """Ship an order or items of it (POST order/ID/ship), and return the shipment's id. Raises Refused."""
        order = self.get(number)
        wanted = _wanted(order, given, "shipment", "qty_shipped")
        tracks = body.rows(given, "tracks", TRACK) if isinstance(given, dict) and "tracks" in given else []
        if not all(track.get("track_number") for track in tracks):
            raise Refused(400, "Shipment Document Validation Error(s):\nPlease enter a tracking number.")
        made = self._document(order, wanted, "qty_shipped") | {"tracks": tracks}
        self.shipments[made["entity_id"]] = made
        return int(made["entity_id"])

    def _document(self, order: Fields, wanted: dict[int, float], counted: str) -> Fields:
        """Make an invoice or a shipment of items, and count them on the order, whose state follows."""
        items = []
        for item in order["items"]:
            if quantity := wanted.get(item["item_id"]):
                item[counted] += quantity
                shown = {name: item[name] for name in ("sku", "name", "price")}
                items.append(shown | {"order_item_id": item["item_id"], "qty": quantity})
        is_complete = all(item["qty_ordered"] == item["qty_invoiced"] == item["qty_shipped"] for item in order["items"])
        order["state"] = order["status"] = "complete" if is_complete else "processing"
        number = next(self._ids)
        ids = {"entity_id": number, "order_id": order["entity_id"], "increment_id": f"{number:09}"}
        return ids | {"created_at": self._time(), "items": items}

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%d %H:%M:%S")


def document(documents: dict[int, Fields], number: int) -> Fields:
    """Return an invoice or a shipment. Raises Refused."""
    if number not in documents:
        raise Refused(404, NO_ENTITY)
    return documents[number]


def _with_items(order: Fields, products: list[Fields]) -> Fields:
    """Return an order with two items, invoiced and shipped as far as its state says."""
    items = []
    for nth in range(2):
        product = products[(order["entity_id"] * 3 + nth) % len(products)]
        ordered = 1 + nth
        items.append(
            {
                "item_id": order["entity_id"] * 10 + nth,
                "order_id": order["entity_id"],
                "product_id": product["id"],
                "sku": product["sku"],
                "name": product["name"],
                "product_type": product["type_id"],
                "price": product["price"],
                "qty_ordered": ordered,
                "qty_invoiced": ordered if order["state"] in ("processing", "complete") else 0,
                "qty_shipped": ordered if order["state"] == "complete" else 0,
            }
        )
    return order | {"items": items}


def _wanted(order: Fields, given: Any, kind: str, counted: str) -> dict[int, float]:
    """Return the quantities that a call asks for, by order item; all that is left where it names none.

    Raises Refused with all that Magento's validators find.
    """
    left = {item["item_id"]: item["qty_ordered"] - item[counted] for item in order["items"]}
    named = isinstance(given, dict) and given.get("items")
    rows = body.rows(given, "items", ITEM) if named else []
    asked = {int(row.get("order_item_id") or 0): float(row.get("qty") or 0) for row in rows}
    wanted = asked if rows else left
    problems = [*_state_problems(order, kind, left), *_item_problems(order, kind, wanted, left)]
    if problems:
        raise Refused(400, f"{kind.capitalize()} Document Validation Error(s):\n" + "\n".join(problems))
    return wanted


def _state_problems(order: Fields, kind: str, left: dict[int, float]) -> list[str]:
    article = "An invoice" if kind == "invoice" else "A shipment"
    ended = ("canceled", "holded", "payment_review", *(("complete", "closed") if kind == "invoice" else ()))
    if order["state"] in ended:
        return [f"{article} cannot be created when an order has a status of {order['status']}"]
    if not any(left.values()):
        return [f"The order does not allow {article.lower()} to be created."]
    return []


def _item_problems(order: Fields, kind: str, wanted: dict[int, float], left: dict[int, float]) -> list[str]:
    verb = "invoice" if kind == "invoice" else "ship"
    skus = {item["item_id"]: item["sku"] for item in order["items"]}
    problems = []
    for number, quantity in wanted.items():
        if number not in left:
            problems.append(f"The {kind} contains one or more items that are not part of the original order.")
        elif quantity > left[number]:
            limit = "must not be greater than the unfulfilled quantity for product SKU"
            problems.append(f'The quantity to {verb} {limit} "{skus[number]}".')
    if not any(quantity > 0 for quantity in wanted.values()):
        without = {"invoice": "The invoice can't be created without products. Add products and try again."}
        problems.append(without.get(kind, "You can't create a shipment without products."))
    return problems
