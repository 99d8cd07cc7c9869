"""What an error becomes: a block, a JSON document, an exit code; a traceback only for --debug."""

import json

import pytest
import typer

from harness.cli import failures, known_errors
from harness.errors import DeviceUnfit, HarnessError, LoweringError

LOST = DeviceUnfit("no space left", hint="free some", device="pixel", variant="w25")


def _raise_defect() -> None:
    raise KeyError("cells")


def _caught_defect() -> KeyError:
    try:
        _raise_defect()
    except KeyError as error:
        return error
    raise AssertionError


def test_an_error_is_one_block_with_its_device_variant_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.fail(LOST, json=False, debug=False) == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "error: no space left (device pixel, variant w25)\n  hint: free some\n"


def test_with_json_the_error_is_also_the_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.fail(LOST, json=True, debug=False) == 4
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "what": "no space left",
            "hint": "free some",
            "device": "pixel",
            "variant": "w25",
            "exit_code": 4,
        }
    }


def test_an_error_without_device_and_hint_keeps_all_fields() -> None:
    assert failures.error_document(LoweringError("not delegated")) == {
        "what": "not delegated",
        "hint": "",
        "device": "",
        "variant": "",
        "exit_code": 1,
    }


def test_a_defect_asks_for_a_report_and_names_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["harness", "run", "--device", "my phone"])
    assert failures.fail(_caught_defect(), json=False, debug=False) == 1
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    assert "error: the harness has a defect: KeyError: 'cells' at test_error_blocks.py:" in printed
    assert "hint: please report it with the output of: harness --debug run --device 'my phone'" in printed


@pytest.mark.parametrize("error", [LOST, _caught_defect()], ids=["known", "defect"])
def test_debug_shows_the_traceback_before_the_block(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    failures.fail(error, json=False, debug=True)
    printed = capsys.readouterr().err
    assert type(error).__name__ in printed.partition("error: ")[0]
    assert "\n  hint: " in printed


def test_a_wrong_option_is_wrong_usage() -> None:
    error = known_errors.as_block(typer.BadParameter("not a number"))
    assert isinstance(error, HarnessError)
    assert (error.exit_code, error.what) == (2, "Invalid value: not a number")
    assert error.hint == "see harness --help"
