"""The function's configuration: the environment variables that template.yaml sets."""

import os
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LOCAL_STACK = "storelink-local"
"""The stack of `make serve`."""

LOCAL_REGION = "eu-central-1"

_LOCAL = {
    "STORELINK_STACK": LOCAL_STACK,
    "STORELINK_CONNECTIONS_TABLE": "ConnectionsTable",
    "STORELINK_ALLOW_PRIVATE_STORES": "true",
}
"""What these variables are, whatever the environment says, with STORELINK_LOCAL=1."""


def is_local() -> bool:
    """Whether the variable STORELINK_LOCAL chooses the stack of `make serve`, as `--local` does for the CLI."""
    return os.environ.get("STORELINK_LOCAL", "").lower() in ("1", "true", "t", "yes", "y", "on")


def local_endpoint() -> str:
    """The AWS of `make serve`. The variable AWS_PORT is its port, here and there."""
    return f"http://127.0.0.1:{os.environ.get('AWS_PORT') or 5000}"


def variable(name: str, default: str | None = None) -> str | None:
    """A variable of the environment, or what it is on the local stack where STORELINK_LOCAL chooses that."""
    if name in _LOCAL and is_local():
        return _LOCAL[name]
    return os.environ.get(name, default)


class Variable(Generic[T]):
    """The environment variable STORELINK_NAME of an attribute `name`, read at each use.

    read: turns its text into a value. Raises KeyError when the variable is not set and has no default.
    """

    def __init__(self, read: Callable[[str], T], default: str | None = None) -> None:
        self._read = read
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"STORELINK_{name.upper()}"

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        text = variable(self._name, self._default)
        if text is None:
            raise KeyError(
                f"The environment variable {self._name} is not set; template.yaml sets it for each function."
            )
        return self._read(text)


def _is_true(text: str) -> bool:
    return text == "true"


class Config:
    """This deployment's names and parameters. A variable without a default must be set where it is read."""

    stack = Variable(str)
    activations_table = Variable(str)
    connections_table = Variable(str)
    invitations_table = Variable(str)
    state_machine = Variable(str)
    event_bus = Variable(str)
    kms_key = Variable(str)
    credential_store = Variable(str, "secretsmanager")
    unclaimed_on_rows = Variable(_is_true, "false")
    """Whether credentials of a connection without a tenant are on its row, wherever those of others are."""

    admission = Variable(str)
    handshakes_per_host = Variable(int)
    unclaimed_connections_per_host = Variable(int)
    new_connections_per_hour = Variable(int)
    """0 for any number."""

    unclaimed_days = Variable(int, "0")
    """Days after which a connection without a tenant is forgotten; 0 for never."""

    steps_per_host = Variable(int)

    allowed_ports = Variable(lambda text: frozenset(map(int, text.split(","))), "443")
    allow_private_stores = Variable(_is_true, "false")

    health_check_path = Variable(str)
    health_check_interval = Variable(float)
    """Hours."""
    health_check_jitter = Variable(float)
    """Percent."""
    health_checks_per_run = Variable(int)

    webhook_url = Variable(str)
    webhook_secret = Variable(str)
    """Name or ARN of the secret."""
    webhook_queue_url = Variable(str)

    app_name = Variable(str, "Storelink")
    app_logo = Variable(str, "")
    sign_in_url = Variable(str, "")
    oidc_issuer = Variable(str, "")
    oidc_client_id = Variable(str, "")
    oidc_client_secret_arn = Variable(str, "")
    oidc_tenant_claim = Variable(str, "sub")

    @property
    def login(self) -> str:
        """Where merchants sign in: the vendor's own login or its OpenID provider; "" for nowhere."""
        return self.sign_in_url or self.oidc_issuer


config = Config()
