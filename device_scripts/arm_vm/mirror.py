"""Where Debian's packages come from, on Debian and elsewhere."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from commands import PATH, BuildFailed

VARIABLE = "HARNESS_DEBIAN_MIRROR"
ROLLING_SUITES = ("stable", "testing", "unstable", "sid")


def debian_mirror(root: Path = Path("/"), path: str = PATH) -> str:
    """The mirror named by the environment, else the one this Debian uses, else debootstrap's default.

    `root` holds the machine's `etc`; `debootstrap` is looked for in `path`.

    Raises:
        BuildFailed: none of them names one.
    """
    mirror = os.environ.get(VARIABLE) or _own_mirror(root / "etc") or _default_mirror(path)
    if not mirror:
        raise BuildFailed(
            "the ARM machine is built from Debian packages, and this machine names no Debian mirror\n"
            f"  hint: apt-get install debootstrap, which knows one, or set {VARIABLE} to a mirror's address"
        )
    return mirror


def _own_mirror(etc: Path) -> str | None:
    release = _os_release(etc / "os-release")
    if release.get("ID") != "debian":
        return None
    wanted = {release.get("VERSION_CODENAME"), *ROLLING_SUITES}
    for uri, suites, components in _sources(etc / "apt"):
        if wanted & set(suites) and "main" in components and not uri.startswith("cdrom:"):
            return uri
    return None


def _default_mirror(path: str) -> str | None:
    """Debian's default mirror, which the shell script `debootstrap` holds in both Debian and Ubuntu."""
    program = shutil.which("debootstrap", path=path)
    text = Path(program).read_text(errors="replace") if program else ""
    match = re.search(r'^DEF_MIRROR="?([a-z]+://[^"\s]+)"?$', text, re.MULTILINE)
    return match[1] if match else None


def _os_release(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def _sources(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """URI, suites and components of each binary source, in both of apt's formats."""
    parts = sorted((folder / "sources.list.d").glob("*"))
    for path in (folder / "sources.list", *parts):
        if path.suffix == ".list" and path.is_file():
            yield from parse_list(path.read_text())
        elif path.suffix == ".sources":
            yield from parse_deb822(path.read_text())


def parse_list(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Read the one-line format: `deb [options] URI suite component...`."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]*)", line.strip())
        if match:
            yield match[1], [match[2]], match[3].split()


def parse_deb822(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Read the deb822 format: paragraphs of `Field: values`, values going on in indented lines."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        pairs = re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t]+.*)*)", paragraph, re.MULTILINE)
        fields = {key.lower(): value.split() for key, value in pairs}
        enabled = fields.get("enabled", ["yes"])[0].lower() not in ("no", "false", "0")
        if enabled and "deb" in fields.get("types", []):
            for uri in fields.get("uris", []):
                yield uri, fields.get("suites", []), fields.get("components", [])
