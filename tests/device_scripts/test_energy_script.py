"""energy.sh under every shell that is here: which sensors it finds, what it reads, and how it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.devices.energy_sources import choose_sensors
from harness.runner.energy import parse_windows
from harness.runner.energy_readings import parse_readings
from harness.runner.power_trace import spans_of_trace
from harness.system.paths import DEVICE_SCRIPTS
from power_traces import trace_of

SCRIPT = DEVICE_SCRIPTS / "energy.sh"
RAILS = "sys/bus/iio/devices/iio:device0/energy_value"
POWER = "sys/class/hwmon/hwmon2/power1_input"
BATTERY = "sys/class/power_supply/battery"
TRACES = "data/misc/perfetto-traces"
PMIC = """#!/bin/sh
[ "$1" = pmic_read_adc ] || exit 1
echo "  VDD_CORE_A current(7)=1.00000000A"
echo "  VDD_CORE_V volt(15)=0.80000000V"
echo "     EXT5V_V volt(24)=5.09000000V"
"""

# As the real one does: takes a text of its configuration, and writes its file at its end. AOSP's sepolicy
# lets it read no file of a shell's.
PERFETTO = """#!/bin/sh
[ "$1 $2 $3 $4" = "--txt -c - -o" ] && [ -p /proc/self/fd/0 ] || exit 1
cat >"$ASKED"
trap 'cp "$TRACE" "$5"; exit 0' TERM
case $(cat "$ASKED") in *"duration_ms: 1000") cp "$TRACE" "$5"; exit 0 ;; esac
while :; do sleep 0.05; done
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty device."""
    folder = tmp_path / "root"
    folder.mkdir()
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(folder))
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job's folder with a name that needs quoting."""
    folder = tmp_path / 'it\'s a "job" $HOME'
    folder.mkdir()
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def plant_all(root: Path) -> None:
    write(root / RAILS, "t=10\nCH3(T=10)[S2M_VDD_CPUCL2], 761330\n")
    write(root / POWER, "1500000\n")
    write(root / POWER.replace("power1_input", "name"), "ina226\n")
    write(root / POWER.replace("input", "label"), "VDD IN\n")
    for name, text in {
        "type": "Battery",
        "status": "Discharging",
        "current_now": "-450000",
        "voltage_now": "4000000",
    }.items():
        write(root / BATTERY / name, f"{text}\n")
    write(root / "sys/class/power_supply/usb/type", "USB\n")
    for name, text in {"type": "Battery", "scope": "Device", "current_now": "1", "voltage_now": "1"}.items():
        write(root / "sys/class/power_supply/a-pen" / name, f"{text}\n")


# Root reads everything, but not without these capabilities.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def sources(shell: str, *before: str) -> list[str]:
    done = subprocess.run([*before, shell, SCRIPT, "sources"], capture_output=True, timeout=20, check=True)
    return done.stdout.decode().splitlines()


def run(
    shell: str, job: Path, source: str, *argv: str, idle: str = "0.3"
) -> subprocess.CompletedProcess[bytes]:
    words = [shell, str(SCRIPT), "run", str(job), source, idle, "0.05", "0", "--", *argv]
    return subprocess.run(words, capture_output=True, timeout=30, check=False)


def test_each_sensor_is_listed_by_its_path_on_the_device(shell: str, root: Path) -> None:
    plant_all(root)
    assert sources(shell) == [
        f"rails /{RAILS} yes",
        f"hwmon /{POWER} ina226 VDD IN",
        f"battery /{BATTERY} Discharging",
    ]


def test_a_device_without_sensors_lists_none(shell: str, root: Path) -> None:
    assert sources(shell) == []
    assert choose_sensors(sources(shell)).reason == "the device has no sensor of power or energy"


def test_a_sensor_that_may_not_be_read_is_denied(shell: str, root: Path) -> None:
    plant_all(root)
    (root / RAILS).chmod(0)
    assert f"rails /{RAILS} denied" in sources(shell, *UNPRIVILEGED)


