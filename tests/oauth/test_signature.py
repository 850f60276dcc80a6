"""How requests are signed: by RFC 5849's examples, as Magento read them, and as oauthlib's server side proves them."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import pytest
import urllib3.util
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.common import Request
from oauthlib.oauth1 import Client, RequestValidator, ResourceEndpoint
from oauthlib.oauth1.rfc5849 import signature

from storelink.errors import Invalid
from storelink.oauth import signature as signer
from storelink.oauth.credentials import DEFAULT_METHOD, LEGACY_METHOD, Consumer, Token
from storelink.oauth.signature import (
    DIALECTS,
    authorization_header,
    dialects,
    narrowed,
    normalize_query,
    normalize_url,
)

EXAMPLES = settings(max_examples=500, deadline=None)
TOLD = json.loads((Path(__file__).parent / "magento_vectors.json").read_text())
VECTORS: list[dict[str, Any]] = TOLD["vectors"]
SIGNED = [vector for vector in VECTORS if "base_string" in vector]

CONSUMER = Consumer(TOLD["consumer_key"], "consumersecret".ljust(32, "0"))
TOKEN = Token("token".ljust(32, "0"), "tokensecret".ljust(32, "0"))
VERIFIER = "verifier".ljust(32, "0")


def hmac_of(base_string: str, consumer_secret: str, token_secret: str = "", method: str = DEFAULT_METHOD) -> str:
    """RFC 5849 section 3.4.2, by the standard library alone."""
    key = f"{quote(consumer_secret, safe='~')}&{quote(token_secret, safe='~')}"
    algorithm = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}[method]
    return base64.b64encode(hmac.new(key.encode(), base_string.encode(), algorithm).digest()).decode()


def protocol(header: str) -> dict[str, str]:
    """The parameters of an Authorization header (RFC 5849 section 3.5.1)."""
    kind, _, parameters = header.partition(" ")
    assert kind == "OAuth"
    found = [re.fullmatch(r'([a-z_]+)="([A-Za-z0-9%._~-]*)"', part) for part in parameters.split(", ")]
    assert all(found), header
    return {unquote(match[1]): unquote(match[2]) for match in found if match}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sign with a given nonce and time."""

    def set_to(nonce: str, timestamp: str) -> None:
        monkeypatch.setattr(signer, "nonce", lambda: nonce)
        monkeypatch.setattr(signer, "timestamp", lambda: timestamp)

    return set_to


