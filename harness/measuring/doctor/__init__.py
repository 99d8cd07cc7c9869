"""Checks for problems of this machine and of a device that would distort results, each with a fix."""

from harness.measuring.doctor.diagnosis import Diagnosis
from harness.measuring.doctor.examination import examine

__all__ = ["Diagnosis", "examine"]
