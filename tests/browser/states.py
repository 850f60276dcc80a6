"""Every state of the merchant's page, as people meet it."""

from dataclasses import dataclass, replace
from typing import Any

from storelink.advice import REASONS
from storelink.popup.languages import Language, load
from storelink.popup.page import Brand, identity_page
from storelink.popup.return_link import ReturnLink
from storelink.popup.view import Claim, Retry, SignIn, View

LOGO = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyOCAyOCI+PHJlY3Qgd2lkdGg9IjI4IiBoZWln"
    "aHQ9IjI4IiByeD0iNyIgZmlsbD0iIzMzNDZjOCIvPjxwYXRoIGQ9Ik04IDIwIDE0IDdsNiAxMyIgZmlsbD0ibm9uZSIgc3Ryb2tlPSIjZmZm"
    "IiBzdHJva2Utd2lkdGg9IjMiIHN0cm9rZS1saW5lam9pbj0icm91bmQiIHN0cm9rZS1saW5lY2FwPSJyb3VuZCIvPjwvc3ZnPg=="
)
BRAND = Brand("Acme Sync", LOGO)
OWN = ReturnLink("https://shop.example/admin/integration/loginSuccessCallback/", "shop.example", follow=True)
OTHER = ReturnLink("https://admin.example/integration/loginSuccessCallback/", "admin.example", follow=False)
SHOWN = View(
    store="shop.example/fr",
    reference="5f2a9c1e7b3d48609a1c2e4f6b8d0a3c-9e1b5d7f3a20",
    updated_at="2026-01-02T03:04:05.678Z",
)


@dataclass(frozen=True)
class State:
    """A page as it is seen: what it shows, and where it may go back."""

    view: View
    back: ReturnLink | None = OWN

    def page(self, language: Language = load("en")) -> str:  # noqa: B008
        """In HTML."""
        return identity_page(self.view, self.back, BRAND, language)


def failed(reason: str, reached: str = "pending", problem: str = "") -> View:
    return replace(SHOWN, state="failed", reached=reached, reason=reason, problem=problem)


def at(state: str, reached: str = "", **more: Any) -> View:
    return replace(SHOWN, state=state, reached=reached or state, **more)


SIGN_IN = SignIn("/identity/sign-in", "login.acme.example")
MAINTENANCE = Retry("maintenance", "HTTP 503", 20)

STATES = {
    "waiting": State(View("waiting")),
    "waiting-causes": State(View("waiting")),
    "direct": State(View("direct"), None),
    "incomplete": State(View("incomplete"), None),
    "invitation-expired": State(View("invitation-expired")),
    "invitation-revoked": State(View("invitation-revoked")),
    "invitation-other-store": State(View("invitation-other-store")),
    "invitation-unknown": State(View("invitation-unknown")),
    "pending": State(at("pending")),
    "pending-retry": State(at("pending", retry=MAINTENANCE)),
    "requested": State(at("requested")),
    "requested-retry": State(at("requested", retry=MAINTENANCE)),
    "slow": State(at("requested", slow=True)),
    "connected": State(at("connected")),
    "connected-other-host": State(at("connected"), OTHER),
    "connected-no-way-back": State(at("connected"), None),
    "sign-in": State(at("connected", sign_in=SIGN_IN)),
    "claim": State(at("claim", "connected", claim=Claim("a.b.c", "acme-stores"))),
    "unclaimed": State(at("unclaimed", "connected", reason="expired")),
    "failed": State(failed("expired")),
    "failed-store": State(failed("signature-invalid", "pending", "The signature is invalid. Verify and try again.")),
    "failed-redirected": State(failed("redirected", "pending", "HTTP 301 to https://www.shop.example/fr/")),
    "failed-kept": State(failed("aws", "exchanged", "Secrets Manager: InternalServiceError")),
    "failed-lost": State(failed("reauthorize", "pending", "The consumer token is not a verifier token.")),
    "failed-reauthorize": State(failed("reauthorize", "requested", "Specified token does not exist")),
    "failed-after-a-day": State(failed("maintenance", "requested", "HTTP 503")),
    "failed-operator": State(failed("port-not-allowed", problem="port 8443"), OTHER),
    "failed-superseded": State(failed("superseded")),
}

HANDSHAKE_REASONS = sorted(reason for reason, entry in REASONS.items() if entry.handshake)
