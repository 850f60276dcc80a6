"""The page in the merchant's popup: what happens, whose move it is, and the way back to Magento."""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from storelink.errors import ADVICE
from storelink.stores import UNSAFE, Store, normal_host

LONGEST_URL = 2048
"""Characters a way back may have."""

STEPS = {
    "pending": ("Activation received", "Magento sent this app the integration's keys."),
    "requested": ("Request token", "The app asks the store for a first, temporary token."),
    "connected": ("Access token", "The store gives the token with which the app may call it."),
}


@dataclass(frozen=True)
class WayBack:
    """Where the popup has to end. follow: on the store's own host, so that no click is needed."""

    url: str
    host: str
    follow: bool


@dataclass(frozen=True)
class View:
    """What the page shows of an activation. state "unknown": none is known for this key (yet)."""

    state: str = "unknown"
    host: str = ""
    reference: str = ""
    reached: str = ""
    reason: str = ""
    problem: str = ""


def way_back(success_call_back: str, store: Store | None) -> WayBack | None:
    """Read the URL at which Magento's page expects the popup to end; None where it may not be offered.

    Only http(s)://host[:port]/… in the one form that every parser reads alike is taken.
    """
    if len(success_call_back) > LONGEST_URL or UNSAFE.search(success_call_back):
        return None
    if not success_call_back.lower().startswith(("http://", "https://")) or not success_call_back.isascii():
        return None
    try:
        parts = urlsplit(success_call_back)
        _ = parts.port
        host = normal_host(parts)
    except ValueError:
        return None
    return WayBack(success_call_back, host, follow=store is not None and host == store.host)


def identity_page(view: View, back: WayBack | None) -> str:
    """The whole page, in HTML. It asks for itself again until the activation has ended."""
    waiting = view.state not in ("connected", "failed")
    refresh = '<meta http-equiv="refresh" content="2">' if waiting else ""
    if view.state == "connected" and back is not None and back.follow:
        refresh = f'<meta http-equiv="refresh" content="1; url={escape(back.url)}">'
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(_title(view))}</title>
<noscript>{refresh}</noscript>
<style>{_STYLE}</style>
</head>
<body>
<main aria-live="polite" data-waiting="{str(waiting).lower()}">
{_main(view, back)}
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def security_headers() -> dict[str, str]:
    """What every page carries. No Cross-Origin-Opener-Policy: Magento's page has to see the popup close."""
    policy = (
        f"default-src 'none'; script-src {_source(_SCRIPT)}; style-src {_source(_STYLE)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def _title(view: View) -> str:
    return {
        "connected": "Connected",
        "failed": "Not connected",
        "unknown": "Waiting for Magento",
    }.get(view.state, "Connecting your store")


def _main(view: View, back: WayBack | None) -> str:
    parts = [f"<h1>{escape(_title(view))}</h1>"]
    if view.host:
        parts.append(f'<p class="store">{escape(view.host)}</p>')
    if view.state == "unknown":
        parts.append(
            "<p>No activation of this integration has arrived in the last 24 hours. If you have just clicked Activate, "
            "it is on its way. If this page stays as it is, close it and click <b>Activate</b> or <b>Reauthorize</b> "
            "in Magento under System &gt; Integrations.</p>"
        )
    else:
        parts.append(_steps(view))
    if view.state == "failed":
        parts.append(f"<p>{escape(ADVICE[view.reason])}</p>")
        if view.problem:
            parts.append(f'<p class="said">The store said or showed: {escape(view.problem)}</p>')
    if view.state == "connected":
        then = "This window takes you back to Magento." if back and back.follow else "You can go back to Magento."
        parts.append(f"<p>Your store is connected. {then}</p>")
    if view.state in ("connected", "failed"):
        parts.append(_link(view, back))
    if view.reference:
        parts.append(f'<p class="reference">Reference {escape(view.reference)}</p>')
    return "\n".join(parts)


def _steps(view: View) -> str:
    """The steps as a list: those that are done, the one under way or failed, those to come."""
    names = list(STEPS)
    reached = "requested" if view.reached == "exchanged" else view.reached
    done = names.index(reached) + 1 if reached in names else 1
    items = []
    for number, (title, meaning) in enumerate(STEPS.values()):
        if number < done:
            kind, word = "done", "done"
        elif number == done:
            kind, word = ("failed", "failed") if view.state == "failed" else ("now", "under way")
        else:
            kind, word = "later", "to come"
        items.append(f'<li class="{kind}"><b>{title}</b> <span>{word}</span><br>{meaning}</li>')
    return "<ol>" + "".join(items) + "</ol>"


def _link(view: View, back: WayBack | None) -> str:
    if back is None:
        return "<p>You can close this window.</p>"
    follow = ' data-follow="true"' if view.state == "connected" and back.follow else ""
    to = "Back to Magento" if back.follow else f"Go to {back.host}"
    return f'<p><a id="back" href="{escape(back.url)}" rel="noreferrer"{follow}>{escape(to)}</a></p>'


def _source(text: str) -> str:
    """A CSP source that allows this one inline text (CSP 3, hash sources)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE = """
:root { color-scheme: light dark; --good: #1b6e3c; --bad: #b3261e; --dim: #5c5c5c; }
@media (prefers-color-scheme: dark) { :root { --good: #7bd69c; --bad: #ff9d95; --dim: #b0b0b0; } }
body { font: 16px/1.45 system-ui, sans-serif; margin: 0; display: grid; place-items: center; min-height: 100vh; }
main { width: min(34rem, 100% - 3rem); padding: 1rem 0; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
.store { font-weight: 600; margin: 0 0 .75rem; overflow-wrap: anywhere; }
ol { list-style: none; margin: 0 0 .75rem; padding: 0; }
li { border-inline-start: 4px solid var(--dim); padding: .2rem .75rem; margin: .4rem 0; }
li.done { border-color: var(--good); } li.done span { color: var(--good); }
li.failed { border-color: var(--bad); } li.failed span { color: var(--bad); }
li.later { color: var(--dim); }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.said, .reference { color: var(--dim); font-size: .875rem; }
a:focus-visible { outline: 3px solid; outline-offset: 3px; }
"""

_SCRIPT = """
"use strict";
const main = document.querySelector("main");
async function look() {
  try {
    const answer = await fetch(location.href, {cache: "no-store"});
    const seen = new DOMParser().parseFromString(await answer.text(), "text/html");
    const news = seen.querySelector("main");
    if (answer.ok && news.innerHTML !== main.innerHTML) {
      main.innerHTML = news.innerHTML;
      main.dataset.waiting = news.dataset.waiting;
      document.title = seen.title;
    }
  } catch { /* the next look may find the way */ }
  goOn();
}
function goOn() {
  const back = document.getElementById("back");
  if (back && back.dataset.follow) setTimeout(() => location.replace(back.href), 900);
  else if (main.dataset.waiting === "true") setTimeout(look, 1000);
}
goOn();
"""
