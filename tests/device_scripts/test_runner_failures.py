"""What the runner refuses: one line on standard error and an exit code for each failure."""

from pathlib import Path

import pytest
from runner_program import Runner

MODEL_INPUT_REPORT = {"--model": "delegated.pte", "--input": "input.bin", "--report": "report.json"}
BATCH = {
    "--model": "delegated.pte",
    "--batch-input": "input.bin",
    "--batch-output": "o",
    "--report": "r.json",
}

FAILURES = {
    "unknown option": ({"--frobnicate": "1"}, 2, "unknown option '--frobnicate'"),
    "option of a bench build": (
        {**MODEL_INPUT_REPORT, "--slow-down-operations": "1"},
        2,
        "unknown option '--slow-down-operations'",
    ),
    "not a number": ({"--threads": "two"}, 2, "option --threads takes a number from 1 to 1024, not 'two'"),
    "number and more": ({"--min-seconds": "1s"}, 2, "option --min-seconds takes a number"),
    "empty number": ({"--threads": ""}, 2, "option --threads takes a number"),
    "NaN": ({"--max-seconds": "nan"}, 2, "option --max-seconds takes a number from 0 to 86400"),
    "no threads": ({"--threads": "0"}, 2, "option --threads takes a number from 1 to 1024, not '0'"),
    "half an iteration": ({"--min-iterations": "1.5"}, 2, "--min-iterations takes a whole number, not '1.5'"),
    "too many samples": ({"--min-iterations": "131073"}, 2, "a number from 1 to 131072"),
    "times crossed": ({"--min-seconds": "2", "--max-seconds": "1"}, 2, "--max-seconds is less than"),
    "both modes": ({"--batch-input": "input.bin"}, 2, "does not go with --batch-input"),
    "batch half": ({"--batch-scale": "1"}, 2, "option --batch-scale does not go with --input"),
    "cpus backwards": ({"--cpus": "3-1"}, 2, "option --cpus takes a list such as 0-3,5, not '3-1'"),
    "cpus open": ({"--cpus": "0-"}, 2, "option --cpus takes a list"),
    "cpus empty": ({"--cpus": ""}, 2, "option --cpus is missing"),
    "model missing": ({"--model": "nosuch.pte"}, 3, "cannot read model nosuch.pte: No such file"),
    "model a folder": ({"--model": "."}, 3, "cannot read model .: Is a directory"),
    "model no program": ({"--model": "input.bin"}, 3, "input.bin is not an ExecuTorch program"),
    "model cut short": ({"--model": "cut.pte"}, 3, "cut.pte is not an ExecuTorch program"),
    "model with two inputs": (
        {"--model": "two_inputs.pte"},
        3,
        "the model has 2 inputs and 1 outputs",
    ),
    "model of integers": (
        {"--model": "whole_numbers.pte"},
        3,
        "input or output is not a float32 tensor",
    ),
    "input missing": ({"--input": "nosuch.bin"}, 4, "cannot read input nosuch.bin: No such file"),
    "input short": ({"--input": "short.bin"}, 4, "short.bin holds 100 bytes, the model takes 12288"),
    "input long": ({"--input": "long.bin"}, 4, "long.bin holds 12289 bytes, the model takes 12288"),
    "report nowhere": ({"--report": "nosuch/r.json"}, 5, "cannot write nosuch/r.json: No such file"),
    "report a folder": ({"--report": "folder"}, 5, "cannot write folder: Is a directory"),
    "output not finite": ({"--model": "not_finite.pte"}, 6, "output element 0 is not finite: "),
    "no such cpu": ({"--cpus": "1000"}, 7, "cannot run on CPUs 1000: Invalid argument"),
    "some cpus missing": ({"--cpus": "0,1000"}, 7, "cannot run on all of the CPUs 0,1000, only on 0"),
}

