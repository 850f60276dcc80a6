"""The store's pages: the storefront's placeholder, the version, and the admin's Integrations."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g, render_template, request

from storelink.testing.sandbox.integrations import ACTIVATE
from storelink.testing.sandbox.responses import HTML, password_page, the_store
from storelink.testing.sandbox.signature import DIALECTS
from storelink.testing.sandbox.store import DEFAULT_INTEGRATION
from storelink.testing.sandbox.troubles import EFFECTS, ENDPOINTS, GROUPS

VERSION = "Magento/2.4 (Community)"
SHOWN_CALLS = 50
SUCCESS_PATH = "admin/integration/loginSuccessCallback/"


def home() -> Response:
    """Return a page that holds the base URL, as Magento's storefront does, and a link to the admin."""
    base_url = the_store().base_url
    escaped = "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in base_url)
    page = Response(render_template("home.html", base_url=base_url, escaped=escaped), content_type=HTML)
    return _behind_password(page)


def version() -> Response:
    """Return the version as Magento shows it to everyone, down to the minor."""
    return _behind_password(Response(VERSION, content_type=HTML))


def admin() -> Response:
    """Return the Integrations grid, whose rows show one link by Magento's rule, what goes wrong and what was called."""
    store = the_store()
    state = store.state()
    new = {"name": DEFAULT_INTEGRATION, "status": "inactive", "link": ACTIVATE}
    state["integrations"].setdefault(DEFAULT_INTEGRATION, new)
    known = state["integrations"][DEFAULT_INTEGRATION]
    page = render_template(
        "admin.html",
        base_url=store.base_url,
        admin_url=_admin_url(),
        success_call_back=success_call_back(),
        integrations=list(state["integrations"].values()),
        callback_url=request.args.get("callback", known.get("callback_url") or g.sandbox.callback_url or ""),
        identity_url=request.args.get("identity", known.get("identity_url") or g.sandbox.identity_url or ""),
        dialect=store.dialect,
        dialects=list(DIALECTS),
        groups=GROUPS,
        effects=EFFECTS,
        endpoints=ENDPOINTS,
        troubles=state["troubles"],
        calls=state["log"][: -SHOWN_CALLS - 1 : -1],
    )
    return Response(page, content_type=HTML)


def login_success_callback() -> Response:
    """Return the page where the popup ends; it closes itself."""
    return Response(render_template("login_success.html"), content_type=HTML)


def success_call_back() -> str:
    """Return the URL that the popup has to end at."""
    return f"{_admin_url()}{SUCCESS_PATH}"


def _admin_url() -> str:
    """Return the store's base URL on the host that its admin is opened at, which can be another domain."""
    return urlsplit(the_store().base_url)._replace(netloc=request.host).geturl()


def _behind_password(page: Response) -> Response:
    return (password_page() if the_store().asks_for_password else None) or page
