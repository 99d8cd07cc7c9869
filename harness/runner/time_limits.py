"""How long a process of the runner may take, and usually takes."""

from harness.devices.device import Device
from harness.records import Plan

# Loading, warming up and counting come on top of the timed part, and emulated cores are slow.
START_ALLOWANCE_S = 120
# Most starts take a second or two: after a longer silence the connection may be lost.
SILENT_START_S = 15
SLOW_CLOCK_FACTOR = 5


def timeout_for(device: Device, plan: Plan) -> float:
    """An upper bound on how long a process takes."""
    return _slowness(device) * (START_ALLOWANCE_S + 3 * (plan.max_seconds + _paced_seconds(plan)))


def expected_for(device: Device, plan: Plan) -> float:
    """How long a process usually takes at most."""
    return _slowness(device) * (SILENT_START_S + plan.max_seconds + _paced_seconds(plan))


def _paced_seconds(plan: Plan) -> float:
    """What the schedule adds: warm-up, the last timed inference, and counting twice are paced too."""
    return (plan.warmup_iterations + 1 + 2 * plan.counted_iterations) * (plan.period_ns or 0) / 1e9


def _slowness(device: Device) -> int:
    """Emulated cores are slower, and virtual seconds longer than the host's."""
    return SLOW_CLOCK_FACTOR if device.info.emulated else 1
