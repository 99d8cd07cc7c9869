"""What a device is, and its state before, while and after something is measured on it."""

from typing import Literal

import msgspec

from harness.records.schema import (
    Bytes,
    Celsius,
    Count,
    Integer,
    Kilohertz,
    NotNegative,
    PageSize,
    Percent,
    Record,
    Seconds,
    ThermalStatus,
)

Abi = Literal["arm64-v8a", "x86_64"]
Clock = Literal["real", "emulated", "virtual"]
BatteryStatus = Literal["charging", "discharging", "not charging", "full"]


class Core(Record, frozen=True, kw_only=True):
    """One CPU core as the kernel describes it."""

    index: Count
    name: str | None = None
    max_frequency_khz: Kilohertz | None = None
    capacity: Count | None = None


class UnreadableFact(Record, frozen=True, kw_only=True):
    """What was asked of a device and could not be read, and why."""

    fact: str
    reason: str


class DeviceInfo(Record, frozen=True, kw_only=True):
    """Facts that do not change while measuring.

    `clock` is what a nanosecond means there: `real`; `emulated` (wall time under an emulator) and `virtual`
    (counts instructions, repeats) do not predict a phone's times. `half_precision` is whether the cores, and
    XNNPACK on them, compute in 16-bit floats; None if unknown.
    `libc` is the C library that the runner uses: `bundled`, or the device's own, as `system glibc 2.36`.
    `memory_limit_bytes` is that of its control group, such as a container's; None where there is none.
    `unreadable` is what it does not report of itself.
    """

    name: str
    kind: str
    transport: str
    abi: Abi
    clock: Clock
    model: str
    soc: str | None = None
    os: str | None = None
    kernel: str | None = None
    cores: tuple[Core, ...] = ()
    memory_total_bytes: Bytes | None = None
    memory_limit_bytes: Bytes | None = None
    page_size_bytes: PageSize | None = None
    boot_id: str | None = None
    half_precision: bool | None = None
    libc: str = "bundled"
    unreadable: tuple[UnreadableFact, ...] = ()

    @property
    def emulated(self) -> bool:
        """Whether its clock is not a real one."""
        return self.clock != "real"


class Temperature(Record, frozen=True, kw_only=True):
    """One thermal zone: the kernel's `index` distinguishes zones of one type; `zone` is the type.

    Where a device has no readable zones, or none of its cores, a sensor of hwmon, with its chip's index, or
    of Android's thermal HAL.
    """

    zone: str
    index: Count | None = None
    celsius: Celsius


class ThermalSensor(Record, frozen=True, kw_only=True):
    """A sensor of Android's thermal HAL: its type, such as `CPU` or `SKIN`, and its throttling status."""

    name: str
    type: str
    celsius: Celsius
    status: ThermalStatus


class FrequencyTime(Record, frozen=True, kw_only=True):
    """How long a cpufreq policy's cores have run at a frequency since boot, in hundredths of a second."""

    policy: str
    khz: Kilohertz
    ticks: Count


class Conditions(Record, frozen=True, kw_only=True):
    """What could change a measurement, read just before or after it; `unreadable` maps fact to reason.

    Frequencies and governors are in the order of the cores' indices; None is an offline or denied core.
    `wakefulness` is Android's: `Awake` while the screen is on, else such as `Asleep` or `Dozing`.
    A battery's current is positive while it charges, by the kernel's documentation; some drivers have it the
    other way. `thermal_sensors` are those of Android's thermal HAL.
    """

    uptime_seconds: NotNegative | None = None
    frequencies_khz: tuple[Kilohertz | None, ...] | None = None
    governors: tuple[str | None, ...] | None = None
    temperatures: tuple[Temperature, ...] | None = None
    load_average_1min: NotNegative | None = None
    memory_available_bytes: Bytes | None = None
    thermal_status: ThermalStatus | None = None
    battery_percent: Percent | None = None
    battery_celsius: Celsius | None = None
    battery_status: BatteryStatus | None = None
    battery_current_microamperes: Integer | None = None
    battery_microvolts: Count | None = None
    thermal_sensors: tuple[ThermalSensor, ...] | None = None
    throttled_flags: Count | None = None
    time_in_state: tuple[FrequencyTime, ...] | None = None
    wakefulness: str | None = None
    unreadable: dict[str, str] = msgspec.field(default_factory=dict)


class ConditionsSample(Record, frozen=True, kw_only=True):
    """One reading of the device while a process ran; None is what could not be read at that time.

    In the order of the `cores` and `zones` of its `SampledConditions`.
    """

    uptime_seconds: NotNegative | None
    frequencies_khz: tuple[Kilohertz | None, ...]
    celsius: tuple[Celsius | None, ...]


class SampledConditions(Record, frozen=True, kw_only=True):
    """What clocks and temperatures did while a process ran, recorded every `period_seconds` beside it.

    `cpus_allowed` are the cores that the sampler itself could run on; `unreadable` maps what was missing in
    some samples, or in all, to the reason.
    """

    period_seconds: Seconds
    cpus_allowed: str | None = None
    cores: tuple[Integer, ...] = ()
    zones: tuple[str, ...] = ()
    samples: tuple[ConditionsSample, ...] = ()
    unreadable: dict[str, str] = msgspec.field(default_factory=dict)


class TunedSetting(Record, frozen=True, kw_only=True):
    """One setting of a tuned device: `now` was read back on the device.

    It is None where nothing was set, or where the device does not report it; `note` has the reason.
    """

    name: str
    before: str | None = None
    now: str | None = None
    note: str | None = None
