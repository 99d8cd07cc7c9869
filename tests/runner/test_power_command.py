"""The user's meter: a real program of this machine, which measures, dies, or prints rubbish."""

import sys
import time

import pytest

from harness.runner.energy_readings import SensorFailed
from harness.runner.power_command import PowerMeter, metering, power_source

METER = """
import sys, time
while True:
    print(time.time_ns(), {watts}, flush=True)
    time.sleep({pause})
"""


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_readings_become_spans_at_the_devices_uptime() -> None:
    began = time.time()
    with metering(python(METER.format(watts="2.5", pause=0.02))) as meter:
        time.sleep(0.5)
        spans = meter.spans(lambda unix_s: unix_s - began + 1000.0)
    assert len(spans) > 5
    assert {span.watts for span in spans} == {2.5}
    assert 999.0 < spans[0].begin_s < spans[-1].end_s < 1002.0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('volts', flush=True)", "printed 'volts', which is not <unix_ns> <watts>"),
        ("print(1, 2, 3, flush=True)", "printed '1 2 3', which is not <unix_ns> <watts>"),
        ("import time; print(time.time_ns(), 'nan', flush=True)", "which is not <unix_ns> <watts>"),
        ("import time; print(time.time_ns(), 5000, flush=True)", "which is not <unix_ns> <watts>"),
        ("print(1700000000, 2.0, flush=True)", "which is not now in nanoseconds since 1970"),
        ("import sys; sys.stdout.write('7' * 100000); sys.stdout.flush()", "which is not <unix_ns> <watts>"),
        ("import sys; sys.exit(3)", "ended with exit code 3 before the measurement did"),
        ("raise SystemExit('no such port')", "exit code 1 before the measurement did: no such port"),
    ],
)
def test_a_meter_that_begins_with_rubbish_or_ends_is_refused_at_once(code: str, reason: str) -> None:
    with pytest.raises(SensorFailed) as refused, metering(python(code + "\nimport time; time.sleep(20)")):
        pytest.fail("it was taken for a meter")
    assert reason in refused.value.what


def test_a_silent_meter_is_not_waited_for_long() -> None:
    with (
        pytest.raises(SensorFailed, match=r"printed no reading within 0\.3 s"),
        metering(python("import time; time.sleep(60)"), first_line_s=0.3),
    ):
        pytest.fail("it was taken for a meter")


def test_a_meter_that_cannot_be_started_is_told() -> None:
    with pytest.raises(SensorFailed, match="cannot be started"), metering(("/nonexistent/meter",)):
        pytest.fail("it was started")


def test_a_meter_that_dies_later_has_no_spans() -> None:
    code = "import time; print(time.time_ns(), 1.0, flush=True); time.sleep(0.2); raise SystemExit(4)"
    with metering(python(code)) as meter:
        time.sleep(1.0)
        with pytest.raises(SensorFailed, match="ended with exit code 4 before the measurement did"):
            meter.spans(lambda unix_s: unix_s)


def test_times_that_count_backwards_are_refused() -> None:
    meter = PowerMeter("meter")
    now = time.time_ns()
    meter.take(b"%d 1.0" % now)
    meter.take(b"%d 1.0" % (now - 1))
    with pytest.raises(SensorFailed, match="the times of meter count backwards"):
        meter.spans(lambda unix_s: unix_s)


def test_the_meter_and_what_it_started_end_with_the_measurement() -> None:
    import subprocess

    code = "import subprocess, time; subprocess.Popen(['sleep', '63.25']);" + METER.format(
        watts="1", pause=0.05
    )
    with metering(python(code)):
        pass
    found = subprocess.run(
        ["pgrep", "-r", "R,S,D", "-f", "sleep 63.25"], capture_output=True, check=False, timeout=10
    )
    assert found.stdout == b""


def test_a_cell_names_the_program_and_not_its_arguments() -> None:
    source = power_source(("/opt/lab/meter", "--password", "secret"))
    assert source.name == "--power-command meter"
    assert "secret" not in repr(source)
