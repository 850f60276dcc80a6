"""The pieces of code of docs/using.md do what it says, and have the types that they say they have."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

import storelink
from local import aws as local_aws
from local.lambda_context import LambdaContext
from local.template import ROOT, Template
from storelink.client import session as client_session
from storelink.testing.sandbox import catalog
from storelink.testing.sandbox.accounts import OTP, PASSWORD
from tests.typed import mypy
from tests.world import World

PAGE = (ROOT / "docs" / "using.md").read_text()
PIECES = dict(re.findall(r'^```\w+ title="(.+?)"\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL))
LAYER = ROOT / "layers" / "storelink"


def names_of(piece: str, **given: Any) -> dict[str, Any]:
    """What a piece of code defines when it is run."""
    names = {"__name__": "piece", **given}
    exec(compile(PIECES[piece], piece, "exec"), names)
    return names


@pytest.fixture
def connected(world: World) -> World:
    """A world whose store is connected."""
    client_session._kept.cache_clear()
    world.connect()
    return world


def test_the_page_has_the_pieces_that_are_tried_here() -> None:
    assert PIECES.keys() == {"searches", "orders/app.py", "template.yaml", "catalogue.py", "script.py", "login.py"}


def test_the_searches_find_something(connected: World, capsys: pytest.CaptureFixture[str]) -> None:
    names_of("searches", shop=storelink.connect(connected.url))
    products, orders = catalog.products("default"), catalog.orders("default")
    simple = [one for one in products if (one["type_id"], one["status"]) == ("simple", 1)]
    either = [one for one in products if one["price"] < 20 and ("Bag" in one["name"] or "24-SH" in one["sku"])]
    newest = max(orders, key=lambda one: str(one["created_at"]))
    told = capsys.readouterr().out.split("\n")[-2]
    assert told == f"{len(simple)} {newest['increment_id']} {len(either)}"


def test_the_function_reads_the_orders_of_the_store_in_the_event(connected: World) -> None:
    ((kind, detail),) = connected.events()
    assert kind == "Store Connected"
    told = names_of("orders/app.py")["handler"]({"detail-type": kind, "detail": detail}, LambdaContext())
    under_way = [one["grand_total"] for one in catalog.orders("default") if one["state"] in ("new", "processing")]
    assert told == {"store": connected.store.connection_id, "orders": len(under_way), "total": sum(under_way)}


def test_the_template_gives_the_function_what_it_needs_and_no_more(connected: World) -> None:
    sam = yaml_parse(PIECES["template.yaml"])
    made = Template(sam, ROOT).translated({"StorelinkLayerArn": "arn:layer", "StorelinkKeyArn": "arn:key"})["Resources"]
    function = made["OrdersFunction"]["Properties"]
    assert function["Environment"]["Variables"] == {"STORELINK_STACK": {"Ref": "StorelinkStack"}}
    assert function["Layers"] == [{"Ref": "StorelinkLayerArn"}]
    assert f"{sam['Resources']['OrdersFunction']['Properties']['CodeUri']}app.py" in PIECES
    ((_, detail),) = connected.events()
    (rule,) = [one["Properties"] for one in made.values() if one["Type"] == "AWS::Events::Rule"]
    assert rule["EventPattern"] == {"source": ["storelink"], "detail-type": ["Store Connected"]}
    (policy,) = made["OrdersFunctionRole"]["Properties"]["Policies"]
    read, decrypt = policy["PolicyDocument"]["Statement"]
    assert (read["Action"], decrypt["Action"]) == ("secretsmanager:GetSecretValue", "kms:Decrypt")
    prefix = read["Resource"]["Fn::Sub"].rpartition(":secret:")[2].replace("${StorelinkStack}", connected.aws.stack)
    assert detail["secret_arn"].rpartition(":secret:")[2].startswith(prefix.removesuffix("*"))
    for output in re.findall(r"Output (\w+) of", PIECES["template.yaml"]):
        assert output in Template.read().sam["Outputs"]


def test_the_nightly_pull_writes_each_product_once(
    connected: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "products.jsonl"
    connected.shop.trouble("bad_gateway", endpoint="rest", times=1)
    assert names_of("catalogue.py")["pull"](connected.url, target) == 225
    products = [json.loads(line) for line in target.read_text().splitlines()]
    assert len({product["sku"] for product in products}) == 225
    assert capsys.readouterr().err.split("\n")[-2] == "225 of 225"


def run_script(world: World, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The plain script, in a process that has the package as it is installed and knows nothing of this one."""
    (tmp_path / "script.py").write_text(PIECES["script.py"])
    environment = {
        "PATH": os.environ["PATH"],
        "STORELINK_STACK": world.aws.stack,
        "STORELINK_ALLOW_PRIVATE_STORES": "true",
        **local_aws.environment(world.aws.url),
    }
    return subprocess.run(
        [sys.executable, "script.py", world.url],
        cwd=tmp_path,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_plain_script_lists_the_orders(connected: World, tmp_path: Path) -> None:
    done = run_script(connected, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (len(lines), lines[0]) == (45, "000000045 processing 472.5")


def test_the_plain_script_names_what_the_integration_lacks(connected: World, tmp_path: Path) -> None:
    connected.shop.deny("Magento_Sales::actions_view")
    done = run_script(connected, tmp_path)
    assert done.returncode == 1
    assert "lacks Magento_Sales::actions_view" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plain_script_calls_no_private_store_unless_it_is_told_to(connected: World, tmp_path: Path) -> None:
    done = run_script(connected, tmp_path, STORELINK_ALLOW_PRIVATE_STORES="false")
    assert done.returncode == 1
    assert "insecure-store" in done.stderr


def test_the_login_lists_the_orders(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert names_of("login.py")["order_ids"](world.url, "careful", PASSWORD, OTP) == list(range(1, 46))
    assert re.fullmatch(r"logged in until \d\d:\d\d\n", capsys.readouterr().out.split("}\n")[-1])


def test_the_package_is_typed_for_those_who_use_it(tmp_path: Path) -> None:
    """As installed: mypy takes the types of a package from its py.typed alone."""
    files = []
    for title in ("orders/app.py", "catalogue.py", "script.py", "login.py"):
        files.append(tmp_path / f"{Path(title).stem}.py")
        files[-1].write_text(PIECES[title])
    (tmp_path / "wrong.py").write_text("import storelink\n\nstorelink.connect(1).search('products', progress=2)\n")
    venv.create(tmp_path / "venv", with_pip=False)
    site = Path(
        sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv"), "platbase": str(tmp_path / "venv")})
    )
    (site / "used.pth").write_text(f"{LAYER}\n{sysconfig.get_path('purelib')}\n")
    _, said = mypy(tmp_path, *map(str, files), "wrong.py", python=tmp_path / "venv" / "bin" / "python")
    errors = [line for line in said.splitlines() if ": error:" in line]
    assert errors, said
    assert all(line.startswith("wrong.py:3: error:") for line in errors), said
    assert {"[arg-type]"} == {line.rpartition("  ")[2] for line in errors}
    assert len(errors) == 2


def test_importing_the_package_loads_neither_requests_nor_boto3() -> None:
    """Every function imports it as it starts."""
    code = "import sys, storelink; print([name for name in ('requests', 'boto3', 'urllib3') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(LAYER)}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr
