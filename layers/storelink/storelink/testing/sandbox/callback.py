"""Posts an activation to its callback URL as Magento does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from storelink.testing.sandbox.integrations import Activation

CALLBACK_TIMEOUT = 5.0  # seconds: oauth/consumer/post_timeout


@dataclass(frozen=True)
class Delivery:
    """How a callback URL took an activation: its status, or why there is none, and after how many seconds."""

    status: int | None = None
    seconds: float = 0.0
    error: str | None = None


def deliver(activation: Activation) -> Delivery:
    """POST an activation's form to its callback URL: once, CALLBACK_TIMEOUT, no redirects."""
    callback = urlsplit(activation.callback_url)
    port = callback.port or (443 if callback.scheme == "https" else 80)
    # Magento 2.4.6 sends its target's host and port as a header's name and value.
    headers = {} if ":" in (callback.hostname or "") else {callback.hostname or "": str(port)}
    started = time.monotonic()
    status, problem = None, None
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands before this machine
        try:
            answer = session.post(
                activation.callback_url,
                data=activation.form,
                headers=headers,
                timeout=CALLBACK_TIMEOUT,
                allow_redirects=False,
            )
            status = answer.status_code
        except requests.Timeout:
            problem = f"No answer from the callback URL in {CALLBACK_TIMEOUT:g} s."
        except requests.RequestException as error:
            problem = f"The callback URL could not be reached ({type(error).__name__})."
    return Delivery(status, round(time.monotonic() - started, 3), problem)
