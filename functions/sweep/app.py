"""Run each minute: finishes what other functions left undone."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.jobs import sweep
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Process activations and connections that are not finished. How many had each result."""
    return sweep.run(context.get_remaining_time_in_millis)
