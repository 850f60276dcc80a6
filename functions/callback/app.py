"""POST /callback: what Magento sends when a merchant clicks Activate."""

from storelink.api import gateway
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.handshake import callback
from storelink.models import Activation


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Check the form, store it and start its steps. The store is not called here."""
    activation = Activation.from_form(gateway.parse_form(event))
    return callback.accept(activation, gateway.path_parameter(event, "invitation")).to_dict()
