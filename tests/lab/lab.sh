#!/bin/sh
# lab.sh - real nodes with SSH on one Linux machine, without a container engine.
#
#   lab.sh up [--while PID] [NODE...]   boots nodes (all) and waits until they answer
#   lab.sh down [NODE...]               takes nodes away (all: and the network)
#   lab.sh reset NODE                   throws away what was changed on a node
#   lab.sh status                       one line a node
#   lab.sh sh NODE COMMAND...           runs a command on a node, as root and without SSH
#   lab.sh fw NODE drop|reject|off      a firewall on the node's port 22, for this machine
#   lab.sh base                         makes the root file systems only
#
# A node is an init in namespaces of its own over a cached root file system (base.sh,
# node.sh); what it changes is in memory. With `--while` the lab goes when that process and
# every other one named so has ended. What tests need is written to the state folder: keys/,
# known_hosts, known_hosts_ca, ssh_config, nodes.yml and nodes, a table of name, address,
# flags. Needs root and: mmdebstrap iproute2 nftables openssh-client openssl util-linux,
# and python3 where the kernel has no netem.
#
#   PROBITY_TEST_CACHE  folder of the root file systems (target/tmp)
#   PROBITY_LAB         state folder (target/tmp/lab)
#   PROBITY_LAB_NET     first three octets of the network (the first free one of 10.99.1 to 10.99.99)
#   PROBITY_LAB_DELAY   milliseconds a round trip to the slow node takes longer (50)
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
built=${CARGO_TARGET_DIR:-$here/../../target}/tmp
absolute() { mkdir -p "$1" && (cd "$1" && pwd); }
cache=$(absolute "${PROBITY_TEST_CACHE:-$built}")
state=$(absolute "${PROBITY_LAB:-$built/lab}")
delay=${PROBITY_LAB_DELAY:-50}
password=lab-secret passphrase=lab-phrase

# name, last octet, images (the upper one first), flags
nodes='
deb12 11 bookworm         -
deb11 12 bullseye         noexec-tmp
deb13 13 trixie           certificate
rpm   14 rpm:own          -
bbox  15 dropbear:busybox -
slow  16 own              delay
wall  17 own              wall
'
# $net.250 is nobody's; port 23 is refused everywhere.

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }
names() { echo "$nodes" | awk 'NF { print $1 }'; }
# field N NAME
field() { echo "$nodes" | awk -v name="$2" -v n="$1" '$1 == name { print $n }'; }
known() { for name; do [ -n "$(field 2 "$name")" ] || die "there is no node $name; there are" $(names); done; }
images() { field 3 "$1" | tr : '\n'; }
address() { echo "$net.$(field 2 "$1")"; }
# The supervisor and the init of a node, or nothing when it does not run.
supervisor() { pid=$(cat "$state/run/$1.pid" 2>/dev/null) && grep -qs node.sh "/proc/$pid/cmdline" && echo "$pid"; }
init() {
  supervisor "$1" >/dev/null && pid=$(cat "$state/run/$1.init" 2>/dev/null) && [ -n "$pid" ] && [ -d "/proc/$pid" ] && echo "$pid"
}
inside() { # NAME COMMAND...
  target=$(init "$1") || die "$1 does not run"
  shift
  nsenter --target "$target" --all -- env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/root "$@"
}

# ---- what is shared: keys, network

make_keys() {
  mkdir -p "$state/keys" "$state/run" "$state/holders" "$state/share"
  chmod 700 "$state/keys"
  cd "$state/keys"
  key() { # FILE TYPE PASSPHRASE
    [ -e "$1" ] && return
    rm -f "new.$1" "new.$1.pub"
    ssh-keygen -q -t "$2" -N "$3" -C "lab $1" -f "new.$1"
    mv "new.$1.pub" "$1.pub"
    mv "new.$1" "$1"
  }
  key id ed25519 ''
  key id_ecdsa ecdsa ''
  key id_rsa rsa ''
  key id_locked ed25519 "$passphrase"
  key stranger ed25519 ''
  key host_ca ed25519 ''
  for name in $(names); do
    case $(images "$name") in dropbear*) dropbear_key "host_$name" ;; *) key "host_$name" ed25519 '' ;; esac
  done
  echo "$password" >password
  echo "wrong-$password" >password.wrong
  [ -e password.crypt ] || openssl passwd -6 -salt lab "$password" >password.crypt
  chmod 600 password*
  cd "$here"
}

