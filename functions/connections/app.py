"""GET /connections and GET /connections/{connection_id}: the stores that are connected, or were."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway, serializers
from storelink.observability import logger
from storelink.state import connections


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One connection with its history, or a page of them."""
    connection_id = gateway.path_parameter(event, "connection_id")
    if connection_id is not None:
        return serializers.connection(connections.find(connection_id))
    return serializers.list_connections(gateway.query_parameters(event))
