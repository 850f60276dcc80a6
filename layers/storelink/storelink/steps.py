"""The steps of an activation. Whoever runs them, state machine or operator, they do the same.

A step answers with where the activation stands; a final failure is written and told before. What it raises is safe to
try again. Running a step that is done already only says so.
"""

from dataclasses import replace

from storelink import activations, connections, consumer_keys, credentials, exchange, executions, probe, sealing
from storelink.activation import LIFETIME, ActivationId, Entry
from storelink.activations import Outcome
from storelink.credentials import Credentials
from storelink.errors import CallFailed, Rejected, Unavailable
from storelink.observing import logger
from storelink.signing import FALLBACK_METHOD, Consumer, Token
from storelink.stores import Store
from storelink.tables import Row


def enter(entry: Entry) -> Outcome:
    """Try what an operator entered by one signed call, and have it kept by the step that alone keeps credentials.

    Raises Rejected or CallFailed where the store does not take them, Unavailable.
    """
    other = consumer_keys.known_elsewhere(entry.consumer_key, entry.store)
    if other is not None:
        raise Rejected("another-store", f"known from {other}, came with {entry.store.host}")
    try:
        probe.ask(entry.store, _credentials(entry.consumer_key, entry.secrets))
    except CallFailed as failed:
        if failed.reason != "signature-method":
            raise
        entry = replace(entry, signature_method=FALLBACK_METHOD)
        probe.ask(entry.store, _credentials(entry.consumer_key, entry.secrets))
    activation_id, _ = activations.open_attempt(entry, entry.tenant)
    logger.append_keys(activation_id=str(activation_id))
    executions.start(activation_id, entry.reached)
    logger.info("tokens entered", store=entry.store.host)
    return Outcome(str(activation_id), entry.store.url, entry.reached)


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
        secrets = activations.unsealed(row)
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
    return activations.advance(row, "requested", sealing.seal_answer(answer, secrets))


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
            secrets = activations.unsealed(row)
            if row["reached"] == "requested":
                answer = _exchanged(row["consumer_key"], store, secrets)
            place = credentials.keep(store, version, _credentials(row["consumer_key"], secrets | answer))
        # Looked at after the place was: who has overtaken this attempt has the row, or moves the label first.
        if place.current != version and activations.is_owner(activation_id):
            credentials.make_current(place)
        return connections.connect(row, store, place)
    except Rejected as rejected:
        return _refused(row, rejected)
    except Unavailable:
        if answer and not (place and place.kept):
            activations.advance(row, "exchanged", sealing.seal_answer(answer, secrets))
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


def _credentials(consumer_key: str, secrets: sealing.Secrets) -> Credentials:
    return Credentials(
        Consumer(consumer_key, secrets["consumer_secret"], secrets["signature_method"]),
        Token(secrets["access_token"], secrets["access_token_secret"]),
    )
