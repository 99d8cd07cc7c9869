"""The page of the saved files' fields, from their JSON Schemas."""

import json
from typing import Any

import msgspec

from harness.records import SCHEMA_VERSION
from harness.records.published_schema import SAVED_RECORDS, json_schema

HEAD = f"""# JSON Schema of run folders

`run.json` and `cells/*.json` have schema version {SCHEMA_VERSION}. A minor version may add fields, and
readers ignore those they do not know; only a major version removes one or changes its meaning. The schemas
themselves, which `harness schema run` and `harness schema cell` print: [run.schema.json](run.schema.json),
[cell.schema.json](cell.schema.json).

Units stand in the names. A figure that could not be had is null, never 0. The order of samples is data.
"""


def schema_text(name: str) -> str:
    """The schema as `harness schema` prints it."""
    return msgspec.json.format(msgspec.json.encode(json_schema(name)), indent=2).decode() + "\n"


def schema_page() -> str:
    """A heading and a table of fields for each record of each file."""
    definitions: dict[str, Any] = {}
    for name in SAVED_RECORDS:
        definitions |= json_schema(name)["$defs"]
    first = [name.capitalize() for name in SAVED_RECORDS]
    order = [*first, *sorted(definitions.keys() - set(first))]
    return "\n".join([HEAD, *(_section(name, definitions[name]) for name in order)])


def _section(name: str, schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    lines = [f"## {name}", "", schema.get("description", ""), "", "| field | type | |", "| --- | --- | --- |"]
    for field, of in schema.get("properties", {}).items():
        default = "" if field in required else f"default {json.dumps(of.get('default'))}"
        lines.append(f"| `{field}` | {_type(of)} | {default} |")
    return "\n".join(lines) + "\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"object of {_type(values)}" if isinstance(values, dict) else "object"
    return str(schema.get("type", "any")) + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    """The lower bound; the upper one is 2**53 everywhere, up to where JSON's numbers are exact."""
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']}"
    return " from 0" if schema.get("minimum") == 0 else ""
