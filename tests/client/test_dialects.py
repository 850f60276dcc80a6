"""A session's calls are accepted by stores of every dialect, at the first try where that can be."""

import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

import storelink
from storelink import aws
from storelink.aws import dynamodb
from storelink.client import session as client_session
from storelink.errors import Invalid
from storelink.magento import path, query
from storelink.oauth import attempts
from storelink.oauth.credentials import Consumer, Credentials
from storelink.oauth.signature import DIALECTS, dialects, normalize_url, sign
from storelink.store import Store
from storelink.testing.sandbox import signature as verifier
from tests.store_double import CREDENTIALS, INVALID, NONCE_USED, StoreDouble
from tests.world import World

in_every_dialect = pytest.mark.parametrize("dialect", verifier.DIALECTS)

SLASH: Any = {"url": "V1/products/{sku}", "path": {"sku": "24/MB+01"}}
NUMBERED: Any = {"url": "V1/modules", "params": {"a1": 1, "a2": 2, "a10": 3}}


def test_the_client_knows_every_dialect() -> None:
    assert DIALECTS.keys() == verifier.DIALECTS.keys()


class TestACallThatCanBeWrittenForAll:
    @in_every_dialect
    @pytest.mark.parametrize(
        "call",
        [
            {"url": "V1/products/A:B@C&D=E$F,G;H"},
            {"url": "V1/products/A!B'C*D(E)F~G-H_I.J"},
            {"url": "V1/products/%41%7e%3A%c3%91%21%2a"},
            {"url": "V1/products/{sku}", "path": {"sku": 'Ü "漢" <A>[1]{2}|^`\\#?!\'*'}},
            {"url": "V1/products", "params": {"a": {"b": list(range(300))}, "c": list("abcdefghijk")}},
            {"url": "V1/products", "params": [("searchCriteria[page_size]", 5), ("fields", "")]},
        ],
    )
    def test_is_accepted_at_the_first_try(self, double: StoreDouble, dialect: str, call: Any) -> None:
        double.dialect = dialect
        assert double.session().get(**call).status_code == 200
        assert len(double.calls) == 1

    @in_every_dialect
    @pytest.mark.parametrize("length", [1, 10, 11, 15, 90, 91, 120, 300])
    def test_is_a_search_with_a_list_of_any_length(self, double: StoreDouble, dialect: str, length: int) -> None:
        double.dialect = dialect
        double.answers((200, {"items": [], "total_count": 0}))
        filters = [[("sku", "eq", f"s{n}") for n in range(length)]]
        assert list(double.session().search("products", filters, sort="sku")) == []
        assert len(double.calls) == len({call.target for call in double.calls})


class TestACallThatCannot:
    @in_every_dialect
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("call", [SLASH, NUMBERED, {"url": "V1/modules", "params": {"a": "1 & 2"}}])
    def test_is_signed_in_the_stores_dialect(self, double: StoreDouble, dialect: str, method: str, call: Any) -> None:
        double.dialect = dialect
        shop = double.session()
        body: Any = {} if method == "GET" else {"json": {"a": 1}}
        assert shop.request(method, **call, **body).status_code == 200
        tries = len(double.calls)
        assert 1 <= tries <= len(list(dialects(double.url.rstrip("/") + double.calls[0].target)))
        assert len({one.nonce for one in double.calls}) == tries
        assert {one.body for one in double.calls} == {b'{"a": 1}' if body else b""}
        assert shop.request(method, **call, **body).status_code == 200
        assert len(double.calls) == tries + 1  # the dialect is known now

    def test_of_one_kind_does_not_make_the_session_forget_another(self, double: StoreDouble) -> None:
        double.dialect = "zend"
        shop = double.session()
        shop.get(**SLASH)
        shop.get(**NUMBERED)
        double.calls.clear()
        for _ in range(3):
            assert shop.get(**SLASH).status_code == shop.get(**NUMBERED).status_code == 200
        assert len(double.calls) == 6

    def test_is_signed_anew_after_the_store_was_updated(self, double: StoreDouble) -> None:
        double.dialect = "zend"
        shop = double.session()
        assert shop.get(**SLASH).status_code == 200
        double.dialect = "laminas"
        assert shop.get(**SLASH).status_code == 200

    def test_with_a_body_that_can_be_read_once_is_sent_once(self, double: StoreDouble) -> None:
        double.dialect = "native"
        answer = double.session().post(**SLASH, data=iter([b"{}"]), headers={"Content-Length": "2"})
        assert (answer.status_code, len(double.calls)) == (401, 1)

    def test_is_refused_for_a_wrong_secret_after_one_call_for_each_base_string(self, double: StoreDouble) -> None:
        double.credentials = Credentials(Consumer("k" * 32, "x" * 32), CREDENTIALS.access_token)
        double.dialect = "laminas"
        answer = double.session().get("V1/modules", {"a": "1 2"})
        with pytest.raises(storelink.NotAuthorized) as refused:
            answer.raise_for_status()
        assert refused.value.reason == "signature-invalid"
        assert len(double.calls) == 2

    @pytest.mark.parametrize("words", ["Invalid signature", "The signatire is invalid. Verify and try again."])
    def test_is_signed_again_in_whatever_words_it_was_refused(self, double: StoreDouble, words: str) -> None:
        double.answers((401, {"message": words}), (200, {}))
        assert double.session().post(**SLASH, json={}).status_code == 200


