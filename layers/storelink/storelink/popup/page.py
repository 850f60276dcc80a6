"""The page in the merchant's popup: what happens, whose move it is, and the way back to Magento."""

import base64
import hashlib
import re
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from storelink.popup.languages import DEFAULT, LANGUAGES, Language
from storelink.store import UNSAFE, Store, normalize_host

MAX_URL_LENGTH = 2048
"""Characters a way back may have."""

MAX_PROBLEM_LENGTH = 100
"""Characters of a store's own words that the page shows; rows and events have all of them."""

STEPS = {"pending": "step.received", "requested": "step.requested", "connected": "step.granted"}
"""The texts of the three steps, by what is reached when a step is done."""

OPERATOR_REASONS = frozenset({"port-not-allowed", "unfinished", "aws", "busy"})
"""Reasons of failures that are not the merchant's move, but that of who runs the app."""


@dataclass(frozen=True)
class Brand:
    """The app as its merchants know it. logo: an https URL or a data: URI of an image, "" for none."""

    name: str = "Storelink"
    logo: str = ""


_STORELINK = Brand()


@dataclass(frozen=True)
class ReturnLink:
    """Where the popup has to end. follow: on the store's own host, so that no click is needed."""

    url: str
    host: str
    follow: bool


@dataclass(frozen=True)
class SignIn:
    """The vendor's own login, which is still to come. url: where it begins, on this API. host: where it leads."""

    url: str
    host: str


@dataclass(frozen=True)
class View:
    """What the page shows of an activation.

    state: the activation's, or "waiting" (none is known for this key, yet), "direct" (opened by hand), "incomplete" (a
    key that is none), "unclaimed" (connected, and the vendor's login came to nothing).
    reason: of a failed activation a key of ADVICE; of an unclaimed one why. slow: it takes longer than it mostly does.
    """

    state: str = "waiting"
    host: str = ""
    reference: str = ""
    reached: str = ""
    reason: str = ""
    problem: str = ""
    slow: bool = False
    sign_in: SignIn | None = None


def return_link(success_call_back: str, store: Store | None) -> ReturnLink | None:
    """Read the URL at which Magento's page expects the popup to end; None where it may not be offered.

    Only http(s)://host[:port]/… in the one form that every parser reads alike is taken.
    """
    if len(success_call_back) > MAX_URL_LENGTH or UNSAFE.search(success_call_back):
        return None
    if not success_call_back.lower().startswith(("http://", "https://")) or not success_call_back.isascii():
        return None
    try:
        parts = urlsplit(success_call_back)
        _ = parts.port
        host = normalize_host(parts)
    except ValueError:
        return None
    return ReturnLink(success_call_back, host, follow=store is not None and host == store.host)


def identity_page(
    view: View, back: ReturnLink | None, brand: Brand = _STORELINK, language: Language = LANGUAGES[DEFAULT]
) -> str:
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


