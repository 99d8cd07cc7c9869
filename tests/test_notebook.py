"""The notebook of the docs is executed as it is committed; the page beside it names all of the API."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import api
from harness.records.run_folder import read_cells

DOCS = Path(__file__).parents[1] / "docs"
BASE = DOCS.parent / "benchmarks" / "base"
NOTEBOOK = DOCS / "explore.ipynb"
EXECUTE = """
import sys
import nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
place = {"metadata": {"path": sys.argv[2]}}
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
nbformat.write(notebook, sys.argv[3])
"""


def test_the_notebook_is_saved_without_output() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_the_notebook_runs_and_answers(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    folders = ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    ended = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(DOCS), str(tmp_path / "executed.ipynb")],
        env={**os.environ, **{name: str(tmp_path / name.lower()) for name in folders}},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    outputs = [_text(cell) for cell in json.loads((tmp_path / "executed.ipynb").read_text())["cells"]]
    shown = "\n".join(outputs)
    assert str(count_of("mobilenet_v1_0.25_128_fp32")) in shown
    assert "emulator: ship mobilenet_v1_0.5_128_int8, 1 thread" in shown
    assert "0.391" in shown


def count_of(variant: str) -> int:
    """Instructions of an inference, in the run that the notebook reads."""
    (cell,) = [cell for cell in read_cells(BASE) if cell.variant.name == variant]
    assert cell.instructions_per_inference
    return cell.instructions_per_inference


def _text(cell: dict[str, Any]) -> str:
    parts = (
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.get("outputs", ())
    )
    return "".join("".join(part) for part in parts)


def test_the_page_names_all_of_the_api() -> None:
    page = (DOCS / "api.md").read_text()
    assert [name for name in api.__all__ if name not in page] == []
