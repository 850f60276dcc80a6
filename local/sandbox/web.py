"""The sandbox stores on HTTP: Magento's token endpoints, signed REST, an admin page, controls for scripts.

One server plays several stores: the default one at `/`, and at `/stores/NAME/` as many as are asked for.
"""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from flask import Blueprint, Flask, Response, abort, g, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from local.sandbox import catalog
from local.sandbox.accounts import Kind
from local.sandbox.catalog import BadCriteria
from local.sandbox.refusal import Refused
from local.sandbox.store import (
    DEFAULT_INTEGRATION,
    WORDS,
    Activation,
    Interference,
    SandboxStore,
    Token,
    UnknownIntegration,
)
from local.sandbox.verify import SignedRequest

CALLBACK_TIMEOUT = 5.0  # seconds: oauth/consumer/post_timeout
HTML = "text/html; charset=UTF-8"
JSON = "application/json; charset=utf-8"
HUGE = 1024 * 1024  # bytes
VERSION = "Magento/2.4 (Community)"
NO_ROUTE = "Request does not match any route."
INTERNAL_ERROR = "SQLSTATE[HY000] [2002] Connection refused"
SUCCESS_PATH = "admin/integration/loginSuccessCallback/"

STORE_CODES = ("all", *catalog.VIEWS)


class PortTaken(OSError):
    """The port asked for is not free."""

    def __init__(self, host: str, port: int) -> None:
        mend = "Stop what listens there, or choose another with --port."
        super().__init__(f"Port {port} on {host} is taken. {mend}")
        self.port = port


class Sandbox:
    """A running server of sandbox stores."""

    def __init__(self, origin: str, port: int, callback_url: str | None, identity_url: str | None) -> None:
        self.origin = origin
        self.port = port
        self.callback_url = callback_url
        self.identity_url = identity_url
        self.closing = threading.Event()
        self._stores: dict[str | None, SandboxStore] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The default store's base URL, ending in `/`."""
        return f"{self.origin}/"

    def store(self, name: str | None = None) -> SandboxStore:
        """The default store, or the one at `/stores/NAME/`, made on first use.

        A name is of `a` to `z`, digits and `-`, so its base URL needs no encoding; else raises ValueError.
        """
        if name is not None and not re.fullmatch(r"[a-z0-9-]+", name):
            raise ValueError(f"A store's name is of a to z, digits and -, not {name!r}.")
        with self._lock:
            if name not in self._stores:
                self._stores[name] = SandboxStore(self.url if name is None else f"{self.url}stores/{name}/")
            return self._stores[name]


@contextmanager
def serve(
    port: int = 0,
    host: str = "127.0.0.1",
    callback_url: str | None = None,
    identity_url: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Sandbox]:
    """Run sandbox stores in the background for as long as the context lasts.

    Port 0 takes a free one. `callback_url` and `identity_url` are what the controls and the admin page use
    where they are told nothing else. `tls` is what https is served with, instead of http. Raises PortTaken.
    """
    with _listening(host, port) as listener:
        port = listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        scheme = "https" if tls else "http"
        sandbox = Sandbox(f"{scheme}://{name}:{port}", port, callback_url, identity_url)
        app = application(sandbox)
        server = make_server(
            host, port, app, threaded=True, request_handler=_Quiet, fd=listener.fileno(), ssl_context=tls
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="sandbox-store", daemon=True)
    thread.start()
    try:
        yield sandbox
    finally:
        sandbox.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _listening(host: str, port: int) -> socket.socket:
    # Bound here: werkzeug would end the process on a port that is taken.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        raise
    return listener


