"""What holds a secret is compared without telling, by the time it takes, where two of them differ."""

import hmac
from dataclasses import astuple
from typing import Any


class Confidential:
    """For a dataclass made with `eq=False` that has secrets among its fields: equal by value, in constant time."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and hmac.compare_digest(_written(self), _written(other))

    def __hash__(self) -> int:
        return hash(_written(self))


def _written(confidential: Any) -> bytes:
    return repr(astuple(confidential)).encode()
