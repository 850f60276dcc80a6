"""Renders docs/openapi.yaml: as Markdown for the page of the API reference, and as a Postman collection."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from local.template import ROOT

Json = dict[str, Any]

METHODS = ("get", "post", "put", "delete")

EXAMPLES = {
    "StoreUrl": "https://shop.example/",
    "Tenant": "acme",
    "Value": "0123456789abcdefghijklmnopqrstuv",
    "ActivationId": "0123456789abcdef0123456789abcdef-0123456789ab",
    "ConnectionId": "shop.example-0ebceea5fcc8e4fb",
}
"""Values of the schemas that requests have, where the document has no example."""


@cache
def document() -> Json:
    """Return the description of the API."""
    read: Json = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    return read


def operations(tag: str) -> Iterator[tuple[str, str, Json]]:
    """Yield the operations of a tag: method, path, and the operation with the parameters of its path."""
    for path, item in document()["paths"].items():
        for method in METHODS:
            if tag in item.get(method, {}).get("tags", ()):
                shared = item.get("parameters", []) + item[method].get("parameters", [])
                yield method.upper(), path, item[method] | {"parameters": [_resolved(one) for one in shared]}


def markdown() -> str:
    """Return a section for each tag, with its operations, and one with the objects that they exchange."""
    parts = []
    for tag in document()["tags"]:
        parts += [f"## {tag['name'].capitalize()}", f"{tag['description']}."]
        parts += [part for operation in operations(tag["name"]) for part in _operation(*operation)]
    parts += ["## Errors", "An answer's body says what is wrong and what to do."]
    rows = [[name, *_answer(one)] for name, one in document()["components"]["responses"].items()]
    parts += [markdown_table(["error", "body", "meaning"], rows), "## Objects"]
    for name, schema in document()["components"]["schemas"].items():
        if "properties" in schema:
            parts += [f"### {name}", _fields(schema)]
        else:
            parts += [f"### {name}", f"{_type(schema)}. {schema.get('description', '')}".strip()]
    return "\n\n".join(parts)


def _operation(method: str, path: str, operation: Json) -> list[str]:
    parts = [f"### {method} `{path}`", operation["summary"]]
    if "description" in operation:
        parts.append(operation["description"])
    if operation["parameters"]:
        rows = []
        for one in operation["parameters"]:
            name, *rest = _field(one["name"], one["schema"] | one, one.get("required", False))
            rows.append([name, one["in"], *rest])
        parts.append(markdown_table(["parameter", "in", "type", "meaning"], rows))
    if body := operation.get("requestBody"):
        ((kind, content),) = body["content"].items()
        schema = content["schema"]
        parts += [f"Body: {_type(schema)} (`{kind}`)"] if "$ref" in schema else [f"Body (`{kind}`):", _fields(schema)]
    errors = {status: one["$ref"].rpartition("/")[2] for status, one in operation["responses"].items() if "$ref" in one}
    rows = [[f"`{status}`", *_answer(one)] for status, one in operation["responses"].items() if status not in errors]
    parts.append(markdown_table(["answer", "body", "meaning"], rows))
    named = ", ".join(f"`{status}` {errors[status]}" for status in sorted(errors))
    return [*parts, f"[Errors](#errors): {named}."]


def _answer(response: Json) -> list[str]:
    response = _resolved(response)
    schemas = [content["schema"] for content in response.get("content", {}).values()]
    return [", ".join(_type(schema) for schema in schemas) or "-", response["description"]]


def _fields(schema: Json) -> str:
    """A table of an object's fields."""
    required = schema.get("required", ())
    rows = [_field(name, one, name in required) for name, one in schema["properties"].items()]
    return markdown_table(["field", "type", "meaning"], rows)


def _field(name: str, schema: Json, required: bool) -> list[str]:
    described = schema.get("description") or _resolved(schema.get("schema", schema)).get("description", "")
    notes = [f"{described.rstrip('.')}." if described else "", *_limits(schema)]
    return [f"`{name}`" if required else f"`{name}` (optional)", _type(schema), " ".join(filter(None, notes))]


