"""POST /connections: connects a store by the four values of an integration that has no callback URL."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.handshake import manual
from storelink.models import ManualActivation


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Try the values at the store and start the activation that stores them. Its outcome so far."""
    entry = ManualActivation.from_request(gateway.json_body(event))
    outcome = manual.connect(entry, gateway.caller(event))
    return gateway.json_response(202, outcome.to_dict() | {"connection_id": entry.store.connection_id})
