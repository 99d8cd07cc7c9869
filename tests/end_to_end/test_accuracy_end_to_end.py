"""Training, timing and accuracy through the command line, on real images."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from small_data import SHIPPED, write_idx

IMAGES = f"idx:{SHIPPED}"
IMAGES_EVALUATED = 120
QUICK = ("--processes", "1", "--min-time", "0", "--max-time", "0.1")

RunHarness = Callable[..., Any]


@pytest.mark.slow
def test_accuracy_is_that_of_the_timed_file_and_equals_pytorch(
    run_harness: RunHarness, tmp_path: Path
) -> None:
    images = write_idx(tmp_path / "few", IMAGES_EVALUATED)
    trained = run_harness(
        *("train", "--width", "0.25", "--resolution", "32", "--dataset", f"{IMAGES}:test"),
        *("--epochs", "1", "--out", "w.safetensors"),
    )
    assert trained.exit_code == 0, trained.stderr
    assert "w.safetensors: top-1" in trained.stdout
    measured = run_harness(
        *("run", "--device", "host,emulator", "--weights", "w.safetensors", *QUICK, "--out", "r", "--json"),
        *("--accuracy", images, "--calibrate", f"{IMAGES}:test"),
    )
    assert measured.exit_code == 0, measured.stderr
    cells = {
        (cell["device"]["kind"], cell["variant"]["precision"]): cell for cell in measured.document["cells"]
    }
    assert set(cells) == {(device, p) for device in ("host", "emulator") for p in ("fp32", "int8")}
    for (_, precision), cell in cells.items():
        variant, accuracy = cell["variant"], cell["accuracy"]
        assert (variant["width"], variant["resolution_px"], variant["classes"]) == (0.25, 32, 10)
        assert variant["weights"]["source"] == "w.safetensors"
        assert (accuracy["images"], accuracy["measured_on"]) == (IMAGES_EVALUATED, cell["device"]["name"])
        assert (accuracy["unreadable"], accuracy["first_mismatch_at"]) == (0, None)
        # fp32 against the eager network, int8 against exact integers: on every image.
        assert accuracy["agreement_with_eager"] == 1.0
        saved = json.loads((tmp_path / "r" / "accuracy" / f"{_name(cell)}.json").read_text())
        assert saved["artifact_sha256"] == cell["artifact"]["sha256"]
        assert (saved["mismatching_top1"], saved["mismatching_logits"]) == ([], [])
        assert sum(one["images"] for one in saved["scores"]["classes"]) == IMAGES_EVALUATED
        assert saved["outcomes"].count("1") == round(IMAGES_EVALUATED * accuracy["top1"]["estimate"])
        drop = accuracy["drop_from_fp32"]
        if precision == "fp32":
            assert drop is None
        else:
            assert drop["images"] == IMAGES_EVALUATED
            assert drop["drop_pp"]["low"] <= drop["drop_pp"]["estimate"] <= drop["drop_pp"]["high"]
            lost = (
                cells[cell["device"]["kind"], "fp32"]["accuracy"]["top1"]["estimate"]
                - (accuracy["top1"]["estimate"])
            )
            assert drop["drop_pp"]["estimate"] == pytest.approx(100 * lost)
    assert cells["host", "int8"]["artifact"]["calibration"]["images"] == 130  # 13 of each class
    page = (tmp_path / "r" / "report" / "report.md").read_text()
    assert f"{cells['host', 'fp32']['accuracy']['top1']['estimate'] * 100:.1f}" in page
    # A second evaluation finds everything done, and touches no device.
    again = run_harness("evaluate", "r", "--json")
    assert again.exit_code == 0, again.stderr
    assert "connecting" not in again.stderr
    assert again.document["cells"] == measured.document["cells"]


def _name(cell: dict[str, Any]) -> str:
    variant = cell["variant"]
    name = f"mobilenet_v1_{variant['width']:g}_{variant['resolution_px']}_{variant['precision']}"
    return f"{cell['device']['name']}-{name}-t{cell['plan']['threads']}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "-d", "host", "--accuracy", IMAGES), "needs trained weights"),
        (("lower", "--observer", "minmax"), "--observer minmax needs trained weights"),
        (("run", "-d", "host", "--weights", "nowhere.pt"), "no weights file nowhere.pt"),
        (("run", "-d", "host", "--weights", "x.txt"), "x.txt is not a known kind of weights file"),
        (("run", "-d", "host", "--accuracy-on", "moon"), "choose device or host"),
        (("lower", "--weights", "evil.pt"), "loading it could run code"),
        (("evaluate", "nowhere"), "not a run folder"),
        (("train", "--dataset", "nosuch", "--out", "w.safetensors"), "no data set 'nosuch'"),
        (("train", "--dataset", IMAGES, "--out", "w.pt"), "must end in .safetensors"),
        (("train", "--dataset", IMAGES, "--out", "w.safetensors", "--freeze-backbone"), "--from"),
        (("train", "--dataset", IMAGES, "--out", "w.safetensors", "-w", "0.25,0.5"), "takes one value"),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else value,
)
def test_bad_input_is_refused_before_a_device_is_touched(
    run_harness: RunHarness, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "x.txt").write_text("no weights")
    # A pickle that would call os.system: protocol 2, written by hand.
    (tmp_path / "evil.pt").write_bytes(b"\x80\x02cos\nsystem\n(S'touch owned'\ntR.")
    ended = run_harness(*arguments)
    assert ended.exit_code == 2, ended.stderr
    assert says in ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.pt", "x.txt"]
