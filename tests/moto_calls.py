"""Calls of the SDK to moto in this process: without a socket, and without a thread for each."""

import contextlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app


class Body(BytesIO):
    """What botocore reads an answer's body from."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@contextlib.contextmanager
def without_sockets(url: str) -> Iterator[None]:
    """Make botocore call moto, whose server is at `url`, as the server does. Other calls are sent."""
    sent, moto = URLLib3Session.send, DomainDispatcherApplication(create_backend_app)

    def send(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        return _answer(moto, request) if request.url.startswith(f"{url}/") else sent(session, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(URLLib3Session, "send", send)
        yield


def _answer(moto: DomainDispatcherApplication, request: AWSPreparedRequest) -> AWSResponse:
    status, headers = "", HTTPHeaders()

    def start(said: str, named: list[tuple[str, str]], *_: Any) -> None:
        nonlocal status
        status = said
        for name, value in named:
            headers[name] = value

    body = b"".join(moto(_environ(request), start))
    return AWSResponse(request.url, int(status.split()[0]), headers, Body(body))


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """A request as WSGI has it."""
    parts, body = urlsplit(request.url), request.body or b""
    content: Any = body.encode() if isinstance(body, str) else body
    if hasattr(content, "read"):
        content = content.read()
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path, "latin-1"),
        "QUERY_STRING": parts.query,
        "RAW_URI": parts.path + (f"?{parts.query}" if parts.query else ""),
        "REQUEST_URI": parts.path + (f"?{parts.query}" if parts.query else ""),
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": BytesIO(content),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    headers: dict[str, Any] = dict(request.headers.items())
    for name, value in headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = text
    environ["CONTENT_LENGTH"] = str(len(content))
    environ["CONTENT_TYPE"] = environ.get("HTTP_CONTENT_TYPE", "")
    return environ
