"""What a person reads about each reason: what happened, who has to act and what to do. The texts are in advice.json.

What heals a handshake depends on how far it came, for Magento's grid shows one link a row: `Reauthorize` once the
access token was given, else `Activate` (Magento: Integration's grid, Block\\Widget\\Grid\\Column\\Renderer\\Link).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Who = Literal["merchant", "operator", "nobody", "caller"]
"""Who has to act: of the store, of this deployment, nobody, or the program that made the call."""

Action = Literal["activate", "wait", "retry", "recreate", "reauthorize", "none"]
"""What to do in Magento's admin: click Activate; nothing, the handshake continues; nothing yet, a step is tried again;
delete the integration and add it again; click Reauthorize; nothing at all."""


@dataclass(frozen=True)
class Reason:
    """One reason. fix: what to change first, in the store or in the deployment; "" for nothing.

    action: of a reason that needs the same click however far the handshake came, else "".
    handshake: of a reason with which an activation can end: "final", or "retried" where the steps try again; else "".
    """

    happened: str
    fix: str
    who: Who
    action: Action | Literal[""]
    handshake: Literal["final", "retried", ""]


def join_lines(text: str | list[str]) -> str:
    """A text of a JSON file, where a long one is a list of lines."""
    return text if isinstance(text, str) else " ".join(text)


def _load() -> tuple[dict[str, Reason], dict[Action, str]]:
    data = json.loads(Path(__file__).with_suffix(".json").read_bytes())
    reasons = {
        name: Reason(
            happened=join_lines(entry["happened"]),
            fix=join_lines(entry.get("fix", "")),
            who=entry["who"],
            action=entry.get("action", ""),
            handshake=entry.get("handshake", ""),
        )
        for name, entry in data["reasons"].items()
    }
    return reasons, {name: join_lines(text) for name, text in data["actions"].items()}


REASONS, ACTIONS = _load()
"""The reasons by their stable names, which events, rows, answers and pages carry; and the sentence of each action."""


def action(reason: str, reached: str = "", answer_lost: str = "", ended: bool = False) -> Action:
    """What to do in Magento's admin after a failure.

    reached: how far the handshake came: pending, requested, exchanged or connected; "" where there is none.
    answer_lost: the state that an answer of the store would have led to, if it was lost: requested or connected.
    ended: the steps do not try again; an access token that is kept is stored all the same.
    Whether the store was connected before makes no difference: Reauthorize sets the integration to inactive first.
    """
    entry = REASONS[reason]
    if entry.action:
        return entry.action
    if reason == "reauthorize" and reached in ("pending", "requested"):
        # The verifier is spent; or the request token is, and by a lost answer the integration became active.
        return "reauthorize" if answer_lost == "connected" else "recreate"
    if entry.handshake == "retried" and reached in (("exchanged",) if ended else ("requested", "exchanged")):
        return "wait"
    return _LINKS.get(reached, "none")


_LINKS: dict[str, Action] = {
    "pending": "activate",
    "requested": "recreate",
    "exchanged": "reauthorize",
    "connected": "reauthorize",
}
"""What heals a handshake that does not continue, by how far it came."""


def text(reason: str, action: Action) -> str:
    """What happened and what to do, in English."""
    entry = REASONS[reason]
    return " ".join(filter(None, (entry.happened, entry.fix, ACTIONS[action])))


ADVICE = {name: text(name, entry.action or "none") for name, entry in REASONS.items()}
"""What happened and what to do, by reason, where nothing is known of a handshake."""
