"""API Gateway's HTTP API (payload 2.0): reads requests, and writes JSON responses and errors.

The state machine calls the same handlers with plain input; they answer it with plain output and raise their errors.
"""

import base64
import binascii
import functools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext as LambdaContext  # for handlers, too

from storelink.errors import Invalid, NotAdmitted, StorelinkError, Unavailable
from storelink.models import ActivationId
from storelink.observability import logger

MAX_BODY_BYTES = 8 * 1024
"""Bytes of a request's body. Magento's form has some 300."""

FORM = "application/x-www-form-urlencoded"

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}

Event = dict[str, Any]
Response = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Response]

_STATUS = {"not-found": 404, "claimed": 409}
"""Statuses of reasons of Invalid, where they are not 400."""


class BadRequest(Exception):
    """Raised when a request is refused for its form. status: HTTP's."""

    def __init__(self, status: int, error: str, advice: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = {"error": error, "advice": advice}
        self.headers = headers or {}
        super().__init__(error)


def json_api(function: Handler) -> Handler:
    """Turn what a handler returns or raises into a JSON response, when API Gateway calls it; set up its log lines."""

    @logger.inject_lambda_context(clear_state=True)
    @functools.wraps(function)
    def handler(event: Event, context: LambdaContext) -> Response:
        if not _is_request(event):
            return function(event, context)
        try:
            result = function(event, context)
        except (BadRequest, StorelinkError) as error:
            return error_response(error)
        return result if "statusCode" in result else json_response(200, result)

    return handler


def json_response(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return {"statusCode": status, "headers": HEADERS | (headers or {}), "body": json.dumps(body)}


def error_response(error: BadRequest | StorelinkError) -> Response:
    """The response to an error: {error, problem, advice}, or {error, fields, advice} when fields are wrong."""
    if isinstance(error, BadRequest):
        return json_response(error.status, error.body, error.headers)
    if isinstance(error, Invalid):
        body = {"error": error.reason, "fields": error.fields, "advice": error.advice}
        return json_response(_STATUS.get(error.reason, 400), body)
    body = {"error": error.reason, "problem": error.problem, "advice": error.advice}
    if isinstance(error, NotAdmitted):
        return json_response(403, body)
    if isinstance(error, Unavailable):
        logger.warning("temporarily unavailable", reason=error.reason, problem=error.problem)
        return json_response(503, body, {"Retry-After": "15"})
    return json_response(422, body)


def parse_form(event: Event) -> dict[str, str]:
    """The form of a POST as Magento sends it. Other headers than Content-Type do not matter.

    Raises BadRequest (400, 405, 413, 415), Invalid when a field is there twice.
    """
    method = event["requestContext"]["http"]["method"]
    if method != "POST":
        raise BadRequest(405, "method-not-allowed", f"Send POST, not {method}.", {"Allow": "POST"})
    body = _body(event)
    if header(event, "content-type").partition(";")[0].strip().lower() != FORM:
        raise BadRequest(415, "unsupported-media-type", f"Send the fields as {FORM}.")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise BadRequest(400, "bad-input", f"Send a body that is {FORM} in UTF-8.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        names = [name for name, _ in pairs]
        raise Invalid({name: "is there more than once" for name in form if names.count(name) > 1})
    return form


def path_parameter(event: Event, name: str) -> str | None:
    """A parameter of the route's path, None when the route has none of this name."""
    value: str | None = (event.get("pathParameters") or {}).get(name)
    return value


def query_parameters(event: Event) -> dict[str, str]:
    """The query's parameters. API Gateway joins the values of a repeated one by commas."""
    return event.get("queryStringParameters") or {}


def json_body(event: Event) -> dict[str, Any]:
    """An operator's JSON body, {} when there is none. Raises Invalid, BadRequest (400, 413)."""
    try:
        body = json.loads(_body(event) or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Invalid({"body": "must be a JSON object"})
    return body


def public_url(event: Event, path: str) -> str:
    """A URL of this API, under the host that the caller used."""
    return f"{header(event, 'x-forwarded-proto') or 'https'}://{header(event, 'host')}{path}"


def caller(event: Event) -> str:
    """Who signed an operator's call: the last part of the IAM principal's ARN, else "an operator"."""
    authorizer = event["requestContext"].get("authorizer") or {}
    arn = str((authorizer.get("iam") or {}).get("userArn") or "")
    return arn.rpartition("/")[2] or "an operator"


def is_same_origin(event: Event) -> bool | None:
    """Whether a page of this API sent the request, by Fetch Metadata, else by its origin (RFC 6454).

    None when the browser says neither.
    """
    if site := header(event, "sec-fetch-site"):
        return site == "same-origin"
    origin = header(event, "origin")
    return origin == public_url(event, "") if origin else None


def read_activation_id(event: Event) -> ActivationId:
    """The activation's id in an operator's JSON body or the state machine's input. Raises Invalid, BadRequest."""
    source = json_body(event) if _is_request(event) else event
    activation_id = ActivationId.from_text(source.get("activation_id"))
    logger.append_keys(activation_id=str(activation_id))
    return activation_id


def lease_holder(event: Event, context: LambdaContext) -> str:
    """What runs a step: the execution, the same in every retry, or one request of an operator."""
    return str(event.get("holder") or context.aws_request_id)


def _is_request(event: Event) -> bool:
    return "requestContext" in event


def header(event: Event, name: str) -> str:
    """A request's header by its name in lower case, "" when it is missing."""
    return str(event.get("headers", {}).get(name, ""))


def _body(event: Event) -> bytes:
    """The body's bytes. Raises BadRequest (413, 400)."""
    text = event.get("body") or ""
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, ValueError):
        raise BadRequest(400, "bad-input", "Send a body that can be read.") from None
    if len(body) > MAX_BODY_BYTES:
        raise BadRequest(413, "content-too-large", f"Send at most {MAX_BODY_BYTES} bytes.")
    return body
