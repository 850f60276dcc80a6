"""What takes the events of `storelink listen`: handlers of one's own, where they fail."""

import io
from pathlib import Path

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from storelink_cli import receiver
from storelink_cli.errors import Exit, Failure
from storelink_cli.output import Output

MODULE = """
def handler(event, context):
    print("printed")
    return event["id"]

def failing(event, context):
    raise RuntimeError("not today")
"""


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "an_app.py").write_text(MODULE)
    (tmp_path / "broken_app.py").write_text("import no_such_module")


def test_a_handlers_result_and_what_it_prints_are_no_result_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert receiver.execute("an_app:handler", Output())('{"id": "1"}') == ""
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", 'printed\nan_app:handler returned "1"\n')


def test_a_handler_that_fails_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert receiver.execute("an_app:failing", Output())("{}") == "an_app:failing raised RuntimeError"
    assert "RuntimeError: not today" in capsys.readouterr().err


def test_with_the_webhooks_secret_a_request_is_signed_like_a_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, str]] = []

    def post(_: object, url: str, data: bytes, headers: dict[str, str], **__: object) -> requests.Response:
        sent.append(headers)
        response = requests.Response()
        response.status_code, response.raw = 204, io.BytesIO()
        return response

    monkeypatch.setattr(requests.Session, "post", post)
    monkeypatch.setenv("STORELINK_WEBHOOK_SECRET", "A" * 64)
    assert receiver.forward_to("http://127.0.0.1:8000/")('{"id": "1"}') == ""
    assert Webhook("A" * 64).verify('{"id": "1"}', sent[0]) == {"id": "1"}


def test_a_secret_that_cannot_sign_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORELINK_WEBHOOK_SECRET", "short")
    with pytest.raises(Failure, match="STORELINK_WEBHOOK_SECRET must be base64 of at least 24 bytes"):
        receiver.forward_to("http://127.0.0.1:8000/")('{"id": "1"}')


def test_a_module_that_cannot_be_imported_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Failure) as failed:
        receiver.execute("broken_app:handler", Output())
    assert failed.value.code == Exit.USAGE
    assert failed.value.problem == "--exec: broken_app cannot be imported (ModuleNotFoundError)"
    assert 'broken_app.py", line 1' in capsys.readouterr().err
