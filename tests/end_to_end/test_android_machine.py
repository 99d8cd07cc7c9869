"""`arm-vm:android`: what Android lacks is not there, and the harness works all the same."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from energy_on_a_machine import check_energy_script

from harness.devices.android import FOLDER
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.devices.arm_vm.system import System
from harness.devices.device import Device, describe
from harness.devices.target import Target
from harness.measuring.doctor import Diagnosis, examine
from harness.runner.deploy import DeployedBundle
from harness.runner.job import Job
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.tcp_link import TcpLink

pytestmark = [pytest.mark.slow, pytest.mark.device]

# As AOSP's adb/daemon/main.cpp sets them: input, log, adb, sdcard_rw, sdcard_r, network, readproc, uhid.
GROUPS = {1004, 1007, 1011, 1015, 1028, 3001, 3002, 3003, 3006, 3009, 3011}


SWEEP = (
    *("--width", "0.25", "--resolution", "32", "--precision", "int8", "--tune-device"),
    *("--processes", "1", "--warmup", "1", "--iterations", "3", "--min-time", "0"),
)


def connect(machine: ArmVm) -> Transport:
    return AdbDirectTransport(TcpLink("127.0.0.1", machine.adb_port), key=machine.adb_key)


@pytest.fixture(scope="module")
def machine() -> Iterator[ArmVm]:
    with boot(virtual_time=False, system=System(android=14)) as running:
        yield running


@pytest.fixture(scope="module")
def shell(machine: ArmVm) -> Iterator[Callable[[str], str]]:
    """What a script prints on the machine, standard error included."""
    transport = connect(machine)

    def run(script: str) -> str:
        return transport.run(["sh", "-c", f"exec 2>&1; {script}"], timeout_s=60).text.strip()

    yield run
    transport.close()


def diagnoses(machine: ArmVm, monkeypatch: pytest.MonkeyPatch) -> dict[str, Diagnosis]:
    """What the doctor says of the machine as a phone."""
    monkeypatch.setenv("ADB_VENDOR_KEYS", str(machine.adb_key))
    target = Target("phone", "android", "adb-direct", f"127.0.0.1:{machine.adb_port}")
    return {found.what: found for found in examine(target, lambda text: None) if found.subject == "phone"}


# The machine is like a phone -------------------------------------------------------------------------


def test_no_glibc_is_where_a_program_would_look_for_it(shell: Callable[[str], str]) -> None:
    places = ("/lib", "/lib64", "/usr", "/system/lib", "/system/lib64", "/tmp", "/dev/shm")
    for place in places:
        assert "No such file" in shell(f"ls -d {place}")
    loaders = shell("find / -xdev '(' -name 'ld-linux*' -o -name 'libc.so*' ')'")
    assert {str(Path(path).parent) for path in loaders.splitlines() if path.startswith("/")} == {
        "/apex/com.android.adbd/lib64"
    }


def test_adbs_shell_is_androids_shell_user(shell: Callable[[str], str]) -> None:
    assert shell("id -u; id -g; umask").split() == ["2000", "2000", "000"]
    assert {int(group) for group in shell("id -G").split()} == {2000, *GROUPS}
    assert ":/system/bin:" in shell("echo $PATH")
    assert "MIRBSD KSH" in shell("echo $KSH_VERSION")


def test_only_data_local_tmp_may_be_written_and_executed_from(shell: Callable[[str], str]) -> None:
    for place in ("/", "/data", "/data/local", "/system/bin", "/dev", "/proc", "/sys"):
        assert shell(f"touch {place}/x && echo written").startswith("touch: "), place
    copy = "cp /system/bin/toybox $d/true && $d/true && echo ran; rm -f $d/true"
    assert "Permission denied" in shell(f"d=/sdcard; {copy}")
    assert shell(f"d=/data/local/tmp; {copy}") == "ran"


def test_processes_and_sysfs_are_hidden_as_android_hides_them(shell: Callable[[str], str]) -> None:
    assert "hidepid=invisible" in shell("cat /proc/mounts")
    for denied in ("/sys/class/thermal", "/sys/class/power_supply", "/sys/firmware", "/sys/module"):
        assert "Permission denied" in shell(f"ls {denied}"), denied
    assert shell("cat /sys/devices/system/cpu/online") == "0-1"
    assert "Permission denied" in shell("cat /proc/cmdline")


def test_what_androids_programs_are_told_they_report(shell: Callable[[str], str]) -> None:
    keys = "input keyevent KEYCODE_SLEEP; dumpsys power | grep mWakefulness="
    assert shell(keys).strip() == "mWakefulness=Asleep"
    assert (
        shell("input keyevent KEYCODE_WAKEUP; dumpsys power | grep mWakefulness=").strip()
        == "mWakefulness=Awake"
    )
    assert shell("svc power stayon usb; settings get global stay_on_while_plugged_in") == "2"
    assert "Failed to set property" in shell("setprop ro.product.model x")
    assert shell("cat /proc/sys/kernel/perf_event_paranoid") == "3"
    assert shell("setprop security.perf_harden 0; cat /proc/sys/kernel/perf_event_paranoid") == "1"
    assert shell("setprop security.perf_harden 1; cat /proc/sys/kernel/perf_event_paranoid") == "3"


# The harness works there -----------------------------------------------------------------------------


def test_the_files_of_a_process_are_fetched_by_one_command(machine: ArmVm) -> None:
    transport = connect(machine)
    info, _ = describe(transport, name="phone", kind="android", folder=FOLDER)
    device = Device(info, transport, FOLDER, lambda: connect(machine))
    job = Job(device, DeployedBundle(FOLDER, "ld.so"), f"{FOLDER}/fetched")
    files = {"a": b"\n\n1 b\n", "b": b"", "c": b"no end"}
    for name, content in files.items():
        write = 'mkdir -p "$1" && cat >"$1/$2"'
        transport.run(["sh", "-c", write, "sh", job.folder, name], timeout_s=60, stdin=content).check()
    assert job.fetch_together("a", "missing", "b", "c").fetched == files
    job.remove()
    transport.close()


def test_the_doctor_reads_it_as_a_phone(machine: ArmVm, monkeypatch: pytest.MonkeyPatch) -> None:
    found = diagnoses(machine, monkeypatch)
    fit = (
        "reachable",
        "folder",
        "space",
        "page size",
        "thermal status",
        "battery",
        "screen",
        "battery saver",
    )
    assert {found[what].level for what in fit} == {"ok"}
    assert "37.2" in found["temperature"].detail
    assert found["counters"].fix == "adb shell setprop security.perf_harden 0"


def test_a_recorded_phone_is_laid_over_it() -> None:
    with boot(system=System(phone="pixel_6")) as running:
        transport = connect(running)
        info, _ = describe(transport, name="phone", kind="android", folder=FOLDER)
        zone = transport.run(["cat", "/sys/class/thermal/thermal_zone0/type"], timeout_s=60).text
        transport.close()
    assert (info.model, info.os, info.soc) == ("Google Pixel 6", "Android 14", "GS101")
    names = [core.name for core in info.cores]
    assert names == ["Cortex-A55"] * 4 + ["Cortex-A78"] * 2 + ["Cortex-X1"] * 2
    assert info.cores[7].max_frequency_khz == 2802000
    assert zone == "BIG\n"


def check_cell(cell: dict[str, Any]) -> None:
    """What the harness measured, and what it read of Android's own programs."""
    assert cell["parity"]["passed"]
    assert cell["device"]["os"] == "Android 14"
    before = cell["processes"][0]["conditions_before"]
    assert (before["thermal_status"], before["battery_percent"]) == (0, 83)
    assert before["wakefulness"] == "Awake"
    assert cell["memory"]["detail"]["dumpsys_pss_bytes"] > 0
    tuned = {setting["name"]: setting for setting in cell["tuning"]}
    assert tuned["stay_awake"]["now"] != "0"
    assert "requested true" in tuned["fixed_performance"]["note"]


