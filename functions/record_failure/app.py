"""Run by the state machine when a step keeps failing."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.handshake import failure
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """End the activation with the reason of its last error."""
    return failure.record_failure(gateway.read_activation_id(event), event["error"]).to_dict()
