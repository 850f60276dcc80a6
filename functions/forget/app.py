"""DELETE /connections/{connection_id}: disconnects a store and deletes its credentials."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway, serializers
from storelink.observability import logger
from storelink.state import connections, events


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Forget the connection in the path. The connection as it is then."""
    row = connections.forget(gateway.path_parameter(event, "connection_id"), gateway.caller(event))
    events.publish_changes(row)
    return serializers.connection(row)
