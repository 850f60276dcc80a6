"""The routes of the operator function: connections, activations and invitations.

Only this module loads Powertools' resolver, which adds to a cold start. Routes that need another right (credentials,
KMS, the state machine) are functions of their own.
"""

from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway, queries, serializers
from storelink.api.serializers import Json
from storelink.errors import StorelinkError
from storelink.models import ActivationId
from storelink.state import connections, events, invitations
from storelink.state.invitations import Invitation

routes = APIGatewayHttpResolver()


def resolve(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The response to a request of the HTTP API."""
    response: dict[str, Any] = routes.resolve(event, context)
    response["headers"] |= gateway.HEADERS
    return response


@routes.exception_handler([gateway.BadRequest, StorelinkError])  # type: ignore[untyped-decorator]
def _error(error: gateway.BadRequest | StorelinkError) -> Response[str]:
    response = gateway.error_response(error)
    return Response(response["statusCode"], headers=response["headers"], body=response["body"])


@routes.not_found
def _not_found(_: Exception) -> Response[str]:
    response = gateway.json_response(404, {"message": "Not Found"})
    return Response(response["statusCode"], body=response["body"])


@routes.get("/summary")
def summary() -> Json:
    """The number of connections by state."""
    return queries.summary(_query())


@routes.get("/connections")
def list_connections() -> Json:
    """A page of connections."""
    return queries.list_connections(_query())


@routes.get("/connections/<connection_id>")
def show_connection(connection_id: str) -> Json:
    """One connection with its history."""
    return serializers.connection(connections.find(connection_id))


@routes.post("/connections/<connection_id>/claim")
def claim_connection(connection_id: str) -> Json:
    """Assign a connection to the tenant in the body; `reassign` says also when it is another tenant's."""
    body, by = _body(), gateway.caller(routes.current_event.raw_event)
    row = connections.claim(connection_id, body.get("tenant"), by, reassign=body.get("reassign", False))
    events.try_publish_changes(row)
    return serializers.connection(row)


@routes.get("/activations")
def list_activations() -> Json:
    """A page of activations, those of one store, or those whose id begins with a reference."""
    return queries.list_activations(_query())


@routes.get("/activations/<activation_id>")
def show_activation(activation_id: str) -> Json:
    """One activation in its state now."""
    return queries.find_activation(ActivationId.from_text(activation_id))


@routes.get("/invitations")
def list_invitations() -> Json:
    """The newest invitations, of all tenants or of one."""
    return queries.list_invitations(_query())


@routes.post("/invitations")
def create_invitation() -> tuple[Json, int]:
    """Create an invitation. The only response that has its URLs."""
    code, row = invitations.create(Invitation.from_request(_body()))
    event = routes.current_event.raw_event
    urls = {f"{name}_url": gateway.public_url(event, f"/i/{code}/{name}") for name in ("callback", "identity")}
    return serializers.invitation(row) | urls, 201


@routes.delete("/invitations/<invitation_id>")
def revoke_invitation(invitation_id: str) -> Json:
    """Revoke an invitation."""
    return serializers.invitation(invitations.revoke(invitation_id))


def _query() -> dict[str, str]:
    return gateway.query_parameters(routes.current_event.raw_event)


def _body() -> dict[str, Any]:
    return gateway.json_body(routes.current_event.raw_event)
