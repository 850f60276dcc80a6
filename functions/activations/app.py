"""GET /activations and GET /activations/{activation_id}: how the handshakes go."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, showing
from storelink.activation import ActivationId
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One activation, or the newest ones."""
    activation_id = edge.path_parameter(event, "activation_id")
    if activation_id is not None:
        return showing.find_activation(ActivationId.from_text(activation_id))
    return showing.list_activations(edge.query_of(event))
