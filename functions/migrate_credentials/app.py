"""Run by an operator after CredentialStore was changed: migrates credentials to the new backend, a part each time."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.jobs import migrate_credentials
from storelink.observability import logger
from storelink.state.activations import SHARDS


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Migrate what there is time for. How many connections had each result; `done` when nothing is left."""
    shards, delete_left_over = event.get("shards", SHARDS), event.get("delete_left_over", False)
    counts, done = migrate_credentials.migrate(context.get_remaining_time_in_millis, shards, delete_left_over)
    return {**counts, "done": done}
