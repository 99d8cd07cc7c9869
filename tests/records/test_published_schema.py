"""The published schemas accept what the harness saves, and refuse what it would not."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from builders import failed, make_cell, make_run, with_accuracy
from harness.records import SCHEMA_VERSION, Cell, Record
from harness.records.published_schema import SAVED_RECORDS, json_schema
from harness.system.paths import PROJECT

# Measured on an emulated core, and committed as the base of `make gate`.
REAL = PROJECT / "benchmarks" / "base"


def saved(record: Record) -> Any:
    return json.loads(msgspec.json.encode(record))


def validator(name: str) -> Any:
    schema = json_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", sorted((REAL / "cells").iterdir()), ids=lambda path: path.name)
def test_a_measured_cell_is_of_the_schema(file: Path) -> None:
    validator("cell").validate(json.loads(file.read_text()))


def test_a_measured_run_is_of_the_schema() -> None:
    validator("run").validate(json.loads((REAL / "run.json").read_text()))


@pytest.mark.parametrize("cell", [make_cell(), failed(make_cell()), with_accuracy(make_cell(), 0.7)])
def test_cells_with_and_without_figures_are_of_the_schema(cell: Cell) -> None:
    validator("cell").validate(saved(cell))
    validator("run").validate(saved(make_run((cell,))))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema_version", "3.0"),
        ("schema_version", f"{SCHEMA_VERSION}\n2"),
        ("latency", 12.0),
        ("verdict", None),
    ],
)
def test_what_decoding_refuses_the_schema_refuses(field: str, value: object) -> None:
    document = saved(make_cell()) | {field: value}
    with pytest.raises(jsonschema.ValidationError):
        validator("cell").validate(document)


def test_a_field_of_a_newer_minor_version_is_accepted() -> None:
    validator("cell").validate(saved(make_cell()) | {"new_figure_ns": 1})


@pytest.mark.parametrize("name", SAVED_RECORDS)
def test_patterns_are_those_of_json_schema(name: str) -> None:
    text = json.dumps(json_schema(name))
    assert r"\\Z" not in text
    assert json.dumps(json_schema(name)) == text
