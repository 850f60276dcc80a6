"""The sandbox store as a command."""

import re
import signal

import pytest

from storelink.testing.sandbox import Sandbox
from tests.testing.sandbox.shop import call, command


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_url_and_ends_cleanly(end: signal.Signals) -> None:
    with command("--port", "0") as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/$", first.strip())
        assert found
        assert call("GET", f"{found[0]}sandbox/state").json()["store_base_url"] == found[0]
        process.send_signal(end)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_is_named_with_advice(server: Sandbox) -> None:
    with command("--port", str(server.port)) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said == (
        f"Port {server.port} on 127.0.0.1 is taken. Stop what listens there, or choose another with --port.\n"
    )