class TestTheExamplesOfRFC5849:
    """Section 1.2. They are HMAC-SHA1 and leave out oauth_version, which we send; so each is proven twice."""

    CLIENT = Consumer("dpf43f3p2l4k3l03", "kd94hf93k423kf44", LEGACY_METHOD)
    TOKEN_REQUEST = (
        "POST&https%3A%2F%2Fphotos.example.net%2Ftoken&oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dwalatlh"
        "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dhh5s93j4hdidpola"
        "%26oauth_verifier%3Dhfdp7dh39dks9884{version}"
    )
    PHOTOS = (
        "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03"
        "%26oauth_nonce%3DchapoH%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131202"
        "%26oauth_token%3Dnnch734d00sl2jdk{version}%26size%3Doriginal"
    )

    def test_the_temporary_credentials(self) -> None:
        base_string = (
            "POST&https%3A%2F%2Fphotos.example.net%2Finitiate&oauth_callback%3Dhttp%253A%252F%252Fprinter.example.com"
            "%252Fready%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3DwIjqoS%26oauth_signature_method"
            "%3DHMAC-SHA1%26oauth_timestamp%3D137131200"
        )
        assert hmac_of(base_string, self.CLIENT.secret, method=LEGACY_METHOD) == "74KNZJeDHnMBp0EMJ9ZHt/XKycU="

    def test_the_token_credentials(self, at: Any) -> None:
        secrets = (self.CLIENT.secret, "hdhd0244k9j7ao03")
        rfc = hmac_of(self.TOKEN_REQUEST.format(version=""), *secrets, LEGACY_METHOD)
        assert rfc == "gKgrFCywp7rO0OXSjdot/IHF7IU="
        at("walatlh", "137131201")
        token = Token("hh5s93j4hdidpola", secrets[1])
        header = authorization_header(
            "POST", "https://photos.example.net/token", self.CLIENT, token, "hfdp7dh39dks9884"
        )
        ours = self.TOKEN_REQUEST.format(version="%26oauth_version%3D1.0")
        assert protocol(header)["oauth_signature"] == hmac_of(ours, *secrets, LEGACY_METHOD)

    def test_the_photos(self, at: Any) -> None:
        secrets = (self.CLIENT.secret, "pfkkdhi9sl3r4s00")
        base_string = self.PHOTOS
        rfc = hmac_of(base_string.format(version=""), *secrets, LEGACY_METHOD)
        assert rfc == "MdpQcU8iPSUjWoN/UDMsK2sui9I="
        at("chapoH", "137131202")
        url = "http://photos.example.net/photos?file=vacation.jpg&size=original"
        header = authorization_header("GET", url, self.CLIENT, Token("nnch734d00sl2jdk", secrets[1]))
        ours = base_string.format(version="%26oauth_version%3D1.0")
        assert protocol(header)["oauth_signature"] == hmac_of(ours, *secrets, LEGACY_METHOD)

    def test_the_base_string(self) -> None:
        """Section 3.4.1.1, by the library that proves us: with a body and a repeated name, which we never send."""
        header = (
            'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", '
            'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", '
            'oauth_signature="djosJKDKJSD8743243%2Fjdk33klY%3D"'
        )
        parameters = signature.collect_parameters(
            uri_query="b5=%3D%253D&a3=a&c%40=&a2=r%20b",
            body="c2&a3=2+q",
            headers={"Authorization": header, "Content-Type": "application/x-www-form-urlencoded"},
        )
        base_string = signature.signature_base_string(
            "POST",
            signature.base_string_uri("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
            signature.normalize_parameters(parameters),  # type: ignore[arg-type]  # the stubs want a dict
        )
        assert base_string == (
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D"
            "%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"
            "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        )

    @pytest.mark.parametrize(
        ("url", "base"),
        [
            ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http%3A%2F%2Fexample.com%2Fr%2520v%2FX"),
            ("https://www.example.net:8080/?q=1", "https%3A%2F%2Fwww.example.net%3A8080%2F"),
        ],
    )
    def test_the_uris(self, url: str, base: str, at: Any) -> None:
        """Section 3.4.1.2."""
        at("nonce", "1")
        query = quote(urlsplit(url).query, safe="")
        signed = protocol(authorization_header("GET", url, CONSUMER))
        signed_parameters = (
            f"oauth_consumer_key%3D{CONSUMER.key}%26oauth_nonce%3Dnonce%26oauth_signature_method%3DHMAC-SHA256"
            "%26oauth_timestamp%3D1%26oauth_version%3D1.0"
        )
        in_order = "%26".join(sorted([query, signed_parameters]))
        assert signed["oauth_signature"] == hmac_of(f"GET&{base}&{in_order}", CONSUMER.secret)


class TestARequestThatMagentoRead:
    @pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: vector["note"])
    def test_is_signed_over_this_base_string(self, vector: dict[str, Any], at: Any) -> None:
        at(vector["nonce"], vector["timestamp"])
        consumer = Consumer(TOLD["consumer_key"], vector["consumer_secret"], vector["signature_method"])
        token = Token(vector["token"], vector["token_secret"]) if "token" in vector else None
        url = normalize_url(vector["url"])
        assert url == vector.get("sent", vector["url"])

        told = protocol(authorization_header(vector["method"], url, consumer, token, vector.get("verifier")))

        expected = hmac_of(
            "&".join(vector["base_string"]),
            vector["consumer_secret"],
            vector.get("token_secret", ""),
            vector["signature_method"],
        )
        assert told.pop("oauth_signature") == expected
        assert told == {
            "oauth_consumer_key": TOLD["consumer_key"],
            "oauth_nonce": vector["nonce"],
            "oauth_timestamp": vector["timestamp"],
            "oauth_signature_method": vector["signature_method"],
            "oauth_version": "1.0",
            **({"oauth_token": vector["token"]} if token else {}),
            **({"oauth_verifier": vector["verifier"]} if "verifier" in vector else {}),
        }

    @pytest.mark.parametrize(
        "vector", [vector for vector in VECTORS if "refused" in vector], ids=lambda vector: vector["note"]
    )
    def test_is_not_sent_again_where_magento_cannot_verify_it(self, vector: dict[str, Any]) -> None:
        assert vector["status"] == 401
        with pytest.raises(Invalid) as refused:
            normalize_url(vector["url"])
        assert refused.value.reason == "bad-parameter"
        assert list(refused.value.fields) == [vector["refused"]]


def test_the_base_string_of_a_store_below_a_path_and_on_a_port_is_this(at: Any) -> None:
    at("11112222333344445555", "1700000000")
    url = "https://shop.example:8443/shop/index.php/oauth/token/request"
    told = protocol(authorization_header("POST", url, CONSUMER))
    base_string = (
        "POST"
        "&https%3A%2F%2Fshop.example%3A8443%2Fshop%2Findex.php%2Foauth%2Ftoken%2Frequest"
        "&oauth_consumer_key%3Dconsumerkey000000000000000000000"
        "%26oauth_nonce%3D11112222333344445555"
        "%26oauth_signature_method%3DHMAC-SHA256"
        "%26oauth_timestamp%3D1700000000"
        "%26oauth_version%3D1.0"
    )
    assert told["oauth_signature"] == hmac_of(base_string, CONSUMER.secret)


RECORDED = json.loads((Path(__file__).parents[1] / "testing/sandbox/signature_vectors.json").read_text())
ANSWERED = [(one, request) for one in RECORDED["sets"] for request in one["requests"]]
"""Requests that an RFC signer made, the secrets, and the dialects of running stores that accepted them."""


def normalized_query(url: str) -> str:
    """A URL with its path as it is, and its query as it is sent."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=normalize_query(parts.query))) if parts.query else url


class TestADialect:
    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize(("secrets", "recorded"), ANSWERED, ids=[recorded["name"] for _, recorded in ANSWERED])
    def test_signs_as_stores_verify(self, secrets: Any, recorded: Any, dialect: str, at: Any) -> None:
        """The RFC's signature is ours where the store accepted it, and another one where it did not."""
        try:
            url = normalized_query(recorded["url"])
        except Invalid:
            return
        given = protocol(recorded["authorization"])
        at(given["oauth_nonce"], given["oauth_timestamp"])
        consumer = Consumer(secrets["consumer_key"], secrets["consumer_secret"])
        token = Token(secrets["token"], secrets["token_secret"])
        ours = protocol(authorization_header(recorded["method"], url, consumer, token, dialect=dialect))
        is_same = ours["oauth_signature"] == given["oauth_signature"]
        rewritten = "+" in urlsplit(recorded["url"]).query  # a space is %20 when it is sent
        assert is_same == (dialect in recorded["accepted_by"] and not rewritten)

    def test_refuses_of_these_only_what_no_client_can_write_for_all(self) -> None:
        refused = []
        for _, recorded in ANSWERED:
            try:
                normalized_query(recorded["url"])
            except Invalid:
                refused.append(recorded["name"])
        assert refused == ["name a.b", "name a%20b", "name oauth_x", "name 1", "order a=1&a=2"]

    @pytest.mark.parametrize(
        ("names", "natural", "decoded"),
        [
            (["a1", "a10", "a2"], ["a1", "a2", "a10"], ["a1", "a10", "a2"]),
            (["a[10]", "a[2]"], ["a[2]", "a[10]"], ["a[10]", "a[2]"]),
            (["a05", "a5", "a10", "a0"], ["a0", "a05", "a5", "a10"], ["a0", "a05", "a10", "a5"]),
            (["a1000000000", "a999999999"], ["a999999999", "a1000000000"], ["a1000000000", "a999999999"]),
            (["aB", "a[b]"], ["a[b]", "aB"], ["aB", "a[b]"]),
            (["\u00e9", "z"], ["\u00e9", "z"], ["z", "\u00e9"]),
            (["a", "a[b]"], ["a", "a[b]"], ["a[b]"]),
        ],
    )
    def test_orders_names_as_php_does(self, names: list[str], natural: list[str], decoded: list[str]) -> None:
        pairs = [(quote(name, safe="~"), "") for name in names]
        assert [unquote(name) for name, _ in DIALECTS["zend"].order(pairs)] == natural
        assert [unquote(name) for name, _ in DIALECTS["native"].order(pairs)] == decoded

    @pytest.mark.parametrize(
        ("path", "written", "wide", "narrow"),
        [
            ("/A%2fB", "/A%2FB", "/A/B", "/A%2FB"),
            ("/A%2BB", "/A%2BB", "/A+B", "/A%2BB"),
            ("/A%3aB@&=$,;", "/A:B@&=$,;", "/A:B@&=$,;", "/A:B@&=$,;"),
            ("/A%3A%40%26%3D%24%2C%3B", "/A:@&=$,;", "/A:@&=$,;", "/A:@&=$,;"),
            ("/!'*()", "/%21%27%2A()", "/%21%27%2A()", "/%21%27%2A()"),
            ("/%41%7e%2d", "/A~-", "/A~-", "/A~-"),
            ("/%2541", "/%2541", "/%41", "/%2541"),
            ("/%25x", "/%25x", "/%25x", "/%25x"),
            ("/%c3%a9", "/%C3%A9", "/%C3%A9", "/%C3%A9"),
            ("/A B", "/A%20B", "/A%20B", "/A%20B"),
        ],
    )
    def test_has_its_rule_for_paths(self, path: str, written: str, wide: str, narrow: str) -> None:
        assert normalize_url(f"https://shop.example{path}") == f"https://shop.example{written}"
        assert normalize_url(f"https://shop.example{written}") == f"https://shop.example{written}"
        assert DIALECTS["laminas"].path(written) == wide
        assert DIALECTS["magento_uri"].path(written) == narrow
        assert DIALECTS["zend"].path(written) == DIALECTS["native"].path(written) == written

    @pytest.mark.parametrize(
        ("url", "different"),
        [
            ("V1/products", ["laminas"]),
            ("V1/products/A:B@C?a%5B10%5D=1&a%5B11%5D=2", ["laminas"]),
            ("V1/products/A%2FB", ["laminas", "native"]),
            ("V1/products?a=1%202", ["laminas", "double"]),
            ("V1/products?a%5Bb%5D=1%202", ["laminas", "double"]),
            ("V1/products?a2=1&a10=1", ["laminas", "native"]),
            ("V1/A%2FB?a2=%2F&a10=1&b%5Bc%5D=%2F", ["laminas", "native", "zend", "double", "native_double"]),
        ],
    )
    def test_is_tried_only_where_its_base_string_is_another_one(self, url: str, different: list[str]) -> None:
        assert list(dialects(f"https://shop.example/rest/{url}")) == different

    def test_that_is_known_is_the_first(self) -> None:
        url = "https://shop.example/rest/V1/A%2FB?a2=1&a10=1"
        assert list(dialects(url, ["double", "zend"])) == ["double", "laminas", "native"]

    def test_is_narrowed_by_what_a_store_accepts(self) -> None:
        slash, space = (f"https://shop.example/rest/V1/{rest}" for rest in ("A%2FB", "A?a=1%202"))
        known = narrowed(slash, "native")
        assert known == ("native", "zend", "magento_uri", "double", "native_double")
        assert narrowed(space, "double", known) == ("double",)
        assert narrowed(slash, "laminas", ("double",)) == ("laminas",)  # the store was updated


def test_basic_credentials_stand_before_the_signature() -> None:
    header = authorization_header("GET", "https://shop.example/", CONSUMER, basic_auth="user:pass\u00e9")
    basic, signed = header.split(", ", 1)
    assert base64.b64decode(basic.removeprefix("Basic ")).decode() == "user:pass\u00e9"
    assert protocol(signed)["oauth_signature"]


def server_request(method: Any, url: str, header: str) -> Request:
    """A request as oauthlib's server side reads it."""
    request: Any = Request(url, method, "", {"Authorization": header})
    request.params = signature.collect_parameters(
        uri_query=urlsplit(url).query, headers={"Authorization": header}, exclude_oauth_signature=True
    )
    request.signature = protocol(header)["oauth_signature"]
    read: Request = request
    return read


class _Validator(RequestValidator):  # type: ignore[misc, unused-ignore]
    """A resource server that knows one consumer and one token."""

    client_key_length = access_token_length = verifier_length = nonce_length = (1, 40)
    enforce_ssl = True
    allowed_signature_methods = (DEFAULT_METHOD,)
    dummy_client = dummy_access_token = "dummy"

    def validate_client_key(self, client_key: str, request: Request) -> bool:
        return client_key == CONSUMER.key

    def validate_access_token(self, client_key: str, token: str, request: Request) -> bool:
        return token == TOKEN.key

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Request) -> str:
        return CONSUMER.secret

    def get_access_token_secret(self, client_key: str, token: str, request: Request) -> str:
        return TOKEN.secret


