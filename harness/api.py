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

    def __repr__(self) -> str:
        """Short: a notebook shows what a line gives, and the samples of a run are megabytes."""
        return f"LoadedRun({str(self.folder)!r}, {len(self.cells)} cells, {len(self.damaged)} damaged)"


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
    for one in open_run_folders([_path(folder) for folder in folders], EVALUATIONS_FOLDER):
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
        UsageError: pandas is not installed, or the runs are none of `load_runs`.
    """
    runs = _loaded(runs)
    try:
        import pandas as pd
    except ImportError as error:
        raise UsageError(
            "to_frame needs the package pandas, which is not installed",
            hint="pip install 'mobilenet-harness[frame]'",
        ) from error
    from reports.cells_csv import cells_table
    from reports.column_names import column_names
    from reports.exports.parquet import column_type, typed

    table = cells_table([(one.run, one.cells) for one in runs])
    frame = pd.DataFrame(list(map(typed, table)), columns=column_names())
    return frame.astype({name: column_type(name) for name in frame.columns})


def write_samples(runs: Iterable[LoadedRun], file: str | Path) -> int:
    """Write each measured inference as a row of a Parquet file, process by process; returns their number.

    As `harness export --format samples-parquet`: without the cells of emulated devices.

    Raises:
        UsageError: pyarrow is not installed, the runs are none of `load_runs`, or the file cannot be written.
    """
    from harness.system.files import atomic_file
    from reports.exports.samples import write_rows

    runs, place = _loaded(runs), Path(_path(file))
    try:
        with atomic_file(place) as temporary, temporary.open("wb") as stream:
            return write_rows(((one.run, one.cells) for one in runs), stream).rows
    except OSError as error:
        raise UsageError(
            f"cannot write {place}: {error.strerror or error}", hint="name a file in a folder that exists"
        ) from error


def pick(runs: Iterable[LoadedRun], budget: Budget | None = None, *, device: str | None = None) -> "Answers":
    """Choose the best variant within the budget for each device, and one for all of them.

    `document` is what `harness pick --json` prints but for its `errors`, `explain()` the text.

    Raises:
        UsageError: no cell could answer: none of that device, or none with a figure that the budget limits;
            or there is no run, or a field of the budget is no limit of its kind.
    """
    from harness.cli.answers import choose
    from harness.cli.made_budgets import check_budget

    limits = check_budget(Budget() if budget is None else budget)
    loaded = _some(runs)
    found = {one.folder: (one.run, one.cells) for one in loaded}
    unreadable = sum(len(one.damaged) for one in loaded)
    return choose(found, limits, device=_device(device), unreadable=unreadable)


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
    from harness.analysis.uncounted_cells import without_repeated
    from harness.cli import parsing
    from harness.cli.field_names import named_by_fields
    from harness.cli.made_budgets import check_confidence

    cells = cells_of_runs(without_repeated([one.cells for one in _some(runs)]))
    with named_by_fields():
        return predict_grids(
            cells,
            device=_device(device),
            widths=parsing.parse_widths(_listed("widths", widths)) if widths else (),
            resolutions_px=parsing.parse_resolutions(_listed("resolutions_px", resolutions_px))
            if resolutions_px
            else (),
            confidence=check_confidence(confidence),
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
    from harness.cli.made_requests import check_made
    from harness.cli.output_places import check_run_folder, new_run_folder
    from harness.lowering.lower import asked_for
    from harness.measuring.targets import refuse_unanswerable
    from harness.run import run as run_all
    from harness.system.paths import check_cache

    limits, place = Budget() if budget is None else budget, Path(_path(folder))
    check_run_folder(place)
    check_cache()
    checked = check_made(request, limits, search=search)
    return run_all(
        checked,
        lambda: new_run_folder(place),
        listen,
        lambda text: listen(Event("", text)),
        budget=budget,
        search=search,
        begin=lambda asked, targets, inputs, base: refuse_unanswerable(
            limits, asked, asked_for(asked, inputs), targets
        ),
    )


def _loaded(runs: object) -> tuple[LoadedRun, ...]:
    """The runs as they came from `load_runs`; raises UsageError for anything else."""
    found = tuple(runs) if isinstance(runs, Iterable) else (runs,)
    for one in found:
        if not isinstance(one, LoadedRun):
            raise UsageError(f"a run is a {type(one).__name__}", hint="load run folders: api.load_runs(...)")
    return found


def _listed(field: str, values: object) -> str:
    """Numbers as they are typed, between commas; raises UsageError for anything else."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise UsageError(f"{field} is {values!r}", hint="it is a tuple of numbers")
    return ",".join(map(str, values))


def _some(runs: object) -> tuple[LoadedRun, ...]:
    """The same, at least one."""
    found = _loaded(runs)
    if not found:
        raise UsageError("there is no run to choose from", hint="load run folders: api.load_runs(...)")
    return found


def _path(named: object) -> str | Path:
    if not isinstance(named, str | Path) or "\0" in str(named):
        raise UsageError(f"{named!r} is no path", hint="name a folder or a file, as text or a Path")
    return named


def _device(named: object) -> str | None:
    if named is not None and not isinstance(named, str):
        raise UsageError(f"device is {named!r}", hint="it is a device's name, or None for all")
    return named
