"""The table that ends a run, on terminals of different widths."""

from pathlib import Path

import pytest
import typer

from builders import make_cell
from harness.cli.summary import show_outcome
from harness.measuring.run_outcome import Outcome


def shown(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(typer.Exit) as ended:
        show_outcome(Outcome(Path("results/r"), (make_cell(),), ()), json=False)
    assert ended.value.exit_code == 0
    return capsys.readouterr().out


def test_the_table_shows_startup_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shown(140, monkeypatch, capsys)
    assert "start-up ms" in table
    assert "44.0" in table
    assert "Start-up is load, init and first inference" in table


def test_a_log_keeps_startup_and_drops_what_decides_less(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shown(100, monkeypatch, capsys)
    assert "start-up ms" in table
    assert "file MB" not in table


def test_a_narrow_terminal_drops_startup_and_keeps_latency_and_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shown(80, monkeypatch, capsys)
    assert "start-up ms" not in table
    assert "Start-up is" not in table
    assert "latency ms" in table
    assert "verdict" in table
