"""What a function loads, it loads at every cold start."""

import subprocess
import sys
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from local.template import Template
from storelink import aws
from storelink.aws.loader import SlimSession
from tests.stacks import environment

TEMPLATE = Template.read()
CALL_STORES = {
    "AccessTokenFunction",
    "ConnectManuallyFunction",
    "HealthCheckFunction",
    "LoginsFunction",
    "RequestTokenFunction",
    "WebhookFunction",
}
RESOLVER = "aws_lambda_powertools.event_handler"
OPERATOR = {"OperatorFunction"}
"""The function that has Powertools' resolver: its 30 ms of a cold start are an operator's, not a merchant's."""


@pytest.mark.parametrize(
    ("functions", "needless"),
    [
        (CALL_STORES, ("requests", "charset_normalizer", RESOLVER)),
        (TEMPLATE.functions.keys() - CALL_STORES - OPERATOR, ("requests", "storelink.transport.guard", RESOLVER)),
        (OPERATOR, ("requests", "storelink.transport.guard")),
    ],
    ids=["those that call stores", "those that call none", "the operators' one"],
)
def test_functions_do_not_load_what_they_do_not_need(functions: set[str], needless: tuple[str, ...]) -> None:
    code = f"import runpy, sys; [runpy.run_path(p) for p in sys.argv[1:]]; print(sys.modules.keys() & {set(needless)})"
    done = subprocess.run(
        [sys.executable, "-c", code, *(TEMPLATE.folders[function] / "app.py" for function in functions)],
        env={**environment(), "AWS_LAMBDA_FUNCTION_NAME": "function"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


UNTIL_BOTO3 = """
import gc, runpy, sys
class Watch:
    def find_spec(name, *_):
        if name == "boto3":
            raise ImportError(gc.get_threshold()[0])
sys.meta_path.insert(0, Watch)
for path in sys.argv[1:]:
    gc.set_threshold(2000)
    try:
        runpy.run_path(path)
    except ImportError as error:
        print(error)
    for name in [name for name in sys.modules if name.startswith("storelink")]:
        del sys.modules[name]
"""


def test_every_function_looks_for_less_garbage_before_it_loads_boto3() -> None:
    paths = [str(TEMPLATE.folders[function] / "app.py") for function in TEMPLATE.functions]
    command, variables = [sys.executable, "-c", UNTIL_BOTO3, *paths], {"AWS_LAMBDA_FUNCTION_NAME": "function"}
    said = subprocess.check_output(command, env=environment() | variables, text=True)
    assert said.split() == ["100000"] * len(paths)


AUDITED = """
import sys
paths = []
sys.addaudithook(lambda event, told: paths.append(str(told[0])) if event in ("open", "os.listdir") else None)
from storelink import aws
from storelink.aws.loader import SlimSession
aws.client("dynamodb")
print(*(path.partition("/botocore/data")[2] for path in paths if "/botocore/data" in path), sep="\\n")
"""


def test_of_what_botocore_knows_of_aws_a_client_reads_its_own_service_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AUDITED],
        env={**environment(), "AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    read = done.stdout.splitlines()
    assert "/dynamodb/2012-08-10/service-2.json.gz" in read
    others = {path for path in read if not path.startswith("/dynamodb")}
    assert others == {"", "/partitions.json", "/sdk-default-configuration.json"}


def test_a_session_skips_the_handlers_of_documentation_and_s3_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[str] = []
    monkeypatch.setattr(botocore.session.Session, "register", lambda _, name, *__, **___: registered.append(name))
    botocore.session.Session()
    every = set(registered)
    registered.clear()
    SlimSession()
    skipped = every - set(registered)
    assert skipped == {name for name in every if name.startswith("docs.") or ".s3." in name}
    assert len(skipped) > len(every) / 3


CALLS = {
    "dynamodb": "list_tables",
    "events": "list_rules",
    "kms": "list_keys",
    "secretsmanager": "list_secrets",
    "stepfunctions": "list_state_machines",
    "sts": "get_caller_identity",  # where a profile may have its credentials from
}


@pytest.fixture(scope="module")
def by_itself() -> botocore.session.Session:
    return botocore.session.get_session()


@pytest.mark.parametrize(
    ("region", "fips"),
    [("eu-central-1", False), ("cn-north-1", False), ("us-gov-west-1", True), ("eusc-de-east-1", False)],
)
@pytest.mark.parametrize("service", CALLS)
def test_a_call_goes_where_botocore_by_itself_sends_it(
    service: str, region: str, fips: bool, by_itself: botocore.session.Session
) -> None:
    assert _sent(aws._slim_session()._session, service, region, fips) == _sent(by_itself, service, region, fips)


class Sent(Exception):
    """In the place of a call that would leave. args: its URL, and the scope that it is signed for."""


def _sent(session: botocore.session.Session, service: str, region: str, fips: bool) -> tuple[str, str]:
    config = Config(use_fips_endpoint=fips)
    client = session.create_client(
        service, region, aws_access_key_id="key", aws_secret_access_key="secret", config=config
    )

    def refuse(request: Any, **_: Any) -> None:
        raise Sent(request.url, request.headers["Authorization"].decode().partition(",")[0])

    client.meta.events.register("before-send", refuse)
    with pytest.raises(Sent) as sent:
        getattr(client, CALLS[service])()
    return sent.value.args
