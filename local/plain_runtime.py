"""Runs one function without the emulator: `… -m local.plain_runtime SOCKET` takes events as the emulator does."""

import importlib
import json
import os
import socket
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

from local.lambda_context import LambdaContext


class Invocations(BaseHTTPRequestHandler):
    """Each POST is an event. What the function prints is its log."""

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(_answer(event)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no access log."""


def _answer(event: Any) -> Any:
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)(event, _context())
    except Exception as error:
        traceback.print_exc()
        return {"errorType": type(error).__name__, "errorMessage": str(error)}


def _context() -> LambdaContext:
    return LambdaContext(
        os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        memory=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        timeout=int(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"]),
    )


def _end_with_input() -> None:
    """End when the process that started this one has ended."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    server = TCPServer(("127.0.0.1", 0), Invocations, bind_and_activate=False)
    server.socket = socket.socket(fileno=int(sys.argv[1]))
    server.serve_forever()
