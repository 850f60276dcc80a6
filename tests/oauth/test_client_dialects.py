"""The token endpoints' calls are signed in the store's dialect, and pass a web server that asks for a password."""

from collections.abc import Iterator

import pytest

from storelink.errors import Rejected
from storelink.oauth.client import fetch_access_token, fetch_request_token
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.testing.sandbox import signature
from tests import store_double
from tests.store_double import StoreDouble

CONSUMER = Consumer("k" * 32, "s" * 32)
GIVEN = Token("a" * 32, "b" * 32)
ANSWER = f"oauth_token={GIVEN.key}&oauth_token_secret={GIVEN.secret}".encode()


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreDouble]:
    """A store whose base URL no two dialects sign alike, with a token answer for each call."""
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")
    with store_double.running() as running:
        running.base_path = "/sh%2Fop/"
        running.answers((200, ANSWER, {"Content-Type": "text/html; charset=UTF-8"}))
        yield running


@pytest.mark.parametrize("dialect", signature.DIALECTS)
def test_a_token_is_fetched_in_every_dialect(double: StoreDouble, dialect: str) -> None:
    double.dialect = dialect
    double.credentials = Credentials(CONSUMER, Token("", ""))
    assert fetch_request_token(double.store, CONSUMER) == (GIVEN, CONSUMER)
    request_token = Token("r" * 32, "q" * 32)
    double.credentials = Credentials(CONSUMER, request_token)
    assert fetch_access_token(double.store, CONSUMER, request_token, "v" * 32) == (GIVEN, CONSUMER)
    assert len({call.nonce for call in double.calls}) == len(double.calls) <= 4


def test_a_wrong_secret_is_refused_after_one_call_for_each_base_string(double: StoreDouble) -> None:
    double.answers((401, b"oauth_problem=The+signature+is+invalid.+Verify+and+try+again."))
    with pytest.raises(Rejected) as refused:
        fetch_request_token(double.store, CONSUMER)
    assert refused.value.reason == "signature-invalid"
    assert len(double.calls) == 2


def test_a_refused_nonce_is_replaced_once(double: StoreDouble) -> None:
    used = b"oauth_problem=The+nonce+is+already+being+used+by+the+consumer+with+ID+1"
    double.answers((401, used), (200, ANSWER))
    assert fetch_request_token(double.store, CONSUMER)[0] == GIVEN
    assert len({call.nonce for call in double.calls}) == 2


def test_basic_credentials_stand_before_the_signature(double: StoreDouble) -> None:
    fetch_request_token(double.store, CONSUMER, basic_auth="user:password")
    fetch_access_token(double.store, CONSUMER, GIVEN, "v" * 32, basic_auth="user:password")
    assert all(call.authorization.startswith("Basic dXNlcjpwYXNzd29yZA==, OAuth ") for call in double.calls)
