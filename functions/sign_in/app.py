"""GET /identity/sign-in and /identity/return: the merchant's way to the vendor's own login, and back."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.observability import logger
from storelink.popup import sign_in
from storelink.popup import view as popup_view


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Send the merchant to the vendor's login; or claim the connection for the tenant that it names."""
    query = event.get("queryStringParameters") or {}
    language = gateway.header(event, "accept-language")
    if event["rawPath"].endswith("/return"):
        return popup_view.render(*sign_in.finish(query, event.get("cookies") or []), language)
    asked = query.get("oauth_consumer_key", ""), query.get("success_call_back", "")
    begun = sign_in.start(*asked, gateway.public_url(event, "/identity/return"))
    return begun if isinstance(begun, dict) else popup_view.render(*begun, language)