SEARCH = {
    "searchCriteria[filter_groups][0][filters][0][field]": "name",
    "searchCriteria[filter_groups][0][filters][0][value]": "%\u00dc 1+1=2 & 100%",
    "searchCriteria[filter_groups][0][filters][0][condition_type]": "like",
    "searchCriteria[pageSize]": "1",
    "searchCriteria[sortOrders][0][direction]": "",
}


class TestAnotherLibraryProves:
    @pytest.mark.parametrize(
        "url",
        [
            "https://shop.example/oauth/token/request",
            "https://shop.example:8443/shop/index.php/oauth/token/request",
            "https://[2001:db8::1]:8443/oauth/token/request",
            "http://xn--bcher-kva.example/oauth/token/request",
        ],
    )
    def test_the_request_for_temporary_credentials(self, url: str) -> None:
        header = authorization_header("POST", url, CONSUMER)
        assert signature.verify_hmac_sha256(server_request("POST", url, header), CONSUMER.secret, None)

    def test_the_request_for_token_credentials(self) -> None:
        url = "https://shop.example/oauth/token/access"
        header = authorization_header("POST", url, CONSUMER, TOKEN, VERIFIER)
        request = server_request("POST", url, header)
        assert signature.verify_hmac_sha256(request, CONSUMER.secret, TOKEN.secret)
        assert protocol(header)["oauth_verifier"] == VERIFIER

    def test_a_request_by_the_fallback_method(self) -> None:
        url = "https://shop.example/oauth/token/request"
        header = authorization_header("POST", url, Consumer(CONSUMER.key, CONSUMER.secret, LEGACY_METHOD))
        assert signature.verify_hmac_sha1(server_request("POST", url, header), CONSUMER.secret, None)
        assert protocol(header)["oauth_signature_method"] == "HMAC-SHA1"

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("query", ["", "?" + urlencode(SEARCH), "?" + urlencode(SEARCH, quote_via=quote)])
    def test_a_call_of_the_api(self, method: str, query: str) -> None:
        url = normalize_url(f"https://shop.example/rest/V1/products{query}")
        headers = {
            "Authorization": authorization_header(method, url, CONSUMER, TOKEN),
            "Content-Type": "application/json",
        }
        valid, _ = ResourceEndpoint(_Validator()).validate_protected_resource_request(url, method, "{}", headers)
        assert valid

    @pytest.mark.parametrize(
        ("consumer", "token", "url"),
        [
            (Consumer(CONSUMER.key, "0" * 32), TOKEN, "https://shop.example/rest/V1/products"),
            (CONSUMER, Token(TOKEN.key, "0" * 32), "https://shop.example/rest/V1/products"),
            (CONSUMER, TOKEN, "https://www.shop.example/rest/V1/products"),
            (CONSUMER, TOKEN, "https://shop.example/rest/V1/products?a=b"),
        ],
        ids=["another consumer secret", "another token secret", "another host", "another query"],
    )
    def test_that_something_else_was_signed(self, consumer: Consumer, token: Token, url: str) -> None:
        headers = {"Authorization": authorization_header("GET", url, consumer, token)}
        valid, _ = ResourceEndpoint(_Validator()).validate_protected_resource_request(
            "https://shop.example/rest/V1/products", "GET", None, headers
        )
        assert not valid


