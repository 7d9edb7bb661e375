#!/bin/sh
# enter.sh ROOT PROBITY SHARE COMMAND... - a machine for tests, made anew.
#
# Runs COMMAND as PID 1 of namespaces of its own, over the root file system ROOT; what it
# changes is in memory and gone afterwards. PROBITY is the program under test, SHARE a
# directory of files for the node; they are /run/test/probity and /run/test/share there.
#
# What a container cannot have for itself is a stand-in made of files, so that a test can
# break and mend it: /proc/sys, /proc/cmdline, /proc/modules and /sys lie on a tmpfs.
# boot.sh fills them from the node's own configuration, as a boot would. Nothing marks
# the node as a container.
#
# Call it as `unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child enter.sh …`.
set -eu
lower=$1 probity=$2 share=$3
shift 3

mount --make-rprivate /
root=/mnt                                 # ours alone: the mount namespace is new
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/node"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$root/upper,workdir=$root/work" "$root/node"
cd "$root/node"

mount -t proc -o nosuid,noexec,nodev proc proc
mount -t tmpfs -o mode=755 tmpfs proc/sys
mount -t tmpfs -o mode=755 tmpfs sys
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mkdir -p run/test/share run/kernel
: >run/test/probity
mount --bind "$probity" run/test/probity
mount --bind -o ro "$share" run/test/share
: >run/kernel/cmdline; : >run/kernel/modules
mount --bind run/kernel/cmdline proc/cmdline
# A kernel without modules has no such file to lie over; then nothing is loaded.
[ ! -e proc/modules ] || mount --bind run/kernel/modules proc/modules

mount -t tmpfs -o mode=755,nosuid tmpfs dev
mkdir dev/pts dev/shm
for name in null zero full random urandom tty; do : >"dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
ln -s /proc/self/fd dev/fd
for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${name%:*}" "dev/${name#*:}"; done
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm

hostname server 2>/dev/null || :
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
ip link set lo up 2>/dev/null || :       # so that something can listen on loopback
exec "$@"
