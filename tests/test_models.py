"""What Magento posts, read from an event of the HTTP API: what is taken, what is refused, and what is never shown."""

import base64
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from storelink.api import gateway
from storelink.api.gateway import MAX_BODY_BYTES, BadRequest, parse_form, read_activation_id
from storelink.errors import Invalid
from storelink.models import Activation, ActivationId

FORM = {
    "oauth_consumer_key": "consumerkey".ljust(32, "0"),
    "oauth_consumer_secret": "consumersecret".ljust(32, "0"),
    "store_base_url": "https://shop.example/",
    "oauth_verifier": "verifier".ljust(32, "0"),
}
KEYS = [name for name in FORM if name != "store_base_url"]


def post(body: str | bytes | None, content_type: str | None = gateway.FORM, **event: Any) -> dict[str, Any]:
    """An event of a POST. A body of bytes comes in base64, as API Gateway sends what is not text."""
    encoded = isinstance(body, bytes)
    headers = {} if content_type is None else {"content-type": content_type}
    return {
        "headers": headers,
        "requestContext": {"http": {"method": "POST", "path": "/callback"}},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": encoded,
        **event,
    }


def refused(event: dict[str, Any]) -> BadRequest:
    with pytest.raises(BadRequest) as refusal:
        parse_form(event)
    assert refusal.value.body["error"]
    assert refusal.value.body["advice"]
    return refusal.value


def wrong(form: dict[str, str]) -> dict[str, str]:
    with pytest.raises(Invalid) as invalid:
        Activation.from_form(form)
    return invalid.value.fields


class TestAnActivation:
    def test_is_read_from_magentos_form(self) -> None:
        activation = Activation.from_form(FORM)
        assert activation.consumer_key == FORM["oauth_consumer_key"]
        assert activation.consumer_secret == FORM["oauth_consumer_secret"]
        assert activation.verifier == FORM["oauth_verifier"]
        assert activation.store.url == "https://shop.example/"

    def test_lets_more_fields_be(self) -> None:
        assert Activation.from_form(FORM | {"more": "x", "oauth_more": ""}) == Activation.from_form(FORM)

    @pytest.mark.parametrize("name", FORM)
    @pytest.mark.parametrize("gone", ["absent", "empty"])
    def test_names_a_missing_field(self, name: str, gone: str) -> None:
        form = {field: value for field, value in FORM.items() if field != name}
        assert wrong(form if gone == "absent" else form | {name: ""}) == {name: "is missing"}

    def test_names_every_wrong_field_at_once(self) -> None:
        assert set(wrong({})) == set(FORM)
        fields = wrong(dict.fromkeys(FORM, "\u00e9"))
        assert set(fields) == set(FORM)
        assert all(fields.values())

    def test_names_the_store_beside_a_wrong_key(self) -> None:
        fields = wrong(FORM | {"oauth_verifier": "x", "store_base_url": "https://user@shop.example/"})
        assert set(fields) == {"oauth_verifier", "store_base_url"}
        assert "user name" in fields["store_base_url"]

    @pytest.mark.parametrize("name", KEYS)
    @pytest.mark.parametrize(
        "value",
        [
            "a" * 31,
            "a" * 33,
            "A" * 32,
            "a" * 31 + "-",
            "a" * 31 + "\n",
            "a" * 32 + "\n",
            " " + "a" * 31,
            "a" * 31 + "\u00e9",
            "a" * 31 + "\u0663",
            "\uff41" * 32,
            "a" * 31 + "\x00",
            "a" * 5000,
        ],
        ids=[
            "31",
            "33",
            "capitals",
            "hyphen",
            "integration_key feed",
            "integration_key feed after",
            "space before",
            "accent",
            "arabic digit",
            "full-width",
            "NUL",
            "5000",
        ],
    )
    def test_takes_keys_of_32_small_letters_and_digits_only(self, name: str, value: str) -> None:
        assert wrong(FORM | {name: value}) == {name: "must be 32 characters of a-z and 0-9"}

    def test_shows_no_secret(self) -> None:
        activation = Activation.from_form(FORM)
        for text in (repr(activation), str(activation), f"{[activation]}"):
            assert FORM["oauth_consumer_secret"] not in text
            assert FORM["oauth_verifier"] not in text
            assert "shop.example" in text

    @pytest.mark.parametrize("name", KEYS)
    def test_does_not_repeat_a_wrong_secret_in_its_refusal(self, name: str) -> None:
        with pytest.raises(Invalid) as invalid:
            Activation.from_form(FORM | {name: "NotQuiteASecret!"})
        assert "NotQuiteASecret" not in f"{invalid.value!r} {invalid.value} {invalid.value.fields}"


