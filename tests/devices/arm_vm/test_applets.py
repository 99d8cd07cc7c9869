"""Which of toybox's programs a release of Android has under a name of their own."""

import pytest
from applets import APPLETS

# What Android 14's toybox can do, but only as `toybox ping`.
WITHOUT_A_LINK = ("blkid", "help", "iotop", "modprobe", "ping", "prlimit", "rev", "setfattr", "traceroute")


def test_android_14_has_the_programs_that_its_build_links() -> None:
    assert set(APPLETS["14"]).isdisjoint(WITHOUT_A_LINK)
    assert {"[", "getconf", "logger", "nproc", "nsenter", "taskset", "uclampset", "vi"} <= set(APPLETS["14"])
    assert len(APPLETS["14"]) == len(set(APPLETS["14"])) == 183


def test_android_9_has_the_programs_of_its_release() -> None:
    assert set(APPLETS["9"]).isdisjoint(("[", "getconf", "nproc", "nsenter", "uclampset"))
    assert {"dd", "fmt", "grep", "modprobe", "stty", "taskset", "timeout"} <= set(APPLETS["9"])


@pytest.mark.parametrize("release", ["9", "14"])
def test_what_the_scripts_on_a_device_need_is_there(release: str) -> None:
    needed = {"cat", "chmod", "df", "kill", "mkdir", "mv", "nohup", "rm", "setsid", "sleep", "taskset"}
    assert needed <= set(APPLETS[release])
