"""What the popup shows: the activation of the consumer key that Magento opens the identity link URL with."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from storelink.aws import dynamodb
from storelink.aws.dynamodb import Row, iso8601
from storelink.config import config
from storelink.errors import Unavailable
from storelink.oauth.credentials import TOKEN_PATTERN
from storelink.observability import logger
from storelink.popup import languages, page
from storelink.popup.page import Brand
from storelink.popup.return_link import ReturnLink, return_link
from storelink.popup.view import Retry, SignIn, View, store_label
from storelink.state import activations, connections, invitations
from storelink.store import Store

SLOW_SECONDS = 10
"""Seconds after which the page says that the store takes longer than usual."""

SIGN_IN_WINDOW = 3600
"""Seconds after the connection within which the popup offers the vendor's login."""


def render(view: View, back: ReturnLink | None, accept_language: str) -> dict[str, Any]:
    """The answer that shows this, in the language that the browser asks for."""
    brand, language = Brand(config.app_name, config.app_logo), languages.negotiate(accept_language)
    view = replace(view, unclaimed_days=config.unclaimed_days)
    return {
        "statusCode": 200,
        "headers": page.security_headers(brand, language, form=view.claim is not None),
        "body": page.identity_page(view, back, brand, language),
    }


def find_view(
    consumer_key: str, success_call_back: str, invitation: str | None = None
) -> tuple[View, ReturnLink | None]:
    """The activation to show for a consumer key, and where the popup may go.

    invitation: the code in the URL, if there is one; when no activation is known, the page says why it admits none.
    While DynamoDB does not answer, the page waits and asks again.
    """
    back = return_link(success_call_back, None)
    try:
        refusal = invitations.refusal_of(invitation, consumer_key) if invitation is not None else ""
        if not TOKEN_PATTERN.fullmatch(consumer_key):
            return View(refusal or ("incomplete" if consumer_key or success_call_back else "direct")), back
        row = find_activation(consumer_key, back)
        if row is None:
            return View(refusal or "waiting"), back
        offers_sign_in = needs_sign_in(row)
    except Unavailable as unavailable:
        logger.warning("the popup has to wait", problem=unavailable.problem)
        return View("waiting"), back
    store = Store.from_url(row["store"])
    return _view(row, store, _sign_in(consumer_key, back) if offers_sign_in else None), return_link(
        success_call_back, store
    )


def _view(row: Row, store: Store, sign_in: SignIn | None) -> View:
    reason = row.get("reason", "")
    return View(
        state=row["state"],
        store=store_label(store),
        reference=str(activations.id_of(row)),
        reached=row["reached"],
        reason=reason,
        problem=row.get("problem", ""),
        action=activations.action_of(row) if reason else None,
        slow=activations.now() - row["received_at"] > SLOW_SECONDS * 1000,
        updated_at=iso8601(row["updated_at"]),
        retry=_retry(row),
        sign_in=sign_in,
    )


def _retry(row: Row) -> Retry | None:
    """The problem after which the steps try again, if there is one."""
    if "retry_reason" not in row or row["state"] in ("connected", "failed"):
        return None
    seconds = max(0, row.get("next_try_at", 0) - activations.now()) // 1000
    return Retry(row["retry_reason"], row.get("retry_problem", ""), int(seconds))


def find_activation(consumer_key: str, back: ReturnLink | None) -> Row | None:
    """The activation that a popup is about, if one is known. Raises Unavailable.

    Anyone can post an activation under a key that they have seen. So the activation of the host that the popup comes
    from goes first, then one that connected, then one under way; the newest of them. Those that began last are looked
    at, so that none is pushed out by what was posted before it.
    """
    table = config.activations_table
    rows, _ = dynamodb.page(table, "by_consumer_key", {"consumer_key": consumer_key}, dynamodb.PAGE_SIZE, newest=True)
    return max(rows, key=lambda row: _rank(row, back), default=None)


def needs_sign_in(row: Row) -> bool:
    """Whether the vendor's login comes next: the store was connected just now and has no tenant. Raises Unavailable."""
    just_now = row["state"] == "connected" and activations.now() - row["updated_at"] < SIGN_IN_WINDOW * 1000
    return bool(config.login) and just_now and connections.is_unclaimed(Store.from_url(row["store"]))


def _sign_in(consumer_key: str, back: ReturnLink | None) -> SignIn:
    query = urlencode({"oauth_consumer_key": consumer_key, "success_call_back": back.url if back else ""})
    return SignIn(f"/identity/sign-in?{query}", urlsplit(config.login).hostname or "")


def _rank(row: Row, back: ReturnLink | None) -> tuple[bool, int, int]:
    host = Store.from_url(row["store"]).host
    return (
        back is not None and back.host == host,
        {"connected": 2, "failed": 0}.get(row["state"], 1),
        row["received_at"],
    )