class TestALine:
    def test_is_the_same_for_a_reauthorization(self) -> None:
        again = Activation.from_form(FORM | {"oauth_verifier": "1" * 32})
        assert again.integration_key == Activation.from_form(FORM).integration_key

    def test_is_the_same_for_every_spelling_of_the_store(self) -> None:
        again = Activation.from_form(FORM | {"store_base_url": "HTTPS://SHOP.example:443"})
        assert again.integration_key == Activation.from_form(FORM).integration_key

    @pytest.mark.parametrize(
        "change",
        [
            {"oauth_consumer_key": "1" * 32},
            {"oauth_consumer_secret": "1" * 32},
            {"store_base_url": "https://other.example/"},
            {"store_base_url": "https://shop.example/shop/"},
            {"store_base_url": "http://shop.example/"},
            {"store_base_url": "https://shop.example:8443/"},
        ],
        ids=["key", "secret", "host", "path", "scheme", "port"],
    )
    def test_is_another_for_another(self, change: dict[str, str]) -> None:
        assert Activation.from_form(FORM | change).integration_key != Activation.from_form(FORM).integration_key

    def test_tells_keys_and_secrets_apart(self) -> None:
        one = Activation.from_form(FORM)
        other = replace(one, consumer_key=one.consumer_secret, consumer_secret=one.consumer_key)
        assert one.integration_key != other.integration_key

    def test_holds_neither_key_nor_secret(self) -> None:
        activation = Activation.from_form(FORM)
        assert re.fullmatch("[0-9a-f]{32}", activation.integration_key)
        assert not any(value in activation.integration_key for value in FORM.values())

    def test_has_a_digest_for_each_verifier(self) -> None:
        one, other = Activation.from_form(FORM), Activation.from_form(FORM | {"oauth_verifier": "1" * 32})
        assert one.fingerprint == Activation.from_form(FORM).fingerprint
        assert one.fingerprint != other.fingerprint
        assert one.fingerprint != one.integration_key


class TestAnActivationsId:
    def test_is_read_as_it_is_written(self) -> None:
        fresh = ActivationId.new("0123456789abcdef" * 2)
        assert ActivationId.from_text(str(fresh)) == fresh

    def test_is_another_for_each_attempt(self) -> None:
        assert len({ActivationId.new("0" * 32) for _ in range(100)}) == 100

    def test_names_an_execution(self) -> None:
        # Step Functions: 1 to 80 characters of these. Secrets Manager's ClientRequestToken: 32 to 64.
        assert re.fullmatch(r"[A-Za-z0-9_-]{32,64}", str(ActivationId.new("0" * 32)))

    @pytest.mark.parametrize("text", [None, ""], ids=["none", "empty"])
    def test_is_missing(self, text: object) -> None:
        with pytest.raises(Invalid) as invalid:
            ActivationId.from_text(text)
        assert invalid.value.fields == {"activation_id": "is missing"}

    @pytest.mark.parametrize(
        "text",
        [
            0,
            7,
            1.5,
            True,
            False,
            b"0" * 45,
            [],
            ["0" * 45],
            {},
            {"activation_id": "x"},
            "x",
            f"{'0' * 32}-{'0' * 11}",
            f"{'0' * 32}-{'0' * 13}",
            f"{'0' * 31}-{'0' * 12}",
            f"{'0' * 32}_{'0' * 12}",
            f"{'A' * 32}-{'0' * 12}",
            f"{'g' * 32}-{'0' * 12}",
            f"{'0' * 32}-{'0' * 12}\n",
            f" {'0' * 32}-{'0' * 12}",
            f"{chr(0x660) * 32}-{'0' * 12}",
            "0" * 100_000,
        ],
        ids=str,
    )
    def test_is_nothing_else(self, text: object) -> None:
        with pytest.raises(Invalid) as invalid:
            ActivationId.from_text(text)
        assert list(invalid.value.fields) == ["activation_id"]
        assert len(str(invalid.value)) < 300


