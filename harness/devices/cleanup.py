"""Removing from a device the harness's own files and processes, and nothing else."""

from dataclasses import dataclass

from harness.devices.device import Device
from harness.devices.sent_scripts import script_argv
from harness.devices.tuning import JOURNAL, restore
from harness.errors import DeviceUnfit
from harness.system.paths import DEVICE_SCRIPTS
from harness.system.text import ending
from harness.transports.verified import run_verified

# Version 0.1's name comes second: tune.sh reads that journal only where there is no other.
_JOURNALS = (JOURNAL, "quiet.journal")
LAUNCH_SCRIPT = DEVICE_SCRIPTS / "launch.sh"
STOP_TIMEOUT_S = 60
REMOVE_TIMEOUT_S = 120

_LIST_JOBS = 'for job in "$1"/jobs/*/; do [ -d "$job" ] && printf "%s\\0" "${job%/}"; done; true'
# Names that only the harness gives; the folder itself is removed when nothing else is left in it.
# A journal is removed by restoring alone: it holds the only record of the settings that were changed.
_REMOVE = """
[ -d "$1" ] || { echo 0; exit 0; }
cd "$1" || exit 1
set -- bundle-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]
set -- "$@" artifacts inputs jobs lock tune.journal.partial quiet.journal.partial
used=0
for name in "$@"; do
    [ -e "$name" ] || [ -h "$name" ] || continue
    size=$(du -sk "$name") && used=$((used + ${size%%[!0-9]*}))
    rm -rf "./$name" || exit 1
done
folder=$PWD
cd / && rmdir "$folder" 2>/dev/null
echo "$used"
"""


@dataclass(frozen=True)
class Cleaned:
    """What was removed from a device: the space and the number of jobs that were ended."""

    folder: str
    jobs: int
    freed_bytes: int


def clean(device: Device) -> Cleaned:
    """End the harness's jobs on a device, by their own pid files, and remove all files it pushed.

    Raises:
        DeviceUnfit: something could not be removed, or a setting that a run changed could not be restored.
    """
    transport, name = device.transport, device.info.name
    listed = transport.run(["sh", "-c", _LIST_JOBS, "list", device.folder], timeout_s=STOP_TIMEOUT_S).check(
        name
    )
    jobs = [job for job in listed.text.split("\0") if job]
    for job in jobs:
        stop = script_argv(LAUNCH_SCRIPT, "stop", job)
        run_verified(transport, stop, timeout_s=STOP_TIMEOUT_S).check(name)
    restored = [_restore(device) for _ in _JOURNALS]
    remove = ("sh", "-c", _REMOVE, "remove", device.folder)
    answer = run_verified(transport, remove, timeout_s=REMOVE_TIMEOUT_S)
    used = answer.text.strip()
    if answer.exit_code != 0 or not used.isdecimal():
        raise DeviceUnfit(
            f"{device.folder} could not be emptied: {ending(answer.stderr)}",
            device=name,
            hint="remove the folder by hand, as the user who owns the files",
        )
    if restored[-1]:
        raise DeviceUnfit(
            f"{device.folder} is empty except the journal of changed settings: {restored[-1]}",
            device=name,
            hint="restore the settings by hand, then remove the journal (tune.journal or quiet.journal)",
        )
    return Cleaned(device.folder, len(jobs), 1024 * int(used))


def _restore(device: Device) -> str:
    """Restore the settings of one journal; what could not be restored, in words."""
    failures: list[str] = []
    restore(device, lambda text: failures.append(text) if text.startswith("could not restore") else None)
    return "; ".join(failures)
