"""Run by the state machine when a step keeps failing."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.handshake import failure
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Event, context: LambdaContext) -> Response:
    """End the activation with the reason of its last error."""
    return failure.record_failure(gateway.read_activation_id(event), event["error"]).to_dict()
