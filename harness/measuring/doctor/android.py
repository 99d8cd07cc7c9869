"""What Android says of its screen and power saving; recorded outputs of real phones are in the tests."""

import re
from collections.abc import Iterator

from harness.measuring.doctor.diagnosis import Level
from harness.transports.base import Transport

COMMAND_TIMEOUT_S = 30

# what, level, detail, mend
Check = tuple[str, Level, str, str]


def examine_android(transport: Transport) -> Iterator[Check]:
    """Examine what only Android has; a fact that a version does not tell is left out."""
    yield from screen_checks(_ask(transport, "dumpsys", "power"), _ask(transport, "dumpsys", "deviceidle"))
    yield from power_saving_checks(_ask(transport, "settings", "get", "global", "low_power"))


def screen_checks(power: str, device_idle: str) -> Iterator[Check]:
    """A sleeping phone parks its big cores; `dumpsys power` and `dumpsys deviceidle` tell."""
    awake = re.search(r"^\s*mWakefulness=(\w+)", power, re.MULTILINE)
    if awake and awake[1] != "Awake":
        hint = "adb shell input keyevent KEYCODE_WAKEUP; adb shell svc power stayon usb"
        yield ("screen", "unfit", f"it is {awake[1].lower()}: sleeping phones slow down", hint)
    elif awake:
        yield ("screen", "ok", "awake", "")
    locked = re.search(r"^\s*mScreenLocked=(true|false)", device_idle, re.MULTILINE)
    if locked and locked[1] == "true":
        yield (
            "lock screen",
            "advice",
            "it is locked",
            "unlock it and keep it awake: adb shell svc power stayon usb",
        )


def power_saving_checks(low_power: str) -> Iterator[Check]:
    """Battery saver caps the cores; the global setting `low_power` tells."""
    if low_power.strip() == "1":
        hint = "adb shell settings put global low_power 0"
        yield ("battery saver", "unfit", "on: it caps the cores", hint)
    elif low_power.strip() in ("0", "null"):
        yield ("battery saver", "ok", "off", "")


def _ask(transport: Transport, *argv: str) -> str:
    """What a program says; nothing when there is none."""
    answer = transport.run(argv, timeout_s=COMMAND_TIMEOUT_S)
    return answer.text if answer.exit_code == 0 else ""
