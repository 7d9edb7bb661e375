#!/bin/sh
# inventory.sh STATE - prints the nodes that tests/lab/lab.sh has up as an inventory: what a
# provisioner of one's own would print.
set -eu
state=$(cd "$1" && pwd)
echo 'nodes:'
while read -r name address _; do
  case $name in deb12) group=web ;; *) group=db ;; esac
  echo "  $name: { target: 'ssh://ops@$address', groups: [$group] }"
done <"$state/nodes"
cat <<YAML
groups:
  all: { transport: { identity: '$state/keys/id', known_hosts: '$state/known_hosts', ssh_config: none, sudo: true } }
  web:
  db:
YAML
