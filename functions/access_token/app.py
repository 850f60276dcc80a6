"""POST /access-token, and the state machine's second step."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, steps
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fetch the access token of the named activation, keep it and tell the app."""
    return steps.access_token(edge.activation_of(event), edge.holder_of(event, context)).to_dict()
