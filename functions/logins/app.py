"""POST /logins: logs a customer or an admin in and stores the token."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway, serializers
from storelink.credentials import logins
from storelink.credentials.logins import LoginRequest
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Ask the store for a token, once. Where the token is stored and when it expires, never the token."""
    created = logins.create(LoginRequest.from_request(gateway.json_body(event)))
    return gateway.json_response(201, serializers.login(created))
