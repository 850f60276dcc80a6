"""The sandbox store's token endpoints answer as Magento's do: signed by oauthlib's client, over HTTP."""

import re
import threading
import time
from urllib.parse import parse_qsl

import pytest
from oauthlib.oauth1 import Client

from tests.testing.sandbox.shop import (
    NO_TOKEN,
    NOT_A_VERIFIER,
    NOT_AUTHORIZED,
    SHA1,
    SHA256,
    SIGNATURE_INVALID,
    VALUE,
    Shop,
    call,
    control,
    problem,
)


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


def test_one_verifier_gives_one_request_token_to_many_at_once(shop: Shop) -> None:
    shop.activated()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(shop.request().status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [401] * 7
