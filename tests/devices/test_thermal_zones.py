"""Thermal zones as recorded devices have them: which figure is a temperature, of what, and in which unit."""

import re
import subprocess
from pathlib import Path

import pytest
from recorded_devices import SHELLS, lay_tree, probe, write_tree

from harness.analysis.temperatures import hottest_celsius, zones_of_cores
from harness.devices.conditions import parse_conditions
from harness.devices.thermal_zones import celsius_of, find_families, is_temperature
from harness.measuring.cooling import POLL_S, Cooling
from harness.measuring.doctor.device import HOT_CELSIUS
from harness.records import Conditions, Temperature
from harness.system.paths import DEVICE_SCRIPTS

SAMPLER_SCRIPT = DEVICE_SCRIPTS / "sampler.sh"


def read(root: Path, shell: list[str]) -> Conditions:
    return parse_conditions(probe(root, "conditions", shell))


def celsius(conditions: Conditions) -> dict[str, float]:
    return {zone.zone: zone.celsius for zone in conditions.temperatures or ()}


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_jetsons_pmic_that_always_reports_100_degrees_is_no_temperature(
    tmp_path: Path, shell: list[str]
) -> None:
    conditions = read(lay_tree("jetson_nano", tmp_path), shell)
    assert "PMIC-Die" not in celsius(conditions)
    assert max(celsius(conditions).values()) == 41.0
    assert hottest_celsius(conditions) == 34.5
    assert not [name for name in conditions.unreadable if name.startswith("zone")]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_charge_voltage_and_current_are_no_temperatures(tmp_path: Path, shell: list[str]) -> None:
    conditions = read(lay_tree("charge_as_a_zone", tmp_path), shell)
    assert celsius(conditions) == {
        "cpu-0-0-usr": 41.2,
        "cpu-1-0-usr": 43.1,
        "pm6125-tz": 37.0,
        "battery": 31.0,
    }
    assert hottest_celsius(conditions) == 43.1
    # A battery that charges is not waited for.
    write_tree(tmp_path, {"sys/class/thermal/thermal_zone0/temp": "97\n"})
    cooled = Cooling(conditions, 120.0, 3.0).wait(lambda: read(tmp_path, shell), lambda seconds: None)
    assert cooled is not None
    assert cooled.seconds == 0


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_device_whose_zones_have_three_units_is_read_in_each(tmp_path: Path, shell: list[str]) -> None:
    cool = read(lay_tree("msm8953", tmp_path), shell)
    assert celsius(cool)["tsens_tz_sensor5"] == 30.9
    assert celsius(cool)["xo_therm"] == 31.0
    assert celsius(cool)["pm8953_tz"] == 32.636
    assert hottest_celsius(cool) == 32.2
    write_tree(tmp_path, {f"sys/class/thermal/thermal_zone{index}/temp": "853\n" for index in range(2, 10)})
    hot = read(tmp_path, shell)
    assert hottest_celsius(hot) == 85.3
    assert HOT_CELSIUS < 85.3
    readings = [hot, hot, cool]
    cooled = Cooling(cool, 120.0, 3.0).wait(lambda: readings.pop(0), lambda seconds: None)
    assert cooled is not None
    assert cooled.seconds == 2 * POLL_S


def test_two_zones_of_one_type_are_kept_apart_by_their_index(tmp_path: Path) -> None:
    zones = {"2": ("cpu", "45000"), "10": ("cpu", "51000"), "0": ("battery", "30000")}
    for index, (name, temperature) in zones.items():
        folder = f"sys/class/thermal/thermal_zone{index}"
        write_tree(tmp_path, {f"{folder}/type": f"{name}\n", f"{folder}/temp": f"{temperature}\n"})
    conditions = read(tmp_path, ["sh"])
    assert [(zone.index, zone.zone, zone.celsius) for zone in conditions.temperatures or ()] == [
        (0, "battery", 30.0),
        (2, "cpu", 45.0),
        (10, "cpu", 51.0),
    ]


def test_a_core_zone_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = "sys/class/thermal/thermal_zone"
    write_tree(tmp_path, {f"{folder}0/type": "cpu-0\n", f"{folder}0/temp": "41000\n"})
    write_tree(tmp_path, {f"{folder}1/type": "cpu-1\n", f"{folder}2/type": "cpu-2\n"})
    write_tree(tmp_path, {f"{folder}2/temp": "-274000\n"})
    (tmp_path / f"{folder}1/temp").mkdir()
    conditions = read(tmp_path, ["sh"])
    assert celsius(conditions) == {"cpu-0": 41.0}
    assert {name for name in conditions.unreadable if name.startswith("zone")} == {
        "zone.1",
        "zone 2 (cpu-2)",
    }


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("41", "cpu", 41.0),
        ("-40", "pa_therm1", None),
        ("-40000", "pa_therm1", None),
        ("-39", "pa_therm1", -39.0),
        ("0", "cpu", None),
        ("127000", "cpu", None),
        ("-127000", "mtktswmt", None),
        ("255", "cpu", 25.5),
        ("255000", "cpu", None),
        ("6900", "soft_ocp_cpu1", None),
        ("5000", "ocp_cpu2", None),
        ("4900", "batoilo", None),
        ("1100", "smpl_gm", None),
        ("3", "battery_cycle", None),
        ("64", "bms-soc", None),
        ("64", "battery_soc", None),
        ("38", "soc_thermal", 38.0),
        ("41000", "battery", 41.0),
        ("195", "tsens_tz_sensor0", 19.5),
        ("1253", "tsens_tz_sensor0", 125.3),
        ("45100", "cpu", 45.1),
        ("-5000", "cpu", -5.0),
        ("125000", "cpu", 125.0),
        ("-274000", "cpu", None),
        ("2147483647", "cpu", None),
        ("45.1", "cpu", None),
        ("", "cpu", None),
        ("87", "soc", None),
        ("45000", "soc", 45.0),
        ("45", "soc_thermal", 45.0),
        ("12", "socd", None),
        ("4243", "vbat", None),
        ("150", "ibat-high", None),
        ("3", "pm8350c-bcl-lvl0", None),
        ("4100", "pmi632-vbat-lvl0", None),
        ("100000", "PMIC-Die", None),
        ("100000", "cpu", 100.0),
        ("38000", "charger", 38.0),
        ("38000", "battery", 38.0),
    ],
)
def test_the_unit_and_the_kind_of_a_figure(text: str, zone: str, expected: float | None) -> None:
    assert celsius_of(text, zone) == expected


