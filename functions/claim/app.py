"""POST /connections/{connection_id}/claim: says whose a store is that came without an invitation."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway, serializers
from storelink.observability import logger
from storelink.state import connections, events


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give a connection that is nobody's to the tenant that the body names."""
    tenant = gateway.json_body(event).get("tenant")
    row = connections.claim(gateway.path_parameter(event, "connection_id"), tenant)
    events.try_publish_changes(row)
    return serializers.connection(row)
