"""AOSP's adbd, cross-compiled from Debian's source package for a glibc machine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands import run

SOURCE_PACKAGE = "android-platform-tools"
# What it is compiled against ...
SYSROOT_PACKAGES = (
    "libc6-dev",
    "libstdc++-12-dev",
    "libcap-dev",
    "android-libbase-dev",
    "android-libboringssl-dev",
    "android-libcutils-dev",
    "android-liblog-dev",
)
# ... and what it needs to run.
RUNTIME_PACKAGES = (
    "libstdc++6",
    "android-libbase",
    "android-libboringssl",
    "android-libcutils",
    "android-liblog",
)

INCLUDES = (
    "system/core/adb",
    "system/core/adb/adbconnection/include",
    "system/core/adb/daemon/include",
    "system/core/base/include",
    "system/core/diagnose_usb/include",
    "system/core/libasyncio/include",
    "system/core/libcrypto_utils/include",
    # Before system/core/include, which has older versions of its headers.
    "system/core/libcutils/include",
    "system/core/include",
    "frameworks/native/libs/adbd_auth/include",
)

# ALLOW_ADBD_NO_AUTH leaves it to the property ro.adb.secure, which identity.cpp sets, whether only the keys
# in /adb_keys are accepted.
FLAGS = (
    *("-O1", "-fno-exceptions", "-w", "-D_GNU_SOURCE", "-DADB_HOST=0", "-DALLOW_ADBD_ROOT=0"),
    "-DALLOW_ADBD_NO_AUTH",
    *("-DANDROID_BASE_UNIQUE_FD_DISABLE_IMPLICIT_CONVERSION=1", '-DPLATFORM_TOOLS_VERSION="29.0.6"'),
    '-DADB_VERSION="29.0.6-debian"',
)
# The sources rely on headers that Android's libc++ happens to include.
CXX_FLAGS = ("-std=gnu++2a", "-include", "atomic", "-include", "optional")
LIBRARIES = ("-lbase", "-lcutils", "-llog", "-lcrypto", "-lresolv", "-lutil", "-lpthread")
ANDROID_LIBRARIES = "usr/lib/aarch64-linux-gnu/android"


def build_adbd(source: Path, sysroot: Path, scripts: Path, adbd: Path) -> None:
    """Compile and link the program `adbd` from the unpacked source package and our `identity.cpp`."""
    lines = (scripts / "adbd.sources").read_text().splitlines()
    sources = [line for line in lines if line and not line.startswith("#")]
    objects = source / "objects"
    objects.mkdir()
    compiler = ("clang++", "--target=aarch64-linux-gnu", f"--sysroot={sysroot}")
    includes = [f"-I{path}" for path in INCLUDES] + [f"-isystem{sysroot}/usr/include/android"]

    def compile_one(path: str | Path) -> Path:
        target = objects / (str(path).strip("/").replace("/", "_") + ".o")
        language = ("-x", "c") if str(path).endswith(".c") else CXX_FLAGS
        run(*compiler, *language, *FLAGS, *includes, "-c", path, "-o", target, cwd=source)
        return target

    with ThreadPoolExecutor() as pool:
        compiled = list(pool.map(compile_one, [*sources, scripts / "identity.cpp"]))
    search = (f"-L{sysroot}/{ANDROID_LIBRARIES}", f"-Wl,-rpath,/{ANDROID_LIBRARIES}")
    run(*compiler, "-s", *compiled, *search, *LIBRARIES, "-o", adbd)
