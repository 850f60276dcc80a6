"""What a store refuses, and what is sent again."""

import pytest

from storelink.oauth.attempts import is_nonce_refused, is_signature_refused, send

URL = "https://shop.example/rest/V1/products/A%2FB?a2=%2F&a10=1&b%5Bc%5D=%2F"
"""Five dialects sign it over another base string."""

REFUSED = b'{"message":"The signature is invalid. Verify and try again."}'
USED = b'{"message":"The nonce is already being used by the consumer with ID %1","parameters":["1"]}'


@pytest.mark.parametrize(
    "body",
    [
        REFUSED,
        b'{"message":"Invalid signature"}',
        b"oauth_problem=The+signature+is+invalid.+Verify+and+try+again.",
        b"oauth_problem=The%20signatire%20is%20invalid.%20Verify%20and%20try%20again.",
        b'{"messages":{"error":[{"code":401,"message":"Invalid signature"}]}}',
        b"<response><message>The signature is invalid. Verify and try again.</message></response>",
        '{"message":"Die Signatur ist ungültig."}'.encode(),
    ],
)
def test_a_signature_is_refused_in_many_words(body: bytes) -> None:
    assert is_signature_refused(401, body)
    assert not is_signature_refused(400, body)
    assert not is_nonce_refused(401, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":"Specified token does not exist"}',
        b"oauth_problem=Signature+method+HMAC-SHA1+is+not+supported",
        b'oauth_problem="oauth_signature"+is+required.',
        USED,
        b"",
    ],
)
def test_other_words_do_not_refuse_the_signature(body: bytes) -> None:
    assert not is_signature_refused(401, body)


@pytest.mark.parametrize("body", [USED, b"oauth_problem=An+error+occurred+validating+the+nonce"])
def test_a_nonce_is_refused(body: bytes) -> None:
    assert is_nonce_refused(401, body)


class Store:
    """Answers by the dialect that a request is signed in, and one after the other where a list is given."""

    def __init__(self, answers: dict[str, tuple[int, bytes] | list[tuple[int, bytes]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, dialect: str) -> tuple[int, bytes]:
        self.asked.append(dialect)
        answer = self.answers.get(dialect, (401, REFUSED))
        return answer.pop(0) if isinstance(answer, list) else answer

    def send(self, known: tuple[str, ...] = ()) -> tuple[tuple[int, bytes], tuple[str, ...]]:
        return send(self, lambda answer: answer, URL, known)


def test_each_base_string_is_tried_once_until_one_is_accepted() -> None:
    store = Store({"double": (200, b"")})
    assert store.send() == ((200, b""), ("double",))
    assert store.asked == ["laminas", "native", "zend", "double"]


def test_what_is_known_is_tried_first() -> None:
    store = Store({"double": (200, b"")})
    assert store.send(("double",)) == ((200, b""), ("double",))
    assert store.asked == ["double"]


def test_a_wrong_secret_is_refused_after_one_call_for_each_base_string() -> None:
    store = Store({})
    assert store.send(("zend",)) == ((401, REFUSED), ("zend",))
    assert store.asked == ["zend", "laminas", "native", "double", "native_double"]


def test_a_refused_nonce_is_replaced_once_in_all() -> None:
    store = Store({"laminas": [(401, USED), (401, REFUSED)], "native": (401, USED)})
    assert store.send() == ((401, USED), ())
    assert store.asked == ["laminas", "laminas", "native"]


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ((404, b'{"message":"No such entity."}'), ("native",)),
        ((400, b'{"message":"%fieldName is a required field."}'), ("native",)),
        ((404, b"<html>"), ()),
        ((403, b"<html>"), ()),
        ((502, b""), ()),
        ((302, b""), ()),
    ],
)
def test_a_dialect_is_known_by_what_only_magento_answers(answer: tuple[int, bytes], known: tuple[str, ...]) -> None:
    assert Store({"native": answer}).send() == (answer, known)
