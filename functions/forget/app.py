"""DELETE /connections/{connection_id}: disconnects a store and deletes its credentials."""

from storelink.api import gateway, serializers
from storelink.api.gateway import Event, LambdaContext, Response
from storelink.state import connections, events


@gateway.json_api
def handler(event: Event, context: LambdaContext) -> Response:
    """Forget the connection in the path. The connection as it is then."""
    row = connections.forget(gateway.path_parameter(event, "connection_id"), gateway.caller(event))
    events.publish_changes(row)
    return serializers.connection(row)
