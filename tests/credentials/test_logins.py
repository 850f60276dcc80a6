"""`storelink.login`, `POST /logins` and `storelink.kept_login`: sessions by a user's token."""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

import storelink
from storelink.client import session as client_session
from storelink.credentials import logins
from storelink.credentials.logins import LoginRequest
from storelink.magento import login as magento_login
from storelink.testing.sandbox.accounts import OTP, PASSWORD
from tests.world import World, request

CUSTOMER = "customer@shop.example"
WRONG = "not-the-password"
ORDER = "V1/orders/4"


def log_in(world: World, **fields: Any) -> dict[str, Any]:
    """What POST /logins answers: its status and its body, read."""
    body = {"store_url": world.url, "username": "admin", "password": PASSWORD, **fields}
    answer = world.call("LoginsFunction", request("POST", "/logins", body=json.dumps(body)))
    return {"status": answer["statusCode"], **json.loads(answer["body"])}


def in_four_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tokens be over, by this machine's clock."""
    later = time.time() + 4 * 3600
    monkeypatch.setattr(magento_login, "time", SimpleNamespace(time=lambda: later))


def logins_asked(world: World) -> int:
    return int(world.shop.state()["requests"]["rest"])


class TestALogin:
    def test_of_an_admin_reads_what_an_admin_may(self, world: World) -> None:
        shop = storelink.login(world.url, "admin", PASSWORD)
        assert shop.get(ORDER).json()["entity_id"] == 4
        assert len(list(shop.search("products", {"status": 2}))) == 25
        assert shop.get("V1/customers/me").status_code == 401

    def test_of_a_customer_reads_their_own(self, world: World) -> None:
        shop = storelink.login(world.url, CUSTOMER, PASSWORD, customer=True)
        assert shop.get("V1/customers/me").json()["email"] == CUSTOMER
        with pytest.raises(storelink.NotAuthorized) as refused:
            shop.get(ORDER).raise_for_status()
        assert refused.value.resource == "Magento_Sales::actions_view"

    def test_with_a_second_factor_takes_the_one_time_password(self, world: World) -> None:
        with pytest.raises(storelink.TwoFactorNeeded) as refused:
            storelink.login(world.url, "careful", PASSWORD)
        assert refused.value.reason == "two-factor"
        assert "otp" in refused.value.advice
        shop = storelink.login(world.url, "careful", PASSWORD, otp=OTP)
        assert shop.get(ORDER).status_code == 200

    def test_with_a_wrong_one_time_password_says_so(self, world: World) -> None:
        with pytest.raises(storelink.LoginRefused) as refused:
            storelink.login(world.url, "careful", PASSWORD, otp="000000")
        assert refused.value.reason == "otp-refused"

    def test_of_a_customer_has_no_second_factor(self, world: World) -> None:
        with pytest.raises(storelink.Invalid, match="otp"):
            storelink.login(world.url, CUSTOMER, PASSWORD, customer=True, otp=OTP)
        assert logins_asked(world) == 0

    @pytest.mark.parametrize(
        ("opaque", "customer", "hours"),
        [(False, True, 1), (False, False, 1), (True, True, 1), (True, False, 4)],
        ids=["a JWT of a customer", "a JWT of an admin", "a customer before 2.4.4", "an admin before 2.4.4"],
    )
    def test_knows_until_when_it_lasts(self, world: World, customer: bool, hours: int, opaque: bool) -> None:
        world.shop.accounts.opaque = opaque
        shop = storelink.login(world.url, CUSTOMER if customer else "admin", PASSWORD, customer=customer)
        left = (shop.expires_at - datetime.now(UTC)).total_seconds()
        assert hours * 3600 - 60 < left <= hours * 3600

    @pytest.mark.parametrize("trouble", ["maintenance", "rate_limit", "drop", "drop_before", "internal_error", "html"])
    def test_is_asked_for_once_whatever_happens(self, world: World, trouble: str) -> None:
        world.shop.trouble(trouble, endpoint="rest")
        with pytest.raises(storelink.Unavailable):
            storelink.login(world.url, "admin", PASSWORD)
        assert logins_asked(world) == 1

    def test_follows_no_redirect(self, world: World) -> None:
        world.shop.trouble("redirect", endpoint="rest")
        with pytest.raises(storelink.CallRefused, match="redirected"):
            storelink.login(world.url, "admin", PASSWORD)

    def test_is_refused_for_a_wrong_password_and_then_for_a_lock_in_the_same_words(self, world: World) -> None:
        for _ in range(6):
            with pytest.raises(storelink.LoginRefused) as refused:
                storelink.login(world.url, "admin", WRONG)
            assert refused.value.reason == "login-refused"
            assert "locked" in refused.value.advice
        with pytest.raises(storelink.LoginRefused) as locked:
            storelink.login(world.url, "admin", PASSWORD)
        assert locked.value.problem == refused.value.problem
        world.shop.set_clock(1801)
        assert storelink.login(world.url, "admin", PASSWORD).get(ORDER).status_code == 200

    def test_goes_to_public_stores_over_https_only(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:

        monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "false")
        for url, reason in ((world.url, "insecure-store"), ("https://127.0.0.1/", "address-not-public")):
            with pytest.raises(storelink.Rejected) as refused:
                storelink.login(url, "admin", PASSWORD)
            assert refused.value.reason == reason
        assert logins_asked(world) == 0

    def test_that_is_over_makes_no_call(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        shop = storelink.login(world.url, "admin", PASSWORD)
        before = logins_asked(world)
        in_four_hours(monkeypatch)
        with pytest.raises(storelink.Rejected) as over:
            shop.get(ORDER)
        assert over.value.reason == "login-expired"
        assert logins_asked(world) == before

    def test_of_a_customer_is_revoked_at_its_end(self, world: World) -> None:
        shop = storelink.login(world.url, CUSTOMER, PASSWORD, customer=True)
        token = shop._kept.current().login.token
        shop.logout()
        assert world.shop.accounts.kind_of(token) is None
        with pytest.raises(storelink.Rejected) as over:
            shop.get("V1/customers/me")
        assert over.value.reason == "login-expired"

    def test_of_an_admin_is_forgotten_at_its_end(self, world: World) -> None:
        shop = storelink.login(world.url, "admin", PASSWORD)
        before = logins_asked(world)
        shop.logout()
        assert logins_asked(world) == before
        with pytest.raises(storelink.Rejected):
            shop.get(ORDER)

    def test_that_cannot_be_revoked_is_still_there(self, world: World) -> None:
        shop = storelink.login(world.url, CUSTOMER, PASSWORD, customer=True)
        world.shop.trouble("maintenance", endpoint="rest", times=1)
        with pytest.raises(storelink.NotNow):
            shop.logout()
        assert shop.get("V1/customers/me").status_code == 200


def everything_in(value: Any, depth: int = 0) -> str:
    """All that an object holds, to be searched."""
    inner = getattr(value, "__dict__", {})
    return repr(value) + " ".join(everything_in(one, depth + 1) for one in inner.values() if depth < 6)


def test_the_password_is_kept_nowhere_and_the_token_shown_nowhere(world: World) -> None:
    shop = storelink.login(world.url, "careful", PASSWORD, otp=OTP)
    bearer = shop._kept.current()
    held = everything_in(shop)
    assert bearer.login.token in held
    assert PASSWORD not in held
    assert OTP not in held
    for shown in (shop, vars(shop), shop._kept, vars(shop._kept), bearer, vars(bearer)):
        assert bearer.login.token not in repr(shown)
    asked = LoginRequest.from_request({"store_url": world.url, "username": "a", "password": PASSWORD, "otp": OTP})
    assert PASSWORD not in repr(asked)
    assert OTP not in repr(asked)


class TestAKeptLogin:
    def test_is_made_by_an_operator_and_used_by_an_app(self, world: World) -> None:
        told = log_in(world)
        assert told["status"] == 201
        assert told.keys() == {"status", "store_url", "kind", "secret_arn", "expires_at"}
        assert told["kind"] == "admin"
        shop = storelink.kept_login(world.url, "admin")
        assert shop.get(ORDER).status_code == 200
        assert shop.expires_at == datetime.fromisoformat(told["expires_at"])

    def test_is_of_one_user_of_one_kind(self, world: World) -> None:
        log_in(world)
        for username, customer in (("admin", True), ("someone", False)):
            with pytest.raises(storelink.Invalid) as missing:
                storelink.kept_login(world.url, username, customer)
            assert missing.value.reason == "not-logged-in"
        told = log_in(world, username=CUSTOMER, customer=True)
        assert (told["status"], told["kind"]) == (201, "customer")
        assert storelink.kept_login(world.url, CUSTOMER, customer=True).get("V1/customers/me").status_code == 200

    def test_keeps_no_password_and_names_no_user(self, world: World) -> None:
        told = log_in(world, username="careful", otp=OTP)
        kept = world.aws.client("secretsmanager").get_secret_value(SecretId=told["secret_arn"])
        assert json.loads(kept["SecretString"]).keys() == {"token", "kind", "expires_at"}
        assert "careful" not in kept["Name"]
        assert kept["Name"].startswith(f"{world.aws.stack}/logins/{world.store.connection_id}/")

    def test_that_is_over_says_so(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        log_in(world)
        in_four_hours(monkeypatch)
        with pytest.raises(storelink.Rejected) as over:
            storelink.kept_login(world.url, "admin")
        assert over.value.reason == "login-expired"
        assert "Log in again" in over.value.advice

    def test_is_read_again_when_it_is_over_and_was_made_anew(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = log_in(world)
        shop = storelink.kept_login(world.url, "admin")
        in_four_hours(monkeypatch)
        world.shop.set_clock(4 * 3600)
        assert log_in(world)["secret_arn"] == first["secret_arn"]
        assert shop.get(ORDER).status_code == 200

    def test_comes_back_where_its_secret_was_to_be_deleted(self, world: World) -> None:
        arn = log_in(world)["secret_arn"]
        world.aws.client("secretsmanager").delete_secret(SecretId=arn, RecoveryWindowInDays=7)
        with pytest.raises(storelink.Invalid):
            storelink.kept_login(world.url, "admin")
        assert log_in(world)["secret_arn"] == arn
        assert storelink.kept_login(world.url, "admin").get(ORDER).status_code == 200

    def test_needs_the_stacks_name(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("STORELINK_STACK")
        with pytest.raises(storelink.Invalid, match="STORELINK_STACK"):
            storelink.kept_login(world.url, "admin")


class TestTheOperatorsCall:
    @pytest.mark.parametrize(
        ("fields", "status", "error"),
        [
            ({"password": WRONG}, 422, "login-refused"),
            ({"username": "careful"}, 422, "two-factor"),
            ({"username": "careful", "otp": "000000"}, 422, "otp-refused"),
            ({"username": CUSTOMER}, 422, "login-refused"),
        ],
    )
    def test_says_why_the_store_refused(self, world: World, fields: dict[str, Any], status: int, error: str) -> None:
        told = log_in(world, **fields)
        assert (told["status"], told["error"]) == (status, error)
        assert told["advice"]
        assert logins_asked(world) == 1

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"store_url": "ftp://shop.example"}, "store_url"),
            ({"store_url": None}, "store_url"),
            ({"username": ""}, "username"),
            ({"username": 7}, "username"),
            ({"password": None}, "password"),
            ({"password": "x" * 513}, "password"),
            ({"otp": 123456}, "otp"),
            ({"otp": ""}, "otp"),
            ({"customer": "yes"}, "customer"),
            ({"kind": "customer"}, "kind"),
            ({"customer": True, "otp": OTP}, "otp"),
        ],
    )
    def test_names_what_is_wrong_and_asks_nobody(self, world: World, fields: dict[str, Any], named: str) -> None:
        told = log_in(world, **fields)
        assert (told["status"], list(told["fields"])) == (400, [named])
        assert logins_asked(world) == 0

    def test_says_that_the_store_is_away(self, world: World) -> None:
        world.shop.trouble("maintenance", endpoint="rest")
        told = log_in(world)
        assert (told["status"], told["error"]) == (503, "call-later")

    def test_shows_no_secret_in_answers_or_logs(
        self, world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        came = [
            log_in(world, username="careful", otp=OTP),
            log_in(world, username="careful", password=WRONG, otp=OTP),
            log_in(world, username="careful", otp="715002"),
            log_in(world, password=7),
        ]
        name = logins.secret_name(world.aws.stack, world.store, "careful", "admin")
        kept = world.aws.client("secretsmanager").get_secret_value(SecretId=name)
        written = capfd.readouterr()
        out = json.dumps(came) + written.out + written.err + caplog.text
        for secret in (PASSWORD, WRONG, OTP, "715002", json.loads(kept["SecretString"])["token"]):
            assert secret not in out
        assert not re.search(r"careful|admin@", out)


@pytest.mark.parametrize(
    "token", ["", "a.b.c", "a..c", "a.bm90IGpzb24.c", "a.W10.c", "a.eyJleHAiOiJ4In0.c", "a." + "A" * 9]
)
def test_a_token_that_is_no_jwt_does_not_say_when_it_ends(token: str) -> None:
    assert magento_login._expiry(token) is None


def test_the_guarded_session_is_the_same_for_both(world: World) -> None:
    shop: Callable[..., Any] = storelink.login(world.url, "admin", PASSWORD).get
    with pytest.raises(storelink.Invalid):
        shop("https://elsewhere.example/")
    assert issubclass(storelink.LoginSession, client_session.StoreSession)
