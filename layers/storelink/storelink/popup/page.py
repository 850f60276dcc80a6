"""The page in the merchant's popup, in HTML: what happens, who has to act, and the way back to Magento."""

import base64
import hashlib
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from storelink.advice import REASONS
from storelink.popup.languages import DEFAULT, Language, load
from storelink.popup.return_link import ReturnLink
from storelink.popup.view import View

MAX_PROBLEM_LENGTH = 140
"""Characters of a store's own words that the page shows; rows and events have all of them."""

REFERENCE_LENGTH = 8
"""Characters of an activation's id that the page shows; the details for support have all of them."""

OUR_WORDS = frozenset(
    {"another-store", "insecure-store", "port-not-allowed", "address-not-public", "host-unknown", "certificate-invalid"}
    | {"unreachable", "expired", "aws", "busy", "unfinished"}
    | {"too-many-handshakes", "too-many-connections", "too-many-new-connections"}
)
"""Reasons whose problem was seen by us, and not said by the store."""

STEPS = {"pending": "step.received", "requested": "step.requested", "connected": "step.granted"}
"""The texts of the three steps, by what is reached when a step is done."""

CLAIM_PATH = "/identity/claim"


@dataclass(frozen=True)
class Brand:
    """The app as its merchants know it. logo: an https URL or a data: URI of an image, "" for none."""

    name: str = "Storelink"
    logo: str = ""


_STORELINK, _ENGLISH = Brand(), load(DEFAULT)


def _read(name: str) -> str:
    """A file beside this one."""
    return Path(__file__).with_name(name).read_text("utf-8")


_STYLE, _SCRIPT = f"\n{_read('page.css')}", f"\n{_read('page.js')}"