# Its keys have a format of their own, which only its own program writes.
dropbear_key() { # FILE
  [ -d "$base/dropbear" ] && [ ! -e "$1" ] || return 0
  loader=$(find "$base/dropbear" -name 'ld-linux*' | head -n 1)
  libraries=$(find "$base/dropbear" -name '*.so*' -exec dirname {} \; | sort -u | paste -s -d :)
  "$loader" --library-path "$libraries" "$base/dropbear/usr/sbin/dropbearkey" -t ed25519 -f "$1" 2>/dev/null |
    grep ^ssh-ed25519 >"$1.pub"
}

bridge_of() { echo "$1" | awk -F. '{ printf "pl%02x%02x%02x", $1, $2, $3 }'; }

# To add a bridge is to take its network: two at once cannot.
make_network() {
  for bridge in $(ip -o link show type bridge | awk -F': ' '$2 ~ /^pl[0-9a-f]+$/ { print $2 }'); do
    owner=$(cat "/sys/class/net/$bridge/ifalias")
    [ -z "$owner" ] || [ -d "$owner" ] || ip link del "$bridge"
  done
  if net=$(cat "$state/net" 2>/dev/null); then
    bridge=$(bridge_of "$net")
    [ "$(cat "/sys/class/net/$bridge/ifalias" 2>/dev/null)" != "$state" ] || return 0
  fi
  for net in ${PROBITY_LAB_NET:-$(seq -f 10.99.%.0f 1 99)}; do
    bridge=$(bridge_of "$net")
    [ -z "$(ip -4 route show root "$net.0/24"; ip -4 route show match "$net.1" | grep -v ^default)" ] || continue
    ip link add "$bridge" type bridge 2>/dev/null || continue
    ip link set "$bridge" alias "$state"
    ip addr add "$net.1/24" dev "$bridge"
    ip addr add "$(ipv6 1)/64" dev "$bridge" nodad 2>/dev/null || :
    ip link set "$bridge" up
    echo "$net" >"$state/net"
    return 0
  done
  die "no network is free: ${PROBITY_LAB_NET:-10.99.1 to 10.99.99} (set PROBITY_LAB_NET to three octets of another)"
}

ipv6() { echo "$net" | awk -F. -v host="$1" '{ printf "fd99:%x:%x:%x::%s", $1, $2, $3, host }'; }

# ---- one node

start() {
  name=$1
  [ -z "$(init "$name")" ] || return 0
  stop "$name"
  flags=$(field 4 "$name") address=$(address "$name")
  lower=$(for image in $(images "$name"); do printf ':%s/%s' "$base" "$image"; done)
  lower=${lower#:}
  case $(images "$name" | head -n 1) in dropbear) command=/bin/init ;; *) command=/sbin/init ;; esac
  if [ "$flags" = certificate ]; then
    ssh-keygen -q -s "$state/keys/host_ca" -h -I "$name" -n "$address,$name" "$state/keys/host_$name.pub"
  fi
  mkdir -p "$state/share/$name"
  export LAB_STATE="$state" LAB_ADDRESS="$address" LAB_FLAGS="$flags" NODE_NAME="$name" NODE_PREPARE="$here/prepare.sh"
  : >"$state/run/$name.init"
  setsid sh "$here/node.sh" "$lower" /dev/null "$state/share/$name" "$command" \
    >"$state/run/$name.init" 2>"$state/run/$name.log" </dev/null 9>&- &
  echo $! >"$state/run/$name.pid"
}