def test_a_figure_that_is_no_number_is_still_asked_for_as_a_temperature() -> None:
    assert is_temperature("cpu", "<unknown>")
    assert not is_temperature("vbat", "4243")
    assert not is_temperature("vbat", "-4243")


@pytest.mark.parametrize(
    "zone",
    [
        "cpu-0-0-usr",
        "cpuss-1",
        "mtktscpu",
        "CPU-therm",
        "soc-thermal",
        "BIG",
        "bigcore0-thermal",
        "LITTLE",
        "littlecore-thermal",
        "tsens_tz_sensor5",
        "x86_pkg_temp",
        "bcm2835_thermal",
        "cluster0",
    ],
)
def test_the_cores_own_zones_decide(zone: str) -> None:
    zones = (Temperature(zone=zone, celsius=40.0), Temperature(zone="GPU-therm", celsius=60.0))
    assert zones_of_cores(zones) == zones[:1]


def test_without_a_zone_of_the_cores_other_parts_come_last() -> None:
    battery, skin, unknown = (
        Temperature(zone=name, celsius=40.0) for name in ("battery", "skin-therm", "acpitz")
    )
    assert zones_of_cores((battery, skin, unknown)) == (unknown,)
    assert zones_of_cores((battery, skin)) == (battery, skin)
    assert zones_of_cores(None) == ()


def test_the_heat_of_charging_is_not_that_of_a_samsungs_application_processor() -> None:
    names = ("AP", "BAT", "CHG", "WPC", "bat_therm", "wpc-therm")
    zones = tuple(Temperature(zone=name, celsius=40.0) for name in names)
    assert zones_of_cores(zones) == zones[:1]


NAMES = re.findall(
    r"\S+",
    """
    cpu-0-0-usr cpu tsens_tz_sensor5 battery pm8953_tz soc socd soc_level x_level vbat vbus ibat vph-pwr vdd
    cpu.vdd cpu_mw bcl bcl-lvl0 lvl-foo volt current PMIC-Die pmic-die capacity percent-x mv-a ua vsysx iout
    skin gpu-usr BIG level1 lvl1 voltmeter currents vddcx x-current soc-thermal cluster0
    """,
)
FIGURES = ("-4200", "0", "1", "55", "100", "101", "853", "4200", "41000", "100000", "999999999999", "", "x")


def test_the_sampler_leaves_out_no_zone_that_is_a_temperature_here() -> None:
    """sampler.sh may let more pass: what it recorded is judged again."""
    script = SAMPLER_SCRIPT.read_text().partition("is_temperature() {")[2].partition("\n}\n")[0]
    tried = [(name, figure) for name in NAMES for figure in FIGURES]
    words = [word for pair in tried for word in pair]
    asked = f"""judge() {{{script}
}}
while [ $# -gt 0 ]; do judge "$1" "$2" && echo yes || echo no; shift 2; done"""
    answers = subprocess.run(["sh", "-c", asked, "sh", *words], capture_output=True, text=True, check=True)
    passed = dict(zip(tried, answers.stdout.split(), strict=True))
    lost = [pair for pair in tried if is_temperature(*pair) and celsius_of(pair[1], pair[0]) is not None]
    assert [pair for pair in lost if passed[pair] == "no"] == []
    assert passed["vbat", "4200"] == passed["PMIC-Die", "100000"] == passed["soc", "55"] == "no"


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        # Tenths at 11.8 and 13.1 °C, and a hot sensor beside them.
        (("118", "131"), (11.8, 13.1)),
        (("95", "118", "131", "402"), (9.5, 11.8, 13.1, 40.2)),
        (("1400", "1600"), (1.4, 1.6)),
        # Whole degrees, beside what sensors without a reading report.
        (("45", "131"), (45.0, 13.1)),
        (("95", "127"), (95.0, 12.7)),
        (("118", "255"), (118.0, 25.5)),
        (("45", "44"), (45.0, 44.0)),
        (("45000", "118"), (45.0, 118.0)),
    ],
)
def test_zones_of_one_driver_that_are_near_each_other_are_in_one_unit(
    tmp_path: Path, figures: tuple[str, ...], expected: tuple[float, ...]
) -> None:
    for index, figure in enumerate(figures):
        folder = f"sys/class/thermal/thermal_zone{index}"
        files = {f"{folder}/type": f"tsens_tz_sensor{index}\n", f"{folder}/temp": f"{figure}\n"}
        write_tree(tmp_path, files)
    conditions = read(tmp_path, ["sh"])
    assert tuple(zone.celsius for zone in conditions.temperatures or ()) == expected


def test_zones_of_other_drivers_do_not_share_a_unit() -> None:
    families = find_families([("tsens_tz_sensor0", "131"), ("xo_therm", "118")])
    assert celsius_of("118", "xo_therm", families) == 118.0
    assert celsius_of("118", "tsens_tz_sensor1", families) == 11.8
