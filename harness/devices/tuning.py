"""Making a device quiet for measuring, and restoring it; `device_scripts/quiet.sh` does both there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device
from harness.devices.probe import Probed, parse_probe
from harness.errors import DeviceError
from harness.records import QuietSetting
from harness.system.paths import DEVICE_SCRIPTS
from harness.transports.verified import run_exactly

QUIET_SCRIPT = DEVICE_SCRIPTS / "quiet.sh"
QUIET_TIMEOUT_S = 60
JOURNAL = "quiet.journal"


@contextmanager
def quieted(
    device: Device, tell: Callable[[str], None], *, wanted: bool
) -> Iterator[tuple[QuietSetting, ...] | None]:
    """Make the device quiet until the end, if `wanted`; else restore what an earlier run left behind.

    What such a run has set is taken over: the process it measured may still be at work. Yields what is
    set, and what could not be. What is not restored at the end, because the device is gone, the next run
    restores.

    Raises:
        DeviceError: the device does not answer; nothing was set that its journal does not know.
    """
    if wanted and device.info.clock == "emulated":
        tell("nothing is made quiet for a translator: its times tell nothing")
    if not wanted or device.info.clock == "emulated":
        restore(device, tell)
        yield None
        return
    try:
        settings = parse_settings(_run(device, "set"))
        for setting in settings:
            tell(f"quiet: {in_words(setting)}")
        yield settings
    finally:
        try:
            restore(device, tell)
        except DeviceError as error:
            tell(f"could not restore its settings ({error.what}); the next run will")


def restore(device: Device, tell: Callable[[str], None]) -> None:
    """Undo what the journal on the device tells of, and say so."""
    told = _run(device, "restore")
    for key, value in told.values.items():
        kind, _, name = key.partition(".")
        if kind in ("restored", "asked"):
            tell(f"restored {name} to {value}" if kind == "restored" else f"asked for {name} {value}")
    for key, reason in told.unreadable.items():
        tell(f"could not restore {key.removeprefix('restored.')}: {reason}")


def left_behind(device: Device) -> tuple[str, ...]:
    """What a run that did not end properly has left set there, as `NAME (was VALUE)`."""
    told = _run(device, "show")
    left = [f"{key.removeprefix('left.')} (was {value})" for key, value in told.values.items()]
    return (*left, *told.unreadable.values())


def parse_settings(told: Probed) -> tuple[QuietSetting, ...]:
    """What was set and read back, what was asked for, and what was refused."""
    found = []
    for key, text in told.values.items():
        kind, _, name = key.partition(".")
        before, _, now = text.partition(" ")
        if kind == "set" and name and before and now:
            found.append(QuietSetting(name=name, before=before, now=now))
        elif kind == "asked" and name:
            found.append(
                QuietSetting(name=name, note=f"asked for {text}; the device does not tell whether it is")
            )
    for key, reason in told.unreadable.items():
        found.append(QuietSetting(name=key.removeprefix("set."), note=reason))
    return tuple(found)


def in_words(setting: QuietSetting) -> str:
    """For people: `governor.policy0 is performance (was schedutil)`."""
    if setting.now is None:
        return f"{setting.name}: {setting.note}"
    was = "as before" if setting.before == setting.now else f"was {setting.before}"
    return f"{setting.name} is {setting.now} ({was})"


def _run(device: Device, command: str) -> Probed:
    """The script goes along as an argument: nothing needs to be pushed before."""
    argv = ["sh", "-c", QUIET_SCRIPT.read_text(), "quiet.sh", command, device.folder]
    told = run_exactly(device.transport, argv, timeout_s=QUIET_TIMEOUT_S)
    return parse_probe(told.check(device.info.name).text)
