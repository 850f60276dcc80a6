"""A request as a sandbox store receives it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SignedRequest:
    """One request to a token endpoint or to REST.

    url: absolute, with the scheme, host and port of the store's base URL, otherwise as sent. authorization: the header,
    None where there is none. form: the body, if it is form-encoded.
    """

    method: str
    url: str
    authorization: str | None = field(default=None, repr=False)
    form: str = field(default="", repr=False)

    def path(self, base_url: str) -> str:
        """Return the path below the store's base URL, without the query."""
        return self.url.partition("?")[0].removeprefix(base_url).removeprefix("index.php/")

    @property
    def query(self) -> str:
        return self.url.partition("?")[2]
