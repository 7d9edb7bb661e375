#!/bin/sh
# harden.sh - puts a Debian root file system in the order that profiles/linux-baseline
# asks for, by what the controls' `fix` texts say. May be run again on a node that was
# broken: it mends what it set.
set -eu

set_key() { # FILE KEY SEPARATOR VALUE: the one line of a key
  touch "$1"
  sed -i "/^[#[:space:]]*$2\([[:space:]=].*\)\{0,1\}$/d" "$1"
  printf '%s%s%s\n' "$2" "$3" "$4" >>"$1"
}

# ---- accounts ------------------------------------------------------------------------
grep -q '^admin:' /etc/passwd || useradd -m -s /bin/bash -G sudo admin
# A hash of no password: what is judged is its scheme.
usermod -p '$y$j9T$aaaaaaaaaaaaaaaaaaaaa.$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' admin
usermod -L root
chage -m 1 -M 365 -W 7 -d "$(date -d yesterday +%F)" admin
chown root:root /etc/passwd /etc/group /root
chown root:shadow /etc/shadow /etc/gshadow
chmod 0644 /etc/passwd /etc/group
chmod 0640 /etc/shadow /etc/gshadow
for copy in /etc/passwd- /etc/group-; do [ ! -e $copy ] || { chown root:root $copy; chmod 0600 $copy; }; done
for copy in /etc/shadow- /etc/gshadow-; do [ ! -e $copy ] || { chown root:shadow $copy; chmod 0640 $copy; }; done
: >/etc/security/opasswd; chown root:root /etc/security/opasswd; chmod 0600 /etc/security/opasswd
sed -i '/nologin$/d; /false$/d' /etc/shells; chown root:root /etc/shells; chmod 0644 /etc/shells
chmod 0700 /root; chown admin:admin /home/admin; chmod 0750 /home/admin
find /root /home/admin -maxdepth 1 -type f -name '.*' -exec chmod go-w {} +
set_key /etc/default/useradd INACTIVE = 30
for file in /etc/login.defs; do
  set_key $file PASS_MAX_DAYS ' ' 365
  set_key $file PASS_MIN_DAYS ' ' 1
  set_key $file PASS_WARN_AGE ' ' 7
  set_key $file UMASK ' ' 027
  set_key $file ENCRYPT_METHOD ' ' YESCRYPT
  set_key $file LOGIN_RETRIES ' ' 3
  set_key $file LOGIN_TIMEOUT ' ' 60
  set_key $file UID_MIN ' ' 1000
  set_key $file GID_MIN ' ' 1000
  set_key $file SYS_UID_MAX ' ' 999
  set_key $file SYS_GID_MAX ' ' 999
  set_key $file ENV_SUPATH ' ' PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
done
printf 'umask 027\n' >/etc/profile.d/umask.sh
printf 'readonly TMOUT=900\nexport TMOUT\n' >/etc/profile.d/tmout.sh
chown root:root /etc/login.defs; chmod 0644 /etc/login.defs

# ---- files ---------------------------------------------------------------------------
for place in /tmp /var/tmp; do chown root:root $place; chmod 1777 $place; done
chmod go-w /usr/local/bin /usr/local/sbin /usr/bin /usr/sbin
mkdir -p /boot/grub
printf 'set superusers="boss"\npassword_pbkdf2 boss grub.pbkdf2.sha512.10000.00.00\n' >/boot/grub/grub.cfg
chown root:root /boot/grub/grub.cfg; chmod 0600 /boot/grub/grub.cfg
touch /etc/default/grub
set_key /etc/default/grub GRUB_CMDLINE_LINUX = '"audit=1"'
cat >/etc/fstab <<'FSTAB'
tmpfs /tmp tmpfs nodev,nosuid,noexec 0 0
tmpfs /dev/shm tmpfs nodev,nosuid,noexec 0 0
tmpfs /var tmpfs nodev,nosuid 0 0
tmpfs /var/tmp tmpfs nodev,nosuid,noexec 0 0
tmpfs /var/log tmpfs nodev,nosuid,noexec 0 0
tmpfs /var/log/audit tmpfs nodev,nosuid,noexec 0 0
tmpfs /home tmpfs nodev,nosuid 0 0
FSTAB

# ---- kernel --------------------------------------------------------------------------
{
  for line in \
    kernel.randomize_va_space=2 kernel.kptr_restrict=2 kernel.dmesg_restrict=1 kernel.yama.ptrace_scope=1 \
    kernel.unprivileged_bpf_disabled=1 net.core.bpf_jit_harden=2 kernel.perf_event_paranoid=3 kernel.sysrq=0 \
    kernel.kexec_load_disabled=1 dev.tty.ldisc_autoload=0 fs.suid_dumpable=0 fs.protected_symlinks=1 \
    fs.protected_hardlinks=1 fs.protected_fifos=2 fs.protected_regular=2 \
    net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.icmp_echo_ignore_broadcasts=1 \
    net.ipv4.icmp_ignore_bogus_error_responses=1 net.ipv4.tcp_syncookies=1 net.ipv4.tcp_rfc1337=1 \
    net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  do echo "$line"; done
  for which in all default; do
    for line in send_redirects=0 accept_redirects=0 secure_redirects=0 accept_source_route=0 log_martians=1 rp_filter=1; do
      echo "net.ipv4.conf.$which.$line"
    done
    for line in accept_redirects=0 accept_source_route=0 accept_ra=0; do echo "net.ipv6.conf.$which.$line"; done
  done
} >/etc/sysctl.d/90-baseline.conf
for module in cramfs freevxfs hfs hfsplus jffs2 udf dccp rds sctp tipc firewire-core firewire-ohci firewire-sbp2 usb-storage; do
  printf 'install %s /bin/false\nblacklist %s\n' $module $module
