"""What sensors reported, as spans of power; values that cannot be a device's energy are refused."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
import pytest
from msgspec.structs import replace

from builders import make_energy_run
from harness.analysis.energy import net_watts_bounds
from harness.devices.energy_sources import FoundSensors, choose_sensors
from harness.errors import ReportRejected
from harness.records import EnergyWindow
from harness.runner.energy import parse_windows
from harness.runner.energy_readings import (
    Reading,
    SensorFailed,
    Span,
    cut_window,
    parse_readings,
    spans_of_powers,
)
from harness.runner.energy_sensors import spans_of

FILE = "/sys/bus/iio/devices/iio:device0/energy_value"
OTHER = "/sys/bus/iio/devices/iio:device1/energy_value"
INA = "/sys/class/hwmon/hwmon2/power1_input"
COUNTER = "/sys/class/hwmon/hwmon2/energy1_input"
SUPPLY = "/sys/class/power_supply/battery"


def rails(uptime_s: float, ms: int, *energies: tuple[str, int], path: str = FILE) -> Reading:
    lines = [f"CH{index}(T={ms})[{name}], {energy}" for index, (name, energy) in enumerate(energies)]
    return Reading(uptime_s, {path: (f"t={ms}", *lines)})


def of_rails(*readings: Reading, files: tuple[str, ...] = (FILE,)) -> tuple[str, tuple[Span, ...]]:
    found = choose_sensors([f"rails {path} yes" for path in files])
    source, spans = spans_of(found, readings)
    return source.name, spans


def of_file(path: str, values: Sequence[str | None]) -> tuple[Span, ...]:
    found = choose_sensors([f"hwmon {path} ina226 "])
    readings = [
        Reading(100.0 + second, {path: None if value is None else (value,)})
        for second, value in enumerate(values)
    ]
    return spans_of(found, readings)[1]


def of_battery(*values: tuple[str, str, str]) -> tuple[Span, ...]:
    found = choose_sensors([f"battery {SUPPLY} Discharging"])
    readings = [
        Reading(
            float(second),
            {
                f"{SUPPLY}/{name}": (value,)
                for name, value in zip(("status", "current_now", "voltage_now"), one, strict=True)
            },
        )
        for second, one in enumerate(values)
    ]
    return spans_of(found, readings)[1]


def of_pmic(*texts: str) -> tuple[Span, ...]:
    found = choose_sensors(["pmic yes"])
    readings = [Reading(float(at), {"pmic": tuple(text.split("\n"))}) for at, text in enumerate(texts)]
    return spans_of(found, readings)[1]


def adc(amperes: float) -> str:
    return (
        f"     DDR_VDD2_A current(3)=0.10000000A\n   VDD_CORE_A current(7)={amperes:.8f}A\n"
        "     DDR_VDD2_V volt(11)=1.10000000V\n   VDD_CORE_V volt(15)=0.80000000V\n"
        "      EXT5V_V volt(24)=5.09066000V\n       BATT_V volt(25)=0.00000000V"
    )


def test_rails_of_the_cores_and_beside_them_are_summed_by_the_counters_own_time() -> None:
    name, spans = of_rails(
        rails(10.0, 9_700, ("S2M_VDD_CPUCL2", 5_000_000), ("S1M_VDD_MIF", 7), ("VSYS_PWR_DISPLAY", 3)),
        rails(11.0, 9_700, ("S2M_VDD_CPUCL2", 5_000_000), ("S1M_VDD_MIF", 7), ("VSYS_PWR_DISPLAY", 3)),
        rails(12.0, 10_700, ("S2M_VDD_CPUCL2", 7_000_000), ("S1M_VDD_MIF", 500_007), ("VSYS_PWR_DISPLAY", 9)),
    )
    assert name == "power rails of iio:device0: S2M_VDD_CPUCL2, S1M_VDD_MIF"
    assert spans == (Span(10.0, 12.0, 1.0, 2.5),)


def test_two_chips_with_their_own_times_are_one_power() -> None:
    def both(at: float, first_ms: int, first: int, second_ms: int, second: int) -> Reading:
        one = rails(at, first_ms, ("S2M_VDD_CPUCL2", first)).lines
        return Reading(at, {**one, **rails(at, second_ms, ("S5S_VDDQ_MEM", second), path=OTHER).lines})

    _, spans = of_rails(
        both(1.0, 1000, 0, 900, 0),
        both(2.0, 2000, 2_000_000, 900, 0),  # only one is updated: no span yet
        both(3.0, 3000, 4_000_000, 2900, 1_000_000),
        files=(FILE, OTHER),
    )
    assert spans == (Span(1.0, 3.0, 2.0, 2.5),)


@pytest.mark.parametrize("bits", [32, 64])
def test_a_counter_that_begins_again_at_0_is_followed(bits: int) -> None:
    last = (1 << bits) - 500_000
    _, spans = of_rails(
        rails(1.0, 1000, ("S4M_VDD_CPUCL0", last)), rails(2.0, 2000, ("S4M_VDD_CPUCL0", 1_000_000))
    )
    assert spans == (Span(1.0, 2.0, 1.0, 1.5),)


def cpu(uptime_s: float, ms: int, energy: int) -> Reading:
    return rails(uptime_s, ms, ("S4M_VDD_CPUCL0", energy))


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (
            lambda: of_rails(cpu(1, 1000, 5_000_000), cpu(2, 2000, 4_000_000)),
            "S4M_VDD_CPUCL0 counts backwards, from 5,000,000 to 4,000,000",
        ),
        (
            lambda: of_rails(cpu(1, 2000, 5), cpu(2, 1000, 6)),
            f"the time of {FILE} counts backwards, from 2000 to 1000 ms",
        ),
        (
            lambda: of_rails(
                rails(1, 1000, ("S4M_VDD_CPUCL0", 5), ("S1M_VDD_MIF", 5)),
                rails(2, 2000, ("S4M_VDD_CPUCL0", 6)),
            ),
            "the rail S1M_VDD_MIF vanished at an uptime of 2 s",
        ),
        (
            lambda: of_rails(cpu(1, 1000, 5), Reading(2.0, {FILE: None})),
            f"{FILE} could not be read at an uptime of 2 s",
        ),
        (lambda: of_rails(cpu(1, 1000, 5), Reading(2.0, {})), f"{FILE} could not be read"),
        (
            lambda: of_rails(cpu(1, 1000, 5), Reading(2.0, {FILE: ("t=2000", "CH0 rubbish")})),
            f"{FILE} has a line that is not a rail's: CH0 rubbish",
        ),
        (
            lambda: of_rails(rails(1, 1000, ("VSYS_PWR_DISPLAY", 5))),
            "no rail is known to be that of the cores; there are: VSYS_PWR_DISPLAY",
        ),
        (lambda: of_rails(cpu(1, 1000, 5), cpu(2, 2000, 10**12)), "the sensor reports 1e+06 W"),
        (
            lambda: of_rails(rails(0.0, 0, ("S2M_VDD_CPUCL2", 1), ("S2M_VDD_CPUCL2", 2))),
            f"{FILE} names a rail twice",
        ),
        (lambda: of_file(INA, ["5", "x"]), f"{INA} holds 'x', which is not a number"),
        (lambda: of_file(INA, ["5", None]), f"{INA} could not be read at an uptime of 101 s"),
        (lambda: of_file(INA, ["5", "-7000000"]), "the sensor reports -7 W"),
        (lambda: of_file(COUNTER, ["500", "400"]), f"{COUNTER} counts backwards, from 500 to 400"),
        (lambda: of_file(COUNTER, []), "the sensor was not read at all"),
        (
            lambda: of_battery(("Discharging", "500000", "4000000"), ("Charging", "500000", "4000000")),
            "the battery was charging at an uptime of 1 s; unplug it, and reach it by Wi-Fi",
        ),
        (
            lambda: of_battery(("Discharging", "500000", "4000000"), ("Discharging", "-500000", "4000000")),
            "the battery's current changed its sign, so that it was charged in between",
        ),
        (
            lambda: of_battery(("Discharging", "500000", "3987"), ("Discharging", "510000", "3986")),
            "the battery's voltage is 3986 in the driver's unit, which is not µV",
        ),
        (
            lambda: of_battery(("Discharging", "500", "4000000"), ("Discharging", "510", "4000000")),
            "the battery's current is 510 in the driver's unit, which is not clearly µA",
        ),
        (
            lambda: of_pmic(adc(1.0), "error=1"),
            "vcgencmd pmic_read_adc printed a line that is not a rail's: error=1",
        ),
        (
            lambda: of_pmic("      EXT5V_V volt(24)=5.09066000V"),
            "vcgencmd pmic_read_adc printed no rail with a current and a voltage",
        ),
    ],
)
def test_values_that_cannot_be_energy_have_their_reason(read: Callable[[], object], reason: str) -> None:
    with pytest.raises(SensorFailed) as refused:
        read()
    assert refused.value.what.startswith(reason)


def test_a_power_holds_until_another_is_read() -> None:
    values = ["1000000", "1000000", "2000000", "2000000", "2000000", "2500000", "1000000"]
    assert of_file(INA, values) == (
        Span(100.0, 105.0, 3.0, 2.0),
        Span(102.0, 106.0, 1.0, 2.5),
    )


def test_readings_of_a_sensor_that_was_seen_to_refresh_in_between_are_updates_to_an_equal_value() -> None:
    values = ["1000000", "2000000"] * 6 + ["3000000"] * 3 + ["1000000"]
    spans = of_file(INA, values)
    assert [(span.seconds, span.watts, span.updates, span.is_change) for span in spans[-4:]] == [
        (1.0, 2.0, 1, True),
        *((1.0, 3.0, 1, number == 0) for number in range(3)),
    ]


# Milliwatts of the mean, of the noise and of a step of the sensor; seconds between its refreshes.
COARSE = [
    (2006.5, 10.0, 25.0, 1.0),
    (2006.5, 10.0, 25.0, 0.05),
    (2040.0, 50.0, 100.0, 0.05),
    (2040.0, 50.0, 100.0, 1.7),
    (2000.0, 40.0, 1.0, 2.0),
]
WINDOWS = 150


def simulate_window(
    random: np.random.Generator, mean: float, noise: float, step: float, refresh_s: float, seconds: float
) -> EnergyWindow:
    """Of an INA226 that is read once a second, a little late each time."""
    count = int((seconds + 12) / refresh_s) + 4
    shown = np.round(random.normal(mean, noise, count) / step) * step
    at = np.cumsum(1.0 + np.abs(random.normal(0, 0.003, int(seconds) + 8)))
    places = ((at + random.uniform(0, refresh_s)) / refresh_s).astype(int)
    readings = [
        Reading(float(uptime), {INA: (str(round(1000 * shown[place])),)})
        for uptime, place in zip(at, places, strict=True)
    ]
    _, spans = spans_of(choose_sensors([f"hwmon {INA} ina226 "]), readings)
    return cut_window(spans, 3.0, seconds, late_s=1.0, what="under load")


@pytest.mark.parametrize(("mean", "noise", "step", "refresh_s"), COARSE)
def test_the_mean_of_a_coarse_or_slow_sensor_is_within_a_thousandth(
    mean: float, noise: float, step: float, refresh_s: float
) -> None:
    random = np.random.default_rng(1)
    windows = [simulate_window(random, mean, noise, step, refresh_s, 60.0) for _ in range(WINDOWS)]
    assert np.mean([window.mean_watts for window in windows]) == pytest.approx(mean / 1000, rel=1e-3)


@pytest.mark.parametrize("refresh_s", [0.05, 1.0])
def test_intervals_of_coarse_sensors_hold_the_planted_power(refresh_s: float) -> None:
    random = np.random.default_rng(5)
    held = 0
    for seed in range(WINDOWS):
        before, load, after = (
            simulate_window(random, mean, 50.0, 100.0, refresh_s, seconds)
            for mean, seconds in ((1030.0, 40.0), (3010.0, 60.0), (1030.0, 40.0))
        )
        made = make_energy_run()
        run = replace(made, idle_before=before, load=load, idle_after=after)
        low, high = net_watts_bounds(run, seed=seed)
        held += low <= 1.98 <= high
    # Of 600: 96.5 % and 94.7 %.
    assert 0.91 <= held / WINDOWS <= 0.99


def test_a_power_that_stays_on_one_step_of_its_sensor_has_no_figure() -> None:
    flickers = ["1000000", "1100000", "1000000"] * 3
    spans = of_file(INA, [*flickers, *["1000000"] * 70])
    with pytest.raises(SensorFailed, match="the sensor changed 0 times in 60 s idle; 5 are needed"):
        cut_window(spans, 110.0, 60.0, late_s=1.0, what="idle")


def test_equal_values_of_a_battery_are_no_updates() -> None:
    """Of its two files each has its own times: how often the slower one refreshes is not seen."""
    values = [("Discharging", str(400_000 + 10_000 * (at // 7)), "4000000") for at in range(80)]
    spans = of_battery(*values)
    with pytest.raises(SensorFailed, match=r"the sensor changed 7 times in 60 s under load; 20 are needed"):
        cut_window(spans, 5.0, 60.0, late_s=1.0, what="under load")


def test_a_counter_of_a_board_gives_the_power_between_its_readings() -> None:
    assert of_file(COUNTER, ["0", "1500000", "1500000", "4500000"]) == (
        Span(100.0, 101.0, 1.0, 1.5),
        Span(101.0, 103.0, 2.0, 1.5),
    )


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_batterys_power_is_current_times_voltage_whatever_the_drivers_sign(sign: str) -> None:
    spans = of_battery(*(("Discharging", f"{sign}{ua}", "4000000") for ua in (400000, 500000, 600000)))
    assert spans == (Span(0.0, 2.0, 1.0, 2.0),)


def test_rails_of_a_power_chip_count_where_current_and_voltage_are_known() -> None:
    (span,) = of_pmic(adc(1.0), adc(2.0), adc(1.5))
    assert span.watts == pytest.approx(2.0 * 0.8 + 0.1 * 1.1)


def test_a_file_is_read_whole_readings_only() -> None:
    readings = parse_readings(b"file 0 /a\nfile 1 /b c\nat 1.50\n0 x\n0  y\n1 !\n.\nat 2.50\n0 z\n")
    assert readings == (Reading(1.5, {"/a": ("x", " y"), "/b c": None}),)
    assert parse_readings(b"at 3.00\n0 a b\n.\n") == (Reading(3.0, {"pmic": ("a b",)}),)


@pytest.mark.parametrize(
    "content", [b"rubbish\n", b"0 before any\n", b".\n", b"file 0 relative\n", b"at -1\n"]
)
def test_a_file_that_is_not_the_scripts_is_refused(content: bytes) -> None:
    with pytest.raises(ReportRejected, match="has a line that is not the script's"):
        parse_readings(content)


def test_endless_readings_are_refused() -> None:
    with pytest.raises(ReportRejected, match="more readings than were asked for"):
        parse_readings(b"at 1.00\n.\n" * 20_001)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"idle_before 1.00 2.00\n",
        b"idle_after 1.00 2.00\nidle_before 3.00 4.00\n",
        b"idle_before 1.00 2.00\nidle_after 1.50 4.00\n",
        b"idle_before 1.00 2.00\nidle_after 3.00 4.00\nmore\n",
    ],
)
def test_idle_windows_that_are_missing_or_out_of_order_are_refused(content: bytes) -> None:
    with pytest.raises(ReportRejected, match="the idle windows are wrong"):
        parse_windows(content)


def seconds(count: int, *, at: float = 0.0, step: float = 1.0) -> list[Span]:
    return [Span(at + step * one, at + step * (one + 1), step, 2.0) for one in range(count)]


def test_a_window_holds_the_spans_that_lie_in_it_and_surely_began_in_it() -> None:
    window = cut_window(seconds(100), 30.5, 40.0, late_s=1.0, what="under load")
    assert window.updates == 38  # from 32 to 70
    assert window.mean_watts == 2.0
    assert (window.began_uptime_seconds, window.seconds) == (30.5, 40.0)


@pytest.mark.parametrize(
    ("spans", "length", "reason"),
    [
        (seconds(100), 29.0, "29 s under load are too short; 30 s are needed"),
        ([], 60.0, "the sensor changed 0 times in 60 s under load; 20 are needed"),
        (seconds(100, step=4.0), 60.0, "the sensor changed 15 times in 60 s under load; 20 are needed"),
        (seconds(30), 60.0, "the sensor reported for 30 of the 60 s under load"),
    ],
)
def test_a_window_with_too_little_in_it_has_no_figure(spans: list[Span], length: float, reason: str) -> None:
    with pytest.raises(SensorFailed) as refused:
        cut_window(spans, 0.0, length, late_s=0.0, what="under load")
    assert refused.value.what == reason


def test_a_power_that_is_held_while_the_meter_is_silent_has_no_figure() -> None:
    """The last value before the pause would stand for all that the device did in it."""
    lines = [(float(at), 2.0) for at in range(100) if not 40 < at <= 57]
    with pytest.raises(SensorFailed, match=r"^the sensor was silent for 18 of the 60 s under load$"):
        cut_window(spans_of_powers(lines), 20.0, 60.0, late_s=0.0, what="under load")
    briefly = [(float(at), 2.0) for at in range(100) if not 40 < at <= 45]
    assert cut_window(spans_of_powers(briefly), 20.0, 60.0, late_s=0.0, what="under load").mean_watts == 2.0


def test_a_meter_that_reads_thousands_of_times_a_second_keeps_its_energy_in_fewer_values() -> None:
    lines = [(at / 1000, 2.0 + (at % 7) / 10) for at in range(90_000)]
    spans = spans_of_powers(lines)
    window = cut_window(spans, 10.0, 60.0, late_s=0.0, what="under load")
    inside = [span for span in spans if span.begin_s >= 10.0 and span.end_s <= 70.0]
    assert 1000 < window.updates <= 1200
    assert sum(window.span_seconds) == pytest.approx(sum(span.seconds for span in inside))
    assert window.mean_watts == pytest.approx(fmean(span.watts for span in inside))


def test_a_device_without_a_sensor_has_its_reason() -> None:
    with pytest.raises(SensorFailed, match="made up"):
        spans_of(FoundSensors(None, "made up"), [])
