"""`call` and `curl`: one signed request to a store, made or written down."""

import contextlib
import json
import re
from typing import Annotated, Any

import requests
import typer

import storelink
from storelink.errors import Invalid
from storelink.oauth.credentials import TOKEN_PATTERN, Consumer, Token
from storelink.oauth.signature import authorization_header
from storelink.store import Store
from storelink_cli.command import Run, command, value
from storelink_cli.curl import Request
from storelink_cli.naming import store_of

ONE_TIME = "This line holds a one-time signature: it works once, and whoever sees it first can use it."

_METHOD = re.compile(r"[A-Z]+")

STORE = Annotated[str, typer.Argument(help="A store URL, a host, or a connection id.", show_default=False)]
METHOD = Annotated[str, typer.Argument(help="GET, POST, PUT, DELETE, …", show_default=False)]
PATH = Annotated[str, typer.Argument(help="V1/orders/1, or below the store's URL.", show_default=False)]
DATA = Annotated[str | None, typer.Option("--data", "-d", metavar="JSON", help="The body. “-” reads standard input.")]
PARAM = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="A query parameter; may be repeated.")
]
STORE_VIEW = Annotated[
    str | None, typer.Option(metavar="CODE", help="The store view that V1/… goes to; all for all of them.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(call)
    app.command()(curl)


@command
def call(
    run: Run,
    store: STORE,
    method: METHOD,
    path: PATH,
    data: DATA = None,
    param: PARAM = None,
    store_view: STORE_VIEW = None,
) -> None:
    """Call a store's REST API, signed, and print what it answers."""
    method, body, parameters = _method(method), _body(data), _parameters(param)
    shop = storelink.connect(store_of(run.stack, store).url, stack=run.stack.name, store_view=store_view)
    answer = shop.request(method, path, parameters, json=body)
    told: Any = answer.text
    with contextlib.suppress(ValueError):
        told = answer.json()
    if run.out.as_json:
        run.out.json({"status": answer.status_code, "headers": dict(answer.headers), "body": told})
    elif isinstance(told, str):
        run.out.text(told)
    else:
        run.out.console.print_json(json.dumps(told))
    answer.raise_for_status()


@command
def curl(
    run: Run,
    store: STORE,
    method: Annotated[str, typer.Argument(help="GET, POST, …", show_default=False)] = "",
    path: Annotated[str, typer.Argument(help="As for call.", show_default=False)] = "",
    data: DATA = None,
    param: PARAM = None,
    store_view: STORE_VIEW = None,
    request_token: Annotated[
        bool, typer.Option("--request-token", help="The handshake's first request; asks for what signs it.")
    ] = False,
    access_token: Annotated[
        bool, typer.Option("--access-token", help="The handshake's second request; asks for what signs it.")
    ] = False,
) -> None:
    """Print a ready cURL line with the Authorization header (HMAC-SHA256)."""
    if request_token or access_token:
        if method or path or data or param or store_view or (request_token and access_token):
            raise Invalid(
                {"the handshake's request": "takes a store alone, and one of --request-token, --access-token"}
            )
        request = _handshake(Store.from_url(store if "://" in store else f"https://{store}/"), access=access_token)
    elif not (method and path):
        raise Invalid({"METHOD and PATH": "are missing: storelink curl STORE GET rest/V1/store/storeConfigs"})
    else:
        asked = _method(method), path, _parameters(param)
        shop = storelink.connect(store_of(run.stack, store).url, stack=run.stack.name, store_view=store_view)
        request = _written(shop.prepared(*asked, json=_body(data)))
    if run.out.as_json:
        run.out.json(request.to_dict())
    else:
        run.out.text(request.to_curl())
    run.out.aside(ONE_TIME, style="yellow")


def _written(prepared: requests.PreparedRequest) -> Request:
    """A request with those of its headers that it takes; cURL has its own for the rest."""
    headers = {name: prepared.headers[name] for name in ("Authorization", "Content-Type") if name in prepared.headers}
    body = prepared.body.decode() if isinstance(prepared.body, bytes) else prepared.body
    return Request(str(prepared.method), str(prepared.url), headers, body)


def _handshake(store: Store, access: bool) -> Request:
    """The request for a token, signed by what Magento posted to the callback URL, and for the second one its answer."""
    consumer = Consumer(
        _secret("Consumer key", "STORELINK_CONSUMER_KEY", hidden=False),
        _secret("Consumer secret", "STORELINK_CONSUMER_SECRET"),
    )
    token = verifier = None
    if access:
        token = Token(
            _secret("Request token", "STORELINK_REQUEST_TOKEN"),
            _secret("Request token secret", "STORELINK_REQUEST_TOKEN_SECRET"),
        )
        verifier = _secret("Verifier", "STORELINK_VERIFIER")
    url = f"{store.url}oauth/token/{'access' if access else 'request'}"
    return Request("POST", url, {"Authorization": authorization_header("POST", url, consumer, token, verifier)})


def _secret(name: str, variable: str, hidden: bool = True) -> str:
    given = value(name, variable, hidden)
    if not TOKEN_PATTERN.fullmatch(given):
        raise Invalid({name: "must be 32 characters of a-z and 0-9"})
    return given


def _method(text: str) -> str:
    if not _METHOD.fullmatch(text.upper()):
        raise Invalid({"METHOD": "is not one: write GET, POST, PUT or DELETE"})
    return text.upper()


def _body(data: str | None) -> Any:
    """The body that --data gives, read as JSON."""
    if data is None:
        return None
    try:
        return json.loads(typer.get_text_stream("stdin").read() if data == "-" else data)
    except ValueError as wrong:
        raise Invalid({"--data": f"is not JSON: {wrong}"}) from None


def _parameters(given: list[str] | None) -> list[tuple[str, str]] | None:
    pairs = [one.partition("=") for one in given or []]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise Invalid({"--param": f"{wrong[0]} has no “=”: write name=value"})
    return [(name, text) for name, _, text in pairs] or None
