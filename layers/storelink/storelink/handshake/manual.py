"""Connecting a store by the four values that an operator enters."""

from dataclasses import replace

from storelink.aws import stepfunctions
from storelink.credentials import basic_auth
from storelink.errors import CallFailed
from storelink.handshake.envelope import encrypt_secrets
from storelink.magento import ping
from storelink.models import ManualActivation
from storelink.oauth.credentials import LEGACY_METHOD, Credentials
from storelink.observability import logger
from storelink.state import attempts, consumer_keys
from storelink.state.activations import Outcome


def connect(entered: ManualActivation, by: str) -> Outcome:
    """Try the values by one signed call, and start the step that stores them. by: who entered them, for the history.

    Raises Rejected or CallFailed when the store refuses them, Unavailable.
    """
    host = consumer_keys.other_host(entered.consumer_key, entered.store)
    if host is not None:
        raise consumer_keys.another_store_error(host, entered.store)
    entered = _accepted(entered)
    activation_id, _ = attempts.start(entered, encrypt_secrets(entered), entered.tenant, by)
    logger.append_keys(activation_id=str(activation_id))
    stepfunctions.start_execution(activation_id, entered.reached)
    logger.info("credentials entered", store=entered.store.host)
    return Outcome(str(activation_id), entered.store.url, entered.reached)


def _accepted(entered: ManualActivation) -> ManualActivation:
    """The values as the store accepts them, with its signature method and the password of its web server.

    Raises Rejected or CallFailed when the store refuses them, Unavailable.
    """
    while True:
        try:
            ping.ping(entered.store, Credentials.from_secrets(entered.consumer_key, entered.secrets))
        except CallFailed as failed:
            if failed.reason == "signature-method" and entered.signature_method != LEGACY_METHOD:
                entered = replace(entered, signature_method=LEGACY_METHOD)
            elif failed.reason == "password-protected" and (password := basic_auth.read(entered.store)):
                entered = replace(entered, basic_auth=password)
            else:
                raise
        else:
            return entered
