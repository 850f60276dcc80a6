"""What keeps a store from being connected, found from outside and without credentials.

Nothing at the store is used up: the probes carry keys made up here, which no integration has, so Magento refuses them
before it looks at nonce, signature or token.
"""

import re
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import HTTPError

from storelink.errors import Invalid, Rejected, StorelinkError
from storelink.oauth import problems
from storelink.oauth.credentials import DEFAULT_METHOD, LEGACY_METHOD, Consumer
from storelink.oauth.signature import authorization_header
from storelink.store import Store
from storelink.transport import guard, http
from storelink.transport.http import Response
from storelink.transport.session import GuardedSession

SECONDS = 10.0
"""How long one probe may take."""
CERTIFICATE_DAYS = 14
"""Days before its end from which a certificate is a warning."""
CLOCK_WARNING = 30
CLOCK_LIMIT = 600
"""Seconds that a store's clock may be behind: Magento refuses timestamps that are further in its future."""
LONGEST_PAGE = 256 * 1024
"""Bytes of a page that are looked at."""

_BASE_URL = re.compile(r"""BASE_URL\s*=\s*['"]([^'"]+)['"]""")
"""How a Magento page tells its scripts where the store is (Magento_Theme's require_js.phtml)."""
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")
_VERSION = re.compile(r"Magento/[\w.]+(?: \([\w ]+\))?")

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What one check found. cause: a stable name of what is wrong, "" where nothing is. fix: what to do then."""

    check: str
    level: Level
    said: str
    cause: str = ""
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


class _Over(Exception):
    """The check found what no other one can get past."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.cause)


def examine(store: Store, private: bool = False) -> Iterator[Finding]:
    """Each check's finding, as it is made; the first failure that nothing can get past is the last one.

    private: the store may be on this machine or a network of one's own, and on plain http. The layer's own guard has to
    be told the same (`settings`).
    """
    try:
        yield from _reachable(store, private)
        yield from _magento(store)
    except _Over as over:
        yield over.finding


def _fail(check: str, cause: str, said: str, fix: str) -> _Over:
    return _Over(Finding(check, "fail", said, cause, fix))


# Can it be reached?


def _reachable(store: Store, private: bool) -> Iterator[Finding]:
    addresses = _addresses(store)
    shown = ", ".join(addresses)
    if not all(map(guard.is_public, addresses)):
        if not private:
            raise _fail(
                "dns",
                "address-not-public",
                f"{store.host} leads to {shown}, which is not public",
                "Give the domain a public address: stores are called over the internet. (--private: for a local one.)",
            )
        yield Finding("dns", "ok", f"{shown}, which is not public")
    else:
        yield Finding("dns", "ok", shown)
    if store.scheme == "http":
        if not private:
            raise _fail(
                "tls",
                "insecure-store",
                "the base URL is http, and secrets do not travel in the clear",
                "Set the base URLs to https (Stores > Configuration > Web), and use secure URLs everywhere.",
            )
        yield Finding("tls", "warn", "plain http", "insecure-store", "Only a local stack calls such a store.")
        return
    if store.port != 443:
        yield Finding(
            "port",
            "warn",
            f"port {store.port} is not one that a stack calls by itself",
            "port-not-allowed",
            f"Deploy the stack with AllowedPorts=443,{store.port}, or serve the store on 443.",
        )
    yield _certificate(store, addresses)


