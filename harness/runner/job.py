"""Programs on the device that keep running when the connection breaks.

`launch.sh` starts a job detached and then waits with it, so nothing polls while something is measured.
After a broken connection, a new one waits for the end of the job and fetches its files.
"""

import contextlib
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.devices.device import JOB, JOB_IN_LIST, Device
from harness.devices.device_lock import RENEW
from harness.errors import (
    ConnectionLost,
    DeviceUnfit,
    HarnessError,
    MeasurementError,
    ReportRejected,
    TimedOut,
)
from harness.runner.deploy import ATTEMPTS, COMMAND_TIMEOUT_S, DeployedBundle
from harness.system.processes import Completed
from harness.system.text import ending, excerpt
from harness.transports.base import LONGEST_ANSWER
from harness.transports.verified import read_verified, run_verified, verified_argv

# Below what a command of a device may print in all: the file comes with its hash.
MAX_FILE_BYTES = 60 * 2**20
LAST_LOOK_S = 5.0
FREE_SPACE = "free space on the device, or name another folder in devices.toml"

_STATUS = re.compile(r"status (?P<status>[0-9]{1,3}|full|lost)")
# $1 the job's folder; then names of files. Prints their hashes, sizes and contents: a transfer cut short is
# noticed. What waits or never ends when it is read (a pipe, a device) is passed over, and no more than the
# limit is read.
_FETCH = f"""
cd "$1" && shift || exit
for name; do
    shift
    if [ -f "$name" ]; then
        set -- "$@" "$name"
    elif [ -e "$name" ]; then
        echo "$name: not a file" >&2
    else echo "$name: No such file" >&2; fi
done
[ $# -gt 0 ] || exit
sha256sum "$@"
echo
wc -c "$@"
echo
cat "$@" | head -c {MAX_FILE_BYTES}
"""
_SIZE = re.compile(rb"\s*([0-9]{1,18}) +(.+)")
# $1 the job's folder, $2 the device's, $3 our claim in its lock (devices/device_lock.py), which is renewed.
_NOT_OURS, _NOT_MADE = 77, 78
_PREPARE = f"""
[ -z "$3" ] || [ "$(cat "$2/lock/holder" 2>/dev/null)" = "$3" ] || exit {_NOT_OURS}
rm -rf "$1" && mkdir -p "$1" && cat >"$1/request" || exit {_NOT_MADE}
[ -z "$3" ] || {{ set -- "$2" && {RENEW}; }}
"""
# The command may have arrived just now; launch.sh needs a moment to leave its first file.
_WAS_STARTED = 'sleep 1; [ -e "$1/stdout" ]'


class JobLost(MeasurementError):
    """A program vanished without a status: it was ended together with what waited for it."""


