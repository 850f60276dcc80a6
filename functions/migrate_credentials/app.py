"""Run for each claim, and by an operator after CredentialStore or the key was changed: migrates credentials."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.jobs import migrate_credentials
from storelink.observability import logger
from storelink.state.activations import SHARDS


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Migrate one connection that was claimed, or what there is time for.

    How many connections had each result; `done` when nothing is left.
    """
    if "detail" in event:
        migrate_credentials.migrate_claimed(event["detail"]["connection_id"])
        return {"done": True}
    options = {name: event[name] for name in ("delete_left_over", "reencrypt") if name in event}
    remaining = context.get_remaining_time_in_millis
    counts, done = migrate_credentials.migrate(remaining, event.get("shards", SHARDS), **options)
    return {**counts, "done": done}
