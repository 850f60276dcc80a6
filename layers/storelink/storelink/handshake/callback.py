"""Magento's post: it becomes an activation whose steps run. No store is called here, which keeps the start short."""

from storelink import observability
from storelink.aws import stepfunctions
from storelink.errors import NotAdmitted
from storelink.handshake.envelope import encrypt_secrets
from storelink.models import Activation
from storelink.observability import logger
from storelink.state import attempts, invitations
from storelink.state.activations import Outcome


def accept(activation: Activation, invitation: str | None = None) -> Outcome:
    """Keep what Magento posted and start its steps. A repeated post joins the attempt under way.

    invitation: the code in the URL that was posted to. The execution is named after the attempt, so starting it twice
    is harmless and repairs a start that was lost.
    Raises NotAdmitted when an invitation is missing, unknown or expired; Unavailable.
    """
    try:
        tenant = invitations.admit(invitation, activation.consumer_key, activation.store)
    except NotAdmitted as refused:
        observability.record_not_admitted(activation.store, refused.reason)
        raise
    activation_id, is_new = attempts.start(activation, encrypt_secrets(activation), tenant)
    logger.append_keys(activation_id=str(activation_id))
    stepfunctions.start_execution(activation_id)
    logger.info("activation accepted" if is_new else "activation joined", store=activation.store.host)
    return Outcome(str(activation_id), activation.store.url, "pending")
