"""The doctor, on this machine, on recorded devices laid over it, and by the command line."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.devices.android import check_state, power_saving_checks, screen_checks
from harness.devices.device import Device
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.measuring.doctor import Diagnosis, examine
from harness.measuring.doctor import device as doctor_device
from harness.measuring.doctor.device import examine_device
from harness.measuring.doctor.host import examine_host
from harness.records import DeviceInfo
from harness.runner.bundle.installed import PACKAGE
from harness.transports.adb import AttachedDevice
from harness.transports.local import LocalTransport

HEALTHY = {
    "proc/sys/kernel/perf_event_paranoid": "1\n",
    "proc/loadavg": "0.05 0.06 0.07 1/200 1234\n",
    "proc/self/smaps": "00400000-00420000 r-xp 00000000 08:01 42\nSize: 9 kB\nKernelPageSize: 16 kB\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "45123\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
}
GETPROP = "#!/bin/sh\ncase $1 in ro.build.version.release) echo 14 ;; *abilist) echo arm64-v8a ;; esac\n"
# Excerpts in the form AOSP 14 prints them.
POWER = """POWER MANAGER (dumpsys power)

Power Manager State:
  mDirty=0x0
  mWakefulness={}
  mWakefulnessChanging=false
  mIsPowered=true
"""
DEVICE_IDLE = """  Settings:
    light_after_inactive_to=+4m0s0ms
  mScreenOn={}
  mScreenLocked={}