def identity_page(view: View, back: ReturnLink | None, brand: Brand = _STORELINK, language: Language = _ENGLISH) -> str:
    """The whole page, in HTML. It asks for itself again until the activation has ended."""
    page = _Page(view, back, brand, language)
    return f"""<!DOCTYPE html>
<html lang="{language.tag}" dir="{language.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title)} · {escape(brand.name)}</title>
<noscript>{page.refresh()}</noscript>
<style>{_STYLE}</style>
</head>
<body>
<div id="page" data-waiting="{str(page.waiting).lower()}" data-news="{escape(page.news())}">
{page.content()}
</div>
<p id="news" role="status"></p>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def security_headers(brand: Brand = _STORELINK, language: Language = _ENGLISH, form: bool = False) -> dict[str, str]:
    """What every page carries. No Cross-Origin-Opener-Policy: Magento's page has to see the popup close.

    form: the page holds a form, which may be sent to this origin alone; the browser then names the origin that it comes
    from, which `no-referrer` would hide (Fetch, "append a request Origin header").
    """
    policy = (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; connect-src 'self'; "
        f"{_image_source(brand.logo)}base-uri 'none'; form-action '{'self' if form else 'none'}'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language.tag,
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin" if form else "no-referrer",
        "Cache-Control": "no-store",
    }


@dataclass(frozen=True)
class _Page:
    """One view, in one language."""

    view: View
    back: ReturnLink | None
    brand: Brand
    language: Language

    @property
    def waiting(self) -> bool:
        return self.view.state in ("waiting", "pending", "requested", "exchanged")

    @property
    def title(self) -> str:
        state = "connecting" if self.view.reached and self.waiting else self.view.state
        if state == "connected" and self.view.sign_in:
            state = "sign-in"
        return self._say("superseded.title" if self._superseded else f"{state}.title")

    @property
    def _superseded(self) -> bool:
        """Whether another activation has connected the store, so that nothing is wrong."""
        return self.view.state == "failed" and self.view.reason == "superseded"

    def refresh(self) -> str:
        """What a browser without script goes by."""
        if self.waiting:
            return '<meta http-equiv="refresh" content="2">'
        url = self.followed()
        return f'<meta http-equiv="refresh" content="1; url={escape(url)}">' if url else ""

    def news(self) -> str:
        """What is said aloud when the page has changed."""
        said = [self.title]
        if self.view.state == "failed":
            said.append(self._explain(self.view.reason)[0])
        if self.waiting and self.view.retry:
            said.append(self._explain(self.view.retry.reason)[0])
        said += [f"{self._say(step)}: {self._say(kind)}" for step, kind in self._steps() if kind == "now"]
        return ". ".join(text.removesuffix(".") for text in said)

    def content(self) -> str:
        parts = [self._header(), "<main>", self._band(), *self._body(), "</main>"]
        parts += ["<footer>", f'<div class="way">{self._way_on()}</div>', self._support(), "</footer>"]
        return "\n".join(filter(None, parts))

    def _header(self) -> str:
        logo = f'<img src="{escape(self.brand.logo)}" alt="">' if self.brand.logo else ""
        store = f'<p class="store"><bdi>{escape(self.view.store)}</bdi></p>' if self.view.store else ""
        return f'<header>{logo}<p class="app"><bdi>{escape(self.brand.name)}</bdi></p>{store}</header>'

    def _band(self) -> str:
        """The title with its colour and sign, which show the state from afar."""
        tone = _TONES.get(self.view.state, "working" if self.waiting else "attention")
        if self._superseded or (self.view.state == "connected" and self.view.sign_in):
            tone = "attention"
        mark = f'<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="{_MARKS[tone]}"/></svg>'
        return f'<div class="band {tone}">{mark}<h1>{escape(self.title)}</h1></div>'

    def _body(self) -> list[str]:
        view = self.view
        if view.state == "failed":
            return self._failure()
        if view.claim:
            return self._claim_details(view.claim.tenant)
        if view.state == "unclaimed":
            panel = self._panel("merchant", self._text("unclaimed.help"))
            return [self._lead(f"unclaimed.{view.reason}"), self._deadline(), panel]
        if view.state == "connected":
            then = ("returning" if self.back.follow else "return",) if self.back else ()
            names = ("sign-in",) if view.sign_in else ("connected", *then)
            return [self._lead(*names), self._deadline() if view.sign_in else "", self._progress()]
        if view.reached:
            return [*self._patience(), self._progress()]
        if view.state == "waiting":
            return [self._lead("waiting"), self._panel("merchant", self._text("waiting.causes"), id_="causes")]
        help_ = "invitation" if view.state.startswith("invitation-") else view.state
        return [self._lead(view.state), self._panel("merchant", self._text(f"{help_}.help"))]

    def _deadline(self) -> str:
        """When the connection is forgotten, where it has to be assigned to an account."""
        days = self.view.unclaimed_days
        return f"<p>{escape(self._say('unclaimed.days', days=str(days)))}</p>" if days else ""

    def _patience(self) -> list[str]:
        """What is waited for, how long, and what the store answered last."""
        view, patience = self.view, f"patience.{'request' if self.view.reached == 'pending' else 'access'}"
        if view.retry:
            happened, _ = self._explain(view.retry.reason)
            seconds = str(view.retry.seconds)
            next_try = self._say("next-try", seconds=seconds) if view.retry.seconds else self._say("trying")
            lead = f'<p class="lead">{_emphasised(happened)} {escape(next_try)}</p>'
            said = self._said(view.retry.reason, view.retry.problem)
            return [lead, said, f"<p>{self._text(patience)}</p>"]
        if view.slow:
            return [self._lead("slow", patience)]
        return [self._lead("connecting")]

    def _failure(self) -> list[str]:
        """What happened, in the store's own words too, who has to act, and what to do."""
        view = self.view
        happened, fix = self._explain(view.reason)
        who = REASONS[view.reason].who
        contact = self._text("contact") if who == "operator" or view.todo == "wait" else ""
        panel = self._panel(who, _emphasised(fix), contact, self._text(f"action.{view.todo}"))
        lead = f'<p class="lead">{_emphasised(happened)}</p>'
        progress = "" if self._superseded else self._progress(compact=True)
        return [lead, self._said(view.reason, view.problem), panel, progress]

    def _claim_details(self, tenant: str) -> list[str]:
        rows = {"claim.store": self.view.store, "claim.account": tenant}
        details = "".join(f"<dt>{self._text(name)}</dt><dd><bdi>{escape(rows[name])}</bdi></dd>" for name in rows)
        return [self._lead("claim"), f"<dl>{details}</dl>", f"<p>{self._text('claim.help')}</p>"]

    def _steps(self) -> list[tuple[str, str]]:
        """Each step, and how far it is: done, now, failed, later or skipped."""
        if not self.view.reached:
            return []
        reached = {"exchanged": "requested"}.get(self.view.reached, self.view.reached)
        done = list(STEPS).index(reached) + 1
        failed = self.view.state == "failed"
        kinds = ["done"] * done + ["failed" if failed else "now"] + ["skipped" if failed else "later"] * len(STEPS)
        return list(zip(STEPS.values(), kinds, strict=False))

    def _progress(self, compact: bool = False) -> str:
        items = [
            f'<li class="{kind}"><b>{self._text(step)}</b> <span>{self._text(kind)}</span>'
            + ("" if compact else f"<p>{self._text(f'{step}.means')}</p>")
            + "</li>"
            for step, kind in self._steps()
        ]
        return f'<ol class="steps{" compact" if compact else ""}">{"".join(items)}</ol>'

    def _way_on(self) -> str:
        """The one link or button of the page, once there is nothing to wait for."""
        view = self.view
        if view.claim:
            token = f'<input type="hidden" name="token" value="{escape(view.claim.token)}">'
            button = f'<button id="claim">{self._text("claim.go")}</button>'
            return f'<form method="post" action="{CLAIM_PATH}">{token}{button}</form>'
        if self.waiting or view.state in ("direct", "incomplete"):
            return ""
        if view.state == "connected" and view.sign_in:
            return _link(view.sign_in.url, self._say("sign-in.go", host=view.sign_in.host))
        if self.back is None:
            return f"<p>{self._text('close')}</p>"
        name = "back" if self.back.follow else "go"
        return _link(self.back.url, self._say(name, host=self.back.host), follow=bool(self.followed()))

    def _support(self) -> str:
        """The reference, and all that support asks for, to be copied."""
        view = self.view
        if not view.reference:
            return ""
        reason, problem = (view.retry.reason, view.retry.problem) if view.retry else (view.reason, view.problem)
        details = {
            "reference": view.reference,
            "store": view.store,
            "time": view.updated_at,
            "state": view.state + (f", after {view.reached}" if view.state == "failed" else ""),
            "problem": ": ".join(filter(None, (reason, problem))),
        }
        text = "\n".join(f"{name}: {value}" for name, value in details.items() if value)
        label = f'{self._text("reference")} <code dir="ltr">{escape(view.reference[:REFERENCE_LENGTH])}</code>'
        return (
            f'<div class="support"><details id="details"><summary>{label}</summary><div><label for="support">'
            f'{self._text("copy.manual")}</label><textarea id="support" dir="auto" readonly>{escape(text)}</textarea>'
            f'</div></details><button id="copy" type="button" data-copied="{escape(self._say("copied"))}">'
            f"{self._text('copy')}</button></div>"
        )

    def followed(self) -> str:
        """The URL that is followed without a click, "" for none."""
        connected = self.view.state == "connected" and not self.view.sign_in
        return self.back.url if connected and self.back and self.back.follow else ""

    def _said(self, reason: str, words: str) -> str:
        if not words:
            return ""
        words = words if len(words) <= MAX_PROBLEM_LENGTH else words[: MAX_PROBLEM_LENGTH - 1] + "…"
        label = self._text("details" if reason in OUR_WORDS else "said")
        return f'<p class="said">{label} <q dir="auto">{escape(words)}</q></p>'

    def _panel(self, who: str, *steps: str, id_: str = "") -> str:
        """A panel for who has to act: one paragraph, or a numbered list of what to do."""
        steps = tuple(filter(None, steps))
        items = "".join(f"<li>{step}</li>" for step in steps)
        inner = f"<p>{steps[0]}</p>" if len(steps) == 1 else f'<ol class="do">{items}</ol>'
        attributes = f' id="{id_}"' if id_ else ""
        return f"<section{attributes}><h2>{self._text(f'who.{who}')}</h2>{inner}</section>"

    def _lead(self, *names: str) -> str:
        return f'<p class="lead">{" ".join(map(self._text, names))}</p>'

    def _text(self, name: str) -> str:
        return _emphasised(self._say(name))

    def _say(self, name: str, **values: str) -> str:
        return self.language.say(name, app=self.brand.name, **values)

    def _explain(self, reason: str) -> tuple[str, str]:
        return self.language.explain(reason, app=self.brand.name)


