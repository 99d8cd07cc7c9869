"""What a device does not report, or reports wrongly: unreadable with its reason, harmless or refused."""

from pathlib import Path

import pytest
from recorded_devices import SHELLS, FixedAnswer, probe, write_tree

from harness.devices.conditions import parse_conditions
from harness.devices.device import describe
from harness.devices.probe import parse_probe
from harness.errors import DeviceUnfit


def test_what_cannot_be_read_is_none_with_its_reason(tmp_path: Path) -> None:
    conditions = parse_conditions(probe(tmp_path, "conditions", ["sh"]))
    assert conditions.frequencies_khz is None
    assert conditions.temperatures is None
    assert set(conditions.unreadable) >= {
        "uptime_seconds",
        "load_average_1min",
        "memory_available_kib",
        "temperatures",
    }


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_an_empty_dumpsys_is_unreadable_and_the_rest_goes_on(pixel: Path, shell: list[str]) -> None:
    write_tree(pixel, {"bin/dumpsys": "#!/bin/sh\n"})
    conditions = parse_conditions(probe(pixel, "conditions", shell))
    assert (conditions.thermal_status, conditions.battery_percent, conditions.wakefulness) == (None,) * 3
    assert set(conditions.unreadable) == {
        "thermal_status",
        "battery_percent",
        "battery_decicelsius",
        "wakefulness",
    }
    assert conditions.load_average_1min == 1.25


def test_garbage_in_a_file_counts_as_unreadable(pixel: Path) -> None:
    folder = "sys/devices/system/cpu/cpu3/cpufreq"
    write_tree(
        pixel,
        {
            f"{folder}/scaling_cur_freq": "<unknown>\n",
            "proc/loadavg": "many\n",
            "sys/class/thermal/thermal_zone0/temp": "-274000\n",
        },
    )
    conditions = parse_conditions(probe(pixel, "conditions", ["sh"]))
    assert conditions.frequencies_khz is not None
    assert [core for core, khz in enumerate(conditions.frequencies_khz) if khz is None] == [3]
    assert conditions.load_average_1min is None
    assert conditions.temperatures is None
    assert "not a value" in conditions.unreadable["frequencies_khz.cpu3"]
    assert "not a value" in conditions.unreadable["load_average_1min"]


def test_hostile_lines_are_ignored_or_made_harmless() -> None:
    probed = parse_probe(
        "model=\x1b[2Jevil\x07\nrm -rf /\n=x\nA=b\nkernel=" + "9" * 10_000 + "\n!soc=\x1b]0;x\n"
    )
    assert "\x1b" not in probed.values["model"]
    assert set(probed.values) == {"model", "kernel"}
    assert len(probed.values["kernel"]) == 500
    assert probed.number("kernel") is None


@pytest.mark.parametrize(
    "text",
    [
        "machine=armv7l\n",
        "machine=aarch64\nuserland_bits=32\n",
        "machine=aarch64\nandroid_abis=armeabi-v7a,armeabi\n",
        "machine=riscv64\n",
        "",
    ],
)
def test_a_device_without_a_bundle_is_refused(text: str) -> None:
    with pytest.raises(DeviceUnfit, match="no runner for this device"):
        describe(FixedAnswer(text), name="old", kind="android", folder="/data/local/tmp")


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(DeviceUnfit, match="cannot be written"):
        describe(FixedAnswer("machine=aarch64\nfolder_writable=no\n"), name="pi", kind="x", folder="/x")
