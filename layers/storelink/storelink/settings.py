"""The environment that template.yaml gives a function, read once."""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Settings:
    """What this deployment is told. allowed_ports: where a store may be called."""

    allowed_ports: frozenset[int]
    allow_private_stores: bool


@cache
def settings() -> Settings:
    """The deployment's rules for outgoing calls; the careful ones where the environment is silent."""
    return Settings(
        allowed_ports=frozenset(map(int, os.environ.get("STORELINK_ALLOWED_PORTS", "443").split(","))),
        allow_private_stores=os.environ.get("STORELINK_ALLOW_PRIVATE_STORES", "false") == "true",
    )


def required(name: str) -> str:
    """A variable that must be there. Raises KeyError naming it."""
    try:
        return os.environ[name]
    except KeyError:
        raise KeyError(f"the environment variable {name} is not set; template.yaml sets it for each function") from None
