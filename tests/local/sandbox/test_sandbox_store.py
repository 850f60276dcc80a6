"""The sandbox store answers as Magento does: signed by oauthlib's client, over HTTP, to a running store."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import pytest
import requests
from oauthlib.oauth1 import Client

from local.sandbox import Sandbox, SandboxStore, serve, web
from local.sandbox.store import TROUBLES, WORDS
from local.sandbox.verify import SignedRequest

SHA1, SHA256 = "HMAC-SHA1", "HMAC-SHA256"
VALUE = re.compile(r"[a-z0-9]{32}")
NUMBERS = count(1)
SIGNATURE_INVALID = "The signature is invalid. Verify and try again."
NOT_A_VERIFIER = "Cannot create request token because consumer token is not a verifier token"
NOT_AUTHORIZED = "The consumer isn't authorized to access %resources."
NO_TOKEN = "Specified token does not exist"


@dataclass
class Shop:
    """A client's view of one store: it signs with oauthlib and keeps what it is given."""

    store: SandboxStore
    key: str = ""
    secret: str = ""
    verifier: str = ""
    request_token: dict[str, str] = field(default_factory=dict)
    access_token: dict[str, str] = field(default_factory=dict)

    def activated(self, integration: str = "storelink") -> Shop:
        return self.take(self.store.activate("http://app.invalid/callback", None, integration).form)

    def reauthorized(self) -> Shop:
        return self.take(self.store.reauthorize().form)

    def take(self, form: dict[str, str]) -> Shop:
        self.key, self.secret = form["oauth_consumer_key"], form["oauth_consumer_secret"]
        self.verifier = form["oauth_verifier"]
        return self

    def requested(self) -> Shop:
        self.request_token = dict(parse_qsl(self.request().text))
        return self

    def connected(self) -> Shop:
        self.requested()
        self.access_token = dict(parse_qsl(self.access().text))
        return self

    def request(self, **changes: Any) -> requests.Response:
        return self.send("POST", "oauth/token/request", {}, **changes)

    def access(self, token: dict[str, str] | None = None, **changes: Any) -> requests.Response:
        changes = {"verifier": self.verifier, **changes}
        return self.send("POST", "oauth/token/access", token or self.request_token, **changes)

    def get(self, path: str, **changes: Any) -> requests.Response:
        return self.send("GET", path, self.access_token, **changes)

    def send(
        self,
        method: Literal["GET", "POST"],
        path: str,
        token: dict[str, str],
        url: str | None = None,
        **changes: Any,
    ) -> requests.Response:
        settings = {"client_secret": self.secret, "signature_method": SHA256, **changes}
        key = settings.pop("client_key", self.key)
        signer = Client(
            key,
            resource_owner_key=token.get("oauth_token"),
            resource_owner_secret=token.get("oauth_token_secret"),
            **settings,
        )
        target = self.store.base_url + path
        _, headers, _ = signer.sign(url or target, method)
        return call(method, target, headers=headers)


