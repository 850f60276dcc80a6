"""POST /invitations and DELETE /invitations/{invitation_id}: how an operator lets a tenant's stores in."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.api import gateway
from storelink.observability import logger
from storelink.state import invitations
from storelink.state.invitations import Invitation


@logger.inject_lambda_context(clear_state=True)
@gateway.json_api
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make an invitation and tell its URLs, this once; or revoke one."""
    invitation_id = gateway.path_parameter(event, "invitation_id")
    if invitation_id is not None:
        invitations.revoke(invitation_id)
        return {"invitation_id": invitation_id, "revoked": True}
    code, kept = invitations.create(Invitation.from_request(gateway.json_body(event)))
    urls = {f"{door}_url": gateway.public_url(event, f"/i/{code}/{door}") for door in ("callback", "identity")}
    return gateway.json_response(201, kept | urls)
