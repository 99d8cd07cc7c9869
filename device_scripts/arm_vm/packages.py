"""Debian's packages through an apt configuration of our own; the host's packages are not touched."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import mirror
from commands import TIMEOUT_S, BuildFailed, run

# On any host: adbd.py builds this release's android-platform-tools, and its QEMU loads plugins.
RELEASE = "bookworm"
KEYRINGS = tuple(
    Path("/usr/share/keyrings") / f"debian-archive-keyring.{suffix}" for suffix in ("gpg", "pgp", "asc")
)

# Hooks of the host must not run for our private folders (docker-clean empties the system's cache).
CONFIGURATION = """\
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
"""


class Archive:
    """Debian's archive for one architecture, its index below `folder`; signatures are verified."""

    def __init__(self, folder: Path, architecture: str = "arm64", release: str = RELEASE) -> None:
        self._configuration = folder / "apt.conf"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        source = f"[signed-by={_keyring()}] {mirror.debian_mirror()} {release} main"
        (folder / "sources.list").write_text(f"deb {source}\ndeb-src {source}\n")
        self._configuration.write_text(CONFIGURATION.format(folder=folder, architecture=architecture))
        try:
            self._apt("apt-get", "update", "--error-on=any")
        except BuildFailed as error:
            hint = f"check that the mirror can be reached, or name another one in {mirror.VARIABLE}"
            raise BuildFailed(f"{error}\n  hint: {hint}") from error

    def download(self, names: Iterable[str], folder: Path) -> tuple[Path, ...]:
        """Fetch the packages and all they depend on."""
        (folder / "partial").mkdir(parents=True)
        self._apt("apt-get", f"-oDir::Cache::archives={folder}/", "-y", "--download-only", "install", *names)
        return tuple(sorted(folder.glob("*.deb")))

    def download_kernel(self, meta_package: str, folder: Path) -> Path:
        """Fetch the kernel a meta-package stands for, without the initramfs tools it depends on."""
        shown = self._apt("apt-cache", "show", meta_package)
        match = re.search(r"^Depends: (linux-image-\S+)", shown, re.MULTILINE)
        if match is None:
            raise BuildFailed(f"{meta_package} names no kernel")
        folder.mkdir()
        self._apt("apt-get", "download", match[1], cwd=folder)
        return next(folder.glob("linux-image-*.deb"))

    def download_source(self, name: str, folder: Path) -> Path:
        """Fetch and unpack a source package with Debian's patches; return its folder."""
        folder.mkdir()
        self._apt("apt-get", "source", "--download-only", name, cwd=folder)
        description = next(folder.glob("*.dsc"))
        # Its signature was checked through the archive's index, which lists the checksums.
        run("dpkg-source", "--no-check", "-x", description, folder / "unpacked")
        return folder / "unpacked"

    def download_upstream(self, name: str, folder: Path) -> Path:
        """Fetch and unpack a source package without Debian's patches; return its folder."""
        folder.mkdir()
        self._apt("apt-get", "source", "--download-only", "--tar-only", name, cwd=folder)
        (folder / "unpacked").mkdir()
        archive = next(folder.glob("*.orig.tar.*"))
        run("tar", "-x", "-f", archive, "-C", folder / "unpacked", "--strip-components=1")
        return folder / "unpacked"

    def _apt(self, program: str, *arguments: str, cwd: Path | None = None) -> str:
        return run(program, f"-c={self._configuration}", "-q", *arguments, cwd=cwd)


def unpack(packages: Iterable[Path], root: Path, *patterns: str) -> None:
    """Unpack the files of packages that match (all without patterns) into a merged-/usr tree."""
    for name in ("bin", "sbin", "lib"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        _unpack(package, root, patterns)


def _unpack(package: Path, root: Path, patterns: Sequence[str]) -> None:
    extract = ["tar", "-x", "-p", "--no-same-owner", "--keep-directory-symlink", "-C", str(root)]
    extract += ["--wildcards", *patterns]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as data:
        done = subprocess.run(extract, stdin=data.stdout, check=False, timeout=TIMEOUT_S)
        if data.stdout is not None:
            data.stdout.close()
    if done.returncode != 0 or data.returncode != 0:
        raise BuildFailed(f"cannot unpack {package.name}")


def _keyring() -> Path:
    for path in KEYRINGS:
        if path.exists():
            return path
    raise BuildFailed("Debian's signatures cannot be checked\n  hint: apt-get install debian-archive-keyring")
