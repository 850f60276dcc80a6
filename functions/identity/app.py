"""GET /identity: the page that Magento opens in a popup when its POST to /callback has returned."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.popup import identity


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Show the activation of this consumer key as it happens, and return the merchant to Magento."""
    query = event.get("queryStringParameters") or {}
    asked = query.get("oauth_consumer_key", ""), query.get("success_call_back", "")
    view, back = identity.find_view(*asked, gateway.path_parameter(event, "invitation"))
    return identity.render(view, back, gateway.header(event, "accept-language"))
