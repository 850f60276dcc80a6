"""What keeps a store from being connected, found from outside and without credentials.

Nothing at the store is used up: the requests carry random keys, which no integration has, so Magento refuses them
before it looks at nonce, signature or token.
"""

from collections.abc import Iterator

from storelink.store import Store
from storelink_cli.diagnosis import magento, network
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
