"""The steps of an activation. Whoever runs them, state machine or operator, they do the same.

A step answers with where the activation stands; a final failure is written and told before. What it raises is safe to
try again. Running a step that is done already only says so.
"""

from storelink import activations, connections, credentials, exchange, sealed_answers, sealing
from storelink.activation import LIFETIME, ActivationId
from storelink.activations import Outcome
from storelink.credentials import Credentials
from storelink.errors import Rejected, Unavailable
from storelink.signing import Consumer, Token
from storelink.stores import Store
from storelink.tables import Row


def request_token(activation_id: ActivationId, holder: str) -> Outcome:
    """Fetch the activation's request token from its store and seal it onto the activation.

    holder: who runs the step; two different ones never run it at once.
    Raises Unavailable (safe to call again), Invalid where there is no such activation.
    """
    row = activations.hold(activation_id, holder, ("pending", "pending"))
    if isinstance(row, Outcome):
        return row
    store = Store.from_url(row["store"])
    try:
        if activations.now() - row["received_at"] > LIFETIME * 1000:
            raise Rejected("expired")
        secrets = _unsealed(row)
        token, consumer = exchange.temporary_credentials(
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
    row = activations.hold(activation_id, holder, ("requested", "exchanged"))
    if isinstance(row, Outcome):
        return connections.tell_untold(row)
    store = Store.from_url(row["store"])
    version = str(activation_id)
    answer: sealing.Secrets = {}
    begun_before = "holder" in row or row["reached"] == "exchanged"
    place = credentials.find(store, version) if begun_before else None
    try:
        if place is None:
            secrets = _unsealed(row)
            if row["reached"] == "requested":
                answer = _exchanged(row["consumer_key"], store, secrets)
            place = credentials.keep(store, version, Credentials.from_secrets(row["consumer_key"], secrets | answer))
        # Looked at after the place was: who has overtaken this attempt has the row, or moves the label first.
        if place.current != version and activations.is_owner(activation_id):
            credentials.make_current(place)
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
    return activations.refuse(row, rejected.reason, rejected.problem, suspicious)


def _exchanged(consumer_key: str, store: Store, secrets: sealing.Secrets) -> sealing.Secrets:
    token, consumer = exchange.token_credentials(
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


def _unsealed(row: Row) -> sealing.Secrets:
    """What is sealed onto an activation, with what the store has answered since. Raises Unavailable."""
    pending = sealing.unseal(row["sealed"], row["consumer_key"], row["store"])
    return pending | sealed_answers.unseal(row["answer"], pending[sealing.ANSWERS_KEY]) if "answer" in row else pending


def _sealed(answer: sealing.Secrets, pending: sealing.Secrets) -> bytes:
    return sealed_answers.seal(answer, pending[sealing.ANSWERS_KEY])