def _limits(schema: Json) -> Iterator[str]:
    if "default" in schema:
        yield f"Default `{json.dumps(schema['default'])}`."
    if "maximum" in schema:
        yield f"{schema['minimum']:,} to {schema['maximum']:,}."


def _type(schema: Json) -> str:
    """What a value is, in Markdown: a link for a schema with a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "schema" in schema:
        return _type(schema["schema"])
    for several, joined in (("allOf", " and "), ("anyOf", " or ")):
        if several in schema:
            return joined.join(_type(one) for one in schema[several])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if schema["type"] == "object" and "properties" in schema:
        return ", ".join(f"`{name}`: {_type(one)}" for name, one in schema["properties"].items())
    pattern = f", `{schema['pattern']}`" if "pattern" in schema else ""
    return f"{schema['type']}{pattern}"


def _resolved(schema: Json) -> Json:
    while "$ref" in schema:
        found: Any = document()
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    return schema


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def collection() -> str:
    """Return a Postman collection (v2.1) of the operators' routes. Its requests are signed for IAM."""
    described = document()
    folders = [
        {"name": tag["name"], "item": [_request(*one) for one in operations(tag["name"])]}
        for tag in described["tags"]
        if tag["name"] != "public"
    ]
    signed = {"accessKey": "AccessKey", "secretKey": "SecretKey", "sessionToken": "SessionToken", "region": "Region"}
    auth = [{"key": key, "value": f"{{{{aws{name}}}}}", "type": "string"} for key, name in signed.items()]
    auth.append({"key": "service", "value": "execute-api", "type": "string"})
    variables = {"api": "", **{f"aws{name}": "" for name in signed.values()}}
    made = {
        "info": {
            "name": f"{described['info']['title']} {described['info']['version']}",
            "description": described["info"]["description"],
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": {"type": "awsv4", "awsv4": auth},
        "variable": [{"key": name, "value": value} for name, value in variables.items()],
        "item": folders,
    }
    return json.dumps(made, indent=2) + "\n"


def _request(method: str, path: str, operation: Json) -> Json:
    """A request of the collection. Parameters of the query that are optional are there, and off."""
    parameters = operation["parameters"]
    query = [_parameter(one, disabled=not one.get("required", False)) for one in parameters if one["in"] == "query"]
    path = re.sub(r"{(.+?)}", r":\1", path)
    url: Json = {"raw": f"{{{{api}}}}{path}", "host": ["{{api}}"], "path": path.strip("/").split("/")}
    if query:
        url["query"] = query
    if of_path := [_parameter(one) for one in parameters if one["in"] == "path"]:
        url["variable"] = of_path
    request: Json = {"method": method, "header": [], "url": url, "description": operation["summary"]}
    if body := operation.get("requestBody"):
        raw = json.dumps(_example(body["content"]["application/json"]["schema"]), indent=2)
        request |= {"body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}}
        request["header"].append({"key": "Content-Type", "value": "application/json"})
    return {"name": operation["operationId"], "request": request}


def _parameter(parameter: Json, **more: bool) -> Json:
    value = _example(parameter["schema"])
    if parameter["in"] == "path":
        value = value or f"{{{{{parameter['name']}}}}}"
    shown = {"key": parameter["name"], "value": str(value), **more}
    return shown | ({"description": parameter["description"]} if "description" in parameter else {})


def _example(schema: Json) -> Any:
    """A value that the schema allows; of an object the required fields, a variable for a text that is the caller's."""
    if "$ref" in schema and (name := schema["$ref"].rpartition("/")[2]) in EXAMPLES:
        return EXAMPLES[name]
    schema = _resolved(schema)
    if "properties" in schema:
        return {name: _example(schema["properties"][name]) or f"{{{{{name}}}}}" for name in schema["required"]}
    if "enum" in schema:
        return schema["enum"][0]
    return schema.get("default", "")
