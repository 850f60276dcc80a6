"""What keeps a store from being connected, found from outside and without credentials.

Nothing at the store is used up: the requests carry random keys, which no integration has, so Magento refuses them
before it looks at nonce, signature or token.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator

from storelink.store import Store
from storelink_cli.diagnosis import magento, network
from storelink_cli.diagnosis.attempt import Known
from storelink_cli.diagnosis.finding import CheckFailed, Finding


def examine(store: Store, private: bool, ports: frozenset[int]) -> Iterator[Finding]:
    """Yield the finding of each check. A failure after which no check can succeed is the last one.

    private: the store may be in a private network, and use plain http. ports: those that the stack may call. The
    layer's guard needs the same configuration.
    """
    try:
        yield from network.check(store, private, ports)
        yield from magento.check(store)
    except CheckFailed as failed:
        yield failed.finding


def diagnose(store: Store, private: bool, known: Known, last_attempt: Finding) -> Iterator[Finding]:
    """Yield every finding about a store: the last attempt's, then those of `examine`, as the stack's knowledge judges.

    Until the end, the layer's guard allows the store's port, and private addresses if `private`.
    """
    allowed = {
        "STORELINK_ALLOWED_PORTS": ",".join(map(str, known.ports | {store.port})),
        "STORELINK_ALLOW_PRIVATE_STORES": str(private).lower(),
    }
    with _environment(allowed):
        yield from map(known.judge, itertools.chain([last_attempt], examine(store, private, known.ports)))


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables while the context lasts."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
