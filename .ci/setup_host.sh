#!/bin/sh
# Installs the Debian or Ubuntu packages that the harness needs and this machine lacks. When none is missing,
# it does nothing.
set -eu

# "package:shell command that succeeds when the package is installed"
needed="
python3-venv:python3 -c 'import ensurepip, venv'
g++:command -v g++
g++-aarch64-linux-gnu:command -v aarch64-linux-gnu-g++
qemu-user:command -v qemu-aarch64
qemu-system-arm:command -v qemu-system-aarch64
adb:command -v adb
clang:command -v clang++
openssh-client:command -v ssh
openssh-server:test -x /usr/sbin/sshd
busybox-static:command -v busybox
mksh:command -v mksh
chromium:command -v chromium
dpkg-dev:command -v dpkg-source
e2fsprogs:test -x /sbin/mke2fs
debian-archive-keyring:ls /usr/share/keyrings/debian-archive-keyring.*
debootstrap:test -e /usr/sbin/debootstrap
"

missing=
while IFS=: read -r package proof; do
    [ -z "$package" ] || sh -c "$proof" >/dev/null 2>&1 || missing="$missing $package"
done <<END
$needed
END
# On an ARM machine g++ already compiles for ARM.
case $(uname -m) in aarch64) missing=$(printf '%s' "$missing" | sed 's/ g++-aarch64-linux-gnu//') ;; esac
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "error: apt-get was not found. Install the equivalents of these Debian packages:$missing" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    echo "error: packages are missing, you are not root, and sudo is not installed. Run as root:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
fi
echo "installing:$missing"
# A machine just started may still be installing its updates; sudo drops the variable unless env sets it.
apt_get="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600"
# shellcheck disable=SC2086
if ! { $apt_get update && $apt_get install --no-install-recommends $missing; }; then
    echo "error: apt-get failed; see its message above. Run as root:" >&2
    echo "  apt-get install$missing" >&2
    echo "On Ubuntu, first enable the component universe, which holds some of them." >&2
    exit 1
fi
