"""Tuning a device: what is reported was read back, and everything is restored, also after a crash."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.devices.device import Device, describe
from harness.devices.probe import Probed, parse_probe
from harness.devices.tuning import JOURNAL, TUNE_SCRIPT, left_behind, parse_settings, tuned
from harness.errors import ConnectionLost, Interrupted
from harness.records import TunedSetting
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport

SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["mksh"])
# Not busybox, which has its own svc: no Android has busybox.
PHONE_SHELLS = pytest.mark.parametrize(
    "shell", [one for one in SHELLS if one[0] != "busybox"], ids=" ".join, indirect=True
)
POLICIES = "sys/devices/system/cpu/cpufreq"
FOLDER = 'fol\'der of "mine" $HOME'
# Android's programs as far as they are asked, with what they set in files below $HARNESS_PROBE_ROOT.
ANDROID = {
    "bin/settings": """#!/bin/sh
file=$HARNESS_PROBE_ROOT/stay
case "$*" in
"get global stay_on_while_plugged_in") cat "$file" ;;
"put global stay_on_while_plugged_in "*) echo "$4" > "$file" ;;
*) exit 1 ;;
esac
""",
    "bin/svc": """#!/bin/sh
[ "$*" = "power stayon true" ] && echo 7 > "$HARNESS_PROBE_ROOT/stay"
""",
    "bin/input": """#!/bin/sh
[ "$*" = "keyevent KEYCODE_WAKEUP" ] && echo Awake > "$HARNESS_PROBE_ROOT/wake"
""",
    "bin/dumpsys": """#!/bin/sh
printf 'POWER MANAGER\\n  mWakefulness=%s\\n  mWakefulnessChanging=false\\n' $(cat "$HARNESS_PROBE_ROOT/wake")
""",
    "bin/cmd": """#!/bin/sh
[ -e "$HARNESS_PROBE_ROOT/no_fixed" ] && { echo "Failed to set FIXED_PERFORMANCE mode"; exit 255; }
[ "$1 $2" = "power set-fixed-performance-mode-enabled" ] && echo "$3" > "$HARNESS_PROBE_ROOT/fixed"
""",
    "stay": "0\n",
    "wake": "Asleep\n",
}


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755 if name.startswith("bin/") else 0o644)


@pytest.fixture
def linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tree of a board whose clocks this user may set."""
    root = tmp_path / "root"
    tree = {f"{POLICIES}/policy{index}/scaling_governor": "schedutil\n" for index in (0, 4)}
    write_tree(root, tree)
    (root / "bin").mkdir()
    monkeypatch.setenv("HARNESS_PROBE_ROOT", str(root))
    return root


@pytest.fixture
def phone(linux: Path, shell: list[str]) -> Path:
    """A phone that was not rooted: its clocks are not ours, its screen is dark."""
    shutil.rmtree(linux / POLICIES)
    write_tree(linux, ANDROID)
    return linux


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    words: list[str] = request.param
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    return words


def run_tune(root: Path, shell: Sequence[str], command: str) -> Probed:
    words = [*shell, str(TUNE_SCRIPT), command, str(root.parent / FOLDER)]
    answer = subprocess.run(words, capture_output=True, text=True, check=True, timeout=20)
    assert answer.stderr == ""
    return parse_probe(answer.stdout)


def governors(root: Path) -> list[str]:
    return [path.read_text().strip() for path in sorted((root / POLICIES).glob("policy*/scaling_governor"))]


def journal(root: Path) -> Path:
    return root.parent / FOLDER / JOURNAL


