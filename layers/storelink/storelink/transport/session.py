"""The guard as a session of requests'. The functions call stores without it, and so load no requests as they start."""

from typing import Any, NoReturn

import requests
from requests.adapters import HTTPAdapter

from storelink.errors import Invalid, StorelinkError
from storelink.transport import guard


class GuardedAdapter(HTTPAdapter):
    """For a `requests.Session`: every connection is a checked one."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        guard.guard_pools(self.poolmanager)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Name what to trust only where the caller does: the guard has the same authorities, read once."""
        if verify is not True or cert is not None:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # in the stubs

    def proxy_manager_for(self, *_: Any, **__: Any) -> NoReturn:
        """No proxy: it would find the address itself. Raises Invalid."""
        raise Invalid({"proxies": "are not used for stores; leave them out"})

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Raises Rejected where the guard or the certificate says no, Unavailable where the connection failed."""
        guard.check(str(request.url))
        try:
            return super().send(request, *args, **kwargs)
        except StorelinkError:
            raise
        except Exception as error:
            known = isinstance(error, requests.exceptions.RequestException)
            if not known and not isinstance(request.body, bytes | str | None):
                raise  # the caller's own, as it gave the body part by part
            raise guard.failure(error) from None


class GuardedSession(requests.Session):
    """Sends by guarded connections alone, takes nothing from the environment and has no redirect to follow."""

    def __init__(self, adapter: type[GuardedAdapter] = GuardedAdapter, **pool: Any) -> None:
        super().__init__()
        self.trust_env = False
        for scheme in ("https://", "http://"):
            self.mount(scheme, adapter(**pool))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: requests reads the whole body of a redirect, even where it must not follow it."""
