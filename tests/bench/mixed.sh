#!/usr/bin/env bash
# Writes a profile of 200 mixed checks of this machine, and beside it the lists it is made of:
#
#   mixed.sh FOLDER
set -euo pipefail
folder=$1
take() { head -n "$1" | tee "$2" | wc -l >/dev/null; }
find /etc /usr/bin -maxdepth 1 -type f 2>/dev/null | sort | take 80 stat.txt
find /etc -maxdepth 1 -type f -size -64k -size +0 2>/dev/null | sort | take 20 content.txt
sed -n 's/^Package: //p' /var/lib/dpkg/status | sort -u | take 30 package.txt
find /proc/sys/kernel -maxdepth 1 -type f -perm -444 ! -name '*_rest*' 2>/dev/null | sed 's|/proc/sys/||' | sort | take 15 sysctl.txt
cut -d: -f1 /etc/passwd | take 10 user.txt
cut -d: -f1 /etc/group | take 10 group.txt

mkdir -p "$folder/controls"
printf 'name: mixed\nversion: 1.0.0\n' >"$folder/profile.yml"
{
  n=0
  control() { n=$((n + 1)); printf 'control "c%d" { check = function() describe(%s)%s end }\n' "$n" "$1" "$2"; }
  while read -r path; do control "file \"$path\"" ':its("mode", at_most "7777")'; done <stat.txt
  while read -r path; do control "file \"$path\"" ':its("content", matches "a|.")'; done <content.txt
  while read -r name; do control "package \"$name\"" ':is("installed")'; done <package.txt
  while read -r name; do control "user \"$name\"" ':exists()'; done <user.txt
  while read -r name; do control "group \"$name\"" ':exists()'; done <group.txt
  while read -r name; do control "kernel_parameter \"${name//\//.}\"" ':its("value", no(absent))'; done <sysctl.txt
  for port in 1 2 3 4 5 6 7 8 9 10; do control "port($port)" ':is_not("listening")'; done
  for mount in / /proc /sys /dev /proc /sys / /; do control "mount \"$mount\"" ':is("mounted")'; done
  for name in init sh cron sshd bash nothing kthreadd; do control "processes \"$name\"" ':its("count", at_least(0))'; done
  for i in 0 1 2 3 4 5 6 7 8 9; do control "command \"echo $i\"" ":its(\"exit_status\", eq(0))"; done
} >"$folder/controls/mixed.lua"

