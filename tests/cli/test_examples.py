"""The examples of the README and of --help: all are accepted, and those that only read saved results run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace
from typer.core import TyperCommand, TyperGroup

from builders import (
    make_energy_cell,
    make_energy_run,
    make_paced_cell,
    make_run,
    make_sustained_cell,
    make_sustained_run,
)
from harness.cli.main import app, main
from harness.records import BaseRun, Cell
from harness.records.base_cells import base_folder
from harness.records.run_folder import load_run, write_cell, write_run
from synthetic import EMULATOR, PHONE, simulate_cells

README = Path(__file__).resolve().parents[2] / "README.md"
# Of these the input is a run folder, and the output lines.
READ_ONLY = ("pick", "compare")
RUNS = ("demo", "pixel", "kitchen-pi", "main", "branch")
FOLDERS = ("BASE", "NEW", "DIR", *(f"results/{name}" for name in RUNS))


def _commands() -> Iterator[tuple[str, TyperCommand]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    waiting: list[tuple[str, object]] = list(root.commands.items())
    for name, command in waiting:
        if isinstance(command, TyperGroup):
            waiting += [(f"{name} {each}", found) for each, found in command.commands.items()]
        elif isinstance(command, TyperCommand):
            yield name, command


COMMANDS = dict(_commands())


def _of_help() -> Iterator[str]:
    for command in COMMANDS.values():
        yield from re.findall(r"^  (harness .+)$", command.epilog or "", re.MULTILINE)


def _of_readme() -> Iterator[str]:
    text = README.read_text()
    blocks = "\n".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL))
    yield from re.findall(r"^(?:\$ |next: )?(harness .+)$", blocks, re.MULTILINE)
    yield from (each for each in re.findall(r"`(harness [^`]+)`", text) if "COMMAND" not in each)


def _words(example: str) -> list[str]:
    """The words after `harness`, without comments, redirections, pipes, brackets and dots."""
    line = re.sub(r"  +#.*| [>|] .*|\[.*?\]", "", example).replace("...", "")
    return shlex.split(line)[1:]


EXAMPLES = sorted({*_of_help(), *_of_readme()})


READING = [one for one in EXAMPLES if _words(one)[0] in READ_ONLY and len(_words(one)) > 1]


def _named(words: list[str]) -> tuple[str, list[str]]:
    name = " ".join(words[:2])
    return (name, words[2:]) if name in COMMANDS else (words[0], words[1:])


def _save(folder: Path, cells: tuple[Cell, ...]) -> None:
    write_run(folder, make_run(cells))
    for cell in cells:
        write_cell(folder, cell)


def _save_with_base(folder: Path) -> None:
    """A run that was measured against another."""
    run, cells = load_run(folder)
    base = BaseRun(id="main", started_at=run.started_at, versions=run.versions)
    write_run(folder, replace(run, base=base))
    _save(base_folder(folder), cells)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs and files that examples name."""
    place = tmp_path_factory.mktemp("examples")
    for name in FOLDERS:
        _save(place / name, simulate_cells(PHONE, widths=(0.25, 0.5), resolutions_px=(128,)))
    # As `make demo` makes it: a real clock and an emulated one.
    _save(place / "results" / "demo", simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,)))
    _save(place / "results" / "ci", simulate_cells(EMULATOR, widths=(0.25, 0.5), resolutions_px=(128,)))
    _save(place / "results" / "paced", (make_paced_cell(15.0), make_paced_cell(30.0)))
    _save(place / "results" / "hot", (make_sustained_cell(make_sustained_run((60, 9.0))),))
    _save(place / "results" / "energy", (make_energy_cell(make_energy_run()),))
    _save_with_base(place / "results" / "branch")
    _save_with_base(place / "DIR")
    programs = ("segmenter.pte", "detector.pte", "encoder.pte", "photo.npz")
    for name in ("w.safetensors", "w25.safetensors", "w50.safetensors", *programs):
        (place / name).write_text("")
    return place


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 20
    assert any(example.startswith("harness pick") for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_accepted(example: str, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved)
    words = _words(example)
    if words[0].startswith("-"):
        return
    name, arguments = _named(words)
    command = COMMANDS.get(name)
    if command is None:
        assert name == "bundle", example
    elif arguments:
        command.make_context(name, arguments)


@pytest.mark.parametrize("example", READING)
def test_an_example_that_reads_saved_results_runs(
    example: str, saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(saved)
    monkeypatch.setenv("HARNESS_CACHE", str(saved / "cache"))
    monkeypatch.setattr("sys.argv", ["harness", *_words(example)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code in (0, 1, 3), printed.err
    assert printed.out
