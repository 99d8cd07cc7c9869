"""What `harness train` prints of a finished training."""

import json
from pathlib import Path

import pytest

from harness.accuracy.training import train as training
from harness.accuracy.training.result import Trained
from harness.records import Interval
from harness_command import run_main

TOP1 = Interval(estimate=0.14, low=0.11, high=0.18)


@pytest.mark.parametrize("json_too", [False, True])
def test_a_caution_stands_on_stderr_whatever_stdout_gets(
    json_too: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w.safetensors"
    trained = Trained(out, TOP1, 372, (), caution="training all layers lowered top-1")
    monkeypatch.setattr(training, "train", lambda *_: trained)
    words = ("train", "--dataset", "photos", "--out", str(out))
    assert run_main(monkeypatch, *words, *(("--json",) if json_too else ())) == 0
    printed = capsys.readouterr()
    assert printed.err == "caution: training all layers lowered top-1\n"
    if json_too:
        assert json.loads(printed.out)["images"] == 372
    else:
        assert "top-1 14.0% (11.0% to 18.0%, 95 %) of 372 test images" in printed.out
