"""How well a grid is predicted and searched, on grids that were measured on `emulator` and `host`.

`python tests/benchmarks/bench_predict.py`: from the recorded figures, in seconds. With `--runs DIR...` from
the cells of these run folders instead, and with `--measure` from new ones (half an hour, on an idle
machine); `--record` saves what they hold. Ends with exit code 1 when a goal is missed.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from recorded_grids import RECORDED, read_grids, write_grids
from trust_goals import Goal

from harness.analysis.budget import Budget
from harness.analysis.conformal import fit_regression
from harness.analysis.predicted_figures import FIGURES, Figure
from harness.analysis.prediction import CONFIDENCE, predict_grids
from harness.analysis.search import choose_next
from harness.analysis.selection import pick
from harness.records import Cell, Variant
from harness.records.run_folder import load_run

DEVICES = ("emulator", "host")
GRID = ("--width", "0.25,0.5,0.75,1.0", "--resolution", "128,160,192,224", "--precision", "fp32,int8")
LARGEST_ERROR = {"instructions": 0.015, "latency": 0.04}
COVERED = (0.85, 0.95)
SEARCHES = 20


@dataclass(frozen=True)
class LeftOut:
    """A cell that was predicted from the others of its precision."""

    error: float
    covered: bool


def main() -> int:
    """Print the table of goals; the exit code is 1 when one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, nargs="+", metavar="DIR", help="run folders of whole grids")
    parser.add_argument("--measure", action="store_true", help="measure the grids first")
    parser.add_argument("--record", metavar="CONDITIONS", help=f"save them in {RECORDED.name} with this text")
    options = parser.parse_args()
    folders = measure(Path(tempfile.mkdtemp())) if options.measure else options.runs
    grids = {cells[0].device.name: cells for _, cells in map(load_run, folders)} if folders else read_grids()
    if options.record:
        write_grids([cell for cells in grids.values() for cell in cells], RECORDED, options.record)
    goals = judge(grids)
    for goal in goals:
        print(f"{'ok  ' if goal.met else 'MISS'} {goal.what}: {goal.found} (wanted: {goal.wanted})")
    return 0 if all(goal.met for goal in goals) else 1


def measure(folder: Path) -> list[Path]:
    """Run the whole grid on both devices."""
    for device in DEVICES:
        command = [
            sys.executable,
            "-m",
            "harness",
            "run",
            "--device",
            device,
            *GRID,
            "--out",
            str(folder / device),
        ]
        subprocess.run(command, check=True)
    return [folder / device for device in DEVICES]


def judge(grids: Mapping[str, Sequence[Cell]]) -> list[Goal]:
    """What was predicted and found against what was measured."""
    goals = [Goal(f"{one}: a measured grid", "none", "one", False) for one in DEVICES if one not in grids]
    for device, cells in grids.items():
        for figure in FIGURES:
            left_out = leave_one_out(figure, cells)
            if left_out:
                goals += judge_figure(device, figure, left_out)
        goals.append(judge_new_widths(device, cells))
        goals += judge_searches(device, cells)
    return goals


def leave_one_out(figure: Figure, cells: Iterable[Cell]) -> list[LeftOut]:
    """Predict each cell's figure from all other cells of its precision, also those at the grid's corners."""
    found = []
    by_precision: dict[str, list[tuple[Variant, float]]] = {}
    for cell in cells:
        if (value := figure.usable(cell)) is not None:
            by_precision.setdefault(cell.variant.precision, []).append((cell.variant, value))
    for points in by_precision.values():
        features = np.array([figure.features(variant) for variant, _ in points])
        values = np.array([value for _, value in points])
        for index, value in enumerate(values):
            others = np.arange(len(values)) != index
            regression = fit_regression(features[others], values[others])
            interval = regression.predict(features[index], CONFIDENCE)
            covered = interval.low <= value <= interval.high
            found.append(LeftOut(abs(interval.estimate / value - 1), bool(covered)))
    return found


