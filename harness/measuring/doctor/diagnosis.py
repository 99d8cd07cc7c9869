"""What a check of the doctor found."""

from dataclasses import dataclass

from harness.devices.device_kind import Level


@dataclass(frozen=True)
class Diagnosis:
    """One checked fact of this machine or a device; `fix` is a command where there is one."""

    subject: str
    what: str
    level: Level
    detail: str
    fix: str = ""
