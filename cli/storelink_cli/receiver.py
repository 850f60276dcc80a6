"""What takes the events of `listen`: a URL, or a handler as Lambda has it."""

import contextlib
import importlib
import json
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from storelink import webhook_signature
from storelink_cli.errors import bad_input
from storelink_cli.output import Output

TIMEOUT = (5.0, 60.0)
"""Seconds to connect, and to wait for an answer."""

SECONDS = 900.0
"""What a handler's context says is left when it starts: as long as a function may run on Lambda."""

Receiver = Callable[[str], str]
"""Takes an event's JSON. Returns "" when it was taken, else what is wrong."""


class HandlerContext:
    """What a handler gets beside the event, with the attributes of Lambda's context that Powertools reads."""

    function_version = "$LATEST"
    memory_limit_in_mb = 512

    def __init__(self, name: str) -> None:
        self.function_name = name.replace(":", "-").replace(".", "-")
        self.invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{self.function_name}"
        self.aws_request_id = str(uuid.uuid4())
        self._end = time.monotonic() + SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds that are left."""
        return int((self._end - time.monotonic()) * 1000)


def forward_to(url: str) -> Receiver:
    """A receiver that posts events to a URL. Raises Failure for a text that is no URL."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_url = False
    if not is_url:
        raise bad_input(f"--forward-to: {url} is no URL", "Give a URL such as http://127.0.0.1:8000/events.")
    session = requests.Session()
    session.trust_env = False  # no proxy between this machine and itself

    def post(body: str) -> str:
        headers = {"Content-Type": "application/json", "User-Agent": "storelink-cli"}
        if secret := os.environ.get("STORELINK_WEBHOOK_SECRET"):
            headers |= _signature(body, secret)
        try:
            with session.post(
                url, data=body.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                return "" if 200 <= response.status_code < 300 else f"{url} answered {response.status_code}"
        except requests.RequestException as error:
            return f"{url} does not answer ({type(error).__name__})"

    return post


def _signature(body: str, secret: str) -> dict[str, str]:
    """The headers that sign an event as a webhook does. Raises Failure."""
    try:
        return webhook_signature.headers(json.loads(body)["id"], int(time.time()), body.encode(), [secret])
    except ValueError as wrong:
        raise bad_input(f"STORELINK_WEBHOOK_SECRET {wrong}", "Set it to the secret of the webhook.") from None


def execute(name: str, out: Output) -> Receiver:
    """A receiver that calls a handler of a module in this folder or on Python's path. name: module:handler.

    The handler prints to standard error. Raises Failure.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise bad_input(f"--exec: {name} is no handler", "Name module and function: app:handler for app.py.")
    sys.path.insert(0, str(Path.cwd()))
    try:
        handler = getattr(importlib.import_module(module), attribute, None)
    except Exception as error:
        out.note(traceback.format_exc())
        problem = f"--exec: {module} cannot be imported ({type(error).__name__})"
        raise bad_input(problem, "The traceback is above. Run the command in the module's folder.") from None
    if not callable(handler):
        raise bad_input(f"--exec: {module} has no function {attribute}", "Name module and function: app:handler.")

    def call(body: str) -> str:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                result: Any = handler(json.loads(body), HandlerContext(name))
        except Exception as error:
            out.note(traceback.format_exc())
            return f"{name} raised {type(error).__name__}"
        if result is not None:
            out.note(f"{name} returned {json.dumps(result, default=str)}", "dim")
        return ""

    return call
