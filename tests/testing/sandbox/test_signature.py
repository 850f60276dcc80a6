"""The sandbox store verifies signatures as each of Magento's dialects does."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client

from storelink.testing.sandbox.signature import DIALECTS, Fault, base_string, is_valid, parameters

RECORDED = json.loads((Path(__file__).parent / "signature_vectors.json").read_text())
URL = "http://shop.example/rest/V1/modules"
in_every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


class Vector(NamedTuple):
    """One request that a running Magento answered, and the dialects that accept it."""

    name: str
    method: str
    url: str
    authorization: str
    consumer_secret: str
    token_secret: str
    accepted_by: list[str]


VECTORS = [
    Vector(**request, consumer_secret=one["consumer_secret"], token_secret=one["token_secret"])
    for one in RECORDED["sets"]
    for request in one["requests"]
]


def accepts(dialect: str, vector: Vector) -> bool:
    """Return whether a dialect accepts a request; a verifier that fails does not."""
    secrets = vector.consumer_secret, vector.token_secret
    try:
        return is_valid(DIALECTS[dialect], vector.method, vector.url, vector.authorization, *secrets)
    except Fault:
        return False


def signed(url: str, method: Any = "GET", **options: Any) -> str:
    """Return the Authorization header that the RFC has for a request."""
    options = {"client_secret": "s", "resource_owner_key": "t", "resource_owner_secret": "ts", **options}
    header: str = Client("k", signature_method="HMAC-SHA256", **options).sign(url, method)[1]["Authorization"]
    return header


def signed_over(base: str) -> str:
    """Return an Authorization header with the signature of a base string."""
    digest = hmac.digest(b"s&ts", base.encode(), hashlib.sha256)
    return f'OAuth oauth_nonce="n", oauth_signature="{quote(base64.b64encode(digest), safe="")}"'


def accepted_by(url: str, authorization: str) -> set[str]:
    vector = Vector("", "GET", url, authorization, "s", "ts", [])
    return {dialect for dialect in DIALECTS if accepts(dialect, vector)}


# What a running Magento answered


@in_every_dialect
def test_every_recorded_request_is_accepted_by_the_dialects_that_accepted_it(dialect: str) -> None:
    wrong = [one.name for one in VECTORS if accepts(dialect, one) != (dialect in one.accepted_by)]
    assert wrong == []


def test_the_recorded_requests_tell_every_dialect_from_every_other() -> None:
    accepted = {dialect: frozenset(one.name for one in VECTORS if dialect in one.accepted_by) for dialect in DIALECTS}
    assert len(VECTORS) == 113
    assert len(set(accepted.values())) == len(DIALECTS)


@pytest.mark.parametrize("answered", RECORDED["answered_by_2_4_6"], ids=lambda answered: answered["name"])
def test_a_running_2_4_6_found_the_same_signatures_valid(answered: dict[str, Any]) -> None:
    """Valid with the secrets that stand there: where the name says "wrong secret", the client signed with these."""
    request = answered["method"], answered["url"], answered["authorization"]
    secrets = answered["consumer_secret"], answered["token_secret"]
    assert is_valid(DIALECTS["laminas"], *request, *secrets) is answered["valid"]


# Where the RFC and Magento agree

NAMES = st.text("abcdefghijklmnABCXYZ_-", min_size=1, max_size=12).filter(lambda name: "oauth_" not in name)
VALUES = st.text("abcXYZ019-._~", max_size=12)
SEGMENTS = st.lists(st.text("abcXYZ019-_", min_size=1, max_size=8), max_size=4)


@in_every_dialect
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    SEGMENTS,
    st.dictionaries(NAMES, VALUES, max_size=8),
    st.booleans(),
)
def test_a_simple_request_is_verified_by_the_rfc(
    dialect: str, method: str, segments: list[str], query: dict[str, str], is_changed: bool
) -> None:
    url = f"https://shop.example:8443/{'/'.join(segments)}"
    if query:
        url += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    authorization = signed(url, method)
    sent = url + ("&" if query else "?") + "z=1" if is_changed else url
    assert is_valid(DIALECTS[dialect], method, sent, authorization, "s", "ts") is not is_changed


@in_every_dialect
def test_another_secret_method_or_url_is_refused(dialect: str) -> None:
    authorization = signed(URL)
    for method, url, secrets in (
        ("GET", URL, ("x", "ts")),
        ("GET", URL, ("s", "x")),
        ("POST", URL, ("s", "ts")),
        ("GET", URL.replace("http:", "https:"), ("s", "ts")),
        ("GET", URL.replace("shop.", "www."), ("s", "ts")),
        ("GET", URL + "/", ("s", "ts")),
    ):
        assert not is_valid(DIALECTS[dialect], method, url, authorization, *secrets)
    assert is_valid(DIALECTS[dialect], "get", URL, authorization, "s", "ts")


@in_every_dialect
def test_hmac_sha1_is_verified_too(dialect: str) -> None:
    header = Client("k", client_secret="s", signature_method="HMAC-SHA1").sign(URL, "GET")[1]["Authorization"]
    assert is_valid(DIALECTS[dialect], "GET", URL, header, "s")
    assert not is_valid(DIALECTS[dialect], "GET", URL, header.replace("SHA1", "SHA256"), "s")


def test_the_base_string_is_the_one_of_rfc_5849_section_3_4_1() -> None:
    """The RFC's own example, without the name that it gives twice."""
    url = "http://EXAMPLE.com:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
    header = (
        'OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", '
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", '
        'oauth_signature="bYT5CMsGcbgUdFHObYMEfcx6bsw%3D"'
    )
    dialect = DIALECTS["laminas"]
    assert base_string(dialect, "post", url, parameters(dialect, url, header, "c2=")) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26"
        "oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


