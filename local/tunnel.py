"""The API's end of a tunnel, for stores that are not on this machine: the public routes alone, on a port of their own.

A tunnel is open to anyone, and this machine cannot verify the signatures of operators. So their routes are not there.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.api_gateway import Api
from local.aws import LocalAws
from local.template import Template
from storelink.errors import Invalid
from storelink.store import Store

PORT = 3001


@dataclass(frozen=True)
class Tunnel:
    """url: how stores and merchants reach the other end, without a slash at its end. address, port: of this end."""

    url: str
    address: str
    port: int

    @classmethod
    def from_environment(cls) -> "Tunnel | None":
        """Return PUBLIC_URL with PUBLIC_ADDRESS and PUBLIC_PORT; None without a PUBLIC_URL. Raises ValueError."""
        text = os.environ.get("PUBLIC_URL", "")
        if not text:
            return None
        try:
            store = Store.from_url(text, field="PUBLIC_URL")
        except Invalid as invalid:
            raise ValueError(f"{invalid.problem}; it is {text!r}.") from None
        if store.url.count("/") > 3:
            raise ValueError(f"PUBLIC_URL must be a URL without a path, like https://abc.example; it is {text!r}.")
        port = os.environ.get("PUBLIC_PORT") or str(PORT)
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"PUBLIC_PORT must be a port, a number from 1 to 65535; it is {port!r}.")
        return cls(store.url.rstrip("/"), os.environ.get("PUBLIC_ADDRESS") or "127.0.0.1", int(port))

    @contextmanager
    def serving(self, template: Template, aws: LocalAws) -> Iterator[None]:
        """Answer at this end while the context lasts."""
        routes = [route for route in template.routes if not route.iam]
        api = Api(self.address, self.port, routes, self.url)
        try:
            with api.serving(aws.functions):
                yield
        finally:
            api.close()
