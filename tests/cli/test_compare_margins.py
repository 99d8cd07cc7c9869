"""The margins of `harness compare`, from the command line to the result."""

import json
from pathlib import Path

from builders import make_cell, make_energy_cell, make_energy_run, make_run
from harness.records import Cell
from harness.records.run_folder import write_cell, write_run
from harness_command import HarnessCommand


def save(folder: Path, cell: Cell) -> Path:
    write_run(folder, make_run((cell,)))
    write_cell(folder, cell)
    return folder


def test_each_margin_reaches_the_comparison(run_harness: HarnessCommand, tmp_path: Path) -> None:
    base = save(tmp_path / "base", make_energy_cell(make_energy_run(3.0)))
    new = save(tmp_path / "new", make_energy_cell(make_energy_run(3.1)))
    words = ("--startup-margin", "7%", "--sustained-margin", "8%", "--energy-margin", "4%")
    document = json.loads(run_harness("compare", base, new, *words, "--json").stdout)
    margins = {name: document["margins"][name] for name in ("startup", "sustained", "energy")}
    assert margins == {"startup": 0.07, "sustained": 0.08, "energy": 0.04}
    assert (document["result"], document["cells"][0]["decided_by"]) == ("worse", "energy")
    ended = run_harness("compare", base, new)
    assert ended.exit_code == 0
    assert "margins: latency 3 %, start-up 10 %, energy 10 %, peak RSS 5 %" in ended.stdout


def test_what_one_run_did_not_measure_is_named(run_harness: HarnessCommand, tmp_path: Path) -> None:
    base = save(tmp_path / "base", make_energy_cell(make_energy_run()))
    new = save(tmp_path / "new", make_cell())
    assert "energy was measured in base only" in run_harness("compare", base, new).stdout