def security_headers(brand: Brand = _STORELINK, language: Language = LANGUAGES[DEFAULT]) -> dict[str, str]:
    """What every page carries. No Cross-Origin-Opener-Policy: Magento's page has to see the popup close."""
    policy = (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; connect-src 'self'; "
        f"{_image_source(brand.logo)}base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language.tag,
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
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
        return self._say(f"{state}.title")

    def refresh(self) -> str:
        """What a browser without script goes by."""
        if self.waiting:
            return '<meta http-equiv="refresh" content="2">'
        next_url = self._next()
        return f'<meta http-equiv="refresh" content="1; url={escape(next_url)}">' if next_url else ""

    def news(self) -> str:
        """What is said aloud when the page has changed."""
        said = [self.title]
        if self.view.state == "failed":
            said.append(self.language.advise(self.view.reason)[0])
        said += [f"{self._say(step)}: {self._say(kind)}" for step, kind in self._steps() if kind == "now"]
        return ". ".join(said)

    def content(self) -> str:
        parts = [self._header(), "<main>", f"<h1>{escape(self.title)}</h1>", *self._body(), "</main>"]
        parts += ["<footer>", self._way_on(), self._reference(), "</footer>"]
        return "\n".join(filter(None, parts))

    def _header(self) -> str:
        logo = f'<img src="{escape(self.brand.logo)}" alt="">' if self.brand.logo else ""
        store = f'<p class="store"><bdi>{escape(self.view.host)}</bdi></p>' if self.view.host else ""
        return f'<header>{logo}<p class="app"><bdi>{escape(self.brand.name)}</bdi></p>{store}</header>'

    def _body(self) -> list[str]:
        view = self.view
        if view.state == "failed":
            return self._failure()
        if view.state == "unclaimed":
            help_ = _panel(self._text("move.merchant"), self._text("unclaimed.help"))
            return [self._lead(f"unclaimed.{view.reason}"), help_]
        if view.state == "connected" and view.sign_in:
            return [self._lead("sign-in", "sign-in.going"), self._progress()]
        if view.state == "connected":
            then = ("returning" if self.back.follow else "return",) if self.back else ()
            return [self._lead("connected", *then), self._progress()]
        if view.reached:
            return [self._lead("slow" if view.slow else "connecting"), self._progress()]
        return [self._lead(view.state), _panel(self._text("move.merchant"), self._text(f"{view.state}.help"))]

    def _failure(self) -> list[str]:
        happened, to_do = self.language.advise(self.view.reason)
        parts = [f'<p class="lead">{_emphasised(happened)}</p>']
        if words := self.view.problem:
            words = words if len(words) <= MAX_PROBLEM_LENGTH else words[: MAX_PROBLEM_LENGTH - 1] + "…"
            parts.append(f'<p class="said">{self._text("said")} <q dir="auto">{escape(words)}</q></p>')
        mover, more = "merchant", "where" if "Reauthorize" in to_do and "System > Integrations" not in to_do else ""
        if self.view.reason in OPERATOR_REASONS:
            mover, more = "operator", "tell"
        elif self.view.reason == "superseded":
            mover, more = "nobody", ""
        panel = _panel(self._text(f"move.{mover}"), _emphasised(to_do), self._text(more) if more else "")
        return [*parts, panel, self._progress(compact=True)]

    def _steps(self) -> list[tuple[str, str]]:
        """Each step, and how far it is: done, now or failed, or later."""
        if not self.view.reached:
            return []
        reached = {"exchanged": "requested"}.get(self.view.reached, self.view.reached)
        done = list(STEPS).index(reached) + 1
        kinds = ["done"] * done + ["failed" if self.view.state == "failed" else "now"] + ["later"] * len(STEPS)
        return list(zip(STEPS.values(), kinds, strict=False))

    def _progress(self, compact: bool = False) -> str:
        items = [
            f'<li class="{kind}"><b>{self._text(step)}</b> <span>{self._text(kind)}</span>'
            + ("" if compact else f"<p>{self._text(f'{step}.means')}</p>")
            + "</li>"
            for step, kind in self._steps()
        ]
        return f"<ol{' class=compact' if compact else ''}>{''.join(items)}</ol>"

    def _way_on(self) -> str:
        """The one link of the page, once there is nothing to wait for."""
        if self.waiting or self.view.state in ("direct", "incomplete"):
            return ""
        if self.view.state == "connected" and self.view.sign_in:
            return self._link(self.view.sign_in.url, self._say("sign-in.go", host=self.view.sign_in.host))
        if self.back is None:
            return f"<p>{self._text('close')}</p>"
        return self._link(self.back.url, self._say("back" if self.back.follow else "go", host=self.back.host))

    def _link(self, url: str, text: str) -> str:
        follow = ' data-follow="true"' if url == self._next() else ""
        return f'<a id="go" href="{escape(url)}" rel="noreferrer"{follow}>{escape(text)}</a>'

    def _reference(self) -> str:
        if not self.view.reference:
            return ""
        return f'<p>{self._text("reference")} <code dir="ltr">{escape(self.view.reference)}</code></p>'

    def _next(self) -> str:
        """Where the page goes by itself."""
        if self.view.state != "connected":
            return ""
        if self.view.sign_in:
            return self.view.sign_in.url
        return self.back.url if self.back and self.back.follow else ""

    def _lead(self, *names: str) -> str:
        return f'<p class="lead">{" ".join(map(self._text, names))}</p>'

    def _text(self, name: str) -> str:
        return _emphasised(self._say(name))

    def _say(self, name: str, **values: str) -> str:
        return self.language.say(name, app=self.brand.name, **values)


def _panel(label: str, *paragraphs: str) -> str:
    inner = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs if paragraph)
    return f"<section><h2>{label}</h2>{inner}</section>"


_BUTTONS = re.compile(r"\b(Reauthorize|Activate)\b")


def _emphasised(text: str) -> str:
    """A text in HTML, with the names of Magento's buttons standing out."""
    return _BUTTONS.sub(r'<b lang="en">\1</b>', escape(text))


def _image_source(logo: str) -> str:
    """The part of the policy that lets the logo in and no other image from elsewhere (CSP 3, img-src)."""
    if not logo:
        return ""
    return "img-src data:; " if logo.startswith("data:") else f"img-src {logo}; "


