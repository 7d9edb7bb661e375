#!/bin/sh
# base.sh DIR [SCRIPT] - makes the root file systems that test nodes lie over, once.
#
# DIR/root is a small Debian with what a server usually has: sudo, sshd, cron, PAM, a
# log daemon, auditd, AppArmor, chrony, systemd. The suite and the mirror are those of the
# machine's own apt. DIR/changed is a copy in which SCRIPT was run. Needs root and
# mmdebstrap.
set -eu
dir=$1
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9                                   # two test processes may want it at once

make_root() {
  rm -rf --one-file-system "$dir/root" "$dir/root.new"
  . /etc/os-release
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1)
  packages=sudo,openssh-server,login,passwd,cron,logrotate,rsyslog,systemd,systemd-sysv,kmod
  packages=$packages,libpam-pwquality,auditd,apparmor,chrony,nftables,iproute2,rpm

  mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$packages" "${VERSION_CODENAME:?the machine is no Debian or Ubuntu}" "$dir/root.new" "$mirror"
  # What a test never reads makes every walk longer.
  rm -rf "$dir"/root.new/var/lib/apt/lists/* "$dir"/root.new/var/cache/apt/* "$dir"/root.new/dev/* \
    "$dir"/root.new/usr/share/perl "$dir"/root.new/usr/share/zoneinfo/*/ "$dir"/root.new/usr/lib/*/gconv \
    "$dir"/root.new/usr/lib/*/perl "$dir"/root.new/usr/share/bash-completion
  [ -e "$dir/root.new/etc/ssh/ssh_host_ed25519_key" ] || chroot "$dir/root.new" ssh-keygen -A
  touch "$dir/root.new/.made"
  mv "$dir/root.new" "$dir/root"
}

# The copy is kept until the script is another one.
change_root() {
  rm -rf --one-file-system "$dir/changed" "$dir/changed.new"
  cp -a "$dir/root" "$dir/changed.new"
  cp "$1" "$dir/changed.new/.script"
  chroot "$dir/changed.new" sh /.script
  mv "$dir/changed.new" "$dir/changed"
}

[ -e "$dir/root/.made" ] || make_root
[ -z "${2:-}" ] || cmp -s "$2" "$dir/changed/.script" || change_root "$2"
