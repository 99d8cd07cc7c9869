"""`--lab`: where the work of a command is done."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from harness.system.extras import require_extra

if TYPE_CHECKING:
    from harness.accuracy.workplace import Workplace


def workplace_at(lab: str | None) -> "AbstractContextManager[Workplace]":
    """This host, or the lab at an address; raises as `lab_workplace` does, or UsageError without Ray."""
    if lab is None:
        from harness.accuracy.workplace import THIS_HOST

        return nullcontext(THIS_HOST)
    require_extra("lab", "a lab of many hosts")
    from harness.lab.addresses import parse_address
    from harness.lab.workplace import lab_workplace

    return lab_workplace(parse_address(lab, "--lab"))
