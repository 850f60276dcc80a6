"""What is done with the values that an operator enters."""

from dataclasses import replace

from storelink.aws import stepfunctions
from storelink.errors import CallFailed
from storelink.magento import ping
from storelink.models import ManualActivation
from storelink.oauth.credentials import LEGACY_METHOD, Credentials
from storelink.observability import logger
from storelink.state import activations, consumer_keys
from storelink.state.activations import Outcome


def connect(entry: ManualActivation) -> Outcome:
    """Try what an operator entered by one signed call, and have it kept by the step that alone keeps credentials.

    Raises Rejected or CallFailed where the store does not take them, Unavailable.
    """
    other = consumer_keys.other_host(entry.consumer_key, entry.store)
    if other is not None:
        raise consumer_keys.another_store_error(other, entry.store)
    try:
        ping.ping(entry.store, Credentials.from_secrets(entry.consumer_key, entry.secrets))
    except CallFailed as failed:
        if failed.reason != "signature-method":
            raise
        entry = replace(entry, signature_method=LEGACY_METHOD)
        ping.ping(entry.store, Credentials.from_secrets(entry.consumer_key, entry.secrets))
    activation_id, _ = activations.start_attempt(entry, entry.tenant)
    logger.append_keys(activation_id=str(activation_id))
    stepfunctions.start_execution(activation_id, entry.reached)
    logger.info("tokens entered", store=entry.store.host)
    return Outcome(str(activation_id), entry.store.url, entry.reached)
