"""What a device does not report, or reports wrongly: unreadable with its reason, harmless or refused."""

from pathlib import Path

import pytest
from recorded_devices import SHELLS, FixedAnswer, probe, write_tree

from harness.devices.conditions import parse_conditions
from harness.devices.device import describe
from harness.devices.probe import parse_khz, parse_probe
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


@pytest.mark.parametrize(
    ("key", "text", "fact"),
    [
        ("battery_decicelsius", "warm", "battery_celsius"),
        ("battery_decicelsius", "31400", "battery_celsius"),
        ("battery_decicelsius", "0", "battery_celsius"),
        ("battery_percent", "120", "battery_percent"),
        ("battery_percent", "-1", "battery_percent"),
        ("memory_available_kib", "lots", "memory_available_bytes"),
        ("memory_available_kib", "9007199254740993", "memory_available_bytes"),
        ("thermal_status", "7", "thermal_status"),
        ("uptime_seconds", "-5.00", "uptime_seconds"),
        ("load_average_1min", "-1", "load_average_1min"),
        ("throttled_flags", "0x", "throttled_flags"),
        ("frequencies_khz", "0,0", "frequencies_khz"),
        ("governors", ",", "governors"),
    ],
)
def test_what_cannot_be_a_figure_is_missing_and_named_with_its_text(key: str, text: str, fact: str) -> None:
    conditions = parse_conditions(parse_probe(f"{key}={text}\n"))
    assert getattr(conditions, fact) is None
    assert conditions.unreadable[key] == f"not a value: {text!r}"


def test_a_batterys_level_is_of_its_scale() -> None:
    conditions = parse_conditions(parse_probe("battery_percent=50\nbattery_scale=200\n"))
    assert conditions.battery_percent == 25
    assert parse_conditions(parse_probe("battery_percent=50\nbattery_scale=0\n")).battery_percent is None
    cold = parse_conditions(parse_probe("battery_decicelsius=-55\n"))
    assert cold.battery_celsius == -5.5


def test_a_file_system_of_no_size_has_no_free_space(tmp_path: Path) -> None:
    line = "proc 0 0 0 - /proc"
    write_tree(tmp_path, {"bin/df": f"#!/bin/sh\necho Filesystem\necho {line}\n"})
    facts = probe(tmp_path, "facts", ["sh"])
    assert facts.number("free_kib") is None
    assert facts.unreadable["free_kib"] == "df failed"


def test_names_that_cannot_be_read_are_kept_with_the_device(tmp_path: Path) -> None:
    write_tree(tmp_path, {"bin/getprop": "#!/bin/sh\n[ $1 != ro.build.version.release ] || echo 14\n"})
    facts = probe(tmp_path, "facts", ["sh"])
    text = "machine=aarch64\nmemory_total_kib=lots\nonline=0-1\n"
    text += "".join(f"!{key}={reason}\n" for key, reason in facts.unreadable.items())
    info, _ = describe(FixedAnswer(text), name="phone", kind="android", folder="/x")
    unreadable = {one.fact: one.reason for one in info.unreadable}
    assert unreadable["model"] == "no ro.product.model"
    assert unreadable["soc"] == "neither ro.soc.model nor ro.board.platform"
    assert unreadable["memory_total_kib"] == "not a value: 'lots'"
    assert unreadable["core names"] == "of cores 0-1"
    assert hash(info)


def test_a_container_without_memory_has_an_unknown_amount(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/meminfo": "MemTotal:              0 kB\nMemAvailable:   -766260 kB\n"})
    kib = probe(tmp_path, "facts", ["sh"]).values["memory_total_kib"]
    info, _ = describe(
        FixedAnswer(f"machine=aarch64\nmemory_total_kib={kib}\nmemory_limit.0=1000\n"),
        name="board",
        kind="ssh",
        folder="/x",
    )
    assert (info.memory_total_bytes, info.memory_limit_bytes) == (None, 1000)
    assert {one.fact: one.reason for one in info.unreadable}["memory_total_kib"] == "not a value: '0'"


@pytest.mark.parametrize(
    ("text", "size"), [("4", 4096), ("16", 16384), ("64", 65536), ("12", None), ("x", None)]
)
def test_a_page_size_is_one_that_linux_has(text: str, size: int | None) -> None:
    answer = FixedAnswer(f"machine=aarch64\npage_size_kib={text}\n")
    info, _ = describe(answer, name="phone", kind="android", folder="/x")
    assert info.page_size_bytes == size
    unreadable = {one.fact: one.reason for one in info.unreadable}
    assert unreadable.get("page_size_kib") == (None if size else f"not a page size: {text!r}")


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


def test_a_64_bit_system_that_was_entered_from_a_32_bit_process_is_arm64() -> None:
    # meefik/linuxdeploy#1137: uname reports the personality, not the core.
    answer = FixedAnswer("machine=armv8l\nuserland_bits=64\n")
    assert describe(answer, name="chroot", kind="linux_board", folder="/x")[0].abi == "arm64-v8a"
    with pytest.raises(DeviceUnfit, match="no runner for this device"):
        describe(FixedAnswer("machine=armv8l\nuserland_bits=32\n"), name="x", kind="x", folder="/x")


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(DeviceUnfit, match="cannot be written"):
        describe(FixedAnswer("machine=aarch64\nfolder_writable=no\n"), name="pi", kind="x", folder="/x")


@pytest.mark.parametrize(
    ("text", "khz"), [("1800000", 1_800_000), ("0", None), ("10000001", None), ("9" * 8, None), ("-1", None)]
)
def test_a_clock_is_above_0_and_at_most_10_ghz(text: str, khz: int | None) -> None:
    assert parse_khz(text) == khz
    conditions = parse_conditions(parse_probe(f"frequencies_khz=600000,{text}\n"))
    assert conditions.frequencies_khz == (600_000, khz)
