"""What is done with the values that an operator enters."""

from dataclasses import replace

from storelink import activations, consumer_keys, executions, probe
from storelink.activation import Entry
from storelink.activations import Outcome
from storelink.credentials import Credentials
from storelink.errors import CallFailed
from storelink.observing import logger
from storelink.signing import FALLBACK_METHOD


def enter(entry: Entry) -> Outcome:
    """Try what an operator entered by one signed call, and have it kept by the step that alone keeps credentials.

    Raises Rejected or CallFailed where the store does not take them, Unavailable.
    """
    other = consumer_keys.known_elsewhere(entry.consumer_key, entry.store)
    if other is not None:
        raise consumer_keys.another_store(other, entry.store)
    try:
        probe.ask(entry.store, Credentials.from_secrets(entry.consumer_key, entry.secrets))
    except CallFailed as failed:
        if failed.reason != "signature-method":
            raise
        entry = replace(entry, signature_method=FALLBACK_METHOD)
        probe.ask(entry.store, Credentials.from_secrets(entry.consumer_key, entry.secrets))
    activation_id, _ = activations.open_attempt(entry, entry.tenant)
    logger.append_keys(activation_id=str(activation_id))
    executions.start(activation_id, entry.reached)
    logger.info("tokens entered", store=entry.store.host)
    return Outcome(str(activation_id), entry.store.url, entry.reached)