class TestAForm:
    @pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
    def test_is_read_as_it_was_on_the_wire(self, encoded: bool) -> None:
        text = urlencode(FORM)
        assert parse_form(post(text.encode() if encoded else text)) == FORM

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=utf-8",
            "Application/X-WWW-Form-URLencoded",
            " application/x-www-form-urlencoded ; x=y",
        ],
    )
    def test_may_name_a_charset(self, content_type: str) -> None:
        assert parse_form(post(urlencode(FORM), content_type)) == FORM

    def test_may_come_with_any_header(self) -> None:
        odd = {"127.0.0.1": "9300", "": "", "x": "y" * 9000, "content-length": "-1", "expect": "100-continue"}
        assert parse_form(post(urlencode(FORM), headers={"content-type": gateway.FORM, **odd})) == FORM

    @pytest.mark.parametrize(
        ("body", "form"),
        [
            ("a=b+c", {"a": "b c"}),
            ("a=b%20c%2B%26%3D", {"a": "b c+&="}),
            ("a=%C3%A9", {"a": "\u00e9"}),
            ("a=\u00e9", {"a": "\u00e9"}),
            ("a=", {"a": ""}),
            ("a", {"a": ""}),
            ("a=b=c", {"a": "b=c"}),
            ("a;b=c", {"a;b": "c"}),
            ("&&a=b&", {"a": "b"}),
            ("a=%", {"a": "%"}),
            ("", {}),
            (None, {}),
        ],
    )
    def test_is_read_as_browsers_write_it(self, body: str | None, form: dict[str, str]) -> None:
        assert parse_form(post(body)) == form

    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "",
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "x; application/x-www-form-urlencoded",
            "application/x-www-form-urlencodedx",
        ],
    )
    def test_of_another_kind_is_415(self, content_type: str | None) -> None:
        refusal = refused(post(urlencode(FORM), content_type))
        assert refusal.status == 415
        assert gateway.FORM in refusal.body["advice"]

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post"])
    def test_by_another_method_is_405_and_says_which_is_allowed(self, method: str) -> None:
        refusal = refused(post(urlencode(FORM), requestContext={"http": {"method": method}}))
        assert refusal.status == 405
        assert refusal.headers == {"Allow": "POST"}
        assert "POST" in refusal.body["advice"]

    @pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
    def test_may_have_as_many_bytes_as_the_limit_says(self, encoded: bool) -> None:
        text = "a=" + "b" * (MAX_BODY_BYTES - 2)
        assert parse_form(post(text.encode() if encoded else text)) == {"a": "b" * (MAX_BODY_BYTES - 2)}

    @pytest.mark.parametrize(
        "body",
        [
            "a=" + "b" * (MAX_BODY_BYTES - 1),
            b"a=" + b"b" * (MAX_BODY_BYTES - 1),
            "a=" + "\u00e9" * (MAX_BODY_BYTES // 2),
            b"\xff" * (MAX_BODY_BYTES + 1),
            "&" * (MAX_BODY_BYTES + 1),
            "a=b" * 1_000_000,
        ],
        ids=["plain", "base64", "two bytes a character", "not text", "fields", "3 MB"],
    )
    def test_of_more_bytes_is_413(self, body: str | bytes) -> None:
        refusal = refused(post(body))
        assert refusal.status == 413
        assert str(MAX_BODY_BYTES) in refusal.body["advice"]

    def test_with_a_field_twice_is_refused_by_its_name(self) -> None:
        with pytest.raises(Invalid) as invalid:
            parse_form(post(urlencode(FORM) + "&oauth_verifier=again&b=1&b=1&b=2"))
        assert invalid.value.fields == {"oauth_verifier": "is there more than once", "b": "is there more than once"}

    def test_with_a_field_twice_in_another_spelling_is_refused_too(self) -> None:
        with pytest.raises(Invalid) as invalid:
            parse_form(post("oauth_verifier=a&%6Fauth_verifier=b"))
        assert invalid.value.fields == {"oauth_verifier": "is there more than once"}

    @pytest.mark.parametrize(
        "event",
        [
            post(b"a=\xff"),
            post(b"\xff\xfe"),
            post("a=%FF"),
            post("%C3=a"),
            post("a=%ED%A0%80"),
            post("a=\ud800"),
            post("&".join(f"a{number}=b" for number in range(51))),
            post("&" * 60),
            post("not base64!", isBase64Encoded=True),
            post("YQ", isBase64Encoded=True),
            post("\u00e9", isBase64Encoded=True),
            post("Y Q==", isBase64Encoded=True),
        ],
        ids=[
            "a byte that is not UTF-8",
            "UTF-16's mark",
            "an encoded byte that is not UTF-8",
            "half a character for a name",
            "an encoded surrogate",
            "a surrogate",
            "51 fields",
            "60 empty fields",
            "no base64",
            "base64 cut short",
            "base64 with an accent",
            "base64 with a space",
        ],
    )
    def test_that_cannot_be_read_is_400(self, event: dict[str, Any]) -> None:
        assert refused(event).status == 400


class TestAnOperatorsBody:
    ID = f"{'0' * 32}-{'0' * 12}"

    @pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
    def test_names_an_activation(self, encoded: bool) -> None:
        text = f'{{"activation_id": "{self.ID}"}}'
        assert str(read_activation_id(post(text.encode() if encoded else text, "application/json"))) == self.ID

    def test_is_the_state_machines_plain_input_too(self) -> None:
        assert str(read_activation_id({"activation_id": self.ID, "holder": "x"})) == self.ID

    @pytest.mark.parametrize(
        "body",
        [
            None,
            "",
            "{",
            "[]",
            "null",
            "7",
            '"text"',
            b"\xff",
            "NaN",
            "9" * 5000,
            '{"activation_id": null}',
            '{"activation_id": ["x"]}',
            '{"activation_id": NaN}',
            '{"activation_id": "\\ud800"}',
            "[" * 8000,
            '{"activation_id":' * 400,
        ],
        ids=[
            "none",
            "empty",
            "half",
            "list",
            "null",
            "number",
            "text",
            "not UTF-8",
            "NaN",
            "5000 digits",
            "null id",
            "list for an id",
            "NaN for an id",
            "surrogate",
            "8000 brackets",
            "400 objects",
        ],
    )
    def test_that_names_none_is_invalid(self, body: str | bytes | None) -> None:
        with pytest.raises(Invalid):
            read_activation_id(post(body, "application/json"))
