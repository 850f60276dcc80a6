"""What a role of the translated template allows."""

from typing import Any


def as_list(value: Any) -> list[Any]:
    """A policy's value, which may be one or a list."""
    return value if isinstance(value, list) else [value]


def statements(resources: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """The statements of a role: its own, and those of the template's managed policies that it has."""
    properties = resources[role]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    attached = [one["Ref"] for one in properties.get("ManagedPolicyArns", []) if isinstance(one, dict) and "Ref" in one]
    documents += [resources[name]["Properties"]["PolicyDocument"] for name in attached if name in resources]
    return [statement for document in documents for statement in document["Statement"]]
