"""What would spoil a measurement, on this machine and on a device, and the command that mends it."""

from harness.measuring.doctor.diagnosis import Diagnosis
from harness.measuring.doctor.examination import examine

__all__ = ["Diagnosis", "examine"]
