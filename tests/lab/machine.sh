# Takes the marks of a container off a node, so that controls judge what they leave to the host
# in a container.
set -eu
mount --bind /dev/null /proc/1/environ
[ ! -e /run/systemd/container ] || mount --bind /dev/null /run/systemd/container
