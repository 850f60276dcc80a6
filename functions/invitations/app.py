"""POST /invitations and DELETE /invitations/{invitation_id}: how an operator lets a tenant's stores in."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, invitations
from storelink.invitations import Invitation
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make an invitation and tell its URLs, this once; or revoke one."""
    invitation_id = edge.path_parameter(event, "invitation_id")
    if invitation_id is not None:
        invitations.revoke(invitation_id)
        return {"invitation_id": invitation_id, "revoked": True}
    code, kept = invitations.make(Invitation.from_request(edge.json_of(event)))
    urls = {f"{door}_url": edge.public_url(event, f"/i/{code}/{door}") for door in ("callback", "identity")}
    return edge.answer(201, kept | urls)