# Its address, once it has namespaces.
connect() {
  name=$1 octet=$(field 2 "$1") flags=$(field 4 "$1")
  for _ in $(seq 500); do
    [ ! -s "$state/run/$name.init" ] || break
    sleep 0.02
  done
  pid=$(init "$name") || { cat "$state/run/$name.log" >&2; die "$name does not start"; }
  [ ! -e "/sys/class/net/${bridge}v$octet" ] && [ ! -e "/sys/class/net/${bridge}t$octet" ] || return 0
  ip link add "${bridge}v$octet" type veth peer name eth0 netns "$pid"
  if [ "$flags" = delay ] && ! tc qdisc add dev "${bridge}v$octet" root netem delay "${delay}ms" 2>/dev/null; then
    ip link del "${bridge}v$octet"
    setsid python3 "$here/delay.py" "$pid" "$(address "$name")" "$net.1" "$delay" "${bridge}t$octet" \
      >"$state/run/$name.delay.log" 2>&1 </dev/null 9>&- &
    return 0
  fi
  ip link set "${bridge}v$octet" master "$bridge" up
  # The same after a reset, for the sake of neighbours that remember.
  nsenter --target "$pid" --net sh -euc '
    ip link set eth0 address "$1" up
    ip addr add "$2/24" dev eth0
    ip addr add "$3/64" dev eth0 nodad 2>/dev/null || :' \
    - "$(printf '02:1a:b0:00:00:%02x' "$octet")" "$(address "$name")" "$(ipv6 "$octet")"
  [ "$flags" != wall ] || firewall "$name" drop
}

# Only what comes from this machine: another node is a way round.
firewall() { # NAME drop|reject|off
  target=$(init "$1") || die "$1 does not run"
  case $2 in
    drop) rule=drop ;;
    reject) rule='reject with tcp reset' ;;
    off) rule='' ;;
    *) die "a firewall is drop, reject or off, not $2" ;;
  esac
  nsenter --target "$target" --net nft -f - <<NFT
table inet lab { }
delete table inet lab
table inet lab {
  chain in {
    type filter hook input priority 0; policy accept;
    ${rule:+ip saddr $net.1 tcp dport 22 $rule}
    ${rule:+ip6 saddr $(ipv6 1) tcp dport 22 $rule}
  }
}
NFT
}

# Users may log in from the moment systemd says so; a key shows that SSH is there.
await() {
  for _ in $(seq 600); do
    [ -n "$(init "$1")" ] || { cat "$state/run/$1.log" >&2; die "$1 ended while it booted"; }
    if [ "$(field 4 "$1")" = wall ]; then
      [ ! -n "$(inside "$1" ss -Hltn 'sport = 22' 2>/dev/null)" ] || return 0
    else
      ssh -F "$state/ssh_config" -o ConnectTimeout=2 "$1" true 2>/dev/null </dev/null && return 0
    fi
    sleep 0.1
  done
  die "$1 does not answer at $(address "$1"); what it said is in $state/run/$1.log"
}

stop() { # NAME...
  for name; do ! pid=$(supervisor "$name") || kill -TERM "$pid" 2>/dev/null || :; done
  for name; do
    for _ in $(seq 300); do
      supervisor "$name" >/dev/null || break
      sleep 0.02
    done
    ! pid=$(supervisor "$name") || kill -KILL "$pid"
    octet=$(field 2 "$name")
    for wire in ${bridge:+"${bridge}v$octet" "${bridge}t$octet"}; do ip link del "$wire" 2>/dev/null || :; done
    rm -rf "$state/run/$name".* "${state:?}/share/$name"
  done
}

# ---- what a test reads

# Others read them at any time: each is there as a whole.
put() { cat >"$state/.new" && mv "$state/.new" "$state/$1"; }
write_files() {
  for name in $(names); do
    [ -e "$state/keys/host_$name.pub" ] || continue
    echo "$(address "$name") $(cut -d' ' -f1,2 "$state/keys/host_$name.pub")"
    echo "$(ipv6 "$(field 2 "$name")") $(cut -d' ' -f1,2 "$state/keys/host_$name.pub")"
  done | put known_hosts
  echo "@cert-authority $net.* $(cut -d' ' -f1,2 "$state/keys/host_ca.pub")" | put known_hosts_ca
  {
    for name in $(names); do printf 'Host %s\n  HostName %s\n' "$name" "$(address "$name")"; done
    printf 'Host *\n  User ops\n  IdentityFile %s\n  IdentitiesOnly yes\n' "$state/keys/id"
    printf '  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n' "$state/known_hosts"
    printf '  StrictHostKeyChecking yes\n  BatchMode yes\n  ConnectTimeout 10\n'
  } | put ssh_config
  for name in $(names); do
    [ -z "$(init "$name")" ] || echo "$name $(address "$name") $(ipv6 "$(field 2 "$name")") $(field 4 "$name")"
  done | put nodes
  {
    printf 'groups:\n  all:\n    transport:\n      user: ops\n      sudo: true\n      identity: keys/id\n'
    printf '      known_hosts: known_hosts\n      ssh_config: none\n'
    for group in debian redhat small; do printf '  %s:\n' "$group"; done
    echo nodes:
    while read -r name address _; do
      printf '  %s:\n    target: ssh://%s\n' "$name" "$address"
      case $name in
        rpm) printf '    groups: [redhat]\n' ;;
        bbox) printf '    groups: [small]\n    transport: { user: root, sudo: false }\n' ;;
        *) printf '    groups: [debian]\n' ;;
      esac
    done <"$state/nodes"
  } | put nodes.yml
}

