"""Run by a schedule, and POST /connections/{connection_id}/test: checks that stores accept the app's calls."""

from storelink.api import gateway, serializers
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.jobs import health_check


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Check the connection in the path, or those that are due. The result of the check, or how many had each result."""
    connection_id = gateway.path_parameter(event, "connection_id")
    if connection_id is not None:
        return serializers.check_result(*health_check.check_now(connection_id))
    return health_check.run(context.get_remaining_time_in_millis)
