"""The app's side of the webhook, in Python without packages. docs/webhooks.md describes the format.

Run it: STORELINK_WEBHOOK_SECRET=… python webhook.py 8000
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE = 300
"""Seconds by which a request may be old, or the clocks may differ."""

seen: set[str] = set()
"""Ids of events. Use your database: an event can arrive twice."""


class Refused(Exception):
    """The request was not sent by Storelink: answer 401."""


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> dict[str, Any]:
    """Return the event of a request. secret: the text of the secret, with or without `whsec_`. Raises Refused."""
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > TOLERANCE:
        raise Refused("too old")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
    due = f"v1,{base64.b64encode(digest).decode()}"
    signatures = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(one.encode(), due.encode()) for one in signatures):
        raise Refused("signed by another key")
    event: dict[str, Any] = json.loads(body)
    return event


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 as soon as the event is noted. Do what takes long after the answer."""

    def do_POST(self) -> None:
        """Take an event."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = verify(self.headers, body, os.environ["STORELINK_WEBHOOK_SECRET"])
        except Refused as refused:
            self.send_error(401, str(refused))
            return
        if self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            print(event["detail-type"], event["detail"]["store_url"], flush=True)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
