"""`storelink module`: the files, as Magento reads them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from storelink.errors import Invalid
from storelink_cli.errors import Exit
from storelink_cli.magento_module import Module
from tests.cli.conftest import Storelink

URLS = ("--callback-url", "https://app.example/callback", "--identity-url", "https://app.example/identity")
OPTIONS = (
    "--email",
    "team@app.example",
    "--resource",
    "Magento_Sales::actions_view",
    "-r",
    "Magento_Catalog::products",
    *URLS,
)


@pytest.fixture
def folder(tmp_path: Path, storelink: Storelink) -> Path:
    """A module as it is written."""
    result = storelink("module", "Acme/ShopLink", tmp_path / "made", "--title", 'Acme & Söhne <"App">', *OPTIONS)
    assert result.code == Exit.DONE, result.err
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


INTEGRATION_SCHEMA = "urn:magento:module:Magento_Integration:etc/integration/integration.xsd"


def magentos_objections(file: Path) -> list[str]:
    """What Magento's schema (integration.xsd, the same from 2.4.4 to 2.4.8) has against an etc/integration.xml."""
    config = read(file)
    wrong = [] if config.tag == "config" and len(config) else ["the root is no config with an integration"]
    for integration in config:
        wrong += [] if integration.tag == "integration" else [f"<{integration.tag}> in config"]
        wrong += [] if set(integration.attrib) == {"name"} else ["an integration has a name, and nothing else"]
        wrong += [] if len(integration.get("name", "")) >= 2 else ["the name is too short"]
        texts = {one.tag: one.text or "" for one in integration}
        wrong += [f"<{tag}> is unknown" for tag in texts.keys() - {*_URLS, "email", "resources"}]
        wrong += [] if len(texts) == len(integration) else ["an element stands twice"]
        wrong += [] if re.fullmatch(r"[^@]+@[^.]+\..+", texts.get("email", "")) else ["the email is none"]
        wrong += [f"{tag} is too short" for tag in _URLS if len(texts.get(tag, "")) < 4]
        resources = integration.findall("resources/*")
        wrong += [] if resources else ["there are no resources"]
        for resource in resources:
            is_right = resource.tag == "resource" and set(resource.attrib) == {"name"}
            wrong += [] if is_right else ["a resource has a name, and nothing else"]
            is_named = re.fullmatch(r".+_.+::.+", resource.get("name", ""))
            wrong += [] if is_named else [f"{resource.get('name')} is no resource"]
    return wrong


_URLS = ("endpoint_url", "identity_link_url")


def test_the_integration_is_valid_by_magentos_schema(folder: Path) -> None:
    assert magentos_objections(folder / "etc/integration.xml") == []


def test_the_integration_has_its_urls_and_its_resources(folder: Path) -> None:
    (integration,) = read(folder / "etc/integration.xml")
    assert integration.attrib == {"name": 'Acme & Söhne <"App">'}
    assert {one.tag: one.text for one in integration if one.tag != "resources"} == {
        "email": "team@app.example",
        "endpoint_url": "https://app.example/callback",
        "identity_link_url": "https://app.example/identity",
    }
    assert [one.get("name") for one in integration.iter("resource")] == [
        "Magento_Sales::actions_view",
        "Magento_Catalog::products",
    ]


def test_the_files_that_create_nothing_are_not_written(folder: Path) -> None:
    assert not list(folder.rglob("api.xml")) + list(folder.rglob("etc/integration/*"))


def test_each_file_names_the_schema_that_magento_checks_it_by(folder: Path) -> None:
    name = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    assert {path: read(folder / path).get(name) for path in ("etc/module.xml", "etc/integration.xml")} == {
        "etc/module.xml": "urn:magento:framework:Module/etc/module.xsd",
        "etc/integration.xml": INTEGRATION_SCHEMA,
    }


def test_the_operator_reads_what_resources_and_urls_mean(storelink: Storelink, tmp_path: Path) -> None:
    result = storelink("module", "Acme/Shop", tmp_path / "made", *OPTIONS)
    assert "System > Extensions > Integrations" in result.err
    assert "does not include its children" in result.err
    assert "activate it again" in result.err


def test_composer_can_install_it(folder: Path) -> None:
    package = json.loads((folder / "composer.json").read_text())
    assert (package["name"], package["type"]) == ("acme/module-shop-link", "magento2-module")
    assert package["autoload"] == {"files": ["registration.php"], "psr-4": {"Acme\\ShopLink\\": ""}}


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no php here")
def test_php_accepts_it(folder: Path) -> None:
    linted = subprocess.run(["php", "-l", folder / "registration.php"], capture_output=True, text=True, timeout=30)
    assert linted.returncode == 0, linted.stdout


def test_nothing_is_overwritten(folder: Path, storelink: Storelink) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = storelink("module", "Other/Name", folder, *OPTIONS)
    assert result.code == Exit.USAGE
    assert result.err.splitlines()[0] == f"storelink: {folder} exists"
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
def test_an_input_that_magento_could_not_read_is_refused_by_name(changed: dict[str, str], field: str) -> None:
    given = {
        "module": "Acme/Shop",
        "title": "Acme",
        "email": "team@app.example",
        "callback_url": "https://x.example/callback",
        "identity_url": "https://x.example/identity",
        "resources": ["Magento_Sales::actions_view"],
    }
    with pytest.raises(Invalid) as refused:
        Module.checked(**{**given, **changed})  # type: ignore[arg-type]
    assert list(refused.value.fields) == [field]


def test_one_url_without_the_other_is_refused(storelink: Storelink, tmp_path: Path) -> None:
    result = storelink("module", "A/B", tmp_path / "x", "--email", "a@b.example", "-r", "A_B::c", *URLS[:2])
    assert result.code == Exit.USAGE
    assert not (tmp_path / "x").exists()
