"""Functions as Lambda runs them: the runtime interface emulator with the real runtime client, one process each.

An environment serves one call at a time, as on Lambda; a function gets another one where all of its are busy.
"""

import contextlib
import http.client
import json
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import samcli

START_TIMEOUT = 30.0
"""Seconds that an environment may take until it listens."""
MOST_ENVIRONMENTS = 8
"""Environments of one function at once; further calls wait."""


@dataclass(frozen=True)
class Invocation:
    """A function's answer. payload: JSON. failed: whether the handler raised; the payload then names the error."""

    payload: str
    failed: bool


def rie() -> Path | None:
    """Return the path of the runtime interface emulator in aws-sam-cli's wheel, None where it does not run."""
    machine = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}.get(
        platform.machine().lower()
    )
    if sys.platform != "linux" or machine is None or os.environ.get("STORELINK_EMULATOR") == "plain":
        return None
    binary = Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"
    return binary if binary.is_file() else None


class Environment:
    """A process that runs one function, and takes its events on a port of this machine, as the emulator does."""

    def __init__(
        self, command: list[str], port: int, variables: dict[str, str], log: IO[bytes], files: tuple[int, ...] = ()
    ) -> None:
        """files: descriptors that the process inherits."""
        self._port = port
        self._process = subprocess.Popen(
            command,
            env=variables,
            cwd=variables["LAMBDA_TASK_ROOT"],
            stdin=subprocess.PIPE,  # closed when this process ends, however it does
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=files,
        )
        try:
            _wait_for_port(self._port, self._process)
        except BaseException:
            self.stop()
            raise

    @property
    def process(self) -> int:
        """The id of its process: the emulator's, or the function's own."""
        return self._process.pid

    def invoke(self, event: str, timeout: float) -> Invocation:
        """Run the function with an event (JSON). Raises OSError, HTTPException, ValueError where it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request("POST", "/2015-03-31/functions/function/invocations", event.encode())
            payload = connection.getresponse().read().decode()
        finally:
            connection.close()
        return Invocation(payload, _is_error(json.loads(payload)))

    def stop(self) -> None:
        """End the process and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


class Function:
    """A function and its environments.

    variables: what its resource in the template and its AWS give it. python: what runs it; it has the runtime client.
    """

    def __init__(
        self,
        name: str,
        code: Path,
        layer: Path,
        variables: Mapping[str, str],
        handler: str,
        timeout: float,
        memory: int,
        log: Path,
        python: str = sys.executable,
    ) -> None:
        self.name = name
        self.variables = dict(variables)
        self._timeout = timeout
        self._python = python
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(layer), str(Path(__file__).parents[1])]),
            "PYTHONUNBUFFERED": "1",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(int(timeout)),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
            "LAMBDA_TASK_ROOT": str(code),
            "_HANDLER": handler,
            **variables,
        }
        self._log = log.open("ab")
        self._idle: list[Environment] = []
        self._changed = threading.Condition()
        self._count = 0
        self._stopped = False

    def invoke(self, event: str) -> Invocation:
        """Run the handler with an event (JSON) and return its answer (JSON)."""
        environment = self._take()
        try:
            answer = environment.invoke(event, self._timeout + 5)
        except (OSError, http.client.HTTPException, ValueError) as error:
            environment.stop()
            self._leave(None)
            # The name that Lambda gives to an environment that ended during a call.
            error_payload = {"errorType": "Runtime.ExitError", "errorMessage": type(error).__name__}
            return Invocation(json.dumps(error_payload), failed=True)
        self._leave(environment)
        return answer

    def processes(self) -> list[int]:
        """The ids of its idle environments' processes."""
        return [environment.process for environment in self._idle]

    def stop(self) -> None:
        """End all environments."""
        with self._changed:
            self._stopped = True
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.stop()
        self._log.close()

    def _take(self) -> Environment:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._count < MOST_ENVIRONMENTS)
            if self._idle:
                return self._idle.pop()
            self._count += 1
        try:
            return self._start()
        except BaseException:
            self._leave(None)
            raise

    def _leave(self, environment: Environment | None) -> None:
        with self._changed:
            if environment is None:
                self._count -= 1
            elif self._stopped:
                environment.stop()
            else:
                self._idle.append(environment)
            self._changed.notify()

    def _start(self) -> Environment:
        binary = rie()
        if binary is not None:
            port, runtime_port = free_ports(2)
            command = [str(binary), "--log-level", "error"]
            command += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
            command += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
            command += [self._python, "-m", "awslambdaric", self._environment["_HANDLER"]]
            with contextlib.suppress(OSError):
                return Environment(command, port, self._environment, self._log)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            command = [self._python, "-m", "local.plain_runtime", str(listener.fileno())]
            port = listener.getsockname()[1]
            return Environment(command, port, self._environment, self._log, (listener.fileno(),))


def _is_error(answer: Any) -> bool:
    """Return whether a payload is a function error; the emulator has no header for it."""
    return isinstance(answer, dict) and "errorType" in answer and "statusCode" not in answer


def free_ports(count: int) -> list[int]:
    """Return free ports for processes that will start soon.

    They lie below the ephemeral ports, so that the system gives them to no other process meanwhile.
    """
    found: set[int] = set()
    while len(found) < count:
        port = secrets.randbelow(12_000) + 20_000
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        if process.poll() is not None:
            raise OSError(f"the process ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise TimeoutError("the process does not listen")
