"""Removing from a device what the harness left there, and nothing else."""

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
# Names that only we give; the folder itself goes when nothing of anybody else is left in it.
_REMOVE = """
[ -d "$1" ] || { echo 0; exit 0; }
cd "$1" || exit 1
set -- bundle-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]
set -- "$@" artifacts jobs lock quiet.journal quiet.journal.partial
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
    """What was removed from a device."""

    folder: str
    jobs: int
    freed_bytes: int


def clean(device: Device) -> Cleaned:
    """End what runs of ours there, by its own pid file, and remove all that was pushed.

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
        said = ending(answer.stderr)
        raise DeviceUnfit(
            f"{device.folder} could not be emptied: {said}",
            device=name,
            hint="remove it by hand, as the user who owns the files",
        )
    return Cleaned(device.folder, len(jobs), 1024 * int(used))