def test_governors_are_set_read_back_and_restored(linux: Path, shell: list[str]) -> None:
    answer = run_tune(linux, shell, "set")
    assert parse_settings(answer) == tuple(
        TunedSetting(name=f"governor.policy{index}", before="schedutil", now="performance")
        for index in (0, 4)
    )
    assert governors(linux) == ["performance"] * 2
    assert set(run_tune(linux, shell, "show").values) == {"left.governor.policy0", "left.governor.policy4"}
    assert run_tune(linux, shell, "restore").values == dict.fromkeys(
        ("restored.governor.policy0", "restored.governor.policy4"), "schedutil"
    )
    assert governors(linux) == ["schedutil"] * 2
    assert not journal(linux).exists()
    assert run_tune(linux, shell, "restore") == run_tune(linux, shell, "show") == Probed({}, {})


def test_all_of_128_policies_are_restored(linux: Path, shell: list[str]) -> None:
    names = [f"{POLICIES}/policy{index}/scaling_governor" for index in (*range(127), 1000)]
    write_tree(linux, dict.fromkeys(names, "ondemand\n"))
    assert len(parse_settings(run_tune(linux, shell, "set"))) == 128
    assert governors(linux) == ["performance"] * 128
    assert len(run_tune(linux, shell, "show").values) == 128
    assert len(run_tune(linux, shell, "restore").values) == 128
    assert governors(linux) == ["ondemand"] * 128
    assert not journal(linux).exists()


def test_the_governors_of_an_old_kernel_are_set_at_the_first_cores(linux: Path, shell: list[str]) -> None:
    # Before Linux 4.3 cpufreq had no folder for each policy; the other cores have a link, or nothing.
    shutil.rmtree(linux / POLICIES)
    cpus = linux / "sys/devices/system/cpu"
    write_tree(cpus, {f"cpu{index}/cpufreq/scaling_governor": "interactive\n" for index in (0, 4)})
    (cpus / "cpu1").mkdir()
    (cpus / "cpu1/cpufreq").symlink_to(cpus / "cpu0/cpufreq")
    names = ("governor.policy0", "governor.policy4")
    assert run_tune(linux, shell, "set").values == {
        f"set.{name}": "interactive performance" for name in names
    }
    assert set(run_tune(linux, shell, "show").values) == {f"left.{name}" for name in names}
    assert run_tune(linux, shell, "restore").values == {f"restored.{name}": "interactive" for name in names}
    assert (cpus / "cpu4/cpufreq/scaling_governor").read_text() == "interactive\n"


def test_a_policy_that_the_journal_could_not_hold_is_not_changed(linux: Path, shell: list[str]) -> None:
    write_tree(linux, {f"{POLICIES}/policy1x/scaling_governor": "ondemand\n"})
    assert "set.governor.policy1x" in run_tune(linux, shell, "set").unreadable
    assert governors(linux) == ["performance", "ondemand", "performance"]
    run_tune(linux, shell, "restore")
    assert governors(linux) == ["schedutil", "ondemand", "schedutil"]


@PHONE_SHELLS
def test_a_phone_is_kept_awake_and_asked_for_fixed_performance(phone: Path, shell: list[str]) -> None:
    settings = {setting.name: setting for setting in parse_settings(run_tune(phone, shell, "set"))}
    assert (settings["screen"].before, settings["screen"].now) == ("Asleep", "Awake")
    assert (settings["stay_awake"].before, settings["stay_awake"].now) == ("0", "7")
    asked = settings["fixed_performance"]
    assert (asked.now, (phone / "fixed").read_text()) == (None, "true\n")
    assert asked.note == "requested true; the device does not report whether it took hold"
    assert settings["governor"].note == "no cpufreq/policy*"
    run_tune(phone, shell, "restore")
    assert ((phone / "stay").read_text(), (phone / "fixed").read_text()) == ("0\n", "false\n")
    assert not journal(phone).exists()


@PHONE_SHELLS
def test_a_samsung_phone_is_seen_to_be_awake(phone: Path, shell: list[str]) -> None:
    dumpsys = phone / "bin/dumpsys"
    dumpsys.write_text(dumpsys.read_text().replace("mWakefulness=", "getWakefulnessLocked()="))
    settings = {setting.name: setting for setting in parse_settings(run_tune(phone, shell, "set"))}
    assert (settings["screen"].before, settings["screen"].now) == ("Asleep", "Awake")


