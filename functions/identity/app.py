"""GET /identity: the page that Magento opens in a popup when its POST to /callback has returned."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, popup
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Show how the activation of this consumer key goes, and lead back to Magento at its end."""
    query = event.get("queryStringParameters") or {}
    view, back = popup.shown(query.get("oauth_consumer_key", ""), query.get("success_call_back", ""))
    return popup.page(view, back, edge.header(event, "accept-language"))
