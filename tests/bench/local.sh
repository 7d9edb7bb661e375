#!/usr/bin/env bash
# Whole processes: the start of the program, and 200 mixed checks on this machine against a C
# program that makes the same system calls and spawns the same ten commands. Prints CPU times
# and ratios; both sides are measured in turn, in this one run.
#
#   tests/bench/local.sh [ROUNDS]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rounds=${1:-21}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
[ -n "${PROBITY_BIN:-}" ] || cargo build --release --quiet --manifest-path "$root/Cargo.toml"
probity=${PROBITY_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/probity}
cc -O2 -o "$work/floor" "$root/tests/bench/floor.c"
cc -O2 -o "$work/usage" "$root/tests/bench/usage.c"
cd "$work"

"$root/tests/bench/mixed.sh" mixed

"$probity" exec mixed --reporter cli | tail -n 1
# CPU (user and system, children included) of a few runs in milliseconds, the median. The machine
# is faster at one time than at another: all are measured in each round, and their ratios there.
cpu() { ./usage 5 "$@" | cut -d " " -f 1; }
for _ in $(seq "$rounds"); do
  echo "$(cpu ./floor) $(cpu "$probity" exec mixed --reporter json-min) $(cpu ./floor) $(cpu "$probity" version)"
done >rounds
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
column() { awk "{ print $1 }" rounds | median; }
printf 'probity version          %6.1f ms CPU (asked: under 5)\n' "$(column '$4')"
printf 'floor: C, same calls     %6.1f ms CPU\n' "$(column '($1 + $3) / 2')"
printf 'probity, 200 checks      %6.1f ms CPU, %.2f times the floor (asked: at most 2)\n' \
  "$(column '$2')" "$(column '2 * $2 / ($1 + $3)')"
