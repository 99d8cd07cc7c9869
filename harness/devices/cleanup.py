"""Removing from a device the harness's own files and processes, and nothing else."""

from dataclasses import dataclass

from harness.devices.device import Device
from harness.errors import DeviceUnfit
from harness.system.paths import DEVICE_SCRIPTS
from harness.system.text import ending
from harness.transports.verified import run_verified

LAUNCH_SCRIPT = DEVICE_SCRIPTS / "launch.sh"
STOP_TIMEOUT_S = 60
REMOVE_TIMEOUT_S = 120

_LIST_JOBS = 'for job in "$1"/jobs/*/; do [ -d "$job" ] && printf "%s\\0" "${job%/}"; done; true'
# Names that only the harness gives; the folder itself is removed when nothing else is left in it.
# quiet.journal is tune.journal's former name.
_REMOVE = """
[ -d "$1" ] || { echo 0; exit 0; }
cd "$1" || exit 1
set -- bundle-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]
set -- "$@" artifacts jobs lock tune.journal tune.journal.partial quiet.journal quiet.journal.partial
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
        DeviceUnfit: something could not be removed.
    """
    transport, name = device.transport, device.info.name
    listed = transport.run(["sh", "-c", _LIST_JOBS, "list", device.folder], timeout_s=STOP_TIMEOUT_S).check(
        name
    )
    jobs = [job for job in listed.text.split("\0") if job]
    script = LAUNCH_SCRIPT.read_text()
    for job in jobs:
        stop = ("sh", "-c", script, "launch.sh", "stop", job)
        run_verified(transport, stop, timeout_s=STOP_TIMEOUT_S).check(name)
    remove = ("sh", "-c", _REMOVE, "remove", device.folder)
    answer = run_verified(transport, remove, timeout_s=REMOVE_TIMEOUT_S)
    used = answer.text.strip()
    if answer.exit_code != 0 or not used.isdecimal():
        raise DeviceUnfit(
            f"{device.folder} could not be emptied: {ending(answer.stderr)}",
            device=name,
            hint="remove the folder by hand, as the user who owns the files",
        )
    return Cleaned(device.folder, len(jobs), 1024 * int(used))