def judge_figure(device: str, figure: Figure, left_out: Sequence[LeftOut]) -> list[Goal]:
    """The median error, against the goal where the figure has one, and how many intervals cover."""
    errors = [one.error for one in left_out]
    covered = sum(one.covered for one in left_out)
    allowed = LARGEST_ERROR.get(figure.name)
    median = float(np.median(errors))
    error = Goal(
        f"{device}, {figure.name}: median error of {len(errors)} left-out cells",
        f"{median:.2%} (largest {max(errors):.1%})",
        "any" if allowed is None else f"at most {allowed:.1%}",
        allowed is None or median <= allowed,
    )
    share = covered / len(left_out)
    cover = Goal(
        f"{device}, {figure.name}: intervals of {CONFIDENCE:.0%} that cover",
        f"{covered} of {len(left_out)}, {share:.0%}",
        f"{COVERED[0]:.0%} to {COVERED[1]:.0%}" if allowed else "any",
        allowed is None or COVERED[0] <= share <= COVERED[1],
    )
    return [error, cover]


def judge_new_widths(device: str, cells: Sequence[Cell]) -> Goal:
    """Whether intervals cover at a width of which no cell is there: each but the outermost ones left out."""
    covered, asked = 0, 0
    widths = sorted({cell.variant.width for cell in cells if cell.variant.width is not None})
    for width in widths[1:-1]:
        others = [cell for cell in cells if cell.variant.width != width]
        predictions = {
            one.variant: one for grid in predict_grids(others, widths=[width]) for one in grid.predictions
        }
        for cell in cells:
            for figure in FIGURES if cell.variant in predictions else ():
                interval = predictions[cell.variant].figures.get(figure.name)
                value = figure.usable(cell)
                if interval is None or value is None:
                    continue
                asked += 1
                covered += interval.low <= value <= interval.high
    return Goal(
        f"{device}: intervals of {CONFIDENCE:.0%} at a width without a cell that cover",
        f"{covered} of {asked}, {covered / max(1, asked):.0%}",
        f"at least {COVERED[0]:.0%}",
        asked == 0 or covered >= COVERED[0] * asked,
    )


def judge_searches(device: str, cells: Sequence[Cell]) -> list[Goal]:
    """Whether searches within random budgets name what the whole grid names, and how much they measure."""
    random = np.random.default_rng(0)
    costs = [cost(cell) for cell in cells]
    right, most = 0, 0
    for _ in range(SEARCHES):
        limit = float(np.exp(random.uniform(np.log(min(costs)), np.log(max(costs)))))
        budget = (
            Budget(max_instructions=round(limit))
            if cells[0].device.emulated
            else Budget(max_latency_ns=limit)
        )
        measured = search(cells, budget)
        right += shipped(measured, budget) == shipped(cells, budget)
        most = max(most, len(measured))
    return [
        Goal(
            f"{device}: searches that find the grid's winner",
            f"{right} of {SEARCHES}",
            "all",
            right == SEARCHES,
        ),
        Goal(
            f"{device}: cells that the longest search measures",
            f"{most} of {len(cells)}",
            f"at most {len(cells) // 2}",
            most <= len(cells) // 2,
        ),
    ]


def cost(cell: Cell) -> float:
    """The worse end of what the budget limits."""
    if cell.device.emulated:
        return float(cell.instructions_per_inference or 0)
    assert cell.latency is not None
    return cell.latency.median_ns.high


def search(cells: Sequence[Cell], budget: Budget) -> list[Cell]:
    """The cells that a search measures."""
    by_variant = {cell.variant: cell for cell in cells}
    measured: list[Cell] = []
    while variants := choose_next(tuple(by_variant), measured, budget).next:
        measured += [by_variant[variant] for variant in variants]
    return measured


def shipped(cells: Sequence[Cell], budget: Budget) -> Variant | None:
    """The variant that `pick` names."""
    (answer,) = pick(cells, budget).answers
    return answer.best.cell.variant if answer.best else None


if __name__ == "__main__":
    sys.exit(main())
