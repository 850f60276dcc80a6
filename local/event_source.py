"""What runs a function by the messages of an SQS queue: Lambda's polling, and a rule of EventBridge."""

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from local import background
from local.lambda_runtime import Function

WAIT = 1
"""Seconds that SQS waits for a message, and so at most the time until the end is noticed."""

Message = dict[str, Any]


def polled(sqs: Any, queue_url: str, function: Function) -> AbstractContextManager[None]:
    """Run the function with each message of the queue while the context lasts. sqs: boto3's client."""
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return _received(sqs, queue_url, lambda message: _is_taken(function, message, arn))


def run_by_rule(sqs: Any, queue_url: str, function: Function) -> AbstractContextManager[None]:
    """Run the function with each event that a rule has sent to the queue, as EventBridge does without a queue."""
    return _received(sqs, queue_url, lambda message: not function.invoke(message["Body"]).failed)


def _received(sqs: Any, queue_url: str, take: Callable[[Message], bool]) -> AbstractContextManager[None]:
    """Receive messages while the context lasts, and delete those that are taken."""

    def run(ended: threading.Event) -> None:
        while not ended.is_set():
            received = sqs.receive_message(
                QueueUrl=queue_url, WaitTimeSeconds=WAIT, MessageSystemAttributeNames=["ApproximateReceiveCount"]
            )
            for message in received.get("Messages", []):
                if take(message):
                    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])

    return background.running(run)


def _is_taken(function: Function, message: Message, arn: str) -> bool:
    """Whether a function has taken a message: it neither failed nor named it in batchItemFailures."""
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
    }
    answer = function.invoke(json.dumps({"Records": [record]}))
    return not answer.failed and not json.loads(answer.payload)["batchItemFailures"]
