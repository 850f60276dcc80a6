"""What the events that an app receives say. The command line tool sends samples of the same shape.

It loads neither the tables nor Powertools.
"""

from storelink import credentials
from storelink.aws.dynamodb import Row, iso8601
from storelink.aws.eventbridge import Event
from storelink.errors import ADVICE

OF_CHANGES = {
    "connected": "Store Connected",
    "disconnected": "Store Disconnected",
    "recovered": "Store Recovered",
    "claimed": "Store Claimed",
}
"""The event's name (detail type) for each change of a connection."""

OF_FAILURES = ("Activation Failed", "Suspicious Activation")
"""The names of the events of an activation that failed."""


def of_change(row: Row, change: Row) -> Event:
    """The event of a change of a connection. change: an entry of its history; `at` gives their order."""
    detail = {"connection_id": row["connection_id"], "store_url": row["store"]}
    if (secret_arn := credentials.secret_arn(row)) is not None:
        detail["secret_arn"] = secret_arn
    if "tenant" in row:
        detail["tenant"] = row["tenant"]
    detail["at"] = iso8601(change["at"])
    detail |= {name: change[name] for name in ("activation_id", "reason", "problem", "tenant") if name in change}
    if "reason" in change:
        detail["advice"] = ADVICE[change["reason"]]
    return OF_CHANGES[change["what"]], detail


def of_failure(activation_id: str, store_url: str, reason: str, problem: str, advice: str) -> dict[str, str]:
    """The detail of an activation that failed."""
    return {
        "activation_id": activation_id,
        "store_url": store_url,
        "reason": reason,
        "problem": problem,
        "advice": advice,
    }
