"""Puts the folders beside `harness` inside it when a wheel is built, and changes the imports that name them.

Installed beside it, `models` and `reports` would collide with packages of those names that people have.
"""

import ast
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "harness"
BESIDE = ("device_scripts", "models", "reports")
_NOT_IN_A_WHEEL = shutil.ignore_patterns("__pycache__", "*.pyc")


class WheelLayout(BuildHookInterface[Any]):
    """Called by hatchling; an editable installation stays as the repository is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Give hatchling a copy of the package as it lies in a wheel."""
        if version == "editable":
            return
        self._staged = tempfile.TemporaryDirectory()
        arranged = arrange(Path(self.root), Path(self._staged.name) / PACKAGE)
        build_data["force_include"][str(arranged)] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copy."""
        if version != "editable":
            self._staged.cleanup()


def arrange(root: Path, package: Path) -> Path:
    """Copy the package with the folders beside it into `package`."""
    shutil.copytree(root / PACKAGE, package, ignore=_NOT_IN_A_WHEEL)
    for name in BESIDE:
        shutil.copytree(root / name, package / name, ignore=_NOT_IN_A_WHEEL)
    # Reports explain the reasons of verdicts in this page's words.
    shutil.copyfile(root / "docs" / "verdicts.md", package / "reports" / "verdicts.md")
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        path.write_text(rename_imports(text, path.name), encoding="utf-8")
    return package


def rename_imports(text: str, name: str) -> str:
    """`from models.layers import …` becomes `from harness.models.layers import …`, wherever it stands.

    Raises:
        ValueError: an import of a form that cannot be changed without changing what it binds.
    """
    lines = text.splitlines(keepends=True)
    for line, column, module in _imported(ast.parse(text, name), name):
        # Columns of ast count bytes.
        whole = lines[line - 1].encode()
        before, after = whole[:column], whole[column:]
        lines[line - 1] = (
            before + after.replace(module.encode(), f"{PACKAGE}.{module}".encode(), 1)
        ).decode()
    return "".join(lines)


def _imported(tree: ast.Module, name: str) -> Iterator[tuple[int, int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(_is_beside(each.name) for each in node.names):
            raise ValueError(
                f"{name}:{node.lineno}: write from ... import ...: in a wheel, import binds another name"
            )
        if isinstance(node, ast.ImportFrom) and not node.level and node.module and _is_beside(node.module):
            yield node.lineno, node.col_offset, node.module


def _is_beside(module: str) -> bool:
    return module.partition(".")[0] in BESIDE
