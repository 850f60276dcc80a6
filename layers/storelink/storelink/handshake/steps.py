"""The steps of an activation. Whoever runs them, state machine or operator, they do the same.

A step answers with where the activation stands; a final failure is written and told before. What it raises is safe to
try again. Running a step that is done already only says so.
"""

from storelink import credentials
from storelink.aws import kms
from storelink.aws.dynamodb import Row
from storelink.errors import Rejected, Unavailable
from storelink.handshake import secretbox
from storelink.models import EXPIRATION_PERIOD, ActivationId
from storelink.oauth import client as oauth_client
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.state import activations, connections
from storelink.state.activations import Outcome
from storelink.store import Store


def request_token(activation_id: ActivationId, holder: str) -> Outcome:
    """Fetch the activation's request token from its store and seal it onto the activation.

    holder: who runs the step; two different ones never run it at once.
    Raises Unavailable (safe to call again), Invalid where there is no such activation.
    """
    row = activations.acquire_lease(activation_id, holder, ("pending", "pending"))
    if isinstance(row, Outcome):
        return row
    store = Store.from_url(row["store"])
    try:
        if activations.now() - row["received_at"] > EXPIRATION_PERIOD * 1000:
            raise Rejected("expired")
        secrets = _unsealed(row)
        token, consumer = oauth_client.fetch_request_token(
            store, Consumer(row["consumer_key"], secrets["consumer_secret"])
        )
    except Rejected as rejected:
        return _refused(row, rejected)
    answer = {
        "request_token": token.key,
        "request_token_secret": token.secret,
        "signature_method": consumer.signature_method,
    }
    return activations.advance(row, "requested", _sealed(answer, secrets))


def access_token(activation_id: ActivationId, holder: str) -> Outcome:
    """Exchange the request token for the access token, keep the credentials, say `connected` and tell the app.

    Where their home does not take them, they are sealed onto the activation and the next run moves them.
    Raises Unavailable (safe to call again), Invalid where there is no such activation.
    """
    row = activations.acquire_lease(activation_id, holder, ("requested", "exchanged"))
    if isinstance(row, Outcome):
        return connections.publish_outcome(row)
    store = Store.from_url(row["store"])
    version = str(activation_id)
    answer: kms.Secrets = {}
    begun_before = "holder" in row or row["reached"] == "exchanged"
    place = credentials.find(store, version) if begun_before else None
    try:
        if place is None:
            secrets = _unsealed(row)
            if row["reached"] == "requested":
                answer = _exchanged(row["consumer_key"], store, secrets)
            place = credentials.save(store, version, Credentials.from_secrets(row["consumer_key"], secrets | answer))
        # Looked at after the place was: who has overtaken this attempt has the row, or moves the label first.
        if place.current != version and activations.is_owner(activation_id):
            credentials.promote(place)
        return connections.connect(row, store, place)
    except Rejected as rejected:
        return _refused(row, rejected)
    except Unavailable:
        if answer and not (place and place.kept):
            activations.advance(row, "exchanged", _sealed(answer, secrets))
        raise


def _refused(row: Row, rejected: Rejected) -> Outcome:
    """End an activation that the store did not confirm; what it wanted to replace stays, and the operator hears."""
    suspicious = connections.is_suspicious(row, rejected.reason)
    return activations.reject(row, rejected.reason, rejected.problem, suspicious)


def _exchanged(consumer_key: str, store: Store, secrets: kms.Secrets) -> kms.Secrets:
    token, consumer = oauth_client.fetch_access_token(
        store,
        Consumer(consumer_key, secrets["consumer_secret"], secrets["signature_method"]),
        Token(secrets["request_token"], secrets["request_token_secret"]),
        secrets["verifier"],
    )
    return {
        "signature_method": consumer.signature_method,
        "access_token": token.key,
        "access_token_secret": token.secret,
    }


def _unsealed(row: Row) -> kms.Secrets:
    """What is sealed onto an activation, with what the store has answered since. Raises Unavailable."""
    pending = kms.decrypt_secrets(row["sealed"], row["consumer_key"], row["store"])
    return pending | secretbox.decrypt(row["answer"], pending[kms.DATA_KEY]) if "answer" in row else pending


def _sealed(answer: kms.Secrets, pending: kms.Secrets) -> bytes:
    return secretbox.encrypt(answer, pending[kms.DATA_KEY])
