"""Which sensors of power or energy a device has, and the one of them that is trusted most.

In this order: counters of energy in the chip that makes the voltages (Pixel phones; AOSP's power stats HAL
reads the same files, and where only root may, perfetto asks it), a Raspberry Pi 5's power chip, a current
sensor on the board, and a battery's gauge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.devices.sent_scripts import script_argv
from harness.records import EnergySource
from harness.system.paths import DEVICE_SCRIPTS
from harness.system.text import excerpt
from harness.transports.base import Transport
from harness.transports.verified import run_verified

ENERGY_SCRIPT = DEVICE_SCRIPTS / "energy.sh"
TIMEOUT_S = 30.0
MOST_LINES = 256
NO_SENSOR = "the device has no sensor of power or energy"
# What the user can do about a sensor that is there; with these in its reason, energy is asked for again.
UNPLUG = "unplug it, and reach it by Wi-Fi"
JOIN_VIDEO = "add the user to the group video"
# Sensors of current that boards have, by the drivers' names; those of graphics cards and disks are not of
# what runs a network here. https://docs.kernel.org/hwmon/ina2xx.html
_BOARD_CHIPS = re.compile(r"(ina[0-9x]|pac1|ltc2|ltc4|max34|adm1|scmi_sensors|acpi|power_meter)", re.I)
# A channel that the others are parts of. A Jetson AGX Orin's VIN_SYS_5V0 is none: it feeds the ports
# (rbonghi/jetson_stats#344).
_TOTAL = re.compile(
    r"(^|[_ ])(vdd_in|5v_in|input|total|sys_power|board|vdd_total)($|[_ ])|(^|[_ ])vin$", re.I
)
_LINE = re.compile(
    r"rails (?P<rails>/\S{1,200}) (?P<rails_readable>yes|denied)|(?P<perfetto>perfetto yes)"
    r"|pmic (?P<pmic>yes|none|denied)"
    r"|hwmon (?P<hwmon>/\S{1,200}) (?P<chip>\S{1,60}) ?(?P<label>.{0,60})"
    r"|battery (?P<battery>/\S{1,200}) (?P<status>[A-Za-z ]{1,20})"
)
_OF_THE_SOC = "the rails of the SoC's cores, memory and interconnect, behind the regulators; not the display"
PERFETTO = EnergySource(kind="power_rails", name="power rails, traced by perfetto", covers=_OF_THE_SOC)
PMIC = EnergySource(
    kind="pmic",
    name="vcgencmd pmic_read_adc",
    covers="the rails behind the board's power chip; not what USB devices, the fan and the chip itself take",
)


@dataclass(frozen=True)
class FoundSensors:
    """The sensor to use, with the files that are its own, or why there is none; `word` is `energy.sh`'s."""

    source: EnergySource | None
    reason: str
    files: tuple[str, ...] = ()
    word: str = "none"


def is_left_to_user(reason: str) -> bool:
    """Whether there is a sensor for which this says what to do first."""
    return UNPLUG in reason or JOIN_VIDEO in reason


def find_sensors(transport: Transport, device: str) -> FoundSensors:
    """Ask the device; what it says of sensors is untrusted, and read strictly.

    Raises:
        TransportError: the device cannot be asked.
    """
    argv = script_argv(ENERGY_SCRIPT, "sources")
    answer = run_verified(transport, argv, timeout_s=TIMEOUT_S).check(device)
    return choose_sensors(answer.text.splitlines()[:MOST_LINES])


def choose_sensors(lines: Sequence[str]) -> FoundSensors:
    """The most trusted sensor that can be read, of the lines of `energy.sh sources`."""
    found = [match for line in lines if (match := _LINE.fullmatch(line.rstrip()))]
    reasons: list[str] = []
    for choose in (_rails, _pmic, _hwmon, _battery):
        chosen = choose(found)
        if chosen and chosen.source:
            return chosen
        if chosen:
            reasons.append(chosen.reason)
    return FoundSensors(None, "; ".join(reasons) or NO_SENSOR)


def _rails(found: Sequence[re.Match[str]]) -> FoundSensors | None:
    if any(match["perfetto"] for match in found):
        return FoundSensors(PERFETTO, "", word="perfetto")
    files = [match["rails"] for match in found if match["rails"]]
    readable = [match["rails"] for match in found if match["rails_readable"] == "yes"]
    if not files:
        return None
    if not readable:
        reason = "its power rails may be read by root alone, and perfetto traces none"
        return FoundSensors(None, reason)
    names = ", ".join(path.split("/")[-2] for path in readable)
    source = EnergySource(kind="power_rails", name=f"power rails of {excerpt(names)}", covers=_OF_THE_SOC)
    return FoundSensors(source, "", tuple(readable), "rails")


def _pmic(found: Sequence[re.Match[str]]) -> FoundSensors | None:
    """A Raspberry Pi 5's; the firmware of an older one knows the command and no currents."""
    answers = [match["pmic"] for match in found]
    if "yes" in answers:
        return FoundSensors(PMIC, "", word="pmic")
    # MichaIng/DietPi#5970: without that group vcgencmd ends with an error, on every model.
    denied = f"vcgencmd cannot ask the firmware for its power chip: {JOIN_VIDEO}"
    return FoundSensors(None, denied) if "denied" in answers else None


def _hwmon(found: Sequence[re.Match[str]]) -> FoundSensors | None:
    """One channel: of several, it is unknown which are parts of others, unless one is named a total."""
    channels = [match for match in found if match["hwmon"] and _BOARD_CHIPS.match(match["chip"])]
    powers = [match for match in channels if "/power" in match["hwmon"]] or channels
    totals = [match for match in powers if _TOTAL.search(match["label"])]
    chosen = powers if len(powers) == 1 else totals
    if not powers:
        return None
    names = [_channel_name(match) for match in powers]
    if len(chosen) != 1:
        listed = ", ".join(names[:6])
        return FoundSensors(
            None, f"which of its {len(names)} power sensors include others is unknown: {listed}"
        )
    name = _channel_name(chosen[0])
    source = EnergySource(kind="hwmon", name=name, covers=f"what {name} is wired to measure on this board")
    return FoundSensors(source, "", (chosen[0]["hwmon"],), "hwmon")


def _channel_name(match: re.Match[str]) -> str:
    """`ina226 VDD_IN`, or `ina226 power1` without a label."""
    channel = match["label"].strip() or match["hwmon"].rpartition("/")[2].removesuffix("_input")
    return excerpt(f"{match['chip']} {channel}")


def _battery(found: Sequence[re.Match[str]]) -> FoundSensors | None:
    batteries = [match for match in found if match["battery"]]
    if not batteries:
        return None
    names = [excerpt(match["battery"].rpartition("/")[2]) for match in batteries]
    if len(batteries) > 1:
        return FoundSensors(None, f"it has several batteries: {', '.join(names[:6])}")
    status, name = batteries[0]["status"].strip(), names[0]
    if status == "denied" and batteries[0]["battery"].endswith("/power_supply"):
        return FoundSensors(None, "whether its battery has a gauge may be seen by root alone")
    if status == "denied":
        return FoundSensors(None, f"the current of {name} may be read by root alone")
    if status != "Discharging":
        reason = f"{name} is {status.lower()}, so that its current is not what the device takes"
        return FoundSensors(None, f"{reason}; {UNPLUG}")
    source = EnergySource(
        kind="battery",
        name=f"gauge of {name}",
        covers="the whole device, with its display and radios",
    )
    folder = batteries[0]["battery"]
    files = tuple(f"{folder}/{name}" for name in ("status", "current_now", "voltage_now"))
    return FoundSensors(source, "", files, "battery")
