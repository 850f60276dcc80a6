"""Every call that a function makes to AWS and to the store: seen as it happens, and a place for something to happen."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSResponse

from storelink import aws as doors
from storelink.models import Activation, ActivationId
from storelink.transport import http
from storelink.transport.http import Response
from tests import moto_calls
from tests.world import TEMPLATE, World

FOLDERS = {logical: PurePath(properties["CodeUri"]).name for logical, properties in TEMPLATE.functions.items()}
"""What a function is called here, by its logical id."""


class Killed(BaseException):
    """Ends a function as the end of its process does: nothing in our code can catch it."""


class Died(Exception):
    """What the caller of a function sees when its process ended."""

    def __init__(self) -> None:
        super().__init__("RequestId: 0 Error: Runtime exited without providing a reason")


@dataclass(frozen=True)
class Call:
    """One call of a function. name: service and operation. nth: of the calls by this name in one invocation."""

    function: str
    name: str
    nth: int = 1

    @property
    def is_to_store(self) -> bool:
        """Whether it goes to the store, and not to AWS."""
        return self.name.startswith("store ")

    @property
    def service(self) -> str:
        """Of AWS, as boto3 names it."""
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return self.name + (f" ({self.nth})" if self.nth > 1 else "")


@dataclass(frozen=True)
class Point:
    """A moment: immediately before or after a call."""

    when: str
    call: Call

    def __str__(self) -> str:
        return f"{self.call.function}: {self.when} {self.call}"


Send = Callable[[], AWSResponse]
"""Sends a request of the SDK to AWS."""


class Watch:
    """Sees the calls of the function that runs.

    `at` one point, the first time, `then` is done. `instead`: what the SDK gets where it sends a request, told the call
    and how to send it; None where it is to be sent. `follows`: the call immediately before a call, in one invocation
    that made both for the first time.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.follows: dict[Call, Call] = {}
        self._last: Call | None = None
        self.runs: list[str] = []
        self._now = threading.local()
        self.at: Point | None = None
        self.then: Callable[[], None] = kill
        self.instead: Callable[[Call, Send], AWSResponse | None] | None = None
        self._function: str | None = None
        self._counts: Counter[str] = Counter()

    @property
    def now(self) -> Call | None:
        """The call that this thread makes: the health check makes several at once."""
        return getattr(self._now, "call", None)

    @now.setter
    def now(self, call: Call | None) -> None:
        self._now.call = call

    @property
    def is_past(self) -> bool:
        """Whether the point was reached."""
        return self.at is None

    @contextlib.contextmanager
    def running(self, function: str) -> Iterator[None]:
        """While one invocation of a function lasts. One that is run at a point is not part of it, and not watched."""
        outer = self._function, self._counts, self.now
        self._function = None if outer[0] else function
        self._counts = Counter()
        if self._function:
            self.runs.append(self._function)
            self._last = None
        try:
            yield
        finally:
            self._function, self._counts, self.now = outer

    def before(self, name: str) -> None:
        if self._function:
            self._counts[name] += 1
            self.now = call = Call(self._function, name, self._counts[name])
            is_new = call not in self.calls
            if is_new and self._last:
                self.follows[call] = self._last
            self._last = call if is_new else None
            self.calls.append(call)
            self._reach("before")

    def after(self, name: str) -> None:
        if self._function:
            self._reach("after")
            self.now = None

    def sending(self, send: Send) -> AWSResponse | None:
        return self.instead(self.now, send) if self.instead and self.now else None

    def _reach(self, when: str) -> None:
        if self.at is not None and (self.at.when, self.at.call) == (when, self.now):
            self.at = None
            self.then()


def kill() -> None:
    """End the function here."""
    raise Killed


@contextlib.contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Let `watch` see what goes through the doors to AWS, whatever service it is, and through the guard to a store."""
    made, posted, seen = doors.client, http.post, []

    @cache
    def client(service: str) -> Any:
        found = made(service)
        handlers = {
            "before-call": lambda model, **_: watch.before(f"{service}.{model.name}"),
            "before-send": lambda request, **_: watch.sending(partial(found._endpoint.http_session.send, request)),
            "after-call": lambda model, **_: watch.after(f"{service}.{model.name}"),
        }
        for event, handler in handlers.items():
            found.meta.events.register_first(event, handler)
            seen.append(partial(found.meta.events.unregister, event, handler))
        return found

    def post(url: str, authorization: str, seconds: float) -> Response:
        name = "store POST oauth/token/" + urlsplit(url).path.rpartition("/")[2]
        watch.before(name)
        answer = posted(url, authorization, seconds)
        watch.after(name)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doors, "client", client)
        patch.setattr(http, "post", post)
        try:
            yield
        finally:
            for unsee in seen:
                unsee()


def answer(status: int, body: dict[str, Any]) -> AWSResponse:
    """An answer in AWS' place."""
    return moto_calls.answer("", status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body))


def error_answer(code: str, status: int = 400) -> AWSResponse:
    """An error in AWS' place, by its name."""
    return answer(status, {"__type": code})


PUTTING = ("secretsmanager.CreateSecret", "secretsmanager.PutSecretValue")
"""The calls by which Secrets Manager takes credentials."""


class WatchedWorld(World):
    """A world whose functions are watched."""

    watch: Watch

    def row_of(self, form: dict[str, str]) -> dict[str, Any]:
        """The row in which a form's activation lives, {} where there is none."""
        return self.row(str(ActivationId(Activation.from_form(form).integration_key, "0" * 12)))

    def call(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """As a World's; a function that is killed has died for its caller."""
        try:
            with self.watch.running(FOLDERS[function]):
                return super().call(function, event)
        except Killed:
            raise Died from None
