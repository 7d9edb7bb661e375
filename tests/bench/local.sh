#!/usr/bin/env bash
# Whole processes: the start of the program, and 200 mixed checks on this machine against a C
# program that makes the same system calls and spawns the same ten commands. Prints CPU times
# and ratios; both sides are measured in turn, in this one run.
#
#   tests/bench/local.sh [RUNS]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
runs=${1:-41}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
[ -n "${PROBITY_BIN:-}" ] || cargo build --release --quiet --manifest-path "$root/Cargo.toml"
probity=${PROBITY_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/probity}
cc -O2 -o "$work/floor" "$root/tests/bench/floor.c"
cc -O2 -o "$work/cpu" "$root/tests/bench/cpu.c"
cd "$work"

take() { head -n "$1" | tee "$2" | wc -l >/dev/null; }
find /etc /usr/bin -maxdepth 1 -type f 2>/dev/null | sort | take 80 stat.txt
find /etc -maxdepth 1 -type f -size -64k -size +0 2>/dev/null | sort | take 20 content.txt
sed -n 's/^Package: //p' /var/lib/dpkg/status | sort -u | take 30 package.txt
find /proc/sys/kernel -maxdepth 1 -type f -perm -444 ! -name '*_rest*' 2>/dev/null | sed 's|/proc/sys/||' | sort | take 15 sysctl.txt
cut -d: -f1 /etc/passwd | take 10 user.txt
cut -d: -f1 /etc/group | take 10 group.txt

mkdir -p mixed/controls
printf 'name: mixed\nversion: 1.0.0\n' >mixed/profile.yml
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
} >mixed/controls/mixed.lua

# CPU (user and system, children included) of one run in milliseconds, the median of all.
measure() { # name, command...
  local name=$1; shift
  ./cpu "$runs" "$@" >"$name.ms"
}
"$probity" exec mixed --reporter cli | tail -n 1
measure floor ./floor
measure probity "$probity" exec mixed --reporter json-min
measure floor2 ./floor
measure start "$probity" version
awk -v f="$(cat floor.ms)" -v g="$(cat floor2.ms)" -v p="$(cat probity.ms)" -v s="$(cat start.ms)" 'BEGIN {
  floor = (f + g) / 2
  printf "probity version          %6.1f ms CPU (asked: under 5)\n", s
  printf "floor: C, same calls     %6.1f ms CPU\n", floor
  printf "probity, 200 checks      %6.1f ms CPU, %.2f times the floor (asked: at most 2)\n", p, p / floor
}'
