"""What one look at one thing says."""

from dataclasses import dataclass

from harness.devices.device_kind import Level


@dataclass(frozen=True)
class Diagnosis:
    """One line of the doctor's: `hint` is a command where there is one."""

    subject: str
    what: str
    level: Level
    detail: str
    hint: str = ""
