"""The app's tests: a sandbox store for Magento, moto for AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import app
import boto3
import pytest
import yaml
from moto import mock_aws

from storelink import StoreSession
from storelink.testing import events
from storelink.testing.connection import connected
from storelink.testing.sandbox import Sandbox, SandboxStore

TEMPLATE = Path(__file__).parent / "template.yaml"
STOCK = {"24-SH001": 12, "24-WA002": 0, "NOT-SOLD": 5}


class Reader(yaml.SafeLoader):
    """Reads a template."""


def without_functions(*_: object) -> None:
    """Leave out what is no plain YAML, such as !Ref."""


Reader.add_multi_constructor("!", without_functions)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The app's table, as the template has it, and its bucket with the stock."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("STORES_TABLE", "stores")
    monkeypatch.setenv("BUCKET", "stock-sync")
    template = yaml.load(TEMPLATE.read_text(), Reader)  # noqa: S506  a safe loader
    properties = template["Resources"]["StoresTable"]["Properties"]
    with mock_aws():
        boto3.client("dynamodb").create_table(TableName="stores", **properties)
        app.bucket().create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        app.bucket().put_object(Key=app.STOCK_FILE, Body=json.dumps(STOCK).encode())
        yield


def quantity(shop: StoreSession, sku: str) -> float:
    return float(shop.get("V1/stockItems/{sku}", path={"sku": sku}).json()["qty"])


def connect(store: SandboxStore) -> dict[str, int]:
    return app.store_connected(events.store_connected(store.base_url), None)


def test_a_store_that_connects_gets_its_stock(connected_shop: StoreSession, sandbox_store: SandboxStore) -> None:
    assert connect(sandbox_store) == {"products": 225, "written": 2}
    assert quantity(connected_shop, "24-SH001") == 12
    assert connected_shop.get("V1/stockItems/24-WA002").json()["is_in_stock"] is False
    (store,) = app.stores()
    lines = app.read(app.catalogue(store["connection_id"])).splitlines()
    assert json.loads(lines[0]) == {"sku": "24-SH001", "name": "Shirt 1", "price": 6}


@pytest.mark.usefixtures("connected_shop")
def test_an_event_that_comes_twice_changes_nothing_more(sandbox_store: SandboxStore) -> None:
    assert connect(sandbox_store) == connect(sandbox_store)
    assert len(list(app.stores())) == 1


def test_the_stock_is_written_every_hour(connected_shop: StoreSession, sandbox_store: SandboxStore) -> None:
    connect(sandbox_store)
    app.bucket().put_object(Key=app.STOCK_FILE, Body=b'{"24-SH001": 3}')
    assert app.write_stock({}, None) == {"written": 1, "failed": 0}
    assert quantity(connected_shop, "24-SH001") == 3


def test_a_store_that_disconnects_gets_no_more_stock(connected_shop: StoreSession, sandbox_store: SandboxStore) -> None:
    connect(sandbox_store)
    app.store_disconnected(events.store_disconnected(sandbox_store.base_url, reason="revoked"), None)
    calls = len(sandbox_store.calls)
    assert app.write_stock({}, None) == {"written": 0, "failed": 0}
    assert len(sandbox_store.calls) == calls


def test_a_store_that_refuses_does_not_stop_the_others(
    sandbox_server: Sandbox, sandbox_store: SandboxStore, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sandbox_server.store("other")
    with connected(sandbox_store, other):
        for store in (sandbox_store, other):
            connect(store)
        sandbox_store.trouble("revoked", endpoint="rest")
        assert app.write_stock({}, None) == {"written": 2, "failed": 1}
    assert json.loads(capsys.readouterr().out)["reason"] == "revoked"


def test_many_products_are_written_in_batches(
    connected_shop: StoreSession, sandbox_store: SandboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "BATCH", 1)
    connect(sandbox_store)
    assert sandbox_store.calls.count(("POST", "rest/V1/inventory/source-items", 200)) == 2
    assert quantity(connected_shop, "24-SH001") == 12
