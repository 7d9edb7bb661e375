#!/usr/bin/env bash
# Nodes over SSH against what ssh itself takes, in one run: one sshd on this machine, reached at
# as many loopback addresses as there are nodes. Prints times and ratios. Needs root, sshd, ssh
# and a C compiler; for the wire with a delay also python3 and /dev/net/tun, and for the agent the
# statically linked program of docs/nodes.md in PROBITY_AGENT_PROGRAM. What is missing is left out.
#
#   tests/bench/nodes.sh [NODES [SECTION ...]]
#
# The sections, all of them unless some are named: one, agent, delay, hundred, all, memory.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
nodes=${1:-1000}
[ $# = 0 ] || shift
sections=${*:-one agent delay hundred all memory}
wants() { case " $sections " in *" $1 "*) ;; *) return 1 ;; esac; }
work=$(mktemp -d)
started=()
trap 'kill "$(cat "$work/sshd.pid" 2>/dev/null)" "${started[@]}" 2>/dev/null || :; rm -rf "$work"' EXIT
[ -n "${PROBITY_BIN:-}" ] || cargo build --release --quiet --manifest-path "$root/Cargo.toml"
probity=${PROBITY_BIN:-${CARGO_TARGET_DIR:-$root/target}/release/probity}
cc -O2 -o "$work/usage" "$root/tests/bench/usage.c"
cd "$work"
"$root/tests/bench/mixed.sh" mixed

port=$((20000 + RANDOM % 20000))
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
cat >sshd_config <<CONFIG
Port $port
ListenAddress 0.0.0.0
HostKey $work/host
AuthorizedKeysFile $work/key.pub
PidFile $work/sshd.pid
StrictModes no
UsePAM no
MaxStartups 1000
LogLevel ERROR
CONFIG
mkdir -p /run/sshd
/usr/sbin/sshd -f sshd_config
printf '[127.0.*.*]:%s %s\n' "$port" "$(cut -d' ' -f1,2 host.pub)" >known_hosts
until [ -e sshd.pid ]; do sleep 0.05; done

inventory() { # COUNT FILE
  { echo 'nodes:'
    for ((i = 0; i < $1; i++)); do echo "  n$i: ssh://root@127.0.$((1 + i / 250)).$((1 + i % 250)):$port"; done; } >"$2"
}
inventory 1 one.yml; inventory 100 hundred.yml; inventory "$nodes" all.yml
ssh=(ssh -F none -i key -p "$port" -o UserKnownHostsFile=known_hosts -o BatchMode=yes -o KexAlgorithms=curve25519-sha256)
how=(-F none -i key --known-hosts known_hosts --reporter json-min:/dev/null)

# CPU, wall and memory of NAME are in NAME.use.
measure() { local name=$1 runs=$2; shift 2; ./usage "$runs" "$@" >"$name.use"; }
get() { awk -v field="$2" '{ print $field }' "$1.use"; }

"${ssh[@]}" root@127.0.1.1 true
"$probity" exec mixed --inventory one.yml "${how[@]}" --reporter cli | tail -n 1
measure floor 15 "${ssh[@]}" root@127.0.1.1 true
if wants one; then
measure one 15 "$probity" exec mixed --inventory one.yml "${how[@]}"
measure floor2 15 "${ssh[@]}" root@127.0.1.1 true
cat floor.use floor2.use one.use | awk '
  NR <= 2 { cpu += $1 / 2; wall += $2 / 2; next }
  { printf "ssh node true                %8.1f ms CPU %8.1f ms wall\n", cpu, wall
    printf "200 checks on one node       %8.1f ms CPU %8.1f ms wall, %.2f times the wall of ssh (asked: at most 2)\n", $1, $2, $2 / wall }'
fi

# The agent is pushed by the first run and found again by the others, in turn with ssh.
agent=${PROBITY_AGENT_PROGRAM:-}
if wants agent && [ -z "$agent" ]; then
  echo "the agent is left out: PROBITY_AGENT_PROGRAM names no program"
elif wants agent; then
  with=("$probity" exec mixed --inventory one.yml "${how[@]}" --agent --agent-program "$agent")
  "${with[@]}" || :
  for turn in 1 2 3; do
    measure "agent$turn" 5 "${with[@]}"
    measure "bare$turn" 5 "${ssh[@]}" root@127.0.1.1 true
  done
  cat agent?.use bare?.use | awk '
    NR <= 3 { wall += $2 / 3; next }
    { bare += $2 / 3 }
    END { printf "200 checks, agent cached     %8.1f ms wall, %.2f times that of ssh (asked: at most 1.5)\n", wall, wall / bare }'
  "${with[@]}" --agent-cleanup >/dev/null || :
fi

# A node behind a wire that takes 50 ms there and back.
delay=50
if wants delay && { [ ! -e /dev/net/tun ] || ! command -v python3 >/dev/null; }; then
  echo "the delay is left out: it needs python3 and /dev/net/tun"