done >/etc/modprobe.d/baseline.conf

# ---- sshd ----------------------------------------------------------------------------
cat >/etc/ssh/sshd_config.d/baseline.conf <<'SSHD'
PermitRootLogin no
PermitEmptyPasswords no
MaxAuthTries 4
LoginGraceTime 60
MaxSessions 10
MaxStartups 10:30:60
ClientAliveInterval 15
ClientAliveCountMax 3
HostbasedAuthentication no
IgnoreRhosts yes
PermitUserEnvironment no
X11Forwarding no
LogLevel VERBOSE
UsePAM yes
Banner /etc/issue.net
Ciphers -*-cbc
MACs -umac-64*,hmac-md5*,hmac-sha1-96*
KexAlgorithms -diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1
SSHD
chown root:root /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf
chmod 0600 /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf /etc/ssh/ssh_host_*_key
chown root:root /etc/ssh/ssh_host_*
chmod 0644 /etc/ssh/ssh_host_*_key.pub

# ---- su, sudo, PAM ---------------------------------------------------------------------
sed -i '/pam_wheel/d' /etc/pam.d/su
sed -i '1i auth required pam_wheel.so use_uid group=sudo' /etc/pam.d/su
cat >/etc/sudoers.d/baseline <<'SUDOERS'
Defaults use_pty
Defaults logfile="/var/log/sudo.log"
Defaults timestamp_timeout=15
SUDOERS
chown root:root /etc/sudoers /etc/sudoers.d /etc/sudoers.d/*
chmod 0440 /etc/sudoers /etc/sudoers.d/*; chmod 0750 /etc/sudoers.d
cat >/etc/pam.d/common-auth <<'PAM'
auth required pam_faillock.so preauth
auth [success=2 default=ignore] pam_unix.so try_first_pass
auth [default=die] pam_faillock.so authfail
auth requisite pam_deny.so
auth required pam_permit.so
PAM
cat >/etc/pam.d/common-account <<'PAM'
account required pam_faillock.so
account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so
PAM
cat >/etc/pam.d/common-password <<'PAM'
password requisite pam_pwquality.so retry=3
password required pam_pwhistory.so remember=24 enforce_for_root use_authtok
password [success=1 default=ignore] pam_unix.so use_authtok try_first_pass yescrypt
password requisite pam_deny.so
password required pam_permit.so
PAM
printf 'minlen = 14\nminclass = 4\ndifok = 2\nmaxrepeat = 3\nenforce_for_root\n' >/etc/security/pwquality.conf
printf 'deny = 5\nunlock_time = 900\n' >/etc/security/faillock.conf

# ---- cron, notices, core dumps ---------------------------------------------------------
rm -f /etc/cron.deny
echo root >/etc/cron.allow; chown root:root /etc/cron.allow; chmod 0640 /etc/cron.allow
chown root:root /etc/crontab /etc/cron.*ly /etc/cron.d; chmod 0600 /etc/crontab; chmod 0700 /etc/cron.*ly /etc/cron.d
find /etc/cron.*ly /etc/cron.d -type f -exec chown root:root {} + -exec chmod go-w {} +
for notice in /etc/issue /etc/issue.net /etc/motd; do
  echo 'Authorised use only. What is done here is recorded.' >$notice
  chown root:root $notice; chmod 0644 $notice
done
printf '* hard core 0\n' >/etc/security/limits.d/10-core.conf

# ---- logs, audit, time, services -------------------------------------------------------
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=persistent\nCompress=yes\n' >/etc/systemd/journald.conf.d/baseline.conf
sed -i '/FileCreateMode/d' /etc/rsyslog.conf; sed -i '1i $FileCreateMode 0640' /etc/rsyslog.conf
chown root:root /var/log; chmod 0755 /var/log
find /var/log -type f -exec chmod o-rwx {} +
set_key /etc/audit/auditd.conf max_log_file_action ' = ' keep_logs
set_key /etc/audit/auditd.conf space_left_action ' = ' email
set_key /etc/audit/auditd.conf admin_space_left_action ' = ' single
set_key /etc/audit/auditd.conf disk_full_action ' = ' halt
mkdir -p /var/log/audit /etc/audit/rules.d; touch /var/log/audit/audit.log
for path in /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/sudoers /etc/sudoers.d/ /etc/localtime /var/log/lastlog /var/run/faillock; do
  echo "-w $path -p wa -k baseline"
done >/etc/audit/rules.d/50-baseline.rules
echo '-e 2' >/etc/audit/rules.d/99-finalize.rules
chown root:root /var/log/audit /var/log/audit/*; chmod 0750 /var/log/audit; chmod 0640 /var/log/audit/*
find /etc/audit -type f -exec chown root:root {} + -exec chmod 0640 {} +
sed -i '/^[[:space:]]*\(server\|pool\|user\)[[:space:]]/d' /etc/chrony/chrony.conf
echo 'pool ntp.example.org iburst' >>/etc/chrony/chrony.conf
want() { # UNIT TARGET: systemctl enable, without a running systemd
  mkdir -p "/etc/systemd/system/$2.wants"; ln -sf "/lib/systemd/system/$1" "/etc/systemd/system/$2.wants/$1"
}
want chrony.service multi-user.target
want nftables.service sysinit.target
ln -sf /dev/null /etc/systemd/system/ctrl-alt-del.target
