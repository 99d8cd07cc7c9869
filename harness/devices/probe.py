"""Parsing what `device_scripts/probe.sh` prints on a device: untrusted input, read strictly."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.devices.sent_scripts import script_argv
from harness.records.schema import HIGHEST_KHZ, LARGEST_INTEGER
from harness.system.paths import DEVICE_SCRIPTS
from harness.system.text import excerpt, printable
from harness.transports.base import Transport
from harness.transports.verified import run_verified

PROBE_SCRIPT = DEVICE_SCRIPTS / "probe.sh"
PROBE_TIMEOUT_S = 30
MAX_LINES = 2000
# These lists have a value for each of up to a thousand cores: cut short, the last one would be wrong.
PER_CORE = ("frequencies_khz", "governors")
MAX_LIST = 32_000

_LINE = re.compile(r"(?P<failed>!?)(?P<key>[a-z][a-z0-9_.]*)=(?P<value>.*)")


@dataclass(frozen=True)
class Probed:
    """The values that the probe could read, and the reasons for those it could not."""

    values: Mapping[str, str]
    unreadable: Mapping[str, str]

    def number(self, key: str) -> int | None:
        """A non-negative integer (decimal or 0x…); None when missing, garbage or beyond a record."""
        text = self.values.get(key, "").strip()
        if re.fullmatch(r"[0-9]{1,18}", text):
            return _bounded(int(text))
        return _bounded(int(text, 16)) if re.fullmatch(r"0x[0-9a-fA-F]{1,16}", text) else None

    def decimal(self, key: str) -> float | None:
        """A decimal number, or None when missing or garbage."""
        text = self.values.get(key, "").strip()
        return float(text) if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", text) else None

    def kibibytes(self, key: str) -> int | None:
        """A number of kibibytes as bytes."""
        number = self.number(key)
        return None if number is None else _bounded(number * 1024)


def parse_khz(text: str) -> int | None:
    """A clock: drivers report 0 where they do not know it, and no core has more than HIGHEST_KHZ."""
    return khz if re.fullmatch(r"[0-9]{1,8}", text) and 0 < (khz := int(text)) <= HIGHEST_KHZ else None


def _bounded(number: int) -> int | None:
    """One absurd figure shall not make a record that cannot be saved."""
    return number if number <= LARGEST_INTEGER else None


def parse_probe(output: str) -> Probed:
    """Take the `key=value` and `!key=reason` lines; any other line is ignored."""
    values: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    for line in output.splitlines()[:MAX_LINES]:
        if match := _LINE.fullmatch(line.rstrip("\r")):
            key, text = match["key"], match["value"]
            whole = key in PER_CORE and not match["failed"] and len(text) <= MAX_LIST
            (unreadable if match["failed"] else values)[key] = printable(text) if whole else excerpt(text)
    return Probed(values, unreadable)


def read_facts(transport: Transport, folder: str) -> Probed:
    """What the device is; nothing needs to be pushed before."""
    argv = script_argv(PROBE_SCRIPT, "facts", folder)
    return parse_probe(run_verified(transport, argv, timeout_s=PROBE_TIMEOUT_S).check().text)
