"""The vendor's own login: the merchant goes there and comes back, the connection is the tenant's; what is refused."""

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from html import unescape
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest

from local.template import ROOT
from storelink import aws
from storelink.api.gateway import FORM
from storelink.aws import dynamodb
from storelink.config import config
from storelink.errors import Unavailable
from storelink.popup import sign_in
from storelink.state import activations
from tests.world import World, merchants_sign_in, request

LOGIN = "https://login.example/storelink?from=popup"
BACK = "admin/integration/loginSuccessCallback/key/0123456789abcdef/"
SAMPLES = ROOT / "docs" / "samples"


SAME_ORIGIN = {"origin": "https://api.example", "sec_fetch_site": "same-origin"}
"""What a browser sends along with a form of this API's own page."""


def token_of(page: dict[str, Any]) -> str:
    """The token in the form of a page."""
    found = re.search('name="token" value="([^"]+)"', page["body"])
    assert found, page["body"]
    return unescape(found[1])


def sample() -> ModuleType:
    spec = spec_from_file_location("sign_in_sample", SAMPLES / "sign_in.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_return_url(state: str, key: str, tenant: str) -> str:
    """Where the sample in Python sends the browser."""
    url: str = sample().return_url(state, key, LOGIN, tenant)
    return url


def node_return_url(state: str, key: str, tenant: str) -> str:
    """Where the sample in Node.js sends the browser. Raises CalledProcessError where it throws."""
    told = json.dumps([state, key, LOGIN, tenant])
    code = (
        f"const {{ returnUrl }} = await import({json.dumps((SAMPLES / 'sign_in.mjs').as_uri())});"
        "let told = ''; for await (const part of process.stdin) told += part;"
        "console.log(returnUrl(...JSON.parse(told)));"
    )
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", code],
        input=told,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()


VENDORS = [
    pytest.param(python_return_url, id="python"),
    pytest.param(
        node_return_url,
        id="node",
        marks=pytest.mark.skipif(
            shutil.which("node") is None and os.environ.get("CI") != "true", reason="node is not on this machine"
        ),
    ),
]


@dataclass
class Browser:
    """A browser as far as this goes: it keeps cookies and opens pages."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, url: str, **headers: str) -> dict[str, Any]:
        """What is at a URL of this API."""
        parts = urlsplit(url)
        function = "IdentityFunction" if parts.path == "/identity" else "SignInFunction"
        query = dict(parse_qsl(parts.query))
        return self._send(function, request("GET", parts.path, queryStringParameters=query), headers)

    def click(self, page: dict[str, Any], **headers: str) -> dict[str, Any]:
        """What is there after a click on the button of a page that asks whose the store is."""
        return self.post(token_of(page), **(SAME_ORIGIN | headers))

    def post(self, token: str, **headers: str) -> dict[str, Any]:
        """What is there after a form with a token was sent."""
        event = request("POST", "/identity/claim", body=urlencode({"token": token}))
        return self._send("SignInFunction", event, {"content_type": FORM, **headers})

    def sign_in(self, url: str) -> dict[str, Any]:
        """What is there after the return from the login, and a click."""
        return self.click(self.open(url))

    def _send(self, function: str, event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        cookies = [f"{name}={value}" for name, value in self.cookies.items()]
        answer = self.world.call(function, event | {"headers": {"host": "api.example", **named}, "cookies": cookies})
        for cookie in answer.get("cookies", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def state(self, url: str) -> str:
        """The state with which the vendor's login is opened."""
        answer = self.open(url)
        assert answer["statusCode"] == 303, answer
        assert answer["headers"]["Location"].startswith(f"{LOGIN}&state=")
        return str(dict(parse_qsl(urlsplit(answer["headers"]["Location"]).query))["state"])


@pytest.fixture
def key(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The stack, deployed with SignInUrl; the key that both sign with."""
    monkeypatch.setenv("STORELINK_APP_NAME", "Acme Sync")
    return merchants_sign_in(world.aws, monkeypatch, LOGIN)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


@pytest.fixture
def begin(world: World, key: str) -> str:
    """Where the popup of a store that has just connected sends the merchant on to."""
    return begun(world)


def begun(world: World) -> str:
    """The same, of a store that is connected now."""
    form = world.shop.activate("http://app.invalid/callback").form
    assert world.run(world.post(form)["activation_id"])["state"] == "connected"
    return urls(form["oauth_consumer_key"], world.url + BACK)[1]


def urls(consumer_key: str, back: str) -> tuple[str, str]:
    """Those of the popup, and of where the sign-in begins."""
    query = urlencode({"oauth_consumer_key": consumer_key, "success_call_back": back})
    return f"/identity?{query}", f"/identity/sign-in?{query}"


def popup_of(begin: str) -> str:
    return begin.replace("/identity/sign-in?", "/identity?")


def signed(key: str, state: str, **changes: Any) -> str:
    """An answer that is right but for the changes; None takes a claim away."""
    told = jwt.decode(state, options={"verify_signature": False})
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": LOGIN,
        "aud": told["iss"],
        "sub": "acme",
        "jti": told["jti"],
        "iat": now,
        "exp": now + 60,
    }
    return jwt.encode({name: value for name, value in (claims | changes).items() if value is not None}, key, "HS256")


def returned(state: str, answer: str) -> str:
    return f"/identity/return?{urlencode({'state': state, 'answer': answer})}"


def path_of(url: str) -> str:
    assert url.startswith("https://api.example/identity/return?")
    return url.removeprefix("https://api.example")


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_merchant_signs_in_and_the_connection_is_the_tenants(
    world: World, browser: Browser, begin: str, key: str, vendor: Any
) -> None:
    page = browser.open(popup_of(begin))["body"]
    assert "sign in to Acme Sync" in page
    assert "Sign in at login.example" in page
    assert "tenant" not in world.connection()

    state = browser.state(begin)
    told = sample().read_state(state, key, LOGIN)
    assert (told["store_url"], told["sub"]) == (world.url, world.store.connection_id)
    asked = browser.open(path_of(vendor(state, key, "acme")))
    assert "Is this your store?" in asked["body"]
    assert f"<dd><bdi>{world.url.partition('://')[2].removesuffix('/')}</bdi></dd>" in asked["body"]
    assert "<dd><bdi>acme</bdi></dd>" in asked["body"]
    assert "tenant" not in world.connection()

    back = browser.click(asked)
    assert back["statusCode"] == 200
    assert world.connection()["tenant"] == "acme"
    assert f'href="{world.url}{BACK}"' in back["body"]
    assert 'data-follow="true"' in back["body"]
    assert "sign in to" not in browser.open(popup_of(begin))["body"]


def test_a_reload_shows_the_same_and_changes_nothing(world: World, browser: Browser, begin: str, key: str) -> None:
    state = browser.state(begin)
    url = returned(state, signed(key, state))
    asked = browser.open(url)
    assert "Is this your store?" in browser.open(url)["body"]
    first = browser.click(asked)["body"]
    connection = world.connection()
    assert connection["tenant"] == "acme"
    assert browser.click(asked)["body"] == first
    assert browser.sign_in(url)["body"] == first
    assert world.connection() == connection


def test_who_comes_back_with_another_account_is_asked_about_that_one(
    world: World, browser: Browser, begin: str, key: str
) -> None:
    state = browser.state(begin)
    browser.open(returned(state, signed(key, state, sub="wrong")))
    asked = browser.open(returned(state, signed(key, state)))
    assert "<dd><bdi>acme</bdi></dd>" in asked["body"]
    browser.click(asked)
    assert world.connection()["tenant"] == "acme"


def refused(browser: Browser, url: str, words: str) -> None:
    """The page says so in these words, leads nowhere by itself, and the connection is nobody's."""
    answer = browser.open(url)
    assert answer["statusCode"] == 200
    assert "Connected, but not signed in" in answer["body"]
    assert words in answer["body"], answer["body"]
    assert "data-follow" not in answer["body"]
    assert "tenant" not in browser.world.connection()


OVER = "longer than 10 minutes"

WRONG_ANSWERS: dict[str, dict[str, Any]] = {
    "by another login": {"iss": "https://evil.example/"},
    "for another stack": {"aud": "another"},
    "of another sign-in": {"jti": "0" * 32},
    "that is over": {"exp": int(time.time()) - 2 * sign_in.CLOCK_SKEW},
    "from the future": {"iat": int(time.time()) + 3600},
    "without an end": {"exp": None},
    "without a tenant": {"sub": None},
    "without its sign-in": {"jti": None},
    "whose tenant is no text": {"sub": 7},
}


@pytest.mark.parametrize("changes", WRONG_ANSWERS.values(), ids=list(WRONG_ANSWERS))
def test_an_answer_is_refused(browser: Browser, begin: str, key: str, changes: dict[str, Any]) -> None:
    state = browser.state(begin)
    refused(browser, returned(state, signed(key, state, **changes)), OVER)
    # and the right one is taken after it
    browser.sign_in(returned(state, signed(key, state)))
    assert browser.world.connection()["tenant"] == "acme"


@pytest.mark.parametrize("tenant", ["", "-", "a b", "x" * 129, "<b>"])
def test_a_tenant_that_is_no_name_is_refused(browser: Browser, begin: str, key: str, tenant: str) -> None:
    state = browser.state(begin)
    refused(browser, returned(state, signed(key, state, sub=tenant)), "did not learn which account")


def test_a_token_by_another_key_or_by_none_is_refused(browser: Browser, begin: str, key: str) -> None:
    state = browser.state(begin)
    claims = jwt.decode(state, options={"verify_signature": False})
    for forged in (jwt.encode(claims, "x" * 64, "HS256"), jwt.encode(claims, "", "none"), f"{state}x", "", "a.b.c"):
        refused(browser, returned(forged, signed(key, state)), OVER)
    for forged in (signed("x" * 64, state), jwt.encode({"sub": "acme"}, "", "none"), "a.b.c"):
        refused(browser, returned(state, forged), OVER)


def test_a_state_is_no_answer(browser: Browser, begin: str, key: str) -> None:
    state = browser.state(begin)
    refused(browser, returned(state, state), OVER)


def test_a_state_is_refused_after_its_time(
    browser: Browser, begin: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "LIFETIME", -2 * sign_in.CLOCK_SKEW)
    state = browser.state(begin)
    refused(browser, returned(state, signed(key, state)), OVER)


def test_a_stolen_return_url_is_of_no_use_in_another_browser(browser: Browser, begin: str, key: str) -> None:
    state = browser.state(begin)
    url = returned(state, signed(key, state))
    (name,) = browser.cookies
    for cookies in ({}, {name: ""}, {name: "x" * 43 + "."}, {"storelink": browser.cookies[name]}):
        refused(Browser(browser.world, cookies), url, "started in another browser")
    browser.sign_in(url)
    assert browser.world.connection()["tenant"] == "acme"


def test_an_attackers_sign_in_does_not_end_in_a_victims_browser(browser: Browser, begin: str, key: str) -> None:
    attackers = Browser(browser.world).state(begin)
    browser.state(begin)
    refused(browser, returned(attackers, signed(key, attackers)), "started in another browser")


def test_two_windows_of_one_browser_do_not_meet(browser: Browser, begin: str, key: str) -> None:
    first, _second = browser.state(begin), browser.state(begin)
    browser.sign_in(returned(first, signed(key, first)))
    assert browser.world.connection()["tenant"] == "acme"


def test_an_activation_is_signed_in_once(browser: Browser, begin: str, key: str) -> None:
    first, second = browser.state(begin), browser.state(begin)
    asked = browser.open(returned(second, signed(key, second, sub="rival")))
    browser.sign_in(returned(first, signed(key, first)))
    assert "Connected, but not signed in" in browser.click(asked)["body"]
    assert browser.world.connection()["tenant"] == "acme"
    table, name = config.connections_table, {"connection_id": browser.world.store.connection_id}
    dynamodb.update(table, name, "attribute_exists(#store)", {}, remove=("tenant",))
    assert "Connected, but not signed in" in browser.click(asked)["body"]
    assert "tenant" not in browser.world.connection()


def test_a_sign_in_of_an_attempt_that_is_past_is_refused(world: World, browser: Browser, begin: str, key: str) -> None:
    state = browser.state(begin)
    asked = browser.open(returned(state, signed(key, state)))
    world.connect_again()
    assert OVER in browser.click(asked)["body"]
    assert "tenant" not in world.connection()


def test_another_tenants_connection_stays_its_own(world: World, browser: Browser, begin: str, key: str) -> None:
    state = browser.state(begin)
    table, name = world.aws.outputs["ConnectionsTableName"], {"connection_id": world.store.connection_id}
    dynamodb.update(table, name, "attribute_exists(#store)", {}, changes={"tenant": "rival"})
    body = browser.sign_in(returned(state, signed(key, state)))["body"]
    assert "already belongs to another account at Acme Sync" in body
    assert world.connection()["tenant"] == "rival"
    assert browser.open(begin)["statusCode"] == 200


def test_who_does_not_want_to_sign_in_goes_back_to_magento(world: World, browser: Browser, begin: str) -> None:
    state = browser.state(begin)
    refused(browser, f"/identity/return?state={state}", "did not learn which account")
    assert f'href="{world.url}{BACK}"' in browser.open(f"/identity/return?state={state}")["body"]


def test_the_cookie_is_the_merchants_alone(browser: Browser, begin: str) -> None:
    (cookie,) = browser.open(begin)["cookies"]
    value, *attributes = cookie.split("; ")
    assert value.startswith("__Host-storelink-")
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"}


@pytest.mark.parametrize("length", [1024, 1025, 6000])
def test_a_way_back_is_kept_up_to_a_kilobyte(world: World, browser: Browser, begin: str, key: str, length: int) -> None:
    consumer_key = dict(parse_qsl(urlsplit(begin).query))["oauth_consumer_key"]
    back = world.url + "x" * (length - len(world.url))
    assert ("x" * 800 in browser.open(urls(consumer_key, back)[0])["body"]) is (length <= 1024)
    (cookie,) = browser.open(urls(consumer_key, back)[1])["cookies"]
    assert len(cookie) < 1700
    state = browser.state(urls(consumer_key, back)[1])
    answer = browser.sign_in(returned(state, signed(key, state)))
    assert (back in answer["body"]) is (length <= 1024)
    assert world.connection()["tenant"] == "acme"


@pytest.mark.parametrize("back", ["javascript:alert(1)", "/admin/", "https://shop.example/\n"])
def test_what_is_no_way_back_is_not_kept(browser: Browser, begin: str, key: str, back: str) -> None:
    consumer_key = dict(parse_qsl(urlsplit(begin).query))["oauth_consumer_key"]
    (cookie,) = browser.open(urls(consumer_key, back)[1])["cookies"]
    assert cookie.partition(";")[0].endswith(".")


def test_the_way_back_is_not_in_what_the_vendor_sees(browser: Browser, begin: str) -> None:
    state = browser.state(begin)
    told = jwt.decode(state, options={"verify_signature": False})
    (kept,) = browser.cookies.values()
    text = json.dumps(told)
    assert "loginSuccessCallback" not in text
    assert "0123456789abcdef/" not in text
    assert kept.partition(".")[0] not in text
    assert kept.partition(".")[2] not in text


def test_nothing_of_it_is_logged_or_kept(
    world: World, browser: Browser, begin: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    state = browser.state(begin)
    answer = signed(key, state)
    asked = browser.open(returned(state, answer))
    Browser(world).open(returned(state, answer))
    browser.open(returned(state, signed(key, state, sub="")))
    browser.post(token_of(asked), sec_fetch_site="cross-site")
    browser.click(asked)
    kept, claim = browser.cookies.values()
    logged = repr([vars(record) for record in caplog.records])
    row = world.row(jwt.decode(state, options={"verify_signature": False})["activation_id"])
    text = logged + repr(row) + repr(world.connection())
    assert "a sign-in was refused" in text
    for secret in (key, state, answer, claim, *kept.split("."), "loginSuccessCallback"):
        assert secret not in text


@pytest.mark.parametrize("back", ["https://evil.example/", "javascript:alert(1)", "//evil.example"])
def test_the_popup_ends_nowhere_else_by_itself(browser: Browser, begin: str, key: str, back: str) -> None:
    consumer_key = dict(parse_qsl(urlsplit(begin).query))["oauth_consumer_key"]
    state = browser.state(urls(consumer_key, back)[1])
    body = browser.sign_in(returned(state, signed(key, state)))["body"]
    assert "<h1>Connected</h1>" in body
    assert "data-follow" not in body
    assert "javascript:" not in body
    assert 'href="//evil' not in body


def test_without_the_parameter_nobody_is_sent_away(
    browser: Browser, begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORELINK_SIGN_IN_URL", "")
    for url in (begin, popup_of(begin)):
        answer = browser.open(url)
        assert answer["statusCode"] == 200
        assert "<h1>Connected</h1>" in answer["body"]


def test_an_hour_after_the_connection_the_popup_no_longer_leads_to_the_login(
    world: World, browser: Browser, begin: str
) -> None:
    asked = {"consumer_key": world.connection()["consumer_key"]}
    row = dynamodb.page(world.aws.outputs["ActivationsTableName"], "by_consumer_key", asked, dynamodb.PAGE_SIZE)[0][0]
    hour_ago = activations.now() - 3601 * 1000
    dynamodb.update(
        world.aws.outputs["ActivationsTableName"],
        {"integration_key": row["integration_key"]},
        "attribute_exists(#integration_key)",
        {},
        changes={"updated_at": hour_ago},
    )
    assert browser.open(begin)["statusCode"] == 200
    assert "sign in to" not in browser.open(popup_of(begin))["body"]


@pytest.mark.parametrize("query", ["", "oauth_consumer_key=x", f"oauth_consumer_key={'a' * 32}"])
def test_a_sign_in_for_nothing_gets_a_page_that_helps(browser: Browser, key: str, query: str) -> None:
    answer = browser.open(f"/identity/sign-in?{query}")
    assert answer["statusCode"] == 200
    assert "Activate" in answer["body"]


@pytest.mark.parametrize("service", ["secretsmanager", "dynamodb"])
def test_while_aws_does_not_answer_the_page_says_so(
    browser: Browser, begin: str, key: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = browser.state(begin)
    asked = browser.open(returned(state, signed(key, state)))
    real = aws.client

    def client(name: str) -> Any:
        if name == service:
            raise Unavailable("aws", f"{name}: InternalServiceError")
        return real(name)

    monkeypatch.setattr(aws, "client", client)
    assert "cannot complete the sign-in at the moment" in browser.click(asked)["body"]
    monkeypatch.undo()
    assert browser.world.connection().get("tenant") is None


class TestAClaim:
    """No page assigns a store without the click of whoever is signed in."""

    @pytest.fixture
    def asked(self, browser: Browser, begin: str, key: str) -> dict[str, Any]:
        """The page that asks whose the store is."""
        state = browser.state(begin)
        return browser.open(returned(state, signed(key, state)))

    def test_of_a_strangers_link_is_seen_and_comes_to_nothing_without_a_click(
        self, world: World, begin: str, key: str
    ) -> None:
        victim = Browser(world)
        link = victim.open(begin, sec_fetch_site="cross-site")
        assert link["statusCode"] == 200
        assert "sign in to Acme Sync" in link["body"]
        state = victim.state(begin)
        page = victim.open(returned(state, signed(key, state, sub="victim")))["body"]
        assert world.store.host in page
        assert "victim" in page
        assert "data-follow" not in page
        assert "http-equiv" not in page
        assert "tenant" not in world.connection()

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    def test_begins_with_a_click_on_our_own_page(self, browser: Browser, begin: str, site: str) -> None:
        assert browser.open(begin, sec_fetch_site=site)["statusCode"] == 200
        assert browser.open(begin, sec_fetch_site="same-origin")["statusCode"] == 303
        assert browser.open(begin)["statusCode"] == 303  # a browser without Fetch Metadata

    @pytest.mark.parametrize(
        "headers",
        [
            {"sec_fetch_site": "cross-site", "origin": "https://api.example"},
            {"sec_fetch_site": "same-site", "origin": "https://api.example"},
            {"sec_fetch_site": "none"},
            {"sec_fetch_site": "", "origin": "https://evil.example"},
            {"sec_fetch_site": "", "origin": "null"},
            {"sec_fetch_site": "", "origin": "http://api.example"},
            {"sec_fetch_site": "", "origin": "https://api.example.evil.example"},
            {"sec_fetch_site": "", "origin": ""},
        ],
        ids=str,
    )
    def test_from_another_origin_is_refused(
        self, browser: Browser, asked: dict[str, Any], headers: dict[str, str]
    ) -> None:
        answer = browser.click(asked, **headers)
        assert "Connected, but not signed in" in answer["body"]
        assert "tenant" not in browser.world.connection()

    def test_by_a_browser_without_fetch_metadata_is_taken_by_its_origin(
        self, browser: Browser, asked: dict[str, Any]
    ) -> None:
        browser.click(asked, sec_fetch_site="")
        assert browser.world.connection()["tenant"] == "acme"

    def test_from_another_browser_is_refused(self, browser: Browser, asked: dict[str, Any]) -> None:
        for cookies in ({}, dict.fromkeys(browser.cookies, "x")):
            assert "started in another browser" in Browser(browser.world, cookies).click(asked)["body"]
        assert "tenant" not in browser.world.connection()

    def test_by_another_token_is_refused(self, browser: Browser, begin: str, key: str, asked: dict[str, Any]) -> None:
        token = token_of(asked)
        claims = jwt.decode(token, options={"verify_signature": False})
        state = browser.state(begin)
        now = int(time.time())
        forged = {
            "another tenant, another key": jwt.encode(claims | {"tenant": "rival"}, "x" * 64, "HS256"),
            "no signature": jwt.encode(claims, "", "none"),
            "a state": state,
            "an answer": signed(key, state),
            "over": jwt.encode(claims | {"exp": now - 2 * sign_in.CLOCK_SKEW}, key, "HS256"),
            "nothing": "",
            "rubbish": "a.b.c",
        }
        for kind, other in forged.items():
            assert OVER in browser.post(other, **SAME_ORIGIN)["body"], kind
        assert "tenant" not in browser.world.connection()
        browser.click(asked)
        assert browser.world.connection()["tenant"] == "acme"

    def test_lasts_ten_minutes(self, browser: Browser, asked: dict[str, Any]) -> None:
        claims = jwt.decode(token_of(asked), options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == sign_in.LIFETIME == 600

    def test_is_sent_by_a_form_that_may_go_nowhere_else(self, asked: dict[str, Any]) -> None:
        policy = asked["headers"]["Content-Security-Policy"]
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert asked["headers"]["Referrer-Policy"] == "same-origin"

    def test_is_taken_as_a_form_alone(self, browser: Browser, asked: dict[str, Any]) -> None:
        assert browser.post(token_of(asked), **SAME_ORIGIN, content_type="text/plain")["statusCode"] == 415
        assert "tenant" not in browser.world.connection()


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("wrong", ["key", "audience", "time", "algorithm", "form"])
def test_the_samples_refuse_a_state_that_is_not_storelinks(
    browser: Browser, begin: str, key: str, vendor: Any, wrong: str
) -> None:
    state = browser.state(begin)
    claims = jwt.decode(state, options={"verify_signature": False})
    forged = {
        "key": lambda: jwt.encode(claims, "x" * 64, "HS256"),
        "audience": lambda: jwt.encode(claims | {"aud": "https://other.example/"}, key, "HS256"),
        "time": lambda: jwt.encode(claims | {"exp": 1, "iat": 0}, key, "HS256"),
        "algorithm": lambda: jwt.encode(claims, "", "none"),
        "form": lambda: "state",
    }[wrong]()
    with pytest.raises((jwt.InvalidTokenError, subprocess.CalledProcessError)):
        vendor(forged, key, "acme")
