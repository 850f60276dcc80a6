"""What the app and the operator hear on the event bus (EventBridge PutEvents). Never a secret."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws, credentials
from storelink.aws.dynamodb import Row, iso8601
from storelink.config import required
from storelink.errors import ADVICE, Unavailable
from storelink.observability import logger

SOURCE = "storelink"

_NAMING = ("activation_id", "connection_id", "reason")
"""What of an event names it in the log."""

BATCH_SIZE = 10
"""Events that one call takes."""


_KINDS = {
    "connected": "Store Connected",
    "disconnected": "Store Disconnected",
    "recovered": "Store Recovered",
    "claimed": "Store Claimed",
}
"""The event of each change of a connection."""


def publish_connection_changes(row: Row, changes: list[Row]) -> None:
    """Tell what became of a connection, at least once each. Raises Unavailable.

    changes: entries of its history; `at` says in which order they came.
    """
    detail = {"connection_id": row["connection_id"], "store_url": row["store"]}
    if (secret_arn := credentials.secret_arn(row)) is not None:
        detail["secret_arn"] = secret_arn
    if "tenant" in row:
        detail["tenant"] = row["tenant"]
    _send(
        [
            (
                _KINDS[told["what"]],
                {
                    **detail,
                    "at": iso8601(told["at"]),
                    **{name: told[name] for name in ("activation_id", "reason", "problem", "tenant") if name in told},
                    **({"advice": ADVICE[told["reason"]]} if "reason" in told else {}),
                },
            )
            for told in changes
        ]
    )


def publish_activation_failed(activation_id: str, store_url: str, reason: str, problem: str, suspicious: bool) -> None:
    """`Activation Failed`; `Suspicious Activation` too where it looks like a stranger's. Raises Unavailable."""
    detail = {
        "activation_id": activation_id,
        "store_url": store_url,
        "reason": reason,
        "problem": problem,
        "advice": ADVICE[reason],
    }
    _send([("Activation Failed", detail), *([("Suspicious Activation", detail)] if suspicious else [])])


def _send(events: list[tuple[str, dict[str, str]]]) -> None:
    bus = required("STORELINK_EVENT_BUS")
    entries = [
        {"EventBusName": bus, "Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail)}
        for kind, detail in events
    ]
    for first in range(0, len(entries), BATCH_SIZE):
        try:
            answer = aws.client("events").put_events(Entries=entries[first : first + BATCH_SIZE])
        except (ClientError, BotoCoreError) as error:
            raise aws.unavailable(error, "EventBridge") from None
        refused = [entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry]
        if refused:
            raise Unavailable("aws", f"EventBridge: {refused[0]}")
    for kind, detail in events:
        named = {name: detail[name] for name in _NAMING if name in detail}
        logger.info("event sent", extra={"event": kind, **named})
