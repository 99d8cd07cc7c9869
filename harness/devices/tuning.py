"""Tuning a device for measuring, and restoring it; `device_scripts/tune.sh` does both on the device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device
from harness.devices.probe import Probed, parse_probe
from harness.devices.sent_scripts import script_argv
from harness.errors import DeviceError
from harness.records import TunedSetting
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.verified import run_verified

TUNE_SCRIPT = DEVICE_SCRIPTS / "tune.sh"
TUNE_TIMEOUT_S = 60
JOURNAL = "tune.journal"


@contextmanager
def tuned(
    device: Device, log: Callable[[str], None], *, wanted: bool
) -> Iterator[tuple[TunedSetting, ...] | None]:
    """Keep the device tuned until the end, if `wanted`; else restore what an earlier run left changed.

    When wanted, settings that a killed run left changed stay so: its process may still be running. Yields
    each setting with its value or why it could not be set. The next run restores what cannot be restored at
    the end because the connection is lost.

    Raises:
        DeviceError: the device does not answer; its journal holds every setting that was changed.
    """
    if wanted and device.info.clock == "emulated":
        log("--tune-device ignored: emulated times are not meaningful")
    if not wanted or device.info.clock == "emulated":
        restore(device, log)
        yield None
        return
    try:
        settings = parse_settings(_run(device, "set"))
        for setting in settings:
            log(f"tuned: {in_words(setting)}")
        yield settings
    finally:
        try:
            restore(device, log)
        except DeviceError as error:
            log(f"could not restore the device's settings ({error.what}); the next run restores them")


def restore(device: Device, log: Callable[[str], None]) -> None:
    """Restore the settings in the device's journal, and log each."""
    answer = _run(device, "restore")
    for key, value in answer.values.items():
        kind, _, name = key.partition(".")
        if kind in ("restored", "asked"):
            log(f"restored {name} to {value}" if kind == "restored" else f"requested {name} {value}")
    for key, reason in answer.unreadable.items():
        log(f"could not restore {key.removeprefix('restored.')}: {reason}")


def left_behind(device: Device) -> tuple[str, ...]:
    """The settings that a run left changed because it was killed, as `NAME (was VALUE)`."""
    answer = _run(device, "show")
    left = [f"{key.removeprefix('left.')} (was {value})" for key, value in answer.values.items()]
    return (*left, *answer.unreadable.values())


def parse_settings(answer: Probed) -> tuple[TunedSetting, ...]:
    """Settings that were changed and read back, those only requested, and those refused, with why."""
    found = []
    for key, text in answer.values.items():
        kind, _, name = key.partition(".")
        before, _, now = text.partition(" ")
        if kind == "set" and name and before and now:
            found.append(TunedSetting(name=name, before=before, now=now))
        elif kind == "asked" and name:
            found.append(
                TunedSetting(
                    name=name, note=f"requested {text}; the device does not report whether it took hold"
                )
            )
    for key, reason in answer.unreadable.items():
        found.append(TunedSetting(name=key.removeprefix("set."), note=reason))
    return tuple(found)


def in_words(setting: TunedSetting) -> str:
    """A setting as a phrase: `governor.policy0 is performance (was schedutil)`."""
    if setting.now is None:
        return f"{setting.name}: {setting.note}"
    was = "as before" if setting.before == setting.now else f"was {setting.before}"
    return f"{setting.name} is {setting.now} ({was})"


def _run(device: Device, command: str) -> Probed:
    """Run `tune.sh`; nothing needs to be pushed before."""
    argv = script_argv(TUNE_SCRIPT, command, device.folder)
    answer = run_verified(device.transport, argv, timeout_s=TUNE_TIMEOUT_S)
    return parse_probe(answer.check(device.info.name).text)
