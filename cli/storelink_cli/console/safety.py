"""Who may use the console: a browser on this machine that has shown the token, and no page of another origin.

Every request names the console's own host (no DNS rebinding). The token is exchanged once for a cookie. A POST comes
from the console's own pages. Pages hold no script and no style of their own, and load nothing from elsewhere.
"""

import hmac
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request, session, url_for
from werkzeug.exceptions import Forbidden, MisdirectedRequest, Unauthorized
from werkzeug.wrappers import Response as Answer

from storelink_cli.console.context import console

HOST = "127.0.0.1"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # `no-referrer` would hide the origin of a form
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

CHANGES_NOTHING = {"actions.doctor", "actions.call"}
"""POST routes that `--read-only` leaves."""


def protect(app: Flask, token: str, port: int) -> None:
    """Check every request of an application before its route, and set the headers of every answer."""
    hosts = {f"{HOST}:{port}", f"localhost:{port}"}
    unused = [token]

    @app.before_request
    def check() -> None:
        if request.headers.get("Host") not in hosts:
            raise MisdirectedRequest(f"Open http://{HOST}:{port}/: the console answers under no other name.")
        if request.endpoint in ("static", "enter"):
            return
        if not session.get("entered"):
            raise Unauthorized(
                "Open the URL that `storelink console` printed. It works once; start it again for another."
            )
        if request.method == "POST":
            _check_post()

    @app.get("/enter")
    def enter() -> Answer:
        given = request.args.get("token", "")
        if not session.get("entered"):
            if not (unused and hmac.compare_digest(given.encode(), unused[0].encode())):
                raise Unauthorized(
                    "This URL was used, or is not complete. Start `storelink console` again for another."
                )
            unused.clear()
            session["entered"] = True
        return redirect(url_for("pages.overview"), 303)

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint == "static":
            response.headers["Cache-Control"] = "no-cache"
        return response


def _check_post() -> None:
    """Refuse a POST that does not come from a page of the console, or that `--read-only` excludes. Raises Forbidden."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_same = site == "same-origin" if site else origin is not None
    if not is_same or (origin is not None and urlsplit(origin)[:2] != ("http", request.host)):
        raise Forbidden("This form was not sent by the console. Nothing was changed.")
    if console().read_only and request.endpoint not in CHANGES_NOTHING:
        raise Forbidden("The console was started with --read-only. Nothing was changed.")
