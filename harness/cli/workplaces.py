"""`--lab` and `--any-of`: where the work of a command is done, and what cannot be done there."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.system.extras import require_extra
from harness.system.text import printable

if TYPE_CHECKING:
    from harness.accuracy.workplace import Workplace
    from harness.records import RunRequest


def lab_of(given: str | None, recorded: str | None) -> str | None:
    """The lab that --lab names, else the one that a run was made in, if this machine is a host of it.

    A run folder from elsewhere must not decide to whom the lab's token is sent.

    Raises:
        UsageError: the run was made in a lab that this machine has not joined.
    """
    if given or not recorded:
        return given
    require_extra("lab", "a lab of many hosts")
    from harness.lab.membership import read_states

    if recorded not in {state.address for state in read_states()}:
        raise UsageError(
            f"the run was made in the lab at {printable(recorded)}, and this machine is not a host of it",
            hint="join it with `harness lab join`, or name another lab with --lab",
        )
    return recorded


def workplace_at(lab: str | None, resumed: Path | None = None) -> "AbstractContextManager[Workplace]":
    """This host, or the lab at an address, for a new run or one that is continued in its folder.

    Raises as `lab_workplace` does, or UsageError without Ray.
    """
    if lab is None:
        from harness.accuracy.workplace import THIS_HOST

        return nullcontext(THIS_HOST)
    require_extra("lab", "a lab of many hosts")
    from harness.lab.addresses import parse_address
    from harness.lab.workplace import lab_workplace
    from harness.records.run_folder import read_cells

    address = parse_address(lab, "--lab")
    if resumed is None:
        return lab_workplace(address)
    devices = {cell.device.name: cell.device for cell in read_cells(resumed)}
    return lab_workplace(address, tuple(devices.values()))


def check_any_of(request: "RunRequest", lab: str | None, *, beside_devices: bool, search: bool) -> None:
    """Refuse a pool of devices where none can be; raises UsageError."""
    if not request.any_of:
        return
    if lab is None:
        raise UsageError(
            "--any-of shares the variants among devices of a lab, and no --lab is given",
            hint="name the lab with --lab; without one, --device measures every variant on every device",
        )
    for option, given in {"--device": beside_devices, "--search": search}.items():
        if given:
            raise UsageError(
                f"{option} and --any-of conflict: {option} decides itself which device measures what",
                hint=f"leave out {option}, or --any-of",
            )


def check_lab(request: "RunRequest", lab: str | None) -> None:
    """Refuse what only one host alone can do.

    Raises:
        UsageError: such an option is given beside --lab; it is named.
    """
    if lab is None:
        return
    for option, given in {
        "--against": request.against,
        "--power-command": request.energy == "command",
    }.items():
        if given:
            raise UsageError(
                f"{option} and --lab conflict: {option} measures with files and programs of one host",
                hint=f"run it at the host that has the device, without --lab, or leave out {option}",
            )
