"""A sandbox store verifies in the dialect that it is started with, that its admin page sets, or a control."""

from typing import Any

import pytest
import requests

from storelink.testing.sandbox import serve
from storelink.testing.sandbox.signature import DIALECTS
from tests.testing.sandbox.shop import SIGNATURE_INVALID, Shop, call, command, control

TELLING = {
    "rest/V1/modules?a1=1&a2=2&a10=3": {"native", "native_double"},
    "rest/V1/modules?a.b=1": {"zend", "laminas", "magento_uri", "double"},
    "rest/V1/modules?a=%20": {"zend", "laminas", "magento_uri", "native", "native_double"},
    "rest/V1/modules?a%5Bb%5D=%20": {"zend", "laminas", "magento_uri", "native"},
    "rest/V1/products/A%2CB": {"zend", "magento_uri", "double", "native", "native_double"},
    "rest/V1/products/A!B": {"zend", "native", "native_double"},
}
"""Calls that are signed by the RFC, and the dialects that accept them."""


def is_refused(answer: requests.Response) -> bool:
    return answer.status_code == 401 and answer.json()["message"] == SIGNATURE_INVALID


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_is_verified_in_the_stores_dialect(shop: Shop, dialect: str) -> None:
    assert shop.store.dialect == "laminas"
    assert control(shop, "dialect", dialect=dialect).json() == {"dialect": dialect}
    shop.activated().connected()
    accepted = {path for path in TELLING if not is_refused(shop.get(path))}
    assert accepted == {path for path, dialects in TELLING.items() if dialect in dialects}
    assert shop.store.state()["dialect"] == dialect


def test_a_store_is_started_in_a_dialect() -> None:
    with serve(dialect="native") as sandbox:
        assert sandbox.store().dialect == sandbox.store("another").dialect == "native"
    with (
        pytest.raises(ValueError, match="There is no dialect 'klingon'; take one of zend, laminas"),
        serve(dialect="klingon"),
    ):
        pass


@pytest.mark.parametrize("wishes", [{}, {"dialect": "klingon"}, {"dialect": None}, {"dialect": 5}])
def test_an_unknown_dialect_is_refused(shop: Shop, wishes: dict[str, Any]) -> None:
    answer = control(shop, "dialect", **wishes)
    assert answer.status_code == 400
    assert "dialect" in answer.json()["message"]
    assert shop.store.dialect == "laminas"


@pytest.mark.parametrize("dialect", ["native", "native_double"])
def test_a_number_as_a_name_is_an_internal_error_of_the_native_dialects(shop: Shop, dialect: str) -> None:
    shop.activated().connected()
    assert shop.get("rest/V1/modules?7=1").status_code == 200
    shop.store.set_dialect(dialect)
    answer = shop.get("rest/V1/modules?7=1")
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("Internal Error. Details are available in Magento log file.")


@pytest.mark.parametrize(("length", "status"), [(8000, 200), (8001, 500)])
def test_a_long_query_is_an_internal_error_of_zend(shop: Shop, length: int, status: int) -> None:
    shop.activated().connected()
    path = f"rest/V1/modules?a={'x' * (length - 2)}"
    shop.store.set_dialect("zend")
    answer = shop.get(path)
    assert answer.status_code == status
    assert ("Internal Error" in answer.text) is (status == 500)
    shop.store.set_dialect("laminas")
    assert shop.get(path).status_code == 200


def test_a_token_step_that_makes_the_verifier_fail_is_an_internal_error(shop: Shop) -> None:
    shop.activated()
    shop.store.set_dialect("native")
    answer = shop.send("POST", "oauth/token/request?7=1", {})
    assert answer.status_code == 500
    assert answer.text.startswith("oauth_problem=internal_error%26message%3DInternal+Error.")
    assert shop.request().status_code == 200


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        (["--dialect", "zend"], {}, "zend"),
        ([], {"STORE_DIALECT": "native"}, "native"),
        (["--dialect", "double"], {"STORE_DIALECT": "native"}, "double"),
        ([], {"STORE_DIALECT": ""}, "laminas"),
    ],
)
def test_the_command_takes_a_dialect(arguments: list[str], variables: dict[str, str], expected: str) -> None:
    with command("--port", "0", *arguments, **variables) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert call("GET", f"{url}sandbox/state").json()["dialect"] == expected
        process.terminate()


@pytest.mark.parametrize(("arguments", "variables"), [(["--dialect", "x"], {}), ([], {"STORE_DIALECT": "x"})])
def test_the_command_refuses_an_unknown_dialect(arguments: list[str], variables: dict[str, str]) -> None:
    with command("--port", "0", *arguments, **variables) as process:
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert "'x'" in said
    assert "native_double" in said