def _source(text: str) -> str:
    """A CSP source that allows this one inline text (CSP 3, hash sources)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fff; --text: #1b1e26; --dim: #565c69; --line: #d5d9e2; --panel: #f3f5fa;
  --accent: #3346c8; --on-accent: #fff; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171c; --text: #eceef3; --dim: #a9afbb; --line: #3a3f4b; --panel: #1f222a;
    --accent: #a3b4ff; --on-accent: #12141a; --bad: #ff9d95;
  }
}
*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: .9375rem/1.45 system-ui, sans-serif; }
p, h1, h2, ol { margin: 0; padding: 0; overflow-wrap: anywhere; }
#page { display: flex; flex-direction: column; min-height: 100vh; max-inline-size: 44rem; margin-inline: auto; }
header { display: flex; align-items: center; gap: .625rem; padding: .75rem 2rem; }
header { border-block-end: 1px solid var(--line); }
header img { block-size: 1.75rem; max-inline-size: 7rem; object-fit: contain; }
.app { font-weight: 600; }
.store { margin-inline-start: auto; color: var(--dim); text-align: end; }
main { flex: 1; display: flex; flex-direction: column; gap: .75rem; padding: 1.125rem 2rem .75rem; }
h1 { font-size: 1.5rem; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; }
.lead { max-inline-size: 40rem; }
.said { color: var(--dim); font-size: .875rem; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; }
section { padding: .5rem 1rem; display: grid; gap: .25rem; font-size: .875rem; }
h2 { font-size: .875rem; font-weight: 600; color: var(--accent); }
ol { list-style: none; display: grid; grid-template-columns: repeat(3, 1fr); padding-block: .5rem; }
li { position: relative; padding-block-start: 2.125rem; padding-inline-end: 1.25rem; }
li b { display: block; font-weight: 600; }
li span { color: var(--dim); font-size: .875rem; }
li p { margin-block-start: .25rem; color: var(--dim); font-size: .875rem; }
li::before {
  content: "" / ""; position: absolute; inset-block-start: 0; inset-inline-start: 0;
  inline-size: 1.5rem; block-size: 1.5rem; text-align: center;
  border: 2px solid var(--line); border-radius: 50%; background: var(--ground);
}
li:not(:last-child)::after {
  content: "" / ""; position: absolute; inset-block-start: .6875rem; inset-inline: 2rem .5rem;
  border-block-start: 2px solid var(--line);
}
li.done::before { content: "\\2713" / ""; color: var(--on-accent); }
li.done::before { border-color: var(--accent); background: var(--accent); }
li.done::before, li.failed::before { font: 700 .875rem/1.25rem system-ui, sans-serif; }
li.done:not(:last-child)::after { border-color: var(--accent); }
li.now::before { border-color: var(--accent) var(--line) var(--line); animation: turn 1.1s linear infinite; }
li.now span { color: var(--accent); }
li.failed::before { content: "!" / ""; border-color: var(--bad); background: var(--bad); color: var(--ground); }
li.failed span { color: var(--bad); font-weight: 600; }
li.later b { color: var(--dim); font-weight: 500; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { li.now::before { animation: none; border-color: var(--accent); } }
.compact { padding-block: 0; }
.compact li { padding-block-start: 0; padding-inline-start: 1.875rem; font-size: .875rem; }
.compact li::after { display: none; }
.compact li::before { inline-size: 1.25rem; block-size: 1.25rem; }
.compact li.done::before, .compact li.failed::before { font: 700 .75rem/1rem system-ui, sans-serif; }
footer { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1rem; }
footer p { flex: 1 1 18rem; line-height: 1.3; }
footer a + p { text-align: end; }
footer a + p code { display: block; }
footer { padding: 0 2rem 1rem; color: var(--dim); font-size: .8125rem; }
#go {
  padding: .5rem 1.125rem; border-radius: .375rem; background: var(--accent); color: var(--on-accent);
  font-size: .9375rem; font-weight: 600; text-decoration: none;
}
#go:hover { text-decoration: underline; }
#go:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
code { font: .75rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; user-select: all; }
#news { position: absolute; inset-block-start: 0; inline-size: 1px; block-size: 1px; }
#news { overflow: hidden; clip-path: inset(50%); }
@media (max-width: 30rem) {
  header, main, footer { padding-inline: 1rem; }
  header { flex-wrap: wrap; }
  .store { margin-inline-start: 0; text-align: start; }
  footer a + p { text-align: start; }
  ol { grid-template-columns: 1fr; gap: .75rem; }
  li { padding-block-start: 0; padding-inline: 2.25rem 0; min-block-size: 1.5rem; }
  li::after { display: none; }
}
"""

_SCRIPT = """
"use strict";
const page = document.getElementById("page");
let pause = 1000;
async function look() {
  try {
    const answer = await fetch(location.href, {cache: "no-store"});
    const seen = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = seen.getElementById("page");
    if (answer.ok && now.innerHTML !== page.innerHTML) {
      page.innerHTML = now.innerHTML;
      page.dataset.waiting = now.dataset.waiting;
      document.title = seen.title;
      document.getElementById("news").textContent = now.dataset.news;
    }
  } catch { /* the next look may find the way */ }
  pause = Math.min(pause * 1.02, 5000);
  goOn();
}
function goOn() {
  const go = document.getElementById("go");
  if (go && go.dataset.follow) setTimeout(() => location.replace(go.href), 900);
  else if (page.dataset.waiting === "true") setTimeout(look, pause);
}
goOn();
"""
