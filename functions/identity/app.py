"""GET /identity: the page that Magento opens in a popup when its POST to /callback has returned."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.observability import logger
from storelink.popup import identity


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Show the activation of this consumer key as it happens, and return the merchant to Magento."""
    query = event.get("queryStringParameters") or {}
    asked = query.get("oauth_consumer_key", ""), query.get("success_call_back", "")
    view, back = identity.find_view(*asked, gateway.path_parameter(event, "invitation"))
    return identity.render(view, back, gateway.header(event, "accept-language"))
