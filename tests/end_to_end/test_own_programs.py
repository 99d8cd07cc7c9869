"""`harness run --program`: programs unlike the built-in network, lowered by torch, on real devices."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_program_runs import cells_by_model, program_list, run_own

from harness_command import HarnessCommand

pytestmark = pytest.mark.slow

FIVE = ("two_inputs", "int64", "dynamic", "two_outputs", "portable")


def check_own_cells(cells: dict[str, dict[str, Any]]) -> None:
    """What holds on every device."""
    for name, cell in cells.items():
        assert cell["failure"] is None
        assert cell["parity"]["passed"], (name, cell["parity"])
        assert cell["variant"]["weights"]["source"] == f"{name}.pte"
        assert cell["variant"]["weights"]["sha256"] == cell["artifact"]["sha256"]
        assert (cell["variant"]["width"], cell["variant"]["classes"], cell["artifact"]["macs"]) == (None,) * 3
    dtypes = {name: [spec["dtype"] for spec in cell["artifact"]["inputs"]] for name, cell in cells.items()}
    assert dtypes["two_inputs"] == ["float32", "float32"]
    assert dtypes["int64"] == ["int64"]
    assert cells["dynamic"]["artifact"]["inputs"][0]["sizes"] == [8, 16]
    assert cells["dynamic"]["artifact"]["outputs"][0]["sizes"] == [8, 4]
    assert [spec["dtype"] for spec in cells["two_outputs"]["artifact"]["outputs"]][2] == "int64"
    portable = cells["portable"]["artifact"]
    assert (portable["delegates"], portable["delegate_ids"]) == (0, [])
    assert "aten::_softmax.out" in portable["undelegated_nodes"]
    assert cells["two_inputs"]["artifact"]["delegate_ids"] == ["XnnpackBackend"]


@pytest.mark.device
def test_five_programs_run_on_the_host_are_picked_from_and_reported_by_file(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    ended = run_own(
        run_harness, "host", "--program", program_list(own_programs, *FIVE), "--out", out, "--profile"
    )
    cells = cells_by_model(ended)
    check_own_cells(cells)
    assert "addmm.out" in str(cells["portable"]["profile"])
    report = (out / "report" / "report.md").read_text()
    assert "# Own programs on host" in report
    assert all(f"| {name.replace('_', chr(92) + '_')}.pte" in report for name in FIVE)
    rows = (out / "report" / "cells.csv").read_text().splitlines()
    assert len(rows) == 1 + len(FIVE)
    picked = run_harness("pick", out, "--max-latency", "1s")
    assert picked.exit_code == 0, picked.stderr
    assert "the accuracy of own programs is not known" in picked.stdout
    compared = run_harness("compare", out, out)
    assert compared.exit_code in (0, 3), compared.stderr
    for command in (("history", out), ("export", out, "--format", "junit"), ("report", out)):
        done = run_harness(*command)
        assert done.exit_code == 0, (command, done.stderr)
    predicted = run_harness("predict", out)
    assert (predicted.exit_code, "own programs have no shape" in predicted.stderr) == (2, True)


def test_five_programs_run_under_the_emulator_and_repeat_to_the_digit(
    run_harness: HarnessCommand, own_programs: Path
) -> None:
    cells = cells_by_model(run_own(run_harness, "emulator", "--program", program_list(own_programs, *FIVE)))
    check_own_cells(cells)
    for cell in cells.values():
        counts = {process["instructions_per_inference"] for process in cell["processes"]}
        assert len(counts) == 1
        assert cell["instructions_per_inference"] in counts


@pytest.mark.device
def test_five_programs_run_on_an_arm_machine_over_adb(
    run_harness: HarnessCommand, own_programs: Path
) -> None:
    arm_vm = f"arm-vm:{os.environ.get('HARNESS_ARM_VM', 'adb')}"
    cells = cells_by_model(run_own(run_harness, arm_vm, "--program", program_list(own_programs, *FIVE)))
    check_own_cells(cells)
    assert {cell["device"]["abi"] for cell in cells.values()} == {"arm64-v8a"}


def test_the_built_in_networks_own_file_costs_the_same_instructions(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    network = run_own(
        run_harness, "emulator", "-w", "0.25", "-r", "32", "-p", "fp32,int8", "--out", tmp_path / "network"
    )
    assert network.exit_code == 0, network.stderr
    files = sorted((tmp_path / "network" / "artifacts").glob("*.pte"))
    own = run_own(run_harness, "emulator", "--program", ",".join(map(str, files)))
    assert own.exit_code == 0, own.stderr
    counts = [
        {
            cell["artifact"]["sha256"]: (
                cell["instructions_per_inference"],
                [process["init_instructions"] for process in cell["processes"]],
            )
            for cell in ended.document["cells"]
        }
        for ended in (network, own)
    ]
    assert len(counts[0]) == 2
    assert counts[0] == counts[1]


def test_every_type_every_method_and_infinities_are_measured(
    run_harness: HarnessCommand, own_programs: Path
) -> None:
    names = ("dtypes", "methods", "infinite")
    ended = run_own(run_harness, "emulator", "--program", program_list(own_programs, *names))
    assert ended.exit_code == 0, ended.stderr
    cells = {(c["variant"]["model"], c["variant"]["method"]): c for c in ended.document["cells"]}
    forward = {(name, "forward") for name in names}
    assert set(cells) == {*forward, ("methods", "scaled")}
    assert all(cell["parity"]["passed"] for cell in cells.values())
    types = [spec["dtype"] for spec in cells["dtypes", "forward"]["artifact"]["inputs"]]
    assert types == ["float16", "bool", "uint8", "int8", "int32"]
    one = run_own(
        run_harness, "emulator", "--program", program_list(own_programs, "methods"), "--method", "scaled"
    )
    assert [cell["variant"]["method"] for cell in one.document["cells"]] == ["scaled"]


def test_a_second_run_pushes_nothing_and_resuming_measures_nothing_again(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    program = program_list(own_programs, "int64")
    first = run_own(run_harness, "emulator", "--program", program, "--out", tmp_path / "first")
    assert first.exit_code == 0, first.stderr
    again = run_own(run_harness, "emulator", "--program", program, "--out", tmp_path / "again", "--verbose")
    assert again.exit_code == 0, again.stderr
    assert "pushing" not in again.stderr
    resumed = run_harness("run", "--resume", tmp_path / "first", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    started = [
        [process["started_at"] for cell in ended.document["cells"] for process in cell["processes"]]
        for ended in (first, resumed)
    ]
    assert started[0] == started[1]


def test_a_changed_file_is_not_resumed_and_is_another_program(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    program = tmp_path / "net.pte"
    shutil.copyfile(own_programs / "int64.pte", program)
    first = run_own(run_harness, "host", "--program", program, "--out", tmp_path / "run")
    assert first.exit_code == 0, first.stderr
    shutil.copyfile(own_programs / "two_outputs.pte", program)
    resumed = run_harness("run", "--resume", tmp_path / "run")
    assert resumed.exit_code == 2
    assert "net.pte has changed since" in resumed.stderr


def test_two_files_of_one_name_are_two_programs(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    for folder, source in (("a", "int64"), ("b", "two_outputs")):
        (tmp_path / folder).mkdir()
        shutil.copyfile(own_programs / f"{source}.pte", tmp_path / folder / "net.pte")
    ended = run_own(
        run_harness,
        "host",
        "--program",
        f"{tmp_path}/a/net.pte,{tmp_path}/b/net.pte",
        "--out",
        tmp_path / "run",
    )
    assert ended.exit_code == 0, ended.stderr
    assert len({cell["artifact"]["sha256"] for cell in ended.document["cells"]}) == 2
    assert len(list((tmp_path / "run" / "cells").glob("*.json"))) == 2


def test_given_arrays_are_fed_and_wrong_ones_end_with_one_error_before_a_folder_is_made(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    tokens = np.array([[49, 0, 3, 7, 11, 2]])
    np.savez(tmp_path / "right.npz", input_0=tokens)
    np.savez(tmp_path / "wrong.npz", pixels=tokens)
    np.save(tmp_path / "small.npy", tokens[:, :3])
    program = own_programs / "int64.pte"
    right = run_own(run_harness, "host", "--program", program, "--input", tmp_path / "right.npz")
    assert cells_by_model(right)["int64"]["parity"]["passed"]
    for name, message in (("wrong.npz", "no such name"), ("small.npy", "has the shape [1, 3]")):
        out = tmp_path / "none"
        ended = run_own(run_harness, "host", "--program", program, "--input", tmp_path / name, "--out", out)
        assert ended.exit_code == 2
        assert message in ended.stdout + ended.stderr
        assert not out.exists()


def test_a_dry_run_shows_the_cells_and_touches_nothing(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "none"
    ended = run_own(
        run_harness, "emulator", "--program", program_list(own_programs, "methods"), "--dry-run", "--out", out
    )
    assert ended.exit_code == 0, ended.stderr
    assert [one["name"] for one in ended.document["plan"]["variants"]] == ["methods", "methods.scaled"]
    assert not out.exists()


def test_a_program_that_kills_the_runner_is_a_failed_cell(
    run_harness: HarnessCommand, own_programs: Path, tmp_path: Path
) -> None:
    """An index beyond the vocabulary: the kernel refuses it, or the runner dies; the host goes on."""
    np.save(tmp_path / "tokens.npy", np.full((1, 6), 10**9))
    ended = run_own(
        run_harness,
        "host",
        "--program",
        own_programs / "int64.pte",
        "--input",
        tmp_path / "tokens.npy",
        "--out",
        tmp_path / "run",
    )
    assert ended.exit_code == 1
    (cell,) = (json.loads(file.read_text()) for file in (tmp_path / "run" / "cells").glob("*.json"))
    assert "in operator aten::embedding.out" in cell["failure"]["what"]
    assert "weight" in cell["failure"]["what"]
    assert cell["verdict"]["status"] == "invalid"
    assert "give others with --input" in ended.stdout + ended.stderr


def test_outputs_that_change_by_themselves_are_not_compared_and_not_called_wrong(
    run_harness: HarnessCommand, own_programs: Path
) -> None:
    ended = run_own(run_harness, "host", "--program", program_list(own_programs, "stateful", "random"))
    for model, why in {
        "stateful": "from one inference to the next",
        "random": "between two processes",
    }.items():
        cell = cells_by_model(ended)[model]
        assert (cell["parity"], cell["verdict"]["status"]) == (None, "suspect")
        reasons = {one["code"]: one["detail"] for one in cell["verdict"]["reasons"]}
        assert why in reasons["parity_unchecked"]
    assert "do not ship" not in ended.stdout + ended.stderr
