#!/bin/sh
# boot.sh - does on a test node what a boot would do with its configuration: kernel
# parameters from sysctl.d over the kernel's defaults, the kernel's command line from
# GRUB's defaults, file systems from fstab. May be called again after a change.
set -eu
share=${0%/*}

# One process for all of them: this is done for every case.
for file in "$share/kernel-parameters" /etc/sysctl.d/*.conf; do [ ! -e "$file" ] || cat "$file"; done |
  awk '/^[a-z]/ { name = $0; sub(/[ =].*/, "", name); sub(/^[^ =]*[ =]*/, ""); value[name] = $0 }
       END { for (name in value) { path = name; gsub(/\./, "/", path); print path, value[name] } }' >/run/kernel/parameters
sed 's#/[^/]* .*##; s#^#/proc/sys/#' /run/kernel/parameters | sort -u | xargs mkdir -p
awk '{ path = "/proc/sys/" $1; sub(/^[^ ]* /, ""); print >path; close(path) }' /run/kernel/parameters

parameters=$(sed -n 's/^GRUB_CMDLINE_LINUX="\(.*\)"$/\1/p' /etc/default/grub 2>/dev/null || :)
printf 'BOOT_IMAGE=/boot/vmlinuz root=UUID=1b0e5c2e ro %s\n' "$parameters" >/run/kernel/cmdline

mkdir -p /sys/devices/system/cpu/vulnerabilities /sys/module/apparmor/parameters /sys/class/net
for name in meltdown spectre_v1 spectre_v2 l1tf; do
  echo 'Mitigation: as on a good day' >"/sys/devices/system/cpu/vulnerabilities/$name"
done
echo 'Not affected' >/sys/devices/system/cpu/vulnerabilities/mds
case " $parameters " in *' apparmor=0 '*) echo N ;; *) echo Y ;; esac >/sys/module/apparmor/parameters/enabled

# File systems of fstab: memory in place of disks, with what the root holds there.
grep -v '^#' /etc/fstab 2>/dev/null | while read -r device point type options _; do
  [ "$point" != / ] && [ "${point#/}" != "$point" ] || continue
  mode=$(stat -c %a "$point")
  if grep -q " $point " /proc/self/mounts; then
    mount -o "remount,$options" "$point"
  else
    mkdir -p /run/moving
    cp -a "$point/." /run/moving/
    mount -t tmpfs -o "mode=$mode,$options" tmpfs "$point"
    cp -a /run/moving/. "$point/"
    rm -rf /run/moving
  fi
done
