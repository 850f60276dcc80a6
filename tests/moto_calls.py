"""Calls of the SDK to moto in this process: without a socket, and without a thread for each."""

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore import useragent
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from moto.core import responses
from moto.core.botocore_stubber import MockRawResponse
from moto.core.request import Request
from moto.dynamodb.responses import DynamoHandler
from moto.events.responses import EventsHandler
from moto.kms.responses import KmsResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.sqs.responses import SQSResponse
from moto.stepfunctions.responses import StepFunctionResponse
from werkzeug import Response

HANDLERS = {
    "AWSEvents": EventsHandler,
    "AWSStepFunctions": StepFunctionResponse,
    "AmazonSQS": SQSResponse,
    "DynamoDB_20120810": DynamoHandler,
    "TrentService": KmsResponse,
    "secretsmanager": SecretsManagerResponse,
}
"""Where moto's server ends up with a call, by what the SDK names as its target."""


@contextlib.contextmanager
def without_sockets(url: str) -> Iterator[None]:
    """Make botocore call moto, whose server is at `url`, as the server does. Other calls are sent."""
    sent, moto = URLLib3Session.send, DomainDispatcherApplication(create_backend_app)

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        return _answer(moto, request) if request.url.startswith(f"{url}/") else sent(session, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(URLLib3Session, "send", send)
        for module, name in (
            (responses, "method_names_from_class"),
            (useragent, "sanitize_user_agent_string_component"),
        ):
            patch.setattr(module, name, cache(getattr(module, name)))  # found out anew for each call
        yield


def answer(url: str, status: int, named: Any, body: str | bytes) -> AWSResponse:
    """An answer as botocore has it. named: its headers."""
    headers = HTTPHeaders()
    for name, value in named.items():
        headers[name] = value
    return AWSResponse(url, status, headers, MockRawResponse(body))


def _answer(moto: DomainDispatcherApplication, request: AWSPreparedRequest) -> AWSResponse:
    made = Request.from_primitives(request.method, request.url, request.headers, request.body)
    if handler := HANDLERS.get(made.headers.get("X-Amz-Target", "").partition(".")[0]):
        status, headers, body = handler.dispatch(made, made.raw_url, dict(made.headers))
        return answer(request.url, status, headers, body)
    answered = Response.from_app(moto, made.environ)
    return answer(request.url, answered.status_code, answered.headers, answered.data)
