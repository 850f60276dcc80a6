"""Invitations: an operator admits one tenant's stores by an unguessable part of the URL (parameter `Admission`).

The code is returned once, when the invitation is created; only its digest is kept, and is the invitation's id.
"""

import contextlib
import re
import secrets
from dataclasses import dataclass

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Conflict, Row
from storelink.config import config
from storelink.errors import Invalid, NotAdmitted
from storelink.models import digest, validate_tenant
from storelink.state.activations import SWEEP_SHARDS, now, shard
from storelink.store import Store

LIFETIME = 7 * 24 * 3600
"""Seconds for which an invitation admits new stores, when the operator does not say."""
MIN_LIFETIME = 3600
MAX_LIFETIME = 365 * 24 * 3600

_CODE = re.compile(r"[A-Za-z0-9_-]{32}")
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Invitation:
    """What an operator asks for. store: the only one that may come, or any. lifetime: seconds."""

    tenant: str
    store: Store | None
    lifetime: int

    @classmethod
    def from_request(cls, body: Row) -> "Invitation":
        """Read {"tenant", "store_url"?, "lifetime"?}. Raises Invalid, naming every wrong field at once."""
        wrong = {name: "is not known; give tenant, store_url or lifetime" for name in body if name not in _FIELDS}
        tenant, lifetime, store = "", body.get("lifetime", LIFETIME), None
        try:
            tenant = validate_tenant(body.get("tenant"))
        except Invalid as invalid:
            wrong |= invalid.fields
        if type(lifetime) is not int or not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            wrong["lifetime"] = f"must be seconds, a whole number from {MIN_LIFETIME} to {MAX_LIFETIME}"
        if body.get("store_url") is not None:
            try:
                store = Store.from_url(str(body["store_url"]))
            except Invalid as invalid:
                wrong |= invalid.fields
        if wrong:
            raise Invalid(wrong)
        return cls(tenant, store, int(lifetime))


_FIELDS = ("tenant", "store_url", "lifetime")


def create(invitation: Invitation) -> tuple[str, Row]:
    """Make an invitation. Its code (192 random bits), and what is kept of it. Raises Unavailable."""
    code = secrets.token_urlsafe(24)
    invitation_id, began = digest("invitation", code), now()
    kept = dynamodb.update(
        config.invitations_table,
        {"invitation_id": invitation_id},
        condition="attribute_not_exists(#tenant)",
        values={},
        changes={
            "tenant": invitation.tenant,
            "shard": shard(invitation_id, SWEEP_SHARDS),
            "created_at": began,
            "valid_until": began + invitation.lifetime * 1000,
            **({"store": invitation.store.url} if invitation.store else {}),
        },
    )
    return code, kept


def newest(limit: int) -> list[Row]:
    """The invitations created last, the newest first. Raises Unavailable."""
    pages = (
        dynamodb.page(config.invitations_table, "newest", {"shard": part}, limit, newest=True) for part in SWEEP_SHARDS
    )
    found = [row for rows, _ in pages for row in rows]
    return sorted(found, key=lambda row: int(row["created_at"]), reverse=True)[:limit]


def of_tenant(tenant: str, limit: int) -> list[Row]:
    """A tenant's invitations, the newest first. Raises Unavailable."""
    return dynamodb.page(config.invitations_table, "by_tenant", {"tenant": tenant}, limit, newest=True)[0]


def state(row: Row) -> str:
    """Whether an invitation is open, expired or revoked. An expired one admits the stores that it connected."""
    if "revoked_at" in row:
        return "revoked"
    return "open" if row["valid_until"] >= now() else "expired"


def revoke(invitation_id: str) -> Row:
    """Revoke an invitation; it admits no store any more. Raises Invalid when there is none, Unavailable."""
    if not _ID.fullmatch(invitation_id):
        raise Invalid({"invitation_id": "must be the 32 hex digits of an invitation's id"})
    try:
        return dynamodb.update(
            config.invitations_table,
            {"invitation_id": invitation_id},
            condition="attribute_exists(#tenant) AND attribute_not_exists(#revoked_at)",
            values={},
            changes={"revoked_at": now()},
        )
    except Conflict:
        raise Invalid({"invitation_id": "names no invitation that is open"}, "not-found") from None


def admit(code: str | None, consumer_key: str, store: Store) -> str | None:
    """The tenant that a store connects for; None when it needs no invitation and has none.

    After its lifetime an invitation still admits the stores that are connected for its tenant: they reauthorize by the
    URL that they have. A refusal is noted on the invitation, for the popup. Raises NotAdmitted, Unavailable.
    """
    if code is None:
        if config.admission == "invited":
            raise NotAdmitted("invitation-required")
        return None
    row = _of_code(code)
    reason = _refusal(row, store)
    if not reason:
        return str(row["tenant"])
    if row:
        with contextlib.suppress(Conflict):
            dynamodb.update(
                config.invitations_table,
                {"invitation_id": row["invitation_id"]},
                condition="attribute_exists(#tenant)",
                values={},
                changes={"refused_key": consumer_key, "refused_reason": reason},
            )
    raise NotAdmitted(reason)


def _of_code(code: str) -> Row:
    """The invitation of a code, {} when there is none. Raises Unavailable."""
    if not _CODE.fullmatch(code):
        return {}
    return dynamodb.get(config.invitations_table, {"invitation_id": digest("invitation", code)})


def _refusal(row: Row, store: Store) -> str:
    """Why an invitation does not admit a store; "" when it does. Raises Unavailable."""
    if not row:
        return "invitation-unknown"
    if "revoked_at" in row:
        return "invitation-revoked"
    if row.get("store", store.url) != store.url:
        return "invitation-other-store"
    if state(row) == "expired":
        connection = dynamodb.get(config.connections_table, {"connection_id": store.connection_id})
        return "" if connection.get("tenant") == row["tenant"] else "invitation-expired"
    return ""


def refusal_of(code: str, consumer_key: str) -> str:
    """Why the post with this consumer key was not admitted by an invitation; "" when nothing is known against it.

    Raises Unavailable.
    """
    row = _of_code(code)
    if not row:
        return "invitation-unknown"
    if "revoked_at" in row:
        return "invitation-revoked"
    return str(row["refused_reason"]) if row.get("refused_key") == consumer_key else ""
