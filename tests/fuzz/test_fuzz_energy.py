"""A device's sensors are untrusted: whatever they print, there are spans, or one of the known refusals."""

import contextlib
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.devices.energy_sources import choose_sensors
from harness.errors import ReportRejected
from harness.runner.energy import parse_windows
from harness.runner.energy_readings import SensorFailed, cut_window, parse_readings
from harness.runner.energy_sensors import spans_of

# As `fuzz_runs`, which a decorator cannot take.
RUNS = int(os.environ.get("HARNESS_FUZZ_RUNS", "400"))
FILE = "/sys/bus/iio/devices/iio:device0/energy_value"
NUMBER = st.one_of(st.integers(-5, 10**21).map(str), st.sampled_from(["", "-", "1e9", "nan", "0", "00"]))
RAIL = st.builds(
    "CH{}(T={})[{}], {}".format, NUMBER, NUMBER, st.sampled_from(["S2M_VDD_CPUCL2", "X", ""]), NUMBER
)
ADC = st.builds(
    "VDD_CORE_{} {}({})={}{}".format, *[st.sampled_from(["A", "V", "current", "volt", "7", "1.5"])] * 5
)
LINE = st.one_of(
    st.builds("t={}".format, NUMBER), RAIL, ADC, NUMBER, st.sampled_from(["!", "Discharging", ""]), st.text()
)
READING = st.lists(LINE, max_size=4).map(lambda lines: "".join(f"0 {line}\n" for line in lines))
SENSORS = [
    f"rails {FILE} yes",
    "pmic yes",
    f"hwmon {FILE} ina226 ",
    "hwmon /sys/class/hwmon/hwmon0/energy1_input ina226 ",
    "battery /sys Discharging",
]


@settings(max_examples=RUNS, deadline=None, derandomize=True)
@given(st.sampled_from(SENSORS), st.lists(st.tuples(NUMBER, READING), max_size=5), st.booleans())
def test_readings_are_spans_or_refused(sensor: str, readings: list[tuple[str, str]], named: bool) -> None:
    text = f"file 0 {FILE}\n" * named + "".join(f"at {at}\n{lines}.\n" for at, lines in readings)
    with contextlib.suppress(ReportRejected, SensorFailed):
        _, spans = spans_of(choose_sensors([sensor]), parse_readings(text.encode()))
        assert all(0 <= span.watts <= 1000 and span.seconds > 0 for span in spans)
        cut_window(spans, 0.0, 60.0, late_s=1.0, what="under load")


@settings(max_examples=RUNS, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_are_no_more_than_refused(content: bytes) -> None:
    for parse in (parse_readings, parse_windows):
        with contextlib.suppress(ReportRejected):
            parse(content)
    choose_sensors(content.decode("utf-8", "replace").splitlines())
