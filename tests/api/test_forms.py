"""Whatever bytes come as a form, they are read as they were written or refused; nothing else is ever raised."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from storelink.api.gateway import FORM, MAX_BODY_BYTES, BadRequest, parse_form
from storelink.errors import Invalid
from storelink.models import Activation

EXAMPLES = settings(max_examples=500, deadline=None)
NAMES = ["oauth_consumer_key", "oauth_consumer_secret", "store_base_url", "oauth_verifier"]

keys = st.integers(0, 16**32 - 1).map(lambda number: f"{number:032x}")
pieces = st.one_of(
    st.sampled_from([*(name.encode() for name in NAMES), b"&", b"=", b"%", b"+", b"%FF", b"%00", b";", b"https://a/"]),
    st.binary(max_size=8),
    keys.map(str.encode),
)
bodies = st.one_of(st.binary(max_size=30), st.lists(pieces, max_size=6).map(b"".join))


def event(body: str | None, encoded: bool, content_type: str = FORM) -> dict[str, Any]:
    return {
        "headers": {"content-type": content_type},
        "requestContext": {"http": {"method": "POST"}},
        "body": body,
        "isBase64Encoded": encoded,
    }


def told(body: str, encoded: bool, content_type: str = FORM) -> dict[str, str] | Activation | Invalid | BadRequest:
    """What comes of a body: an activation, else the form, else the refusal."""
    try:
        form = parse_form(event(body, encoded, content_type))
        return Activation.from_form(form) if NAMES[0] in form else form
    except (Invalid, BadRequest) as refused:
        return refused


@EXAMPLES
@given(bodies)
def test_any_bytes_are_an_activation_or_a_form_or_refused(body: bytes) -> None:
    result = told(base64.b64encode(body).decode(), encoded=True)
    if isinstance(result, Invalid):
        assert result.fields
        assert all(result.fields.values())
    elif isinstance(result, BadRequest):
        assert result.status == 400
    elif isinstance(result, Activation):
        assert result.consumer_key.encode() in body


@EXAMPLES
@given(st.text(max_size=60), st.booleans(), st.sampled_from([FORM, f"{FORM}; charset=x", "", "text/html"]))
def test_any_text_is_a_form_or_refused(body: str, encoded: bool, content_type: str) -> None:
    result = told(body, encoded, content_type)
    if isinstance(result, BadRequest):
        assert result.status in ((400,) if content_type.startswith(FORM) else (400, 415))
    else:
        assert content_type.startswith(FORM)


def encode_all(text: str) -> str:
    """Every byte in percent-encoding, as some clients do."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


texts = st.text(st.characters(codec="utf-8"), max_size=8)


@EXAMPLES
@given(
    form=st.dictionaries(texts.filter(bool), texts, max_size=3),
    quoted=st.sampled_from(["+", "%20", "all"]),
    encoded=st.booleans(),
)
def test_a_well_formed_form_is_read_back_as_it_was(form: dict[str, str], quoted: str, encoded: bool) -> None:
    if quoted == "all":
        text = "&".join(f"{encode_all(name)}={encode_all(value)}" for name, value in form.items())
    else:
        text = urlencode(form, quote_via=quote) if quoted == "%20" else urlencode(form)
    assert len(text) <= MAX_BODY_BYTES
    assert parse_form(event(base64.b64encode(text.encode()).decode() if encoded else text, encoded)) == form


@settings(max_examples=300, deadline=None)
@given(keys, keys, keys)
def test_what_magento_posts_is_always_taken(key: str, secret: str, verifier: str) -> None:
    form = dict(zip(NAMES, [key, secret, "https://shop.example/", verifier], strict=True))
    activation = Activation.from_form(parse_form(event(urlencode(form), encoded=False)))
    assert (activation.consumer_key, activation.consumer_secret, activation.verifier) == (key, secret, verifier)
    assert secret not in repr(activation) or secret == key
    assert verifier not in repr(activation) or verifier == key