class TestAHeader:
    def test_has_a_nonce_of_its_own(self) -> None:
        headers = [protocol(authorization_header("GET", "https://shop.example/", CONSUMER)) for _ in range(200)]
        assert len({header["oauth_nonce"] for header in headers}) == 200

    def test_shows_no_secret(self) -> None:
        header = authorization_header("POST", "https://shop.example/", CONSUMER, TOKEN, VERIFIER)
        assert CONSUMER.secret not in header
        assert TOKEN.secret not in header

    def test_leaves_out_what_there_is_not(self) -> None:
        assert set(protocol(authorization_header("POST", "https://shop.example/", CONSUMER))) == {
            "oauth_consumer_key",
            "oauth_nonce",
            "oauth_signature",
            "oauth_signature_method",
            "oauth_timestamp",
            "oauth_version",
        }

    def test_is_made_by_hmac_sha256_unless_it_was_refused(self) -> None:
        header = protocol(authorization_header("POST", "https://shop.example/", CONSUMER))
        assert header["oauth_signature_method"] == "HMAC-SHA256"


def test_neither_a_token_nor_a_consumer_shows_its_secret() -> None:
    for text in (repr(TOKEN), str(TOKEN), repr(CONSUMER), str(CONSUMER), repr([TOKEN, CONSUMER])):
        assert TOKEN.key not in text
        assert TOKEN.secret not in text
        assert CONSUMER.secret not in text


