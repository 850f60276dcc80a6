"""The progress of an activation: what happened in each of its three steps, and when."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from math import log1p
from typing import Any

from storelink_cli.log_lines import Line

STEPS = ("Activation received", "Request token", "Access token")

_BEFORE, _AFTER = 60, 120
"""Seconds around an activation in which its log lines are searched."""


@dataclass(frozen=True)
class Event:
    """One thing that happened. step: its number, from 0. kind: done, retry, failed or sent. words: the store's.

    seconds: since Magento's post. next_in: seconds until the next try, "" for none.
    """

    at: datetime
    step: int
    kind: str
    title: str
    reason: str = ""
    words: str = ""
    next_in: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    """One of the three steps. state: done, now, failed or later. start, width: of its bar, in percent of the axis.

    marks: where its events are on the axis, with their kinds.
    """

    title: str
    state: str
    start: float
    width: float
    marks: list[tuple[float, str]]


@dataclass(frozen=True)
class Progress:
    """The steps and events of an activation. seconds: from Magento's post to its end, or until now."""

    steps: list[Step]
    events: list[Event]
    seconds: float

    @property
    def groups(self) -> list[list[Event]]:
        """The events, of which those that say the same one after another are together."""
        same = groupby(self.events, key=lambda one: (one.step, one.kind, one.title, one.reason, one.words))
        return [list(events) for _, events in same]


def log_period(activation: dict[str, Any]) -> tuple[int, int]:
    """The time in which an activation's log lines were written: seconds since 1970."""
    start, end = (int(_time(activation[name]).timestamp()) for name in ("received_at", "updated_at"))
    return start - _BEFORE, end + _AFTER


def of(activation: dict[str, Any], lines: list[Line]) -> Progress:
    """The progress of an activation as the API shows it. lines: its log lines, [] where they are not known."""
    began = _time(activation["received_at"])
    events = list(_events(lines, began))
    events += _missing(activation, events, began)
    events = [replace(one, seconds=max(0.0, (one.at - began).total_seconds())) for one in events]
    events.sort(key=lambda one: one.seconds)
    has_ended = activation["state"] in ("connected", "failed")
    end = _time(activation["updated_at"]) if has_ended else datetime.now(UTC)
    seconds = max([(end - began).total_seconds(), *(one.seconds for one in events if one.kind != "sent"), 0.01])
    return Progress(_steps(activation, events, seconds), events, seconds)


def _events(lines: list[Line], began: datetime) -> Iterator[Event]:
    """What log lines say. Lines of an earlier attempt with the same id do not exist: each attempt has its own."""
    step = 1
    for line in lines:
        at, message, state = _time(line["timestamp"]), line["message"], line.get("state")
        reason, words = str(line.get("reason", "")), str(line.get("problem", ""))
        if message == "activation accepted":
            yield Event(began, 0, "done", "Magento posted the keys")
        elif message == "credentials entered":
            yield Event(began, 0, "done", "An operator entered the values")
            step = 2
        elif message == "activation advanced":
            titles = {"requested": "The store gave the request token", "exchanged": "The store gave the access token"}
            yield Event(at, step, "done", titles.get(str(state), str(state)))
            step = 2
        elif message == "step is tried again":
            yield Event(at, step, "retry", "The store could not answer", reason, words, str(line.get("retry_in", "")))
        elif message == "activation connected":
            yield Event(at, 2, "done", "The credentials are stored: the store is connected")
        elif message == "activation failed":
            yield Event(at, step, "failed", "The activation failed", reason, words)
        elif message == "event published":
            yield Event(at, 2, "sent", f"Event sent: {line.get('event', '')}")


def _missing(activation: dict[str, Any], events: list[Event], began: datetime) -> Iterator[Event]:
    """What the activation says and no line does, such as while lines are on their way."""
    titles, kinds = {one.title for one in events}, {one.kind for one in events}
    step, state = _current_step(activation), activation["state"]
    at, reason, words = _time(activation["updated_at"]), activation.get("reason", ""), activation.get("problem", "")
    if not any(one.step == 0 for one in events):
        yield Event(began, 0, "done", "Magento posted the keys")
    if state == "connected" and not any("is connected" in title for title in titles):
        yield Event(at, 2, "done", "The credentials are stored: the store is connected")
    if state == "failed" and "failed" not in kinds:
        yield Event(at, step, "failed", "The activation failed", reason, words)
    if "retry_reason" in activation and "retry" not in kinds:
        words = activation.get("retry_problem", "")
        yield Event(at, step, "retry", "The store could not answer", activation["retry_reason"], words)


def _current_step(activation: dict[str, Any]) -> int:
    return 1 if activation.get("reached") == "pending" else 2


def _steps(activation: dict[str, Any], events: list[Event], seconds: float) -> list[Step]:
    """The three steps on the axis of time, on which the first seconds have the most place."""
    current, state = _current_step(activation), activation["state"]
    given = [one.seconds for one in events if one.step == 1 and one.kind == "done"]
    turn = given[0] if given else seconds
    bounds = [(0.0, 0.0), (0.0, turn if current > 1 else seconds), (turn, seconds)]
    steps = []
    for nth, title in enumerate(STEPS):
        now = {"connected": "done", "failed": "failed"}.get(state, "now")
        kind = "done" if nth < current else now if nth == current else "later"
        start, end = (_place(bound, seconds) for bound in bounds[nth])
        marks = [(_place(one.seconds, seconds), one.kind) for one in events if one.step == nth and one.kind != "sent"]
        steps.append(Step(title, kind, start, 0.0 if kind == "later" else end - start, marks))
    return steps


def _place(seconds: float, whole: float) -> float:
    """Where a time is on the axis, in percent; its scale is logarithmic, as one try may wait longer than all before."""
    return round(100 * log1p(10 * min(seconds, whole)) / log1p(10 * whole), 2)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
