"""POST /connections: connects a store by the four values of an integration that has no callback URL."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.handshake import manual
from storelink.models import ManualActivation
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Try the values at the store and start the activation that stores them. Its outcome so far."""
    entry = ManualActivation.from_request(gateway.json_body(event))
    outcome = manual.connect(entry, gateway.caller(event))
    return gateway.json_response(202, outcome.to_dict() | {"connection_id": entry.store.connection_id})