# The Authorization header


@in_every_dialect
@pytest.mark.parametrize("before", ["Basic dXNlcjpwYXNz, ", "Bearer x,", "anything "])
@pytest.mark.parametrize("scheme", ["OAuth", "oauth", "OAUTH"])
def test_what_stands_before_oauth_does_not_count(dialect: str, before: str, scheme: str) -> None:
    authorization = signed(URL).replace("OAuth", scheme, 1)
    assert is_valid(DIALECTS[dialect], "GET", URL, before + authorization, "s", "ts")


@pytest.mark.parametrize("authorization", [None, "", "OAuth", "Basic dXNlcjpwYXNz", "Bearer oauth_token=x", "OAuth x"])
def test_a_header_without_parameters_gives_none(authorization: str | None) -> None:
    assert parameters(DIALECTS["laminas"], URL, authorization) == {}


def test_a_headers_parameters_may_be_written_in_many_ways() -> None:
    header = 'OAuth realm="x",oauth_token=t ,\toauth_nonce="n%20x",oauth_a=""b"", oauth_b, oauth_c="d=e", x="y"'
    expected = {"oauth_token": "t", "oauth_nonce": "n x", "oauth_a": "b", "oauth_c": "d=e"}
    assert parameters(DIALECTS["laminas"], URL, header) == expected


# The query

ALL = set(DIALECTS)
NATIVE = {"native", "native_double"}
OTHERS = ALL - NATIVE


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # One without "=" or with two is left out, but where the query is read again by parse_str.
        ("a", NATIVE),
        ("a=b=c", NATIVE),
        # The last value of a name counts.
        ("a=1&a=2", set()),
        # The test for a protocol parameter is not anchored, and sees the name as it is written.
        ("my_oauth_token=1", NATIVE),
        ("my_oauth_1=1", ALL),
        ("my_OAUTH_token=1", ALL),
        ("filter%5Boauth_x%5D=1", set()),
        # parse_str makes names into names of variables.
        ("a.b=1", OTHERS),
        ("a%20b=1", OTHERS),
        ("a%2Eb%5Bc.d%5D=1", ALL),
        ("a%5Bb=1", OTHERS),
        # Names that are numbers.
        ("7=1", OTHERS),
        ("-7=1", OTHERS),
        ("7%5Ba%5D=1", OTHERS),
        ("07=1", ALL),
        ("a%5B7%5D=1", ALL),
        # An array takes the place of a value of the same name.
        ("a=1&a%5Bb%5D=2", OTHERS),
        # The order of brackets, digits and letters beyond ASCII.
        ("a%5Bb%5D=1&aB=2", OTHERS),
        ("a10=1&a9=2", NATIVE),
        ("a10=1&a19=2", ALL),
        ("a1b=1&a02b=2", ALL),
        ("%C3%A9=1", OTHERS),
        # The values.
        ("a=%7E", ALL),
        ("a=1%202", ALL - {"double"}),
        ("a%5Bb%5D=1%202", OTHERS - {"double"} | {"native"}),
    ],
)
def test_a_query_signed_by_the_rfc_is_accepted_by(query: str, expected: set[str]) -> None:
    assert accepted_by(f"{URL}?{query}", signed(f"{URL}?{query}")) == expected


