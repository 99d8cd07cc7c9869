"""A session against a base: both programs in every round, in random order, and pairs that stay whole."""

import dataclasses
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from session_bench import REFERENCE, Bench, digest

from builders import make_artifact, make_plan
from harness.measuring.base_side import BaseProgram
from harness.measuring.cell_state import CellRequest
from harness.records import Cell, TensorSpec, Variant
from harness.runner.orphan import Request, runs_program
from harness.transports.local import LocalTransport

PLAN = make_plan(processes=4, max_processes=4, warmup_iterations=1)
VARIANT = Variant(width=0.25, resolution_px=32, precision="fp32")


@dataclasses.dataclass
class AgainstBench(Bench):
    """A bench whose one variant has a base, and the order in which cells of both sides were saved."""

    order: list[str] = dataclasses.field(default_factory=list)
    of_base: list[Cell] = dataclasses.field(default_factory=list)

    def base_program(self, *, output: str = "1.0,2.0", end: str = "", reference: bool = True) -> BaseProgram:
        program = f"{output}\n{end}\nan older program\n".encode()
        contents = {"pte": program, "bin": b"older input", "out": struct.pack("<2f", *REFERENCE)}
        for name, content in contents.items():
            (self.folder / f"base.{name}").write_bytes(content)
        artifact = make_artifact(
            variant=VARIANT,
            sha256=digest(program),
            reference_input_sha256=digest(contents["bin"]),
            reference_output_sha256=digest(contents["out"]),
            output=TensorSpec(dtype="float32", sizes=(1, 2), dim_order=(0, 1)),
        )
        files = [self.folder / f"base.{name}" if reference else None for name in ("bin", "out")]
        return BaseProgram(artifact, self.folder / "base.pte", *files)

    def measure_against(
        self,
        base: BaseProgram,
        earlier: Sequence[Cell] = (),
        earlier_base: Sequence[Cell] = (),
        seed: int = 0,
    ) -> None:
        session = dataclasses.replace(self.session(), save=self.keep_new, save_base=self.keep_base)
        request = CellRequest(VARIANT, PLAN, base=base)
        session.measure([request], earlier, seed=seed, earlier_base=earlier_base)

    def keep_new(self, cell: Cell) -> None:
        self._note("new", cell, self.saved)

    def keep_base(self, cell: Cell) -> None:
        self._note("base", cell, self.of_base)

    def _note(self, side: str, cell: Cell, saved: list[Cell]) -> None:
        if len(cell.processes) > len(saved[-1].processes if saved else ()):
            self.order.append(side)
        saved.append(cell)


@pytest.fixture
def bench(tmp_path: Path) -> AgainstBench:
    bench = AgainstBench(tmp_path, LocalTransport())
    bench.add(0.25)
    return bench


def test_both_programs_run_in_every_round_in_random_order_and_end_together(bench: AgainstBench) -> None:
    bench.measure_against(bench.base_program(), seed=3)
    rounds = [bench.order[i : i + 2] for i in range(0, 8, 2)]
    assert all(sorted(sides) == ["base", "new"] for sides in rounds)
    assert len({tuple(sides) for sides in rounds}) == 2
    new, base = bench.saved[-1], bench.of_base[-1]
    assert [one.round for one in new.processes] == [one.round for one in base.processes] == [0, 1, 2, 3]
    assert (new.stopped_by, base.stopped_by) == ("max_rounds", "max_rounds")
    assert (new.name, base.name) == (new.name, new.name)
    assert new.artifact.sha256 != base.artifact.sha256
    assert base.parity is not None
    assert base.parity.passed
    assert base.memory is not None
    assert base.memory.detail is not None


def test_the_new_program_goes_on_alone_beside_a_base_that_fails(bench: AgainstBench) -> None:
    bench.measure_against(bench.base_program(end="3"))
    new, base = bench.saved[-1], bench.of_base[-1]
    assert base.failure is not None
    assert (len(new.processes), new.stopped_by) == (4, "max_rounds")


