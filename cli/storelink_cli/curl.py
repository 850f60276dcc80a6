"""A request as a cURL command."""

import json
import shlex
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A signed request. headers: with an Authorization that is valid once. body: a JSON text, or None."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: str | None = None

    def to_curl(self) -> str:
        """A line for a POSIX shell. Its options keep cURL from changing the URL, which is signed."""
        words = ["curl", "--globoff", "--path-as-is", "--request", self.method]
        for name, value in self.headers.items():
            words += ["--header", f"{name}: {value}"]
        if self.body is not None:
            words += ["--data-raw", self.body]
        elif self.method in ("POST", "PUT"):
            words += ["--header", "Content-Length: 0"]
        return shlex.join([*words, self.url])

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        body = json.loads(self.body) if self.body is not None else None
        return {"method": self.method, "url": self.url, "headers": self.headers, "body": body, "curl": self.to_curl()}