@PHONE_SHELLS
def test_a_phone_without_that_mode_reports_so_and_its_journal_does_not_keep_it(
    phone: Path, shell: list[str]
) -> None:
    (phone / "no_fixed").touch()
    settings = {setting.name: setting for setting in parse_settings(run_tune(phone, shell, "set"))}
    assert "refused" in (settings["fixed_performance"].note or "")
    assert journal(phone).read_text().splitlines()[1:] == ["stay_awake 0", "end"]


def test_a_value_that_does_not_take_hold_is_not_reported_as_set(linux: Path, shell: list[str]) -> None:
    """A governor that reads back as it was: the kernel does not know the wanted one."""
    stubborn = linux / POLICIES / "policy4" / "scaling_governor"
    stubborn.unlink()
    stubborn.symlink_to("/proc/sys/kernel/ostype")
    answer = run_tune(linux, shell, "set")
    assert set(answer.values) == {"set.governor.policy0"}
    assert "set.governor.policy4" in answer.unreadable
    assert "policy4" not in journal(linux).read_text()


def test_a_setting_that_had_the_value_before_is_not_journaled(linux: Path, shell: list[str]) -> None:
    for path in (linux / POLICIES).glob("*/scaling_governor"):
        path.write_text("performance\n")
    answer = run_tune(linux, shell, "set")
    assert set(answer.values.values()) == {"performance performance"}
    assert not journal(linux).exists()


def test_setting_again_after_a_crash_keeps_the_device_tuned_and_the_first_values(
    linux: Path, shell: list[str]
) -> None:
    run_tune(linux, shell, "set")
    whole = journal(linux).read_text()
    (linux / POLICIES / "policy4" / "scaling_governor").write_text("powersave\n")
    answer = run_tune(linux, shell, "set")
    assert answer.values == dict.fromkeys(
        ("set.governor.policy0", "set.governor.policy4"), "schedutil performance"
    )
    assert (journal(linux).read_text(), governors(linux)) == (whole, ["performance"] * 2)
    run_tune(linux, shell, "restore")
    assert governors(linux) == ["schedutil"] * 2


def test_what_cannot_be_restored_stays_in_the_journal(linux: Path, shell: list[str]) -> None:
    run_tune(linux, shell, "set")
    shutil.rmtree(linux / POLICIES / "policy4")
    for _ in range(2):
        assert set(run_tune(linux, shell, "restore").unreadable) == {"restored.governor.policy4"}
        assert set(run_tune(linux, shell, "show").values) == {"left.governor.policy4"}
    assert governors(linux) == ["schedutil"]


@pytest.mark.parametrize("title", ["mobilenet-harness quieting 1", "mobilenet-harness tuning 1"])
def test_an_earlier_versions_journal_is_restored(linux: Path, shell: list[str], title: str) -> None:
    run_tune(linux, shell, "set")
    former = journal(linux).with_name("quiet.journal")
    former.write_text(journal(linux).read_text().replace("mobilenet-harness tuning 1", title))
    journal(linux).unlink()
    assert set(run_tune(linux, shell, "show").values) == {"left.governor.policy0", "left.governor.policy4"}
    assert run_tune(linux, shell, "set").values == dict.fromkeys(
        ("set.governor.policy0", "set.governor.policy4"), "schedutil performance"
    )
    assert set(run_tune(linux, shell, "restore").values.values()) == {"schedutil"}
    assert governors(linux) == ["schedutil"] * 2
    assert not former.exists()
    assert not journal(linux).exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mobilenet-harness tuning 1\n",
        "mobilenet-harness tuning 1\ngovernor.policy0 schedutil\n",
        "mobilenet-harness tuning 2\ngovernor.policy0 schedutil\nend\n",
        "mobilenet-harness tuning 1\ngovernor.policy0/../../x schedutil\nend\n",
        "mobilenet-harness tuning 1\ngovernor.policy0 $(touch gone)\nend\n",
        "mobilenet-harness tuning 1\ngovernor.policy0\nend\n",
        "mobilenet-harness tuning 1\nend\nstay_awake 0\n",
        "\x7fELF\0\0",
    ],
)
def test_a_journal_that_is_not_ours_is_reported_and_left_alone(linux: Path, text: str) -> None:
    journal(linux).parent.mkdir()
    journal(linux).write_text(text)
    before = governors(linux)
    for command in ("restore", "set", "show"):
        assert "not one of ours" in run_tune(linux, ["dash"], command).unreadable["journal"]
    assert (journal(linux).read_text(), governors(linux)) == (text, before)


