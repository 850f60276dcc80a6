"""The state machine's way out of a step that kept failing."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, giving_up
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """End the named activation with the reason of its last error."""
    return giving_up.record_failure(edge.activation_of(event), event["error"]).to_dict()
