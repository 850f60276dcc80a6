"""Sandbox stores that are connected without AWS: their credentials are in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from storelink import credentials
from storelink.client import session
from storelink.client.rest import RestSession
from storelink.errors import Invalid
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.store import Store

if TYPE_CHECKING:
    from storelink.testing.sandbox import SandboxStore

STACK = "storelink-testing"
"""The stack's name where the environment has none."""
PATIENCE = 5.0
"""Seconds in which a call that reads is made again, unless the session was given others; 30 outside of tests."""
CONNECT = "use the fixture connected_shop, or connected() of storelink.testing.connection"


@contextmanager
def connected(*stores: SandboxStore) -> Iterator[None]:
    """Connect sandbox stores: while the context lasts, `storelink.connect` knows them and no others.

    Each is connected as by an operator: its integration's four values are entered. Stores on this machine may be
    called meanwhile (STORELINK_ALLOW_PRIVATE_STORES), and `stack` may have any name. Without stores, none is connected
    and AWS is not asked.

        with sandbox.serve() as server, connected(server.store()):
            shop = storelink.connect(server.url)
    """
    known = {Store.from_url(store.base_url): _credentials(store) for store in stores}

    def read(stack: str, store: Store) -> Credentials:
        if store not in known:
            raise Invalid({"store_url": f"{store.url} is not connected in this test: {CONNECT}"}, "not-connected")
        return known[store]

    environment = {"STORELINK_STACK": os.environ.get("STORELINK_STACK") or STACK}
    environment["STORELINK_ALLOW_PRIVATE_STORES"] = "true"
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.dict(RestSession.__init__.__kwdefaults__, patience=PATIENCE),
        mock.patch.multiple(credentials, read=read, save_dialects=lambda *_: None),  # no row could keep them,
    ):
        session.forget_credentials()
        try:
            yield
        finally:
            session.forget_credentials()


def _credentials(store: SandboxStore) -> Credentials:
    values = store.activate("", "").values
    token = Token(values["access_token"], values["access_token_secret"])
    return Credentials(Consumer(values["consumer_key"], values["consumer_secret"]), token)
