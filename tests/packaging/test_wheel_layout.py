"""The wheel: one package, which needs nothing of what only lowering needs."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from scripted import run_scripted
from wheel_layout import rename_imports

from harness.lowering.artifact import lower_cached
from harness.records import Variant
from harness.runner.bundle import ensure_bundle
from harness.runner.local_run import host_abi
from harness.system.paths import PROJECT, cache_folder

# What a light installation lacks, and what must not be found beside `harness`.
ABSENT = (
    *("torch", "executorch", "torchao", "safetensors", "cmake", "ninja"),
    *("scipy", "pandas", "pyarrow", "h5py", "models", "reports", "device_scripts"),
)
HIDE = f"""
import importlib.metadata, importlib.util, sys
absent = {ABSENT!r}
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
find_spec, version = importlib.util.find_spec, importlib.metadata.version
importlib.util.find_spec = lambda name, *rest: None if name in absent else find_spec(name, *rest)
def installed(name):
    if name in absent:
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = installed
"""
COMMAND = f"{HIDE}\nfrom harness.cli.main import main\nmain()\n"
BASE = str(PROJECT / "benchmarks" / "base")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(argv, cwd=PROJECT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    folder = wheel.parent / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(
    installed: Path, *argv: str, program: str = COMMAND, cache: Path | None = None
) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(installed), "HARNESS_CACHE": str(cache or installed.parent / "cache")}
    return run_scripted(program, installed.parent, *argv, env=env)


def test_the_wheel_puts_one_package_beside_others(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()}
    assert names == {"harness", *(name for name in names if name.endswith(".dist-info"))}
    assert (installed / "harness" / "device_scripts" / "launch.sh").read_bytes() == (
        PROJECT / "device_scripts" / "launch.sh"
    ).read_bytes()


@pytest.mark.parametrize(
    ("argv", "answer"),
    [
        (("compare", BASE, BASE), "No worse"),
        (("pick", BASE), "mobilenet_v1_0.5_128"),
        (("report", BASE, "--out", "report"), "index.html"),
        (("history", BASE, BASE, "--out", "history.html"), "instructions"),
        (("export", BASE, "--format", "csv"), "instructions_per_inference"),
        (("predict", BASE), "published"),
        (("devices",), "emulator"),
        (("doctor", "emulator"), "mobilenet-harness[lower]"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_without_the_packages_for_lowering(installed: Path, argv: tuple[str, ...], answer: str) -> None:
    ended = run_installed(installed, *argv)
    assert "defect" not in ended.stderr, ended.stderr
    assert answer in ended.stdout, ended.stdout + ended.stderr


def test_the_report_of_an_installed_package_explains_its_reasons(installed: Path) -> None:
    ended = run_installed(installed, "report", BASE, "--out", "explained")
    assert ended.returncode == 0, ended.stderr
    assert 'id="reason-emulated"' in (installed.parent / "explained" / "index.html").read_text()


USE_API = """
from harness import api
runs = api.load_runs(sys.argv[1])
print(api.pick(runs, api.Budget(max_instructions=12e6)).document["best"]["variant"].name)
request = api.RunRequest(
    devices=("host",), widths=(0.25,), resolutions_px=(32,), precisions=("fp32",), threads=(1,)
)
for use in (lambda: api.to_frame(runs), lambda: api.run(request, "results")):
    try:
        use()
    except api.HarnessError as error:
        print(error.hint)
"""


def test_the_api_of_an_installed_package_chooses_and_says_which_extras_it_lacks(installed: Path) -> None:
    ended = run_installed(installed, BASE, program=HIDE + USE_API)
    assert ended.stdout.splitlines() == [
        "mobilenet_v1_0.5_128_int8",
        "pip install 'mobilenet-harness[frame]'",
        "pip install 'mobilenet-harness[lower]'",
    ], ended.stderr
    assert not (installed.parent / "results").exists()


@pytest.mark.parametrize(
    ("argv", "purpose", "extra"),
    [
        (("run", "--device", "host", "--width", "0.25"), "lowering a network", "lower"),
        (("lower", "--width", "0.25"), "lowering a network", "lower"),
        (("train", "--dataset", "photos", "--out", "w.safetensors"), "training", "train"),
    ],
    ids=["run", "lower", "train"],
)
def test_what_needs_an_extra_says_which(
    installed: Path, argv: tuple[str, ...], purpose: str, extra: str
) -> None:
    ended = run_installed(installed, *argv)
    assert ended.returncode == 2
    assert f"{purpose} needs what is not installed: torch, executorch, safetensors" in ended.stderr
    assert f"hint: pip install 'mobilenet-harness[{extra}]'" in ended.stderr
    assert not (installed.parent / "results").exists()


@pytest.mark.slow
def test_a_program_is_measured_without_the_packages_for_lowering(installed: Path, tmp_path: Path) -> None:
    variant = Variant(width=0.25, resolution_px=32, precision="fp32", classes=10)
    program = tmp_path / "mine.pte"
    shutil.copy(lower_cached(variant).program, program)
    # The cache of the other tests has the runner: it was built from the same sources.
    ensure_bundle(host_abi())
    ended = run_installed(
        installed,
        *("run", "--device", "host", "--program", str(program), "--processes", "1", "--warmup", "1"),
        *("--iterations", "3", "--min-time", "0", "--out", str(tmp_path / "run")),
        cache=cache_folder(),
    )
    assert ended.returncode == 0, ended.stderr
    assert "mine.pte" in ended.stdout


def test_imports_of_folders_beside_the_package_are_renamed_wherever_they_stand() -> None:
    source = (
        "from models.layers import a\nx = 'é'; from reports import b\ndef f():\n    from reports.x import (\n"
    )
    source += "        c,\n    )\nfrom modelsx import d\nfrom .models import e\n"
    renamed = rename_imports(source, "module.py")
    assert renamed.splitlines()[0] == "from harness.models.layers import a"
    assert renamed.splitlines()[1] == "x = 'é'; from harness.reports import b"
    assert renamed.splitlines()[3] == "    from harness.reports.x import ("
    assert renamed.splitlines()[6:] == ["from modelsx import d", "from .models import e"]


def test_an_import_that_would_bind_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"module\.py:2: write from \.\.\. import"):
        rename_imports("import sys\nimport reports.tables\n", "module.py")