def test_a_power_chip_is_asked_by_its_command(
    shell: str, root: Path, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root / "bin/vcgencmd", PMIC)
    (root / "bin/vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}/bin:{os.environ['PATH']}")
    assert sources(shell) == ["pmic yes"]
    assert run(shell, job, "pmic", "true").returncode == 0
    readings = parse_readings((job / "readings").read_bytes())
    assert len(readings) > 3
    lines = readings[0].lines["pmic"]
    assert lines is not None
    assert lines[-1] == "     EXT5V_V volt(24)=5.09000000V"


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ("echo 'error=1 error_msg=\"Command not registered\"'; exit 255", "pmic none"),
        ("echo 'VCHI initialization failed' >&2; exit 255", "pmic denied"),
    ],
)
def test_a_firmware_without_the_power_chip_is_not_a_user_who_may_not_ask_it(
    shell: str, root: Path, monkeypatch: pytest.MonkeyPatch, answers: str, line: str
) -> None:
    write(root / "bin/vcgencmd", f"#!/bin/sh\n{answers}\n")
    (root / "bin/vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}/bin:{os.environ['PATH']}")
    assert sources(shell) == [line]


def test_a_battery_is_found_by_its_usual_name_where_android_hides_the_names(shell: str, root: Path) -> None:
    plant_all(root)
    supplies = (root / BATTERY).parent
    supplies.chmod(0o311)
    assert f"battery /{BATTERY} Discharging" in sources(shell, *UNPRIVILEGED)
    supplies.chmod(0)
    assert "battery /sys/class/power_supply denied" in sources(shell, *UNPRIVILEGED)
    supplies.chmod(0o755)