status() {
  for name in $(names); do
    if ! pid=$(init "$name"); then echo "$name down"; continue; fi
    case $(images "$name" | head -n 1) in
      dropbear) boot=busybox ;;
      *) boot=$(inside "$name" systemctl is-system-running 2>/dev/null) || : ;;
    esac
    echo "$name $(address "$name") init=$pid $boot $(field 4 "$name")"
  done
}

# ---- the whole

# The nodes whose images are all there; base.sh has said what is not.
bootable() {
  for name; do
    there=yes
    for image in $(images "$name"); do [ -d "$base/$image" ] || there=no; done
    if [ $there = yes ]; then echo "$name"; else say "$name is left out: no $image"; fi
  done
}

make_bases() { base=$(sh "$here/base.sh" "$cache" $(for name; do images "$name"; done | sort -u)); }

up() {
  holder=hand
  if [ "${1:-}" = --while ]; then holder=$2; shift 2; fi
  known "$@"
  [ $# != 0 ] || set -- $(names)
  [ -n "$(awk '$3 == "cgroup2"' /proc/mounts)" ] || die "no cgroup2 is mounted"
  make_bases "$@"
  make_keys
  make_network
  set -- $(bootable "$@")
  : >"$state/holders/$holder"
  for name; do start "$name"; done
  for name; do connect "$name"; done
  write_files
  for name; do await "$name"; done
  [ "$holder" = hand ] || { keeper=$(cat "$state/run/keeper" 2>/dev/null) && grep -qs lab.sh "/proc/$keeper/cmdline"; } || {
    setsid sh "$here/lab.sh" keep >/dev/null 2>&1 </dev/null 9>&- &
    echo $! >"$state/run/keeper"
  }
}

# Takes the lab away once nobody holds it any more.
keep() {
  while :; do
    sleep 1
    flock 9
    for holder in "$state"/holders/*; do
      holder=${holder##*/}
      [ "$holder" = hand ] || [ -d "/proc/$holder" ] || rm -f "$state/holders/$holder"
    done
    [ -n "$(ls "$state/holders" 2>/dev/null)" ] || { down; exit 0; }
    flock -u 9
  done
}

down() {
  known "$@"
  net=$(cat "$state/net" 2>/dev/null) && bridge=$(bridge_of "$net") || bridge=''
  stop ${*:-$(names)}
  if [ $# = 0 ]; then
    [ "$(cat "/sys/class/net/$bridge/ifalias" 2>/dev/null)" != "$state" ] || ip link del "$bridge"
    rm -rf "$state/net" "$state/nodes" "$state/nodes.yml" "$state/known_hosts" "$state/known_hosts_ca" \
      "$state/ssh_config" "$state/holders" "$state/share" "$state/run" "$state/keys"
  elif [ -n "$net" ]; then
    write_files
  fi
}

[ "$(id -u)" = 0 ] || die "needs root"
command=${1:-help}
[ $# = 0 ] || shift
exec 9>"$state/lock"
case $command in
  up | down | reset) flock 9 ;;
  keep) keep ;;
esac
net=$(cat "$state/net" 2>/dev/null) && bridge=$(bridge_of "$net") || net=''
case $command in
  up) up "$@" ;;
  down) down "$@" ;;
  reset)
    [ $# = 1 ] && [ -n "$net" ] || die "reset takes a node of a lab that is up"
    known "$1"
    stop "$1"
    make_bases "$1"
    start "$1"
    connect "$1"
    write_files
    await "$1"
    ;;
  base) make_bases $(names) && echo "$base" ;;
  status) status ;;
  sh) inside "$@" ;;
  fw) firewall "$@" ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
