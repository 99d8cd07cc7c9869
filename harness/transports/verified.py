"""Short commands whose arguments and output are compared by sha256 on both ends.

ADB has no checksum since Android 9 and TCP's is weak; a damaged argument or figure must not pass unnoticed.
For text of some kilobytes: the output goes through a shell variable.
"""

import hashlib
from collections.abc import Sequence

from harness.errors import ConnectionLost, DeviceUnfit
from harness.system.processes import Completed
from harness.transports.base import Transport

ATTEMPTS = 3
NO_SHA256SUM = 72

# $1 the hash of the other arguments. Prints the command's output, then the hash of that and the exit code.
# Without single quotes: five bytes would be sent for each.
_VERIFIED = f"""
command -v sha256sum >/dev/null 2>&1 || exit {NO_SHA256SUM}
asked=$1
shift
digest=$(printf "%s\\n" "$@" | sha256sum)
[ "${{digest%% *}}" = "$asked" ] || exit 75
output=$("$@")
code=$?
printf "%s\\n" "$output"
digest=$(printf "%s\\n" "$output" "$code" | sha256sum)
echo "${{digest%% *}}"
exit $code
"""


def verified_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """The command that does nothing unless it arrives undamaged, and whose answer `read_verified` checks."""
    return ("sh", "-c", _VERIFIED, "verified", _hash(argv), *argv)


def read_verified(answer: Completed, device: str = "") -> Completed:
    """The answer of such a command, as if the command had run alone; trailing newlines become one.

    Raises:
        ConnectionLost: the command or its answer was damaged; the command may have run.
        DeviceUnfit: the device cannot compute sha256.
    """
    text, _, digest = answer.text.rstrip("\n").rpartition("\n")
    if digest == _hash((text, str(answer.exit_code))):
        return Completed(answer.argv, answer.exit_code, f"{text}\n".encode(), answer.stderr)
    if answer.exit_code == NO_SHA256SUM:
        raise DeviceUnfit("the device has no sha256sum", device=device, hint="install coreutils or busybox")
    raise ConnectionLost("the command or its answer arrived damaged", device=device, hint="check the cable")


def run_verified(
    transport: Transport, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b""
) -> Completed:
    """Run an idempotent command until it passes undamaged; raises as `read_verified` does.

    For commands that change the device: a damaged `rm` removes other files. `stdin` is not checked.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return read_verified(transport.run(verified_argv(argv), timeout_s=timeout_s, stdin=stdin))
        except ConnectionLost:
            continue
    return read_verified(transport.run(verified_argv(argv), timeout_s=timeout_s, stdin=stdin))


def _hash(words: Sequence[str]) -> str:
    lines = "".join(f"{word}\n" for word in words)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
