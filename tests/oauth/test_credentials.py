"""Credentials are shown nowhere, and are not pickled into caches, queues and files."""

import copy
import pickle
from typing import Any

import pytest

from storelink.magento.login import Login
from storelink.oauth.credentials import Consumer, Credentials, Token

SECRETS = ["consumer-secret", "token-key", "token-secret", "login-token"]
CONSUMER, TOKEN = Consumer("consumer-key", SECRETS[0]), Token(SECRETS[1], SECRETS[2])
HOLDERS = [CONSUMER, TOKEN, Credentials(CONSUMER, TOKEN), Login(SECRETS[3], "customer", 0)]
each_holder = pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)


@each_holder
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("within", [lambda it: it, lambda it: {"a": [it]}], ids=["alone", "within others"])
def test_they_cannot_be_pickled(holder: Any, protocol: int, within: Any) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(within(holder), protocol)


@each_holder
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_same_object(holder: Any, duplicate: Any) -> None:
    assert duplicate(holder) is holder
    assert duplicate({"a": holder})["a"] is holder


@each_holder
def test_they_are_shown_without_what_is_secret(holder: Any) -> None:
    for shown in (repr(holder), str(holder), f"{holder}", repr([holder]), repr({"a": holder})):
        assert not any(secret in shown for secret in SECRETS)
