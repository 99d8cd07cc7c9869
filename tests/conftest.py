"""What all tests share: a cache for what is costly to build, and the `harness` command itself."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from harness_command import Ended, HarnessCommand

# The same examples in every CI run: a build fails for what was changed. Elsewhere each run tries new ones. No
# time is asserted: the machine may be busy.
hypothesis.settings.register_profile("here", derandomize=bool(os.environ.get("CI")), deadline=None)
hypothesis.settings.load_profile("here")


# Under nohup, and in the background of a script, these are ignored, and programs started here would inherit
# that: tests of what a signal does would fail.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

# Why a test is skipped that `make test` must not skip. The extras `huggingface` and `litert` are only in the
# environment of `make test-extras`, for which the variable is `extras`.
MISSING = re.compile(r"is not installed|needs gcc|needs Debian's package|could not import|is not set up")
OPTIONAL = re.compile(r"'datasets'|'litert_torch'")

# Workers end together only if what takes long begins first; by measured time.
LONGEST_FIRST = (
    "test_lab_end_to_end",
    "test_own_programs",
    "test_conformance",
    "test_devices_end_to_end",
    "test_launch",
    "test_evaluation_end_to_end",
    "test_faults",
    "test_lab_refusals",
    "test_cache",
    "test_android_machine",
    "test_energy_session",
    "test_killed_host",
    "test_tuning_on_arm_vm",
    "test_boards",
    "test_divergence",
    "test_page_in_browser",
    "test_fake_quantization",
    "test_authentication",
    "test_lab_foreground",
    "test_simulated_lab",
    "test_overlap",
    "test_disturbed_machine",
    "test_trust_runs",
)
# Files that measure this machine itself, as one process at a time may do: a worker runs all of them, so that
# the others need not wait. They begin with `test_own_programs`.
MEASURING_THIS_MACHINE = (
    "test_own_programs",
    "test_own_program_energy",
    "test_accuracy_end_to_end",
    "test_foreign_weights",
    "test_runtimes_end_to_end",
    "test_hostile_folders",
    "test_sustained_end_to_end",
    "test_against",
)
# Folders whose tests share what takes long to make, such as a booted machine or lowered programs.
SHARING = ("device_scripts", "lowering", "reports", "transports")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """File by file, as `--dist loadfile`, but what waits for each other or shares goes to one worker."""

    def group_of(nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        if path.stem in MEASURING_THIS_MACHINE:
            return "this machine"
        return path.parent.name if path.parent.name in SHARING else str(path)

    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = group_of
    return scheduler


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; the order is otherwise kept."""
    rank = {name: at for at, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything was set up (`make test`), a test that is skipped for a missing program has failed."""
    report = yield
    if report.skipped and os.environ.get("HARNESS_TESTS_NEED_ALL") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        optional = os.environ["HARNESS_TESTS_NEED_ALL"] != "extras" and OPTIONAL.search(reason)
        if MISSING.search(reason) and not optional:
            report.outcome = "failed"
            report.longrepr = f"{reason}; make setup, .ci/setup_host.sh or make test-extras installs it"
    return report


@pytest.fixture
def run_harness(tmp_path: Path) -> HarnessCommand:
    """Run `harness` as a user does, in an empty folder."""

    def run(*arguments: str | Path, timeout_s: float = 300, env: dict[str, str] | None = None) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "harness", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture(scope="session")
def own_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of `make_own_programs.py`; to make them takes some 20 s."""
    folder = tmp_path_factory.mktemp("own_programs")
    script = Path(__file__).with_name("make_own_programs.py")
    subprocess.run([sys.executable, "-W", "ignore", str(script), str(folder)], check=True, timeout=300)
    return folder


@pytest.fixture
def no_compilers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any program to be found."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