REST = "https://shop.example/rest/V1/products"


class TestAQuery:
    @pytest.mark.parametrize(
        ("query", "written"),
        [
            ("a=b+c", "a=b%20c"),
            ("a=b%20c", "a=b%20c"),
            ("a=b%2Bc", "a=b%2Bc"),
            ("a=%2b", "a=%2B"),
            ("a=%25foo%25", "a=%25foo%25"),
            ("a=%2520", "a=%2520"),
            ("a=\u00e9", "a=%C3%A9"),
            ("a=%c3%a9", "a=%C3%A9"),
            ("a=\u2713\U0001f600", "a=%E2%9C%93%F0%9F%98%80"),
            ("a[b][0]=c", "a%5Bb%5D%5B0%5D=c"),
            ("a%5Bb%5D=c", "a%5Bb%5D=c"),
            ("a=b=c", "a=b%3Dc"),
            ("a=", "a="),
            ("a=~._-", "a=~._-"),
            ("a=%7E", "a=~"),
            ("a=!*'()", "a=%21%2A%27%28%29"),
            ("a=/?:@", "a=%2F%3F%3A%40"),
            ("a=1;b=2", "a=1%3Bb%3D2"),
            ("b=1&a=2", "b=1&a=2"),
            ("a=%26&b=%3D", "a=%26&b=%3D"),
            ("a=%", "a=%25"),
            ("a=%0A%00", "a=%0A%00"),
            ("a1=2", "a1=2"),
            ("a[]=1", "a%5B%5D=1"),
            ("a[b.c]=1&a[d e]=2", "a%5Bb.c%5D=1&a%5Bd%20e%5D=2"),
            ("oauth_1=2&oauth_=3&oauthx=4&oauth_X=5", "oauth_1=2&oauth_=3&oauthx=4&oauth_X=5"),
            ("a[5]=1&a5=2&\u00b2=3", "a%5B5%5D=1&a5=2&%C2%B2=3"),
        ],
    )
    def test_is_written_as_magento_verifies_it(self, query: str, written: str) -> None:
        assert normalize_url(f"{REST}?{query}") == f"{REST}?{written}"

    @pytest.mark.parametrize(
        "url",
        [
            REST,
            "https://shop.example",
            "https://shop.example:8443/shop/index.php/rest/all/V1/products/24-MB01",
            "https://[2001:db8::1]:8443/rest",
            "https://shop.example/rest/V1/products/a%2Fb%20c",
        ],
    )
    def test_that_is_none_leaves_the_url_alone(self, url: str) -> None:
        assert normalize_url(url) == url
        assert normalize_url(f"{url}?a=b+c") == f"{url}?a=b%20c"

    @pytest.mark.parametrize("query", ["", "?a=b%2fc"])
    def test_is_written_as_urllib3_sends_it(self, query: str) -> None:
        url = normalize_url(f"https://shop.example/caf%c3%a9/rest/V1/products/a%2fb{query}")
        assert url == urllib3.util.parse_url(url).url
        assert url == f"https://shop.example/caf%C3%A9/rest/V1/products/a%2Fb{query.replace('2f', '2F')}"

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("a", "a"),
            ("a&b=c", "a"),
            ("b=c&a", "a"),
            ("a%5B%5D", "a[]"),
            ("b=c&", ""),
            ("&b=c", ""),
            ("b=c&&d=e", ""),
            ("a=1&a=2", "a"),
            ("a=1&b=2&a=1", "a"),
            ("a=1&%61=2", "a"),
            ("a[]=1&a%5B%5D=2", "a[]"),
            ("a b=1&a+b=2", "a b"),
            ("a+b=1", "a b"),
            ("a%20b=1", "a b"),
            ("a.b=1", "a.b"),
            ("a.b[c]=1", "a.b[c]"),
            ("a[b=1", "a[b"),
            ("[a]=1", "[a]"),
            ("a%00b=1", "a\x00b"),
            ("=1", ""),
            ("5[a]=1", "5[a]"),
            ("-5=1", "-5"),
            ("1e3=1", "1e3"),
            ("10=3", "10"),
            ("0=3", "0"),
            ("%31=3", "1"),
            ("a=b&9=4", "9"),
        ],
    )
    def test_that_magento_cannot_verify_is_refused_by_the_parameters_name(self, query: str, name: str) -> None:
        with pytest.raises(Invalid) as refused:
            normalize_url(f"{REST}?{query}")
        assert refused.value.reason == "bad-parameter"
        assert list(refused.value.fields) == [name]
        assert refused.value.advice

    @pytest.mark.parametrize(
        "name", ["oauth_token", "oauth_nonce", "oauth_x[a]", "my_oauth_token", "a[oauth_x]", "oauth__", "oauth_-a"]
    )
    def test_with_a_name_that_magento_takes_for_the_protocols_is_refused(self, name: str) -> None:
        with pytest.raises(Invalid) as refused:
            normalize_url(f"{REST}?{quote(name)}=x")
        assert refused.value.reason == "bad-parameter"
        assert list(refused.value.fields) == [name]

    @pytest.mark.parametrize("query", ["a=%FF", "a=%C3", "%ff=a", "a=%ED%A0%80"])
    def test_that_is_not_utf_8_is_refused_and_not_altered(self, query: str) -> None:
        with pytest.raises(Invalid) as refused:
            normalize_url(f"{REST}?{query}")
        assert refused.value.reason == "bad-parameter"

    def test_of_a_search_is_kept_whole(self) -> None:
        url = normalize_url(f"{REST}?{urlencode(SEARCH)}")
        assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == SEARCH
        assert "+" not in url
        assert not set("[]") & set(url)


