"""A stack's events as they are published: an EventBridge rule and an SQS queue of one name, while they are read.

A killed run leaves both. The queue's tags say which process made it and until when it is in use, so that a later run
finds and removes it. The queue is created before the rule and deleted after it.
"""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from storelink.aws.eventbridge import SOURCE
from storelink_cli.output import Output
from storelink_cli.stack import Stack

IN_USE = 900
"""Seconds after which a queue whose process is on another machine counts as left, unless its process renews this."""

WAIT = 10
"""Seconds that SQS waits for a message; less than the client's own timeout."""

TRIES = 3
"""Deliveries of an event that the receiver does not take."""

RETRY_SECONDS = 5

_BUS, _PROCESS, _UNTIL = "storelink:event-bus", "storelink:process", "storelink:in-use-until"


@dataclass(frozen=True)
class Message:
    """An event as EventBridge delivers it. body: its JSON. tries: how often it was received, this time included."""

    body: str
    receipt: str
    tries: int

    @property
    def event(self) -> dict[str, Any]:
        """The event: {id, source, detail-type, time, detail, …}."""
        event: dict[str, Any] = json.loads(self.body)
        return event


class Subscription:
    """The queue of this run."""

    def __init__(self, stack: Stack) -> None:
        self._sqs, self._events = stack.client("sqs"), stack.client("events")
        self._bus = stack.outputs["EventBusName"]
        self._prefix = f"{stack.name[:40]}-listen-"
        self._name = f"{self._prefix}{secrets.token_hex(4)}"
        self._url = ""
        self._renew_at = 0.0

    def create(self, names: Sequence[str]) -> None:
        """Create the queue and the rule. names: of the events (detail types); none for all."""
        process = {_BUS: self._bus, _PROCESS: f"{socket.gethostname()}/{os.getpid()}", _UNTIL: _until()}
        attributes = {"MessageRetentionPeriod": "3600", "VisibilityTimeout": "900", "SqsManagedSseEnabled": "true"}
        self._url = self._sqs.create_queue(QueueName=self._name, Attributes=attributes, tags=process)["QueueUrl"]
        queue = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        pattern = {"source": [SOURCE], **({"detail-type": list(names)} if names else {})}
        rule = self._events.put_rule(
            Name=self._name,
            EventBusName=self._bus,
            EventPattern=json.dumps(pattern),
            Description="Made by `storelink listen`, which removes it at its end.",
        )["RuleArn"]
        policy = {"Version": "2012-10-17", "Statement": [_may_send(queue, rule)]}
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        targets = [{"Id": "queue", "Arn": queue}]
        self._events.put_targets(Rule=self._name, EventBusName=self._bus, Targets=targets)

    def remove(self) -> None:
        """Remove the rule and the queue, as far as they were created."""
        self._remove(self._name, self._bus)

    def remove_abandoned(self) -> list[str]:
        """Remove what runs that were killed have left. Returns the names."""
        pages = self._sqs.get_paginator("list_queues").paginate(QueueNamePrefix=self._prefix)
        urls = [url for page in pages for url in page.get("QueueUrls", [])]
        tags = {url: self._sqs.list_queue_tags(QueueUrl=url).get("Tags", {}) for url in urls}
        abandoned = {url.rpartition("/")[2]: tags[url] for url in urls if _is_abandoned(tags[url])}
        for name, found in abandoned.items():
            self._remove(name, found.get(_BUS, self._bus))
        return list(abandoned)

    def messages(self) -> Iterator[Message]:
        """The events as they arrive, without end. One that is neither deleted nor put back is not given again."""
        while True:
            if time.monotonic() > self._renew_at:
                self._sqs.tag_queue(QueueUrl=self._url, Tags={_UNTIL: _until()})
                self._renew_at = time.monotonic() + IN_USE / 3
            received = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=WAIT,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            for one in received.get("Messages", []):
                yield Message(one["Body"], one["ReceiptHandle"], int(one["Attributes"]["ApproximateReceiveCount"]))

    def delete(self, message: Message) -> None:
        """Delete an event that was delivered."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def put_back(self, message: Message) -> None:
        """Receive an event again after RETRY_SECONDS."""
        self._sqs.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=RETRY_SECONDS
        )

    def _remove(self, name: str, bus: str) -> None:
        with suppress(self._events.exceptions.ResourceNotFoundException):
            self._events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
            self._events.delete_rule(Name=name, EventBusName=bus)
        with suppress(self._sqs.exceptions.QueueDoesNotExist):
            self._sqs.delete_queue(QueueUrl=self._sqs.get_queue_url(QueueName=name)["QueueUrl"])


@contextmanager
def subscribed(stack: Stack, out: Output, names: Sequence[str]) -> Iterator[Subscription]:
    """A subscription that is removed at the end, whatever ends it. What killed runs have left is removed first.

    names: of the events; none for all. Raises ClientError, BotoCoreError.
    """
    subscription = Subscription(stack)
    for left in subscription.remove_abandoned():
        out.note(f"Removed the rule and the queue {left}, which a run that was killed has left.", "dim")
    try:
        subscription.create(names)
        yield subscription
    finally:
        subscription.remove()


def _may_send(queue: str, rule: str) -> dict[str, Any]:
    """The statement of the queue's policy that lets the rule send."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }


def _until() -> str:
    return str(int(time.time()) + IN_USE)


def _is_abandoned(tags: dict[str, str]) -> bool:
    """Whether the process that made a queue has ended: on this machine it is looked for, elsewhere its time is up."""
    if int(tags.get(_UNTIL) or 0) < time.time():
        return True
    host, _, process = tags.get(_PROCESS, "").rpartition("/")
    return host == socket.gethostname() and not _is_running(int(process))


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # signal 0 is Ctrl-C there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
