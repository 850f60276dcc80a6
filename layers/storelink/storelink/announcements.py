"""What the app and the operator hear on the event bus (EventBridge PutEvents). Never a secret."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.errors import ADVICE, Unavailable
from storelink.settings import required

SOURCE = "storelink"


def store_connected(
    connection_id: str, store_url: str, secret_arn: str, activation_id: str, tenant: str | None
) -> None:
    """`Store Connected`: the credentials are where `secret_arn` says. Sent at least once. Raises Unavailable.

    tenant: of the invitation by which the store came, if it did.
    """
    detail = {
        "connection_id": connection_id,
        "store_url": store_url,
        "secret_arn": secret_arn,
        "activation_id": activation_id,
        **({"tenant": tenant} if tenant else {}),
    }
    _send({"Store Connected": detail})


def activation_failed(activation_id: str, store_url: str, reason: str, problem: str, suspicious: bool) -> None:
    """`Activation Failed`; `Suspicious Activation` too where it looks like a stranger's. Raises Unavailable."""
    detail = {
        "activation_id": activation_id,
        "store_url": store_url,
        "reason": reason,
        "problem": problem,
        "advice": ADVICE[reason],
    }
    events = {"Activation Failed": detail}
    if suspicious:
        events["Suspicious Activation"] = detail
    _send(events)


def _send(events: dict[str, dict[str, str]]) -> None:
    bus = required("STORELINK_EVENT_BUS")
    entries = [
        {"EventBusName": bus, "Source": SOURCE, "DetailType": kind, "Detail": json.dumps(detail)}
        for kind, detail in events.items()
    ]
    try:
        answer = aws.client("events").put_events(Entries=entries)
    except (ClientError, BotoCoreError) as error:
        raise aws.unavailable(error, "EventBridge") from None
    refused = [entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry]
    if refused:
        raise Unavailable("aws", f"EventBridge: {refused[0]}")