def test_the_base_ends_with_a_new_program_that_fails(tmp_path: Path) -> None:
    bench = AgainstBench(tmp_path, LocalTransport())
    bench.add(0.25, end="3")
    bench.measure_against(bench.base_program())
    assert bench.saved[-1].failure is not None
    assert len(bench.of_base[-1].processes) <= 1
    assert bench.of_base[-1].stopped_by is None


def test_a_resumed_pair_is_continued_on_both_sides(bench: AgainstBench) -> None:
    base = bench.base_program()
    bench.measure_against(base)
    earlier = next(cell for cell in bench.saved if len(cell.processes) == 2)
    earlier_base = next(cell for cell in bench.of_base if len(cell.processes) == 2)
    again = AgainstBench(bench.folder, bench.transport, bench.futures)
    again.measure_against(base, [earlier], [earlier_base])
    assert sorted(again.order[2:]) == ["base", "base", "new", "new"]
    assert again.saved[-1].processes[:2] == earlier.processes
    assert again.of_base[-1].processes[:2] == earlier_base.processes


@pytest.mark.parametrize("lost", ["new", "base", "another base"])
def test_a_pair_of_which_one_side_is_gone_is_measured_anew(bench: AgainstBench, lost: str) -> None:
    base = bench.base_program()
    bench.measure_against(base)
    saved = [] if lost == "new" else [bench.saved[-1]]
    of_base = [] if lost == "base" else [bench.of_base[-1]]
    if lost == "another base":
        base = bench.base_program(output="1.00,2.0")
    again = AgainstBench(bench.folder, bench.transport, bench.futures)
    again.measure_against(base, saved, of_base)
    assert sorted(again.order) == ["base"] * 4 + ["new"] * 4


def test_a_complete_pair_and_one_beside_a_failed_base_are_not_measured_again(bench: AgainstBench) -> None:
    for base in (bench.base_program(), bench.base_program(end="3")):
        first = AgainstBench(bench.folder, bench.transport, bench.futures)
        first.measure_against(base)
        again = AgainstBench(bench.folder, bench.transport, bench.futures)
        again.measure_against(base, first.saved[-1:], first.of_base[-1:])
        assert not [text for text in again.progress if ", process " in text]


def test_a_base_without_its_reference_gets_the_new_ones_input_and_is_not_checked(
    bench: AgainstBench,
) -> None:
    bench.measure_against(bench.base_program(output="7.0,8.0", reference=False))
    base, new = bench.of_base[-1], bench.saved[-1]
    assert base.parity is None
    assert "parity_unchecked" in {reason.code for reason in base.verdict.reasons}
    assert base.artifact.reference_input_sha256 == new.artifact.reference_input_sha256
    assert len(base.processes) == 4


def test_a_reference_output_that_is_gone_is_the_new_ones_where_both_are_the_same(
    bench: AgainstBench,
) -> None:
    new = next(iter(bench.futures.values())).result()
    base = bench.base_program()
    gone = dataclasses.replace(base, reference_output=None)
    assert gone.beside(new).reference_output == new.reference_output
    other = replace(gone.artifact, reference_output_sha256="d" * 64)
    assert dataclasses.replace(gone, artifact=other).beside(new).unchecked
    assert not base.beside(new).unchecked


def test_a_process_left_running_is_taken_for_the_program_that_it_runs(bench: AgainstBench) -> None:
    base = bench.base_program().artifact
    left = Request(
        run="f" * 64,
        boot_id="a boot",
        variant=VARIANT.name,
        threads=1,
        round=0,
        argv=("runner", "--model", f"/data/artifacts/{base.sha256}.pte"),
        started_at="2026-11-24T10:00:00.123+00:00",
        cooled_seconds=None,
    )
    assert runs_program(left, base)
    assert not runs_program(left, replace(base, sha256="d" * 64))
