"""POST /request-token, and the state machine's first step."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.handshake import steps
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fetch the activation's request token."""
    return steps.request_token(gateway.read_activation_id(event), gateway.lease_holder(event, context)).to_dict()
