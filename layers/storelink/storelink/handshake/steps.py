"""The two steps of the handshake. They do the same whoever runs them: the state machine or an operator.

A step returns the activation's outcome; a final failure is written and published before. Whatever it raises may be
tried again. Running a step that is done returns its outcome.
"""

from collections.abc import Callable

from storelink import credentials
from storelink.aws.dynamodb import Row
from storelink.config import config
from storelink.credentials import basic_auth
from storelink.errors import Rejected, Sent, Unavailable
from storelink.handshake import transaction
from storelink.handshake.envelope import DATA_KEY, Secrets, decrypt_secrets, encrypt_answer
from storelink.models import EXPIRATION_PERIOD, ActivationId
from storelink.oauth import client as oauth_client
from storelink.oauth.credentials import Consumer, Credentials, Token
from storelink.state import activations, attempts, connections, events, failures, hosts, new_connections, step_retry
from storelink.state.activations import Outcome
from storelink.store import Store


def request_token(activation_id: ActivationId, holder: str) -> Outcome:
    """Fetch the request token of an activation from its store, and keep it encrypted on the activation.

    holder: who runs the step; two different ones never run it at once. When the store cannot answer, the outcome says
    in how many seconds the step is to run again (`retry_in`).
    Raises Unavailable when AWS is the cause (safe to repeat), Invalid when there is no such activation.
    """
    row = attempts.acquire_lease(activation_id, holder, ("pending", "pending"))
    if isinstance(row, Outcome):
        return events.publish_outcome(row)
    try:
        if activations.now() - row["received_at"] > EXPIRATION_PERIOD * 1000:
            raise Rejected("expired")
        store = Store.from_url(row["store"])
        _refuse_above_limit(row, store)
        secrets = decrypt_secrets(row)
        consumer = Consumer(row["consumer_key"], secrets["consumer_secret"])
        token, consumer, password = _fetch(
            row, store, None, lambda password: oauth_client.fetch_request_token(store, consumer, basic_auth=password)
        )
    except Rejected as rejected:
        resumed = attempts.resume_previous(row) if rejected.reason == "reauthorize" else None
        return resumed or failures.reject(row, rejected)
    except Unavailable as unavailable:
        return _try_later(row, unavailable)
    answer = {
        "request_token": token.key,
        "request_token_secret": token.secret,
        "signature_method": consumer.signature_method,
        **password,
    }
    return attempts.advance(row, "requested", encrypt_answer(answer, secrets[DATA_KEY]))


def access_token(activation_id: ActivationId, holder: str) -> Outcome:
    """Exchange the request token for the access token, store the credentials and connect the store.

    When they cannot be stored or connected, they are kept encrypted on the activation, and the next run continues from
    there. When the store cannot answer, the outcome says in how many seconds the step is to run again (`retry_in`).
    Raises Unavailable when AWS is the cause (safe to repeat), Invalid when there is no such activation.
    """
    row = attempts.acquire_lease(activation_id, holder, ("requested", "exchanged"))
    if isinstance(row, Outcome):
        return events.publish_outcome(row)
    store, version = Store.from_url(row["store"]), str(activation_id)
    has_begun = "lease_holder" in row or row["reached"] == "exchanged"
    answer: Secrets = {}
    stored = credentials.find(store, version) if has_begun else None
    try:
        new_connections.check(row, store)
        if stored is None:
            secrets = decrypt_secrets(row)
            if row["reached"] == "requested":
                answer = _exchange(row, store, secrets)
            working = Credentials.from_secrets(row["consumer_key"], secrets | answer)
            stored = credentials.save(store, version, working, _backend(row, store))
        # Read after the credentials were stored: whoever overtook this attempt has the row, or moves the label first.
        if stored.current_version != version and activations.is_owner(activation_id):
            credentials.promote(stored)
        return transaction.connect(row, store, stored)
    except Rejected as rejected:
        if has_begun and rejected.reason == "reauthorize":  # an earlier run was given the token, and died
            rejected.sent = Sent.LOST
        return failures.reject(row, rejected)
    except Unavailable as unavailable:
        if answer:
            attempts.advance(row, "exchanged", encrypt_answer(answer, secrets[DATA_KEY]))
        return _try_later(row, unavailable)


def _backend(row: Row, store: Store) -> str:
    """Where an activation's credentials are to be stored. Raises Unavailable."""
    if "tenant" in row or not config.unclaimed_on_rows:
        return config.credential_store
    connection = connections.of_store(store)
    return credentials.backend_for(connection, connections.keeps_tenant(connection, row))


def _refuse_above_limit(row: Row, store: Store) -> None:
    """Raise Rejected when the callback found a limit reached, unless the store is connected by the same integration.

    Raises Unavailable.
    """
    if "limit_reached" in row and not connections.is_reauthorization(row, connections.of_store(store)):
        raise hosts.limit_error(row, store, row["limit_reached"])


def _try_later(row: Row, unavailable: Unavailable) -> Outcome:
    """Have a step run again that the store could not answer, or end the activation when it is too late for that.

    Raises Unavailable when the store is not the cause.
    """
    if not step_retry.is_store_trouble(unavailable):
        raise unavailable
    seconds = step_retry.delay(row)
    if seconds is not None:
        return attempts.schedule_retry(row, unavailable, seconds)
    if row["reached"] == "pending":
        return failures.reject(row, Rejected(unavailable.reason, unavailable.problem, sent=unavailable.sent))
    return failures.abandon(row, activations.id_of(row), unavailable.reason, unavailable.problem)


def _exchange(row: Row, store: Store, secrets: Secrets) -> Secrets:
    """The access token and what goes with it, as they are kept. Raises Rejected, Unavailable."""
    consumer = Consumer(row["consumer_key"], secrets["consumer_secret"], secrets["signature_method"])
    request_token = Token(secrets["request_token"], secrets["request_token_secret"])
    token, consumer, password = _fetch(
        row,
        store,
        secrets.get("basic_auth"),
        lambda password: oauth_client.fetch_access_token(
            store, consumer, request_token, secrets["verifier"], basic_auth=password
        ),
    )
    return {
        "signature_method": consumer.signature_method,
        "access_token": token.key,
        "access_token_secret": token.secret,
        **password,
    }


def _fetch(
    row: Row, store: Store, known: str | None, fetch: Callable[[str | None], tuple[Token, Consumer]]
) -> tuple[Token, Consumer, Secrets]:
    """Fetch a token, and once more with the store's Basic credentials where its web server asks for a password.

    A store that was silent at the last try is asked something harmless first, so that a lost answer costs no token.
    known: the Basic credentials that the step before needed. fetch: takes Basic credentials.
    The token, the consumer, and the Basic credentials as they are kept. Raises Rejected, Unavailable, also while too
    many steps of the store's host are under way.
    """
    with hosts.hold_lease(row, store):
        if "was_silent" in row:
            oauth_client.check_answers(store)
        try:
            return *fetch(known), {"basic_auth": known} if known else {}
        except Rejected as rejected:
            is_asked = rejected.reason in ("password-protected", "password-refused")
            password = basic_auth.read(store) if is_asked else None
            if password is None or password == known:
                raise
        return *fetch(password), {"basic_auth": password}
