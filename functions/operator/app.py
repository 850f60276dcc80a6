"""The operators' plain routes: connections, activations, invitations (storelink/api/operator.py)."""

from storelink.api import operator
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Event, context: LambdaContext) -> Response:
    """Answer the request by its route."""
    return operator.resolve(event, context)
