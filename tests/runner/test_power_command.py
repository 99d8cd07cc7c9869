"""The user's meter: a real program of this machine, which measures, dies, or prints rubbish."""

import sys
import time

import pytest

from harness.runner import power_command
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
        (
            "import sys; sys.stdout.write('7' * 100000 + chr(10)); sys.stdout.flush()",
            "which is not <unix_ns> <watts>",
        ),
        ("import sys; sys.exit(3)", "ended with exit code 3 before the measurement did"),
        ("raise SystemExit('no such port')", "exit code 1 before the measurement did: no such port"),
    ],
)
def test_a_meter_that_prints_only_rubbish_or_ends_is_refused(code: str, reason: str) -> None:
    command = python(code + "\nimport time; time.sleep(20)")
    with pytest.raises(SensorFailed) as refused, metering(command, first_line_s=2.0):
        pytest.fail("it was taken for a meter")
    assert reason in refused.value.what


@pytest.mark.parametrize(
    "line", [b"unix_ns watts", b"", b"%(now)d -0.001", b"%(before)d 1.0", b"%(now)d 5000", b"17 1.0", b"\xff"]
)
def test_a_single_line_that_is_no_reading_is_skipped_and_counted(line: bytes) -> None:
    meter = PowerMeter("meter")
    first = time.time_ns()
    meter.take(b"%d 1.0" % first)
    meter.take(line % {b"now": first + 1, b"before": first} if b"%" in line else line)
    meter.take(b"%d 2.0" % (first + 1_000_000_000))
    meter.take(b"%d 3.0" % (first + 2_000_000_000))
    (span,) = meter.spans(lambda unix_s: unix_s)
    assert span.watts == 2.0
    assert span.seconds == pytest.approx(1.0, abs=1e-6)
    assert meter.skipped == 1
    assert meter.with_skipped("too little").startswith("too little; 1 line was skipped: ")


def test_the_rest_of_a_line_that_is_too_long_is_no_reading() -> None:
    code = (
        "import sys, time; sys.stdout.write('7' * 300000); sys.stdout.flush(); time.sleep(0.3);"
        "print(' 1.0'); print(time.time_ns(), 2.0, flush=True); time.sleep(20)"
    )
    with metering(python(code)) as meter:
        assert (meter.watts, meter.skipped) == ([2.0], 1)


def test_more_lines_than_a_meter_prints_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_command, "MOST_LINES", 2)
    meter = PowerMeter("meter")
    for _ in range(3):
        meter.take(b"rubbish")
    with pytest.raises(SensorFailed, match="meter printed more than 2 lines"):
        meter.spans(lambda unix_s: unix_s)


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
