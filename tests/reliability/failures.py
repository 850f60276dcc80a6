"""Each way for a handshake to fail at each step: how it ends, what the grid shows, and what people read.

    PYTHONPATH=.:layers/storelink:cli .venv/bin/python -m tests.reliability.failures

runs them and writes their table into docs/failures.md.
"""

import contextlib
import re
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from local import aws
from local.aws import LocalAws
from local.template import ROOT
from storelink.api import serializers
from storelink.state import activations, step_retry
from storelink.testing import sandbox
from storelink.testing.sandbox import Sandbox
from storelink_cli.diagnosis.attempt import Known
from tests.reliability.matrix import CALLBACK_URL
from tests.world import World, function_environment, request

DOCUMENT = ROOT / "docs" / "failures.md"
BEGIN, END = "<!-- failures: written by tests/reliability/failures.py -->", "<!-- end of failures -->"

TROUBLES = {
    "signature_invalid": "computes another signature",
    "unknown_key": "does not know the consumer key",
    "key_length": "refuses the consumer key's length",
    "verifier_mismatch": "expects another verifier",
    "token_used": "says that the token is used",
    "header_lost": "does not get the Authorization header",
    "no_methods": "takes no signature method",
    "nonce_used": "says that each nonce was used",
    "nonce_error": "cannot validate the nonce",
    "redirect": "redirects",
    "internal_error": "has an internal error",
    "maintenance": "is in maintenance mode",
    "rate_limit": "limits the rate",
    "forbidden": "has a firewall that refuses",
    "html": "answers with a page",
    "drop_before": "cannot be reached",
    "password": "asks for a password of the web server",
    "drop": "gives the token, and its answer is lost",
}
"""What the store does, by the sandbox's name for it."""

STEPS = ("request", "access")
LANGUAGES = ("en", "de")


@dataclass(frozen=True)
class Failure:
    """A failed handshake. popup: what the page says, by language. doctor: the verdict of `storelink doctor`."""

    reason: str
    action: str
    grid: str
    popup: dict[str, str]
    doctor: str

    def steady(self, world: World) -> "Failure":
        """The same without what is different in each run."""
        popup = {language: _steady(text, world) for language, text in self.popup.items()}
        return replace(self, popup=popup, doctor=_steady(self.doctor, world))


def fail(world: World, trouble: str, step: str, *, again: bool = False) -> tuple[str, Failure]:
    """Let a handshake fail at a step. Its activation's id, and what is seen of it. again: by a reauthorization."""
    if again:
        world.connect()
    form = dict((world.shop.reauthorize if again else world.shop.activate)(CALLBACK_URL).form)
    activation_id = str(world.post(form)["activation_id"])
    once = {"times": 1} if trouble == "drop" else {}
    world.shop.trouble(trouble, endpoint=step, **once)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_retry, "LAST_REQUEST", 10)
        patch.setattr(step_retry, "ACCESS_PERIOD", 10)
        outcome = world.run(activation_id)
    assert outcome["state"] == "failed", outcome
    row = world.row(activation_id)
    known = Known(attempt=serializers.activation(row), connection={"state": world.connection().get("state", "")})
    return activation_id, Failure(
        outcome["reason"],
        activations.action_of(row),
        grid_row(world),
        {language: popup(world, form, language) for language in LANGUAGES},
        known.verdict([]),
    )


def grid_row(world: World) -> str:
    """The integration's status and its one link, as Magento's grid shows them."""
    integration = world.shop.state()["integrations"]["storelink"]
    return f"{integration['status'].title()}, {integration['link']}"


def popup(world: World, form: dict[str, str], language: str) -> str:
    """The words of the page in the popup: its heading, what happened, and what to do."""
    query = {"oauth_consumer_key": form["oauth_consumer_key"], "success_call_back": f"{world.url}admin/"}
    event = request("GET", "/identity", queryStringParameters=query, headers={"accept-language": language})
    page: str = world.call("IdentityFunction", event)["body"]
    main = re.search(r"<main>(.*?)</main>", page, re.DOTALL)
    assert main
    text = re.sub(r"<ol class=\"?compact.*?</ol>", " ", main[1], flags=re.DOTALL)
    text = re.sub(r"</?(?:b|q|bdi)\b[^>]*>", "", text)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@contextlib.contextmanager
def new_world(local_aws: LocalAws, shops: Sandbox) -> Iterator[World]:
    """A store that has never been connected."""
    name = uuid.uuid4().hex[:12]
    yield World(local_aws, shops.store(name), f"{shops.url}stores/{name}/")


class FirstFailures:
    """How first activations fail. Each is run once."""

    def __init__(self, local_aws: LocalAws, shops: Sandbox) -> None:
        self._aws, self._shops = local_aws, shops
        self._seen: dict[tuple[str, str], Failure] = {}

    def see(self, trouble: str, step: str, world: World) -> tuple[str, Failure]:
        """Let this store's first activation fail. Its id, and what is seen of it."""
        activation_id, failure = fail(world, trouble, step)
        self._seen[trouble, step] = failure.steady(world)
        return activation_id, failure

    def of(self, trouble: str, step: str) -> Failure:
        """What is seen of one, without what is different in each run."""
        if (trouble, step) not in self._seen:
            with new_world(self._aws, self._shops) as world:
                self.see(trouble, step, world)
        return self._seen[trouble, step]


def table(failures: FirstFailures) -> str:
    """All failures in Markdown."""
    lines = [
        BEGIN,
        "| step | the store … | reason | Magento's grid | the popup | the popup in German | `storelink doctor` |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for step in STEPS:
        for trouble, what in TROUBLES.items():
            failure = failures.of(trouble, step)
            cells = (step, what, f"`{failure.reason}`", failure.grid, *failure.popup.values(), failure.doctor)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, END])


def _steady(text: str, world: World) -> str:
    """A text without what is different in each run."""
    text = text.replace(world.url, "https://shop.example/").replace(world.store.host, "shop.example")
    text = re.sub(r"shop\.example(:\d+)?(/stores/\w+/?)?", "shop.example", text)
    return re.sub(r"\b[0-9a-f]{8,}\b", "…", text)


@cache
def documented() -> str:
    """The table as docs/failures.md has it."""
    found = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", DOCUMENT.read_text(), re.DOTALL)
    return found.group() if found else ""


def main() -> None:
    """Run all failures and write their table down."""
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        local_aws: Any = stack.enter_context(aws.running(0, "http://127.0.0.1:3000", logs, execute=False))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        function_environment(local_aws, patch)
        written = table(FirstFailures(local_aws, stack.enter_context(sandbox.serve())))
    DOCUMENT.write_text(DOCUMENT.read_text().replace(documented(), written))
    print(f"{DOCUMENT.relative_to(ROOT)}: {written.count(chr(10)) - 3} failures")


if __name__ == "__main__":
    main()
