"""Customers and admins log in to the sandbox store as to Magento."""

import base64
import json

import pytest
import requests

from storelink.testing.sandbox.accounts import OTP, PASSWORD
from tests.testing.sandbox.shop import Shop, call

CUSTOMER = "integration/customer/token"
ADMIN = "integration/admin/token"
TWO_FACTOR = "tfa/provider/google/authenticate"


def log_in(shop: Shop, endpoint: str, username: str, **more: str) -> requests.Response:
    body = {"username": username, "password": PASSWORD, **more}
    return call("POST", f"{shop.store.base_url}rest/V1/{endpoint}", json=body)


def get(shop: Shop, path: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return call("GET", f"{shop.store.base_url}rest/V1/{path}", headers=headers).status_code


@pytest.mark.parametrize(("endpoint", "username"), [(CUSTOMER, "customer@shop.example"), (ADMIN, "admin")])
def test_a_token_lasts_one_hour_and_says_so(shop: Shop, endpoint: str, username: str) -> None:
    token = log_in(shop, endpoint, username).json()
    part = token.split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert payload["exp"] - payload["iat"] == 3600
    path = "customers/me" if endpoint == CUSTOMER else "modules"
    assert get(shop, path, token) == 200
    shop.store.set_clock(3601)
    assert get(shop, path, token) == 401


def test_an_admins_token_lasted_four_hours_before_2_4_4(shop: Shop) -> None:
    shop.store.accounts.opaque = True
    token = log_in(shop, ADMIN, "admin").json()
    assert len(token) == 32
    shop.store.set_clock(4 * 3600 - 10)
    assert get(shop, "modules", token) == 200
    shop.store.set_clock(4 * 3600 + 10)
    assert get(shop, "modules", token) == 401


def test_revoke_ends_all_tokens_of_the_customer_and_of_no_other(shop: Shop) -> None:
    first, second = (log_in(shop, CUSTOMER, "customer@shop.example").json() for _ in range(2))
    other = log_in(shop, CUSTOMER, "second@shop.example").json()
    url = f"{shop.store.base_url}rest/V1/integration/customer/revoke-customer-token"
    assert call("POST", url, headers={"Authorization": f"Bearer {first}"}).json() is True
    assert [get(shop, "customers/me", token) for token in (first, second, other)] == [401, 401, 200]


@pytest.mark.parametrize(
    ("username", "message"),
    [
        ("careful", "Please use the 2fa provider-specific endpoints to obtain a token."),
        ("unconfigured", "You are required to configure personal Two-Factor Authorization in order to login."),
        ("undelivered", "Failed to send the message. Please contact the administrator"),
        ("unassigned", "Please ask an administrator with sufficient access to configure 2FA first"),
    ],
)
def test_the_plain_endpoint_refuses_an_admin_with_a_second_factor(shop: Shop, username: str, message: str) -> None:
    answer = log_in(shop, ADMIN, username)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_the_second_factor_gives_the_token(shop: Shop) -> None:
    token = log_in(shop, TWO_FACTOR, "careful", otp=OTP).json()
    assert get(shop, "modules", token) == 200
    wrong = log_in(shop, TWO_FACTOR, "careful", otp="000000")
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Invalid code.")


@pytest.mark.parametrize("username", ["unconfigured", "undelivered", "unassigned"])
def test_a_second_factor_that_is_not_configured_gives_none(shop: Shop, username: str) -> None:
    answer = log_in(shop, TWO_FACTOR, username, otp=OTP)
    assert (answer.status_code, answer.json()["message"]) == (400, "Provider is not configured.")


def test_six_wrong_passwords_lock_an_account_for_half_an_hour(shop: Shop) -> None:
    for _ in range(6):
        assert log_in(shop, ADMIN, "admin", password="wrong").status_code == 401
    assert log_in(shop, ADMIN, "admin").status_code == 401
    shop.store.set_clock(1801)
    assert log_in(shop, ADMIN, "admin").status_code == 200
