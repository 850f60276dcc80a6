"""POST /logins: an operator logs a customer or an admin in, and has the token kept."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.credentials import logins
from storelink.credentials.logins import LoginRequest
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Ask the store for a token, once, and tell where it is kept and until when: never the token."""
    return gateway.json_response(201, logins.create(LoginRequest.from_request(gateway.json_body(event))))
