"""The vendor's OpenID provider: the merchant signs in there, the connection is the tenant's; what is refused."""

import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests

from local.lambda_runtime import free_ports
from storelink.popup import openid, sign_in
from tests.popup.test_sign_in import BACK, OVER, Browser, begun, path_of, popup_of, refused
from tests.provider import CLIENT_SECRET, TROUBLES, Provider, serving
from tests.world import World, merchants_sign_in_at_the_provider

NOT_NOW = "cannot complete the sign-in at the moment"
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider, world: World, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """The provider as new, and the stack deployed with its OidcIssuer."""
    monkeypatch.setenv("STORELINK_APP_NAME", "Acme Sync")
    running.__init__(running.url)  # type: ignore[misc]
    merchants_sign_in_at_the_provider(world.aws, monkeypatch, running.url)
    return running


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


@pytest.fixture
def begin(world: World, provider: Provider) -> str:
    """Where the popup of a store that has just connected sends the merchant on to."""
    return begun(world)


def sent(browser: Browser, begin: str) -> str:
    """Where the browser is sent to sign in."""
    answer = browser.open(begin)
    assert answer["statusCode"] == 303, answer["body"]
    return str(answer["headers"]["Location"])


def signed_in(browser: Browser, begin: str) -> str:
    """Where the provider sends the browser back to, once the merchant has signed in."""
    answer = requests.get(sent(browser, begin), allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return path_of(answer.headers["Location"])


def state_of(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["state"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_the_merchant_signs_in_and_the_connection_is_the_tenants(
    world: World, browser: Browser, begin: str, provider: Provider, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.method = method
    if method == "none":
        monkeypatch.setenv("STORELINK_OIDC_CLIENT_SECRET_ARN", "")
    page = browser.open(popup_of(begin))["body"]
    assert "Sign in at 127.0.0.1" in page
    asked = browser.open(signed_in(browser, begin))
    assert "<dd><bdi>acme</bdi></dd>" in asked["body"]
    assert "tenant" not in world.connection()
    back = browser.click(asked)
    assert "<h1>Connected</h1>" in back["body"]
    assert f'href="{world.url}{BACK}"' in back["body"]
    assert 'data-follow="true"' in back["body"]
    assert world.connection()["tenant"] == "acme"
    assert "Store Claimed" in [kind for kind, _ in world.events()]
    assert "sign in to" not in browser.open(popup_of(begin))["body"]


def test_a_reload_shows_the_same_and_spends_no_code_again(browser: Browser, begin: str, provider: Provider) -> None:
    url = signed_in(browser, begin)
    assert "Is this your store?" in browser.open(url)["body"]
    first = browser.sign_in(url)["body"]
    connection = browser.world.connection()
    assert browser.sign_in(url)["body"] == first
    assert browser.world.connection() == connection
    assert len(provider.forms) == 1


def test_the_claim_that_names_the_tenant_can_be_another(
    browser: Browser, begin: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORELINK_OIDC_TENANT_CLAIM", "https://acme.example/account")
    refused(browser, signed_in(browser, begin), "did not learn which account")
    provider.claims = {"https://acme.example/account": "acme:7"}
    browser.sign_in(signed_in(browser, begin))
    assert browser.world.connection()["tenant"] == "acme:7"


WRONG_TOKENS: dict[str, dict[str, Any]] = {
    "of another sign-in": {"nonce": "0" * 32},
    "without its sign-in": {"nonce": None},
    "for another client": {"aud": "another"},
    "for another client, though issued to this one": {"aud": "another", "azp": "storelink client"},
    "for other clients, too": {"aud": ["storelink client", "another"]},
    "issued to another client": {"azp": "another"},
    "for other clients, and issued to one": {"aud": ["storelink client", "another"], "azp": "another"},
    "of another issuer": {"iss": "https://evil.example/"},
    "that is over": {"exp": int(time.time()) - 2 * sign_in.CLOCK_SKEW},
    "without an end": {"exp": None},
    "from the future": {"iat": int(time.time()) + 3600},
    "that holds later": {"nbf": int(time.time()) + 3600},
    "without a user": {"sub": None},
}


@pytest.mark.parametrize("changes", WRONG_TOKENS.values(), ids=list(WRONG_TOKENS))
def test_an_id_token_is_refused(browser: Browser, begin: str, provider: Provider, changes: dict[str, Any]) -> None:
    provider.claims = changes
    refused(browser, signed_in(browser, begin), OVER)
    # and the right one is taken after it
    provider.claims = {}
    browser.sign_in(signed_in(browser, begin))
    assert browser.world.connection()["tenant"] == "acme"


def test_an_id_token_for_several_clients_is_taken_if_it_was_issued_to_this_one(
    browser: Browser, begin: str, provider: Provider
) -> None:
    provider.claims = {"aud": ["storelink client", "another"], "azp": "storelink client"}
    browser.sign_in(signed_in(browser, begin))
    assert browser.world.connection()["tenant"] == "acme"


@pytest.mark.parametrize("answer", [{}, {"id_token": "a.b.c"}, {"id_token": 7}], ids=["none", "no token", "a number"])
def test_an_answer_without_an_id_token_is_refused(
    browser: Browser, begin: str, provider: Provider, answer: dict[str, Any]
) -> None:
    provider.troubles["/token"] = lambda: answer
    refused(browser, signed_in(browser, begin), OVER)


def test_a_code_that_the_provider_does_not_know_is_refused(browser: Browser, begin: str, provider: Provider) -> None:
    state = state_of(signed_in(browser, begin))
    refused(browser, f"/identity/return?{urlencode({'state': state, 'code': 'x'})}", OVER)


def test_a_code_of_another_sign_in_is_refused(browser: Browser, begin: str, provider: Provider) -> None:
    """The provider binds it to the sign-in that it was asked for with; PKCE."""
    attackers = dict(parse_qsl(urlsplit(signed_in(Browser(browser.world), begin)).query))["code"]
    state = state_of(sent(browser, begin))
    refused(browser, f"/identity/return?{urlencode({'state': state, 'code': attackers})}", OVER)


def test_a_stolen_return_url_is_of_no_use_in_another_browser(browser: Browser, begin: str, provider: Provider) -> None:
    url = signed_in(browser, begin)
    refused(Browser(browser.world), url, "started in another browser")
    assert provider.forms == []
    browser.sign_in(url)
    assert browser.world.connection()["tenant"] == "acme"


def test_a_state_that_was_changed_or_is_over_is_refused(
    browser: Browser, begin: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = signed_in(browser, begin)
    refused(browser, url + "x", OVER)
    monkeypatch.setattr(sign_in, "LIFETIME", -2 * sign_in.CLOCK_SKEW)
    refused(browser, signed_in(browser, begin), OVER)
    assert provider.forms == []


def test_an_activation_is_signed_in_once(browser: Browser, begin: str, provider: Provider) -> None:
    first, second, again = (signed_in(browser, begin) for _ in range(3))
    browser.sign_in(first)
    provider.claims = {"sub": "rival"}
    body = browser.sign_in(second)["body"]
    assert "Connected, but not signed in" in body
    # the first one's state, with a code of its own
    code = dict(parse_qsl(urlsplit(again).query))["code"]
    body = browser.open(f"/identity/return?{urlencode({'state': state_of(first), 'code': code})}")["body"]
    assert "Connected, but not signed in" in body
    assert browser.world.connection()["tenant"] == "acme"
    assert len(provider.forms) == 3


def test_who_does_not_want_to_sign_in_goes_back_to_magento(
    world: World, browser: Browser, begin: str, provider: Provider
) -> None:
    query = {"state": state_of(sent(browser, begin)), "error": "access_denied", "answer": "x"}
    url = f"/identity/return?{urlencode(query)}"
    refused(browser, url, "did not learn which account")
    assert f'href="{world.url}{BACK}"' in browser.open(url)["body"]
    assert provider.forms == []


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_provider_in_trouble_is_said_before_the_merchant_is_sent_there(
    browser: Browser, begin: str, provider: Provider, trouble: str
) -> None:
    provider.troubles[DISCOVERY] = TROUBLES[trouble]
    refused(browser, begin, NOT_NOW)
    assert "/elsewhere" not in provider.asked
    provider.troubles.clear()
    browser.sign_in(signed_in(browser, begin))
    assert browser.world.connection()["tenant"] == "acme"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_provider_in_trouble_is_said_when_the_merchant_comes_back(
    browser: Browser, begin: str, provider: Provider, trouble: str
) -> None:
    provider.troubles["/token"] = TROUBLES[trouble]
    refused(browser, signed_in(browser, begin), NOT_NOW)
    assert "/elsewhere" not in provider.asked


def test_a_provider_that_is_not_there(
    browser: Browser, begin: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    provider.told = {"token_endpoint": f"http://127.0.0.1:{port}/token"}
    refused(browser, signed_in(browser, begin), NOT_NOW)
    monkeypatch.setenv("STORELINK_OIDC_ISSUER", f"http://127.0.0.1:{port}")
    refused(browser, begin, NOT_NOW)


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"authorization_endpoint": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_a_discovery_that_is_not_the_issuers_or_not_whole_is_refused(
    browser: Browser, begin: str, provider: Provider, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.told = told
    if str(told.get("authorization_endpoint")).startswith("javascript:"):
        monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT")
    refused(browser, begin, NOT_NOW)


def test_the_browser_is_sent_to_https_alone(
    browser: Browser, begin: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT")
    refused(browser, begin, NOT_NOW)


@pytest.mark.parametrize("endpoint", ["discovery", "token"])
def test_a_provider_at_a_private_address_is_not_called(
    browser: Browser, begin: str, provider: Provider, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = signed_in(browser, begin) if endpoint == "token" else begin
    provider.asked.clear()
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "false")
    refused(browser, url, NOT_NOW)
    assert provider.asked == []


def test_the_provider_is_asked_what_it_is_once_for_a_time(
    browser: Browser, begin: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        sent(browser, begin)
    assert provider.asked.count(DISCOVERY) == 1
    monkeypatch.setattr(openid, "CACHE_SECONDS", 1)
    sent(browser, begin)
    assert provider.asked.count(DISCOVERY) == 2


def test_a_client_that_the_provider_does_not_take_is_the_operators_to_mend(
    browser: Browser, begin: str, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.method = "none"
    provider.told = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    refused(browser, signed_in(browser, begin), NOT_NOW)
    assert "HTTP 401, invalid_client" in repr([vars(record) for record in caplog.records])


def test_nothing_of_it_is_logged_or_kept_or_seen(
    world: World, browser: Browser, begin: str, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("service_undefined", "oauthlib", "jwt", "requests", "urllib3"):
        caplog.set_level(logging.DEBUG, logger)
    authorize = sent(browser, begin)
    url = signed_in(browser, begin)
    for trouble in TROUBLES.values():
        provider.troubles["/token"] = trouble
        browser.open(url)
    provider.troubles.clear()
    provider.claims = {"nonce": "0" * 32}
    browser.open(url)
    provider.claims = {}
    browser.sign_in(signed_in(browser, begin))
    assert world.connection()["tenant"] == "acme"

    verifiers = {form["code_verifier"] for form in provider.forms}
    assert verifiers
    kept = "".join(browser.cookies.values())
    secrets = {CLIENT_SECRET, *provider.issued, *verifiers, *kept.split("."), "of its own words"}
    row = world.row(jwt.decode(state_of(url), options={"verify_signature": False})["activation_id"])
    ours = [vars(record) for record in caplog.records if record.name != "werkzeug"]
    assert any(record["name"] == "urllib3.connectionpool" for record in ours)
    for secret in secrets - {""}:
        assert secret not in repr(ours) + repr(row) + repr(world.connection())
    # what the browser and the provider see beforehand does not tell the code verifier
    for verifier in verifiers:
        assert verifier not in authorize + url + kept
