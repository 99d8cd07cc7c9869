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
RUNTIME_PACKAGES = ("libstdc++6", "android-libbase", "android-libboringssl", "android-libcutils", "android-liblog")

# libadbd_core, libadbd_services and adbd of adb/Android.bp for linux_glibc, and the small libraries
# they use that Debian does not package.
SOURCES = """
    system/core/adb/adb.cpp
    system/core/adb/adb_io.cpp
    system/core/adb/adb_listeners.cpp
    system/core/adb/adb_trace.cpp
    system/core/adb/adb_unique_fd.cpp
    system/core/adb/adb_utils.cpp
    system/core/adb/adbconnection/adbconnection_server.cpp
    system/core/adb/daemon/auth.cpp
    system/core/adb/daemon/file_sync_service.cpp
    system/core/adb/daemon/jdwp_service.cpp
    system/core/adb/daemon/main.cpp
    system/core/adb/daemon/services.cpp
    system/core/adb/daemon/shell_service.cpp
    system/core/adb/daemon/usb_dummy.cpp
    system/core/adb/fdevent/fdevent.cpp
    system/core/adb/fdevent/fdevent_epoll.cpp
    system/core/adb/fdevent/fdevent_poll.cpp
    system/core/adb/services.cpp
    system/core/adb/shell_service_protocol.cpp
    system/core/adb/socket_spec.cpp
    system/core/adb/sockets.cpp
    system/core/adb/sysdeps/errno.cpp
    system/core/adb/sysdeps/posix/network.cpp
    system/core/adb/sysdeps_unix.cpp
    system/core/adb/transport.cpp
    system/core/adb/transport_fd.cpp
    system/core/adb/transport_local.cpp
    system/core/adb/transport_usb.cpp
    system/core/adb/types.cpp
    system/core/diagnose_usb/diagnose_usb.cpp
    system/core/libasyncio/AsyncIO.cpp
    system/core/libcrypto_utils/android_pubkey.c
    frameworks/native/libs/adbd_auth/adbd_auth.cpp
""".split()

INCLUDES = """
    system/core/adb
    system/core/adb/adbconnection/include
    system/core/adb/daemon/include
    system/core/base/include
    system/core/diagnose_usb/include
    system/core/libasyncio/include
    system/core/libcrypto_utils/include
    system/core/libcutils/include
    system/core/include
    frameworks/native/libs/adbd_auth/include
""".split()

# Without ALLOW_ADBD_NO_AUTH it accepts the keys in /adb_keys and nobody else.
FLAGS = (
    *("-O1", "-fno-exceptions", "-w", "-D_GNU_SOURCE", "-DADB_HOST=0", "-DALLOW_ADBD_ROOT=0"),
    *("-DANDROID_BASE_UNIQUE_FD_DISABLE_IMPLICIT_CONVERSION=1", '-DPLATFORM_TOOLS_VERSION="29.0.6"'),
    '-DADB_VERSION="29.0.6-debian"',
)
# The sources rely on headers that Android's libc++ happens to include.
CXX_FLAGS = ("-std=gnu++2a", "-include", "atomic", "-include", "optional")
LIBRARIES = ("-lbase", "-lcutils", "-llog", "-lcrypto", "-lresolv", "-lutil", "-lpthread")
ANDROID_LIBRARIES = "usr/lib/aarch64-linux-gnu/android"


def build_adbd(source: Path, sysroot: Path, identity: Path, adbd: Path) -> None:
    """Compile and link the program `adbd`."""
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
        compiled = list(pool.map(compile_one, [*SOURCES, identity]))
    search = (f"-L{sysroot}/{ANDROID_LIBRARIES}", f"-Wl,-rpath,/{ANDROID_LIBRARIES}")
    run(*compiler, "-s", *compiled, *search, *LIBRARIES, "-o", adbd)
