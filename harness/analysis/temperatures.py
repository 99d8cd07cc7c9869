"""Which of a device's temperatures stands for how hot it is."""

import re

from harness.records import Conditions

# As device_scripts/sampler.sh names the zones of the cores.
_ZONES_OF_CORES = re.compile(r"[Cc][Pp][Uu]|[Ss][Oo][Cc]|^(BIG|MID|LITTLE)")


def hottest_celsius(conditions: Conditions) -> float | None:
    """The hottest zone of the cores; of all zones where none is named after them; else the battery's.

    None where no temperature can be read.
    """
    zones = conditions.temperatures or ()
    of_cores = [zone.celsius for zone in zones if _ZONES_OF_CORES.search(zone.zone)]
    return max(of_cores or [zone.celsius for zone in zones], default=conditions.battery_celsius)