def call(method: str, url: str, **options: Any) -> requests.Response:
    """One request exactly as written: requests would encode the query anew."""
    with requests.Session() as session:
        session.trust_env = False
        prepared = requests.Request(method, url, **options).prepare()
        prepared.url = url
        return session.send(prepared, timeout=10, allow_redirects=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with serve() as running:
        yield running


@pytest.fixture
def shop(server: Sandbox) -> Shop:
    """A store of the test's own, with nothing in it."""
    return Shop(server.store(f"shop-{next(NUMBERS)}"))


@dataclass
class App:
    """A callback URL that keeps what it is sent and answers as it is told."""

    url: str
    status: int = 200
    headers: list[dict[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def app() -> Iterator[App]:
    class Callback(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            taken.headers.append(dict(self.headers))
            taken.forms.append(dict(parse_qsl(body)))
            taken.answering.wait(10)
            self.send_response(taken.status)
            if taken.status == 302:
                self.send_header("Location", f"{taken.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    taken = App(f"http://127.0.0.1:{receiver.server_port}/callback")
    taken.answering.set()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield taken
    taken.answering.set()
    receiver.shutdown()
    receiver.server_close()
    thread.join()


def control(shop: Shop, name: str, **wishes: Any) -> requests.Response:
    return call("POST", f"{shop.store.base_url}sandbox/{name}", json=wishes)


def problem(answer: requests.Response) -> tuple[int, str]:
    """An answer's status and `oauth_problem`, after a look at its form."""
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    [(name, value)] = parse_qsl(answer.text, strict_parsing=True)
    assert name == "oauth_problem"
    return answer.status_code, value


# The handshake


def test_the_handshake_ends_in_an_access_token_that_calls_the_store(shop: Shop) -> None:
    shop.activated().connected()
    answer = shop.get("rest/V1/modules")
    assert answer.status_code == 200
    assert answer.json()[:3] == ["Magento_Store", "Magento_Config", "Magento_AdminNotification"]
    assert shop.store.state()["integrations"]["storelink"]["status"] == "active"


def test_every_key_secret_token_and_verifier_is_32_characters_of_a_to_z_and_0_to_9(shop: Shop) -> None:
    shop.activated().connected()
    values = [shop.key, shop.secret, shop.verifier, *shop.request_token.values(), *shop.access_token.values()]
    assert len(set(values)) == 7
    assert all(VALUE.fullmatch(value) for value in values)


def test_token_answers_are_form_encoded_but_say_html(shop: Shop) -> None:
    answer = shop.activated().request()
    assert re.fullmatch(r"oauth_token=[a-z0-9]{32}&oauth_token_secret=[a-z0-9]{32}", answer.text)
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"


def test_both_steps_answer_to_get_too(shop: Shop) -> None:
    shop.activated()
    token = dict(parse_qsl(shop.send("GET", "oauth/token/request", {}).text))
    answer = shop.send("GET", "oauth/token/access", token, verifier=shop.verifier)
    assert answer.status_code == 200


def test_an_integration_is_inactive_until_the_access_token_is_handed_out(shop: Shop) -> None:
    shop.activated().requested()
    known = shop.store.state()["integrations"]["storelink"]
    assert (known["status"], known["row"]) == ("inactive", "request")


def test_a_second_request_step_says_not_a_verifier_token(shop: Shop) -> None:
    shop.activated().requested()
    assert problem(shop.request()) == (401, NOT_A_VERIFIER)


def test_a_second_access_step_says_the_token_does_not_exist(shop: Shop) -> None:
    shop.activated().connected()
    assert problem(shop.access()) == (401, NO_TOKEN)


def test_an_access_token_at_the_access_step_says_already_being_used(shop: Shop) -> None:
    shop.activated().connected()
    assert problem(shop.access(shop.access_token)) == (401, "Token is already being used")


def test_a_wrong_verifier_says_it_does_not_match_and_uses_nothing_up(shop: Shop) -> None:
    shop.activated().requested()
    said = problem(shop.access(verifier="x" * 32))
    assert said == (401, "Token verifier and verifier token do not match")
    assert shop.access().status_code == 200


def test_a_verifier_of_another_length_is_told_so(shop: Shop) -> None:
    shop.activated().requested()
    assert problem(shop.access(verifier="short")) == (401, "Verifier is not the correct length")


def test_a_token_of_another_length_is_told_so(shop: Shop) -> None:
    shop.activated()
    said = problem(shop.access({"oauth_token": "short", "oauth_token_secret": ""}))
    assert said == (400, "The token length is invalid. Check the length and try again.")


def test_another_integrations_request_token_is_not_associated(shop: Shop) -> None:
    other = Shop(shop.store).activated("other").requested()
    shop.activated().requested()
    said = problem(shop.access(other.request_token))
    assert said == (401, "Request token is not associated with the specified consumer")


# Keys and their age


def test_an_unknown_key_says_no_such_consumer(shop: Shop) -> None:
    said = problem(shop.activated().request(client_key="k" * 32))
    assert said == (401, "A consumer having the specified key does not exist")


def test_a_key_of_another_length_is_told_so(shop: Shop) -> None:
    assert problem(shop.activated().request(client_key="k")) == (
        401,
        "Consumer key is not the correct length",
    )


def test_a_deleted_integrations_key_is_gone(shop: Shop) -> None:
    shop.activated().connected()
    assert control(shop, "delete", integration="storelink").json() == {"deleted": "storelink"}
    assert problem(shop.request()) == (401, "A consumer having the specified key does not exist")
    assert shop.get("rest/V1/modules").json()["message"] == NOT_AUTHORIZED


def test_a_deleted_and_made_again_integration_has_new_keys(shop: Shop) -> None:
    old = shop.activated().key, shop.secret
    shop.store.delete()
    assert not {*old} & {shop.activated().key, shop.secret}


def test_an_expired_activation_refuses_the_request_step(shop: Shop) -> None:
    shop.activated()
    assert control(shop, "expire").json() == {"expired": "storelink"}
    assert problem(shop.request()) == (401, "Consumer key has expired")


@pytest.mark.parametrize(("age", "status"), [(299, 200), (301, 401)])
def test_the_request_step_must_come_within_300_seconds(shop: Shop, age: int, status: int) -> None:
    shop.activated()
    assert control(shop, "clock", seconds=age).json() == {"clock_seconds": age}
    assert shop.request().status_code == status


def test_the_access_step_has_no_such_limit(shop: Shop) -> None:
    shop.activated().requested()
    control(shop, "clock", seconds=3600)
    assert shop.access().status_code == 200


# Signatures, nonces and clocks


def test_a_wrong_consumer_secret_makes_the_signature_invalid(shop: Shop) -> None:
    said = problem(shop.activated().request(client_secret="x" * 32))
    assert said == (401, SIGNATURE_INVALID)


def test_a_wrong_request_token_secret_makes_the_signature_invalid(shop: Shop) -> None:
    shop.activated().requested()
    said = problem(shop.access({**shop.request_token, "oauth_token_secret": "x" * 32}))
    assert said == (401, SIGNATURE_INVALID)
    assert shop.access().status_code == 200


def test_a_signature_for_another_scheme_or_host_is_invalid(shop: Shop) -> None:
    shop.activated()
    url = shop.store.base_url + "oauth/token/request"
    assert problem(shop.request(url=url.replace("http:", "https:"))) == (401, SIGNATURE_INVALID)
    assert problem(shop.request(url=url.replace("127.0.0.1", "localhost"))) == (401, SIGNATURE_INVALID)


def test_sha1_is_refused_before_anything_is_used_up(shop: Shop) -> None:
    shop.activated()
    said = problem(shop.request(signature_method=SHA1, nonce="once"))
    assert said == (400, "Signature method HMAC-SHA1 is not supported")
    assert shop.request(nonce="once").status_code == 200


def test_plaintext_is_refused(shop: Shop) -> None:
    said = problem(shop.activated().request(signature_method="PLAINTEXT"))
    assert said == (400, "Signature method PLAINTEXT is not supported")


def test_an_old_store_takes_sha1_only(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("sha1_only")
    assert problem(shop.request()) == (400, "Signature method HMAC-SHA256 is not supported")
    assert shop.request(signature_method=SHA1).status_code == 200


def test_a_store_of_2_4_3_takes_both_methods_and_still_proves_them(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("both_methods")
    said = problem(shop.request(signature_method=SHA1, client_secret="x" * 32))
    assert said == (401, SIGNATURE_INVALID)
    shop.request_token = dict(parse_qsl(shop.request(signature_method=SHA1).text))
    assert shop.access().status_code == 200


def test_a_nonce_works_once_for_a_consumer(shop: Shop) -> None:
    shop.activated()
    shop.request(nonce="the same")
    number = shop.store.state()["integrations"]["storelink"]["consumer_id"]
    said = problem(shop.request(nonce="the same"))
    assert said == (401, f"The nonce is already being used by the consumer with ID {number}")


def test_a_nonce_is_used_up_even_where_the_signature_is_invalid(shop: Shop) -> None:
    shop.activated()
    assert problem(shop.request(nonce="n", client_secret="x")) == (401, SIGNATURE_INVALID)
    assert problem(shop.request(nonce="n"))[1].startswith("The nonce is already being used")


def test_two_consumers_may_use_one_nonce(shop: Shop) -> None:
    other = Shop(shop.store).activated("other")
    assert shop.activated().request(nonce="n").status_code == 200
    assert other.request(nonce="n").status_code == 200


@pytest.mark.parametrize("timestamp", ["in 700 s", "0", "soon", "9" * 5000])
def test_a_timestamp_that_cannot_be_is_an_error_of_the_nonce(shop: Shop, timestamp: str) -> None:
    given = timestamp.replace("in 700 s", str(int(time.time()) + 700))
    said = problem(shop.activated().request(timestamp=given))
    assert said == (401, "An error occurred validating the nonce")


def test_a_timestamp_of_the_past_or_590_seconds_ahead_is_taken(shop: Shop) -> None:
    shop.activated()
    assert shop.request(timestamp="1").status_code == 200
    assert problem(shop.request(timestamp=str(int(time.time()) + 590))) == (401, NOT_A_VERIFIER)


def test_a_store_whose_clock_is_behind_has_an_error_of_the_nonce(shop: Shop) -> None:
    control(shop, "clock", seconds=-700)
    assert problem(shop.activated().request()) == (401, "An error occurred validating the nonce")


def test_another_oauth_version_is_refused(shop: Shop) -> None:
    shop.activated()
    header = f'OAuth oauth_version="2.0", oauth_consumer_key="{shop.key}"'
    answer = call("POST", f"{shop.store.base_url}oauth/token/request", headers={"Authorization": header})
    assert problem(answer) == (400, 'The "2.0" Oauth version isn\'t supported.')


def test_the_base_string_is_the_rfcs() -> None:
    """Signed here by hand: the client and the store share oauthlib, and must not be wrong alike."""
    base = (
        "GET&http%3A%2F%2Fshop.example%2Frest&a%3Db%2520c%26oauth_consumer_key%3Dk%26oauth_nonce%3Dn"
        "%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1"
    )
    digest = hmac.new(b"s&t", base.encode(), hashlib.sha256).digest()
    header = (
        'OAuth oauth_nonce="n", oauth_timestamp="1", oauth_signature_method="HMAC-SHA256", '
        f'oauth_consumer_key="k", oauth_signature="{quote(base64.b64encode(digest), safe="")}"'
    )
    request = SignedRequest.from_http("GET", "http://shop.example:80/rest?a=b%20c", header)
    assert request.is_signed_with("s", "t")
    assert not request.is_signed_with("s", "u")


# The Authorization header


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "OAuth garbage"}])
def test_without_its_header_every_parameter_of_the_request_step_is_required(
    shop: Shop, headers: dict[str, str]
) -> None:
    answer = call("POST", f"{shop.store.base_url}oauth/token/request", headers=headers)
    assert problem(answer) == (400, required("consumer_key signature signature_method nonce timestamp"))


def test_without_its_header_the_access_step_asks_for_token_and_verifier_too(shop: Shop) -> None:
    answer = call("POST", f"{shop.store.base_url}oauth/token/access")
    names = "consumer_key signature signature_method nonce timestamp token verifier"
    assert problem(answer) == (400, required(names))


def required(names: str) -> str:
    return ", ".join(f'"oauth_{name}" is required. Enter and try again' for name in names.split())


def test_one_missing_parameter_is_told_alone(shop: Shop) -> None:
    shop.activated().requested()
    assert problem(shop.access(verifier=None)) == (400, '"oauth_verifier" is required. Enter and try again.')


def test_protocol_parameters_in_the_query_or_the_body_do_not_count(shop: Shop) -> None:
    shop.activated()
    url = f"{shop.store.base_url}oauth/token/request"
    signer = Client(shop.key, client_secret=shop.secret, signature_method=SHA256, signature_type="QUERY")
    missing = '"oauth_consumer_key" is required.'
    assert problem(call("POST", signer.sign(url, "POST")[0]))[1].startswith(missing)
    fields = {"oauth_consumer_key": shop.key, "oauth_verifier": shop.verifier}
    assert problem(call("POST", url, data=fields))[1].startswith(missing)


# Activation


def test_activate_posts_the_four_values_and_says_how_it_went(shop: Shop, app: App) -> None:
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/identity").json()
    [form] = app.forms
    assert list(form) == ["oauth_consumer_key", "oauth_consumer_secret", "store_base_url", "oauth_verifier"]
    assert form["store_base_url"] == shop.store.base_url
    assert said["consumer_key"] == form["oauth_consumer_key"]
    assert (said["callback_status"], said["callback_error"]) == (200, None)
    assert 0 <= said["callback_seconds"] < 5
    assert app.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"
    shop.take(form).connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_activate_sends_the_header_that_names_the_host(shop: Shop, app: App) -> None:
    control(shop, "activate", callback_url=app.url)
    assert app.headers[0]["127.0.0.1"] == str(urlsplit(app.url).port)


def test_the_popup_goes_to_the_identity_link_with_the_key_and_the_way_back(shop: Shop, app: App) -> None:
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/identity").json()
    address, _, query = said["popup_url"].partition("?")
    assert address == "https://app.invalid/identity"
    back = f"{shop.store.base_url}admin/integration/loginSuccessCallback/"
    assert parse_qs(query) == {"oauth_consumer_key": [said["consumer_key"]], "success_call_back": [back]}
    assert "setTimeout" in call("GET", back).text


def test_without_an_identity_link_there_is_no_popup(shop: Shop, app: App) -> None:
    assert control(shop, "activate", callback_url=app.url).json()["popup_url"] is None


@pytest.mark.parametrize("status", [302, 404, 500])
def test_activate_does_not_look_at_the_callbacks_answer(shop: Shop, app: App, status: int) -> None:
    app.status = status
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/").json()
    assert said["callback_status"] == status
    assert said["popup_url"]
    assert len(app.forms) == 1


def test_a_slow_callback_is_given_up(shop: Shop, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.CALLBACK_TIMEOUT == 5
    monkeypatch.setattr(web, "CALLBACK_TIMEOUT", 0.05)
    app.answering.clear()
    said = control(shop, "activate", callback_url=app.url, identity_url="https://app.invalid/").json()
    assert (said["callback_status"], said["popup_url"]) == (None, None)
    assert said["callback_error"] == "No answer from the callback URL in 0.05 s."


def test_a_callback_nobody_listens_at_is_told(shop: Shop) -> None:
    said = control(shop, "activate", callback_url="http://127.0.0.1:1/callback").json()
    assert said["callback_status"] is None
    assert said["callback_error"] == "The callback URL could not be reached (ConnectionError)."


def test_activate_again_before_any_exchange_posts_the_same_verifier(shop: Shop) -> None:
    first = shop.activated().verifier
    assert shop.activated().verifier == first
    assert shop.request().status_code == 200


def test_activate_again_starts_the_300_seconds_anew(shop: Shop) -> None:
    shop.activated()
    shop.store.expire()
    assert shop.activated().request().status_code == 200


def test_activate_after_the_request_step_posts_a_verifier_that_does_not_work(shop: Shop) -> None:
    shop.activated().requested()
    assert problem(shop.activated().request()) == (401, NOT_A_VERIFIER)


def test_reauthorize_heals_that_with_a_verifier_that_was_posted_before(shop: Shop) -> None:
    shop.activated().requested()
    posted = shop.activated().verifier
    assert shop.reauthorized().verifier == posted
    shop.connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_reauthorize_keeps_the_keys_and_posts_a_new_verifier(shop: Shop, app: App) -> None:
    control(shop, "activate", callback_url=app.url)
    shop.take(app.forms[0]).connected()
    control(shop, "reauthorize")
    first, second = app.forms
    assert second.pop("oauth_verifier") != first.pop("oauth_verifier")
    assert second == first


def test_reauthorize_kills_the_old_token_at_once(shop: Shop) -> None:
    shop.activated().connected().reauthorized()
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, answer.json()) == (401, {"message": NO_TOKEN})
    assert shop.store.state()["integrations"]["storelink"]["status"] == "inactive"
    shop.connected()
    assert shop.get("rest/V1/modules").status_code == 200


def test_reauthorize_during_the_handshake_kills_the_request_token(shop: Shop) -> None:
    shop.activated().requested().reauthorized()
    assert problem(shop.access()) == (401, NO_TOKEN)


@pytest.mark.parametrize("name", ["reauthorize", "delete", "expire"])
def test_a_control_for_an_unknown_integration_says_so(shop: Shop, name: str) -> None:
    answer = control(shop, name, integration="nobody", callback_url="http://127.0.0.1:1/")
    assert answer.status_code == 404
    assert answer.json()["message"] == "There is no integration 'nobody' here; activate it first."


@pytest.mark.parametrize(
    "wishes", [{}, {"callback_url": "ftp://x/"}, {"callback_url": 5}, {"callback_url": "http://["}]
)
def test_activate_needs_a_callback_url(shop: Shop, wishes: dict[str, Any]) -> None:
    answer = control(shop, "activate", **wishes)
    assert answer.status_code == 400
    assert "callback_url" in answer.json()["message"]


# Signed REST


def test_store_configs_are_shaped_like_magentos(shop: Shop) -> None:
    shop.activated().connected()
    [config] = shop.get("rest/V1/store/storeConfigs").json()
    assert (config["id"], config["code"], config["base_url"]) == (1, "default", shop.store.base_url)


@pytest.mark.parametrize("view", ["rest", "rest/all", "rest/default"])
def test_a_store_view_is_chosen_by_path(shop: Shop, view: str) -> None:
    shop.activated().connected()
    assert shop.get(f"{view}/V1/store/storeConfigs").status_code == 200


@pytest.mark.parametrize("path", ["rest/V1/no", "rest/V2/modules", "rest/nowhere/V1/modules", "rest/all"])
def test_another_route_does_not_match(shop: Shop, path: str) -> None:
    answer = call("GET", shop.store.base_url + path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Request does not match any route."})


@pytest.mark.parametrize("scheme", ["", "Bearer "])
def test_an_unsigned_call_is_not_authorized(shop: Shop, scheme: str) -> None:
    shop.activated().connected()
    headers = {"Authorization": scheme + shop.access_token["oauth_token"]} if scheme else {}
    answer = call("GET", f"{shop.store.base_url}rest/V1/store/storeConfigs", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {
        "message": NOT_AUTHORIZED,
        "parameters": {"resources": "Magento_Backend::store"},
    }


def test_a_wrongly_signed_call_is_told_in_json(shop: Shop) -> None:
    shop.activated().connected()
    answer = shop.get("rest/V1/modules", client_secret="x" * 32)
    assert (answer.status_code, answer.json()) == (401, {"message": SIGNATURE_INVALID})


def test_a_request_token_cannot_call(shop: Shop) -> None:
    shop.activated().requested()
    answer = shop.send("GET", "rest/V1/modules", shop.request_token)
    assert (answer.status_code, answer.json()) == (401, {"message": "Token is not an access token"})


def test_a_used_nonce_is_told_in_json_with_its_parameters(shop: Shop) -> None:
    shop.activated().connected()
    shop.get("rest/V1/modules", nonce="n")
    answer = shop.get("rest/V1/modules", nonce="n")
    number = str(shop.store.state()["integrations"]["storelink"]["consumer_id"])
    assert answer.status_code == 401
    assert answer.json() == {
        "message": "The nonce is already being used by the consumer with ID %1",
        "parameters": [number],
    }


NESTED = "searchCriteria%5Bfilter_groups%5D%5B0%5D%5Bfilters%5D%5B0%5D%5Bfield%5D=name"


@pytest.mark.parametrize(
    "query", ["a=b%20c", "a=", "a=%C3%A9", "a=1%2B1", "a=%25foo%20bar%25", "a=1&b=2", "z=~-._", NESTED]
)
def test_a_query_written_for_magento_is_taken(shop: Shop, query: str) -> None:
    shop.activated().connected()
    assert shop.get(f"rest/V1/modules?{query}").status_code == 200


@pytest.mark.parametrize("query", ["a=b+c", "a", "a=1&a=2", "10=3&9=4&z=1", "a=b=c"])
def test_a_query_magento_reads_differently_makes_the_signature_invalid(shop: Shop, query: str) -> None:
    shop.activated().connected()
    answer = shop.get(f"rest/V1/modules?{query}")
    assert (answer.status_code, answer.json()["message"]) == (401, SIGNATURE_INVALID)


def test_brackets_as_they_are_make_the_signature_invalid() -> None:
    encoded = "http://shop.example/rest/V1/modules?a%5Bb%5D=1"
    signer = Client("k", client_secret="s", signature_method=SHA256)
    header = signer.sign(encoded, "GET")[1]["Authorization"]
    assert SignedRequest.from_http("GET", encoded, header).is_signed_with("s")
    plain = encoded.replace("%5B", "[").replace("%5D", "]")
    assert not SignedRequest.from_http("GET", plain, header).is_signed_with("s")


# Several stores


def test_a_named_store_believes_in_a_base_url_with_a_path(server: Sandbox) -> None:
    shop = Shop(server.store("with-a-path")).activated().connected()
    assert shop.store.base_url == f"{server.url}stores/with-a-path/"
    assert shop.get("rest/V1/modules").status_code == 200


def test_stores_know_nothing_of_each_other(server: Sandbox) -> None:
    one, other = Shop(server.store("one")).activated(), Shop(server.store("other"))
    stranger = Shop(other.store, one.key, one.secret)
    assert problem(stranger.request()) == (401, "A consumer having the specified key does not exist")


@pytest.mark.parametrize("name", ["Shop", "a b", "a%2Fb"])
def test_a_store_has_a_plain_name(server: Sandbox, name: str) -> None:
    assert call("GET", f"{server.url}stores/{name}/admin").status_code == 404
    with pytest.raises(ValueError, match="A store's name"):
        server.store(name)


def test_the_default_store_is_at_the_root(server: Sandbox) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}/" == server.store().base_url
    shop = Shop(server.store()).activated().connected()
    assert shop.get("rest/V1/modules").status_code == 200


# Troubles


@pytest.mark.parametrize("kind", sorted(set(WORDS) - {"nonce_used"}))
def test_a_trouble_with_magentos_words_says_them_at_each_endpoint(shop: Shop, kind: str) -> None:
    shop.activated().connected()
    shop.store.trouble(kind)
    assert problem(shop.request()) == problem(shop.access()) == (401, WORDS[kind])
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, answer.json()) == (401, {"message": WORDS[kind]})


def test_the_trouble_nonce_used_names_the_consumer(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("nonce_used", times=1)
    assert problem(shop.request()) == (401, "The nonce is already being used by the consumer with ID 1")
    assert shop.request().status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("maintenance", 503, "Service Temporarily Unavailable"),
        ("rate_limit", 429, "Too Many Requests"),
        ("forbidden", 403, "Forbidden"),
        ("html", 200, "<!doctype html>"),
        ("redirect", 302, ""),
    ],
)
def test_what_stands_before_a_store_answers_without_it(shop: Shop, kind: str, status: int, text: str) -> None:
    shop.activated()
    shop.store.trouble(kind, times=1)
    answer = shop.request()
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers.get("Retry-After") == ("1" if kind == "rate_limit" else None)
    elsewhere = f"{shop.store.base_url}elsewhere/"
    assert answer.headers.get("Location") == (elsewhere if kind == "redirect" else None)
    assert shop.request().status_code == 200


def test_an_internal_error_is_form_encoded_as_magento_does(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("internal_error", times=1)
    answer = shop.request()
    status, said = problem(answer)
    assert status == 500
    assert said.startswith("internal_error&message=")
    assert answer.text.startswith("oauth_problem=internal_error%26message%3D")
    assert shop.request().status_code == 200


def test_an_internal_error_of_rest_is_json(shop: Shop) -> None:
    shop.activated().connected()
    shop.store.trouble("internal_error", endpoint="rest")
    answer = shop.get("rest/V1/modules")
    assert (answer.status_code, "message" in answer.json()) == (500, True)


def test_a_dropped_answer_is_lost_after_the_step_is_done(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("drop", times=1, endpoint="request")
    with pytest.raises(requests.ConnectionError):
        shop.request()
    assert shop.store.state()["log"][-1]["status"] is None
    assert problem(shop.request()) == (401, NOT_A_VERIFIER)


def test_a_connection_dropped_before_loses_nothing(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("drop_before", times=1)
    with pytest.raises(requests.ConnectionError):
        shop.request()
    assert shop.request().status_code == 200


def test_a_cut_answer_ends_before_its_length_after_the_step_is_done(shop: Shop) -> None:
    shop.activated().requested()
    shop.store.trouble("cut", times=1, endpoint="access")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        shop.access()
    assert problem(shop.access()) == (401, NO_TOKEN)


def test_half_an_answer_is_a_whole_one_to_http(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("half", times=1)
    answer = shop.request()
    assert answer.status_code == 200
    assert re.fullmatch(r"oauth_token=[a-z0-9]{32}", answer.text)
    assert problem(shop.request()) == (401, NOT_A_VERIFIER)


def test_a_huge_answer_is_a_mebibyte(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("huge", times=1)
    assert len(shop.request().content) == 1024 * 1024
    assert shop.request().status_code == 200


def test_a_slow_answer_takes_its_seconds(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("slow", seconds=0.1)
    began = time.monotonic()
    assert shop.request().status_code == 200
    assert time.monotonic() - began >= 0.1


def test_a_lost_header_makes_everything_required(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("header_lost", times=1)
    assert problem(shop.request())[1].startswith('"oauth_consumer_key" is required. Enter and try again')
    assert shop.request().status_code == 200


def test_troubles_come_in_order_and_run_out(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("maintenance", times=2)
    shop.store.trouble("rate_limit", times=1)
    assert [shop.request().status_code for _ in range(4)] == [503, 503, 429, 200]


def test_a_trouble_keeps_to_its_endpoint(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("maintenance", endpoint="access")
    assert shop.requested().access().status_code == 503


def test_a_condition_adds_up_with_another_trouble(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("both_methods")
    shop.store.trouble("half", times=1)
    assert re.fullmatch(r"oauth_token=[a-z0-9]{32}", shop.request(signature_method=SHA1).text)


def test_troubles_are_set_and_cleared_by_a_script(shop: Shop) -> None:
    shop.activated()
    said = control(shop, "trouble", kind="maintenance", times=None, endpoint="request").json()
    assert said["troubles"] == [{"kind": "maintenance", "times": None, "endpoint": "request", "seconds": 0.0}]
    assert shop.request().status_code == shop.request().status_code == 503
    assert call("DELETE", f"{shop.store.base_url}sandbox/trouble").json() == {"troubles": []}
    assert shop.request().status_code == 200


@pytest.mark.parametrize(
    "wishes",
    [
        {"kind": "weather"},
        {},
        {"kind": "slow", "seconds": "long"},
        {"kind": "slow", "seconds": -1},
        {"kind": "html", "times": 0},
        {"kind": "html", "times": "twice"},
        {"kind": "html", "endpoint": "admin"},
    ],
)
def test_a_trouble_that_cannot_be_is_refused(shop: Shop, wishes: dict[str, Any]) -> None:
    answer = control(shop, "trouble", **wishes)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert shop.store.state()["troubles"] == []


def test_every_trouble_has_a_name_of_its_own() -> None:
    assert len(TROUBLES) == len(set(TROUBLES)) == 29


# What scripts and people see


def test_the_state_counts_and_logs_requests_and_tells_the_secrets(shop: Shop) -> None:
    shop.activated().connected()
    shop.get("rest/V1/modules")
    shop.request(signature_method=SHA1)
    seen = call("GET", f"{shop.store.base_url}sandbox/state").json()
    assert seen["requests"] == {"request": 2, "access": 1, "rest": 1}
    known = seen["integrations"]["storelink"]
    assert (known["status"], known["row"], known["consumer_key"]) == ("active", "access", shop.key)
    assert known["secrets"]["consumer_secret"] == shop.secret
    assert known["secrets"]["token"] == shop.access_token["oauth_token"]
    assert [(one["endpoint"], one["signature_method"], one["status"]) for one in seen["log"]] == [
        ("request", SHA256, 200),
        ("access", SHA256, 200),
        ("rest", SHA256, 200),
        ("request", SHA1, 400),
    ]
    assert seen["log"][-1]["problem"] == "Signature method HMAC-SHA1 is not supported"


def test_a_stores_own_words_hold_no_secret(shop: Shop) -> None:
    shop.activated().connected()
    request = SignedRequest.from_http("GET", "http://x/", f'OAuth oauth_token="{shop.verifier}"')
    shown = repr(vars(shop.store)) + repr(request)
    values = [shop.secret, shop.verifier, *shop.access_token.values()]
    assert not any(value in shown for value in values)


def test_the_controls_answer_this_machine_only(server: Sandbox) -> None:
    client = web.application(server).test_client()
    paths = ["activate", "reauthorize", "delete", "trouble", "clock", "expire"]
    afar = {"REMOTE_ADDR": "192.0.2.7"}
    answers = [client.post(f"/sandbox/{path}", json={}, environ_base=afar) for path in paths]
    answers.append(client.delete("/sandbox/trouble", environ_base=afar))
    answers.append(client.get("/sandbox/state", environ_base=afar))
    assert {answer.status_code for answer in answers} == {403}


def test_a_control_takes_json_only(shop: Shop) -> None:
    answer = call("POST", f"{shop.store.base_url}sandbox/clock", data={"seconds": "5"})
    assert answer.status_code == 415
    assert shop.store.state()["clock_seconds"] == 0


def test_a_double_slash_is_not_redirected(server: Sandbox) -> None:
    assert call("POST", f"{server.url}oauth//token/request").status_code == 404


def test_the_admin_page_shows_the_grid_and_what_it_was_told(shop: Shop) -> None:
    page = call("GET", f"{shop.store.base_url}admin?callback=http://app/c&identity=http://app/%22i").text
    assert 'value="http://app/c"' in page
    assert 'value="http://app/&#34;i"' in page
    assert ("Inactive" in page, ">Activate<" in page, ">Reauthorize<" in page) == (True, True, False)
    shop.activated().connected()
    page = call("GET", f"{shop.store.base_url}admin").text
    assert ("Active" in page, ">Activate<" in page, ">Reauthorize<" in page) == (True, False, True)
    assert "Cross-Origin-Opener-Policy" not in call("GET", f"{shop.store.base_url}admin").headers


def test_the_stores_address_leads_to_the_admin_and_tells_the_base_url(shop: Shop) -> None:
    page = call("GET", shop.store.base_url)
    assert page.status_code == 200
    assert f'href="{shop.store.base_url}admin"' in page.text
    told = re.search(r"var BASE_URL = '(.+)';", page.text)
    assert told
    assert told[1].encode().decode("unicode_escape") == shop.store.base_url
    assert "/" not in told[1]  # escaped as Magento escapes it


def test_the_store_tells_its_version_and_time(shop: Shop) -> None:
    shop.store.set_clock(-3600)
    answer = call("GET", f"{shop.store.base_url}magento_version")
    assert answer.text == "Magento/2.4 (Community)"
    behind = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert 3595 < behind < 3605


def test_without_rewrites_only_index_php_answers(shop: Shop) -> None:
    shop.activated()
    shop.store.rewrites = False
    assert shop.request().status_code == 404
    assert shop.send("POST", "index.php/oauth/token/request", {}).status_code == 200


def test_a_store_that_moved_sends_on_what_is_asked_of_it(shop: Shop) -> None:
    here = shop.store.base_url
    shop.store.set_base_url("https://www.shop.example/")
    shop.store.trouble("moved")
    answer = call("POST", f"{here}oauth/token/request")
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://www.shop.example/oauth/token/request")


def test_a_password_of_the_web_server_stands_before_magento(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("password", times=1)
    answer = shop.request()
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Staging"')
    assert shop.request().status_code == 200


def test_a_store_may_take_no_signature_method(shop: Shop) -> None:
    shop.activated()
    shop.store.trouble("no_methods")
    for method in (SHA1, SHA256):
        assert problem(shop.request(signature_method=method)) == (400, f"Signature method {method} is not supported")


def test_serve_says_where_to_post_where_a_script_does_not(app: App) -> None:
    with serve(callback_url=app.url, identity_url="http://app.invalid/identity") as sandbox:
        said = call("POST", f"{sandbox.url}sandbox/activate", json={}).json()
        page = call("GET", f"{sandbox.url}admin").text
    assert said["popup_url"].startswith("http://app.invalid/identity?oauth_consumer_key=")
    assert f'value="{app.url}"' in page
    assert len(app.forms) == 1


def test_a_closed_server_lets_its_port_go() -> None:
    with serve() as sandbox:
        port = sandbox.port
    with pytest.raises(requests.ConnectionError):
        call("GET", sandbox.url)
    with serve(port) as again:
        assert again.url == sandbox.url


def test_one_verifier_gives_one_request_token_to_many_at_once(shop: Shop) -> None:
    shop.activated()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(shop.request().status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 7


# By itself


def command(*arguments: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    line = [sys.executable, "-m", "local.sandbox", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, cwd=root, env=environment, text=True, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_url_and_ends_cleanly(end: signal.Signals) -> None:
    with command("--port", "0") as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/$", first.strip())
        assert found
        assert call("GET", f"{found[0]}sandbox/state").json()["store_base_url"] == found[0]
        process.send_signal(end)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_is_named_with_its_mend(server: Sandbox) -> None:
    with command("--port", str(server.port)) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said == (
        f"Port {server.port} on 127.0.0.1 is taken. Stop what listens there, or choose another with --port.\n"
    )