class TestANonceThatIsRefused:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("body", [NONCE_USED, {"message": "An error occurred validating the nonce"}])
    def test_is_replaced(self, double: StoreDouble, method: str, body: Any) -> None:
        double.answers((401, body), (200, {}))
        assert double.session().request(method, "V1/modules").status_code == 200
        assert len({call.nonce for call in double.calls}) == 2

    def test_again_is_the_answer(self, double: StoreDouble) -> None:
        double.answers((401, NONCE_USED))
        assert double.session().post("V1/modules", json={}).status_code == 401
        assert len(double.calls) == 2


@pytest.mark.parametrize("name", ["my_oauth_token", "a.b", "a b", "7", "a[oauth_x]"])
def test_what_no_dialect_carries_is_refused_before_it_is_sent(double: StoreDouble, name: str) -> None:
    shop = double.session()
    for call in ({"params": {name: 1}}, {"url": f"V1/modules?{quote(name)}=1"}):
        with pytest.raises(storelink.Invalid) as refused:
            shop.get(**({"url": "V1/modules"} | call))
        assert name in refused.value.fields
    for query_string in ("a=1&a=2", "a"):
        with pytest.raises(storelink.Invalid):
            shop.get(f"V1/modules?{query_string}")
    assert double.calls == []


def test_basic_credentials_go_before_the_signature(double: StoreDouble) -> None:
    double.dialect = "native"
    known = Credentials(CREDENTIALS.consumer, CREDENTIALS.access_token, "staging:s3cret")
    answer = client_session.session_for(double.store, known).get(**SLASH)
    assert answer.status_code == 200
    assert all(call.authorization.startswith("Basic c3RhZ2luZzpzM2NyZXQ=, OAuth ") for call in double.calls)


