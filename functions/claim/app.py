"""POST /connections/{connection_id}/claim: says whose a store is that came without an invitation."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import connections, edge, showing
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give a connection that is nobody's to the tenant that the body names."""
    tenant = edge.json_of(event).get("tenant")
    return showing.connection(connections.claim(edge.path_parameter(event, "connection_id"), tenant))
