"""The programs of toybox that Android's releases have in /system/bin.

Android 9's are from AOSP's system/core/shell_and_utilities/README.md, section "Android 9.0 (Pie)", but
setprop, which is a script here. From Android 10 on that page lists all that toybox can do, also without a
link in /system/bin, and its newest public copy ends at Android 12. Android 14's are therefore those that its
build links: `toybox_symlinks` in AOSP's external/toybox/Android.bp when toybox was 0.8.9 (read in the mirror
supremegamers/android_external_toybox, commit 00920228be32). The page's longer list had ping, prlimit and
others that a phone's toybox offers only as `toybox ping`, and neither uclampset nor logger.
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
[ acpi base64 basename blockdev brctl cal cat chattr chcon chgrp chmod chown chroot chrt cksum clear cmp
comm cp cpio cut date dd devmem df diff dirname dmesg dos2unix du echo egrep env expand expr fallocate
false fgrep file find flock fmt free fsync getconf getenforce gpiodetect gpiofind gpioget gpioinfo
gpioset grep groups gunzip gzip head hostname hwclock i2cdetect i2cdump i2cget i2cset iconv id ifconfig
inotifyd insmod install ionice iorenice kill killall ln load_policy log logger logname losetup ls lsattr
lsmod lsof lspci lsusb md5sum microcom mkdir mkfifo mknod mkswap mktemp modinfo more mount mountpoint mv
nc netcat netstat nice nl nohup nproc nsenter od paste patch pgrep pidof pkill pmap printenv printf ps
pwd readelf readlink realpath renice restorecon rm rmdir rmmod rtcwake runcon sed sendevent seq
setenforce setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort split stat strings stty
swapoff swapon sync sysctl tac tail tar taskset tee test time timeout top touch tr true truncate tty
uclampset ulimit umount uname uniq unix2dos unlink unshare uptime usleep uudecode uuencode uuidgen vi
vmstat watch wc which whoami xargs xxd yes zcat
"""
# Android 9 has the BSD programs dd and grep; toybox's stand for them.
APPLETS = {"9": (*OLD_APPLETS.split(), "dd", "grep"), "14": tuple(NEW_APPLETS.split())}
