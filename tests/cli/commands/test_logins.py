"""`storelink login`."""

import io
import sys
from datetime import UTC, datetime

import pytest

from storelink.testing.sandbox.accounts import OTP, PASSWORD
from storelink_cli.errors import Exit
from tests.cli.conftest import Storelink, parsed, refused


def test_a_user_is_logged_in_and_the_token_stored(shop: str, local: Storelink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_PASSWORD", PASSWORD)
    made = parsed(local("login", shop, "customer@shop.example", "--customer", "--json"))
    assert (made["store_url"], made["kind"]) == (shop, "customer")
    assert datetime.fromisoformat(made["expires_at"]) > datetime.now(UTC)
    assert "expires at: 20" in local("login", shop, "admin").out
    refused(local("login", shop, "careful"), Exit.REFUSED, "2fa")
    monkeypatch.setenv("STORELINK_OTP", OTP)
    assert parsed(local("login", shop, "careful", "--otp", "--json"))["kind"] == "admin"


def test_a_password_comes_from_standard_input_and_is_not_printed(
    shop: str, local: Storelink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n{OTP}\n"))
    result = local("login", shop, "careful", "--otp")
    assert result.code == Exit.DONE
    assert PASSWORD not in result.out + result.err
    refused(local("login", shop, "careful"), Exit.USAGE, "Password is missing")
