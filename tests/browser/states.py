"""Every state of the merchant's page, as people meet it."""

from dataclasses import dataclass, replace

from storelink.popup.languages import LANGUAGES, Language
from storelink.popup.page import Brand, ReturnLink, SignIn, View, identity_page

LOGO = (
    "data:image/svg+xml;base64,"
    "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyOCAyOCI+PHJlY3Qgd2lkdGg9IjI4IiBoZWln"
    "aHQ9IjI4IiByeD0iNyIgZmlsbD0iIzMzNDZjOCIvPjxwYXRoIGQ9Ik04IDIwIDE0IDdsNiAxMyIgZmlsbD0ibm9uZSIgc3Ryb2tlPSIjZmZm"
    "IiBzdHJva2Utd2lkdGg9IjMiIHN0cm9rZS1saW5lam9pbj0icm91bmQiIHN0cm9rZS1saW5lY2FwPSJyb3VuZCIvPjwvc3ZnPg=="
)
BRAND = Brand("Acme Sync", LOGO)
OWN = ReturnLink("https://shop.example/admin/integration/loginSuccessCallback/", "shop.example", follow=True)
OTHER = ReturnLink("https://admin.example/integration/loginSuccessCallback/", "admin.example", follow=False)
SHOWN = View(host="shop.example", reference="5f2a9c1e7b3d48609a1c2e4f6b8d0a3c-9e1b5d7f3a20")


@dataclass(frozen=True)
class State:
    """A page as it is seen: what it shows, and where it may go back."""

    view: View
    back: ReturnLink | None = OWN

    def page(self, language: Language = LANGUAGES["en"]) -> str:
        """In HTML."""
        return identity_page(self.view, self.back, BRAND, language)


def failed(reason: str, reached: str = "pending", problem: str = "") -> View:
    return replace(SHOWN, state="failed", reached=reached, reason=reason, problem=problem)


STATES = {
    "waiting": State(View("waiting")),
    "direct": State(View("direct"), None),
    "incomplete": State(View("incomplete"), None),
    "pending": State(replace(SHOWN, state="pending", reached="pending")),
    "requested": State(replace(SHOWN, state="requested", reached="requested")),
    "slow": State(replace(SHOWN, state="requested", reached="requested", slow=True)),
    "connected": State(replace(SHOWN, state="connected", reached="connected")),
    "connected-other-host": State(replace(SHOWN, state="connected", reached="connected"), OTHER),
    "connected-no-way-back": State(replace(SHOWN, state="connected", reached="connected"), None),
    "sign-in": State(
        replace(
            SHOWN, state="connected", reached="connected", sign_in=SignIn("/identity/sign-in", "login.acme.example")
        )
    ),
    "unclaimed": State(replace(SHOWN, state="unclaimed", reached="connected", reason="expired")),
    "failed": State(failed("expired")),
    "failed-store": State(failed("signature-invalid", "requested", "The signature is invalid. Verify and try again.")),
    "failed-operator": State(failed("port-not-allowed"), OTHER),
}

REASONS = sorted(LANGUAGES["de"].advice)
