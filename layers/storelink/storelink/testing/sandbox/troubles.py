"""What can go wrong at a sandbox store, by name, and which of it the next request meets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from storelink.testing.sandbox.signature import HMAC_SHA1, HMAC_SHA256

ENDPOINTS = ("request", "access", "rest")

NONCE_USED = "The nonce is already being used by the consumer with ID %1"
SIGNATURE_INVALID = "The signature is invalid. Verify and try again."
REQUIRED = '"%fieldName" is required. Enter and try again.'

WORDS = {
    "nonce_used": (401, NONCE_USED),
    "nonce_error": (401, "An error occurred validating the nonce"),
    "token_used": (401, "Token is already being used"),
    "key_length": (401, "Consumer key is not the correct length"),
    "verifier_length": (401, "Verifier is not the correct length"),
    "verifier_mismatch": (401, "Token verifier and verifier token do not match"),
    "revoked": (401, "Specified token does not exist"),
    "unknown_key": (401, "A consumer having the specified key does not exist"),
    "signature_invalid": (401, SIGNATURE_INVALID),
    "lock_wait": (400, "Database lock wait timeout exceeded"),
    "try_again": (400, "The product was unable to be saved. Please try again."),
}
"""Troubles that refuse in Magento's own words: the status and the message."""

NOTICE = "Deprecated: Creation of dynamic property Acme\\Seo\\Plugin::$url is deprecated in "
FILE = "/var/www/html/app/code/Acme/Seo/Plugin.php"
AROUND = {
    "bom": ("\ufeff", ""),
    "line_ends": ("\r\n\n", "\n"),
    "php_notice": (f"<br />\n<b>{NOTICE}</b>{FILE} on line <b>17</b><br />\n", ""),
    "php_notice_after": ("", f"<br />\n<b>{NOTICE}</b>{FILE} on line <b>17</b><br />\n"),
    "php_text_notice": (f"\n{NOTICE}{FILE} on line 17\n", ""),
}
"""Troubles that are PHP's own output before and after the answer, whatever the answer is."""

WORDINGS = {
    "old_wordings": {SIGNATURE_INVALID: "Invalid signature", REQUIRED: "%fieldName is a required field."},
    "misspelled": {SIGNATURE_INVALID: "The signatire is invalid. Verify and try again."},
}
"""Troubles that are the words of older releases: today's message to theirs."""

METHODS = {"no_methods": (), "sha1_only": (HMAC_SHA1,), "both_methods": (HMAC_SHA1, HMAC_SHA256)}
"""Troubles that are the signature methods which a store accepts."""

CONDITIONS = {
    "slow": "the answer takes some seconds",
    "header_lost": "the web server drops the Authorization header",
    "password": "the web server asks for a password (staging, Sandbox-pass-1)",
    "encoded_slashes_off": "404 for a path with %2F, as Apache answers by default",
    "sha1_only": "signatures are HMAC-SHA1 alone",
    "both_methods": "signatures are HMAC-SHA1 or HMAC-SHA256",
    "no_methods": "no signature method is taken",
    "old_wordings": "messages of Magento 2.0 to 2.2",
    "misspelled": "Magento's misspelled message for a wrong signature",
    "items_object": "a search's items are an object by id",
    "capped_page_size": "a search's pages have 20 items at most",
    "empty_last_page": "pages after the last are empty, and the total is one too many",
    "endless_total": "a search's total is 1e999",
}
"""Troubles that change how a request is read or answered. They add up with each other and with one of the others."""

