"""What would spoil a measurement, on this machine and on a device, and the command that mends it."""

from harness.doctor.diagnosis import Diagnosis, Level
from harness.doctor.examination import examine

__all__ = ["Diagnosis", "Level", "examine"]