BATCH_FAILURES = {
    "scale without offset": ({"--batch-scale": "1"}, 2, "--batch-scale and --batch-offset go together"),
    "no output": ({"--batch-output": ""}, 2, "option --batch-output is missing"),
    "measuring option": (
        {"--warmup-iterations": "1"},
        2,
        "--warmup-iterations does not go with --batch-input",
    ),
    "input missing": (
        {"--batch-input": "nosuch.bin"},
        4,
        "batch input nosuch.bin cannot be read: No such file",
    ),
    "input in between": (
        {"--batch-input": "long.bin"},
        4,
        "holds 12289 bytes, not a multiple of the 12288 bytes of one input",
    ),
    "input empty": ({"--batch-input": "empty.bin"}, 4, "holds 0 bytes, not a multiple"),
    "output nowhere": ({"--batch-output": "nosuch/o"}, 5, "cannot write nosuch/o: No such file"),
    "not finite": ({"--model": "not_finite.pte"}, 6, "output element 0 is not finite: "),
}


@pytest.fixture
def failing_runner(runner: Runner) -> Runner:
    """The runner in a folder where every file a failure needs lies."""
    for path in (*runner.programs.folder.glob("*.pte"), runner.programs.input):
        (runner.folder / path.name).symlink_to(path)
    image = runner.programs.input.read_bytes()
    (runner.folder / "short.bin").write_bytes(image[:100])
    (runner.folder / "long.bin").write_bytes(image + b"\0")
    (runner.folder / "empty.bin").write_bytes(b"")
    (runner.folder / "cut.pte").write_bytes(runner.programs.path("delegated").read_bytes()[:2000])
    (runner.folder / "folder").mkdir()
    return runner


def check_failure(runner: Runner, options: dict[str, str], code: int, message: str) -> None:
    before = sorted(path.name for path in runner.folder.iterdir())
    ended = runner.run(*(word for pair in options.items() for word in pair))
    assert ended.returncode == code
    assert message in ended.stderr
    assert ended.stderr.startswith("runner: ")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
    # Neither a report nor a part of one.
    assert sorted(path.name for path in runner.folder.iterdir()) == before


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_has_one_line_and_its_exit_code(failing_runner: Runner, name: str) -> None:
    changed, code, message = FAILURES[name]
    check_failure(failing_runner, MODEL_INPUT_REPORT | changed, code, message)


@pytest.mark.parametrize("name", BATCH_FAILURES)
def test_each_batch_failure_has_one_line_and_its_exit_code(failing_runner: Runner, name: str) -> None:
    changed, code, message = BATCH_FAILURES[name]
    check_failure(failing_runner, BATCH | changed, code, message)


@pytest.mark.parametrize("missing", ["--model", "--input", "--report"])
def test_missing_option_is_named(failing_runner: Runner, missing: str) -> None:
    options = {name: value for name, value in MODEL_INPUT_REPORT.items() if name != missing}
    check_failure(failing_runner, options, 2, f"option {missing} is missing")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model",), "option --model needs a value"),
        (("--threads", "1", "--threads", "2"), "option --threads is given twice"),
        (("input.bin",), "unknown option 'input.bin'"),
    ],
)
def test_malformed_command_line_is_refused(
    failing_runner: Runner, words: tuple[str, ...], message: str
) -> None:
    ended = failing_runner.run(*words)
    assert (ended.returncode, ended.stderr) == (2, f"runner: {message}\n")


def test_any_cut_of_a_model_file_is_refused_as_a_bad_model(runner: Runner, tmp_path: Path) -> None:
    whole = runner.programs.path("delegated").read_bytes()
    cut = tmp_path / "cut.pte"
    for size in range(0, len(whole), len(whole) // 12):
        cut.write_bytes(whole[:size])
        ended = runner.run("--model", cut, "--input", runner.programs.input, "--report", runner.report)
        assert (ended.returncode, ended.stderr.count("\n"), runner.report.exists()) == (3, 1, False), size
