"""What is done with Magento's post. No store is called for it, so nothing is loaded that could: it starts faster."""

from storelink.aws import stepfunctions
from storelink.models import Activation
from storelink.observability import logger
from storelink.state import activations, invitations
from storelink.state.activations import Outcome


def accept(activation: Activation, invitation: str | None = None) -> Outcome:
    """Take what Magento posted and have its steps run; a repeated post joins the attempt under way.

    invitation: the code in the URL that was posted to. Raises NotAdmitted where it is needed, unknown or over.
    The execution is named after the attempt, so starting it twice is harmless and mends a start that was lost.
    Raises Unavailable.
    """
    tenant = invitations.admit(invitation, activation.store)
    activation_id, new = activations.start_attempt(activation, tenant)
    logger.append_keys(activation_id=str(activation_id))
    stepfunctions.start_execution(activation_id)
    logger.info("activation accepted" if new else "activation joined", store=activation.store.host)
    return Outcome(str(activation_id), activation.store.url, "pending")
