"""The programs of toybox that Android's releases have in /system/bin.

From AOSP's system/core/shell_and_utilities/README.md. The newest text that was read ends at Android 12, so
Android 14 gets that one's list.
"""

OLD_APPLETS = """
acpi base64 basename blockdev cal cat chcon chgrp chmod chown chroot chrt cksum clear cmp comm cp cpio cut
date df diff dirname dmesg dos2unix du echo env expand expr fallocate false file find flock fmt free
getenforce groups gunzip gzip head hostname hwclock id ifconfig inotifyd insmod ionice iorenice kill killall
ln load_policy log logname losetup ls lsmod lsof lspci lsusb md5sum microcom mkdir mkfifo mknod mkswap
mktemp modinfo modprobe more mount mountpoint mv netstat nice nl nohup od paste patch pgrep pidof pkill pmap
printenv printf ps pwd readlink realpath renice restorecon rm rmdir rmmod runcon sed sendevent seq
setenforce setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort split start stat stop strings
stty swapoff swapon sync sysctl tac tail tar taskset tee time timeout top touch tr true truncate tty ulimit
umount uname uniq unix2dos uptime usleep uudecode uuencode vmstat wc which whoami xargs xxd yes zcat
"""
NEW_APPLETS = """
[ acpi base64 basename blkdiscard blkid blockdev cal cat chattr chcon chgrp chmod chown chroot chrt cksum
clear cmp comm cp cpio cut date dd devmem df diff dirname dmesg dos2unix du echo egrep env expand expr
fallocate false fgrep file find flock fmt free freeramdisk fsfreeze fsync getconf getenforce getfattr getopt
grep groups gunzip gzip head help hostname hwclock i2cdetect i2cdump i2cget i2cset iconv id ifconfig
inotifyd insmod install ionice iorenice iotop kill killall ln load_policy log logname losetup ls lsattr
lsmod lsof lspci lsusb makedevs md5sum microcom mkdir mkfifo mknod mkswap mktemp modinfo modprobe more mount
mountpoint mv nbd-client nc netcat netstat nice nl nohup nproc nsenter od partprobe paste patch pgrep pidof
ping ping6 pivot_root pkill pmap printenv printf prlimit ps pwd pwdx readelf readlink realpath renice
restorecon rev rfkill rm rmdir rmmod rtcwake runcon sed sendevent seq setenforce setfattr setsid sha1sum
sha224sum sha256sum sha384sum sha512sum sleep sort split stat strings stty swapoff swapon sync sysctl tac
tail tar taskset tee test time timeout top touch tr traceroute traceroute6 true truncate tty tunctl ulimit
umount uname uniq unix2dos unlink unshare uptime usleep uudecode uuencode uuidgen vconfig vi vmstat watch wc
which whoami xargs xxd yes zcat
"""
# Android 9 has the BSD programs dd and grep; toybox's stand for them.
APPLETS = {"9": (*OLD_APPLETS.split(), "dd", "grep"), "14": tuple(NEW_APPLETS.split())}
