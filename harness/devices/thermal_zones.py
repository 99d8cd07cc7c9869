"""What a thermal zone's figure means: its unit, and whether the figure is a temperature at all."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

# Names of battery and supply quantities that kernels publish as thermal zones. Qualcomm's bcl_peripheral.c:
# charge in percent (soc, socd), millivolt, milliampere, and the limiter's levels (bcl, lvl). Google's for
# Tensor: currents of battery and rails (batoilo, ocp), voltages (smpl, vdroop, uvlo), the battery's cycles.
_OTHER_QUANTITIES = re.compile(
    r"(?<![^-_. ])(socd|[vi](bat|bus|ph|dd|in|out|sys)[a-z]*|bcl|lvl[0-9]*|volt(age)?s?|current"
    r"|capacity|percent|level|m[vaw]|u[vaw]|batoilo[0-9]?|ocp|smpl|vdroop[0-9]?|uvlo[0-9]?|cycles?"
    r"|(batt?|battery|bms|fg)[-_. ]soc|soc[-_. ](batt?|battery|bms|fg))(?![^-_. ])",
    re.IGNORECASE,
)
# A zone called just `soc` is a battery's state of charge up to 100, a system on a chip above.
_STATE_OF_CHARGE = "soc"
FULL_PERCENT = 100
# Tegra kernels report this zone as a fixed 100 °C: the sensor has a trip point and no reading.
_CONSTANTS = {("pmic-die", 100_000)}
# Up to this a figure is in whole degrees: no part that still works is hotter.
MOST_WHOLE_DEGREES = 125
# Up to this it is in tenths, as msm8953's tsens has it; beyond it in thousandths, the documented unit.
# In thousandths it would be within 1.5 °C of freezing, where no device that computes is.
MOST_TENTHS = 1500
# What sensors without power or contact report: 0 in any unit, the end of their table (-40 °C and below), the
# largest number of eight bits (127). A chip stops itself before it is that hot.
LOWEST_CELSIUS, HIGHEST_CELSIUS = -40.0, 127.0
# What a zone in whole degrees reports without a reading is no proof that its neighbours are in tenths.
_NO_READINGS = {127, 128, 255}
# Figures of one driver that are this near to each other are in one unit: 118 and 131 are tenths, 45 and 131
# need not be.
_NEAR = 1.5

# By family of zones the sizes of its figures, in order.
Families = Mapping[str, tuple[int, ...]]
_ALONE: Families = {}


def find_families(readings: Iterable[tuple[str, str]]) -> Families:
    """The figures of zones, each with its type, by family: types that only a number tells apart."""
    found: dict[str, set[int]] = defaultdict(set)
    for zone, text in readings:
        number = _number(text)
        if number is not None and not _is_another_quantity(zone, number):
            found[_family(zone)].add(abs(number))
    return {family: tuple(sorted(sizes - _NO_READINGS)) for family, sizes in found.items()}


def celsius_of(text: str, zone: str = "", families: Families = _ALONE) -> float | None:
    """The temperature of a zone's reading; None where it is no number, or a figure that is no temperature.

    One driver reports in one unit: near a figure of its family in tenths, a smaller one is in tenths.
    Source of the documented unit: Documentation/driver-api/thermal/sysfs-api.rst.
    """
    number = _number(text)
    if number is None or _is_another_quantity(zone, number):
        return None
    size = abs(number)
    near = (other for other in families.get(_family(zone), ()) if size <= other <= _NEAR * size)
    celsius = number / max(map(_divisor, (size, *near)))
    return celsius if celsius and LOWEST_CELSIUS < celsius < HIGHEST_CELSIUS else None


def is_temperature(zone: str, text: str) -> bool:
    """Whether a zone of this type reports a temperature, as far as its name and its figure show."""
    number = _number(text)
    return number is None or not _is_another_quantity(zone, number)


def _divisor(size: int) -> int:
    return 1 if size <= MOST_WHOLE_DEGREES else 10 if size <= MOST_TENTHS else 1000


def _family(zone: str) -> str:
    return re.sub("[0-9]+", "", zone)


def _number(text: str) -> int | None:
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 12 else None


def _is_another_quantity(zone: str, number: int) -> bool:
    name = zone.lower()
    if name == _STATE_OF_CHARGE and 0 <= number <= FULL_PERCENT:
        return True
    return (name, number) in _CONSTANTS or bool(_OTHER_QUANTITIES.search(name))
