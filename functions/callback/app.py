"""POST /callback: what Magento sends when a merchant clicks Activate."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import accepting, edge
from storelink.activation import Activation
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check the form, keep it and have its steps run. No call to the store is made here."""
    activation = Activation.from_form(edge.form_of(event))
    return accepting.accept(activation, edge.path_parameter(event, "invitation")).to_dict()
