# Twenty faults for a node, each with the control of linux-baseline that has to find it where
# it found nothing before. Run as root on the node. What a node has no part of - sudo, cron,
# an OpenSSH server - is made, so that every node has them all; what cannot be made there is
# left out. Writes `NUMBER CONTROL` for each fault that was seeded.
set -eu
number=0
seeded() { number=$((number + 1)); echo "$number $1"; }

chmod 666 /etc/passwd
seeded passwd-file
chown 1003 /etc/group
seeded group-file
chmod 644 /etc/shadow
seeded shadow-file

echo 'toor:x:0:4001::/root:/bin/sh' >>/etc/passwd
echo 'toor:*:19000:0:99999:7:::' >>/etc/shadow
seeded uid-0-only-root
echo 'open:x:4002:4002::/home/open:/bin/sh' >>/etc/passwd
echo 'open::19000:0:99999:7:::' >>/etc/shadow
seeded no-empty-passwords
echo 'twin:x:1003:4003::/home/twin:/bin/sh' >>/etc/passwd
echo 'twin:!:19000:0:99999:7:::' >>/etc/shadow
seeded unique-uids
echo 'plain:x:4004:' >>/etc/group
seeded unique-group-names
echo '+::::::' >>/etc/passwd
seeded no-legacy-entries

mkdir -p /etc/ssh/sshd_config.d
# The first word on a directive counts.
printf 'PermitEmptyPasswords yes\nLogLevel QUIET\nIgnoreRhosts no\nHostbasedAuthentication yes\n' >/etc/ssh/sshd_config.d/00-faults.conf
seeded sshd-empty-passwords
seeded sshd-log-level
seeded sshd-host-trust

mkdir -p /etc/sysctl.d
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/99-faults.conf
seeded sysctl-forwarding
echo 0 >/proc/sys/net/ipv4/tcp_syncookies
seeded sysctl-syn-cookies

# Names that a careless reader of lists takes for several, or for none.
mkdir -p /srv/faults
cd /srv/faults
touch -- "a file's \"name\" with
two lines and \$(touch run)" "$(printf 'bytes \377\376')" '-rf' ' '
chmod 666 -- ./*
chmod 666 './ '
seeded world-writable-files
mkdir '/srv/faults/a folder'
chmod 777 '/srv/faults/a folder'
seeded world-writable-directories
mkdir -p /usr/local
cp /bin/ls /usr/local/lab-group
chmod 2755 /usr/local/lab-group
seeded setgid-inventory
touch /srv/unowned
chown 4242:4243 /srv/unowned
seeded unowned-files

chmod 777 /home/plain
seeded homes-closed
echo '+ +' >/home/plain/.rhosts
chown 1003:1003 /home/plain/.rhosts
seeded no-trust-files
mkdir -p /etc/sudoers.d
echo 'Defaults !use_pty, targetpw' >/etc/sudoers.d/zz-faults
chmod 440 /etc/sudoers.d/zz-faults
seeded sudo-terminal
