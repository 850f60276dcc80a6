"""A store to connect: Magento's side of the handshake, for local runs and tests.

`with serve() as sandbox:` runs it; `sandbox.url` is the store's base URL and `sandbox.store()` what it knows.
"""

from storelink.testing.sandbox.server import Sandbox, serve
from storelink.testing.sandbox.store import SandboxStore

__all__ = ["Sandbox", "SandboxStore", "serve"]
