"""Run folders at URLs, here in fsspec's memory: found, checked, copied, read, and named in errors."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import api
from harness.cli.run_folders import open_one_run_folder, open_run_folders
from harness.errors import UsageError
from harness.system import remote_storage
from harness_command import run_main
from remote_folders import refusal, write_lab

fsspec = pytest.importorskip("fsspec")
registry = importlib.import_module("fsspec.registry")


def run_in(monkeypatch: pytest.MonkeyPatch, folder: Path, *words: str | Path) -> int:
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    return run_main(monkeypatch, *words)


@pytest.mark.parametrize(
    "urls",
    [
        ["memory://labs"],
        ["memory://labs/*"],
        ["memory://labs/berlin/", "memory://labs/[op]*", "memory://labs/*"],
    ],
)
def test_a_folder_of_runs_and_a_pattern_name_several_each_once(labs: Any, urls: list[str]) -> None:
    opened = open_run_folders(urls)
    assert [folder.name for folder in opened.folders] == ["berlin", "oslo"]
    assert list(opened.copies.values()) == ["memory://labs/berlin", "memory://labs/oslo"]
    runs, errors = opened.load()
    assert [cells[0].device.name for _, cells in runs] == ["berlin", "oslo"]
    assert errors == ()


@pytest.mark.parametrize(
    ("url", "last"),
    [
        ("zip://year/*::FILE", "zip://year/oslo::FILE"),
        ("zip://*/[bo]*::FILE", "zip://year/oslo::FILE"),
        ("zip://year::file://FILE", "zip://year/oslo::file://FILE"),
        ("zip::FILE", "zip://oslo::FILE"),
    ],
)
def test_runs_in_an_archive_are_read_as_they_are(tmp_path: Path, url: str, last: str) -> None:
    for lab in ("berlin", "oslo"):
        write_lab(tmp_path / "runs" / "year", lab)
    root = tmp_path / "runs" / ("" if "://" in url.partition("::")[0] else "year")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", root)
    opened = open_run_folders([url.replace("FILE", packed)])
    runs, errors = opened.load()
    assert [cells[0].device.name for _, cells in runs] == ["berlin", "oslo"]
    assert opened.copies[opened.folders[-1]] == last.replace("FILE", packed)
    assert errors == ()


def test_only_what_the_command_reads_is_copied(labs: Any) -> None:
    for name in (
        "accuracy/a.json",
        "base/cells/b.json",
        "artifacts/x.pte",
        "report/index.html",
        "cells/x.txt",
    ):
        labs.pipe(f"/labs/oslo/{name}", b"{}")
    (folder,) = open_run_folders(["memory://labs/oslo"], "accuracy", "base").folders
    copied = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in copied if not name.startswith("cells/pi4")} >= {
        "run.json",
        "accuracy/a.json",
        "base/cells/b.json",
    }
    assert not {"artifacts/x.pte", "report/index.html", "cells/x.txt"} & copied


def test_a_large_file_is_copied_part_by_part(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_storage, "PART_BYTES", 7)
    content = bytes(range(100))
    memory.pipe("/labs/x/run.json", content)
    memory.pipe("/labs/x/cells/empty.json", b"")
    (folder,) = open_run_folders(["memory://labs/x"]).folders
    assert (folder / "run.json").read_bytes() == content
    assert (folder / "cells" / "empty.json").read_bytes() == b""


def test_two_labs_become_one_report_in_the_current_folder(
    labs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(monkeypatch, tmp_path / "here", "report", "memory://labs/*", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["report"] == str(tmp_path / "here" / "report-berlin+oslo" / "index.html")
    page = Path(document["report"]).read_text()
    assert "berlin" in page
    assert "oslo" in page


def test_a_folder_here_and_one_at_a_url_are_read_together(
    labs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = write_lab(tmp_path / "results", "own")
    assert run_in(monkeypatch, tmp_path / "here", "report", own, "memory://labs/oslo") == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "results" / "report-own+oslo" / "index.html")


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (["pick", "memory://labs", "--max-latency", "1s"], 0),
        (["predict", "memory://labs"], 1),
        (["history", "memory://labs/oslo"], 0),
        (["compare", "memory://labs/oslo", "memory://labs/oslo"], 0),
        (["export", "memory://labs/oslo", "--format", "csv", "--out", "cells.csv"], 0),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_every_command_that_reads_runs_reads_a_url(
    labs: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    exit_code: int,
) -> None:
    assert run_in(monkeypatch, tmp_path / "here", *words, "--json") == exit_code
    printed = capsys.readouterr().out
    assert "error" not in json.loads(printed)
    assert "harness-" not in printed.replace("harness-report", ""), "it names a copy that will be removed"


def test_a_program_of_a_copied_run_is_lowered_into_a_folder_that_stays(
    labs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in(monkeypatch, tmp_path / "here", "pick", "memory://labs/oslo")
    assert "--out artifacts" in capsys.readouterr().out


def test_the_copies_are_removed_when_the_process_ends(labs: Any, tmp_path: Path) -> None:
    script = (
        "import fsspec, sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from remote_folders import upload\n"
        "from harness.cli.run_folders import open_run_folders\n"
        "upload(fsspec.filesystem('memory'), Path(sys.argv[2]), '/x')\n"
        "print(open_run_folders(['memory://x']).folders[0])\n"
    )
    uploaded = write_lab(tmp_path / "one", "oslo")
    tests = str(Path(__file__).parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", script, tests, str(uploaded)], capture_output=True, text=True, check=True
    )
    copy = Path(ended.stdout.strip())
    assert copy.parts[-1] == "x"
    assert not copy.parents[1].exists()


def test_the_api_loads_urls_as_the_commands_do(labs: Any) -> None:
    assert [one.cells[0].device.name for one in api.load_runs("memory://labs/*")] == ["berlin", "oslo"]


def test_a_damaged_cell_is_named_by_its_url_and_the_others_are_read(
    labs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labs.pipe("/labs/oslo/cells/broken.json", b"{")
    assert run_in(monkeypatch, tmp_path / "here", "export", "memory://labs/oslo", "--format", "csv") == 1
    errors = " ".join(capsys.readouterr().err.split())
    assert "memory://labs/oslo/cells/broken.json is damaged" in errors
    assert "correct the run folder where it was measured" in errors
    assert "--resume" not in errors


def test_a_run_without_cells_is_named_by_its_url(labs: Any) -> None:
    labs.rm("/labs/oslo/cells", recursive=True)
    with pytest.raises(UsageError, match="memory://labs/oslo holds no measured cell"):
        open_run_folders(["memory://labs/oslo"]).load()


def test_a_url_without_a_run_is_refused(labs: Any) -> None:
    assert "there is nothing at memory://labs/rome" in refusal("memory://labs/rome").what
    assert "no run folder at memory://labs/berlin/cells" in refusal("memory://labs/berlin/cells").what
    assert "no run folder at memory://labs/x*" in refusal("memory://labs/x*").what


@pytest.mark.parametrize("url", ["memory://labs/**", "memory://labs/**/oslo"])
def test_a_pattern_for_a_whole_storage_is_refused(labs: Any, url: str) -> None:
    assert "could stand for a whole storage" in refusal(url).what


def test_several_runs_where_one_is_needed_are_refused_before_they_are_copied(labs: Any) -> None:
    with pytest.raises(
        UsageError, match=r"memory://labs/\* names 2 run folders, and one is needed"
    ) as refused:
        open_one_run_folder("memory://labs/*")
    assert refused.value.hint == "name one of them: memory://labs/berlin or memory://labs/oslo"


def test_a_password_in_the_url_is_never_printed(
    labs: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "memory://anna:hunter2@labs/rome?sig=hunter2"
    monkeypatch.setattr("sys.argv", [])
    assert run_in(monkeypatch, tmp_path, "--debug", "report", url) == 2
    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err
    assert "memory://" in printed.err


@pytest.mark.parametrize(
    "words", [["report"], ["history"], ["export", "--format", "csv"]], ids=lambda w: w[0]
)
def test_nothing_is_written_at_a_url(
    labs: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    command = [words[0], "memory://labs/oslo", *words[1:], "--out", "memory://labs/out"]
    assert run_in(monkeypatch, tmp_path / "here", *command) == 2
    assert "--out names a URL, and nothing is written at a URL" in capsys.readouterr().err
    assert not list((tmp_path / "here").iterdir())


def test_an_evaluation_of_a_run_at_a_url_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(monkeypatch, tmp_path, "evaluate", "s3://bucket/run") == 2
    assert "DIR names a URL, and nothing is written at a URL" in capsys.readouterr().err


def test_an_unknown_protocol_is_refused() -> None:
    error = refusal("nope://bucket/run")
    assert "no storage is known by the protocol nope://" in error.what


@pytest.mark.parametrize(
    ("missing", "url", "lacking", "line"),
    [
        ("fsspec", "s3://bucket/run", "fsspec", "pip install 'mobilenet-harness[remote]' s3fs"),
        ("s3fs", "s3://bucket/run", "s3fs", "pip install 'mobilenet-harness[remote]' s3fs"),
        ("gcsfs", "gs://bucket/run", "gcsfs", "pip install 'mobilenet-harness[remote]' gcsfs"),
        ("adlfs", "zip://run::az://box/x.zip", "adlfs", "pip install 'mobilenet-harness[remote]' adlfs"),
        ("fsspec", "memory://run", "fsspec", "pip install 'mobilenet-harness[remote]'"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, missing: str, url: str, lacking: str, line: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    # fsspec keeps the classes that another test has used.
    monkeypatch.delitem(vars(registry)["_registry"], "s3", raising=False)
    error = refusal(url)
    assert error.what == f"reading {url} needs {lacking}, which is not installed"
    assert error.hint == line


def test_a_folder_whose_name_looks_like_a_url_is_read_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_lab(tmp_path, "a::b")
    monkeypatch.chdir(tmp_path)
    opened = open_run_folders(["a::b"])
    assert opened.folders == ((tmp_path / "a::b").resolve(),)
    assert not opened.copies
