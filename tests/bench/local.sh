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
cc -O2 -o "$work/usage" "$root/tests/bench/usage.c"
cd "$work"

"$root/tests/bench/mixed.sh" mixed

# CPU (user and system, children included) of one run in milliseconds, the median of all.
measure() { # name, command...
  local name=$1; shift
  ./usage "$runs" "$@" | cut -d " " -f 1 >"$name.ms"
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
