"""Cold starts: from the process' start to the first answer, in the emulator, of what `sam build` made."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.rounds import Compared, alternating, seconds
from bench.server import Served
from local.emulator import Function
from local.template import ROOT, Template

EVENTS = {
    "CallbackFunction": ("callback.json", ("kms", "dynamodb", "stepfunctions")),
    "RequestTokenFunction": ("request_token.json", ("dynamodb",)),
    "AccessTokenFunction": ("access_token.json", ("dynamodb",)),
    "IdentityFunction": ("identity.json", ("dynamodb",)),
    "RecordFailureFunction": ("record_failure.step.json", ("dynamodb",)),
    "SweepFunction": ("sweep.json", ("dynamodb",)),
    "InvitationsFunction": ("invitations.json", ("dynamodb",)),
    "ConnectionsFunction": ("connections.json", ("dynamodb",)),
    "ActivationsFunction": ("activations.json", ("dynamodb",)),
}
"""What each function is first given, and the clients that it makes for the answer."""

FLOOR = """import boto3
CLIENTS = [boto3.client(name, endpoint_url=__import__("os").environ["AWS_ENDPOINT_URL"]) for name in {clients}]
def handler(event, context):
    return {{}}
"""


def built_template(built: Path) -> Template:
    """What `sam build` made there."""
    os.environ["TEMPLATE"] = str(built / "template.yaml")
    try:
        return Template.read()
    finally:
        del os.environ["TEMPLATE"]


def starts(served: Served, built: Path) -> Iterator[tuple[str, Compared]]:
    """Each function's cold starts beside those of a handler that imports boto3 and makes the same clients."""
    template = built_template(built)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for logical, (event, clients) in EVENTS.items():
            told = (ROOT / "events" / event).read_text()
            floor = folder / logical
            floor.mkdir()
            (floor / "app.py").write_text(FLOOR.format(clients=clients))

            def started(code: Path, event: str, layer: Path, logical: str = logical) -> float:
                function = Function(
                    logical,
                    code=code,
                    layer=layer,
                    # Lambda's layers are read-only: what is not compiled in them is compiled at each start.
                    variables={**served.variables[logical], "PYTHONDONTWRITEBYTECODE": "1"},
                    handler="app.handler",
                    timeout=30,
                    memory=512,
                    log=folder / "log",
                )
                try:
                    return seconds(lambda: function.invoke(event))
                finally:
                    function.stop()

            ours = template.folders[logical]
            yield (
                logical,
                alternating(
                    lambda: started(ours, told, template.packages),  # noqa: B023
                    lambda: started(floor, json.dumps({}), folder),  # noqa: B023
                ),
            )
