"""GET /connections and GET /connections/{connection_id}: the stores that are connected, or were."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import connections, edge, showing
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One connection with its history, or a page of them."""
    connection_id = edge.path_parameter(event, "connection_id")
    if connection_id is not None:
        return showing.connection(connections.find(connection_id))
    return showing.list_connections(edge.query_of(event))
