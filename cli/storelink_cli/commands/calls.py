"""One signed request to a store: `call` sends it, `curl` prints it."""

import contextlib
import json
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import requests
import typer

import storelink
from storelink.errors import Invalid
from storelink.oauth.credentials import Consumer, Token
from storelink.oauth.signature import authorization_header
from storelink.store import Store
from storelink_cli import lookup
from storelink_cli.commands.stores import STORE
from storelink_cli.context import Context, command
from storelink_cli.errors import bad_input
from storelink_cli.prompts import magento_value

ONE_TIME = "This line holds a one-time signature: whoever sees the line first can use it, once."


class Method(StrEnum):
    """The methods of Magento's REST API."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


_METHOD = typer.Argument(help="The HTTP method.", case_sensitive=False, show_default=False)
_PATH = typer.Argument(help="V1/orders/1, or a path below the store's URL.", show_default=False)
DATA = Annotated[
    str | None, typer.Option("--data", "-d", metavar="JSON", help="The body. “-” reads it from standard input.")
]
PARAM = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A query parameter; may be repeated.")
]
STORE_VIEW = Annotated[
    str | None, typer.Option(metavar="CODE", help="The store view that V1/… is called in; `all` for all of them.")
]


@command
def call(
    context: Context,
    store: STORE,
    method: Annotated[Method, _METHOD],
    path: Annotated[str, _PATH],
    data: DATA = None,
    param: PARAM = None,
    store_view: STORE_VIEW = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the body's bytes to a new file, or with “-” to a pipe."
        ),
    ] = None,
) -> None:
    """Call a store's REST API with a signed request and print the answer. Control characters are shown escaped."""
    body, parameters = _body(data), _parameters(param)
    _check_output(context, output)
    shop = storelink.connect(lookup.store(context.stack, store).url, stack=context.stack.name, store_view=store_view)
    response = shop.request(method.value, path, parameters, json=body)
    if output is None:
        _print(context, response)
    elif str(output) == "-":
        context.out.bytes(response.content)
    else:
        _write(output, response.content)
    response.raise_for_status()


def _print(context: Context, response: requests.Response) -> None:
    body: Any = response.text
    with contextlib.suppress(ValueError):
        body = response.json()
    if context.out.as_json:
        context.out.json({"status": response.status_code, "headers": dict(response.headers), "body": body})
    elif isinstance(body, str):
        context.out.text(body)
    else:
        context.out.json_for_people(body)


def _check_output(context: Context, output: Path | None) -> None:
    """Refuse, before the call is made, an --output that cannot be written. Raises Failure."""
    if output is None:
        return
    if context.out.as_json:
        raise bad_input("--output and --json exclude each other", "Give one of them.")
    if str(output) == "-" and context.out.is_terminal:
        raise bad_input("--output - writes raw bytes, which a terminal could obey", "Use a pipe, or name a file.")
    if output.exists():
        raise bad_input(f"{output} exists", "Nothing is overwritten: name a new file.")


def _write(file: Path, content: bytes) -> None:
    try:
        with file.open("xb") as opened:
            opened.write(content)
    except OSError as error:
        raise bad_input(f"{file}: {error.strerror}", "Name a new file in a folder that can be written.") from None


@command
def curl(
    context: Context,
    store: STORE,
    method: Annotated[Method | None, _METHOD] = None,
    path: Annotated[str, _PATH] = "",
    data: DATA = None,
    param: PARAM = None,
    store_view: STORE_VIEW = None,
    request_token: Annotated[
        bool, typer.Option("--request-token", help="The handshake's first request; asks for the values to sign with.")
    ] = False,
    access_token: Annotated[
        bool, typer.Option("--access-token", help="The handshake's second request; asks for the values to sign with.")
    ] = False,
) -> None:
    """Print a cURL command with a signed Authorization header (HMAC-SHA256)."""
    if request_token or access_token:
        if method or path or data or param or store_view or (request_token and access_token):
            wrong = "takes only a store and one of --request-token, --access-token"
            raise Invalid({"the handshake's request": wrong})
        request = _handshake(lookup.read_store(store), access=access_token)
    elif not (method and path):
        raise Invalid({"METHOD and PATH": "are missing: storelink curl STORE GET V1/store/storeConfigs"})
    else:
        body, parameters = _body(data), _parameters(param)
        shop = storelink.connect(
            lookup.store(context.stack, store).url, stack=context.stack.name, store_view=store_view
        )
        request = shop.prepared(method.value, path, parameters, json=body)
    shown = _shown(request)
    if context.out.as_json:
        context.out.json(shown)
    else:
        context.out.text(shown["curl"])
    context.out.note(ONE_TIME, "yellow")


def _shown(request: requests.PreparedRequest) -> dict[str, Any]:
    """A signed request with the headers that it needs, and as a cURL command: {method, url, headers, body, curl}.

    The command is a line for a POSIX shell. Its options keep cURL, which adds headers of its own, from changing the
    URL, which is signed.
    """
    method, url = str(request.method), str(request.url)
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
    words = ["curl", "--globoff", "--path-as-is", "--request", method]
    for name, value in headers.items():
        words += ["--header", f"{name}: {value}"]
    if body:
        words += ["--data-raw", body]
    elif method in ("POST", "PUT"):
        words += ["--header", "Content-Length: 0"]
    shown = {"method": method, "url": url, "headers": headers, "body": json.loads(body) if body else None}
    return {**shown, "curl": shlex.join([*words, url])}


def _handshake(store: Store, access: bool) -> requests.PreparedRequest:
    """The request for a token, signed with what Magento posted to the callback URL. access: for the access token."""
    consumer = Consumer(
        magento_value("Consumer key", "STORELINK_CONSUMER_KEY", hidden=False),
        magento_value("Consumer secret", "STORELINK_CONSUMER_SECRET"),
    )
    token = verifier = None
    if access:
        token = Token(
            magento_value("Request token", "STORELINK_REQUEST_TOKEN"),
            magento_value("Request token secret", "STORELINK_REQUEST_TOKEN_SECRET"),
        )
        verifier = magento_value("Verifier", "STORELINK_VERIFIER")
    url = f"{store.url}oauth/token/{'access' if access else 'request'}"
    header = authorization_header("POST", url, consumer, token, verifier)
    return requests.Request("POST", url, {"Authorization": header}).prepare()


def _body(data: str | None) -> Any:
    """The value of --data, parsed as JSON. Raises Invalid."""
    if data is None:
        return None
    try:
        return json.loads(typer.get_text_stream("stdin").read() if data == "-" else data)
    except (ValueError, RecursionError) as error:
        raise Invalid({"--data": f"is not JSON: {error}"}) from None


def _parameters(given: list[str] | None) -> list[tuple[str, str]] | None:
    """The pairs of --param. Raises Invalid."""
    pairs = [one.partition("=") for one in given or []]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise Invalid({"--param": f"{wrong[0]} has no “=”: write name=value"})
    return [(name, text) for name, _, text in pairs] or None