@pytest.fixture
def perfetto(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A phone whose rails perfetto alone may ask for; the folder of the traces."""
    write(root / "bin/perfetto", PERFETTO)
    (root / "bin/perfetto").chmod(0o755)
    polls = [(1000 * second, {"S2M_VDD_CPUCL2": 500_000 * second}) for second in range(40)]
    (tmp_path / "trace").write_bytes(trace_of(polls))
    monkeypatch.setenv("PATH", f"{root}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("TRACE", str(tmp_path / "trace"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    (root / TRACES).mkdir(parents=True)
    return root / TRACES


def test_perfetto_is_asked_where_the_rails_are_denied(shell: str, root: Path, perfetto: Path) -> None:
    plant_all(root)
    assert sources(shell)[0] == f"rails /{RAILS} yes"
    (root / RAILS).chmod(0)
    assert sources(shell, *UNPRIVILEGED)[:2] == [f"rails /{RAILS} denied", "perfetto yes"]
    assert choose_sensors(sources(shell, *UNPRIVILEGED)).word == "perfetto"
    assert list(perfetto.iterdir()) == []


def test_a_perfetto_that_traces_no_rails_is_no_sensor(
    shell: str, root: Path, perfetto: Path, tmp_path: Path
) -> None:
    (tmp_path / "trace").write_bytes(b"\x0a\x03no!")
    assert sources(shell) == []
    perfetto.rmdir()
    assert sources(shell) == []


def test_perfetto_traces_beside_the_program_and_leaves_nothing(
    shell: str, job: Path, perfetto: Path, tmp_path: Path
) -> None:
    assert run(shell, job, "perfetto", "true").returncode == 0
    parse_windows((job / "windows").read_bytes())
    source, spans = spans_of_trace((job / "readings").read_bytes())
    assert source.name == "power rails, traced by perfetto: S2M_VDD_CPUCL2"
    assert {span.watts for span in spans} == {0.5}
    asked = (tmp_path / "asked").read_text()
    assert "battery_poll_ms: 250 collect_power_rails: true" in asked
    assert list(perfetto.iterdir()) == []


def test_what_is_ended_ends_perfetto(shell: str, job: Path, perfetto: Path, tmp_path: Path) -> None:
    words = [shell, str(SCRIPT), "run", str(job), "perfetto", "60", "1", "0", "--", "sleep", "61"]
    with subprocess.Popen(words, start_new_session=True) as process:
        wait_until(lambda: (tmp_path / "asked").exists())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 143
        wait_until(lambda: not left_of(process.pid))
    assert list(perfetto.iterdir()) == []


def test_a_chip_whose_files_are_in_its_devices_folder_is_listed(shell: str, root: Path) -> None:
    """Kernels before 3.13 have them there."""
    old = root / "sys/class/hwmon/hwmon3/device"
    old.mkdir(parents=True)
    (old / "name").write_text("ina226\n")
    (old / "power1_input").write_text("2500000\n")
    assert f"hwmon /{old.relative_to(root)}/power1_input ina226 " in sources(shell)


@pytest.mark.parametrize("source", ["rails", "hwmon", "battery"])
def test_a_program_runs_between_two_windows_and_the_sensor_is_read_in_all_of_them(
    shell: str, root: Path, job: Path, source: str
) -> None:
    plant_all(root)
    done = run(shell, job, source, "sh", "-c", 'sleep 0.3; echo "$1" >"$2/ran"', "name", "a b", str(job))
    assert (done.returncode, done.stderr) == (0, b"")
    assert (job / "ran").read_text() == "a b\n"
    before, after = parse_windows((job / "windows").read_bytes())
    assert before.seconds == pytest.approx(0.3, abs=0.25)
    assert after.began_s >= before.began_s + before.seconds + 0.25
    readings = parse_readings((job / "readings").read_bytes())
    assert len(readings) > 5
    assert readings[0].uptime_s <= before.began_s + before.seconds
    assert readings[-1].uptime_s >= after.began_s
    paths = {"rails": [RAILS], "hwmon": [POWER]}.get(
        source, [f"{BATTERY}/{name}" for name in ("status", "current_now", "voltage_now")]
    )
    assert [path.lstrip("/") for path in readings[0].lines] == paths
    assert all(lines for reading in readings for lines in reading.lines.values())


def test_a_sensor_that_vanishes_is_marked(shell: str, root: Path, job: Path) -> None:
    plant_all(root)
    done = run(shell, job, "hwmon", "rm", str(root / POWER))
    assert done.returncode == 0
    readings = parse_readings((job / "readings").read_bytes())
    assert readings[0].lines[f"/{POWER}"] == ("1500000",)
    assert readings[-1].lines[f"/{POWER}"] is None


def test_the_exit_code_is_the_programs_and_a_failed_one_is_not_rested_after(
    shell: str, root: Path, job: Path
) -> None:
    assert run(shell, job, "none", "sh", "-c", "exit 7").returncode == 7
    assert (job / "windows").read_text().startswith("idle_before ")
    assert "idle_after" not in (job / "windows").read_text()
    assert not (job / "readings").exists()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def left_of(group: int) -> list[bytes]:
    """The processes of a group that still run."""
    left = subprocess.run(["pgrep", "-r", "R,S,D", "-g", str(group)], capture_output=True, check=False)
    return left.stdout.split()


@pytest.mark.parametrize("idle", ["0.05", "60"])
def test_what_is_ended_ends_its_program_and_its_meter(shell: str, root: Path, job: Path, idle: str) -> None:
    plant_all(root)
    words = [shell, str(SCRIPT), "run", str(job), "rails", idle, "0.05", "0", "--", "sleep", "61"]
    with subprocess.Popen(words, start_new_session=True) as process:
        wait_until(lambda: (job / "readings").exists() and (job / "readings").stat().st_size > 0)
        if idle != "60":
            wait_until((job / "windows").exists)
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 143
        size = (job / "readings").stat().st_size
        time.sleep(0.3)
        assert (job / "readings").stat().st_size == size
        assert left_of(process.pid) == []


@pytest.mark.parametrize("words", [(), ("run",), ("run", "/job", "rails", "1", "1", "0", "--"), ("read",)])
def test_wrong_use_is_told(shell: str, words: tuple[str, ...]) -> None:
    done = subprocess.run([shell, SCRIPT, *words], capture_output=True, timeout=20, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"usage: energy.sh ")
