"""`harness schema` prints one JSON document."""

import json

import pytest

from harness_command import run_main


@pytest.mark.parametrize("name", ["cell", "run"])
def test_the_schema_of_a_saved_file_is_printed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "schema", name) == 0
    readable = capsys.readouterr().out
    assert json.loads(readable)["$ref"] == f"#/$defs/{name.capitalize()}"
    assert run_main(monkeypatch, "schema", name, "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(readable)


def test_an_unknown_record_is_refused_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "schema", "report") == 2
    assert "there is no schema of 'report'\n  hint: choose cell or run" in capsys.readouterr().err