elif wants delay; then
  far=10.98.17.2 near=10.98.17.1
  sed -e "s/sshd.pid/far.pid/" sshd_config >far_config
  unshare --net sh -c 'ip link set lo up; exec sleep 3600' & started+=($!)
  place=$!
  sleep 0.3
  ip address replace "$near/32" dev lo
  python3 "$root/tests/lab/delay.py" "$place" "$far" "$near" "$delay" probity-bench & started+=($!)
  sleep 1
  nsenter --net="/proc/$place/ns/net" /usr/sbin/sshd -D -f far_config & started+=($!)
  until [ -e far.pid ]; do sleep 0.05; done
  sed "s/127.0.1.1/$far/" one.yml >far.yml
  printf '[%s]:%s %s\n' "$far" "$port" "$(cut -d' ' -f1,2 host.pub)" >>known_hosts
  measure near 7 "${ssh[@]}" "root@$far" true
  measure far 7 "$probity" exec mixed --inventory far.yml "${how[@]}"
  measure near2 7 "${ssh[@]}" "root@$far" true
  cat near.use near2.use far.use | awk -v delay="$delay" '
    NR <= 2 { wall += $2 / 2; next }
    { printf "200 checks at %d ms delay    %8.1f ms wall, that of ssh (%.1f ms) and %.1f round trips (asked: at most 6)\n", delay, $2, wall, ($2 - wall) / delay }'
  ip address del "$near/32" dev lo
fi

if wants hundred || wants all || wants memory; then
  measure hundred 1 "$probity" exec mixed --inventory hundred.yml --parallel 20 "${how[@]}"
fi
if wants hundred; then

# The floor of many: the scripts of one node, as they were sent, piped through as many ssh.
cat >capture <<'SH'
#!/bin/sh
tee "$(mktemp "${0%/*}/batch.XXXXXX")" | sh -s
SH
chmod +x capture
sed -e "s/^Port .*/Port $((port + 1))/" -e "s/sshd.pid/capture.pid/" sshd_config >capture_config
echo "ForceCommand $work/capture" >>capture_config
/usr/sbin/sshd -f capture_config
until [ -e capture.pid ]; do sleep 0.05; done
sed "s/:$port/:$((port + 1))/" one.yml >captured.yml
sed "s/:$port/:$((port + 1))/; s/]:$port/]:$((port + 1))/" known_hosts >captured_hosts
"$probity" exec mixed --inventory captured.yml -F none -i key --known-hosts captured_hosts --reporter json-min:/dev/null || :
kill "$(cat capture.pid)"
ls batch.* >batches

cat >fan <<SH
#!/bin/sh
# One node: every batch in turn.
for batch in \$(cat $work/batches); do ${ssh[*]} "root@\$1" sh -s <"$work/\$batch" >/dev/null 2>&1; done
SH
chmod +x fan
sed -n 's/.*@\([0-9.]*\):.*/\1/p' hundred.yml >addresses
measure fan 1 sh -c "xargs -P 20 -n 1 ./fan <addresses"
measure hundred 1 "$probity" exec mixed --inventory hundred.yml --parallel 20 "${how[@]}"
measure fan2 1 sh -c "xargs -P 20 -n 1 ./fan <addresses"
cat floor.use fan.use fan2.use hundred.use | awk '
  NR == 1 { ssh = $1; next }
  NR <= 3 { wall += $2 / 2; next }
  { printf "100 nodes, 20 in flight      %8.1f ms CPU a node, %.2f times that of ssh (asked: at most 2)\n", $1 / 100, $1 / 100 / ssh
    printf "                             %8.1f s wall, %.2f times a fan-out of ssh (asked: at most 1.2)\n", $2 / 1000, $2 / wall
    printf "                             %8.1f MiB at most\n", $3 / 1024 }'

fi

# How the wall of as many nodes grows with ssh alone says what is ours and what sshd's.
if wants all; then
  sed -n 's/.*@\([0-9.]*\):.*/\1/p' all.yml >all.addresses
  sed -n 's/.*@\([0-9.]*\):.*/\1/p' hundred.yml >hundred.addresses
  printf '#!/bin/sh\n%s "root@$1" true\n' "${ssh[*]}" >bare
  chmod +x bare
  measure bare100 1 sh -c "xargs -P 20 -n 1 ./bare <hundred.addresses"
  measure all 1 "$probity" exec mixed --inventory all.yml --parallel 20 "${how[@]}"
  measure bareall 1 sh -c "xargs -P 20 -n 1 ./bare <all.addresses"
  cat hundred.use all.use bare100.use bareall.use | awk -v nodes="$nodes" '
    NR == 1 { wall = $2; cpu = $1; memory = $3; next }
    NR == 2 {
      printf "%d nodes, 20 in flight     %8.1f s wall, %.2f times that of 100 for %.1f times the nodes\n", nodes, $2 / 1000, $2 / wall, nodes / 100
      printf "                             %8.1f ms CPU a node, %.2f times that of 100\n", $1 / nodes, $1 / nodes / (cpu / 100)
      printf "                             %8.1f MiB at most (100: %.1f MiB), %.1f KiB a node more than with 100\n", $3 / 1024, memory / 1024, ($3 - memory) / (nodes - 100)
      next }
    NR == 3 { bare = $2; next }
    { printf "as many times ssh node true    %8.1f s wall, %.2f times that of 100\n", $2 / 1000, $2 / bare }'
fi

# The slope of the most memory over the width.
if wants memory; then
  measure narrow 1 "$probity" exec mixed --inventory hundred.yml --parallel 1 "${how[@]}"
  measure wide 1 "$probity" exec mixed --inventory hundred.yml --parallel 40 "${how[@]}"
  cat narrow.use hundred.use wide.use | awk '
    NR == 1 { memory = $3; next }
    { width = NR == 2 ? 20 : 40
      printf "memory a node in flight      %8.2f MiB with %d (asked: under 2)\n", ($3 - memory) / 1024 / (width - 1), width }'
fi
