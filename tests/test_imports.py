"""The one-way import rule of docs/architecture.md, checked over the syntax trees of all our modules."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "models", "reports")
ARCHITECTURE = PROJECT / "docs" / "architecture.md"
MOST_NAMES_IN_HARNESS = 13

# What only some places may import: foreign package -> those places.
CONFINED = {
    "torch": ("harness.lowering", "harness.accuracy", "models"),
    "torchao": ("harness.lowering", "harness.accuracy"),
    "executorch": ("harness.lowering", "harness.accuracy"),
    "matplotlib": ("reports",),
    "pandas": ("harness.api",),
    "pyarrow": ("reports",),
    "fsspec": ("harness.system.remote_storage",),
    "ray": ("harness.lab",),
    "subprocess": ("harness.system.processes", "harness.system.child_processes"),
    "typer": ("harness.cli",),
    "rich": ("harness.cli",),
}
REPORTS_MAY_IMPORT = ("harness.records", "harness.analysis", "harness.errors", "harness.system", "reports")


def read_layers() -> tuple[tuple[str, ...], ...]:
    """The layers that the architecture page draws, from the bottom up."""
    block = re.search(r"^```layers\n(.*?)^```", ARCHITECTURE.read_text(), re.DOTALL | re.MULTILINE)
    assert block, f"{ARCHITECTURE} has no block of layers"
    return tuple(tuple(line.split()) for line in reversed(block[1].splitlines()))


LAYERS = read_layers()


def _modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


MODULES = dict(_modules())


def _imports(path: Path, *, only_on_import: bool = False) -> set[str]:
    """The modules a file imports, wherever it does; `only_on_import`: those that importing it imports."""
    tree = ast.parse(path.read_text())
    nodes: Iterator[ast.AST] = iter(tree.body) if only_on_import else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            named = {alias.name for alias in node.names}
            found |= whole
            if len(whole) < len(named):
                found.add(node.module)
    return found


def _inside(module: str, place: str) -> bool:
    return module == place or module.startswith(place + ".")


def _layer(module: str) -> int | None:
    room = module.split(".")[1] if "." in module else ""
    return next((i for i, rooms in enumerate(LAYERS) if room in rooms), None)


@pytest.mark.parametrize(("module", "path"), MODULES.items(), ids=str)
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
        room = module.split(".")[1]
        wrong = [
            name
            for name in ours
            if _inside(name, "harness")
            and name.split(".")[1:2] != [room]
            and ((layer := _layer(name)) is None or layer >= own)
        ]
        assert not wrong, f"{module} imports {wrong}, which do not lie below it"
    else:
        assert module in ("harness", "harness.__main__"), f"{module} has no layer in {ARCHITECTURE.name}"


@pytest.mark.parametrize(
    ("module", "path"), [each for each in MODULES.items() if _inside(each[0], "harness.analysis")], ids=str
)
def test_analysis_computes_on_records_alone(module: str, path: Path) -> None:
    # The arithmetic of the layers, which imports nothing.
    foreign = {name.split(".")[0] for name in _imports(path) - {"models.layers"}} - sys.stdlib_module_names
    assert foreign <= {"harness", "numpy", "msgspec"}


def test_the_arithmetic_of_the_layers_imports_no_torch() -> None:
    assert _imports(MODULES["models.layers"]) <= sys.stdlib_module_names


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = {name: _imports(path) & MODULES.keys() - {name} for name, path in MODULES.items()}
    left = dict(imports)
    while free := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in free:
            del left[name]
    # What remains is in a circle or imports one; peel off the latter.
    while outer := [name for name in left if not any(name in imports[other] for other in left)]:
        for name in outer:
            del left[name]
    assert not left, f"these import each other: {sorted(left)}"


def test_few_names_lie_directly_in_harness() -> None:
    names = {
        path.name
        for path in (PROJECT / "harness").iterdir()
        # Doors into the package, for users, and no rooms of it.
        if path.name not in ("__init__.py", "__main__.py", "api.py", "__pycache__", "py.typed")
    }
    assert len(names) <= MOST_NAMES_IN_HARNESS, sorted(names)
