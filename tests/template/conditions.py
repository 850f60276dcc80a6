"""CloudFormation's conditions, decided for given parameters: what a template makes of itself in an account."""

from typing import Any

from local.template import Template

NO_VALUE = {"Ref": "AWS::NoValue"}


def resources(template: Template, **parameters: str) -> dict[str, Any]:
    """Return the translated template's resources, with every Fn::If decided for these parameters."""
    cloudformation = template.translated()
    defaults = {name: str(one.get("Default", "")) for name, one in cloudformation["Parameters"].items()}
    decided: dict[str, Any] = _decided(cloudformation["Resources"], cloudformation["Conditions"], defaults | parameters)
    return decided


def holds(condition: Any, conditions: dict[str, Any], parameters: dict[str, str]) -> bool:
    """Return whether a condition of a template holds."""
    ((function, arguments),) = condition.items()
    if function == "Condition":
        return holds(conditions[arguments], conditions, parameters)
    if function == "Fn::Equals":
        first, second = (_text(one, parameters) for one in arguments)
        return first == second
    held = [holds(one, conditions, parameters) for one in arguments]
    return {"Fn::Not": not held[0], "Fn::And": all(held), "Fn::Or": any(held)}[function]


def _text(value: Any, parameters: dict[str, str]) -> str:
    """Return a text of a condition: written out, a parameter, or the items of a list parameter, joined."""
    if isinstance(value, dict):
        return parameters[value["Ref"]] if "Ref" in value else _text(value["Fn::Join"][1], parameters)
    return str(value)


def _decided(value: Any, conditions: dict[str, Any], parameters: dict[str, str]) -> Any:
    """Return a part of a template without its Fn::If."""
    if isinstance(value, dict):
        if value.keys() == {"Fn::If"}:
            name, if_so, if_not = value["Fn::If"]
            chosen = if_so if holds(conditions[name], conditions, parameters) else if_not
            return _decided(chosen, conditions, parameters)
        decided = {name: _decided(inner, conditions, parameters) for name, inner in value.items()}
        return {name: inner for name, inner in decided.items() if inner != NO_VALUE}
    if isinstance(value, list):
        return [one for one in (_decided(inner, conditions, parameters) for inner in value) if one != NO_VALUE]
    return value
