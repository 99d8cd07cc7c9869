"""What a battery reports, of Linux and of Android: level, temperature, status, current and voltage."""

from pathlib import Path

import pytest
from recorded_devices import SHELLS, conditions_of, dumpsys_program, write_tree

from harness.devices.conditions import parse_conditions
from harness.devices.probe import parse_probe

SUPPLY = "sys/class/power_supply"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_linux_battery_is_read_in_the_kernels_units(tmp_path: Path, shell: list[str]) -> None:
    write_tree(
        tmp_path,
        {
            f"{SUPPLY}/AC/type": "Mains\n",
            f"{SUPPLY}/hidpp_battery_0/type": "Battery\n",
            f"{SUPPLY}/hidpp_battery_0/scope": "Device\n",
            f"{SUPPLY}/hidpp_battery_0/capacity": "5\n",
            f"{SUPPLY}/other/type": "Battery\n",
            f"{SUPPLY}/other/present": "0\n",
            f"{SUPPLY}/rk817-battery/type": "Battery\n",
            f"{SUPPLY}/rk817-battery/present": "1\n",
            f"{SUPPLY}/rk817-battery/status": "Discharging\n",
            f"{SUPPLY}/rk817-battery/capacity": "83\n",
            f"{SUPPLY}/rk817-battery/temp": "314\n",
            f"{SUPPLY}/rk817-battery/current_now": "-412000\n",
            f"{SUPPLY}/rk817-battery/voltage_now": "3812000\n",
        },
    )
    conditions = conditions_of(tmp_path, shell)
    assert (conditions.battery_percent, conditions.battery_celsius) == (83, 31.4)
    assert conditions.battery_status == "discharging"
    assert (conditions.battery_current_microamperes, conditions.battery_microvolts) == (-412_000, 3_812_000)


def test_a_current_that_may_be_in_milliamperes_is_no_figure(tmp_path: Path) -> None:
    supply = f"{SUPPLY}/battery"
    write_tree(tmp_path, {f"{supply}/type": "Battery\n", f"{supply}/current_now": "-412\n"})
    conditions = conditions_of(tmp_path, ["sh"])
    assert conditions.battery_current_microamperes is None
    assert conditions.unreadable["battery_microamperes"] == "not clearly in µA: '-412'"


def test_what_a_linux_battery_does_not_report_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{SUPPLY}/BAT0/type": "Battery\n", f"{SUPPLY}/BAT0/status": "Unknown\n"})
    conditions = conditions_of(tmp_path, ["sh"])
    assert conditions.battery_percent is None
    assert conditions.unreadable["battery_percent"] == "no /sys/class/power_supply/BAT0/capacity"
    assert conditions.unreadable["battery_status"] == "the battery does not report it"
    assert {"battery_decicelsius", "battery_microamperes", "battery_microvolts"} <= set(conditions.unreadable)


def test_a_machine_without_a_battery_has_no_battery_figures(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{SUPPLY}/AC/type": "Mains\n"})
    conditions = conditions_of(tmp_path, ["sh"])
    assert not [name for name in conditions.unreadable if name.startswith("battery")]


@pytest.mark.parametrize(
    ("key", "text", "fact"),
    [
        ("battery_microamperes", "9" * 18, "battery_current_microamperes"),
        ("battery_microamperes", "1.5", "battery_current_microamperes"),
        ("battery_microvolts", "0", "battery_microvolts"),
        ("battery_millivolts", "-1", "battery_microvolts"),
        ("battery_status", "9", "battery_status"),
        ("battery_decicelsius", "30.5", "battery_celsius"),  # degrees, or tenths of them
    ],
)
def test_what_is_no_figure_of_a_battery_is_named(key: str, text: str, fact: str) -> None:
    conditions = parse_conditions(parse_probe(f"{key}={text}\n"))
    assert getattr(conditions, fact) is None
    assert conditions.unreadable[key] == f"not a value: {text[:40]!r}"


@pytest.mark.parametrize(
    ("key", "text", "microvolts"),
    [
        ("battery_millivolts", "4", 4_000_000),
        ("battery_millivolts", "4123000", 4_123_000),
        ("battery_microvolts", "3987", 3_987_000),
        ("battery_microvolts", "11420000", 11_420_000),
        ("battery_microvolts", "99999999", 99_999_999),
        ("battery_microvolts", "500", None),
    ],
    ids=["volts", "microvolts of Android", "millivolts of Linux", "laptop", "most", "neither"],
)
def test_a_battery_has_volts_whatever_unit_its_driver_takes(
    key: str, text: str, microvolts: int | None
) -> None:
    assert parse_conditions(parse_probe(f"{key}={text}\n")).battery_microvolts == microvolts


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_androids_battery_reports_its_status_and_millivolts(pixel: Path, shell: list[str]) -> None:
    battery = "Current Battery Service state:\n  status: 2\n  present: true\n  level: 57\n  scale: 100\n"
    battery += "  voltage: 4123\n  temperature: 314\n  level: 3\n"
    write_tree(pixel, {"bin/dumpsys": dumpsys_program(battery=battery)})
    conditions = conditions_of(pixel, shell)
    assert (conditions.battery_percent, conditions.battery_celsius) == (57, 31.4)
    assert (conditions.battery_status, conditions.battery_microvolts) == ("charging", 4_123_000)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_fields_behind_tabs_are_read(pixel: Path, shell: list[str]) -> None:
    battery = "Current Battery Service state:\n\tstatus: 3\n\tlevel: 57\n\tscale: 100\n\ttemperature: 314\n"
    power = "POWER MANAGER\n\tmDirty=0x0\n\tmWakefulness=Awake\n"
    write_tree(pixel, {"bin/dumpsys": dumpsys_program(battery=battery, power=power)})
    conditions = conditions_of(pixel, shell)
    assert (conditions.battery_percent, conditions.battery_celsius) == (57, 31.4)
    assert (conditions.battery_status, conditions.wakefulness) == ("discharging", "Awake")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_battery_of_unknown_state_without_charge_and_voltage_is_none(pixel: Path, shell: list[str]) -> None:
    battery = "Current Battery Service state:\n  status: 1\n  health: 1\n  present: true\n"
    battery += "  level: 0\n  scale: 100\n  voltage: 0\n  temperature: 0\n  technology: \n"
    write_tree(pixel, {"bin/dumpsys": dumpsys_program(battery=battery)})
    conditions = conditions_of(pixel, shell)
    assert (conditions.battery_percent, conditions.battery_celsius) == (None, None)
    assert not [name for name in conditions.unreadable if name.startswith("battery")]
    write_tree(
        pixel, {"bin/dumpsys": dumpsys_program(battery=battery.replace("voltage: 0", "voltage: 3301"))}
    )
    assert conditions_of(pixel, shell).battery_percent == 0  # that one is flat


def test_a_service_that_hangs_takes_no_other_reading_with_it(pixel: Path) -> None:
    answers = (pixel / "bin/dumpsys").read_text()
    write_tree(
        pixel, {"bin/dumpsys": answers.replace("case $1 in", "case $1 in\nthermalservice) sleep 60 ;;", 1)}
    )
    conditions = conditions_of(pixel, ["sh"])
    assert (conditions.battery_percent, conditions.wakefulness) == (57, "Awake")
    assert conditions.unreadable["thermal_status"] == "dumpsys does not report it"