"""


@pytest.fixture
def examine_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Diagnosis]]:
    """Examine a device made of files and programs laid over this machine."""

    def examine_it(
        files: dict[str, str] | None = None,
        programs: dict[str, str] | None = None,
        kind: str = "linux_board",
    ) -> dict[str, Diagnosis]:
        root = tmp_path / "root"
        for name, content in {**HEALTHY, **(files or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        (root / "bin").mkdir()
        for name, content in (programs or {}).items():
            (root / "bin" / name).write_text(content)
            (root / "bin" / name).chmod(0o755)
        monkeypatch.setenv("HARNESS_PROBE_ROOT", str(root))
        monkeypatch.setenv("PATH", f"{root / 'bin'}:{os.environ['PATH']}")
        monkeypatch.setattr(doctor_device, "BUSY_SHARE", 1.0)
        monkeypatch.setattr(doctor_device, "BUSY_SECONDS", 0.05)
        info = DeviceInfo(name="it", kind=kind, transport="local", abi="arm64-v8a", clock="real", model="it")
        device = Device(info, LocalTransport(), str(tmp_path / "folder"), LocalTransport)
        return {diagnosis.what: diagnosis for diagnosis in examine_device(device)}

    return examine_it


Examine = Callable[..., dict[str, Diagnosis]]


def test_a_healthy_device_is_fit(examine_recorded: Examine) -> None:
    found = examine_recorded(programs={"vcgencmd": "#!/bin/sh\necho throttled=0x0\n"})
    assert {diagnosis.level for diagnosis in found.values()} == {"ok"}
    assert {"folder", "space", "temperature", "throttling", "governor", "counters", "load"} <= set(found)


def test_the_page_size_is_reported_or_why_it_is_unknown(examine_recorded: Examine) -> None:
    assert examine_recorded()["page size"].detail == "16 KiB"


def test_an_unreadable_page_size_is_reported_with_its_reason(examine_recorded: Examine) -> None:
    found = examine_recorded({"proc/self/smaps": "Size: 128 kB\n"})["page size"]
    assert (found.level, found.detail) == ("advice", "unknown: no KernelPageSize in /proc/self/smaps")


def test_a_level_of_permissions_that_is_no_number_is_left_out(examine_recorded: Examine) -> None:
    assert "counters" not in examine_recorded({"proc/sys/kernel/perf_event_paranoid": "--1\n"})


def test_a_temperature_that_cannot_be_read_is_reported_with_its_reason(examine_recorded: Examine) -> None:
    found = examine_recorded({"sys/class/thermal/thermal_zone0/temp": "0\n"})["temperature"]
    assert (found.level, found.detail) == ("advice", "unknown: no zone reports a temperature")


def test_without_a_zone_of_the_cores_the_hottest_other_one_is_not_called_theirs(
    examine_recorded: Examine,
) -> None:
    files = {"sys/class/thermal/thermal_zone0/type": "battery\n"}
    found = examine_recorded(files)["temperature"]
    assert found.detail.startswith("no zone of the cores; hottest other zone at ")
    assert found.detail.endswith(" °C (battery)")


@pytest.mark.parametrize(
    ("what", "level", "files", "words", "fix"),
    [
        (
            "temperature",
            "unfit",
            {"sys/class/thermal/thermal_zone0/temp": "81000\n"},
            "cores at 81.0 °C (cpu-thermal)",
            "fan",
        ),
        (
            "temperature",
            "unfit",
            {
                "sys/class/thermal/thermal_zone0/type": "tsens_tz_sensor5\n",
                "sys/class/thermal/thermal_zone0/temp": "853\n",
                "sys/class/thermal/thermal_zone1/type": "pm8953_tz\n",
                "sys/class/thermal/thermal_zone1/temp": "33000\n",
            },
            "cores at 85.3 °C (tsens_tz_sensor5)",
            "fan",
        ),
        (
            "temperature",
            "ok",
            {
                "sys/class/thermal/thermal_zone0/temp": "34500\n",
                "sys/class/thermal/thermal_zone1/type": "PMIC-Die\n",
                "sys/class/thermal/thermal_zone1/temp": "100000\n",
                "sys/class/thermal/thermal_zone2/type": "AO-therm\n",
                "sys/class/thermal/thermal_zone2/temp": "41000\n",
            },
            "cores at 34.5 °C (cpu-thermal), hottest sensor AO-therm at 41.0 °C",
            "",
        ),
        (
            "governor",
            "advice",
            {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n"},
            "ondemand",
            "sudo tee /sys/",
        ),
        ("counters", "advice", {"proc/sys/kernel/perf_event_paranoid": "3\n"}, "paranoid 3", "sudo sysctl"),
    ],
)
def test_a_problem_of_a_board_is_reported_with_its_fix(
    examine_recorded: Examine, what: str, level: str, files: dict[str, str], words: str, fix: str
) -> None:
    found = examine_recorded(files)[what]
    assert found.level == level
    assert words in found.detail
    assert fix in found.fix


@pytest.mark.parametrize(
    ("flags", "level"), [("0x0", "ok"), ("0x50000", "advice"), ("0x50005", "unfit"), ("0x8", "unfit")]
)
def test_throttling_now_is_worse_than_throttling_before(
    examine_recorded: Examine, flags: str, level: str
) -> None:
    found = examine_recorded(programs={"vcgencmd": f"#!/bin/sh\necho throttled={flags}\n"})
    assert found["throttling"].level == level


def dumpsys(*, wakefulness: str = "Awake", locked: str = "false", level: int = 80, status: int = 0) -> str:
    power, idle = POWER.format(wakefulness), DEVICE_IDLE.format("true", locked)
    battery = f"Current Battery Service state:\n  level: {level}\n  temperature: 281\n"
    return (
        "#!/bin/sh\ncase $1 in\n"
        f"power) cat <<'END'\n{power}END\n;;\ndeviceidle) cat <<'END'\n{idle}END\n;;\n"
        f"battery) cat <<'END'\n{battery}END\n;;\nthermalservice) echo 'Thermal Status: {status}' ;;\nesac\n"
    )


@pytest.mark.parametrize(
    ("what", "state", "words", "fix"),
    [
        ("screen", {"wakefulness": "Asleep"}, "the device is asleep", "KEYCODE_WAKEUP"),
        ("battery", {"level": 7}, "7 %", "charge the device"),
        ("thermal status", {"status": 3}, "thermal status 3", "cool down"),
    ],
)
def test_a_problem_of_a_phone_is_reported_with_its_fix(
    examine_recorded: Examine, what: str, state: dict[str, Any], words: str, fix: str
) -> None:
    programs = {"getprop": GETPROP, "dumpsys": dumpsys(**state), "settings": "#!/bin/sh\necho 0\n"}
    found = examine_recorded(programs=programs, kind="android")
    assert [diagnosis.what for diagnosis in found.values() if diagnosis.level == "unfit"] == [what]
    assert words in found[what].detail
    assert fix in found[what].fix


def test_a_samsung_phones_sleep_is_reported(examine_recorded: Examine) -> None:
    printed = dumpsys(wakefulness="Asleep").replace("mWakefulness=", "getWakefulnessLocked()=")
    programs = {"getprop": GETPROP, "dumpsys": printed, "settings": "#!/bin/sh\necho 0\n"}
    assert examine_recorded(programs=programs, kind="android")["screen"].level == "unfit"


def test_a_locked_screen_and_battery_saver_are_reported(examine_recorded: Examine) -> None:
    programs = {"getprop": GETPROP, "dumpsys": dumpsys(locked="true"), "settings": "#!/bin/sh\necho 1\n"}
    found = examine_recorded(programs=programs, kind="android")
    assert found["lock screen"].level == "advice"
    assert found["battery saver"].level == "unfit"
    assert found["battery saver"].fix == "adb shell settings put global low_power 0"


def test_a_device_in_use_is_reported_with_its_holder(examine_recorded: Examine, tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "lock"
    lock.mkdir(parents=True)
    (lock / "holder").write_text(f"{'a' * 16} - elsewhere 1 process 1 of ann on desk\n")
    found = examine_recorded()["in use"]
    assert found.level == "unfit"
    assert found.detail == "process 1 of ann on desk is measuring on this device"


def test_what_a_version_of_android_does_not_report_is_left_out() -> None:
    assert list(screen_checks("", "Can't find service: deviceidle")) == []
    assert list(power_saving_checks("cmd: Can't find service: settings")) == []


def test_a_folder_that_does_not_allow_execution_is_reported(
    examine_recorded: Examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A chmod that does nothing leaves a file that cannot be executed, as a noexec mount does.
    found = examine_recorded(programs={"chmod": "#!/bin/sh\n"})["folder"]
    assert found.level == "unfit"
    assert "noexec" in found.detail
    assert "devices.toml" in found.fix


def test_nothing_is_left_in_the_folder(examine_recorded: Examine, tmp_path: Path) -> None:
    examine_recorded()
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize(
    ("state", "words", "hint"),
    [
        ("unauthorized", "has not accepted", "Always allow"),
        ("offline", "offline", "replug"),
        ("recovery", "recovery mode", "adb -s SERIAL reboot"),
        ("bootloader", "bootloader", "fastboot -s SERIAL reboot"),
        ("no permissions", "may not open", "udev"),
        ("something new", "state as 'something new'", "adb devices"),
    ],
)
def test_an_attached_device_in_no_state_to_measure_is_refused(state: str, words: str, hint: str) -> None:
    with pytest.raises(DeviceUnfit) as caught:
        check_state(AttachedDevice("SERIAL", state, None, None, 1))
    assert words in caught.value.what
    assert hint in caught.value.hint


def test_a_usable_device_passes() -> None:
    check_state(AttachedDevice("SERIAL", "device", "Pixel", "pixel", 1))


def test_a_hostile_serial_is_quoted_in_the_hint() -> None:
    with pytest.raises(DeviceUnfit) as caught:
        check_state(AttachedDevice("x;reboot", "recovery", None, None, 1))
    assert caught.value.hint == "adb -s 'x;reboot' reboot"


@pytest.mark.parametrize(
    ("target", "program"),
    [
        (Target("emulator", "emulator", "local"), "qemu-aarch64"),
        (Target("arm-vm", "arm_vm", "ssh"), "qemu-system-aarch64"),
        (Target("phone", "android", "adb"), "adb"),
        (Target("pi", "linux_board", "ssh"), "ssh"),
    ],
)
def test_a_missing_program_makes_a_device_that_needs_it_unfit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: Target, program: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    needed = {d.what: d for d in examine_host(target)}[program]
    assert needed.level == "unfit"
    assert needed.fix.startswith("sudo apt-get install ")
    assert {d.what: d for d in examine_host(None)}[program].level == "advice"


def test_without_compiler_and_runner_nothing_can_be_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    found = {d.what: d for d in examine_host(None)}["runner for arm64-v8a"]
    assert found.level == "unfit"
    assert "bundle import" in found.fix


def test_a_damaged_package_of_runners_is_reported_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    found = {d.what: d for d in examine(None, lambda text: None)}["runner for arm64-v8a"]
    assert found.level == "unfit"
    assert "damaged" in found.detail
    assert "pip install --force-reinstall" in found.fix


def test_an_adb_server_that_does_not_answer_is_reported_beside_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adb = tmp_path / "adb"
    adb.write_text("#!/bin/sh\necho 'error: cannot connect to daemon' >&2\nexit 1\n")
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = {d.what: d for d in examine(None, lambda text: None)}
    assert found["adb"].level == "ok"
    server = found["attached devices"]
    assert (server.subject, server.level) == ("this machine", "unfit")
    assert server.detail == "the adb server does not answer"
    assert "adb kill-server" in server.fix


def test_a_device_that_does_not_answer_is_unfit() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        closed_port = holder.getsockname()[1]
        *_, last = _examine_port(closed_port)
    assert (last.subject, last.what, last.level) == ("phone", "usable", "unfit")
    assert "cannot connect" in last.detail
    assert last.fix


def _examine_port(closed_port: int) -> tuple[Diagnosis, ...]:
    target = Target("phone", "android", "adb-direct", f"127.0.0.1:{closed_port}")
    return examine(target, lambda text: None)


def test_the_command_prints_a_table_or_json(run_harness: Callable[..., Any], tmp_path: Path) -> None:
    shown = run_harness("doctor")
    assert shown.exit_code in (0, 4)
    assert "this machine" in shown.stdout
    parsed = run_harness("doctor", "--json")
    assert {entry["level"] for entry in parsed.document} <= {"ok", "advice", "unfit"}
    assert all(set(entry) == {"subject", "what", "level", "detail", "fix"} for entry in parsed.document)
    assert run_harness("doctor", "nosuch").exit_code == 4


def test_the_cache_is_reported_with_its_largest_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    assert _cache_line().startswith(f"0.0 GB in {tmp_path}/cache, which can be deleted")
    for name, size in (("packed", 120_000_000), ("artifacts", 1000)):
        (tmp_path / "cache" / name).mkdir(parents=True)
        with (tmp_path / "cache" / name / "file").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    assert _cache_line().startswith("0.1 GB in ")
    assert _cache_line().endswith(" (in GB: packed 0.1)")


def _cache_line() -> str:
    return next(one.detail for one in examine_host(None) if one.what == "cache")