texts = st.text(st.characters(codec="utf-8"), max_size=8)
first_letters = st.sampled_from("abz_-~%+=/\u00e9\u2713")
"""Names begin with one: no number, and nothing that PHP renames."""
names = st.one_of(
    st.tuples(first_letters, st.text(st.characters(codec="utf-8", exclude_characters=" .[\0"), max_size=5))
    .map("".join)
    .filter(lambda name: "oauth_" not in name and not re.match(r"[-+]\d", name)),
    st.tuples(first_letters, st.text(st.characters(codec="utf-8", exclude_characters="]"), max_size=5))
    .map(lambda parts: f"{parts[0]}[{parts[1]}]")
    .filter(lambda name: "oauth_" not in name),
    st.sampled_from(["searchCriteria[filter_groups][0][filters][0][value]", "a[]", "~", "%", "+", "="]),
)


@EXAMPLES
@given(
    parameters=st.dictionaries(names, texts, min_size=1, max_size=3),
    quoted=st.sampled_from(["requests", "%20"]),
    path=st.sampled_from(["", "/", "/rest/V1/x", "/a%2Fb"]),
)
def test_a_query_keeps_its_parameters_however_it_was_written(
    parameters: dict[str, str], quoted: str, path: str
) -> None:
    query = urlencode(parameters) if quoted == "requests" else urlencode(parameters, quote_via=quote)
    written = normalize_url(f"https://shop.example{path}?{query}")
    base, _, after = written.partition("?")
    assert base == f"https://shop.example{path}"
    assert parse_qsl(after, keep_blank_values=True, strict_parsing=True) == list(parameters.items())
    assert re.fullmatch("[A-Za-z0-9._~%&=-]*", after)
    assert normalize_url(written) == written


