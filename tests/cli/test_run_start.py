"""What `harness run` shows and asks before it measures."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_device, make_processes, make_run
from harness.analysis.budget import Budget
from harness.analysis.failures import FailOn
from harness.cli import run_start
from harness.cli.run_start import Start
from harness.devices.places import group_by_place
from harness.devices.target import Target
from harness.errors import ConnectionLost, DeviceUnfit, TransportError, UsageError
from harness.measuring.doctor import Diagnosis
from harness.measuring.plans import plan_cells
from harness.measuring.preflight import Survey
from harness.records import Core, RunRequest, Variant
from harness.records.progress import Log
from harness.records.run_folder import write_cell, write_run

PHONE = make_device(name="phone", kind="android", cores=tuple(Core(index=index) for index in range(4)))
TARGET = Target("phone", "android", "adb", "serial")
HOT = Diagnosis("phone", "temperature", "unfit", "cores at 81.0 °C (cpu)", "let the device cool down")
REQUEST = RunRequest(
    devices=("phone",),
    widths=(0.25,),
    resolutions_px=(128,),
    precisions=("fp32",),
    threads=(1,),
    processes=1,
    max_seconds=0.1,
    min_seconds=0.1,
)


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")

    def run(
        *,
        hot: bool = False,
        request: RunRequest = REQUEST,
        terminal: bool = False,
        answer: str = "",
        **given: Any,
    ) -> None:
        found = Survey({"phone": PHONE}, (HOT,) if hot else ())

        def survey(targets: Sequence[Target], log: Log, *, energy: bool = False) -> Survey:
            return found if targets else Survey({}, ())

        monkeypatch.setattr(run_start, "_in_terminal", lambda: terminal)
        monkeypatch.setattr(run_start, "_confirmed", lambda: answer == "y")
        options = dict.fromkeys(("dry_run", "yes", "search", "json", "quiet"), False)
        none = dict.fromkeys(("resume", "out", "fail_on"))
        start = Start(
            **{"budget": Budget(), **options, **none, "survey": survey, "group": group_by_place, **given}
        )
        start.begin(request, (TARGET,), None)

    return run


def test_a_fit_device_and_a_short_run_are_not_mentioned(
    begin: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    begin()
    assert capsys.readouterr() == ("", "")


def test_a_run_of_no_device_that_can_be_reached_ends_there_and_is_not_tried_twice(
    begin: Callable[..., None],
) -> None:
    gone = ConnectionLost("no route to host", device="far")

    def start(*unreachable: str) -> None:
        refused: dict[str, TransportError] = dict.fromkeys(unreachable, gone)

        def survey(targets: Sequence[Target], log: Log, *, energy: bool = False) -> Survey:
            return Survey({"phone": PHONE}, (), refused)

        alone = Start(None, None, False, False, None, False, Budget(), False, False, survey, group_by_place)
        alone.begin(REQUEST, (TARGET, Target("far", "android", "adb", "far")), None)

    begin()
    start()
    start("far")
    with pytest.raises(ConnectionLost, match="no route") as raised:
        start("phone", "far")
    assert (raised.value.exit_code, raised.value.device) == (4, "far")


def test_a_long_run_is_announced_with_its_plan_unless_quiet(
    begin: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    long = RunRequest(
        **{name: getattr(REQUEST, name) for name in REQUEST.__struct_fields__} | {"processes": 99}
    )
    begin(request=long, search=True)
    printed = capsys.readouterr().err
    assert "plan: 1 variant, 1 to lower, about 15 s\n" in printed
    assert "\nplan: phone: 1 cell, 99 processes, about " in printed
    assert "in all, an estimate (rule: 0.5 s to start a process on this machine, 2 s elsewhere" in printed
    assert "plan: at most: a search" in printed
    begin(request=long, quiet=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("terminal", "answer", "yes", "fail_on", "measured"),
    [
        (False, "", False, None, True),
        (False, "", False, "invalid", True),
        (False, "", False, "suspect", False),
        (False, "", True, "suspect", True),
        (True, "y", False, None, True),
        (True, "n", False, None, False),
        (True, "n", True, None, True),
    ],
)
def test_an_unfit_device_is_reported_before_anything_is_made(
    begin: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    *,
    terminal: bool,
    answer: str,
    yes: bool,
    fail_on: FailOn | None,
    measured: bool,
) -> None:
    given = {"hot": True, "terminal": terminal, "answer": answer, "yes": yes, "fail_on": fail_on}
    if measured:
        begin(**given)
    else:
        with pytest.raises(DeviceUnfit, match=r"not measured: cores at 81\.0 °C") as refused:
            begin(**given)
        assert "--yes" in refused.value.hint
    warning = "warning: phone: temperature: cores at 81.0 °C (cpu); let the device cool down"
    assert capsys.readouterr().err.startswith(warning)


def test_a_run_with_nothing_left_to_measure_asks_nothing(
    begin: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    variant = Variant(width=0.25, resolution_px=128, precision="fp32")
    (asked,) = plan_cells(REQUEST, [variant], PHONE, ())
    cell = make_cell(device=PHONE, plan=asked.plan, processes=make_processes(10_000_000))
    cell = replace(cell, variant=variant, stopped_by="max_rounds", artifact=make_artifact(variant=variant))
    write_run(tmp_path / "run", make_run((cell,)))
    write_cell(tmp_path / "run", cell)
    begin(hot=True, fail_on="suspect", resume=tmp_path / "run")
    assert capsys.readouterr() == ("", "")


def test_a_dry_run_prints_every_cell_and_ends_there(
    begin: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(typer.Exit) as ended:
        begin(dry_run=True)
    assert ended.value.exit_code == 0
    printed = capsys.readouterr().out
    assert "phone   mobilenet_v1_0.25_128_fp32  1        any    1" in printed
    assert "plan: phone: 1 cell, 1 process, about 4 s\n" in printed
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_as_json_is_one_document(
    begin: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit):
        begin(dry_run=True, json=True)
    document = json.loads(capsys.readouterr().out)
    (device,) = document["plan"]["devices"]
    # It was not asked: a dry run reads this machine alone.
    assert (device["name"], device["cores_known"], len(device["cells"])) == ("phone", False, 1)
    assert document["problems"] == []


def test_a_dry_run_refuses_what_the_run_would_refuse(begin: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UsageError, match="is not empty"):
        begin(dry_run=True, out=tmp_path / "full")


def test_cores_that_no_device_has_end_the_run_before_it_begins(begin: Callable[..., None]) -> None:
    request = replace(REQUEST, cores=("prime",))
    with pytest.raises(DeviceUnfit, match="the device has no prime cores") as refused:
        begin(request=request)
    assert refused.value.hint == "choose --cores from: all (0-3)"
