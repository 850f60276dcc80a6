"""The signature of a webhook's requests."""

import pytest

from storelink import webhook_signature

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_it_is_that_of_the_standards_example() -> None:
    sent = webhook_signature.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [SECRET])
    assert sent == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_may_have_its_prefix() -> None:
    assert webhook_signature.headers("1", 1, b"", [f"whsec_{SECRET}"]) == webhook_signature.headers(
        "1", 1, b"", [SECRET]
    )


@pytest.mark.parametrize("secret", ["", "AAAA", "A" * 31, "?" * 32])
def test_a_secret_that_is_no_key_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="base64 of at least 24 bytes"):
        webhook_signature.headers("1", 1, b"", [secret])
