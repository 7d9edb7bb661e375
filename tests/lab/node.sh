#!/bin/sh
# node.sh ROOT PROBITY SHARE COMMAND... - a node for tests, until it is killed.
#
# Boots COMMAND (an init) as PID 1 of namespaces and a cgroup of its own, over the root
# file system ROOT (`upper:lower` for layers); what it changes is in memory. PROBITY is the
# program under test (or /dev/null), SHARE a directory of files for the node: /run/test/probity
# and /run/test/share there. $NODE_NAME is its host name; $NODE_PREPARE, where it is set,
# is a shell script of this machine that is run in the node's root before the boot.
# Writes one line with the process id of the init, as this machine sees it. A signal, or the
# end of the init, ends the node; nothing of it stays, but for its cgroup when this
# script itself is killed. Needs root and a cgroup2 mount.
set -eu

# The second half, in the new namespaces. /proc/sys is read-only but for the network's.
if [ "$1" = --inside ]; then
  lower=$2 probity=$3 share=$4
  shift 4
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/node
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/node
  cd /mnt/node

  mount -t proc -o nosuid,noexec,nodev proc proc
  mount --bind proc/sys proc/sys
  mount --bind proc/sys/net proc/sys/net
  mount -o remount,bind,ro,nosuid,noexec,nodev proc/sys
  [ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger
  mount -t sysfs -o nosuid,noexec,nodev,ro sysfs sys
  [ ! -d sys/fs/cgroup ] || mount -t cgroup2 -o nosuid,noexec,nodev cgroup2 sys/fs/cgroup
  mount -t tmpfs -o mode=755,nosuid,size=4m tmpfs dev
  mkdir dev/pts dev/shm
  for name in null zero full random urandom tty; do : >"dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  for name in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${name%:*}" "dev/${name#*:}"; done
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
  mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
  mkdir -p run/test/share
  : >run/test/probity
  mount --bind "$probity" run/test/probity
  mount --bind -o ro "$share" run/test/share

  hostname "${NODE_NAME:-lab}"
  ip link set lo up
  # A new network takes this from the machine below, where a container engine may have set it.
  echo 0 >/proc/sys/net/ipv4/ip_forward
  [ -z "${NODE_PREPARE:-}" ] || sh -eu "$NODE_PREPARE"
  mkdir .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old
  # The bounding set keeps the node off the machine's modules, clock, devices and log.
  exec env -i container=lab LC_ALL=C.UTF-8 HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
fi

cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroups" ] || { echo "no cgroup2 is mounted" >&2; exit 1; }
# What a killed one left behind; a dead process that nobody waited for has no exe either.
for stale in "$cgroups"/probity-lab-*; do
  [ -e "/proc/${stale##*-}/exe" ] || find "$stale" -depth -type d -exec rmdir {} \; 2>/dev/null || :
done
cgroup=$cgroups/probity-lab-$$
mkdir "$cgroup"

# Also what systemd made below it goes, once its processes have gone.
end() {
  trap '' INT TERM HUP
  [ -z "${node:-}" ] || kill -KILL "$node" 2>/dev/null || :
  for _ in $(seq 100); do
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || :
    [ -d "$cgroup" ] || break
    sleep 0.1
  done
  exit 0
}
trap end INT TERM HUP EXIT

# Its own shell joins the cgroup before the cgroup namespace makes that its root. The node
# dies with this script, whatever that dies of.
# shellcheck disable=SC2016
sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$cgroup" \
  setpriv --pdeathsig KILL unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child \
  setpriv --bounding-set=-sys_module,-sys_time,-mknod,-sys_rawio,-syslog --inh-caps=-all \
  sh "$0" --inside "$@" </dev/null >&2 &
node=$!
until init=$(cat "/proc/$node/task/$node/children" 2>/dev/null) && [ -n "$init" ]; do
  kill -0 "$node"
  sleep 0.02
done
echo "${init% }"
wait "$node" || :
