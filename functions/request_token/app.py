"""POST /request-token, and the state machine's first step."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.handshake import steps


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Fetch the activation's request token."""
    return steps.request_token(gateway.read_activation_id(event), gateway.lease_holder(event, context)).to_dict()
