"""Builds the image of `.ci/Dockerfile` and tries it: with docker, else its steps in a new Debian root.

The second needs root and debootstrap. The arguments are tried in the image in place of the commands below.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DOCKERFILE = PROJECT / ".ci" / "Dockerfile"
TAG = "mobilenet-harness"
# With the wheel's runners in the cache; the base is mounted at /work.
COMMANDS = (
    ("--version",),
    ("bundle", "build"),
    ("doctor",),
    ("devices",),
    ("compare", "base", "base"),
    ("report", "base", "--out", "/tmp/report"),
)
# How this machine reaches the mirrors and the package index.
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/ssl/certs")
_NETWORK_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "pip_cert")
_TIMEOUT_S = 1800


def main() -> int:
    """Build, then run each command; the exit code is 1 when one fails."""
    commands: Sequence[Sequence[str]] = [sys.argv[1:]] if sys.argv[1:] else COMMANDS
    with tempfile.TemporaryDirectory() as scratch:
        run = _build_with_docker() if _docker_runs() else _build_root(Path(scratch) / "root")
        ended = {tuple(command): subprocess.run([*run, *command], timeout=_TIMEOUT_S) for command in commands}
    failed = [command for command, one in ended.items() if one.returncode]
    for command in failed:
        print(f"failed: harness {shlex.join(command)}", file=sys.stderr)
    return int(bool(failed))


def _docker_runs() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "info"], capture_output=True).returncode
    )


def _build_with_docker() -> list[str]:
    _step(["docker", "build", "--file", str(DOCKERFILE), "--tag", TAG, str(PROJECT)])
    return ["docker", "run", "--rm", "--volume", f"{PROJECT / 'benchmarks'}:/work:ro", TAG]


@dataclass
class _Recipe:
    """What the instructions add up to."""

    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    entrypoint: Sequence[str] = ()


def _build_root(root: Path) -> list[str]:
    """Follow the instructions in a new root; returns how to run the image's program in it."""
    print("docker does not run here: following the Dockerfile in a new Debian root")
    recipe = _Recipe()
    for instruction, rest in read_instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if instruction == "FROM":
            suite = re.fullmatch(r"debian:(\w+)-slim", rest)
            assert suite, f"only Debian can be made here, not {rest}"
            _step(["debootstrap", "--variant=minbase", suite[1], str(root)])
            _copy_network(root)
        elif instruction == "RUN":
            _step([*_enter(root, recipe), "sh", "-c", rest])
        elif instruction == "COPY":
            source, target = rest.split()
            (root / target.strip("/")).mkdir(parents=True, exist_ok=True)
            for path in PROJECT.glob(source):
                shutil.copy(path, root / target.strip("/"))
        elif instruction == "ENV":
            name, _, value = rest.partition("=")
            recipe.environment[name] = value
        elif instruction == "WORKDIR":
            recipe.folder = rest
        elif instruction == "ENTRYPOINT":
            recipe.entrypoint = json.loads(rest)
        else:
            raise ValueError(f"{instruction} is not known here")
    shutil.copytree(PROJECT / "benchmarks", root / recipe.folder.strip("/"), dirs_exist_ok=True)
    return [*_enter(root, recipe), "sh", "-c", 'cd "$0" && exec "$@"', recipe.folder, *recipe.entrypoint]


def read_instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Dockerfile: each one's name and the rest of its line, continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name.upper(), rest.strip()


def _enter(root: Path, recipe: _Recipe) -> list[str]:
    network = {name: value for name, value in os.environ.items() if name.lower() in _NETWORK_VARIABLES}
    known = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    variables = {**known, **network, **recipe.environment}
    # In namespaces of its own, so that /proc disappears with the last process.
    mounted = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" env -i "$@"'
    words = [f"{name}={value}" for name, value in variables.items()]
    return ["unshare", "--mount", "--pid", "--fork", "sh", "-c", mounted, str(root), *words]


def _copy_network(root: Path) -> None:
    for place in map(Path, _NETWORK_FILES):
        target = root / str(place).strip("/")
        if place.is_dir():
            shutil.copytree(place, target, dirs_exist_ok=True)
        else:
            target.unlink(missing_ok=True)
            shutil.copy(place, target)


def _step(argv: Sequence[str]) -> None:
    subprocess.run(argv, check=True, timeout=_TIMEOUT_S)


if __name__ == "__main__":
    sys.exit(main())
