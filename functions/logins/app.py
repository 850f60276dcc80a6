"""POST /logins: logs a customer or an admin in and stores the token."""

from storelink.api import gateway, serializers
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.credentials import logins
from storelink.credentials.logins import LoginRequest


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Ask the store for a token, once. Where the token is stored and when it expires, never the token."""
    created = logins.create(LoginRequest.from_request(gateway.json_body(event)))
    return gateway.json_response(201, serializers.login(created))