_TONES = {
    "connected": "done",
    "failed": "failed",
    "invitation-expired": "failed",
    "invitation-revoked": "failed",
    "invitation-other-store": "failed",
    "invitation-unknown": "failed",
}
"""The colour and sign of a state; of others "working" while there is something to wait for, else "attention"."""

_MARKS = {
    "done": "M3 12.5 9.5 19 21 6",
    "failed": "M4 4 20 20M20 4 4 20",
    "attention": "M12 3V14M12 20.5V20.6",
    "working": "M12 2.5A9.5 9.5 0 1 1 2.5 12",
}
"""The signs, as SVG paths in a square of 24: a tick, a cross, an exclamation mark, an open circle that turns."""

_NAMES = re.compile(
    r"\b(?:Reauthorize|Activate|System &gt; Extensions &gt; Integrations|Callback URL|Identity link URL"
    r"|Stores &gt; Configuration &gt; Web(?: &gt; Base URLs)?)(?!\w)"
)
"""Names in Magento's admin, in HTML."""


def _emphasised(text: str) -> str:
    """A text in HTML, with the names of Magento's buttons and menus standing out."""
    return _NAMES.sub(r'<b lang="en">\g<0></b>', escape(text))


def _link(url: str, text: str, follow: bool = False) -> str:
    attribute = ' data-follow="true"' if follow else ""
    return f'<a id="go" href="{escape(url)}" rel="noreferrer"{attribute}>{escape(text)}</a>'


def _image_source(logo: str) -> str:
    """The part of the policy that allows the logo and no other image from elsewhere (CSP 3, img-src)."""
    if not logo:
        return ""
    return "img-src data:; " if logo.startswith("data:") else f"img-src {logo}; "


def _source(text: str) -> str:
    """A CSP source that allows this one inline text (CSP 3, hash sources)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
