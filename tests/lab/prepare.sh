# prepare.sh - who a node of the lab is: its users and keys, what they may do, its host key.
#
# node.sh runs it in the root of the node before the boot, with the tools of the machine
# below. $LAB_STATE, $NODE_NAME, $LAB_ADDRESS and $LAB_FLAGS come from lab.sh.
# The password of every user is a fixture of tests and stands in docs/lab.md.
password=$(cat "$LAB_STATE/keys/password.crypt")
keys=$LAB_STATE/keys

# name:id:shell, what for
users='
ops:1001:/bin/sh
audit:1002:/bin/sh
plain:1003:/bin/sh
ttyonly:1004:/bin/sh
doer:1005:/bin/sh
noisy:1006:/bin/bash
barred:1007:/usr/sbin/nologin
'
home() { # OWNER PATH
  mkdir -p "$2/.ssh"
  cat "$keys"/id.pub "$keys"/id_ecdsa.pub "$keys"/id_rsa.pub "$keys"/id_locked.pub >"$2/.ssh/authorized_keys"
  chmod 700 "$2" "$2/.ssh"
  chmod 600 "$2/.ssh/authorized_keys"
  chown -R "$1:$1" "$2"
}
for file in passwd shadow group; do
  cp -p "etc/$file" "etc/$file.lab"
  grep -v '^ops:' "etc/$file.lab" >"etc/$file" || :
  rm "etc/$file.lab"
done
for user in $users; do
  IFS=: read -r name id shell <<USER
$user
USER
  [ -e "./$shell" ] || [ -L "./$shell" ] || continue
  echo "$name:x:$id:$id::/home/$name:$shell" >>etc/passwd
  echo "$name:x:$id:" >>etc/group
  echo "$name:$password:19000:0:99999:7:::" >>etc/shadow
  home "$id" "home/$name"
done
home 0 root

if [ -d etc/sudoers.d ]; then
  cat >etc/sudoers.d/lab <<'SUDOERS'
Defaults:ttyonly requiretty
ops, ttyonly, noisy ALL=(ALL) NOPASSWD: ALL
audit ALL=(ALL) ALL
SUDOERS
  chmod 440 etc/sudoers.d/lab
fi
if [ -e usr/bin/doas ]; then
  printf 'permit nopass doer\npermit audit\n' >etc/doas.conf
  chmod 400 etc/doas.conf
fi
# What some people have there: talk on both streams, work, and a change of what sh is used to.
# Debian's file ends at once for a shell nobody sits at; this one does not.
if [ -d home/noisy ]; then
  cat >home/noisy/.bashrc <<'BASHRC'
echo "welcome to $(hostname)"
echo "there is 1 message" >&2
printf 'no newline at the end'
i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done
for i in 1 2 3 4 5 6 7 8 9 10; do : "$(uname -a | cat)"; done
alias ls='ls --color=always' stat='echo no' cat='echo no'
set -o noclobber
shopt -s nullglob
export LC_ALL=de_DE.UTF-8 GREP_OPTIONS=--color=always POSIXLY_CORRECT=1
PS1='noisy> '
BASHRC
  cp home/noisy/.bashrc home/noisy/.profile
  chown 1006:1006 home/noisy/.bashrc home/noisy/.profile
fi

echo "$NODE_NAME" >etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n' "$NODE_NAME" >etc/hosts
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
case $LAB_FLAGS in
  *noexec*) mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs tmp ;;
esac

if [ -x usr/sbin/dropbear ]; then
  mkdir -p etc/dropbear
  cp "$keys/host_$NODE_NAME" etc/dropbear/dropbear_ed25519_host_key
  printf '%s\n' '::sysinit:/bin/mkdir -p /var/run' '::respawn:/bin/syslogd -n' \
    '::respawn:/usr/sbin/dropbear -F -R' >etc/inittab
  echo /bin/sh >etc/shells
  exit 0
fi
rm -f etc/ssh/ssh_host_*
cp "$keys/host_$NODE_NAME" etc/ssh/ssh_host_ed25519_key
chmod 600 etc/ssh/ssh_host_ed25519_key
cp "$keys/host_$NODE_NAME.pub" etc/ssh/ssh_host_ed25519_key.pub
mkdir -p etc/ssh/sshd_config.d
{
  # Tests fail to log in on purpose, and many at once: neither may lock out the next one.
  echo 'MaxStartups 200'
  [ ! -e usr/lib/openssh/sshd-session ] || echo 'PerSourcePenalties no'
  case $LAB_FLAGS in
    *certificate*)
      cp "$keys/host_$NODE_NAME-cert.pub" etc/ssh/ssh_host_ed25519_key-cert.pub
      echo 'HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub'
      ;;
  esac
} >etc/ssh/sshd_config.d/lab.conf
