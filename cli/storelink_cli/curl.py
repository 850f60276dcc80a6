"""A ready cURL line for one request."""

import json
import shlex
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request as it goes. headers: with the Authorization that is good once. body: JSON's text, or None."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: str | None = None

    def to_curl(self) -> str:
        """As a line for a POSIX shell. cURL is told to take the URL as it stands: it is what was signed."""
        how = ["--head"] if self.method == "HEAD" else ["--request", self.method]
        words = ["curl", "--globoff", "--path-as-is", *how]
        for name, value in self.headers.items():
            words += ["--header", f"{name}: {value}"]
        if self.body is not None:
            words += ["--data-raw", self.body]
        elif self.method in ("POST", "PUT", "PATCH"):
            words += ["--header", "Content-Length: 0"]
        return shlex.join([*words, self.url])

    def to_dict(self) -> dict[str, Any]:
        """For programs."""
        body = json.loads(self.body) if self.body is not None else None
        return {"method": self.method, "url": self.url, "headers": self.headers, "body": body, "curl": self.to_curl()}
