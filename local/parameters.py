"""The template's parameters, checked as CloudFormation checks them before it deploys anything."""

import re
import shlex
from typing import Any

from local.template import Template

_LIST = "CommaDelimitedList"


def read(text: str, source: str = "PARAMETERS") -> dict[str, str]:
    """Read parameters: NAME=VALUE, separated by spaces. Raises ValueError, naming all that is wrong.

    source: what the text is called in the error.
    """
    given = {name: value for name, _, value in (one.partition("=") for one in shlex.split(text))}
    sam = Template.read().sam
    if unknown := [name for name in given if name not in sam["Parameters"]]:
        raise ValueError(f"{source} names {', '.join(unknown)}, which template.yaml does not have.")
    wrong = [
        f"{name} {problem}" for name, value in given.items() for problem in problems(sam["Parameters"][name], value)
    ]
    values = {name: str(one.get("Default", "")) for name, one in sam["Parameters"].items()} | given
    wrong += broken_rules(sam.get("Rules", {}), values)
    if wrong:
        raise ValueError(f"{source} is refused, as CloudFormation would refuse it: {'; '.join(wrong)}")
    return given


def problems(parameter: dict[str, Any], value: str) -> list[str]:
    """What is wrong with a value. parameter: as the template declares it."""
    allowed = [str(one) for one in parameter.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return [f"must be one of: {', '.join(allowed)}"]
    if parameter["Type"] == "Number":
        return _number(parameter, value)
    items = [one.strip() for one in value.split(",")] if parameter["Type"] == _LIST else [value]
    pattern = parameter.get("AllowedPattern")
    if pattern and not all(re.fullmatch(pattern, one) for one in items):
        return [str(parameter.get("ConstraintDescription", f"must match {pattern}"))]
    if not int(parameter.get("MinLength", 0)) <= len(value) <= int(parameter.get("MaxLength", 4096)):
        return [f"must have {parameter.get('MinLength', 0)} to {parameter.get('MaxLength', 4096)} characters"]
    return []


def _number(parameter: dict[str, Any], value: str) -> list[str]:
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return ["must be a number"]
    if float(value) < parameter.get("MinValue", float("-inf")):
        return [f"must be at least {parameter['MinValue']}"]
    if float(value) > parameter.get("MaxValue", float("inf")):
        return [f"must be at most {parameter['MaxValue']}"]
    return []


def broken_rules(rules: dict[str, Any], values: dict[str, str]) -> list[str]:
    """The descriptions of the rules' assertions that do not hold for these values of all parameters."""
    applying = [rule for rule in rules.values() if _evaluate(rule.get("RuleCondition", True), values)]
    asserted = [assertion for rule in applying for assertion in rule["Assertions"]]
    return [one["AssertDescription"] for one in asserted if not _evaluate(one["Assert"], values)]


def _evaluate(value: Any, values: dict[str, str]) -> Any:
    """A rule's expression: the functions that the template's rules use."""
    if not isinstance(value, dict):
        return value
    ((function, argument),) = value.items()
    if function == "Ref":
        return values[argument]
    if function == "Fn::Join":  # of a list parameter, which is one text here
        return _evaluate(argument[1], values)
    operands = [_evaluate(one, values) for one in argument]
    if function == "Fn::Equals":
        return operands[0] == operands[1]
    if function == "Fn::Not":
        return not operands[0]
    return all(operands) if function == "Fn::And" else any(operands)
