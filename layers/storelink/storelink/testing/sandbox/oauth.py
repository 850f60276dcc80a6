"""Magento's token endpoints: the request step and the access step."""

from __future__ import annotations

from flask import Response

from storelink.testing.sandbox.integrations import Token
from storelink.testing.sandbox.refusal import Refused
from storelink.testing.sandbox.responses import form_response, respond, the_store


def request_token() -> Response:
    """Do the request step: verifier to request token."""
    return respond("request", lambda sent, met: _token(the_store().request_token(sent, met.methods)), _problem)


def access_token() -> Response:
    """Do the access step: request token and verifier to access token."""
    return respond("access", lambda sent, met: _token(the_store().access_token(sent, met.methods)), _problem)


def _token(token: Token) -> Response:
    return form_response({"oauth_token": token.token, "oauth_token_secret": token.secret})


def _problem(refused: Refused) -> Response:
    problem = f"internal_error&message={refused.problem}" if refused.status == 500 else refused.problem
    return form_response({"oauth_problem": problem}, refused.status)
