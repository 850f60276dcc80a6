"""Whether a store answers as Magento does: token endpoints, signature methods, clock, REST API and base URL."""

import re
import secrets
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from storelink.errors import Invalid, Rejected, StorelinkError
from storelink.oauth import problems
from storelink.oauth.credentials import DEFAULT_METHOD, LEGACY_METHOD, Consumer
from storelink.oauth.signature import authorization_header
from storelink.store import Store
from storelink.transport import guard, http
from storelink.transport.http import Response
from storelink.transport.session import GuardedSession
from storelink_cli.diagnosis.finding import CheckFailed, Finding
from storelink_cli.diagnosis.network import unreachable

TIMEOUT = 10.0
"""Seconds that one request may take."""
CLOCK_WARNING = 30
CLOCK_LIMIT = 600
"""Seconds that a store's clock may be behind: Magento refuses timestamps that are further in its future."""
MAX_PAGE_BYTES = 256 * 1024
"""Bytes of a page that are read."""

_BASE_URL = re.compile(r"""BASE_URL\s*=\s*['"]([^'"]+)['"]""")
"""The base URL in a Magento page's scripts (Magento_Theme's require_js.phtml)."""
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_VERSION = re.compile(r"Magento/[\w.]+(?: \([\w ]+\))?")
_REDIRECTS = (301, 302, 303, 307, 308)

PROTECTED = "password"
"""The cause of a finding about a web server that asks for a password. The checks end there: they have none."""

_FROM_MAGENTO = {"integration-deleted", "header-lost", "signature-method", "consumer-key-length"}
"""Reasons that only Magento's own checks give for a random key."""

_FIXES = {
    "maintenance": ("maintenance", "Wait until it ends: bin/magento maintenance:status, maintenance:disable."),
    "rate-limited": (
        "requests",
        "Exempt this app from the rate limit: a handshake takes two requests, and the app sends more.",
    ),
    "blocked": ("firewall", "Allow POST requests to oauth/token/ and all of rest/ in the firewall or bot protection."),
    "store-error": ("magento", "Magento failed: var/log/exception.log and the database logs show the cause."),
}


def check(store: Store) -> Iterator[Finding]:
    """Yield the findings. Raises CheckFailed."""
    before = time.time()
    answer, refusal = _request_token(store, DEFAULT_METHOD)
    now = (before + time.time()) / 2
    if refusal.reason not in _FROM_MAGENTO:
        raise _not_magento(store, answer, refusal)
    yield Finding("magento", "ok", "oauth/token/ answers as Magento does")
    yield _version(store)
    if refusal.reason == "header-lost":
        raise CheckFailed(
            "header",
            "header-lost",
            "the Authorization header does not reach Magento",
            "Pass it on (Apache: CGIPassAuth On; nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization), "
            "in a proxy in front of the store, too.",
        )
    yield Finding("header", "ok", "the Authorization header reaches Magento")
    yield _methods(store, refusal)
    yield _clock(answer, now)
    yield _rest(store)
    yield from _base_url(store)


def _request_token(store: Store, method: str) -> tuple[Response | None, StorelinkError]:
    """Ask for a request token with a random key. Returns the answer, None where none came, and the refusal."""
    url = f"{store.url}oauth/token/request"
    random = Consumer(secrets.token_hex(16), secrets.token_hex(16), method)
    answer = None
    try:
        answer = http.post(url, authorization_header("POST", url, random), TIMEOUT)
        problems.token(answer)
    except StorelinkError as refusal:
        return answer, refusal
    return answer, Rejected("refused", "a token for a key that does not exist")


def _not_magento(store: Store, answer: Response | None, refusal: StorelinkError) -> CheckFailed:
    """Why the answer is not one of Magento's checks."""
    if refusal.reason == "redirected":
        return _redirected(store, "oauth/token/request")
    if refusal.reason in _FIXES:
        check, fix = _FIXES[refusal.reason]
        return CheckFailed(check, refusal.reason, f"the store answers oauth/token/ with {refusal.problem}", fix)
    if refusal.reason == "unreachable":
        return unreachable(store, refusal.problem)
    if answer is not None and answer.status == 401 and "www-authenticate" in answer.headers:
        message = "the web server asks for a password, in the header that OAuth needs"
        fix = (
            f"Set the password by `storelink password {store.url}`, or remove it from oauth/ and rest/. "
            f"`storelink test {store.url}` calls a connected store with the password that is set."
        )
        return CheckFailed("header", PROTECTED, message, fix)
    index = Store.from_url(f"{store.url}index.php/")
    if not store.url.endswith("index.php/") and _request_token(index, DEFAULT_METHOD)[1].reason in _FROM_MAGENTO:
        return CheckFailed(
            "base-url",
            "rewrites-off",
            f"Magento answers only below {index.url}: URL rewrites are off",
            f"Use {index.url} as the store URL; or turn on Use Web Server Rewrites (Stores > Configuration > Web) and "
            "the rewrites of the web server.",
        )
    home = _get(store.url)
    if home is not None and home.status in _REDIRECTS:
        return _redirected(store, "")
    seen = f"oauth/token/: {refusal.problem}" + (f"; the base URL: HTTP {home.status}" if home is not None else "")
    return CheckFailed(
        "magento",
        "not-magento",
        f"this does not answer as Magento does ({seen})",
        "Check the base URL (Stores > Configuration > Web): the host, and the path where the store is in a folder. A "
        "headless storefront has Magento on another host.",
    )


