"""A lab of several hosts on this machine: Ray's real processes, each host with its name and its cache."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.system.paths import cache_folder
from harness_command import Ended

TIMEOUT_S = 400


@dataclass
class LabHosts:
    """Hosts that are begun and ended with the `harness lab` command; `folder` holds all that is theirs."""

    folder: Path
    port: int = field(default_factory=lambda: find_free_port())
    caches: dict[str, Path] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def environment(self, host: str) -> dict[str, str]:
        """Of a host's own commands; the first has what the tests have lowered."""
        if host not in self.caches:
            self.caches[host] = make_cache(self.folder / f"cache-{host}", with_programs=not self.caches)
        return {
            **os.environ,
            "HARNESS_CACHE": str(self.caches[host]),
            "HARNESS_LAB_TOKEN": str(self.folder / "token"),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    def start(self, name: str, *devices: str, **more: str) -> Ended:
        return self.run(name, "lab", "start", "--address", self.address, *_options(name, devices), env=more)

    def join(self, name: str, *devices: str, **more: str) -> Ended:
        return self.run(name, "lab", "join", self.address, *_options(name, devices), env=more)

    def leave(self, name: str) -> Ended:
        return self.run(name, "lab", "leave", "--name", name)

    def run(self, host: str, *arguments: str | Path, env: dict[str, str] | None = None) -> Ended:
        """A command at a host, waited for."""
        ended = subprocess.run(
            _command(arguments),
            cwd=self.folder,
            env={**self.environment(host), **(env or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def begin(self, host: str, *arguments: str | Path) -> "subprocess.Popen[str]":
        """A command at a host that goes on."""
        return subprocess.Popen(
            _command(arguments),
            cwd=self.folder,
            env=self.environment(host),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def ray_processes(self, host: str | None = None) -> list[int]:
        """Those with this lab's token, and a host's cache, in their environment; not those of the tests."""
        marks = {f"RAY_AUTH_TOKEN_PATH={self.folder / 'token'}".encode()}
        if host:
            marks.add(f"HARNESS_CACHE={self.caches[host]}".encode())
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                try:
                    environment = (entry / "environ").read_bytes().split(b"\0")
                    running = b" Z " not in (entry / "stat").read_bytes()
                except OSError:
                    continue
                if marks <= set(environment) and running:
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        """Take all hosts out, the head last."""
        names = list(self.caches)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.leave, names[1:]))
        for head in names[:1]:
            self.leave(head)


def _options(name: str, devices: Sequence[str]) -> tuple[str, ...]:
    return ("--name", name, "--device", ",".join(devices), "--object-store", "100MB")


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "harness", *map(str, arguments)]


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_cache(folder: Path, *, with_programs: bool) -> Path:
    """A cache with the runners, which take a minute to build, and perhaps with the tests' programs."""
    folder.mkdir()
    shutil.copytree(cache_folder() / "bundles", folder / "bundles", symlinks=True)
    if with_programs:
        (cache_folder() / "artifacts").mkdir(exist_ok=True)
        (folder / "artifacts").symlink_to(cache_folder() / "artifacts")
    return folder


def require_ray() -> None:
    pytest.importorskip("ray")