@dataclass(frozen=True)
class Job:
    """A folder on the device where one program runs and leaves its files."""

    device: Device
    bundle: DeployedBundle
    folder: str
    fetched: Mapping[str, bytes] = field(default_factory=dict)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        expected_s: float | None = None,
        request: bytes = b"",
        conditions: bool = False,
        beside: str = "",
    ) -> int:
        """Run to the end, over broken connections, and return the exit code.

        When the program did not end within `expected_s`, the connection may be dead: another is tried.
        `request` is kept in the job's folder for a later session. With `conditions`, the device's are read
        just before and after the program. `beside` are arguments for `sampler.sh`, which then observes it.

        Raises:
            DeviceUnfit: another harness took the device, as it may after half an hour without a job; or the
                job's folder cannot be written, or the device's disk filled up.
            JobLost: the program vanished without a status.
            DeviceRestarted: the device was restarted while the program ran.
            ConnectionLost: the device did not come back.
            TimedOut: the program did not end in time, and has been stopped.
        """
        self._prepare(request)
        argv = [
            part.replace(JOB_IN_LIST, self.folder.replace(",", ",,")).replace(JOB, self.folder)
            for part in argv
        ]
        observed = [*(["--conditions"] if conditions else []), *(["--beside", beside] if beside else [])]
        words = ["start", self.folder, *observed, "--", *argv]
        return self._follow(words, timeout_s, expected_s or timeout_s)

    def wait(self, *, timeout_s: float) -> int:
        """Wait for the end of a program that was started earlier; returns and raises as `run` does."""
        return self._follow(["wait", self.folder], timeout_s, timeout_s)

    def _prepare(self, request: bytes) -> None:
        device = self.device
        prepared = self._sh(_PREPARE, self.folder, device.folder, device.claim, stdin=request)
        if prepared.exit_code == _NOT_OURS:
            raise DeviceUnfit(
                "this run lost the device lock: this machine was suspended and another run took the device, "
                "or `harness devices --clean` removed the lock",
                device=device.info.name,
                hint="continue once the device is free: harness run --resume FOLDER",
            )
        if prepared.exit_code == _NOT_MADE:
            raise DeviceUnfit(
                f"{self.folder} cannot be written: {ending(prepared.stderr)}",
                device=device.info.name,
                hint=FREE_SPACE,
            )

    def _follow(self, words: Sequence[str], timeout_s: float, patience_s: float) -> int:
        deadline = time.monotonic() + timeout_s
        last_look = False
        try:
            while True:
                try:
                    return self._await(words, min(patience_s, max(LAST_LOOK_S, deadline - time.monotonic())))
                except (ConnectionLost, TimedOut):
                    # This machine may have been suspended until now: a program that has ended is still taken.
                    if last_look:
                        raise
                    last_look = time.monotonic() >= deadline
                    patience_s = LAST_LOOK_S if last_look else 2 * patience_s
                    # Started once only: the device knows whether the command reached it.
                    if self._sh(_WAS_STARTED).exit_code == 0:
                        words = ["wait", self.folder]
                    elif last_look:
                        raise
        except TimedOut as error:
            try:
                self.stop()
            except TimedOut:
                raise ConnectionLost("the device stopped responding", device=self.device.info.name) from error
            raise

    def _await(self, words: Sequence[str], timeout_s: float) -> int:
        argv = verified_argv(["sh", self.bundle.launch_script, *words])
        answer = read_verified(self.device.transport.run_once(argv, timeout_s=timeout_s))
        match = _STATUS.fullmatch(answer.text.rstrip())
        if not match:
            output = excerpt(answer.stderr or answer.stdout)
            raise MeasurementError(
                f"launch.sh returned no exit status for the runner: {output}", device=self.device.info.name
            )
        if match["status"] == "full":
            raise DeviceUnfit(
                f"the disk of {self.folder} is full: it has no room for the runner's exit status",
                device=self.device.info.name,
                hint=FREE_SPACE,
            )
        if match["status"] == "lost":
            raise JobLost("the runner vanished without a status", device=self.device.info.name)
        return int(match["status"])

    def exists(self) -> bool:
        """Whether the job's folder exists: after a session that ended well there is none."""
        return self._sh('[ -d "$1" ]').exit_code == 0

    def stop(self) -> bool:
        """End the program if it still runs; whether it did."""
        argv = ["sh", self.bundle.launch_script, "stop", self.folder]
        answer = run_verified(self.device.transport, argv, timeout_s=COMMAND_TIMEOUT_S)
        return answer.text.strip() == "ended"

    def cancel(self) -> None:
        """End the program while another thread waits for it, over a separate connection."""
        self.device.transport.give_up()
        self.stop_from_beside()

    def stop_from_beside(self) -> None:
        """The same where the thread that waits goes on with its connection, and gets the program's status."""
        with contextlib.suppress(HarnessError):
            transport = self.device.connect()
            try:
                replace(self, device=replace(self.device, transport=transport)).stop()
            finally:
                transport.close()

    def fetch_together(self, *names: str) -> "Job":
        """This job, with these files fetched by one command, which is one round trip.

        `fetch` asks again for what is missing, too large together, or arrived damaged.
        """
        return replace(self, fetched=self._fetch(names)[0])

    def fetch(self, name: str) -> bytes:
        """A file of the job, checked against the sha256 taken on the device; fetched again if damaged.

        Raises:
            ReportRejected: the file is missing, too large, or arrived damaged every time.
        """
        if name in self.fetched:
            return self.fetched[name]
        for _ in range(ATTEMPTS):
            fetched, said = self._fetch([name])
            if name in fetched:
                return fetched[name]
        raise ReportRejected(f"{name} could not be fetched whole: {said}", device=self.device.info.name)

    def _fetch(self, names: Sequence[str]) -> tuple[Mapping[str, bytes], str]:
        """The files that arrived whole, and what the device said."""
        argv = ["sh", "-c", _FETCH, "job", self.folder, *names]
        # Not `run_verified`: the files may be large, and each brings its own hash.
        answer = self.device.transport.run(
            argv, timeout_s=COMMAND_TIMEOUT_S, longest_bytes=MAX_FILE_BYTES + LONGEST_ANSWER
        )
        return _whole_files(answer.stdout, names), excerpt(answer.stderr)

    def last_output(self) -> str:
        """The last lines the program wrote to standard error, made harmless."""
        answer = self._sh('tail -n 5 "$1"', f"{self.folder}/stderr")
        return " | ".join(excerpt(line) for line in answer.text.splitlines() if line.strip())[-1000:]

    def remove(self) -> None:
        """Delete the job's folder."""
        self._sh('rm -rf "$1"')

    def _sh(self, script: str, *words: str, stdin: bytes = b"") -> Completed:
        argv = ["sh", "-c", script, "job", *(words or (self.folder,))]
        return run_verified(self.device.transport, argv, timeout_s=COMMAND_TIMEOUT_S, stdin=stdin)


def _whole_files(answer: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """What `_FETCH` printed, without what does not have its digest."""
    digests, _, rest = answer.partition(b"\n\n")
    sizes, _, contents = rest.partition(b"\n\n")
    expected = {line[66:]: line[:64] for line in digests.splitlines()}
    whole: dict[str, bytes] = {}
    for line in sizes.splitlines():
        match = _SIZE.fullmatch(line)
        if not match or (name := match[2].decode("ascii", "replace")) not in names:
            continue
        size = int(match[1])
        content, contents = contents[:size], contents[size:]
        if hashlib.sha256(content).hexdigest().encode() == expected.get(match[2]):
            whole[name] = content
    return whole
