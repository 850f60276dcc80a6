"""`storelink module`: what Magento reads of it."""

import json
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from storelink.errors import Invalid
from storelink_cli.exits import Exit
from storelink_cli.module import Module
from tests.cli.conftest import Storelink

URLS = ("--callback-url", "https://app.example/callback", "--identity-url", "https://app.example/identity")
OPTIONS = (
    "--email",
    "team@app.example",
    "--resource",
    "Magento_Sales::sales",
    "-r",
    "Magento_Catalog::products",
    *URLS,
)


@pytest.fixture
def folder(tmp_path: Path, storelink: Storelink) -> Path:
    """A module as it is written."""
    said = storelink("module", "Acme/ShopLink", tmp_path / "made", "--title", 'Acme & Söhne <"App">', *OPTIONS)
    assert said.code == Exit.DONE, said.err
    return tmp_path / "made"


def read(file: Path) -> ElementTree.Element:
    return ElementTree.fromstring(file.read_text())


def shape(element: ElementTree.Element) -> list[str]:
    """The elements' names, in their order."""
    return [one.tag for one in element.iter()]


def test_the_module_is_registered_under_its_name(folder: Path) -> None:
    assert "ComponentRegistrar::MODULE, 'Acme_ShopLink', __DIR__" in (folder / "registration.php").read_text()
    made = read(folder / "etc/module.xml")
    assert shape(made) == ["config", "module", "sequence", "module"]
    assert [one.get("name") for one in made.iter("module")] == ["Acme_ShopLink", "Magento_Integration"]


def test_the_integration_is_described_as_magentos_schema_has_it(folder: Path) -> None:
    made = read(folder / "etc/integration/config.xml")
    assert shape(made) == ["integrations", "integration", "email", "endpoint_url", "identity_link_url"]
    (integration,) = made
    assert integration.attrib == {"name": 'Acme & Söhne <"App">'}
    assert [one.text for one in integration] == [
        "team@app.example",
        "https://app.example/callback",
        "https://app.example/identity",
    ]


def test_the_resources_are_given_to_the_same_integration(folder: Path) -> None:
    made = read(folder / "etc/integration/api.xml")
    assert shape(made) == ["integrations", "integration", "resources", "resource", "resource"]
    assert made[0].attrib == {"name": 'Acme & Söhne <"App">'}
    assert [one.get("name") for one in made.iter("resource")] == ["Magento_Sales::sales", "Magento_Catalog::products"]


def test_each_file_names_the_schema_that_magento_checks_it_by(folder: Path) -> None:
    name = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    assert {path: read(folder / path).get(name) for path in ("etc/module.xml", "etc/integration/config.xml")} == {
        "etc/module.xml": "urn:magento:framework:Module/etc/module.xsd",
        "etc/integration/config.xml": "urn:magento:module:Magento_Integration:etc/integration/config.xsd",
    }


def test_composer_can_install_it(folder: Path) -> None:
    told = json.loads((folder / "composer.json").read_text())
    assert (told["name"], told["type"]) == ("acme/module-shop-link", "magento2-module")
    assert told["autoload"] == {"files": ["registration.php"], "psr-4": {"Acme\\ShopLink\\": ""}}


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no php here")
def test_php_takes_it(folder: Path) -> None:
    linted = subprocess.run(["php", "-l", folder / "registration.php"], capture_output=True, text=True, timeout=30)
    assert linted.returncode == 0, linted.stdout


def test_nothing_is_overwritten(folder: Path, storelink: Storelink) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    said = storelink("module", "Other/Name", folder, *OPTIONS)
    assert said.code == Exit.USAGE
    assert said.err.splitlines()[0] == f"storelink: {folder} is there already"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"module": "acme/shop"}, "VENDOR/NAME"),
        ({"module": "Acme"}, "VENDOR/NAME"),
        ({"module": "Acme/Sh'op"}, "VENDOR/NAME"),
        ({"module": "Acme/../Shop"}, "VENDOR/NAME"),
        ({"title": "A"}, "--title"),
        ({"title": "A\x00B"}, "--title"),
        ({"email": "nobody"}, "--email"),
        ({"callback_url": "ftp://x"}, "--callback-url"),
        ({"identity_url": "https://x.example/identity?tenant=1"}, "--identity-url"),
        ({"resources": []}, "--resource"),
        ({"resources": ["Magento_Sales"]}, "--resource"),
    ],
)
def test_what_magento_could_not_read_is_refused_by_name(changed: dict[str, str], field: str) -> None:
    given = {
        "module": "Acme/Shop",
        "title": "Acme",
        "email": "team@app.example",
        "callback_url": "https://x.example/callback",
        "identity_url": "https://x.example/identity",
        "resources": ["Magento_Sales::sales"],
    }
    with pytest.raises(Invalid) as refused:
        Module.checked(**{**given, **changed})  # type: ignore[arg-type]
    assert list(refused.value.fields) == [field]


def test_one_url_without_the_other_is_refused(storelink: Storelink, tmp_path: Path) -> None:
    said = storelink("module", "A/B", tmp_path / "x", "--email", "a@b.example", "-r", "A_B::c", *URLS[:2])
    assert said.code == Exit.USAGE
    assert not (tmp_path / "x").exists()
