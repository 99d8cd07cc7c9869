"""With a packed cache, a cell's start-up is that of the launches that found it."""

from pathlib import Path

import msgspec

from builders import make_artifact, make_device, make_plan, make_process, make_run
from harness.analysis.cells import build_cell
from harness.analysis.process_figures import startups_ns
from harness.records import Cell, PackedCache
from harness.records.cell_checks import find_contradictions
from harness.records.run_folder import load_run, write_cell, write_run
from reports.details import describe_details
from reports.startup import describe_startup

WRITTEN, READ = (PackedCache(use=use, file_bytes=17_000_000) for use in ("written", "read"))


def cached(*uses: PackedCache) -> Cell:
    """A process for each use: 80 ms of initialization that write, 1 ms that read."""
    processes = tuple(
        make_process(
            round=number,
            packed_cache=use,
            init_ns=80_000_000 if use is WRITTEN else 1_000_000 + number,
            init_instructions=8_000 if use is WRITTEN else 100 + number,
        )
        for number, use in enumerate(uses)
    )
    plan = make_plan(backend_options="packed-cache")
    return build_cell(make_device(), make_artifact(), plan, processes, parity=None)


def test_start_up_is_of_the_later_launches_and_the_first_is_apart(tmp_path: Path) -> None:
    cell = cached(WRITTEN, READ, READ, READ)
    assert cell.startup is not None
    assert cell.first_launch is not None
    assert (cell.startup.init_ns.estimate, cell.startup.init_instructions) == (1_000_002, 102)
    assert (cell.first_launch.init_ns.estimate, cell.first_launch.init_instructions) == (80_000_000, 8_000)
    assert len(startups_ns(cell)) == 3
    assert list(find_contradictions(cell)) == []
    write_cell(tmp_path, cell)
    write_run(tmp_path, make_run((cell,)))
    assert load_run(tmp_path)[1] == (cell,)


def test_a_first_launch_alone_has_no_later_start_up() -> None:
    cell = cached(WRITTEN)
    assert cell.startup is None
    assert cell.first_launch is not None
    last_words = [row.name.rpartition(", ")[2] for row in describe_startup([cell])]
    assert last_words == ["packed cache", "first launch"]


def test_both_launches_are_shown() -> None:
    cell = cached(WRITTEN, READ, READ)
    details = dict(describe_details(cell))
    assert details["first launch, initialize, instructions"] == "8,000"
    assert details["initialize, instructions"] == "101"
    assert details["packed cache, file"] == "17.0 MB"
    assert len(describe_startup([cell])) == 2


def test_a_saved_start_up_of_other_processes_is_a_contradiction() -> None:
    cell = cached(WRITTEN, READ, READ)
    swapped = msgspec.structs.replace(cell, startup=cell.first_launch, first_launch=cell.startup)
    found = list(find_contradictions(swapped))
    assert any("startup.init_ns" in one for one in found)
    assert any(one.startswith("first_launch: startup.init_instructions") for one in found)


def test_options_of_xnnpack_are_in_the_name_and_in_the_placement() -> None:
    assert cached(READ).name.endswith("-t1-packed-cache")
