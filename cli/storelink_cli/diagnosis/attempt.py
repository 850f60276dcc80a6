"""What the stack knows of a store: its last attempt to connect and its connection. Also the verdict of a diagnosis."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from storelink_cli import lookup
from storelink_cli.diagnosis.finding import Finding
from storelink_cli.diagnosis.magento import PROTECTED
from storelink_cli.errors import Exit, Failure
from storelink_cli.stack import Stack
from storelink_cli.times import with_age

CHECK = "attempt"

URLS = (
    "In Magento: System > Extensions > Integrations. Callback URL: {CallbackUrl} Identity link URL: {IdentityLinkUrl} "
    "(or those of an invitation). Save, then click Activate. Without an Identity link URL Magento posts nothing and "
    "shows four values instead: `storelink add` takes those."
)


@dataclass(frozen=True)
class Known:
    """A store as the stack knows it. attempt and connection: as the API shows them, {} for none.

    ports: those that the stack may call. urls: the stack's outputs.
    """

    attempt: dict[str, Any] = field(default_factory=dict)
    connection: dict[str, Any] = field(default_factory=dict)
    ports: frozenset[int] = frozenset({443})
    urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, stack: Stack, url: str) -> "Known":
        """Ask the stack. Raises Failure."""
        attempt = next(iter(lookup.attempts(stack, url)), {})
        try:
            connection = lookup.connection(stack, attempt.get("store_url", url))
        except Failure as failure:
            if failure.code != Exit.NOT_FOUND:
                raise
            connection = {}
        ports = frozenset(map(int, stack.parameters.get("AllowedPorts", "443").split(",")))
        return cls(attempt, connection, ports, stack.outputs)

    def finding(self, url: str) -> Finding:
        """The finding about the last attempt of the store at this URL."""
        if not self.attempt:
            return self._without_attempt()
        last = self.attempt
        message = f"{last['state']} {with_age(last.get('updated_at', ''))}".strip()
        message += f", reference {last['activation_id'][: lookup.REFERENCE_LENGTH]}"
        if last["store_url"] != url:
            message += f", from {last['store_url']}"
        if last["state"] != "failed" and "retry_reason" in last:
            return Finding(
                CHECK, "warn", f"{message}: {lookup.cause(last)}", last["retry_reason"], last.get("advice", "")
            )
        if last["state"] != "failed":
            return Finding(CHECK, "ok", message)
        return Finding(CHECK, "warn", f"{message}: {lookup.cause(last)}", last["reason"], last.get("advice", ""))

    def _without_attempt(self) -> Finding:
        if not self.connection:
            message = "no activation of this store has arrived in the last day"
            return Finding(CHECK, "warn", message, "no-attempt", URLS.format(**self.urls))
        message = f"none in the last day; the store is {self.connection['state']}"
        if self.connection["state"] == "connected":
            return Finding(CHECK, "ok", message)
        reason, advice = self.connection.get("reason", ""), self.connection.get("advice", "")
        return Finding(CHECK, "warn", f"{message}: {lookup.cause(self.connection)}", reason, advice)

    @property
    def is_healthy(self) -> bool:
        """Whether the store is connected, or no attempt to connect it has failed."""
        if self.connection.get("state") == "connected":
            return True
        return self.attempt.get("state") != "failed" and self.connection.get("state") != "disconnected"

    def judge(self, finding: Finding) -> Finding:
        """The finding, and a warning only if a connected store asks for a password: the stack may have it."""
        is_accepted = self.connection.get("state") == "connected" and not self.connection.get("reason")
        return replace(finding, level="warn") if finding.cause == PROTECTED and is_accepted else finding

    def verdict(self, findings: Sequence[Finding]) -> str:
        """One line: whether the store is or can be connected, and what to do."""
        state, is_connected = self.attempt.get("state"), self.connection.get("state") == "connected"
        if state in ("pending", "requested") and "retry_reason" in self.attempt:
            return f"An activation is in progress ({lookup.cause(self.attempt)}): {self.attempt.get('advice', '')}"
        if failed := [finding for finding in findings if finding.level == "fail"]:
            problem = f"{failed[0].message}. {failed[0].fix}"
            return f"{'Connected, but calls fail' if is_connected else 'Cannot be connected'}: {problem}"
        if any(finding.cause == PROTECTED for finding in findings):
            test = f"`storelink test {self.connection['store_url']}` calls the store with it"
            return f"Connected. What is behind the password is not examined: {test}."
        if is_connected and state in (None, "connected", "superseded"):
            return "Connected, and the store answers as it should."
        if state == "failed":
            now = "Still connected" if is_connected else "Not connected"
            return f"{now}. The last attempt failed ({self.attempt['reason']}): {self.attempt.get('advice', '')}"
        if self.connection.get("state") == "disconnected" and state in (None, "connected"):
            return f"Disconnected ({self.connection.get('reason', '')}): {self.connection.get('advice', '')}"
        if self.attempt:
            return f"An activation is in progress ({state}), and the store answers as it should."
        return "Can be connected: click Activate in System > Extensions > Integrations."


def ask(stack: Callable[[], Stack], url: str) -> tuple[Known, Finding]:
    """What the stack knows of a store, and the finding about that. Where no stack can be asked, nothing is known."""
    try:
        known = Known.read(stack(), url)
    except (ClientError, BotoCoreError) as error:
        return Known(), Finding(CHECK, "ok", f"not known: {Failure.of(error).problem}")
    except Failure as failure:
        return Known(), Finding(CHECK, "ok", f"not known: {failure.problem}")
    return known, known.finding(url)
