"""GET /activations and GET /activations/{activation_id}: how the handshakes go."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway, serializers
from storelink.models import ActivationId
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One activation, or the newest ones."""
    activation_id = gateway.path_parameter(event, "activation_id")
    if activation_id is not None:
        return serializers.find_activation(ActivationId.from_text(activation_id))
    return serializers.list_activations(gateway.query_parameters(event))
