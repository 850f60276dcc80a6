"""POST /access-token, and the state machine's second step."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.handshake import steps


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Fetch the activation's access token, store it and publish `Store Connected`."""
    return steps.access_token(gateway.read_activation_id(event), gateway.lease_holder(event, context)).to_dict()
