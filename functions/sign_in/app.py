"""GET /identity/sign-in, /identity/return and POST /identity/claim: the vendor's own login, and what it is for."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.popup import identity, sign_in


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Send the merchant to the vendor's login, show the account that it names, or assign the store to it."""
    query, cookies = event.get("queryStringParameters") or {}, event.get("cookies") or []
    ours, language = gateway.is_same_origin(event), gateway.header(event, "accept-language")
    if event["rawPath"].endswith("/claim"):
        token = gateway.parse_form(event).get("token", "")
        return sign_in.render(sign_in.confirm(token, cookies, same_origin=ours is True), language)
    if event["rawPath"].endswith("/return"):
        return sign_in.render(sign_in.finish(query, cookies), language)
    asked = query.get("oauth_consumer_key", ""), query.get("success_call_back", "")
    if ours is False:  # the merchant clicks on our own page first
        return identity.render(*identity.find_view(*asked), language)
    return sign_in.start(*asked, gateway.public_url(event, "/identity/return"), language)
