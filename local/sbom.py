"""Prints what the layer holds as a CycloneDX list of parts (SBOM), from its pinned requirements."""

import json
import re
from typing import Any

from local.template import ROOT
from storelink import __version__

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def sbom() -> dict[str, Any]:
    """The list, in CycloneDX 1.5. The same commit gives the same list."""
    pinned = PINNED.findall((ROOT / "layers" / "storelink" / "requirements.txt").read_text())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": _component("storelink", __version__)},
        "components": [_component(name, version) for name, version in pinned],
    }


def _component(name: str, version: str) -> dict[str, str]:
    purl = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    print(json.dumps(sbom(), indent=2))