# From this side -----------------------------------------------------------------------------------


def device_of(root: Path, transport: LocalTransport | None = None) -> Device:
    folder = str(root.parent / FOLDER)
    info, _ = describe(LocalTransport(), name="here", kind="host", folder=folder)
    return Device(info, transport or LocalTransport(), folder, LocalTransport)


def test_the_device_is_restored_at_the_end_and_on_an_interruption(linux: Path) -> None:
    answer: list[str] = []
    with tuned(device_of(linux), answer.append, wanted=True) as settings:
        assert settings is not None
        assert len(settings) == 2
        assert governors(linux) == ["performance"] * 2
    assert governors(linux) == ["schedutil"] * 2
    with pytest.raises(Interrupted), tuned(device_of(linux), answer.append, wanted=True):
        raise Interrupted("made up")
    assert governors(linux) == ["schedutil"] * 2
    assert answer[:2] == [f"tuned: governor.policy{i} is performance (was schedutil)" for i in (0, 4)]
    assert answer[2] == "restored governor.policy0 to schedutil"


def test_after_a_pulled_cable_the_next_run_restores_the_device_even_untuned(linux: Path) -> None:
    class Pulled(LocalTransport):
        """Answers until the end."""

        def run(
            self,
            argv: Sequence[str],
            *,
            timeout_s: float,
            stdin: bytes = b"",
            longest_bytes: int = LONGEST_ANSWER,
        ) -> Completed:
            if "restore" in argv and governors(linux) == ["performance"] * 2:
                raise ConnectionLost("the cable was pulled")
            return super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)

    answer: list[str] = []
    with tuned(device_of(linux, Pulled()), answer.append, wanted=True):
        pass
    failed = "could not restore the device's settings (the cable was pulled); the next run restores them"
    assert answer[-1] == failed
    assert left_behind(device_of(linux)) == (
        "governor.policy0 (was schedutil)",
        "governor.policy4 (was schedutil)",
    )
    with tuned(device_of(linux), answer.append, wanted=False) as settings:
        assert settings is None
        assert governors(linux) == ["schedutil"] * 2
    assert left_behind(device_of(linux)) == ()


@PHONE_SHELLS
def test_without_being_asked_nothing_is_changed_or_written(phone: Path) -> None:
    with tuned(device_of(phone), pytest.fail, wanted=False):
        pass
    assert ((phone / "wake").read_text(), (phone.parent / FOLDER).exists()) == ("Asleep\n", False)


@pytest.mark.parametrize("words", [(), ("set",), ("set", "relative"), ("fly", "/tmp")])
def test_wrong_usage_is_refused(words: tuple[str, ...]) -> None:
    ended = subprocess.run(["sh", str(TUNE_SCRIPT), *words], capture_output=True, text=True, timeout=20)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "usage: tune.sh" in ended.stderr


def test_an_emulated_device_is_not_tuned(linux: Path) -> None:
    device = device_of(linux)
    emulated = replace(device, info=msgspec.structs.replace(device.info, clock="emulated"))
    log: list[str] = []
    with tuned(emulated, log.append, wanted=True) as settings:
        assert settings is None
    assert log == ["--tune-device ignored: emulated times are not meaningful"]
    assert governors(linux) == ["schedutil"] * 2
