# Small packages built and installed, and the database of dpkg taken away.
mkdir -p /etc/rpm /var/lib/rpm /tmp/specs
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
printf 'ID=lablinux\nID_LIKE="rhel fedora"\nVERSION_ID=9\nPRETTY_NAME="Lab Linux 9"\n' >/etc/os-release.new
rm -f /etc/os-release
mv /etc/os-release.new /etc/os-release

build() { # NAME EPOCH VERSION RELEASE TARGET
  cat >/tmp/specs/spec <<SPEC
Name: $1
Epoch: $2
Version: $3
Release: $4
Summary: A package for tests
License: MIT
%description
A package for tests.
%files
SPEC
  [ "$2" != - ] || sed -i /^Epoch/d /tmp/specs/spec
  rpmbuild --quiet --target "$5" --define '_topdir /tmp/rpms' -bb /tmp/specs/spec
}
build lab-tool 2 1.4~rc1 3.lab noarch
build lab-plain - 1.0 1 noarch
build lab-zero 0 0.9^20240101git 0.1 noarch
build lab-c++ - 11 4_a+b noarch
build lab-kernel - 5.10 1 x86_64
build lab-kernel - 5.9 1 x86_64
build lab-lib - 2.0 1 x86_64
build lab-lib - 2.0 1 i686
build lab-gone - 1 1 noarch
rpm --install --nodeps --ignorearch /tmp/rpms/RPMS/*/*.rpm
rpm --erase lab-gone
rm -rf /var/lib/dpkg /tmp/specs
