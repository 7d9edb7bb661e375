#!/bin/sh
# base.sh DIR - makes the root file system that test nodes lie over, once.
#
# DIR/root is a small Debian with what a server usually has: sudo, sshd, cron, PAM, a
# log daemon, auditd, AppArmor, chrony, systemd. The suite and the mirror are those of the
# machine's own apt. Needs root and mmdebstrap.
set -eu
dir=$1
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9                                   # two test processes may want it at once
[ ! -e "$dir/root/.made" ] || exit 0
rm -rf --one-file-system "$dir/root" "$dir/root.new"

. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1)
packages=sudo,openssh-server,login,passwd,cron,logrotate,rsyslog,systemd,systemd-sysv,kmod
packages=$packages,libpam-pwquality,auditd,apparmor,chrony,nftables

mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include="$packages" "${VERSION_CODENAME:?the machine is no Debian or Ubuntu}" "$dir/root.new" "$mirror"
# What a test never reads makes every walk longer.
rm -rf "$dir"/root.new/var/lib/apt/lists/* "$dir"/root.new/var/cache/apt/* "$dir"/root.new/dev/*
[ -e "$dir/root.new/etc/ssh/ssh_host_ed25519_key" ] || chroot "$dir/root.new" ssh-keygen -A
touch "$dir/root.new/.made"
mv "$dir/root.new" "$dir/root"
