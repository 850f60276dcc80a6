"""The user name and password of the web server in front of a store (RFC 7617), which an operator sets.

They are encrypted on a row of their own in the table of connections, so they can be set before the store connects and
are read only when the store asks for them. A connected store's credentials contain them, too: apps read no other row.
"""

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any

from storelink import credentials
from storelink.aws import dynamodb, kms
from storelink.aws.dynamodb import Conflict
from storelink.config import config
from storelink.errors import Invalid
from storelink.store import Store

PURPOSE = "basic_auth"
"""Of the encryption context, beside the connection's id: who may decrypt it can decrypt no credentials."""

MAX_BYTES = 255
"""Bytes that a user name and a password may each have in UTF-8: with an activation's secrets, KMS encrypts them."""

_ATTRIBUTE = "encrypted_basic_auth"
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
"""What UTF-8 can hold, unlike lone surrogates, and without control characters."""
_FIELDS = ("store_url", "username", "password")


@dataclass(frozen=True)
class BasicAuthRequest:
    """What an operator sets for a store. basic_auth: "user:password", None to remove it."""

    store: Store
    basic_auth: str | None = field(default=None, repr=False)

    @classmethod
    def from_request(cls, body: dict[str, Any], removes: bool = False) -> "BasicAuthRequest":
        """Read {"store_url", "username", "password"}, or {"store_url"} where it `removes`.

        Raises Invalid, naming every wrong field at once.
        """
        known = _FIELDS[:1] if removes else _FIELDS
        wrong = {name: f"is not known; give {', '.join(known)}" for name in body if name not in known}
        store = None
        try:
            store = Store.from_url(str(body.get("store_url") or ""))
        except Invalid as invalid:
            wrong |= invalid.fields
        if not removes:
            wrong |= _wrong(body)
        if wrong or store is None:
            raise Invalid(wrong)
        return cls(store, None if removes else f"{body['username']}:{body['password']}")


def _wrong(body: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the user name and the password (RFC 7617 section 2)."""
    wrong = {}
    for name in ("username", "password"):
        value = body.get(name)
        if not isinstance(value, str) or not _TEXT.fullmatch(value):
            wrong[name] = "must be text without control characters"
        elif len(value.encode()) > MAX_BYTES:
            wrong[name] = f"must have at most {MAX_BYTES} bytes"
    if ":" in str(body.get("username")):
        wrong["username"] = "must have no colon"
    return wrong


def save(request: BasicAuthRequest) -> bool:
    """Set or remove a store's Basic credentials; whether the credentials of its connection were changed, too.

    Raises Unavailable; then it has to be repeated.
    """
    if request.basic_auth is None:
        delete(request.store)
    else:
        context = {"connection_id": request.store.connection_id}
        encrypted = kms.encrypt(request.basic_auth.encode(), PURPOSE, **context)
        dynamodb.update(
            config.connections_table,
            _key(request.store),
            condition="attribute_not_exists(#store)",  # always: no connection has such an id
            values={},
            changes={_ATTRIBUTE: encrypted},
        )
    return credentials.change_basic_auth(request.store, request.basic_auth)


def read(store: Store) -> str | None:
    """A store's Basic credentials, "user:password"; None when none are set. Raises Unavailable."""
    encrypted = dynamodb.get(config.connections_table, _key(store)).get(_ATTRIBUTE)
    if encrypted is None:
        return None
    return kms.decrypt(encrypted, PURPOSE, connection_id=store.connection_id).decode()


def delete(store: Store) -> None:
    """Forget a store's Basic credentials, if any are set. Raises Unavailable."""
    with contextlib.suppress(Conflict):
        dynamodb.update(
            config.connections_table,
            _key(store),
            condition=f"attribute_exists(#{_ATTRIBUTE})",
            values={},
            remove=(_ATTRIBUTE,),
        )


def reencrypt(store: Store) -> None:
    """Encrypt a store's Basic credentials with the stack's key, if any are set. Raises Conflict, Unavailable."""
    before = dynamodb.get(config.connections_table, _key(store)).get(_ATTRIBUTE)
    encrypted = before and kms.reencrypt(before, PURPOSE, connection_id=store.connection_id)
    if encrypted:
        dynamodb.update(
            config.connections_table,
            _key(store),
            condition=f"#{_ATTRIBUTE} = :before",
            values={"before": before},
            changes={_ATTRIBUTE: encrypted},
        )


def _key(store: Store) -> dynamodb.Row:
    """No connection has such an id: theirs begin with a host."""
    return {"connection_id": f"basic_auth:{store.connection_id}"}
