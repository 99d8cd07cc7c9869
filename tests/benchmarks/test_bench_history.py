"""The history of `make bench`: what is appended, and the picture of it."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from bench_history import Entry, read, record
from plot_history import was_busy

SCRIPTS = Path(__file__).parent


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history of the test's own."""
    path = tmp_path / "history.jsonl"
    monkeypatch.setenv("HARNESS_BENCH_HISTORY", str(path))
    return path


def plot(history: Path, picture: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "plot_history.py"), str(history), str(picture)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_each_ratio_is_one_line_with_its_limit_and_what_it_was_measured_on(history: Path) -> None:
    record("lowering", "0.25/128 fp32", 2.1, at_least=1.0)
    record("runner", "1.0/224 fp32", 1.25, at_most=1.02)
    first, second = read(history)
    assert len(history.read_text().splitlines()) == 2
    assert (first.bench, first.what, first.ratio, first.goal, first.limit, first.met) == (
        *("lowering", "0.25/128 fp32", 2.1, "at least", 1.0, True),
    )
    assert (second.goal, second.met) == ("at most", False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", first.date)
    assert re.search(r", \d+ cores, .+", first.machine)
    assert first.load_average_1min >= 0


@pytest.mark.parametrize("limits", [{}, {"at_least": 1.0, "at_most": 2.0}])
def test_a_ratio_has_exactly_one_limit(history: Path, limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="give either at_least or at_most"):
        record("runner", "1.0/224 fp32", 1.0, **limits)
    assert not history.exists()


def test_a_mark_of_a_busy_machine_is_hollow(history: Path) -> None:
    entry = msgspec.structs.replace(
        record("runner", "1.0/224 fp32", 1.0, at_most=1.02), machine="x86_64, 4 cores, some processor"
    )
    assert was_busy(msgspec.structs.replace(entry, load_average_1min=2.5))
    assert not was_busy(msgspec.structs.replace(entry, load_average_1min=1.5))


def test_the_picture_has_a_panel_a_ratio_and_repeats_byte_for_byte(history: Path, tmp_path: Path) -> None:
    entries: list[Entry] = []
    for ratio in (2.0, 2.2, 2.1):
        entries.append(record("lowering", "0.25/128 fp32", ratio, at_least=1.0))
        entries.append(record("runner", "1.0/224 fp32", ratio / 2, at_most=1.02))
    with history.open("ab") as file:
        other = msgspec.structs.replace(entries[0], machine="aarch64, 4 cores, Cortex-A76")
        file.write(msgspec.json.encode(other) + b"\n")
    pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for picture in pictures:
        done = plot(history, picture)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{picture}\n", "")
    one, two = (picture.read_text() for picture in pictures)
    assert one == two
    assert one.count('<g id="axes_') == 2


def test_without_a_history_the_message_names_the_command_that_measures(tmp_path: Path) -> None:
    done = plot(tmp_path / "none.jsonl", tmp_path / "picture.svg")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {tmp_path}/none.jsonl has no ratios yet; `make bench` measures some\n"
    assert not (tmp_path / "picture.svg").exists()
