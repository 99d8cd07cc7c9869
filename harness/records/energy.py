"""What an inference costs in energy: one process between two idle windows, and figures of it."""

from typing import Annotated, Literal

from msgspec import Meta

from harness.records.devices import Conditions
from harness.records.measurements import Interval
from harness.records.schema import Count, Record, Seconds

# A window shorter than this, or with fewer updates of its sensor, gives no figure.
SHORTEST_WINDOW_S, FEWEST_UPDATES = 30.0, 20
# More than any phone, board or the supply of one takes: what is above it is no power of a device.
MOST_WATTS = 1000.0
Watts = Annotated[float, Meta(ge=0, le=MOST_WATTS)]
Joules = Annotated[float, Meta(ge=0, le=1e9)]
# In the order of trust, but for the last: it is used where the user names it.
EnergySourceKind = Literal["power_rails", "pmic", "hwmon", "battery", "power_command"]


class EnergySource(Record, frozen=True, kw_only=True):
    """Where power was read: `name` says which sensors, `covers` what of the device they include."""

    kind: EnergySourceKind
    name: str
    covers: str

    @property
    def measures(self) -> str:
        """What it measures: energies of one such text can be compared. A command stands for its meter."""
        meter = f" ({self.name})" if self.kind == "power_command" else ""
        return f"{self.kind}: {self.covers}{meter}"


class EnergyWindow(Record, frozen=True, kw_only=True):
    """What the sensor reported in one window of time, in order.

    Each update of the sensor but the first gives one span: `span_seconds` since the update before it, by the
    sensor's own clock where it has one, and the mean power in it. Of more than 1,200 updates, each span is
    that of several neighbours. The window begins at `began_uptime_seconds` of the device and is `seconds`
    long.
    """

    began_uptime_seconds: Seconds
    seconds: Seconds
    span_seconds: tuple[Seconds, ...]
    watts: tuple[Watts, ...]

    @property
    def updates(self) -> int:
        """How many values of the sensor are used."""
        return len(self.watts)

    @property
    def mean_watts(self) -> float:
        """Energy of all spans by their duration."""
        joules = sum(s * w for s, w in zip(self.span_seconds, self.watts, strict=True))
        return joules / sum(self.span_seconds)


class EnergyRun(Record, frozen=True, kw_only=True):
    """One process that ran back to back, and the idle device before and after it, as it was measured.

    `inferences` are those that began within the window `load`. `skipped_lines` of a meter were no readings.
    """

    started_at: str
    source: EnergySource
    idle_before: EnergyWindow
    load: EnergyWindow
    idle_after: EnergyWindow
    inferences: Count
    threads_used: Count | None
    cpus_allowed: str
    conditions_before: Conditions
    conditions_after: Conditions
    cooled_seconds: Seconds | None = None
    skipped_lines: Count = 0

    @property
    def idle_watts(self) -> float:
        """What is subtracted: the mean of before and after, which takes out a steady drift."""
        return (self.idle_before.mean_watts + self.idle_after.mean_watts) / 2


class EnergyFigures(Record, frozen=True, kw_only=True):
    """Energy of one inference. `net_joules` is without what the idle device takes in the same time.

    `mean_watts` is the power under load, idle included.
    """

    net_joules: Interval
    gross_joules: Joules
    mean_watts: Watts
    idle_before_watts: Watts
    idle_after_watts: Watts


class Energy(Record, frozen=True, kw_only=True):
    """Energy that was asked for; without `run` and `figures`, `unavailable` says why."""

    run: EnergyRun | None
    figures: EnergyFigures | None
    unavailable: str | None = None
