"""JSON Schemas of the files in a run folder, from the records themselves.

A reader needs no schema: decoding checks more. They are for other programs that read run folders.
"""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec

from harness.records import SCHEMA_MAJOR, Cell, Record, Run

# What each file of a run folder holds.
SAVED_RECORDS: Mapping[str, type[Record]] = {"run": Run, "cell": Cell}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(name: str) -> dict[str, Any]:
    """The schema of a record of SAVED_RECORDS; the same bytes from the same records."""
    (reference,), definitions = msgspec.json.schema_components([SAVED_RECORDS[name]])
    return {
        "$schema": DIALECT,
        "title": f"{name} of a mobilenet-harness run folder, schema version {SCHEMA_MAJOR}.x",
        **reference,
        "$defs": {key: _portable(definitions[key]) for key in sorted(definitions)},
    }


def _portable(schema: Any) -> Any:
    """The schema with patterns and descriptions as other languages read them."""
    if isinstance(schema, dict):
        return {key: _portable_value(key, value) for key, value in schema.items()}
    return [_portable(one) for one in schema] if isinstance(schema, list) else schema


def _portable_value(key: str, value: Any) -> Any:
    if key == "pattern" and isinstance(value, str):
        # JSON Schema's patterns are JavaScript's, where `$` matches at the end alone and `\Z` is a letter.
        return value.replace(r"\Z", "$")
    if key == "description" and isinstance(value, str):
        return " ".join(cleandoc(value).split())
    return _portable(value)