def _addresses(store: Store) -> list[str]:
    try:
        found = socket.getaddrinfo(store.host, store.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise _fail("dns", "dns-unavailable", "no name server answers just now", "Try again.") from None
        raise _fail(
            "dns",
            "host-unknown",
            f"{store.host} has no address",
            "Check the spelling, and the domain's A and AAAA records.",
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


_CERTIFICATE = {
    10: ("certificate-expired", "Renew the certificate, and see to it that it renews itself."),
    18: ("certificate-self-signed", "Use a certificate of a public authority (Let's Encrypt, for example)."),
    19: ("certificate-self-signed", "Use a certificate of a public authority (Let's Encrypt, for example)."),
    20: (
        "certificate-chain",
        "Use a public authority, and have the web server send the intermediate certificates too (the full chain).",
    ),
    21: (
        "certificate-chain",
        "Have the web server send the intermediate certificates too (the full chain).",
    ),
    62: ("certificate-host", "Get a certificate for this very host name, or make the one it names the base URL."),
    64: ("certificate-host", "Get a certificate for this very address, or use a host name."),
}
"""OpenSSL's numbers for what is wrong with a certificate (X509_V_ERR_…)."""


def _certificate(store: Store, addresses: list[str]) -> Finding:
    """What the store shows of itself before it is asked anything."""
    try:
        with (
            _connected(store, addresses) as plain,
            guard.trusted_context().wrap_socket(plain, server_hostname=store.host) as encrypted,
        ):
            shown: Any = encrypted.getpeercert()
    except ssl.SSLCertVerificationError as error:
        cause, fix = _CERTIFICATE.get(
            error.verify_code, ("certificate-invalid", "Renew the certificate, and check its chain.")
        )
        raise _fail("tls", cause, f"the certificate is not accepted: {error.verify_message.rstrip('.')}", fix) from None
    except OSError as error:
        reason = getattr(error, "reason", "") or type(error).__name__
        raise _fail(
            "tls", "tls-failed", f"no TLS connection came about ({reason})", "Let the web server speak TLS 1.2 or 1.3."
        ) from None
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    said = f"the certificate is accepted, until {ends:%Y-%m-%d}"
    if (ends - datetime.now(UTC)).days < CERTIFICATE_DAYS:
        return Finding("tls", "warn", said, "certificate-ends", "Renew it now, and see to it that it renews itself.")
    return Finding("tls", "ok", said)


def _connected(store: Store, addresses: list[str]) -> socket.socket:
    """A connection to the first address that takes one."""
    problem = ""
    for address in addresses[: guard.MAX_ADDRESSES]:
        try:
            return socket.create_connection((address, store.port), guard.CONNECT_TIMEOUT)
        except OSError as error:
            problem = f"{address}: {error.strerror or type(error).__name__}"
    raise _unreachable(store, problem)


def _unreachable(store: Store, problem: str) -> _Over:
    return _fail(
        "connection",
        "unreachable",
        f"port {store.port} does not answer ({problem})",
        "Start the web server, and let the firewall pass requests from anywhere.",
    )


# Does it answer as Magento does?


def _magento(store: Store) -> Iterator[Finding]:
    began = time.time()
    answer, refusal = _probe(store, DEFAULT_METHOD)
    here = (began + time.time()) / 2
    if refusal.reason not in _FROM_MAGENTO:
        raise _not_magento(store, answer, refusal)
    yield Finding("magento", "ok", "oauth/token/ answers in Magento's own words")
    yield _version(store)
    if refusal.reason == "header-lost":
        raise _fail(
            "header",
            "header-lost",
            "the Authorization header does not reach Magento",
            "Let it through (Apache: CGIPassAuth On; nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization), "
            "at a proxy in front too.",
        )
    yield Finding("header", "ok", "the Authorization header reaches Magento")
    yield _methods(store, refusal)
    yield _clock(answer, here)
    yield _rest(store)
    yield from _base_url(store)


_FROM_MAGENTO = {"integration-deleted", "header-lost", "signature-method", "consumer-key-length"}
"""Reasons that only Magento's own checks give to a key that is made up."""

_FIXES = {
    "maintenance": ("maintenance", "Wait for it to end: bin/magento maintenance:status, maintenance:disable."),
    "rate-limited": (
        "requests",
        "Let this app through the rate limit: a handshake is two requests, and then come the app's.",
    ),
    "blocked": (
        "firewall",
        "Let POST requests to oauth/token/ and all of rest/ through the firewall or bot protection.",
    ),
    "store-error": ("magento", "Magento failed inside: var/log/exception.log and the database say why."),
}


def _probe(store: Store, method: str) -> tuple[Response | None, StorelinkError]:
    """What the store answers to a request token's request under a key that no integration has; it is never a token."""
    url = f"{store.url}oauth/token/request"
    made_up = Consumer(secrets.token_hex(16), secrets.token_hex(16), method)
    answer = None
    try:
        answer = http.post(url, authorization_header("POST", url, made_up), SECONDS)
        problems.token(answer)
    except StorelinkError as refusal:
        return answer, refusal
    return answer, Rejected("refused", "gave a token to a key that does not exist")


def _not_magento(store: Store, answer: Response | None, refusal: StorelinkError) -> _Over:
    """Why the answer was not one of Magento's checks."""
    if refusal.reason == "redirected":
        return _redirected(store, "oauth/token/request")
    if refusal.reason in _FIXES:
        check, fix = _FIXES[refusal.reason]
        return _fail(check, refusal.reason, f"the store answers oauth/token/ with {refusal.problem}", fix)
    if refusal.reason == "unreachable":
        return _unreachable(store, refusal.problem)
    if answer is not None and answer.status == 401 and "www-authenticate" in answer.headers:
        return _fail(
            "header",
            "password",
            "the web server asks for a password of its own, in the header that OAuth needs",
            "Take the password off oauth/ and rest/, or let this app in by its address.",
        )
    inside = Store.from_url(f"{store.url}index.php/")
    if not store.url.endswith("index.php/") and _probe(inside, DEFAULT_METHOD)[1].reason in _FROM_MAGENTO:
        return _fail(
            "base-url",
            "rewrites-off",
            f"Magento answers below {inside.url} only: URL rewrites are off",
            f"Use {inside.url} as the store URL; or turn on Use Web Server Rewrites (Stores > Configuration > Web) and "
            "the web server's own rewrites.",
        )
    home = _get(store.url)
    if home is not None and home.status in _REDIRECTS:
        return _redirected(store, "")
    told = f"oauth/token/: {refusal.problem}" + (f"; the base URL: HTTP {home.status}" if home is not None else "")
    return _fail(
        "magento",
        "not-magento",
        f"this does not answer as Magento does ({told})",
        "Check the base URL (Stores > Configuration > Web): host, and the path where the store lies in a folder. A "
        "headless storefront has Magento on another host.",
    )


_REDIRECTS = (301, 302, 303, 307, 308)


def _redirected(store: Store, path: str) -> _Over:
    """The store sends callers elsewhere, and a signed request must not follow."""
    answer = _get(store.url + path)
    location = answer.headers.get("Location", "") if answer is not None else ""
    target = urljoin(store.url + path, location).partition("?")[0].removesuffix(path)
    try:
        there = Store.from_url(target).url
    except Invalid:
        there = ""
    parts = urlsplit(there)
    if not there or there == store.url:
        said = "the store answers with a redirect, and a signed request must not follow one"
        return _fail("redirect", "redirected", said, "Let oauth/ and rest/ be answered where they are asked for.")
    what = (
        "https" if parts.scheme != store.scheme else "another host" if parts.hostname != store.host else "another path"
    )
    return _fail(
        "redirect",
        "redirected",
        f"the store redirects to {what}: {there}",
        f"Use {there} as the store URL, and set it as the base URL (Stores > Configuration > Web).",
    )


def _version(store: Store) -> Finding:
    page = _get(f"{store.url}magento_version")
    match = _VERSION.match(_text(page)) if page is not None and page.status == 200 else None
    return Finding("version", "ok", match[0] if match else "the store does not tell its version")


def _methods(store: Store, refusal: StorelinkError) -> Finding:
    """Which signatures the store reads: it refuses another one before it looks at the key."""
    read = [DEFAULT_METHOD] if refusal.reason != "signature-method" else []
    if _probe(store, LEGACY_METHOD)[1].reason in _FROM_MAGENTO - {"signature-method"}:
        read.append(LEGACY_METHOD)
    if not read:
        said = f"the store takes neither {DEFAULT_METHOD} nor {LEGACY_METHOD}"
        return Finding("signature", "fail", said, "signature-method", "Update Magento to a supported release.")
    said = f"the store takes {' and '.join(read)}"
    if DEFAULT_METHOD not in read:
        fix = "The handshake falls back to it, and so do the app's calls. Update Magento when you can."
        return Finding("signature", "warn", said, "signature-old", fix)
    return Finding("signature", "ok", said)


def _clock(answer: Response | None, here: float) -> Finding:
    """The store's clock beside this machine's, which was at `here`: by the answer's Date, which may be a proxy's."""
    try:
        told = parsedate_to_datetime(answer.headers["Date"] if answer else "").timestamp()
    except (KeyError, ValueError):
        return Finding("clock", "ok", "the store does not tell its time")
    ahead = round(told - here)
    if abs(ahead) <= CLOCK_WARNING:
        return Finding("clock", "ok", "the store's clock is right")
    said = f"the store's clock is {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}, by this machine's"
    fix = "Set the store's clock by NTP (and look at this machine's)."
    if ahead <= -CLOCK_LIMIT:
        return Finding("clock", "fail", f"{said}; Magento refuses every signature", "clock", fix)
    return Finding("clock", "warn", said, "clock", fix)


def _rest(store: Store) -> Finding:
    """Whether rest/ is let through too: unsigned, Magento refuses it in JSON."""
    page = _get(f"{store.url}rest/V1/store/storeConfigs")
    if page is not None and page.status == 401 and _text(page).lstrip().startswith("{"):
        return Finding("rest", "ok", "rest/ answers as Magento does")
    said = f"rest/ is answered {f'HTTP {page.status}' if page is not None else 'by nothing'}, and not by Magento"
    return Finding(
        "rest", "fail", said, "rest-blocked", "Let all of rest/ through to Magento (firewall, bot protection, cache)."
    )


def _base_url(store: Store) -> Iterator[Finding]:
    """Whether the store believes to be where it answers, by what its home page tells or where that leads."""
    home = _get(store.url)
    if home is None:
        return
    leads = home.status in _REDIRECTS
    match = _BASE_URL.search(_text(home))
    if leads:
        told = urljoin(store.url, home.headers.get("Location", "")).partition("?")[0]
    elif match:
        told = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), match[1]).replace("\\/", "/")
    else:
        yield Finding("base-url", "ok", "the home page does not tell the base URL")
        return
    try:
        believed = Store.from_url(told).url
    except Invalid:
        return
    if believed.startswith(store.url):  # a store view, or index.php/, may lie below
        yield Finding("base-url", "ok", "the home page is of the same base URL")
        return
    yield Finding(
        "base-url",
        "warn" if leads else "fail",
        f"the home page {'leads to' if leads else 'says that the store is at'} {believed}",
        "base-url",
        f"An activation will name {believed}: let that answer, and use it. Or make {store.url} the base URL (Stores > "
        "Configuration > Web) and flush the cache; behind a proxy that ends TLS, let Magento read X-Forwarded-Proto "
        "(web/secure/offloader_header).",
    )


def _get(url: str) -> Response | None:
    """A page of the store's, or its beginning; None where none came."""
    with guard.Deadline(SECONDS), GuardedSession() as session:
        try:
            with session.get(
                url,
                headers={"User-Agent": "Storelink"},
                timeout=(guard.CONNECT_TIMEOUT, http.READ_TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as page:
                return Response(page.status_code, page.headers, page.raw.read(LONGEST_PAGE, decode_content=True))
        except (StorelinkError, HTTPError, OSError):
            return None


def _text(page: Response) -> str:
    return page.body.decode("utf-8", "replace")
