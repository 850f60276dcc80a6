"""The console's server, on loopback."""

import secrets
import socket

import waitress

from storelink_cli.console import application
from storelink_cli.console.context import AT_ONCE, Console
from storelink_cli.console.safety import HOST
from storelink_cli.errors import bad_input
from storelink_cli.stack import Stack

BACKLOG = 64


class Server:
    """The console of a stack. url: where it is entered, once. port: 0 for any free one."""

    def __init__(self, stack: Stack, port: int, read_only: bool) -> None:
        try:
            listener = socket.create_server((HOST, port), backlog=BACKLOG)
        except OSError:
            raise bad_input(f"port {port} is taken", "Give another --port; 0 is any free one.") from None
        token, port = secrets.token_urlsafe(24), listener.getsockname()[1]
        app = application.create(Console(stack, read_only), token, port)
        self.url = f"http://{HOST}:{port}/enter?token={token}"
        self._server = waitress.create_server(app, sockets=[listener], threads=AT_ONCE, ident=None)

    def run(self) -> None:
        """Serve until Ctrl-C, or `close`."""
        self._server.run()

    def close(self) -> None:
        """Stop serving."""
        self._server.close()
