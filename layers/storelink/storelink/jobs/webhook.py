"""The webhook: posts each event to the app's URL, signed, until the app takes it.

EventBridge sends events to a queue, and the queue's messages run the function. An event that was not taken stays in the
queue and is received again after a delay, in the end by the queue of dead letters.
"""

import json
import time
from functools import lru_cache
from typing import Any

from storelink import aws, webhook_signature
from storelink.config import config
from storelink.errors import Invalid, StorelinkError, Unavailable
from storelink.observability import logger
from storelink.transport import http

DELAYS = (5, 30, 300, 1800, 7200, 18000, 36000, 40000)
"""Seconds until the next try, by tries: about 29 hours in all. SQS hides a message for at most 12 hours."""

SECONDS = 15.0
"""What a request may last."""

SECRET_LIFETIME = 300
"""Seconds for which an environment uses a secret that it has read."""

_LOGGED = ("connection_id", "activation_id", "reason")

Message = dict[str, Any]


def deliver(messages: list[Message]) -> dict[str, list[dict[str, str]]]:
    """Post the events of SQS messages. Returns Lambda's list of messages that stay in the queue."""
    failures = [{"itemIdentifier": message["messageId"]} for message in messages if not _deliver(message)]
    return {"batchItemFailures": failures}


def _deliver(message: Message) -> bool:
    """Post one event; whether the app has taken it. If not, the message is received again after a delay."""
    body, tries = message["body"], int(message["attributes"]["ApproximateReceiveCount"])
    event = json.loads(body)
    detail = event["detail"]
    about = {"event": event["detail-type"], "event_id": event["id"], "tries": tries}
    about |= {name: detail[name] for name in _LOGGED if name in detail}
    try:
        problem = _post(event["id"], body.encode())
    except StorelinkError as error:
        problem = f"{error.reason}: {error.problem}"
    if not problem:
        logger.info("webhook delivered", extra=about)
        return True
    delay = DELAYS[tries - 1] if tries <= len(DELAYS) else 0
    logger.warning("webhook not delivered", extra={**about, "problem": problem, "retry_in": delay})
    with aws.errors("SQS"):
        aws.client("sqs").change_message_visibility(
            QueueUrl=config.webhook_queue_url, ReceiptHandle=message["receiptHandle"], VisibilityTimeout=delay
        )
    return False


def _post(event_id: str, body: bytes) -> str:
    """Post an event. Returns "" when the app has taken it, else what it answered. Raises Rejected, Unavailable."""
    now = int(time.time())
    try:
        headers = webhook_signature.headers(event_id, now, body, _secrets(now // SECRET_LIFETIME))
    except ValueError as wrong:
        raise Invalid({"WebhookSecretArn": str(wrong)}) from None
    answer = http.post_json(config.webhook_url, body, SECONDS, headers)
    return "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"


@lru_cache(maxsize=1)
def _secrets(_: int) -> list[str]:
    """The secret and, after it was replaced, the one before. Its argument changes when they are to be read again.

    Raises Unavailable.
    """
    secrets = [aws.secret_text(config.webhook_secret)]
    try:
        secrets.append(aws.secret_text(config.webhook_secret, "AWSPREVIOUS"))
    except Unavailable as unavailable:
        if "ResourceNotFoundException" not in unavailable.problem:
            raise
    return secrets
