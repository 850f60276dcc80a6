"""The operators' plain routes: connections, activations, invitations (storelink/api/operator.py)."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import operator
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the request by its route."""
    return operator.resolve(event, context)