@EXAMPLES
@given(st.text(st.characters(codec="utf-8", exclude_characters="#\t\r\n"), max_size=30))
def test_any_query_is_written_once_and_for_all_or_invalid(query: str) -> None:
    try:
        written = normalize_url(f"{REST}?{query}")
    except Invalid as invalid:
        refused: Invalid | None = invalid
    else:
        refused = None
    if refused is not None:
        assert refused.reason == "bad-parameter"
    else:
        assert normalize_url(written) == written
        assert protocol(authorization_header("GET", written, CONSUMER, TOKEN))["oauth_signature"]


@EXAMPLES
@given(
    base=st.sampled_from(
        [
            "https://shop.example/rest",
            "HTTP://Shop.Example:80",
            "https://shop.example:8443/a%2Fb/",
            "https://[::1]:443/",
        ]
    ),
    parameters=st.dictionaries(names, texts, max_size=5),
    method=st.sampled_from(["GET", "post", "DELETE"]),
    signature_method=st.sampled_from([DEFAULT_METHOD, LEGACY_METHOD]),
    secret=texts,
)
def test_a_signature_is_the_one_that_oauthlib_makes(
    base: str, parameters: dict[str, str], method: str, signature_method: str, secret: str
) -> None:
    """Where the dialects agree with the RFC: no digits in names, so that both have the same order."""
    parameters = {name: value for name, value in parameters.items() if not re.search("[0-9]", quote(name))}
    url = normalize_url(f"{base}?{urlencode(parameters)}" if parameters else base)
    dialect = "zend"  # it alone takes the path as it is
    ours = protocol(
        authorization_header(
            method, url, Consumer("key", secret, signature_method), Token("token", secret), dialect=dialect
        )
    )
    client = Client(
        "key",
        client_secret=secret,
        resource_owner_key="token",
        resource_owner_secret=secret,
        signature_method=signature_method,
        nonce=ours["oauth_nonce"],
        timestamp=ours["oauth_timestamp"],
    )
    _, headers, _ = client.sign(url, http_method=method)  # type: ignore[arg-type]  # any method can be signed
    assert ours == protocol(headers["Authorization"])
