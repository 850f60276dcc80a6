"""What the merchant sees of an activation: the popup's own page, which shows and does nothing else here."""

import re
from datetime import UTC, datetime
from typing import Any

from storelink.popup import languages, page
from storelink.popup.page import Brand
from storelink.popup.view import Retry, View, store_label
from storelink.store import Store

_SCRIPT = re.compile(r"<(script|noscript)>.*?</\1>", re.DOTALL)
"""What would ask for the page again and leave it: the popup's script and, without one, its refresh. The console's own
page loads it again. The text of a store is escaped."""

SLOW_SECONDS = 10
"""As popup/identity.py has it."""

RETRIED = ("pending", "requested", "exchanged")


def render(activation: dict[str, Any], parameters: dict[str, str], language: str) -> tuple[str, dict[str, str]]:
    """The page in HTML, and its headers: the popup's own, but a page of the console may frame it.

    activation: as the API shows it. parameters: the stack's. language: an Accept-Language header.
    """
    brand = Brand(parameters.get("AppName", "Storelink"), parameters.get("AppLogo", ""))
    chosen = languages.negotiate(language)
    headers = page.security_headers(brand, chosen)
    policy = headers["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    shown = _SCRIPT.sub("", page.identity_page(_view(activation), None, brand, chosen))
    return shown, headers | {"Content-Security-Policy": policy}


def _view(activation: dict[str, Any]) -> View:
    state, now = activation["state"], datetime.now(UTC)
    return View(
        state=state,
        store=store_label(Store.from_url(activation["store_url"])),
        reference=activation["activation_id"],
        reached=activation["reached"],
        reason=activation.get("reason", ""),
        problem=activation.get("problem", ""),
        action=activation.get("action") if state == "failed" else None,
        slow=(now - datetime.fromisoformat(activation["received_at"])).total_seconds() > SLOW_SECONDS,
        updated_at=activation["updated_at"],
        retry=_retry(activation, now) if state in RETRIED and "retry_reason" in activation else None,
    )


def _retry(activation: dict[str, Any], now: datetime) -> Retry:
    next_try = datetime.fromisoformat(activation["next_try_at"]) if "next_try_at" in activation else now
    seconds = max(0, int((next_try - now).total_seconds()))
    return Retry(activation["retry_reason"], activation.get("retry_problem", ""), seconds)
