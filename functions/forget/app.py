"""DELETE /connections/{connection_id}: forgets a store."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import connections, edge, showing
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Disconnect a store and have its credentials deleted, while they can still be restored."""
    return showing.connection(connections.forget(edge.path_parameter(event, "connection_id")))
