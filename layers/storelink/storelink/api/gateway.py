"""Where a function meets its caller: API Gateway's HTTP API (payload 2.0), or the state machine's plain input."""

import base64
import binascii
import functools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.errors import CallFailed, Invalid, NotAdmitted, Rejected, StorelinkError, Unavailable
from storelink.models import ActivationId
from storelink.observability import logger

MAX_BODY_BYTES = 8 * 1024
"""Bytes that a request's body may have; Magento's form has some 300."""

FORM = "application/x-www-form-urlencoded"

Event = dict[str, Any]
Response = dict[str, Any]
Handler = Callable[[Event, LambdaContext], Response]


class BadRequest(Exception):
    """A request refused for its form alone. status: HTTP's."""

    def __init__(self, status: int, error: str, advice: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = {"error": error, "advice": advice}
        self.headers = headers or {}
        super().__init__(error)


def json_api(function: Handler) -> Handler:
    """Turn what a handler returns and raises into the API's answer; the state machine gets it as it is."""

    @functools.wraps(function)
    def handler(event: Event, context: LambdaContext) -> Response:
        if not _is_request(event):
            return function(event, context)
        try:
            result = function(event, context)
        except BadRequest as refused:
            return json_response(refused.status, refused.body, refused.headers)
        except Invalid as invalid:
            status = {"not-found": 404, "claimed": 409}.get(invalid.reason, 400)
            body = {"error": invalid.reason, "fields": invalid.fields, "advice": invalid.advice}
            return json_response(status, body)
        except NotAdmitted as refused:
            return json_response(403, _told(refused))
        except Unavailable as unavailable:
            logger.warning("not now", reason=unavailable.reason, problem=unavailable.problem)
            return json_response(503, _told(unavailable), {"Retry-After": "15"})
        except (Rejected, CallFailed) as refused:
            return json_response(422, _told(refused))
        return result if "statusCode" in result else json_response(200, result)

    return handler


def json_response(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})},
        "body": json.dumps(body),
    }


def parse_form(event: Event) -> dict[str, str]:
    """The form of a POST as Magento sends it, whatever other headers come with it.

    Raises Unacceptable (405, 413, 415), Invalid where a field stands twice.
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
        raise BadRequest(400, "bad-input", f"Send a body that reads as {FORM} in UTF-8.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        names = [name for name, _ in pairs]
        raise Invalid({name: "stands more than once" for name in form if names.count(name) > 1})
    return form


def path_parameter(event: Event, name: str) -> str | None:
    """A part of the path that the route names."""
    value: str | None = (event.get("pathParameters") or {}).get(name)
    return value


def query_parameters(event: Event) -> dict[str, str]:
    """The query's parameters; one that stands twice has its values joined by commas."""
    return event.get("queryStringParameters") or {}


def json_body(event: Event) -> dict[str, Any]:
    """An operator's JSON body; {} where there is none. Raises Invalid, Unacceptable."""
    try:
        told = json.loads(_body(event) or b"{}")
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Invalid({"body": "must be a JSON object"})
    return told


def public_url(event: Event, path: str) -> str:
    """A URL of this API, by the host that the caller reached it under."""
    return f"{header(event, 'x-forwarded-proto') or 'https'}://{header(event, 'host')}{path}"


def read_activation_id(event: Event) -> ActivationId:
    """The activation that an operator's JSON body or the state machine's input names. Raises Invalid, Unacceptable."""
    told = json_body(event) if _is_request(event) else event
    activation_id = ActivationId.from_text(told.get("activation_id"))
    logger.append_keys(activation_id=str(activation_id))
    return activation_id


def lease_holder(event: Event, context: LambdaContext) -> str:
    """Who runs a step: the execution, the same in every retry, or this one request of an operator."""
    return str(event.get("holder") or context.aws_request_id)


def _is_request(event: Event) -> bool:
    return "requestContext" in event


def header(event: Event, name: str) -> str:
    """A request's header, by its name in lower case; "" where there is none."""
    return str(event.get("headers", {}).get(name, ""))


def _body(event: Event) -> bytes:
    """The body as it was on the wire. Raises Unacceptable (413, 400)."""
    text = event.get("body") or ""
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, ValueError):
        raise BadRequest(400, "bad-input", "Send a body that can be read.") from None
    if len(body) > MAX_BODY_BYTES:
        raise BadRequest(413, "content-too-large", f"Send at most {MAX_BODY_BYTES} bytes.")
    return body


def _told(error: StorelinkError) -> dict[str, str]:
    return {"error": error.reason, "problem": error.problem, "advice": error.advice}
