#!/bin/sh
# red-hat.sh - lays a hardened Debian test node out as Red Hat does: names of files, PAM
# stacks, an rpm database, SELinux. Not a Red Hat: what runs is Debian's, but what the
# baseline reads is where it would be there.
set -eu

printf 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n' >/run/os-release
rm -f /etc/os-release; cp /run/os-release /etc/os-release; rm -f /etc/debian_version
rm -rf /var/lib/dpkg /etc/apt
mkdir -p /etc/rpm /var/lib/rpm; echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
rpm --initdb

for stack in system-auth password-auth; do
  cat /etc/pam.d/common-auth /etc/pam.d/common-account /etc/pam.d/common-password /etc/pam.d/common-session >/etc/pam.d/$stack
done
rm /etc/pam.d/common-*
for kind in auth account password session; do
  sed -i "s/^@include common-$kind\(-noninteractive\)\{0,1\}$/$kind include system-auth/" /etc/pam.d/*
done
sed -i 's#/usr/sbin/nologin#/sbin/nologin#' /etc/passwd
chgrp root /etc/shadow /etc/gshadow; chmod 0000 /etc/shadow /etc/gshadow
sed -i '/^ENV_SUPATH/d; /^LOGIN_RETRIES/d; /^LOGIN_TIMEOUT/d' /etc/login.defs
[ ! -e /etc/bash.bashrc ] || mv /etc/bash.bashrc /etc/bashrc
mv /etc/chrony/chrony.conf /etc/chrony.conf; rm -rf /etc/chrony
mv /boot/grub /boot/grub2
ln -s /lib/systemd/system/chronyd.service /etc/systemd/system/multi-user.target.wants/chronyd.service
rm /etc/systemd/system/multi-user.target.wants/chrony.service /etc/systemd/system/sysinit.target.wants/nftables.service
ln -s /usr/lib/systemd/system/firewalld.service /etc/systemd/system/multi-user.target.wants/firewalld.service

echo N >/sys/module/apparmor/parameters/enabled
mkdir -p /sys/fs/selinux /etc/selinux /etc/dnf /etc/yum.repos.d
echo 1 >/sys/fs/selinux/enforce
printf 'SELINUX=enforcing\nSELINUXTYPE=targeted\n' >/etc/selinux/config
printf '[main]\ngpgcheck=1\n' >/etc/dnf/dnf.conf
printf '[baseos]\nname=BaseOS\ngpgcheck=1\n' >/etc/yum.repos.d/rocky.repo
