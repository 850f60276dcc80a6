"""POST /request-token, and the state machine's first step."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, steps
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fetch the request token of the named activation."""
    return steps.request_token(edge.activation_of(event), edge.holder_of(event, context)).to_dict()