def test_by_its_name_it_is_measured_with_parity_over_googles_adb(run_harness: Callable[..., Any]) -> None:
    ended = run_harness("run", "--device", "arm-vm:android:adb", *SWEEP, "--max-time", "0.3", "--json")
    assert ended.exit_code == 0, ended.stderr
    (cell,) = ended.document["cells"]
    assert (cell["device"]["transport"], cell["device"]["clock"]) == ("adb", "virtual")
    check_cell(cell)


def measure_as_top_app(machine: ArmVm, run_harness: Callable[..., Any], *options: str) -> dict[str, Any]:
    """The cell of a run that reaches the machine as a phone at an address, without Google's adb."""
    keys = {"ADB_VENDOR_KEYS": str(machine.adb_key)}
    device = f"127.0.0.1:{machine.adb_port}"
    profile = ("--task-profile", "top-app", *options, "--json")
    ended = run_harness("run", "--device", device, *SWEEP, *profile, env=keys)
    assert ended.exit_code == 0, ended.stderr
    (cell,) = ended.document["cells"]
    assert isinstance(cell, dict)
    return cell


def test_as_a_phone_at_an_address_it_is_measured_and_a_task_profile_that_a_shell_may_not_have_is_a_reason(
    machine: ArmVm, run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    cell = measure_as_top_app(machine, run_harness, "--out", "refused")
    assert (cell["device"]["transport"], cell["device"]["clock"]) == ("adb-direct", "real")
    check_cell(cell)
    (process,) = cell["processes"]
    found = process["task_profile"]
    assert (found["name"], found["took_hold"], found["cpuset_after"]) == ("top-app", [], "/")
    why = "settaskprofile reported success, but cpuset is /, cpu is /"
    assert found["unavailable"].startswith(why)
    assert "task_profile_not_applied" in [one["code"] for one in cell["verdict"]["reasons"]]
    report = (tmp_path / "refused/report/report.md").read_text()
    assert f"asked for top-app, not in effect: {why}" in report


def test_a_task_profile_takes_hold_for_a_root_shell_and_all_of_the_process(
    run_harness: Callable[..., Any], tmp_path: Path
) -> None:
    with boot(virtual_time=False, system=System(android=14, root_shell=True)) as machine:
        cell = measure_as_top_app(machine, run_harness, "--out", "in-front")
    (process,) = cell["processes"]
    found = process["task_profile"]
    assert (found["took_hold"], found["unavailable"]) == (["cpuset", "cpu"], None)
    # The runner reads its own after timing.
    assert (found["cpuset_before"], process["scheduling"]["cpuset"]) == ("/", "/top-app")
    assert "task_profile_not_applied" not in [one["code"] for one in cell["verdict"]["reasons"]]
    assert "top-app took hold in cpuset and cpu" in (tmp_path / "in-front/report/report.md").read_text()


def test_energy_is_read_by_its_own_shell_and_toolbox(machine: ArmVm) -> None:
    transport = connect(machine)
    try:
        check_energy_script(transport, f"{FOLDER}/energy test")
    finally:
        transport.close()


def test_android_9_has_no_such_program() -> None:
    with boot(virtual_time=False, system=System(android=9)) as running:
        transport = connect(running)
        answer = transport.run(["sh", "-c", "command -v settaskprofile"], timeout_s=60)
        transport.close()
    assert (answer.exit_code != 0, answer.text) == (True, "")
