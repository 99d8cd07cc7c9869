"""The harness from Python: load, measure, choose and predict, as the commands do.

What is in `__all__` is stable: names, arguments and returned fields change only with a new major version. The
records' own fields are those of the saved files (`harness schema`). Nothing is printed. Errors are
`HarnessError`, with `what` and `hint`. Importing this module imports neither torch nor pandas.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.budget import Budget
from harness.errors import HarnessError, UsageError
from harness.records import Cell, Run, RunRequest
from harness.records.progress import Event

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.prediction import Grid
    from harness.cli.answers import Answers
    from harness.measuring.run_outcome import Outcome

__all__ = [
    "Budget",
    "Event",
    "HarnessError",
    "LoadedRun",
    "RunRequest",
    "load_runs",
    "pick",
    "predict",
    "run",
    "to_frame",
    "write_samples",
]


@dataclass(frozen=True)
class LoadedRun:
    """A run folder as it was read; `damaged` has an error for each cell that was left out.

    That of a URL is a copy, which is removed when the process ends.
    """

    folder: Path
    run: Run
    cells: tuple[Cell, ...]
    damaged: tuple[HarnessError, ...] = ()


def load_runs(*folders: str | Path, skip_damaged: bool = False) -> tuple[LoadedRun, ...]:
    """Load run folders in this order, each once. With `skip_damaged`, damaged cells are left out and named.

    A folder can also be a URL, such as `s3://bucket/nightly-*`, as for the commands.

    Raises:
        UsageError: not a run folder, of another schema version, or without cells; or a cell is damaged; or a
            URL cannot be read.
    """
    from harness.cli.run_folders import open_run_folders
    from harness.records.outcomes import EVALUATIONS_FOLDER

    loaded = []
    for one in open_run_folders(folders, EVALUATIONS_FOLDER):
        ((found, cells),), damaged = one.load()
        if damaged and not skip_damaged:
            raise UsageError(damaged[0].what.removesuffix("; left out"), hint=damaged[0].hint)
        loaded.append(LoadedRun(one.folders[0], found, cells, damaged))
    return tuple(loaded)


def to_frame(runs: Iterable[LoadedRun]) -> "pd.DataFrame":
    """A row for each cell, with the columns of a report's `cells.csv`; a missing figure is `<NA>`.

    Columns have pandas' nullable types, the same for every run. Text is not escaped as in the CSV. Of an
    emulated device, times are its clock's, as the column `clock` says.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UsageError(
            "to_frame needs the package pandas, which is not installed",
            hint="pip install 'mobilenet-harness[frame]'",
        ) from error
    from reports.cells_csv import cells_table
    from reports.exports.parquet import column_type, typed

    table = cells_table([(one.run, one.cells) for one in runs])
    frame = pd.DataFrame(list(map(typed, table)))
    return frame.astype({name: column_type(name) for name in frame.columns})


def write_samples(runs: Iterable[LoadedRun], file: str | Path) -> int:
    """Write each measured inference as a row of a Parquet file, process by process; returns their number.

    As `harness export --format samples-parquet`: without the cells of emulated devices.

    Raises:
        UsageError: pyarrow is not installed.
    """
    from harness.system.files import atomic_file
    from reports.exports.samples import write_rows

    with atomic_file(Path(file)) as temporary, temporary.open("wb") as stream:
        return write_rows(((one.run, one.cells) for one in runs), stream).rows


def pick(runs: Iterable[LoadedRun], budget: Budget | None = None, *, device: str | None = None) -> "Answers":
    """Choose the best variant within the budget for each device, and one for all of them.

    `document` is what `harness pick --json` prints but for its `errors`, `explain()` the text.

    Raises:
        UsageError: no cell could answer: none of that device, or none with a figure that the budget limits.
    """
    from harness.cli.answers import choose

    return choose({one.folder: (one.run, one.cells) for one in runs}, budget or Budget(), device=device)


def predict(
    runs: Iterable[LoadedRun],
    *,
    device: str | None = None,
    widths: Sequence[float] = (),
    resolutions_px: Sequence[int] = (),
    confidence: float = 0.9,
) -> "tuple[Grid, ...]":
    """Predict the variants that were not measured, a grid for each device, precision and placement.

    Without `widths` or `resolutions_px`, the published and the measured ones. `confidence` is the share of
    measurements that should lie inside their intervals.

    Raises:
        UsageError: there is nothing to predict from, or a width, resolution or confidence is out of range.
    """
    from harness.analysis.machines import cells_of_runs
    from harness.analysis.prediction import predict_grids
    from harness.cli import parsing
    from harness.cli.quantity_options import parse_confidence

    return predict_grids(
        cells_of_runs(one.cells for one in runs),
        device=device,
        widths=parsing.parse_widths(",".join(map(str, widths))) if widths else (),
        resolutions_px=parsing.parse_resolutions(",".join(map(str, resolutions_px)))
        if resolutions_px
        else (),
        confidence=parse_confidence(f"{100 * confidence:.12g}%"),
    )


def run(
    request: RunRequest,
    folder: str | Path,
    *,
    budget: Budget | None = None,
    search: bool = False,
    listen: Callable[[Event], None] = lambda event: None,
) -> "Outcome":
    """Lower, measure, save and report, as `harness run --out FOLDER --yes` does.

    `listen` is called with what happens, from several threads. What went wrong with a device or variant is in
    the outcome's `errors`; the rest was measured. Ctrl-C raises `Interrupted`; `harness run --resume FOLDER`
    continues.

    Raises:
        UsageError: the request cannot be met, or the folder holds something; nothing was touched.
    """
    from harness.cli import validation
    from harness.cli.made_requests import check_made
    from harness.cli.output_places import check_run_folder, new_run_folder
    from harness.lowering.lower import asked_for
    from harness.measuring.targets import refuse_unanswerable
    from harness.run import run as run_all
    from harness.system.paths import check_cache

    limits = budget or Budget()
    check_run_folder(Path(folder))
    check_cache()
    check_made(request)
    validation.check_sustained(request, search=search)
    if search:
        validation.check_search(request, limits)
    return run_all(
        request,
        lambda: new_run_folder(Path(folder)),
        listen,
        lambda text: listen(Event("", text)),
        budget=budget,
        search=search,
        begin=lambda asked, targets, inputs, base: refuse_unanswerable(
            limits, asked, asked_for(asked, inputs), targets
        ),
    )
