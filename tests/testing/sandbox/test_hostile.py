"""The sandbox's hostile answers do what they say, and a call through the guard ends all the same."""

import time
from itertools import islice

import pytest
import requests

from storelink.errors import Unavailable
from storelink.magento import errors
from storelink.testing.sandbox.hostile import ENDLESS, HOSTILE, SILENT
from storelink.transport import http
from tests.testing.sandbox.shop import Shop


@pytest.fixture(autouse=True)
def private_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_ALLOW_PRIVATE_STORES", "true")


@pytest.mark.parametrize("kind", sorted(set(HOSTILE) - {"expansion"}))
def test_an_answer_that_has_no_end_or_is_a_bomb_is_given_up(shop: Shop, kind: str) -> None:
    shop.store.trouble(kind)
    began = time.monotonic()
    with pytest.raises(Unavailable) as gave_up:
        http.post(f"{shop.store.base_url}oauth/token/request", "OAuth x", 1.0)
    assert time.monotonic() - began < 2.0
    limit = "time" if kind in SILENT else "bytes"
    assert gave_up.value.limit == ("" if kind == "endless_headers" else limit)  # too many headers come first


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_an_end_is_long_for_a_careless_client(shop: Shop, kind: str) -> None:
    shop.store.trouble(kind)
    try:
        answer = requests.post(f"{shop.store.base_url}oauth/token/request", stream=True, timeout=5)
    except requests.ConnectionError:  # the headers have no end
        assert kind == "endless_headers"
        return
    if kind != "negative_chunk":  # a careless client reads all of it at once
        assert len(list(islice(answer.iter_content(1), 100_000))) == 100_000
    answer.close()


def test_an_error_that_expands_is_short_and_read_in_little_time(shop: Shop) -> None:
    shop.store.trouble("expansion")
    answer = http.get(f"{shop.store.base_url}rest/V1/modules", "OAuth x", 5.0, http.MAX_BYTES)
    began = time.process_time()
    error = errors.call_failed(answer, "GET")
    assert time.process_time() - began < 0.5
    assert error is not None
    assert len(error.problem) < 10_000
