"""Events on the stack's bus (EventBridge PutEvents)."""

import json

from storelink import aws
from storelink.config import config
from storelink.errors import Unavailable

SOURCE = "storelink"
"""The source of events for the app."""

INTERNAL_SOURCE = "storelink.internal"
"""The source of events that run functions of the stack."""

BATCH_SIZE = 10
"""Events of one call."""

Event = tuple[str, dict[str, str]]
"""An event's detail type and its detail."""


def put_events(events: list[Event], source: str = SOURCE) -> None:
    """Put events on the bus, in their order. Raises Unavailable when one of them was not taken."""
    entries = [
        {"EventBusName": config.event_bus, "Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
        for detail_type, detail in events
    ]
    for first in range(0, len(entries), BATCH_SIZE):
        with aws.errors("EventBridge"):
            answer = aws.client("events").put_events(Entries=entries[first : first + BATCH_SIZE])
        failed = [entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry]
        if failed:
            raise Unavailable("aws", f"EventBridge: {failed[0]}")
