"""The events that Storelink sends, as a Lambda function receives them from EventBridge: for tests of handlers.

    answer = app.handler(events.store_connected(sandbox_store.base_url), None)

Each builder takes `at`, when it happened, with a time zone; without it, now. docs/events.md lists the fields.
"""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from storelink.errors import ADVICE, Invalid
from storelink.store import Store

Event = dict[str, Any]

ACCOUNT = "123456789012"
REGION = "eu-central-1"
STACK = "storelink"


def store_connected(
    store_url: str, *, tenant: str = "", has_secret: bool = True, activation_id: str = "", at: datetime | None = None
) -> Event:
    """`Store Connected`. has_secret: False as with CredentialStore=dynamodb. Raises Invalid for a URL that is none."""
    fields = {"activation_id": activation_id or _activation_id()}
    return _of_connection("Store Connected", store_url, tenant, has_secret, at, fields)


def store_disconnected(
    store_url: str,
    *,
    reason: str = "revoked",
    problem: str = "",
    tenant: str = "",
    has_secret: bool = True,
    at: datetime | None = None,
) -> Event:
    """`Store Disconnected`. reason: one of docs/troubleshooting.md. problem: Magento's words. Raises Invalid."""
    failure = _failure(reason, problem)
    return _of_connection("Store Disconnected", store_url, tenant, has_secret, at, failure)


def store_recovered(store_url: str, *, tenant: str = "", has_secret: bool = True, at: datetime | None = None) -> Event:
    """`Store Recovered`. Raises Invalid."""
    return _of_connection("Store Recovered", store_url, tenant, has_secret, at, {})


def store_claimed(store_url: str, tenant: str, *, has_secret: bool = True, at: datetime | None = None) -> Event:
    """`Store Claimed`. Raises Invalid."""
    return _of_connection("Store Claimed", store_url, tenant, has_secret, at, {})


def activation_failed(
    store_url: str, reason: str, *, problem: str = "", activation_id: str = "", at: datetime | None = None
) -> Event:
    """`Activation Failed`. reason: one of docs/troubleshooting.md. problem: Magento's words. Raises Invalid."""
    return _of_activation("Activation Failed", store_url, reason, problem, activation_id, at)


def suspicious_activation(
    store_url: str, reason: str, *, problem: str = "", activation_id: str = "", at: datetime | None = None
) -> Event:
    """`Suspicious Activation`. Storelink sends it after `Activation Failed`. Raises Invalid."""
    return _of_activation("Suspicious Activation", store_url, reason, problem, activation_id, at)


def _of_connection(
    detail_type: str, store_url: str, tenant: str, has_secret: bool, at: datetime | None, fields: dict[str, str]
) -> Event:
    store = Store.from_url(store_url)
    detail = {"connection_id": store.connection_id, "store_url": store.url}
    if has_secret:
        secret = f"{STACK}/connections/{store.connection_id}-AbCdEf"
        detail["secret_arn"] = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret}"
    if tenant:
        detail["tenant"] = tenant
    time = _time(at)
    detail["at"] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _event(detail_type, detail | fields, time)


def _of_activation(
    detail_type: str, store_url: str, reason: str, problem: str, activation_id: str, at: datetime | None
) -> Event:
    detail = {
        "activation_id": activation_id or _activation_id(),
        "store_url": Store.from_url(store_url).url,
        **_failure(reason, problem),
    }
    return _event(detail_type, detail, _time(at))


def _event(detail_type: str, detail: dict[str, str], time: datetime) -> Event:
    """What EventBridge makes of a detail type and a detail."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "storelink",
        "account": ACCOUNT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def _time(at: datetime | None) -> datetime:
    """When it happened, in UTC."""
    if at is not None and at.utcoffset() is None:
        raise Invalid({"at": "has no time zone: give datetime(…, tzinfo=UTC)"})
    return (at or datetime.now(UTC)).astimezone(UTC)


def _failure(reason: str, problem: str) -> dict[str, str]:
    if reason not in ADVICE:
        raise Invalid({"reason": f"is {reason!r}, which is no reason of docs/troubleshooting.md"})
    return {"reason": reason, "problem": problem, "advice": ADVICE[reason]}


def _activation_id() -> str:
    return f"{secrets.token_hex(16)}-{secrets.token_hex(6)}"
