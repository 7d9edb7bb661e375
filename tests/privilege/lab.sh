#!/bin/sh
# lab.sh - users, sudo, su and doas for tests, until its standard input ends.
#
# Lays copies over /etc, /var and /run of a mount namespace of its own, so that nothing of
# this machine changes, and writes "mounted" and, when all is there, "ready". Needs root, sudo, doas.
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for name in etc var; do
  mkdir -p "/mnt/$name/upper" "/mnt/$name/work"
  mount -t overlay overlay -o "lowerdir=/$name,upperdir=/mnt/$name/upper,workdir=/mnt/$name/work" "/$name"
done
mount -t tmpfs -o mode=755 tmpfs /run
echo mounted

id=4000
for user in asked free cached unlisted wired limited; do
  id=$((id + 1))
  useradd --no-create-home --home-dir / --uid "$id" --shell /bin/sh "$user"
  echo "$user:right" | chpasswd
done
useradd --no-create-home --uid 4100 --shell /usr/sbin/nologin service
echo root:root-right | chpasswd

rm -f /etc/sudoers.d/*
cat >/etc/sudoers <<'EOF'
Defaults logfile=/var/log/sudo.log, !syslog, lecture=always
Defaults:cached timestamp_type=global
Defaults:wired requiretty
root ALL=(ALL:ALL) ALL
asked ALL=(ALL:ALL) ALL
free ALL=(ALL:ALL) NOPASSWD: ALL
cached ALL=(ALL:ALL) ALL
wired ALL=(ALL:ALL) NOPASSWD: ALL
limited ALL=(ALL:ALL) NOPASSWD: /bin/true
EOF
chmod 440 /etc/sudoers
cat >/etc/doas.conf <<'EOF'
permit nopass free
permit asked
EOF
chmod 400 /etc/doas.conf
echo ready
cat >/dev/null