class _Quiet(WSGIRequestHandler):
    def send_response(self, code: int, message: str | None = None) -> None:
        """The status alone: what follows has a Date of the store's own clock."""
        self.send_response_only(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No access log: a sandbox's URLs and tests' output are better without."""


def application(sandbox: Sandbox) -> Flask:
    """The WSGI application that plays all of `sandbox`'s stores."""
    app = Flask(__name__, template_folder=str(Path(__file__).parent / "pages"), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = HUGE
    app.url_map.merge_slashes = False  # a redirect would hide a wrong URL from the client
    routes = Blueprint("store", __name__)

    @routes.url_value_preprocessor
    def find_store(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.sandbox = sandbox
        try:
            g.store = sandbox.store((values or {}).pop("name", None))
        except ValueError as error:
            abort(404, str(error))
        below = request.path.removeprefix(urlsplit(g.store.base_url).path)
        if not g.store.rewrites and not below.startswith(("index.php/", "sandbox/")):
            abort(404)

    @routes.after_request
    def tell_time(response: Response) -> Response:
        now = g.store.now() if "store" in g else time.time()
        response.date = datetime.fromtimestamp(now, UTC)
        return response

    routes.add_url_rule("/", view_func=home)
    routes.add_url_rule("/magento_version", view_func=version)
    for step in (oauth_token_request, oauth_token_access):
        path = "/" + step.__name__.replace("_", "/")
        routes.add_url_rule(path, view_func=step, methods=["GET", "POST"], strict_slashes=False)
    every_method = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes.add_url_rule("/rest/<path:route>", view_func=rest, methods=every_method)
    routes.add_url_rule("/admin", view_func=admin, strict_slashes=False)
    routes.add_url_rule(f"/{SUCCESS_PATH}", view_func=login_success_callback)
    for control in (activate, reauthorize, delete, trouble, clock, expire, deny):
        routes.add_url_rule(f"/sandbox/{control.__name__}", view_func=control, methods=["POST"])
    routes.add_url_rule("/sandbox/trouble", view_func=clear_troubles, methods=["DELETE"])
    routes.add_url_rule("/sandbox/state", view_func=state)
    app.register_blueprint(routes, name="default")
    app.register_blueprint(routes, name="named", url_prefix="/stores/<name>")
    app.register_blueprint(routes, name="default_unwritten", url_prefix="/index.php")
    app.register_blueprint(routes, name="named_unwritten", url_prefix="/stores/<name>/index.php")
    app.register_error_handler(UnknownIntegration, lambda error: _json({"message": error.args[0]}, 404))
    app.register_error_handler(HTTPException, _http_error)
    return app


def _http_error(error: HTTPException) -> Response:
    prefix = urlsplit(g.store.base_url).path if "store" in g else "/"
    if request.path.startswith(f"{prefix}sandbox/"):
        return _json({"message": error.description}, error.code or 500)
    return _page(error.code or 500, error.name, error.description or "")


# Token endpoints


def oauth_token_request() -> Response:
    """The request step: verifier to request token."""
    return _signed("request", lambda sent, methods: _token(_store().request_token(sent, methods)), _problem)


def oauth_token_access() -> Response:
    """The access step: request token and verifier to access token."""
    return _signed("access", lambda sent, methods: _token(_store().access_token(sent, methods)), _problem)


def _token(token: Token) -> Response:
    return _form({"oauth_token": token.token, "oauth_token_secret": token.secret})


def _problem(refused: Refused) -> Response:
    return _form({"oauth_problem": refused.problem}, refused.status)


def _form(fields: dict[str, str], status: int = 200) -> Response:
    return Response(urlencode(fields), status, content_type=HTML)


# REST


@dataclass(frozen=True)
class Call:
    """One REST call: its path after V1/ in a store view, and the query and body as they came."""

    view: str
    path: str
    query: str
    body: Any


@dataclass(frozen=True)
class Resource:
    """What answers a method and path, and the ACL resource that it needs; None where anybody may call it."""

    method: str
    path: re.Pattern[str]
    acl: str | None
    answer: Callable[[Call], object]


def rest(route: str) -> Response:
    """A REST call: `[STORE CODE/]V1/…`, signed with the access token or with a user's token as Bearer."""
    first, _, rest_of_route = route.partition("/")
    view, path = (first, rest_of_route) if first in STORE_CODES else ("default", route)
    version, _, wanted = path.partition("/")
    found = [one for one in RESOURCES if one.method == request.method and one.path.fullmatch(wanted)]
    if version != "V1" or not found:
        return _json({"message": NO_ROUTE}, 404)
    resource = found[0]
    asked = Call(view, wanted, request.query_string.decode(), request.get_json(silent=True))

    def call(sent: SignedRequest, methods: tuple[str, ...]) -> Response:
        if resource.acl is not None:
            _authorize(sent, resource.acl, methods)
        return _json(resource.answer(asked))

    def refusal(refused: Refused) -> Response:
        return _json(_described(refused), refused.status)

    return _signed("rest", call, refusal)


def _authorize(sent: SignedRequest, acl: str, methods: tuple[str, ...]) -> None:
    token = _bearer()
    if token is None:
        _store().authorize(sent, acl, methods)
    else:
        _store().authorize_bearer(token, acl)


def _bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else None


def _logged_in(kind: Kind) -> Callable[[Call], str]:
    def log_in(call: Call) -> str:
        told = _fields(call, "username", "password")
        return _store().accounts.log_in(kind, *told)

    return log_in


def _logged_in_with_otp(call: Call) -> str:
    return _store().accounts.log_in("admin", *_fields(call, "username", "password", "otp"))


def _fields(call: Call, *names: str) -> list[str]:
    told = call.body if isinstance(call.body, dict) else {}
    for name in names:
        if not told.get(name):
            raise Refused(400, '"%fieldName" is required. Enter and try again.', {"fieldName": name})
    return [str(told[name]) for name in names]


def _revoke(call: Call) -> bool:
    _store().accounts.revoke(_bearer() or "")
    return True


def _searched(items: Callable[[str], list[catalog.Item]]) -> Callable[[Call], object]:
    def search(call: Call) -> object:
        try:
            return catalog.search(items(call.view), call.query).to_dict()
        except BadCriteria as bad:
            parameters = {"fieldName": "searchCriteria"} if "%fieldName" in str(bad) else {}
            raise Refused(400, str(bad), parameters) from None

    return search


def _product(call: Call) -> object:
    sku = call.path.partition("/")[2]
    for product in catalog.products(call.view):
        if product["sku"] == sku:
            return product
    raise Refused(404, "The product that was requested doesn't exist. Verify the product and try again.")


def _order(call: Call) -> object:
    number = call.path.split("/")[1]
    for order in catalog.orders(call.view):
        if str(order["entity_id"]) == number:
            return order
    named = {"fieldName": "orderId", "fieldValue": number}
    raise Refused(404, "The entity that was requested doesn't exist. Verify %fieldName = %fieldValue.", named)


def _commented(call: Call) -> object:
    _order(call)
    return True


def _described(refused: Refused) -> dict[str, Any]:
    body: dict[str, Any] = {"message": refused.message}
    if refused.errors:
        body["errors"] = [_described(error) for error in refused.errors]
    if refused.parameters:
        body["parameters"] = refused.parameters
    return body


def _store_configs(call: Call) -> list[dict[str, Any]]:
    base_url = _store().base_url
    default = {
        "id": 1,
        "code": "default",
        "website_id": 1,
        "locale": "en_US",
        "base_currency_code": "USD",
        "default_display_currency_code": "USD",
        "timezone": "UTC",
        "weight_unit": "lbs",
        "base_url": base_url,
        "base_link_url": base_url,
        "base_static_url": f"{base_url}static/",
        "base_media_url": f"{base_url}media/",
        "secure_base_url": base_url,
        "secure_base_link_url": base_url,
        "secure_base_static_url": f"{base_url}static/",
        "secure_base_media_url": f"{base_url}media/",
    }
    return [default]


def _modules(call: Call) -> list[str]:
    return [
        "Magento_Store",
        "Magento_Config",
        "Magento_AdminNotification",
        "Magento_Backend",
        "Magento_Integration",
    ]


def _me(call: Call) -> object:
    return {"id": 1, "email": "customer@shop.example", "firstname": "Ada", "lastname": "Customer"}


RESOURCES = [
    Resource(method, re.compile(path), acl, answer)
    for method, path, acl, answer in (
        ("GET", "store/storeConfigs", "Magento_Backend::store", _store_configs),
        ("GET", "modules", "Magento_Backend::admin", _modules),
        ("GET", "products", "Magento_Catalog::products", _searched(catalog.products)),
        ("GET", "products/[^/]+", "Magento_Catalog::products", _product),
        ("GET", "orders", "Magento_Sales::actions_view", _searched(catalog.orders)),
        ("GET", "orders/[0-9]+", "Magento_Sales::actions_view", _order),
        ("POST", "orders/[0-9]+/comments", "Magento_Sales::comment", _commented),
        ("GET", "customers/me", "self", _me),
        ("POST", "integration/customer/revoke-customer-token", "self", _revoke),
        ("POST", "integration/customer/token", None, _logged_in("customer")),
        ("POST", "integration/admin/token", None, _logged_in("admin")),
        ("POST", "tfa/provider/google/authenticate", None, _logged_in_with_otp),
    )
]
"""What the REST API has, after V1/."""


# What a signed request meets, and its troubles

Step = Callable[[SignedRequest, tuple[str, ...]], Response]
Refusal = Callable[[Refused], Response]


def _signed(endpoint: str, step: Step, refusal: Refusal) -> Response:
    """Answer one request: do `step`, unless a trouble comes before it or stands between it and its answer."""
    store = _store()
    interference = store.interference(endpoint)
    if interference.slow:
        g.sandbox.closing.wait(interference.slow)
    sent = _sent(interference)
    problem = None
    response = _instead(endpoint, interference.kind)
    if response is None:
        try:
            if interference.kind in WORDS:
                store.refuse(interference.kind, sent)
            response = step(sent, interference.methods)
        except Refused as refused:
            problem = refused.problem
            response = refusal(refused)
    dropped = interference.kind in ("drop", "drop_before")
    status = None if dropped else response.status_code
    store.record(endpoint, sent, status, problem, interference.kind)
    if dropped:
        _hang_up(request.environ["werkzeug.socket"])
    elif interference.kind == "cut":
        return _cut(response, request.environ["werkzeug.socket"])
    elif interference.kind == "half" and response.status_code == HTTPStatus.OK:
        body = response.get_data()
        response.set_data(body.partition(b"&")[0] if b"&" in body else body[: len(body) // 2])
    return response


def _sent(interference: Interference) -> SignedRequest:
    origin = urlsplit(_store().base_url)
    # As it came over the wire: decoding and encoding again would change what was signed.
    target = urlsplit(request.environ["REQUEST_URI"])
    url = target._replace(scheme=origin.scheme, netloc=origin.netloc).geturl()
    body = request.get_data(as_text=True)
    form = body if request.mimetype == "application/x-www-form-urlencoded" else ""
    authorization = None if interference.header_lost else request.headers.get("Authorization")
    return SignedRequest.from_http(request.method, url, authorization, form)


def _instead(endpoint: str, kind: str | None) -> Response | None:
    """What a trouble answers before the step is done; None where it lets the step be done."""
    if kind == "internal_error":
        if endpoint == "rest":
            return _json({"message": "Internal Error. Details are available in Magento log file."}, 500)
        return _form({"oauth_problem": f"internal_error&message={INTERNAL_ERROR}"}, 500)
    if kind == "maintenance":
        return _page(503, "Service Temporarily Unavailable", "Service Unavailable: we are back soon.")
    if kind == "bad_gateway":
        return _page(502, "Bad Gateway", "The server got no answer that it could use.")
    if kind == "gateway_timeout":
        return _page(504, "Gateway Timeout", "The server got no answer in time.")
    if kind == "rate_limit":
        response = _page(429, "Too Many Requests", "Slow down and try again.")
        response.headers["Retry-After"] = _store().retry_after
        return response
    if kind == "forbidden":
        return _page(403, "Forbidden", "The request was blocked by the web application firewall.")
    if kind == "html":
        return _page(200, "Home page", "Welcome to our store.")
    if kind == "redirect":
        return Response("", 302, {"Location": f"{_store().base_url}elsewhere/"}, content_type=HTML)
    if kind == "moved":
        return Response("", 301, {"Location": f"{_store().base_url}oauth/token/{endpoint}"}, content_type=HTML)
    if kind == "password":
        response = _page(401, "Unauthorized", "This server asks for a password.")
        response.headers["WWW-Authenticate"] = 'Basic realm="Staging"'
        return response
    if kind == "huge":
        return Response(b"x" * HUGE, 200, content_type=HTML)
    if kind == "drop_before":
        return Response("")
    return None


def _cut(response: Response, connection: socket.socket) -> Response:
    """The response's headers with its whole length, half its body, and then no connection."""
    body = response.get_data()

    def half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        _hang_up(connection)

    cut = Response(half(), response.status_code, content_type=response.content_type)
    cut.headers["Content-Length"] = str(len(body))
    return cut


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # the client may have been quicker
        connection.shutdown(socket.SHUT_RDWR)


# Admin


def home() -> Response:
    """There is no storefront here: a page that tells the base URL, as Magento's do, and leads to the admin."""
    base_url = _store().base_url
    escaped = "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in base_url)
    return Response(render_template("home.html", base_url=base_url, escaped=escaped), content_type=HTML)


def version() -> Response:
    """What Magento tells of itself to anyone, to the minor version."""
    return Response(VERSION, content_type=HTML)


def admin() -> Response:
    """The Integrations grid, with Activate and Reauthorize as Magento's admin does them."""
    described = _store().state()["integrations"]
    new = {"name": DEFAULT_INTEGRATION, "status": "inactive", "row": None}
    described.setdefault(DEFAULT_INTEGRATION, new)
    page = render_template(
        "admin.html",
        base_url=_store().base_url,
        admin_url=_admin_url(),
        success_call_back=_success_call_back(),
        integrations=list(described.values()),
        callback_url=request.args.get("callback") or g.sandbox.callback_url or "",
        identity_url=request.args.get("identity") or g.sandbox.identity_url or "",
    )
    return Response(page, content_type=HTML)


def login_success_callback() -> Response:
    """Where the popup ends: a page that closes itself."""
    return Response(render_template("login_success.html"), content_type=HTML)


def _admin_url() -> str:
    """The store's base URL by the host that its admin is opened at, which can be another domain."""
    return urlsplit(_store().base_url)._replace(netloc=request.host).geturl()


def _success_call_back() -> str:
    return f"{_admin_url()}{SUCCESS_PATH}"


# Controls


def activate() -> Response:
    """Activate: post the four values to the callback URL, and say how it went."""
    asked = _asked()
    integration = _text(asked, "integration") or DEFAULT_INTEGRATION
    return _posted(_store().activate(_callback_url(asked, integration), _identity_url(asked), integration))


def reauthorize() -> Response:
    """Reauthorize: the same, after the integration's token is deleted."""
    asked = _asked()
    integration = _text(asked, "integration") or DEFAULT_INTEGRATION
    return _posted(_store().reauthorize(_callback_url(asked, integration), _identity_url(asked), integration))


def delete() -> Response:
    integration = _text(_asked(), "integration") or DEFAULT_INTEGRATION
    _store().delete(integration)
    return _json({"deleted": integration})


def trouble() -> Response:
    asked = _asked()
    times, seconds = asked.get("times"), _number(asked, "seconds")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int)):
        abort(400, "times is a number from 1, or null for always.")
    try:
        _store().trouble(str(asked.get("kind")), times, _text(asked, "endpoint"), seconds)
    except ValueError as error:
        abort(400, str(error))
    return _json({"troubles": _store().state()["troubles"]})


def clear_troubles() -> Response:
    _asked()
    _store().clear_troubles()
    return _json({"troubles": []})


def clock() -> Response:
    seconds = _number(_asked(), "seconds")
    _store().set_clock(seconds)
    return _json({"clock_seconds": seconds})


def expire() -> Response:
    integration = _text(_asked(), "integration") or DEFAULT_INTEGRATION
    _store().expire(integration)
    return _json({"expired": integration})


def deny() -> Response:
    """Untick ACL resources: {"resources": ["Magento_Sales::actions_view"]}, or none to allow all again."""
    resources = _asked().get("resources", [])
    if not isinstance(resources, list) or not all(isinstance(one, str) for one in resources):
        abort(400, "resources is a list of strings.")
    _store().deny(*resources)
    return _json({"denied": resources})


def state() -> Response:
    _asked()
    return _json(_store().state())


@dataclass(frozen=True)
class Delivery:
    """How a callback URL took an activation: its status, or why there is none, and after how many seconds."""

    status: int | None
    seconds: float
    error: str | None


def deliver(activation: Activation) -> Delivery:
    """POST an activation's form to its callback URL as Magento does: once, CALLBACK_TIMEOUT, no redirects."""
    callback = urlsplit(activation.callback_url)
    port = callback.port or (443 if callback.scheme == "https" else 80)
    # Magento 2.4.6 sends its target's host and port as a header's name and value.
    headers = {} if ":" in (callback.hostname or "") else {callback.hostname or "": str(port)}
    began = time.monotonic()
    status, problem = None, None
    with requests.Session() as session:
        session.trust_env = False  # what is on this machine is not behind a proxy
        try:
            answer = session.post(
                activation.callback_url,
                data=activation.form,
                headers=headers,
                timeout=CALLBACK_TIMEOUT,
                allow_redirects=False,
            )
            status = answer.status_code
        except requests.Timeout:
            problem = f"No answer from the callback URL in {CALLBACK_TIMEOUT:g} s."
        except requests.RequestException as error:
            problem = f"The callback URL could not be reached ({type(error).__name__})."
    return Delivery(status, round(time.monotonic() - began, 3), problem)


def _posted(activation: Activation) -> Response:
    delivery = deliver(activation)
    key = activation.form["oauth_consumer_key"]
    popup_url = None
    if activation.identity_url and not delivery.error:
        query = urlencode({"oauth_consumer_key": key, "success_call_back": _success_call_back()})
        popup_url = f"{activation.identity_url}?{query}"
    return _json(
        {
            "consumer_key": key,
            "callback_status": delivery.status,
            "callback_seconds": delivery.seconds,
            "callback_error": delivery.error,
            "popup_url": popup_url,
        }
    )


def _asked() -> dict[str, Any]:
    """The control's JSON, an empty body standing for no wishes. Only this machine may ask."""
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_loopback:
        abort(403, "The sandbox's controls answer this machine only.")
    if not request.get_data():
        return {}
    asked = request.get_json()
    if not isinstance(asked, dict):
        abort(400, "Send a JSON object.")
    return asked


def _text(asked: dict[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        abort(400, f"{name} is a string.")
    return value or None


def _number(asked: dict[str, Any], name: str) -> float:
    value = asked.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        abort(400, f"{name} is a number.")
    return value


def _callback_url(asked: dict[str, Any], integration: str) -> str:
    known = _store().state()["integrations"].get(integration, {})
    url = _text(asked, "callback_url") or known.get("callback_url") or g.sandbox.callback_url
    if not url or not _is_web(url):
        abort(400, "Say where to post: callback_url is an http or https URL.")
    return str(url)


def _identity_url(asked: dict[str, Any]) -> str | None:
    url = _text(asked, "identity_url") or g.sandbox.identity_url
    if url and not _is_web(url):
        abort(400, "identity_url is an http or https URL.")
    return url


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


# Answers


def _store() -> SandboxStore:
    store: SandboxStore = g.store
    return store


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type=JSON)


def _page(status: int, title: str, text: str) -> Response:
    return Response(render_template("notice.html", title=title, text=text), status, content_type=HTML)


def _redirected(url: str) -> Response:
    response = redirect(url)
    return Response(response.get_data(), response.status_code, response.headers)
