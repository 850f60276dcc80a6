"""Every command of the README and of docs/, run on this machine as it stands there: by a real shell and AWS CLI."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import requests

from local import aws as local_aws
from local.lambda_runtime import free_ports
from local.stack import Stack
from local.template import ROOT
from storelink.store import Store
from tests.processes import started
from tests.stacks import PORTS, activated, ended, environment, serving

SAMPLES = ROOT / "docs" / "samples"
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`((?:aws|git|sam|storelink) [^`]* [^`]* [^`]*)`")
LINE = re.compile(r"(?:[^\n]*\\\n)*[^\n]+")
MAKE = re.compile(r"(?:^|`|&& )(make [a-z]+)", re.MULTILINE)

DRY = "template/test_embedding.py::test_make_deploys_what_samconfig_names_and_samconfig_what_the_template_has"
BY_OTHERS = {
    "docs/cli.md": "cli/test_docs.py::test_the_documented_commands_work",
    "docs/local.md": "template/test_deployed.py::test_a_documented_command_answers_as_it_says",
    "sam local invoke": "template/test_deployed.py::test_a_documented_command_answers_as_it_says",
    "python script.py": "docs/test_using.py::test_the_plain_script_lists_the_orders",
    "tests.reliability.matrix": "reliability/test_crashes.py::test_the_table_is_what_happens",
    "local.template": "template/test_embedding.py::test_what_cdk_reads_refers_to_nothing_that_only_sam_knows",
    "docs/samples/webhook.py": "docs/test_commands.py::test_the_samples_receive_what_the_local_stack_delivers",
    "storelink listen": "cli/commands/test_events.py::test_a_store_that_connects_is_printed_and_nothing_is_left",
    "storelink password": "cli/commands/test_passwords.py::test_the_password_of_a_connected_store_is_set_and_removed",
    "make build": "template/test_build.py::test_two_clones_make_the_same_files",
    "make run": "local/test_stack.py::test_make_run_ends_with_0_and_the_signed_calls_answer",
    "make serve": "local/test_stack.py::test_a_form_post_leads_to_a_connected_store",
    "make smoke": "local/test_smoke.py::test_a_stack_that_works_is_green",
    "make dist": "template/test_build.py::test_two_clones_make_the_same_files",
    "pip install": "distribution/test_wheel.py::test_with_its_extra_the_command_runs",
    "storelink --version": "distribution/test_wheel.py::test_with_its_extra_the_command_runs",
    "python -m pytest": "distribution/test_testing.py::test_the_pages_tests_pass_in_an_environment_of_their_own",
    "python -m storelink.testing.s": "testing/sandbox/test_main.py::test_the_command_prints_its_url_and_ends_cleanly",
    "curl -X POST http://127": "testing/sandbox/test_troubles.py::test_troubles_are_set_and_cleared_by_a_script",
    "python -c": "distribution/test_wheel.py::test_the_version_is_the_wheels",
    "make deploy": DRY,
    "make logs": DRY,
    "make delete": DRY,
}
"""Pages and commands that another test runs, as far as it can without an account."""

BY_CI = {
    "make test": ".ci/run",
    "make check": ".ci/run",
    "make docs": "make check",
    "make setup": "make test",
    "make format": "make check, which runs the same without writing",
    "make bench": "nothing: it times, which is no test's work",
    "make pins": "nothing: it asks the package registry for newer versions",
    "make tables": "docs/test_tables.py",
    "make screenshots": "browser/test_screenshots.py, as far as what they show",
}
"""Commands for developers, and what runs them or what they run."""

NOT_HERE = {
    "storelink console": "it serves pages until Ctrl-C; browser/test_console.py opens them",
    "git checkout": "another commit",
    "start-message-move-task": "moto does not know it",
    "continue-update-rollback": "moto knows no update that fails",
    "sam package": "needs an account",
    "sam publish": "needs an account",
    "aws s3 cp storelink.yaml": "what was not packaged cannot be copied",
}
"""Commands that are not run on this machine, and why."""

IN_PLACE_OF = {
    "STACK=storelink": "STACK=storelink-local",
    "STACK/connections/…": "$STACK/connections/$CONNECTION",
    "--secret-id …": "--secret-id $STACK/connections/$CONNECTION",
    '{"S": "…"}': '{"S": "0"}',
    "watch --once": "watch --local --once",
    "storelink stores": "storelink stores --local",
    "storelink call": "storelink call --local",
    "storelink invite": "storelink invite --local",
    "storelink doctor": "storelink doctor --private",
    "aws sqs": "aws --endpoint-url $AWS_ENDPOINT_URL sqs",
}
"""What a reader puts in, and what this test does."""

PROGRAMS = {
    "python": (sys.executable, str(SAMPLES / "webhook.py")),
    "node": (shutil.which("node") or "Node.js is missing: apt-get install nodejs", str(SAMPLES / "webhook.mjs")),
}

HERE = {"make help", "make load"}


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def commands(page: str) -> Iterator[str]:
    """What a page tells its reader to type, line by line: its shell blocks, and what stands within its text."""
    text = text_of(page)
    for block in BLOCK.findall(text):
        yield from LINE.findall(block)
    yield from (" ".join(command.split()) for command in INLINE.findall(BLOCK.sub("", text)))


def is_run_here(command: str) -> bool:
    return not any(words in command for words in (*BY_OTHERS, *BY_CI, *NOT_HERE, "make "))


RUN_HERE = [page for page in PAGES if page not in BY_OTHERS and any(map(is_run_here, commands(page)))]


def test_what_is_said_to_run_elsewhere_runs_there() -> None:
    said = "\n".join(command for page in PAGES for command in (page, *commands(page), *MAKE.findall(text_of(page))))
    for words, test in BY_OTHERS.items():
        path, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / "tests" / path).read_text()
        assert words in said
    for words in (*BY_CI, *NOT_HERE):
        assert words in said
    assert {"make test", "make check"} <= set((ROOT / ".ci" / "run").read_text().splitlines())


@pytest.fixture(scope="module")
def load() -> Iterator[subprocess.Popen[str]]:
    """`make load`. Most of its time it waits, for stores with trouble; other tests run meanwhile."""
    ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
    with make("load", "ARGS=--activations 6 --stores 3", *(f"{name}={port}" for name, port in ports.items())) as made:
        yield made


def make(*target: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return started(["make", *target], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def said(made: subprocess.Popen[str]) -> str:
    """What make says that ends well."""
    told = made.communicate(timeout=120)[0]
    assert made.returncode == 0, told
    return told


@pytest.mark.usefixtures("load")
def test_every_target_of_make_that_is_named_is_there_and_run() -> None:
    named = {target for page in PAGES for target in MAKE.findall(text_of(page))}
    assert named == {words for words in (*BY_OTHERS, *BY_CI) if words.startswith("make ")} | HERE
    with make("help") as made:
        assert "make run" in said(made)


@pytest.fixture(scope="module")
def port() -> int:
    """Where webhooks are posted to."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def running(port: int) -> Iterator[Stack]:
    with serving(PARAMETERS=f"WebhookUrl=http://127.0.0.1:{port}/events") as stack:
        yield stack


