"""Making a device quiet for measuring, and restoring it; `device_scripts/tune.sh` does both there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device
from harness.devices.probe import Probed, parse_probe
from harness.errors import DeviceError
from harness.records import TunedSetting
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.verified import run_verified

TUNE_SCRIPT = DEVICE_SCRIPTS / "tune.sh"
TUNE_TIMEOUT_S = 60
JOURNAL = "quiet.journal"


@contextmanager
def tuned(
    device: Device, log: Callable[[str], None], *, wanted: bool
) -> Iterator[tuple[TunedSetting, ...] | None]:
    """Make the device quiet until the end, if `wanted`; else restore what an earlier run left behind.

    What such a run has set is taken over: the process it measured may still be at work. Yields what is
    set, and what could not be. What is not restored at the end, because the device is gone, the next run
    restores.

    Raises:
        DeviceError: the device does not answer; nothing was set that its journal does not know.
    """
    if wanted and device.info.clock == "emulated":
        log("nothing is made quiet for a translator: its times tell nothing")
    if not wanted or device.info.clock == "emulated":
        restore(device, log)
        yield None
        return
    try:
        settings = parse_settings(_run(device, "set"))
        for setting in settings:
            log(f"quiet: {in_words(setting)}")
        yield settings
    finally:
        try:
            restore(device, log)
        except DeviceError as error:
            log(f"could not restore its settings ({error.what}); the next run will")


def restore(device: Device, log: Callable[[str], None]) -> None:
    """Undo what the journal on the device tells of, and say so."""
    answer = _run(device, "restore")
    for key, value in answer.values.items():
        kind, _, name = key.partition(".")
        if kind in ("restored", "asked"):
            log(f"restored {name} to {value}" if kind == "restored" else f"asked for {name} {value}")
    for key, reason in answer.unreadable.items():
        log(f"could not restore {key.removeprefix('restored.')}: {reason}")


def left_behind(device: Device) -> tuple[str, ...]:
    """What a run that did not end properly has left set there, as `NAME (was VALUE)`."""
    answer = _run(device, "show")
    left = [f"{key.removeprefix('left.')} (was {value})" for key, value in answer.values.items()]
    return (*left, *answer.unreadable.values())


def parse_settings(answer: Probed) -> tuple[TunedSetting, ...]:
    """What was set and read back, what was asked for, and what was refused."""
    found = []
    for key, text in answer.values.items():
        kind, _, name = key.partition(".")
        before, _, now = text.partition(" ")
        if kind == "set" and name and before and now:
            found.append(TunedSetting(name=name, before=before, now=now))
        elif kind == "asked" and name:
            found.append(
                TunedSetting(name=name, note=f"asked for {text}; the device does not tell whether it is")
            )
    for key, reason in answer.unreadable.items():
        found.append(TunedSetting(name=key.removeprefix("set."), note=reason))
    return tuple(found)


def in_words(setting: TunedSetting) -> str:
    """For people: `governor.policy0 is performance (was schedutil)`."""
    if setting.now is None:
        return f"{setting.name}: {setting.note}"
    was = "as before" if setting.before == setting.now else f"was {setting.before}"
    return f"{setting.name} is {setting.now} ({was})"


def _run(device: Device, command: str) -> Probed:
    """The script goes along as an argument: nothing needs to be pushed before."""
    argv = ["sh", "-c", TUNE_SCRIPT.read_text(), "tune.sh", command, device.folder]
    answer = run_verified(device.transport, argv, timeout_s=TUNE_TIMEOUT_S)
    return parse_probe(answer.check(device.info.name).text)
