"""An app of a vendor: it keeps each connected store's catalogue, and writes its stock every hour.

`store_connected` and `store_disconnected` receive Storelink's events, `write_stock` runs by a schedule. EventBridge
delivers an event at least once, so each gives the same result when it runs again.
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3

import storelink

STORES = "stores"
"""The one partition of the table: a query lists all stores. With thousands of stores, use several."""

STOCK_FILE = "stock.json"
"""The vendor's own stock in the bucket: quantities by SKU."""

BATCH = 100
"""Source items of one call."""


def store_connected(event: dict[str, Any], context: object) -> dict[str, int]:
    """Keep the catalogue of the store that connected, note the store, and write its stock."""
    detail = event["detail"]
    shop = storelink.connect(detail["store_url"])
    products = list(shop.search("products", {"status": 1}, sort="entity_id", fields=["sku", "name", "price"]))
    lines = "".join(f"{json.dumps(product)}\n" for product in products)
    bucket().put_object(Key=catalogue(detail["connection_id"]), Body=lines.encode())
    table().put_item(Item={**key(detail["connection_id"]), "store_url": detail["store_url"]})
    return {"products": len(products), "written": write(detail["connection_id"], detail["store_url"])}


def store_disconnected(event: dict[str, Any], context: object) -> None:
    """Forget the store that disconnected: nothing is written to it any more."""
    table().delete_item(Key=key(event["detail"]["connection_id"]))


def write_stock(event: dict[str, Any], context: object) -> dict[str, int]:
    """Write the stock of all connected stores. A store that cannot take it now does not stop the others."""
    written, failed = 0, 0
    for store in stores():
        try:
            written += write(store["connection_id"], store["store_url"])
        except storelink.StorelinkError as error:
            failed += 1
            print(json.dumps({"store": store["connection_id"], "reason": error.reason, "advice": error.advice}))
    return {"written": written, "failed": failed}


def write(connection_id: str, store_url: str) -> int:
    """Write the vendor's stock to one store, for the products that it sells. Return their number."""
    stock = json.loads(read(STOCK_FILE))
    sold = [json.loads(line)["sku"] for line in read(catalogue(connection_id)).splitlines()]
    items = [source_item(sku, stock[sku]) for sku in sold if sku in stock]
    shop = storelink.connect(store_url)
    for first in range(0, len(items), BATCH):
        body = {"sourceItems": items[first : first + BATCH]}
        shop.post("V1/inventory/source-items", json=body).raise_for_status()
    return len(items)


def source_item(sku: str, quantity: float) -> dict[str, Any]:
    """Return what Magento takes for one product's stock in the default source."""
    return {"sku": sku, "source_code": "default", "quantity": quantity, "status": 1 if quantity > 0 else 0}


def stores() -> Iterator[dict[str, Any]]:
    """Return the connected stores, page by page."""
    query: dict[str, Any] = {
        "KeyConditionExpression": "#partition = :stores",
        "ExpressionAttributeNames": {"#partition": "partition"},
        "ExpressionAttributeValues": {":stores": STORES},
    }
    while True:
        page = table().query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def key(connection_id: str) -> dict[str, str]:
    """Return the key of a store's row."""
    return {"partition": STORES, "connection_id": connection_id}


def catalogue(connection_id: str) -> str:
    """Return the name of a store's catalogue in the bucket."""
    return f"catalogues/{connection_id}.jsonl"


def read(name: str) -> str:
    """Return a file of the bucket."""
    return str(bucket().Object(name).get()["Body"].read(), "utf-8")


@cache  # to make one takes longer than a call
def table() -> Any:
    """Return the app's table."""
    return boto3.resource("dynamodb").Table(os.environ["STORES_TABLE"])


@cache
def bucket() -> Any:
    """Return the app's bucket."""
    return boto3.resource("s3").Bucket(os.environ["BUCKET"])
