"""Power rails that perfetto traced, as spans of power; what is no such trace is refused."""

import contextlib
import random

import pytest

from harness.runner.energy_readings import SensorFailed
from harness.runner.power_trace import spans_of_trace
from power_traces import Poll, trace_of

CORES, MEMORY, DISPLAY = "S2M_VDD_CPUCL2", "S1M_VDD_MIF", "L3S_DISP"


def polls(count: int = 30, watts: float = 1.5) -> list[Poll]:
    """The cores take `watts`, the memory 0.5 W, and the display 3 W, which is not summed."""
    return [
        (
            100_000 + 1000 * second,
            {
                CORES: 10**9 + int(second * watts * 1e6),
                MEMORY: 500_000 * second,
                DISPLAY: 3_000_000 * second,
            },
        )
        for second in range(count)
    ]


@pytest.mark.parametrize("session", [None, 5])
def test_each_poll_ends_a_span_of_the_mean_power_since_the_one_before(session: int | None) -> None:
    source, spans = spans_of_trace(trace_of(polls(), session=session))
    assert source.kind == "power_rails"
    assert source.name == f"power rails, traced by perfetto: {CORES}, {MEMORY}"
    assert len(spans) == 29
    assert (spans[0].begin_s, spans[0].end_s, spans[0].seconds) == (100.0, 101.0, 1.0)
    assert [span.watts for span in spans] == pytest.approx([2.0] * 29)


def test_two_sessions_with_the_same_numbers_are_two_chips() -> None:
    cores = [(ms, {CORES: energies[CORES]}) for ms, energies in polls()]
    # The other chip is read 200 ms later.
    memory = [(ms + 200, {MEMORY: energies[MEMORY]}) for ms, energies in polls()]
    together = trace_of(cores, session=1), trace_of(memory, session=2)
    source, spans = spans_of_trace(b"".join(together))
    assert source.name.endswith(f": {CORES}, {MEMORY}")
    assert [span.watts for span in spans] == []
    mixed = [trace for pair in zip(cores, memory, strict=True) for trace in pair]
    packets = b"".join(trace_of([poll], session=1 if CORES in poll[1] else 2) for poll in mixed)
    _, spans = spans_of_trace(packets)
    assert [span.watts for span in spans] == pytest.approx([2.0] * 29)
    assert sum(span.seconds for span in spans) == pytest.approx(29.0)


def test_a_poll_that_brings_nothing_new_ends_no_span() -> None:
    twice = [poll for poll in polls(10) for _ in range(2)]
    _, spans = spans_of_trace(trace_of(twice))
    assert [span.seconds for span in spans] == [1.0] * 9


def test_a_rail_that_is_left_out_once_is_taken_with_the_next_poll() -> None:
    some = polls(4)
    some[1] = (some[1][0], {CORES: some[1][1][CORES]})
    _, spans = spans_of_trace(trace_of(some))
    assert sum(span.seconds * span.watts for span in spans) == pytest.approx(6.0, rel=0.2)
    assert all(span.watts == pytest.approx(2.0) for span in spans)


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (b"", "perfetto traced no power rails"),
        (trace_of([(1000, {DISPLAY: 1})]), f"no rail is known to be that of the cores; there are: {DISPLAY}"),
        (trace_of(polls())[:-3], "perfetto's trace is cut"),
        (
            trace_of(polls(), session=1) + trace_of(polls(), session=2),
            f"perfetto names the rail {CORES} twice",
        ),
        (b"Cannot open config", "what perfetto wrote is not a trace"),
        (trace_of([(1000, {CORES: 10**12}), (2000, {CORES: 5})]), f"{CORES} counts backwards, from 1,000"),
        (trace_of([(1000, {CORES: 0}), (2000, {CORES: 10**15})]), "the sensor reports 1e+09 W"),
        (trace_of([(1, {f"S1M_VDD_CPU{number}": 1 for number in range(300)})]), "over 256 power rails"),
    ],
)
def test_what_is_no_such_trace_is_refused(trace: bytes, reason: str) -> None:
    with pytest.raises(SensorFailed) as refused:
        spans_of_trace(trace)
    assert reason in refused.value.what


def test_a_damaged_trace_is_no_more_than_refused() -> None:
    chance, whole = random.Random(0), trace_of(polls())
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(SensorFailed):
            spans_of_trace(bytes(damaged[: chance.randint(0, len(damaged))]))
