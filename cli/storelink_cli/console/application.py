"""The console as a Flask application."""

import re
import secrets
from typing import Any

from flask import Flask, render_template
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from storelink.advice import ACTIONS, REASONS
from storelink_cli.console import actions, pages, safety
from storelink_cli.console.context import Console
from storelink_cli.errors import CONVERTED, Exit, Failure, fault
from storelink_cli.escape import escape
from storelink_cli.lookup import REFERENCE_LENGTH, address_of
from storelink_cli.times import age, iso

MAX_FORM_BYTES = 16 * 1024

_STATUS = {Exit.USAGE: 400, Exit.NOT_FOUND: 404, Exit.REFUSED: 409, Exit.UNAVAILABLE: 503, Exit.FAULT: 500}
"""HTTP statuses of failures; of others 502."""


def create(console: Console, token: str, port: int) -> Flask:
    """The application. token: what the first visit shows. port: where it is served."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        SESSION_COOKIE_NAME=f"storelink-console-{port}",  # a browser sends cookies to every port of a host
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
    )
    app.extensions["console"] = console
    app.jinja_env.finalize = _shown
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {"age": age, "iso": iso, "reference": lambda id_: id_[:REFERENCE_LENGTH]}
    app.jinja_env.filters |= {"address": address_of, "breakable": _breakable, "commands": _commands}
    app.jinja_env.globals |= {"REASONS": REASONS, "ACTIONS": ACTIONS}
    app.jinja_env.tests["failure"] = lambda value: isinstance(value, Failure)
    app.context_processor(lambda: {"stack": console.stack, "read_only": console.read_only})
    safety.protect(app, token, port)
    app.register_blueprint(pages.routes)
    app.register_blueprint(actions.routes)
    app.register_error_handler(Failure, _failed)
    for kind in CONVERTED:
        app.register_error_handler(kind, lambda error: _failed(Failure.of(error)))
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, lambda error: _failed(fault(error)))
    return app


def _shown(value: Any) -> Any:
    """A value as a template shows it: text of stores and of the API escaped as in a terminal, and no None."""
    if value is None:
        return ""
    return escape(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(text: str) -> Markup:
    """A URL or an address that may be broken behind its dots and slashes, and nowhere else."""
    return Markup("<wbr>").join(re.split(r"(?<=[./])(?=[^./])", _shown(text)))


def _commands(text: str) -> Markup:
    """A text with its `commands` in <code>."""
    parts = re.split("`([^`]+)`", _shown(text))
    return Markup("").join(Markup("<code>{}</code>").format(one) if nth % 2 else one for nth, one in enumerate(parts))


def _failed(failure: Failure) -> tuple[str, int]:
    return render_template("failure.html", failure=failure), _STATUS.get(failure.code, 502)


def _refused(error: HTTPException) -> tuple[str, int]:
    failure = Failure(Exit.USAGE, error.name, str(error.description), "")
    return render_template("failure.html", failure=failure), error.code or 500
