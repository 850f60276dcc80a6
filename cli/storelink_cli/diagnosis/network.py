"""Whether a store can be reached: its name, its port and its certificate."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from storelink.store import Store
from storelink.transport import guard
from storelink_cli.diagnosis.finding import CheckFailed, Finding

CERTIFICATE_DAYS = 14
"""A certificate that is valid for fewer days is a warning."""

_PUBLIC_AUTHORITY = "Use a certificate of a public authority (for example Let's Encrypt)."
_FULL_CHAIN = "Configure the web server to send the intermediate certificates, too (the full chain)."
_CERTIFICATE_ERRORS = {
    10: ("certificate-expired", "Renew the certificate, and automate its renewal."),
    18: ("certificate-self-signed", _PUBLIC_AUTHORITY),
    19: ("certificate-self-signed", _PUBLIC_AUTHORITY),
    20: ("certificate-chain", f"{_PUBLIC_AUTHORITY} {_FULL_CHAIN}"),
    21: ("certificate-chain", _FULL_CHAIN),
    62: ("certificate-host", "Get a certificate for this host name, or use the name of the certificate as base URL."),
    64: ("certificate-host", "Get a certificate for this address, or use a host name."),
}
"""OpenSSL's verification errors (X509_V_ERR_…): the cause, and what to do."""


def check(store: Store, private: bool, ports: frozenset[int]) -> Iterator[Finding]:
    """Yield the findings. private and ports: as in `examine`. Raises CheckFailed."""
    addresses = _addresses(store)
    shown = ", ".join(addresses)
    is_public = all(map(guard.is_public, addresses))
    if not (is_public or private):
        raise CheckFailed(
            "dns",
            "address-not-public",
            f"{store.host} resolves to {shown}, which is not a public address",
            "Give the domain a public address: stores are called over the internet. (Use --private for a local store.)",
        )
    yield Finding("dns", "ok", shown if is_public else f"{shown}, which is not a public address")
    if store.scheme == "http":
        if not private:
            raise CheckFailed(
                "tls",
                "insecure-store",
                "the base URL is http, which sends secrets unencrypted",
                "Set the base URLs to https (Stores > Configuration > Web), and use secure URLs everywhere.",
            )
        yield Finding("tls", "warn", "plain http", "insecure-store", "Only a local stack calls such a store.")
        return
    if store.port not in ports:
        allowed = ",".join(map(str, sorted(ports | {store.port})))
        fix = f"Deploy the stack with AllowedPorts={allowed}, or serve the store on port 443."
        yield Finding("port", "warn", f"the stack does not call port {store.port}", "port-not-allowed", fix)
    yield _certificate(store, addresses)


def _addresses(store: Store) -> list[str]:
    try:
        found = socket.getaddrinfo(store.host, store.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise CheckFailed("dns", "dns-unavailable", "no name server answers now", "Try again.") from None
        fix = "Check the spelling, and the domain's A and AAAA records."
        raise CheckFailed("dns", "host-unknown", f"{store.host} has no address", fix) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _certificate(store: Store, addresses: list[str]) -> Finding:
    """Check the certificate by a TLS handshake. Raises CheckFailed."""
    try:
        with (
            _connection(store, addresses) as plain,
            guard.trusted_context().wrap_socket(plain, server_hostname=store.host) as encrypted,
        ):
            certificate: Any = encrypted.getpeercert()
    except ssl.SSLCertVerificationError as error:
        unknown = ("certificate-invalid", "Renew the certificate, and check its chain.")
        cause, fix = _CERTIFICATE_ERRORS.get(error.verify_code, unknown)
        message = f"the certificate is not accepted: {error.verify_message.rstrip('.')}"
        raise CheckFailed("tls", cause, message, fix) from None
    except OSError as error:
        reason = getattr(error, "reason", "") or type(error).__name__
        fix = "Configure the web server for TLS 1.2 or 1.3."
        raise CheckFailed("tls", "tls-failed", f"the TLS handshake failed ({reason})", fix) from None
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    message = f"the certificate is accepted, until {end:%Y-%m-%d}"
    if (end - datetime.now(UTC)).days < CERTIFICATE_DAYS:
        return Finding("tls", "warn", message, "certificate-ends", "Renew it now, and automate its renewal.")
    return Finding("tls", "ok", message)


def _connection(store: Store, addresses: list[str]) -> socket.socket:
    """A TCP connection to the first address that accepts one. Raises CheckFailed."""
    problem = ""
    for address in addresses[: guard.MAX_ADDRESSES]:
        try:
            return socket.create_connection((address, store.port), guard.CONNECT_TIMEOUT)
        except OSError as error:
            problem = f"{address}: {error.strerror or type(error).__name__}"
    raise unreachable(store, problem)


def unreachable(store: Store, problem: str) -> CheckFailed:
    """The failure of a store that does not answer."""
    return CheckFailed(
        "connection",
        "unreachable",
        f"port {store.port} does not answer ({problem})",
        "Start the web server, and allow requests from any address in the firewall.",
    )