@contextmanager
def receiving(program: str, port: int, secret: str) -> Iterator[subprocess.Popen[str]]:
    """A sample, run as its first lines say."""
    variables = os.environ | {"STORELINK_WEBHOOK_SECRET": secret}
    with started([*PROGRAMS[program], port], env=variables, stdout=subprocess.PIPE) as process:
        patience = threading.Timer(60, process.kill)
        patience.start()
        try:
            yield process
        finally:
            patience.cancel()
            process.terminate()


# Before the pages, one of which replaces the secret: a function reads it once in five minutes.


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_samples_receive_what_the_local_stack_delivers(running: Stack, port: int, program: str) -> None:
    secret = running.aws.client("secretsmanager").get_secret_value(SecretId="storelink-local/webhook")["SecretString"]
    activated(running, f"stores/{program}/")  # before there is a receiver: the event is sent again
    with receiving(program, port, secret) as process:
        assert process.stdout
        # An event whose receiver was ended before it answered comes again.
        assert f"Store Connected {running.store_url}stores/{program}/\n" in process.stdout


@pytest.mark.parametrize("page", RUN_HERE)
def test_the_commands_of_a_page_are_done(running: Stack, tmp_path: Path, page: str) -> None:
    name = page.removesuffix(".md").replace("/", "-").lower()
    store = f"stores/{name}/"
    row = ended(running, activated(running, store)["consumer_key"])
    assert row["state"] == "connected"
    shop = running.store_url + store
    known = requests.get(f"{shop}sandbox/state", timeout=5).json()["integrations"]["storelink"]
    values = {
        "consumer_key": known["consumer_key"],
        "consumer_secret": known["secrets"]["consumer_secret"],
        "access_token": known["secrets"]["token"],
        "access_token_secret": known["secrets"]["token_secret"],
    }
    outputs = running.aws.outputs
    functions = running.aws.client("lambda")
    functions.publish_version(FunctionName=outputs["SweepFunctionName"])
    functions.create_alias(FunctionName=outputs["SweepFunctionName"], Name=name, FunctionVersion="1")
    told = {
        "API": running.api_url,
        "CONNECTION": Store.from_url(shop).connection_id,
        "FUNCTION": outputs["SweepFunctionName"],
        "MIGRATE_CREDENTIALS_FUNCTION": outputs["MigrateCredentialsFunctionName"],
        "STACK": running.aws.stack,
    }
    stand_ins = IN_PLACE_OF | {
        "https://shop.example/": shop,
        '"activation_id": "…"': f'"activation_id": "{row["integration_key"]}-{row["attempt"]}"',
        "--name live": f"--name {name}",
        **{f'"{field}": "…"': f'"{field}": "{value}"' for field, value in values.items()},
    }
    script = "\n".join(filter(is_run_here, commands(page)))
    for words, instead in stand_ins.items():
        script = script.replace(words, instead)
    for path in ROOT.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "secret.txt").write_text("made up")
    variables = environment() | local_aws.environment(running.aws.url) | told
    variables |= {"AWS_PORT": running.aws.url.rpartition(":")[2], "AWS_PAGER": ""}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (script, done.stdout, done.stderr)


def test_make_load_says_that_none_is_lost(load: subprocess.Popen[str]) -> None:
    assert "No activation is lost" in said(load)