GROUPS = {
    "Magento refuses": {kind: f"{status}: {message}" for kind, (status, message) in WORDS.items()},
    "Something else answers": {
        "internal_error": "500: Magento's internal error",
        "maintenance": "503: the maintenance page",
        "bad_gateway": "502: a proxy's page",
        "gateway_timeout": "504: a proxy's page",
        "rate_limit": "429 with Retry-After",
        "forbidden": "403: a firewall's page",
        "html": "200: the shop's home page",
        "redirect": "302 to another path",
        "moved": "301 to the same path of the store's base URL",
        "huge": "200: a mebibyte of text",
        "drop_before": "the connection ends before anything is done",
        "unauthorized": "401: Unauthorized, not in Magento's words",
        "messages_error": "500: Magento's fatal error in REST",
        "plain_text": "500: Magento's error as plain text",
        "too_large": "413: the web server's page",
        "uri_too_long": "414: the web server's page",
    },
    "The answer is lost": {
        "drop": "the connection ends after the step is done",
        "cut": "half of the body, then the connection ends",
        "half": "half of the body as a whole answer",
    },
    "PHP prints into the answer": {
        "bom": "a byte order mark before the answer",
        "line_ends": "empty lines around the answer",
        "php_notice": "a PHP notice in HTML before the answer",
        "php_notice_after": "a PHP notice in HTML after the answer",
        "php_text_notice": "a PHP notice as text before the answer",
    },
    "Magento is set up in another way": CONDITIONS,
    "The store is hostile": {
        "tarpit": "no answer and no end",
        "trickle": "a byte each half second",
        "endless_headers": "headers without an end",
        "endless_body": "a body without an end",
        "endless_chunks": "chunks of a byte, without an end",
        "negative_chunk": "a chunk of -1 byte, and a body without an end",
        "bomb": "100 MB of zeros in 100 kB",
        "expansion": "400: a message of 500 MB by its parameters, in 64 kB",
    },
}
"""All troubles, as a person looks for them, and what each does, in a few words."""

EFFECTS = {kind: effect for kinds in GROUPS.values() for kind, effect in kinds.items()}


@dataclass
class Trouble:
    """One thing that goes wrong: at one endpoint or all (None), a number of times or always (None)."""

    kind: str
    times: int | None = None
    endpoint: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Met:
    """What goes wrong with one request: its conditions, and the trouble that concerns its answer."""

    conditions: frozenset[str] = frozenset()
    answer: str | None = None
    slow: float = 0.0

    @property
    def methods(self) -> tuple[str, ...]:
        """The signature methods that the store accepts."""
        return next((METHODS[name] for name in METHODS if name in self.conditions), (HMAC_SHA256,))

    @property
    def wordings(self) -> dict[str, str]:
        """The words that replace today's."""
        return {today: other for name in WORDINGS if name in self.conditions for today, other in WORDINGS[name].items()}


@dataclass
class Troubles:
    """The troubles of one store. It is not safe for threads: the store locks."""

    _active: list[Trouble] = field(default_factory=list)

    def add(self, kind: str, times: int | None, endpoint: str | None, seconds: float) -> None:
        """Add a trouble. Raises ValueError for an unknown kind or endpoint, or a number out of range."""
        if kind not in EFFECTS:
            raise ValueError(f"There is no trouble {kind!r}; take one of {', '.join(EFFECTS)}.")
        if endpoint is not None and endpoint not in ENDPOINTS:
            raise ValueError(f"There is no endpoint {endpoint!r}; take one of {', '.join(ENDPOINTS)}.")
        if times is not None and times < 1:
            raise ValueError("times is a number from 1, or None (null in JSON) for always.")
        if not 0 <= seconds <= 60:
            raise ValueError("seconds is a number from 0 to 60.")
        self._active.append(Trouble(kind, times, endpoint, seconds))

    def clear(self) -> None:
        self._active.clear()

    def meet(self, endpoint: str) -> Met:
        """Return what goes wrong with the next request at an endpoint, and count it.

        Of each condition the first that matches, and of all other troubles the first.
        """
        met: dict[str, Trouble] = {}
        for trouble in self._active:
            if trouble.endpoint in (None, endpoint):
                met.setdefault(trouble.kind if trouble.kind in CONDITIONS else "answer", trouble)
        for trouble in met.values():
            if trouble.times is not None:
                trouble.times -= 1
        self._active = [trouble for trouble in self._active if trouble.times != 0]
        answer = met.pop("answer", None)
        slow = met["slow"].seconds if "slow" in met else 0.0
        return Met(frozenset(met), answer.kind if answer else None, slow)

    def is_everywhere(self, kind: str) -> bool:
        """Return whether a trouble concerns every endpoint."""
        return any(trouble.kind == kind and trouble.endpoint is None for trouble in self._active)

    def to_list(self) -> list[dict[str, Any]]:
        return [vars(trouble).copy() for trouble in self._active]