class TestTheDialectOfAConnection:
    """Kept on the connection's row, so that the next process begins with it."""

    @pytest.fixture
    def connected(self, world: World, double: StoreDouble) -> World:
        """A connection whose credentials are for the store double."""
        client_session._kept.cache_clear()
        world.connect()
        known = world.credentials()
        double.credentials = known
        double.dialect = "double"
        return world

    def session(self, world: World, double: StoreDouble) -> storelink.StoreSession:
        """A session of a new process, whose calls go to the double."""
        client_session._kept.cache_clear()
        shop = storelink.connect(world.url)
        shop.store = Store.from_url(double.url)
        return shop

    def test_is_kept_for_the_next_process(self, connected: World, double: StoreDouble) -> None:
        assert self.session(connected, double).get("V1/modules", {"a": "1 2"}).status_code == 200
        assert connected.connection()["dialect"] == "double"
        double.calls.clear()
        assert self.session(connected, double).get("V1/modules", {"a": "1 2"}).status_code == 200
        assert len(double.calls) == 1

    def test_is_not_written_by_who_may_not(
        self, connected: World, double: StoreDouble, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = self.session(connected, double)

        def refuse(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem")

        monkeypatch.setattr(aws.client("dynamodb"), "update_item", refuse)
        assert shop.get("V1/modules", {"a": "1 2"}).status_code == 200
        assert shop.get("V1/modules", {"a": "1 2"}).status_code == 200
        assert len(double.calls) == 3
        assert "dialect" not in connected.connection()

    def test_is_known_to_the_process_alone_without_the_table(
        self, connected: World, double: StoreDouble, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("STORELINK_CONNECTIONS_TABLE")
        shop = self.session(connected, double)
        assert shop.get("V1/modules", {"a": "1 2"}).status_code == 200
        assert shop.get("V1/modules", {"a": "1 2"}).status_code == 200
        assert len(double.calls) == 3

    def test_makes_no_connection(self, world: World) -> None:
        store = Store.from_url(f"https://{uuid.uuid4().hex}.example/")
        storelink.credentials.save_dialects(world.aws.stack, store, ("zend",))
        key = {"connection_id": store.connection_id}
        assert dynamodb.get(world.aws.outputs["ConnectionsTableName"], key) == {}


def tries(dialect: str, method: str, url: str, known: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
    """The status of a signed request at a store of a dialect, how often it is sent, and the dialects known then."""
    count = 0

    def signed(by: str) -> tuple[int, bytes]:
        nonlocal count
        count += 1
        header = sign(method, url, CREDENTIALS, by)
        secrets = CREDENTIALS.consumer.secret, CREDENTIALS.access_token.secret
        is_valid = verifier.is_valid(verifier.DIALECTS[dialect], method, url, header, *secrets)
        return (200, b"") if is_valid else (401, json.dumps(INVALID).encode())

    (status, _), known = attempts.send(signed, lambda answer: answer, url, known)
    return status, count, known


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
plain = st.from_regex(r"[A-Za-z][A-Za-z0-9._~-]{0,8}", fullmatch=True)
base_urls = st.sampled_from(
    [
        "https://shop.example/",
        "http://shop.example:8080/a/index.php/",
        "https://[2001:db8::1]/",
        "https://b.example/~%C3%A9/",
    ]
)
nested = st.one_of(texts, st.lists(texts, max_size=20), st.dictionaries(texts, texts, max_size=3))
neutral_skus = st.text(st.sampled_from("Aé漢 :@&=$,;!'*()~-_.#?[]|\"<>"), min_size=1, max_size=8)
fields = st.sampled_from(["field", "value", "condition_type", "page_size", "sku", "name"])


def url_of(base: str, sku: str, parameters: Any) -> str:
    asked = query.query(parameters)
    whole = path.resolve(Store.from_url(base), None, path.fill("V1/products/{sku}", {"sku": sku}))
    return normalize_url(f"{whole}?{asked}" if asked else whole)


@in_every_dialect
@settings(max_examples=300, deadline=None)
@given(
    base=base_urls,
    sku=texts.filter(lambda sku: sku not in ("", ".", "..")),
    names=st.lists(st.sampled_from(["a", "b", "a2", "a10", "searchCriteria", "fields", "Z"]), unique=True, max_size=4),
    values=st.lists(nested, min_size=4, max_size=4),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
)
def test_any_call_is_accepted_within_its_base_strings(
    dialect: str, base: str, sku: str, names: list[str], values: list[Any], method: str
) -> None:
    try:
        url = url_of(base, sku, dict(zip(names, values, strict=False)))
    except Invalid:
        return
    status, count, known = tries(dialect, method, url, ())
    assert status == 200
    assert count <= len(list(dialects(url)))
    assert tries(dialect, method, url, known)[:2] == (200, 1)


@in_every_dialect
@settings(max_examples=200, deadline=None)
@given(
    base=base_urls,
    sku=neutral_skus.filter(lambda sku: sku.strip(".")),
    groups=st.lists(st.tuples(st.integers(1, 300), fields, plain), max_size=3),
    parameters=st.dictionaries(fields, plain, max_size=3),
)
def test_all_that_can_be_written_for_all_is_accepted_at_the_first_try(
    dialect: str, base: str, sku: str, groups: list[tuple[int, str, str]], parameters: dict[str, str]
) -> None:
    lists = [{"filters": [{name: value}] * length} for length, name, value in groups]
    url = url_of(base, sku, {"searchCriteria": {"filter_groups": lists, **parameters}, **parameters})
    if dialect == "zend" and len(url) > 8000:
        return
    assert tries(dialect, "GET", url, ())[:2] == (200, 1)
