"""Toybox, cross-compiled from Debian's source package: one static program, most of Android's tools."""

from pathlib import Path

from commands import run

SOURCE_PACKAGE = "toybox"
# Unfinished programs that Android has all the same, as in AOSP's external/toybox/.config-device ...
ADDED = (
    "BRCTL",
    "DD",
    "DIFF",
    "EXPR",
    "GETFATTR",
    "GETOPT",
    "GZIP",
    "LSOF",
    "MODPROBE",
    "MORE",
    "STTY",
    "TR",
    "TRACEROUTE",
    "VI",
)
# ... and programs that want libcrypt.
LEFT_OUT = ("LOGIN", "MKPASSWD", "PASSWD", "SU", "SULOGIN")


def build_toybox(source: Path) -> tuple[Path, frozenset[str]]:
    """Compile in the unpacked source package; return the program and the names of its applets."""
    make = ("make", "CC=gcc", "CROSS_COMPILE=aarch64-linux-gnu-", "LDFLAGS=--static")
    run(*make, "defconfig", cwd=source)
    configuration = source / ".config"
    text = configuration.read_text()
    for name in ADDED:
        text = text.replace(f"# CONFIG_{name} is not set\n", f"CONFIG_{name}=y\n")
    for name in LEFT_OUT:
        text = text.replace(f"CONFIG_{name}=y\n", f"# CONFIG_{name} is not set\n")
    configuration.write_text(text)
    run(*make, cwd=source)
    return source / "toybox", frozenset(_applets(source))


def _applets(source: Path) -> list[str]:
    """The names in the list that the build generates: lines such as `USE_CAT(NEWTOY(cat, "uvte", ...))`."""
    lines = (source / "generated" / "newtoys.h").read_text().splitlines()
    enabled = {line[7:-2] for line in (source / ".config").read_text().splitlines() if line.endswith("=y")}
    found = []
    for line in lines:
        option, _, rest = line.removeprefix("USE_").partition("(")
        if option in enabled and rest.startswith(("NEWTOY(", "OLDTOY(")):
            found.append(rest.partition("(")[2].partition(",")[0])
    return found
