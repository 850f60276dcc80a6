"""POST /logins: an operator logs a customer or an admin in, and has the token kept."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, logins
from storelink.logins import LoginRequest
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Ask the store for a token, once, and tell where it is kept and until when: never the token."""
    return edge.answer(201, logins.make(LoginRequest.from_request(edge.json_of(event))))
