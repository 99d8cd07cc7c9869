"""A session with rates: each is planned, asked of the runner, and saved apart."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from session_bench import Bench

from builders import make_plan
from harness.measuring.cell_state import CellRequest
from harness.runner.orphan import Request, is_of
from harness.transports.local import LocalTransport

RATES = (None, 100.0, 1000.0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, LocalTransport())


def test_each_rate_is_asked_of_the_runner_and_saved_apart(bench: Bench) -> None:
    variant = bench.add(0.25)
    plan = make_plan(processes=2, warmup_iterations=1)
    requests = [CellRequest(variant, replace(plan, rate_hz=rate)) for rate in RATES]
    bench.session().measure(requests, (), seed=0)
    cells = {cell.plan.rate_hz: cell for cell in bench.detailed}
    assert {rate: cell.name.partition("-t1")[2] for rate, cell in cells.items()} == {
        None: "",
        100.0: "-r100",
        1000.0: "-r1000",
    }
    assert cells[None].pace is None
    for rate in (100.0, 1000.0):
        pace, period_ns = cells[rate].pace, round(1e9 / rate)
        assert pace is not None
        assert (pace.period_ns, pace.periods, pace.missed, pace.lateness_max_ns) == (period_ns, 6, 0, 0)
        starts = [process.starts_ns for process in cells[rate].processes]
        assert starts == [(0, period_ns, 2 * period_ns)] * 2


def test_cells_of_another_rate_are_not_continued(bench: Bench) -> None:
    variant = bench.add(0.25)
    plan = make_plan(processes=1, warmup_iterations=1, rate_hz=100.0)
    bench.session().measure([CellRequest(variant, plan)], (), seed=0)
    (earlier,) = bench.detailed
    bench.saved.clear()
    bench.session().measure([CellRequest(variant, replace(plan, rate_hz=200.0))], (earlier,), seed=0)
    assert [cell.plan.rate_hz for cell in bench.saved] == [200.0]
    bench.progress.clear()
    bench.session().measure([CellRequest(variant, plan)], (earlier,), seed=0)
    assert not [text for text in bench.progress if "process 1" in text]


def test_a_process_left_running_is_of_its_rate_alone(bench: Bench) -> None:
    variant, plan = bench.add(0.25), make_plan(rate_hz=30.0)
    left = Request(
        run="f" * 64,
        boot_id="a boot",
        variant=variant.name,
        threads=1,
        rate_hz=30.0,
        round=0,
        argv=(),
        started_at="2026-11-24T10:00:00.123+00:00",
        cooled_seconds=None,
    )
    assert is_of(left, variant, plan)
    assert not is_of(left, variant, replace(plan, rate_hz=None))
    assert not is_of(left, variant, replace(plan, rate_hz=15.0))
