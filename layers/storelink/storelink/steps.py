"""The steps of an activation. Whoever runs them, state machine or operator, they do the same.

A step answers with where the activation stands; a final failure is written and told before. What it raises is safe to
try again. Running a step that is done already only says so.
"""

from dataclasses import replace

from storelink import activations, connections, credentials, exchange, executions, probe, sealing
from storelink.activation import LIFETIME, ActivationId, Entry
from storelink.activations import Outcome
from storelink.credentials import Credentials
from storelink.errors import CallFailed, Rejected, Unavailable
from storelink.observing import logger
from storelink.signing import FALLBACK_METHOD, Consumer, Token
from storelink.stores import Store
from storelink.tables import Row

UNCONFIRMED = frozenset(
    {"signature-invalid", "integration-deleted", "consumer-key-length", "verifier-mismatch", "reauthorize"}
)
"""What a store answers to keys or a verifier that are not its own, or no longer. At a store that is connected already
it may be a forged or replayed post."""


def enter(entry: Entry) -> Outcome:
    """Try what an operator entered by one signed call, and have it kept by the step that alone keeps credentials.

    Raises Rejected or CallFailed where the store does not take them, Unavailable.
    """
    other = connections.known_elsewhere(entry.consumer_key, entry.store)
    if other is not None:
        raise Rejected("another-store", f"known from {other.host}, came with {entry.store.host}")
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
        other = connections.known_elsewhere(row["consumer_key"], store)
        if other is not None:
            raise Rejected("another-store", f"known from {other.host}, came with {store.host}")
        if activations.now() - row["received_at"] > LIFETIME * 1000:
            raise Rejected("expired")
        secrets = sealing.unseal(row["sealed"], row["consumer_key"], row["store"])
        token, consumer = exchange.temporary_credentials(
            store, Consumer(row["consumer_key"], secrets["consumer_secret"])
        )
    except Rejected as rejected:
        return _refused(row, store, rejected)
    secrets |= {
        "request_token": token.key,
        "request_token_secret": token.secret,
        "signature_method": consumer.signature_method,
    }
    return activations.advance(row, "requested", secrets)


def access_token(activation_id: ActivationId, holder: str) -> Outcome:
    """Exchange the request token for the access token, keep the credentials, say `connected` and tell the app.

    Where their home does not take them, they are sealed onto the activation and the next run moves them.
    Raises Unavailable (safe to call again), Invalid where there is no such activation.
    """
    row = activations.hold(activation_id, holder, ("requested", "exchanged"))
    if isinstance(row, Outcome):
        return connections.tell_untold(row)
    store = Store.from_url(row["store"])
    place = credentials.prepare(store, str(activation_id))
    secrets: sealing.Secrets = {}
    if not place.kept:
        secrets = sealing.unseal(row["sealed"], row["consumer_key"], row["store"])
        if row["reached"] == "requested":
            try:
                secrets = _exchanged(row["consumer_key"], store, secrets)
            except Rejected as rejected:
                credentials.let_go(place)
                return _refused(row, store, rejected)
    try:
        if not place.kept:
            place = credentials.keep(place, _credentials(row["consumer_key"], secrets))
        credentials.make_current(place)
        return connections.connect(row, store, place)
    except Unavailable:
        if not place.kept and row["reached"] == "requested":
            activations.advance(row, "exchanged", secrets)
        raise


def _refused(row: Row, store: Store, rejected: Rejected) -> Outcome:
    """End an activation that the store did not confirm; what it wanted to replace stays, and the operator hears."""
    suspicious = rejected.reason == "another-store" or (
        rejected.reason in UNCONFIRMED and connections.is_connected(store)
    )
    return activations.refuse(row, rejected.reason, rejected.problem, suspicious)


def _exchanged(consumer_key: str, store: Store, secrets: sealing.Secrets) -> sealing.Secrets:
    token, consumer = exchange.token_credentials(
        store,
        Consumer(consumer_key, secrets["consumer_secret"], secrets["signature_method"]),
        Token(secrets["request_token"], secrets["request_token_secret"]),
        secrets["verifier"],
    )
    return {
        "consumer_secret": consumer.secret,
        "signature_method": consumer.signature_method,
        "access_token": token.key,
        "access_token_secret": token.secret,
    }


def _credentials(consumer_key: str, secrets: sealing.Secrets) -> Credentials:
    return Credentials(
        Consumer(consumer_key, secrets["consumer_secret"], secrets["signature_method"]),
        Token(secrets["access_token"], secrets["access_token_secret"]),
    )
