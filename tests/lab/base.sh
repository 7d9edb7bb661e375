#!/bin/sh
# base.sh DIR - makes the root file systems that the lab's nodes lie over, once.
#
# DIR/debian is a small Debian that boots: systemd, dbus, sshd, and rpm beside dpkg.
# DIR/busybox holds one static busybox and nothing of a distribution. The suite and the
# mirror are those of the machine's own apt. Needs root and mmdebstrap.
set -eu
dir=$1
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9                                   # two test processes may want it at once
[ ! -e "$dir/.made" ] || exit 0
rm -rf --one-file-system "$dir/debian" "$dir/busybox"

. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1)
packages=systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,procps,cron,rpm,busybox-static

# What it mounts meanwhile is gone even when it is killed.
unshare --mount mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include="$packages" "${VERSION_CODENAME:?the machine is no Debian or Ubuntu}" "$dir/debian" "$mirror"
rm -rf "$dir"/debian/var/lib/apt/lists/* "$dir"/debian/var/cache/apt/* "$dir"/debian/dev/*
[ -e "$dir/debian/etc/ssh/ssh_host_ed25519_key" ] || chroot "$dir/debian" ssh-keygen -A
# The kernel's modules belong to the machine below.
ln -sf /dev/null "$dir/debian/etc/systemd/system/systemd-modules-load.service"
: >"$dir/debian/etc/machine-id"
echo lab >"$dir/debian/etc/hostname"

mkdir -p "$dir"/busybox/bin "$dir"/busybox/etc "$dir"/busybox/proc "$dir"/busybox/sys "$dir"/busybox/dev \
  "$dir"/busybox/run "$dir"/busybox/tmp "$dir"/busybox/root "$dir"/busybox/var/log
chmod 1777 "$dir/busybox/tmp"
cp "$dir/debian/bin/busybox" "$dir/busybox/bin/busybox"
for applet in $(chroot "$dir/busybox" /bin/busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "$dir/busybox/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\nops:x:1001:1001::/home/ops:/bin/sh\n' >"$dir/busybox/etc/passwd"
printf 'root:x:0:\nops:x:1001:\n' >"$dir/busybox/etc/group"
printf 'root:*:19000:0:99999:7:::\nops:!:19000:0:99999:7:::\n' >"$dir/busybox/etc/shadow"
chmod 640 "$dir/busybox/etc/shadow"
printf 'ID=smallbox\nPRETTY_NAME="Smallbox"\n' >"$dir/busybox/etc/os-release"
touch "$dir/.made"
