"""Which of a device's temperatures stand for how hot its cores are."""

import re
from collections.abc import Sequence

from harness.records import Conditions, Temperature

# As device_scripts/sampler.sh names the zones of the cores: cpu-0-0-usr, soc-thermal, Google's and Samsung's
# clusters, Rockchip's bigcore0-thermal, Qualcomm's sensors on the die (tsens), x86_pkg_temp, bcm2835_thermal.
_ZONES_OF_CORES = re.compile(
    r"cpu|soc|tsens|x86_pkg|coretemp|k10temp|zenpower|bcm2[0-9]{3}|cluster|^(big|mid|little)", re.IGNORECASE
)
# Parts beside the cores, where none is named after them: a charger's or a modem's heat is not the cores'.
_OTHER_PARTS = re.compile(
    r"batt|^bms|chg|charg|usb|wi-?fi|wlan|^mtkts(?!ap$)|modem|mdm|(^|[-_])(bat|wpc|pa|xo|skin|conn|flash|led|lcd|cam(era)?|gpu|npu|ddr|pmic)"
    r"($|[-_0-9])|^pm[a-z]?[0-9]|quiet|ambient|fan-est",
    re.IGNORECASE,
)


def is_of_cores(zone: Temperature) -> bool:
    """Whether a zone is named after cores."""
    return bool(_ZONES_OF_CORES.search(zone.zone))


def zones_of_cores(temperatures: Sequence[Temperature] | None) -> tuple[Temperature, ...]:
    """The zones that decide how hot a device is; the others only inform.

    The cores' own zones; where none is named after cores, those not named after another part; else all.
    """
    zones = tuple(temperatures or ())
    of_cores = tuple(filter(is_of_cores, zones))
    return of_cores or tuple(zone for zone in zones if not _OTHER_PARTS.search(zone.zone)) or zones


def hottest_zone(conditions: Conditions) -> Temperature | None:
    """The hottest zone of the cores, as `zones_of_cores` chooses them."""
    return max(zones_of_cores(conditions.temperatures), key=lambda zone: zone.celsius, default=None)


def hottest_celsius(conditions: Conditions) -> float | None:
    """The hottest zone of the cores, else the battery's temperature; None where neither can be read."""
    hottest = hottest_zone(conditions)
    return conditions.battery_celsius if hottest is None else hottest.celsius