def test_a_name_given_twice_has_its_last_value_in_the_signature() -> None:
    url = f"{URL}?a=1&a=2"
    assert accepted_by(url, signed(f"{URL}?a=2")) == ALL


def test_a_protocol_parameter_can_hide_behind_an_escape() -> None:
    header = 'OAuth oauth_token="t", oauth_nonce="n"'
    assert parameters(DIALECTS["laminas"], f"{URL}?o%61uth_token=x", header)["oauth_token"] == "x"


@pytest.mark.parametrize("count", [10, 11, 100, 101, 300])
@pytest.mark.parametrize("first", [0, 100])
def test_indexes_of_as_many_digits_are_accepted_by_all(count: int, first: int) -> None:
    url = f"{URL}?" + "&".join(f"a%5B{number}%5D=1" for number in range(first, first + count))
    same_length = len(str(first)) == len(str(first + count - 1))
    assert accepted_by(url, signed(url)) == (ALL if same_length else set())


# The path


@pytest.mark.parametrize(
    ("path", "signed_path", "expected"),
    [
        ("A%2FB", "A%2FB", ALL - {"laminas"}),
        ("A%2FB", "A/B", {"laminas"}),
        ("A%2fB", "A%2FB", {"magento_uri", "double"}),
        ("A%7EB", "A~B", {"laminas", "magento_uri", "double"}),
        ("A%2525B", "A%25B", {"laminas"}),
        ("A%2541B", "A%41B", {"laminas"}),
        ("A!'*B", "A%21%27%2AB", {"laminas", "magento_uri", "double"}),
        ("A()B", "A()B", ALL),
        ("A%28B", "A%28B", ALL),
        ("a/./b/../c", "a/c", {"laminas", "magento_uri", "double"}),
        ("a/./b/../c", "a/./b/../c", {"zend", *NATIVE}),
        ("a//b", "a//b", ALL),
        ("A%zzB", "A%25zzB", {"laminas", "magento_uri", "double"}),
    ],
)
def test_a_path_is_signed_over_in_the_dialects_form(path: str, signed_path: str, expected: set[str]) -> None:
    base = f"GET&{quote('http://shop.example/' + signed_path, safe='')}&oauth_nonce%3Dn"
    assert accepted_by(f"http://shop.example/{path}", signed_over(base)) == expected


def test_the_host_and_port_are_as_received_in_the_native_dialects_only() -> None:
    plain = signed("http://shop.example/a")
    assert accepted_by("HTTP://Shop.example:80/a", plain) == OTHERS
    assert accepted_by("https://shop.example:443/a", signed("https://shop.example/a")) == OTHERS
    assert accepted_by("https://shop.example:8443/a", signed("https://shop.example:8443/a")) == ALL


# What makes a verifier fail


@pytest.mark.parametrize("url", [f'{URL}?a="', f"{URL}?a=%zz", f"{URL}/{{sku}}", f"{URL}?a=é"])
def test_zend_fails_on_a_url_that_is_not_valid(url: str) -> None:
    with pytest.raises(Fault):
        parameters(DIALECTS["zend"], url, signed(URL))
    assert parameters(DIALECTS["laminas"], url, signed(URL))


@pytest.mark.parametrize("dialect", sorted(NATIVE))
def test_a_number_as_a_name_makes_the_native_dialects_fail(dialect: str) -> None:
    with pytest.raises(Fault, match="number"):
        is_valid(DIALECTS[dialect], "GET", f"{URL}?7=1", signed(f"{URL}?7=1"), "s", "ts")


@in_every_dialect
def test_an_array_in_a_form_makes_a_verifier_fail(dialect: str) -> None:
    with pytest.raises(Fault, match="array"):
        parameters(DIALECTS[dialect], URL, signed(URL), "a[b]=1")
