# Finds the program on the node, or a place for it; see start.rs. Before this script stand
# m (the mark), digest, size (bytes), machine, space (KiB) and cleanup (1 or empty).
LC_ALL=C; export LC_ALL
umask 077
say() { printf '\n%s %s\n' "$m" "$*"; }

# Whether a folder, by its physical path, can be trusted: all of it belongs to root or to us,
# nobody else may write to any of it (a folder like /tmp with its sticky bit may be on the
# way), and the last of it is ours alone.
trusted() {
  parts=/ rest=${1#/}
  while [ -n "$rest" ]; do
    parts="$parts ${1%"$rest"}${rest%%/*}"
    case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
  done
  # shellcheck disable=SC2086
  list=$(ls -ldn $parts 2>/dev/null) || return 1
  last=
  while [ -n "$list" ]; do
    line=${list%%"$n"*}
    case $list in *"$n"*) list=${list#*"$n"} ;; *) list= ;; esac
    # shellcheck disable=SC2086
    set -- $line
    last="$1 $3"
    case $1 in d*) ;; *) return 1 ;; esac
    case $3 in 0 | "$u") ;; *) return 1 ;; esac
    case $1 in
      ?????????[tT]*) ;;
      ?????w* | ????????w*) return 1 ;;
    esac
  done
  case $last in "drwx------"*" $u") return 0 ;; esac
  return 1
}

n='
'
u=$(id -u) && name=$(id -un 2>/dev/null || echo "$u")
case $name in *[!A-Za-z0-9._-]* | '' | [0-9]*) home= ;; *) eval "home=~$name" ;; esac
[ "$(uname -m)" = "$machine" ] || { say "no the node is $(uname -m), and the agent is for $machine"; exit 0; }

why='there is no folder on the node that is safe to keep a program in'
for place in "$home/.cache/probity" "/tmp/probity-agent-$u"; do
  case $place in /.cache/* | *[!A-Za-z0-9/._-]*) continue ;; esac
  if [ -n "$cleanup" ]; then
    [ -d "$place" ] || continue
  elif [ ! -d "$place" ]; then
    mkdir -p "${place%/*}" 2>/dev/null; mkdir "$place" 2>/dev/null || continue
  fi
  d=$(cd -P -- "$place" 2>/dev/null && pwd -P) || continue
  case $d in *[!A-Za-z0-9/._-]*) continue ;; esac
  trusted "$d" || { why="$d is not safe to keep a program in: it, or a folder on its way, may be written to by others"; continue; }
  if [ -n "$cleanup" ]; then rm -rf -- "$d"; continue; fi
  if [ -f "$d/$digest" ] && "$d/$digest" version >/dev/null 2>&1 </dev/null; then
    say have
    exec "$d/$digest" agent
  fi
  printf '#!/bin/sh\n' >"$d/.try.$$" 2>/dev/null && chmod 700 "$d/.try.$$" 2>/dev/null || { rm -f "$d/.try.$$"; why="$d cannot be written to"; continue; }
  if "$d/.try.$$" 2>/dev/null </dev/null; then rm -f "$d/.try.$$"; else rm -f "$d/.try.$$"; why="$d is on a file system mounted noexec"; continue; fi
  free=$(df -Pk "$d" 2>/dev/null </dev/null | while read -r _ _ _ free _; do echo "$free"; done | tail -n 1)
  case $free in '' | *[!0-9]*) ;; *) [ "$free" -ge "$space" ] || { why="$d has only $free KiB left, and the agent needs $space"; continue; } ;; esac
  if command -v gzip >/dev/null 2>&1; then say "need gzip $d"; else say "need plain $d"; fi
  exit 0
done
if [ -n "$cleanup" ]; then say clean; else say "no $why"; fi
exit 0
