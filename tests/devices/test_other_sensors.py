"""Sensors beside the thermal zones: hwmon, batteries, Android's thermal HAL; a container's memory limit."""

from pathlib import Path

import pytest
from recorded_devices import SHELLS, FixedAnswer, conditions_of, dumpsys_program, probe, write_tree

from harness.analysis.temperatures import hottest_celsius
from harness.devices.conditions import parse_conditions
from harness.devices.device import describe
from harness.devices.probe import parse_probe
from harness.records import Temperature
from harness.records.devices import ThermalSensor

# As Android 14 prints them on a Pixel, shortened.
THERMAL_SERVICE = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 3
Thermal Status: 1
Cached temperatures:
\tTemperature{mValue=30.0, mType=0, mName=stale, mStatus=0}
HAL Ready: true
HAL connection:
\tThermalHAL AIDL 1  connected: yes
Current temperatures from HAL:
\tTemperature{mValue=62.5, mType=0, mName=BIG, mStatus=2}
\tTemperature{mValue=33.1, mType=3, mName=VIRTUAL-SKIN, mStatus=0}
\tTemperature{mValue=4123.0, mType=6, mName=vbat, mStatus=0}
\tTemperature{mValue=NaN, mType=12, mName=modem, mStatus=0}
\tTemperature{mValue=31.0, mType=99, mName=new part, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=1, mName=thermal-cpufreq-0}
Temperature static thresholds from HAL:
\tTemperatureThreshold{mType=3, mName=VIRTUAL-SKIN, mHotThrottlingThresholds=[NaN]}
"""


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_without_thermal_zones_the_chips_of_hwmon_are_read(tmp_path: Path, shell: list[str]) -> None:
    chips = "sys/class/hwmon"
    write_tree(
        tmp_path,
        {
            f"{chips}/hwmon1/name": "scpi_sensors\n",
            f"{chips}/hwmon1/temp1_label": "soc\n",
            f"{chips}/hwmon1/temp1_input": "45100\n",
            f"{chips}/hwmon0/name": "nvme\n",
            f"{chips}/hwmon0/temp1_input": "51000\n",
            f"{chips}/hwmon0/temp2_input": "-274000\n",
            f"{chips}/hwmon0/in0_input": "12000\n",
        },
    )
    conditions = conditions_of(tmp_path, shell)
    assert conditions.temperatures == (
        Temperature(zone="nvme temp1", index=0, celsius=51.0),
        Temperature(zone="scpi_sensors soc", index=1, celsius=45.1),
    )
    assert hottest_celsius(conditions) == 45.1
    assert "temperatures" not in conditions.unreadable
    assert conditions.unreadable["hwmon0 (nvme temp2)"] == "not a temperature: '-274000'"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_chip_whose_files_are_in_its_devices_folder_is_read_once(tmp_path: Path, shell: list[str]) -> None:
    """Kernels before 3.13 have them there."""
    old, both = "sys/class/hwmon/hwmon0/device", "sys/class/hwmon/hwmon1"
    write_tree(tmp_path, {f"{old}/name": "coretemp\n", f"{old}/temp2_label": "Core 0\n"})
    write_tree(tmp_path, {f"{old}/temp2_input": "64000\n", f"{both}/name": "nvme\n"})
    write_tree(tmp_path, {f"{both}/{file}": "51000\n" for file in ("temp1_input", "device/temp1_input")})
    assert set(conditions_of(tmp_path, shell).temperatures or ()) == {
        Temperature(zone="coretemp Core 0", index=0, celsius=64.0),
        Temperature(zone="nvme temp1", index=1, celsius=51.0),
    }


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("zone", "chip", "label"),
    [
        ("acpitz", "k10temp", "Tctl"),  # CasaOS#727: a constant 16.8 °C beside the processor's own sensor
        ("iwlwifi_1", "coretemp", "Package id 0"),
        ("sbs-9-000b", "scpi_sensors", "soc"),
    ],
)
def test_where_no_zone_is_of_the_cores_their_chips_are_read_beside_the_zones(
    tmp_path: Path, shell: list[str], zone: str, chip: str, label: str
) -> None:
    sensors = "sys/class"
    write_tree(
        tmp_path,
        {
            f"{sensors}/thermal/thermal_zone0/type": f"{zone}\n",
            f"{sensors}/thermal/thermal_zone0/temp": "16800\n",
            f"{sensors}/hwmon/hwmon0/name": "nvme\n",
            f"{sensors}/hwmon/hwmon0/temp1_input": "66000\n",
            f"{sensors}/hwmon/hwmon1/name": f"{chip}\n",
            f"{sensors}/hwmon/hwmon1/temp1_label": f"{label}\n",
            f"{sensors}/hwmon/hwmon1/temp1_input": "91000\n",
        },
    )
    conditions = conditions_of(tmp_path, shell)
    assert [one.zone for one in conditions.temperatures or ()] == [zone, f"{chip} {label}"]
    assert hottest_celsius(conditions) == 91


def test_the_wi_fi_of_a_mediatek_phone_does_not_stand_for_its_cores(tmp_path: Path) -> None:
    for index, (zone, celsius) in enumerate((("mtktsAP", 38), ("mtktswmt", 50), ("mtktspa", 60))):
        folder = f"sys/class/thermal/thermal_zone{index}"
        write_tree(tmp_path, {f"{folder}/type": f"{zone}\n", f"{folder}/temp": f"{celsius}000\n"})
    assert hottest_celsius(conditions_of(tmp_path, ["sh"])) == 38


def test_zones_are_preferred_to_chips(tmp_path: Path) -> None:
    zone = "sys/class/thermal/thermal_zone0"
    write_tree(tmp_path, {f"{zone}/type": "cpu-thermal\n", f"{zone}/temp": "40000\n"})
    write_tree(tmp_path, {"sys/class/hwmon/hwmon0/temp1_input": "40000\n"})
    assert [one.zone for one in conditions_of(tmp_path, ["sh"]).temperatures or ()] == ["cpu-thermal"]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_samsung_phone_reports_its_wakefulness_by_another_name(pixel: Path, shell: list[str]) -> None:
    power = "POWER MANAGER\n  mDirty=0x0\n  getWakefulnessLocked()=Dozing\n  mWakefulnessChanging=false"
    write_tree(pixel, {"bin/dumpsys": dumpsys_program(power=power)})
    conditions = conditions_of(pixel, shell)
    assert conditions.wakefulness == "Dozing"
    assert "wakefulness" not in conditions.unreadable


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_androids_thermal_hal_is_read_with_types_and_throttling_status(pixel: Path, shell: list[str]) -> None:
    write_tree(pixel, {"bin/dumpsys": dumpsys_program(thermalservice=THERMAL_SERVICE)})
    conditions = conditions_of(pixel, shell)
    assert conditions.thermal_status == 1
    assert conditions.thermal_sensors == (
        ThermalSensor(name="BIG", type="CPU", celsius=62.5, status=2),
        ThermalSensor(name="VIRTUAL-SKIN", type="SKIN", celsius=33.1, status=0),
        ThermalSensor(name="new part", type="type 99", celsius=31.0, status=0),
    )
    assert conditions.unreadable["thermal sensor modem (MODEM)"] == "not a temperature: 'NaN'"
    assert [one.zone for one in conditions.temperatures or ()] == ["BIG"]  # of the thermal zones


def test_where_zones_are_denied_the_thermal_hals_sensors_stand_for_them(tmp_path: Path) -> None:
    write_tree(tmp_path, {"bin/dumpsys": dumpsys_program(thermalservice=THERMAL_SERVICE)})
    conditions = conditions_of(tmp_path, ["sh"])
    assert [one.zone for one in conditions.temperatures or ()] == [
        "BIG (CPU)",
        "VIRTUAL-SKIN (SKIN)",
        "new part (type 99)",
    ]
    assert hottest_celsius(conditions) == 62.5
    assert conditions.unreadable["temperatures"] == "no readable /sys/class/thermal/thermal_zone*/temp"


def test_a_line_that_is_no_sensor_is_named() -> None:
    conditions = parse_conditions(parse_probe("thermal_hal.0={mValue=1e999, mType=0}\n"))
    assert conditions.thermal_sensors is None
    assert conditions.unreadable["thermal_hal.0"].startswith("not a sensor of the thermal HAL: '{mValue")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 2**29),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, None),
        (
            {
                "proc/self/cgroup": "0::/user.slice/a b.scope\n",
                "sys/fs/cgroup/user.slice/memory.max": "268435456\n",
                "sys/fs/cgroup/user.slice/a b.scope/memory.max": "536870912\n",
            },
            2**28,
        ),
        (
            {
                "proc/self/cgroup": "5:cpuset:/x\n4:memory:/docker/abc\n0::/docker/abc\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
            },
            2**29,
        ),
        (
            {
                "proc/self/cgroup": "4:hugetlb,memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{2**40}\n"}, None),
        ({}, None),
    ],
    ids=["v2", "v2 max", "v2 nested", "v1", "v1 none", "above the memory", "no cgroups"],
)
def test_the_memory_limit_of_a_container_is_read(
    files: dict[str, str], limit: int | None, shell: list[str], tmp_path: Path
) -> None:
    write_tree(tmp_path, {"proc/meminfo": "MemTotal:        7810160 kB\n", **files})
    probed = probe(tmp_path, "facts", shell)
    lines = "".join(f"{key}={value}\n" for key, value in probed.values.items() if key.startswith("memory"))
    answer = f"{lines}machine=aarch64\nfolder_writable=yes\n"
    info, _ = describe(FixedAnswer(answer), name="pi", kind="linux", folder="/tmp")
    assert (info.memory_total_bytes, info.memory_limit_bytes) == (7810160 * 1024, limit)
