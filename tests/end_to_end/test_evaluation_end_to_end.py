"""Evaluation through the command line: over every transport, after a kill, with unusable data."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chosen_system import WITH_ROOT
from harness.devices.arm_vm.machine import boot
from harness.system.paths import cache_folder
from machine_user import user_environment
from small_data import QUICK, write_idx, write_weights

RunHarness = Callable[..., Any]


@pytest.mark.slow
@pytest.mark.device
def test_every_transport_and_the_host_give_pytorchs_logits(run_harness: RunHarness, tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "w.safetensors")
    images = write_idx(tmp_path / "few", 40)
    transports = {"by-adb": "adb-direct", "by-ssh": "ssh"}
    with boot(virtual_time=False, system=WITH_ROOT) as machine:
        (tmp_path / "devices.toml").write_text(
            f"[devices.by-adb]\nkind = 'android'\naddress = '127.0.0.1:{machine.adb_port}'\n"
            "transport = 'adb-direct'\n"
            f"[devices.by-ssh]\nkind = 'raspberry_pi'\naddress = '{machine.ssh_user}@127.0.0.1'\n"
            f"port = {machine.ssh_port}\n"
        )
        programs = tmp_path / "programs"
        programs.mkdir()
        ended = run_harness(
            *("run", "--device", ",".join(transports), "--weights", weights, *QUICK, "--out", "r", "--json"),
            *("--accuracy", images),
            env=user_environment(machine, programs),
        )
    assert ended.exit_code == 0, ended.stderr
    # Both at once: the second is connecting before the first has a result.
    evaluating = ended.stderr.rpartition("measured (process 1 of 1)")[2]
    first_result = evaluating.index(": top-1 ")
    assert all(evaluating.index(f"{name}: connecting") < first_result for name in transports)
    cells = {cell["device"]["name"]: cell for cell in ended.document["cells"]}
    assert {name: cell["device"]["transport"] for name, cell in cells.items()} == transports
    for name, cell in cells.items():
        accuracy = cell["accuracy"]
        assert (accuracy["measured_on"], accuracy["images"]) == (name, 40)
        assert (accuracy["agreement_with_eager"], accuracy["first_mismatch_at"]) == (1.0, None)
    outcomes = _outcomes(tmp_path / "r")
    assert len(set(outcomes)) == 1
    # The same files on this machine, for devices that are too slow.
    again = run_harness("evaluate", "r", "--accuracy-on", "host", "--json")
    assert again.exit_code == 0, again.stderr
    assert {cell["accuracy"]["measured_on"] for cell in again.document["cells"]} == {"host"}
    assert _outcomes(tmp_path / "r") == outcomes
    assert "run on host" in (tmp_path / "r" / "report" / "report.md").read_text()


def _outcomes(folder: Path) -> list[str]:
    return [json.loads(file.read_text())["outcomes"] for file in sorted((folder / "accuracy").glob("*.json"))]


@pytest.mark.slow
def test_a_killed_evaluation_is_resumed_and_images_are_sent_once(
    run_harness: RunHarness, tmp_path: Path
) -> None:
    cache = _own_devices(tmp_path)
    environment = {"HARNESS_CACHE": str(cache)}
    weights = write_weights(tmp_path / "w.safetensors", side=224)
    images = write_idx(tmp_path / "some", 220)
    measured = run_harness("run", "-d", "host", "--weights", weights, *QUICK, "--out", "r", env=environment)
    assert measured.exit_code == 0, measured.stderr
    evaluation = ("evaluate", "r", "--accuracy", images, "--json")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *evaluation],
        cwd=tmp_path,
        env=os.environ | environment,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    kept: list[Path] = []
    while time.monotonic() < deadline and not kept:
        time.sleep(0.002)
        kept = sorted((tmp_path / "r" / "accuracy").glob("outputs/*/*.logits"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)
    # 55 pictures of 224 px a chunk: four chunks, of which some are done.
    assert 1 <= len(kept) < 4
    assert not list((tmp_path / "r" / "accuracy").glob("*.json"))
    # Logits that no program gives are found in the result: the chunk was not run a second time.
    logits = np.fromfile(kept[0], dtype="<f4").reshape(-1, 10)
    (-logits).tofile(kept[0])
    resumed = run_harness(*evaluation, env=environment)
    assert resumed.exit_code == 1
    assert f"logits of {len(logits)} of 220 images differ from PyTorch's; first mismatch: " in resumed.stderr
    (cell,) = resumed.document["cells"]
    assert cell["accuracy"]["agreement_with_eager"] == pytest.approx(1 - len(logits) / 220, abs=0.02)
    assert cell["accuracy"]["first_mismatch_at"] == "host"
    sent = _sent_images(cache)
    assert len(sent) >= 4
    (tmp_path / "r" / "accuracy" / f"{cell['device']['name']}-mobilenet_v1_0.25_224_fp32-t1.json").unlink()
    again = run_harness(*evaluation, env=environment)
    assert again.exit_code == 0, again.stderr
    assert again.document["cells"][0]["accuracy"]["agreement_with_eager"] == 1.0
    # Content-addressed: images on the device were not written again.
    assert sent.items() <= _sent_images(cache).items()


def _own_devices(folder: Path) -> Path:
    """A cache with its own devices and locks, where no other test has files or programs."""
    cache = folder / "cache"
    cache.mkdir()
    for entry in cache_folder().iterdir():
        if entry.name != "devices":
            (cache / entry.name).symlink_to(entry)
    return cache


def _sent_images(cache: Path) -> dict[str, tuple[int, int]]:
    folder = cache / "devices" / "host" / "inputs"
    return {file.name: (file.stat().st_ino, file.stat().st_mtime_ns) for file in folder.glob("*.bin")}


@pytest.mark.slow
def test_ctrl_c_ends_an_evaluation_and_the_program_on_the_device(
    run_harness: RunHarness, tmp_path: Path
) -> None:
    cache = _own_devices(tmp_path)
    environment = {"HARNESS_CACHE": str(cache)}
    weights = write_weights(tmp_path / "w.safetensors", side=224)
    images = write_idx(tmp_path / "some", 60)
    measured = run_harness(
        "run", "-d", "emulator", "--weights", weights, *QUICK, "--out", "r", env=environment
    )
    assert measured.exit_code == 0, measured.stderr
    pid_file = cache / "devices/emulator-cortex-a76/jobs/current/pid"
    assert not pid_file.exists()
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "evaluate", "r", "--accuracy", images],
        cwd=tmp_path,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not pid_file.exists() or not (pid := pid_file.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert Path(f"/proc/{pid}").exists()
        os.kill(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "go on with: harness evaluate r" in stderr
    assert not Path(f"/proc/{pid}").exists()
    # It was ended, not waited for.
    assert not list(tmp_path.glob("r/accuracy/outputs/*/*.logits"))


# Bad input, before anything is touched -------------------------------------------------------------


def _flat_imagenet(folder: Path, labels: str) -> None:
    for number in range(3):
        Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    (folder / "labels.txt").write_text(labels)


def _class_folders(folder: Path, names: str) -> None:
    for name in names:
        (folder / name).mkdir()
        Image.new("RGB", (8, 8)).save(folder / name / "1.png")


@pytest.mark.parametrize(
    ("kind", "fill", "says"),
    [
        ("folder", lambda folder: None, "no class folders"),
        ("folder", lambda folder: _class_folders(folder, "a"), "a single class, 'a'"),
        ("imagenet", lambda folder: _flat_imagenet(folder, "1\n2\n"), "2 labels for 3 pictures"),
        ("imagenet", lambda folder: _flat_imagenet(folder, "1\n2\n1000\n"), "label 1000 is not one of 1000"),
        ("folder", lambda folder: _class_folders(folder, "abcdefg"), "in another order"),
    ],
    ids=["empty", "one class", "a line short", "1001 classes", "order"],
)
def test_unusable_data_is_refused_before_a_device_is_touched(
    run_harness: RunHarness, tmp_path: Path, kind: str, fill: Callable[[Path], None], says: str
) -> None:
    names = ("g", "f", "e", "d", "c", "b", "a") if says == "in another order" else ()
    weights = write_weights(tmp_path / "w.safetensors", classes=7, class_names=names)
    images = tmp_path / "images"
    images.mkdir()
    fill(images)
    ended = run_harness(
        *("run", "-d", "host", "--weights", weights, "--accuracy", f"{kind}:{images}", "--out", "r")
    )
    assert ended.exit_code == 2, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "connecting" not in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "w.safetensors"]
