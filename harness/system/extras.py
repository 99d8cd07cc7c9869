"""Optional packages: what a light installation lacks, and what brings it."""

import importlib.metadata
import importlib.util
from functools import cache

from harness.errors import UsageError
from harness.system.paths import APPLICATION

# Those of the packages of each extra in pyproject.toml that its users import.
_IMPORTED = {
    "lower": ("torch", "executorch", "safetensors"),
    "train": ("torch", "executorch", "safetensors"),
    "litert": ("litert_torch",),
    "onnxruntime": ("onnx", "onnxscript"),
    "lab": ("ray",),
}


def require_extra(extra: str, purpose: str, *further: str) -> None:
    """Refuse what an installation without this extra cannot do; `further` modules of it are needed as well.

    Raises:
        UsageError: a package of it is not installed.
    """
    if missing := _missing(extra, *further):
        raise UsageError(
            f"{purpose} needs what is not installed: {', '.join(missing)}",
            hint=f"pip install '{APPLICATION}[{extra}]'",
        )


def has_extra(extra: str) -> bool:
    """Whether all packages of it are installed."""
    return not _missing(extra)


def _missing(extra: str, *further: str) -> list[str]:
    return [name for name in (*_IMPORTED[extra], *further) if importlib.util.find_spec(name) is None]


@cache
def installed_version(distribution: str) -> str | None:
    """The version of a package, without importing it; None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def pinned_version(distribution: str) -> str | None:
    """The one version that the harness is made for, as its own metadata says; None if it names none."""
    from packaging.requirements import Requirement

    for line in importlib.metadata.requires(APPLICATION) or ():
        requirement = Requirement(line)
        specifier = str(requirement.specifier)
        if requirement.name == distribution and specifier.startswith("=="):
            return specifier.removeprefix("==")
    return None
