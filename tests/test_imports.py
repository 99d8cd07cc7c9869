"""The one-way import rule of the design, checked over the syntax trees of all our modules."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "models", "reports")

# From the bottom up: a module imports only from its own layer or from those before it.
LAYERS = (
    ("harness.errors", "harness.system.paths", "harness.system.text", "harness.cli.units"),
    ("harness.records", "harness.system.progress"),
    ("harness.transports",),
    (
        "harness.runner.bundle",
        "harness.records.run_folder",
        "harness.analysis.published",
        "harness.lowering",
        "harness.devices",
    ),
    (
        "harness.measuring",
        "harness.accuracy",
        "harness.devices.host_lock",
        "harness.analysis.comparison",
        "harness.analysis.comparison_text",
        "harness.analysis.selection",
    ),
    ("harness.measuring.parallel", "harness.measuring.doctor", "harness.accuracy.divergence"),
    (
        "harness.run",
        "harness.accuracy.evaluate",
        "harness.accuracy.training.train",
        "harness.cli.parsing",
        "harness.cli.validation",
    ),
    ("harness.cli.console",),
    ("harness.cli",),
    ("harness.cli.main", "harness.__main__"),
)
# What a module may import outside its layer's rule: foreign package -> the only places that may.
CONFINED = {
    "torch": ("harness.lowering", "harness.accuracy", "models"),
    "torchao": ("harness.lowering", "harness.accuracy"),
    "executorch": ("harness.lowering", "harness.accuracy"),
    "matplotlib": ("reports",),
    "pandas": ("reports",),
    "subprocess": ("harness.transports",),
    "typer": ("harness.cli",),
    "rich": ("harness.cli.console", "harness.cli"),
}
REPORTS_MAY_IMPORT = (
    "harness.records",
    "harness.errors",
    "harness.system.text",
    "harness.analysis.published",
    "reports",
)


def _modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def _inside(module: str, place: str) -> bool:
    return module == place or module.startswith(place + ".")


def _layer(module: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) if any(_inside(module, place) for place in layer)), None)


@pytest.mark.parametrize(("module", "path"), list(_modules()), ids=str)
def test_imports_go_one_way(module: str, path: Path) -> None:
    imported = _imports(path)
    for foreign, places in CONFINED.items():
        if any(_inside(name, foreign) for name in imported):
            assert any(_inside(module, place) for place in places), f"{module} must not import {foreign}"
    ours = {name for name in imported if name.split(".")[0] in PACKAGES}
    if _inside(module, "models"):
        assert all(_inside(name, "models") for name in ours)
    elif _inside(module, "reports"):
        wrong = [name for name in ours if not any(_inside(name, place) for place in REPORTS_MAY_IMPORT)]
        assert not wrong, f"{module} imports {wrong}"
    elif (own := _layer(module)) is not None:
        wrong = [name for name in ours if (layer := _layer(name)) is not None and layer > own]
        assert not wrong, f"{module} imports {wrong}, which lie above it"
    else:
        assert module == "harness", f"{module} has no place in LAYERS"
