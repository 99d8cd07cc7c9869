"""All wrong options of a command line are reported at once, in one block and in one document."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.main import main

Typed = Callable[..., tuple[str, str]]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """What a command line that is refused prints."""

    def run(*words: str) -> tuple[str, str]:
        monkeypatch.setattr("sys.argv", ["harness", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr()

    return run


def test_each_wrong_value_is_named_with_its_own_hint(refused: Typed) -> None:
    _, block = refused("run", "-d", "host", "-w", "0", "-p", "int4", "--processes", "0", "--max-temp", "95F")
    assert block.splitlines() == [
        "error: the command line has 4 errors",
        "  --width '0': a width multiplier is above 0 and at most 4, not 0",
        "    hint: for example --width 0.25,0.5,1.0",
        "  --precision 'int4': there is no precision 'int4'; choose from fp32, fp16, int8",
        "    hint: for example --precision fp32,int8",
        *block.splitlines()[5:7],
        "  --max-temp: '95F' has an unknown unit, 'F'",
        "    hint: write a temperature such as 35C",
    ]
    assert "'--processes'" in block.splitlines()[5]


@pytest.mark.parametrize(
    "words",
    [("run", "--device"), ("pick", "results/demo", "--max-latency"), ("lab", "join", "head", "--name")],
)
def test_an_option_without_its_value_leads_to_the_help_of_its_command(
    refused: Typed, words: tuple[str, ...]
) -> None:
    command = " ".join(word for word in words if word in ("run", "pick", "lab", "join"))
    _, block = refused(*words)
    assert block.splitlines() == [
        f"error: Option '{words[-1]}' requires an argument",
        f"  hint: see harness {command} --help",
    ]


def test_a_cold_start_is_refused_on_the_emulator_before_anything_is_made(
    refused: Typed, tmp_path: Path
) -> None:
    _, block = refused("run", "-d", "emulator", "-w", "0.25", "--cold", "--out", str(tmp_path / "run"))
    assert block.startswith(
        "error: --cold cannot be measured on emulator: its times are those of an emulator"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("url", ["s3://lab/night-1", "https://user:secret@host/run", "zip::s3://lab/all.zip"])
def test_a_base_at_a_url_is_refused_before_anything_is_touched(
    refused: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    _, block = refused("run", "-d", "emulator", "--against", url, "--out", "run")
    assert block.splitlines() == [
        "error: --against names a URL, and the programs of a base are read from a folder of this machine"
        " only",
        "  hint: copy the run folder here, with its artifacts, and name the copy",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-d", "emulator", "--sustain", "10m"), "--sustain cannot be measured on emulator: its times are"),
        (("--sustain", "10m", "--cold"), "--sustain and --cold conflict: one starts with nothing in memory"),
        (("--sustain", "10m", "--rate", "30"), "--sustain and --rate conflict: --sustain runs back to back"),
        (
            ("--sustain", "10m", "--search", "--max-latency", "9ms"),
            "--sustain and --search conflict: a search would measure the next cell on a device that is hot",
        ),
        (("--sustain", "10m", "--time-limit", "5m"), "--sustain 600 s is longer than --time-limit 300 s"),
        (("--margin", "3%"), "--margin needs a base to compare with"),
        (("--sustain", "0"), "--sustain '0' is not from 60 s to 4 h"),
        (("--sustain", "59s"), "--sustain '59s' is not from 60 s to 4 h"),
        (("--sustain", "5h"), "--sustain '5h' is not from 60 s to 4 h"),
        (("--sustain", "10"), "--sustain: '10' has no unit"),
        (("--time-limit", "0s"), "--time-limit: '0s' is not above 0"),
        (("--time-limit", "0"), "--time-limit: '0' has no unit"),
        (("--max-minutes", "0"), "--max-minutes: '0' is not above 0"),
        (("--max-time", "0"), "--max-time: '0' is not above 0"),
        (("--cool-within", "60C"), "--cool-within: '60C' is not from 0.1 to 50 °C"),
        (("--cool-within", "0"), "--cool-within: '0' is not above 0"),
        (("--cool-within", "3s"), "--cool-within: '3s' has an unknown unit, 's'"),
        (("--sustain", "-1m"), "--sustain: '-1m' is not a duration"),
    ],
)
def test_options_of_a_run_that_make_no_sense_are_refused_before_anything_is_made(
    refused: Typed, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    device = () if "-d" in words else ("-d", "host")
    _, block = refused("run", *device, "-w", "0.25", *words, "--out", str(tmp_path / "run"))
    assert block.startswith(f"error: {message}")
    assert "hint: " in block
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["pick", "report"])
@pytest.mark.parametrize("option", ["--max-p90", "--max-p99", "--rate", "--include-predicted"])
def test_what_a_plateau_has_not_is_refused(refused: Typed, tmp_path: Path, command: str, option: str) -> None:
    value = {"--rate": ("30",), "--include-predicted": ()}.get(option, ("9ms",))
    _, block = refused(command, str(tmp_path), "--sustained", option, *value)
    assert block.startswith(f"error: --sustained and {option} conflict")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (
            ("run", "-r", "100", "-t", "0", "--cores", "3-1", "--padding", "x", "--observer", "x"),
            ("--resolution '100'", "--threads '0'", "--cores '3-1'", "--padding 'x'", "--observer 'x'"),
        ),
        (
            ("run", "--target-precision", "0%", "--time-limit", "3", "--min-time", "2h", "--max-time", "x"),
            ("--target-precision: '0%'", "--time-limit: '3'", "--min-time: '2h'", "--max-time: 'x'"),
        ),
        (
            (
                "run",
                "--max-cooling",
                "2h",
                "--fail-on",
                "valid",
                "--accuracy-on",
                "moon",
                "--max-minutes",
                "x",
            ),
            ("--max-cooling: '2h'", "--fail-on 'valid'", "--accuracy-on 'moon'", "--max-minutes: 'x'"),
        ),
        (
            (
                "pick",
                "--max-latency",
                "20",
                "--max-memory",
                "x",
                "--min-accuracy",
                "200%",
                "-t",
                "x",
                "-p",
                "x",
            ),
            (
                "--max-latency: '20'",
                "--max-memory: 'x'",
                "--min-accuracy: '200%'",
                "--threads 'x'",
                "--precision 'x'",
                "'DIR...'",
            ),
        ),
        (
            (
                "compare",
                "--margin",
                "x",
                "--startup-margin",
                "z",
                "--energy-margin",
                "2",
                "--size-margin",
                "y",
            ),
            (
                "--margin: 'x'",
                "--startup-margin: 'z'",
                "--energy-margin: '2'",
                "--size-margin: 'y'",
                "'BASE'",
            ),
        ),
        (
            ("train", "-w", "0", "-r", "5", "--padding", "x", "--epochs", "0"),
            ("--width '0'", "--resolution '5'", "--padding 'x'", "'--epochs'", "'--dataset'", "'--out'"),
        ),
        (
            ("lower", "--weights", "nowhere", "-w", "x", "--frobnicate"),
            ("no weights file nowhere", "--width 'x'", "No such option: --frobnicate"),
        ),
    ],
    ids=lambda value: " ".join(value[:2]),
)
def test_they_are_all_reported_at_once(
    refused: Typed, words: tuple[str, ...], named: tuple[str, ...]
) -> None:
    printed, block = refused(*words)
    assert printed == ""
    found = [line for line in block.splitlines() if re.match("  [^ ]", line)]
    assert block.startswith(f"error: the command line has {len(found)} errors\n")
    assert len(found) == len(named)
    assert [name for name in named if name not in block] == []


def test_with_json_they_are_one_document(refused: Typed) -> None:
    printed, _ = refused("run", "--json", "-w", "0", "-t", "0")
    error = json.loads(printed)["error"]
    assert error["what"].startswith(
        "the command line has 2 errors: --width '0': a width multiplier is above 0"
    )
    assert "; --threads '0': the number of threads is from 1" in error["what"]
    assert error["hint"] == "for example --width 0.25,0.5,1.0; for example --threads 1,4"


def test_one_wrong_option_is_a_plain_error(refused: Typed) -> None:
    _, block = refused("run", "-w", "0")
    assert block.splitlines() == [
        "error: --width '0': a width multiplier is above 0 and at most 4, not 0",
        "  hint: for example --width 0.25,0.5,1.0",
    ]


def test_what_other_options_say_does_not_keep_help_from_being_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["harness", "run", "-w", "0", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "Usage: harness run" in capsys.readouterr().out
