"""POST /callback: what Magento sends when a merchant clicks Activate."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.handshake import callback
from storelink.models import Activation
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check the form, store it and start its steps. The store is not called here."""
    activation = Activation.from_form(gateway.parse_form(event))
    return callback.accept(activation, gateway.path_parameter(event, "invitation")).to_dict()
