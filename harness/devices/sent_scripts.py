"""Device scripts that are sent as an argument of `sh`, so that nothing needs to be pushed before."""

from pathlib import Path


def script_argv(script: Path, *arguments: str) -> tuple[str, ...]:
    """The command that runs the script with these arguments."""
    return ("sh", "-c", script_text(script), script.name, *arguments)


def script_text(script: Path) -> str:
    """The script without comments and indentation, a third to a half of what lies in the file.

    For scripts without texts of several lines.
    """
    lines = (line.lstrip() for line in script.read_text(encoding="utf-8").splitlines())
    return "".join(f"{line}\n" for line in lines if not line.startswith("#"))
