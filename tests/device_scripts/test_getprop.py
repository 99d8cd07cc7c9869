"""`getprop` of the machine like a phone: one property, or all of them as Android lists them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from phones import lay_phone

from harness.devices.arm_vm.system import PHONES
from harness.system.paths import DEVICE_SCRIPTS

ANDROID = DEVICE_SCRIPTS / "arm_vm/android"


@pytest.fixture(params=["sh", "mksh"])
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


def getprop(shell: str, root: Path, phone: str, *words: str) -> str:
    """The script with the machine's folders under `root`, where two values were set."""
    lay_phone(DEVICE_SCRIPTS / f"arm_vm/phones/{phone}.tsv", root / "dev/harness/phone")
    set_values = root / "dev/harness/set"
    set_values.mkdir(parents=True)
    (set_values / "log.tag").write_text("DEBUG\n")
    (set_values / "setting.global.stay_on_while_plugged_in").write_text("3\n")
    for name in ("apex/com.harness.machine/set.sh", "system/bin/getprop"):
        text = (ANDROID / name).read_text()
        placed = re.sub(r"(?<=[ \"<])(?=/apex/|/dev/harness/)", str(root), text)
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(placed)
    done = subprocess.run(
        [shell, str(root / "system/bin/getprop"), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("phone", PHONES)
def test_without_a_name_all_properties_are_listed(shell: str, tmp_path: Path, phone: str) -> None:
    lines = getprop(shell, tmp_path, phone).splitlines()
    assert all(re.fullmatch(r"\[[a-z_.]+\]: \[.+\]", line) for line in lines), lines
    assert lines == sorted(lines)
    assert "[log.tag]: [DEBUG]" in lines
    assert sum(line.startswith("[ro.product.model]: ") for line in lines) == 1
    assert not any("setting." in line for line in lines)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("ro.product.model",), "Pixel 6"),
        (("log.tag", "x"), "DEBUG"),
        (("ro.nothing", "x"), "x"),
        (("ro.no",), ""),
    ],
)
def test_one_property_is_as_recorded_set_or_the_default(
    shell: str, tmp_path: Path, words: tuple[str, ...], value: str
) -> None:
    assert getprop(shell, tmp_path, "pixel_6", *words) == f"{value}\n"
