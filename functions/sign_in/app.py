"""GET /identity/sign-in, /identity/return and POST /identity/claim: the vendor's own login, and what it is for."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.observability import logger
from storelink.popup import identity, sign_in


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Send the merchant to the vendor's login, show the account that it names, or assign the store to it."""
    answer = _answer(event)
    if isinstance(answer, dict):
        return answer
    page = identity.render(answer.view, answer.back, gateway.header(event, "accept-language"))
    return page | {"cookies": list(answer.cookies)}


def _answer(event: dict[str, Any]) -> dict[str, Any] | sign_in.Shown:
    query, cookies = event.get("queryStringParameters") or {}, event.get("cookies") or []
    if event["rawPath"].endswith("/claim"):
        return sign_in.confirm(gateway.parse_form(event).get("token", ""), cookies, _is_same_origin(event))
    if event["rawPath"].endswith("/return"):
        return sign_in.finish(query, cookies)
    asked = query.get("oauth_consumer_key", ""), query.get("success_call_back", "")
    if gateway.header(event, "sec-fetch-site") not in ("", "same-origin"):
        return sign_in.Shown(*identity.find_view(*asked))  # the merchant clicks here first
    return sign_in.start(*asked, gateway.public_url(event, "/identity/return"))


def _is_same_origin(event: dict[str, Any]) -> bool:
    """Whether a page of this API sent a form (Fetch Metadata; browsers without it name the origin, RFC 6454)."""
    site = gateway.header(event, "sec-fetch-site")
    return site == "same-origin" if site else gateway.header(event, "origin") == gateway.public_url(event, "")