def _redirected(store: Store, path: str) -> CheckFailed:
    """The store redirects, and a signed request must not follow."""
    answer = _get(store.url + path)
    target = http.redirect_target(answer, store.url + path).removesuffix(path) if answer is not None else ""
    try:
        there = Store.from_url(target).url
    except Invalid:
        there = ""
    if not there or there == store.url:
        message = "the store answers with a redirect, and a signed request must not follow one"
        return CheckFailed("redirect", "redirected", message, "Answer oauth/ and rest/ without a redirect.")
    parts = urlsplit(there)
    what = (
        "https" if parts.scheme != store.scheme else "another host" if parts.hostname != store.host else "another path"
    )
    fix = f"Use {there} as the store URL, and set it as the base URL (Stores > Configuration > Web)."
    return CheckFailed("redirect", "redirected", f"the store redirects to {what}: {there}", fix)


def _version(store: Store) -> Finding:
    page = _get(f"{store.url}magento_version")
    match = _VERSION.match(_text(page)) if page is not None and page.status == 200 else None
    return Finding("version", "ok", match[0] if match else "the store does not publish its version")


def _methods(store: Store, refusal: StorelinkError) -> Finding:
    """The signature methods that the store accepts: it refuses others before it looks at the key."""
    accepted = [DEFAULT_METHOD] if refusal.reason != "signature-method" else []
    if _request_token(store, LEGACY_METHOD)[1].reason in _FROM_MAGENTO - {"signature-method"}:
        accepted.append(LEGACY_METHOD)
    if not accepted:
        message = f"the store accepts neither {DEFAULT_METHOD} nor {LEGACY_METHOD}"
        return Finding("signature", "fail", message, "signature-method", "Update Magento to a supported release.")
    message = f"the store accepts {' and '.join(accepted)}"
    if DEFAULT_METHOD not in accepted:
        fix = "The handshake and the app's calls use it. Update Magento when you can."
        return Finding("signature", "warn", message, "signature-old", fix)
    return Finding("signature", "ok", message)


def _clock(answer: Response | None, now: float) -> Finding:
    """Compare the Date of an answer, which may be a proxy's, with this machine's clock, which was at `now`."""
    skew = http.clock_skew(answer.headers, now) if answer is not None else None
    if skew is None:
        return Finding("clock", "ok", "the store does not send its time")
    ahead = round(skew)
    if abs(ahead) <= CLOCK_WARNING:
        return Finding("clock", "ok", "the store's clock is right")
    message = f"the store's clock is {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}, by this machine's clock"
    fix = "Set the store's clock by NTP (and check this machine's clock)."
    if ahead <= -CLOCK_LIMIT:
        return Finding("clock", "fail", f"{message}; Magento refuses every signature", "clock", fix)
    return Finding("clock", "warn", message, "clock", fix)


def _rest(store: Store) -> Finding:
    """Check that rest/ reaches Magento, which refuses an unsigned request in JSON."""
    page = _get(f"{store.url}rest/V1/store/storeConfigs")
    if page is not None and page.status == 401 and _text(page).lstrip("\ufeff \t\r\n").startswith("{"):
        return Finding("rest", "ok", "rest/ answers as Magento does")
    got = f"HTTP {page.status} that is not Magento's" if page is not None else "no answer"
    fix = "Pass all of rest/ to Magento (firewall, bot protection, cache)."
    return Finding("rest", "fail", f"rest/ gives {got}", "rest-blocked", fix)


def _base_url(store: Store) -> Iterator[Finding]:
    """Compare the base URL that Magento is configured with, by its home page or the redirect of that, with this one."""
    home = _get(store.url)
    if home is None:
        return
    is_redirect = home.status in _REDIRECTS
    match = _BASE_URL.search(_text(home))
    if is_redirect:
        configured = http.redirect_target(home, store.url)
    elif match:
        configured = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), match[1]).replace("\\/", "/")
    else:
        yield Finding("base-url", "ok", "the home page does not show the base URL")
        return
    try:
        configured = Store.from_url(configured).url
    except Invalid:
        return
    if configured.startswith(store.url):  # a store view, or index.php/, may be below
        yield Finding("base-url", "ok", "the home page has the same base URL")
        return
    yield Finding(
        "base-url",
        "warn" if is_redirect else "fail",
        f"the home page {'redirects to' if is_redirect else 'has the base URL'} {configured}",
        "base-url",
        f"An activation will name {configured}: make it answer, and use it. Or make {store.url} the base URL (Stores > "
        "Configuration > Web) and flush the cache; behind a proxy that ends TLS, configure Magento to read "
        "X-Forwarded-Proto (web/secure/offloader_header).",
    )


def _get(url: str) -> Response | None:
    """A page of the store, or its first bytes; None where none came."""
    with guard.Limits(TIMEOUT, MAX_PAGE_BYTES) as limits, GuardedSession() as session:
        try:
            with session.get(
                url,
                headers={"User-Agent": "Storelink"},
                timeout=(guard.CONNECT_TIMEOUT, http.READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as page:
                return Response(page.status_code, page.headers, guard.read(page.raw, limits, MAX_PAGE_BYTES))
        except StorelinkError:
            return None


def _text(page: Response) -> str:
    return page.body.decode("utf-8", "replace")
