"""Writes the generated tables of docs/ between their markers, and the generated files: `make tables`."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local import api_reference, cost
from local.api_reference import markdown_table
from local.template import ROOT, Template
from storelink.advice import ACTIONS, REASONS
from storelink.testing.sandbox.resources import RESOURCES
from storelink.testing.sandbox.troubles import GROUPS


def reasons() -> str:
    """Return a line for each reason: its name, who has to act, what happened, and what to change first."""
    lines = [[f"`{name}`", one.who, one.happened, one.fix or "-"] for name, one in REASONS.items()]
    return markdown_table(["reason", "who acts", "what happened", "what to change"], lines)


def actions() -> str:
    """Return a line for each action in Magento's admin that an advice ends with."""
    return markdown_table(["action", "advice"], [[f"`{name}`", text] for name, text in ACTIONS.items() if text])


def parameters() -> str:
    """Return a table of the template's parameters for each of its groups."""
    sam = Template.read().sam
    groups = sam["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    parts = []
    for group in groups:
        lines = [_parameter(name, sam["Parameters"][name]) for name in group["Parameters"]]
        parts.append(f"## {group['Label']['default']}\n\n{markdown_table(['parameter', 'default', 'meaning'], lines)}")
    return "\n\n".join(parts)


def _parameter(name: str, parameter: dict[str, Any]) -> list[str]:
    default = str(parameter.get("Default", ""))
    admitted = [f"`{value}`" for value in parameter.get("AllowedValues", [])]
    values = f" One of {', '.join(admitted)}." if 0 < len(admitted) < 8 else ""
    return [f"`{name}`", f"`{default}`" if default else "empty", f"{parameter['Description']}{values}"]


def outputs() -> str:
    """Return a table of the template's outputs."""
    found = Template.read().sam["Outputs"]
    return markdown_table(["output", "meaning"], [[f"`{name}`", found[name]["Description"]] for name in found])


def functions() -> str:
    """Return a table of the functions: what each does, by the description that the template has."""
    found = Template.read().functions
    lines = [[f"`{name}`", f"`{found[name]['CodeUri']}`", found[name]["Description"]] for name in sorted(found)]
    return markdown_table(["function", "code", "what it does"], lines)


def troubles() -> str:
    """Return a table of what can go wrong in a sandbox store."""
    lines = [[group, f"`{kind}`", effect] for group, kinds in GROUPS.items() for kind, effect in kinds.items()]
    return markdown_table(["what goes wrong", "name", "effect"], lines)


def resources() -> str:
    """Return a table of the paths of a sandbox store's REST API, with the ACL resource that each needs."""
    methods: dict[tuple[str, str], list[str]] = {}
    for one in RESOURCES:
        needed = {None: "none", "self": "a customer's token"}.get(one.acl, f"`{one.acl}`")
        methods.setdefault((one.path, needed), []).append(one.method)
    lines = [[f"`V1/{path}`", ", ".join(found), needed] for (path, needed), found in methods.items()]
    return markdown_table(["path", "methods", "ACL resource"], lines)


TABLES: dict[tuple[str, str], Callable[[], str]] = {
    ("api-reference.md", "operations"): api_reference.markdown,
    ("architecture.md", "functions"): functions,
    ("troubleshooting.md", "actions"): actions,
    ("troubleshooting.md", "reasons"): reasons,
    ("parameters.md", "parameters"): parameters,
    ("parameters.md", "outputs"): outputs,
    ("cost.md", "cost"): cost.table,
    ("sandbox.md", "paths"): resources,
    ("sandbox.md", "troubles"): troubles,
}
"""By page and name of the marker, what stands there."""


FILES: dict[str, Callable[[], str]] = {"storelink.postman_collection.json": api_reference.collection}
"""By its name, what a file contains."""


def written(text: str, name: str, table: str) -> str:
    """Return a page's text with the table between its markers. Raises ValueError where there are none."""
    begin, end = f"<!-- {name}: written by make tables -->", f"<!-- end of {name} -->"
    if not re.search(f"{re.escape(begin)}.*{re.escape(end)}", text, re.DOTALL):
        raise ValueError(f"there is no place for it: {begin} … {end}")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def main(folder: Path = ROOT / "docs") -> None:
    """Write each table into its page, and each file; print the names of those that changed."""
    for (page, name), table in TABLES.items():
        before = (folder / page).read_text()
        after = written(before, name, table())
        if after != before:
            (folder / page).write_text(after)
            sys.stdout.write(f"docs/{page}: {name}\n")
    for name, content in FILES.items():
        file, text = folder / name, content()
        if not file.is_file() or file.read_text() != text:
            file.write_text(text)
            sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
