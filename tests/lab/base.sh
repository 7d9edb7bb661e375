#!/bin/sh
# base.sh CACHE IMAGE... - makes the root file systems that the lab's nodes lie over, once,
# side by side, and writes the name of the folder that holds them.
#
# An IMAGE is a suite of Debian (a small system that boots: systemd, dbus, sshd, sudo, doas),
# `own` (the suite of this machine, with rpm and busybox besides), or what lies over or
# beside these: `rpm` (a layer over `own`, whose packages are rpm's), `busybox` (one static
# binary and nothing of a distribution) and `dropbear` (a layer over `busybox`: an SSH server
# and its libraries). The mirror is that of the machine's own apt. A suite it does not serve
# is left out with a note. Needs root and mmdebstrap.
set -eu
script=$0 cache=$1
shift
mkdir -p "$cache"
dir=$(cd "$cache" && pwd)/lab-$(sha256sum "$script" | cut -c 1-16)
mkdir -p "$dir"

mirror() {
  apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | sed -n '1{s,/$,,;p;}'
}

own() {
  . /etc/os-release
  echo "${VERSION_CODENAME:?the machine is no Debian or Ubuntu}"
}

# strap SUITE PACKAGES ROOT [OPTION...]: what it mounts meanwhile is gone even when it is killed.
strap() {
  suite=$1 packages=$2 root=$3
  shift 3
  unshare --mount mmdebstrap --quiet --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$@" \
    --include="$packages" "$suite" "$root" "$(mirror)" >&2
}

make_suite() { # SUITE ROOT [MORE]
  case $1 in bullseye) doas=doas ;; *) doas=opendoas ;; esac
  strap "$1" "systemd,systemd-sysv,dbus,openssh-server,sudo,$doas,iproute2,procps,cron${3:-}" "$2" --variant=minbase
  rm -rf "$2"/var/lib/apt/lists/* "$2"/var/cache/apt/* "$2"/dev/*
  [ -e "$2/etc/ssh/ssh_host_ed25519_key" ] || chroot "$2" ssh-keygen -A
  # The kernel's modules belong to the machine below.
  ln -sf /dev/null "$2/etc/systemd/system/systemd-modules-load.service"
  : >"$2/etc/machine-id"
  echo lab >"$2/etc/hostname"
}

make_busybox() {
  strap "$(own)" busybox-static "$1.parts" --variant=extract
  mkdir -p "$1"/bin "$1"/etc "$1"/proc "$1"/sys "$1"/dev "$1"/run "$1"/tmp "$1"/root "$1"/var/log
  chmod 1777 "$1/tmp"
  cp "$1.parts/bin/busybox" "$1/bin/busybox"
  for applet in $(chroot "$1" /bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nops:x:1001:1001::/home/ops:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\nops:x:1001:\n' >"$1/etc/group"
  printf 'root:*:19000:0:99999:7:::\nops:!:19000:0:99999:7:::\n' >"$1/etc/shadow"
  chmod 640 "$1/etc/shadow"
  printf 'ID=smallbox\nPRETTY_NAME="Smallbox"\n' >"$1/etc/os-release"
}

# Only what the two programs load: the node has no other library.
make_dropbear() {
  strap "$(own)" dropbear-bin "$1.parts" --variant=extract
  mkdir -p "$1/usr/sbin"
  for name in dropbear dropbearkey; do
    found=$(find "$1.parts/usr/bin" "$1.parts/usr/sbin" -name "$name" -type f)
    cp "$found" "$1/usr/sbin/$name"
    loader=$(cd "$1.parts" && find lib* usr/lib* -name 'ld-linux*' | head -n 1)
    chroot "$1.parts" "/$loader" --list "/${found#"$1.parts/"}" | grep -o '/[^ ]*' | while read -r library; do
      mkdir -p "$1${library%/*}"
      cp -L "$1.parts$library" "$1$library"
    done
  done
}

# The database of dpkg goes; rpm's knows some of the files that are there.
make_rpm() {
  mkdir "$1" "$1.work" "$1.root"
  unshare --mount sh -euc '
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$2.work" "$2.root"
    mount --bind /dev "$2.root/dev"
    mount -t proc proc "$2.root/proc"
    chroot "$2.root" sh -eu' "$script" "$dir/$(own)" "$1" >&2 <<'INSIDE'
mkdir -p /etc/rpm /var/lib/rpm /tmp/specs
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
package() { # NAME VERSION FILE...
  name=$1 version=$2
  shift 2
  {
    printf 'Name: %s\nVersion: %s\nRelease: 1.lab\n' "$name" "$version"
    printf 'Summary: What a distribution of rpm calls so\nLicense: MIT\n%%description\nFiles of this node.\n%%install\n'
    for file; do printf 'install -D -p %s %%{buildroot}%s\n' "$file" "$file"; done
    echo %files
    for file; do
      case $file in /etc/*) printf '%%config(noreplace) ' ;; esac
      printf '%%attr(%s, root, root) %s\n' "$(stat -c %a "$file")" "$file"
    done
  } >/tmp/specs/spec
  rpmbuild --quiet --define '_topdir /tmp/rpms' --define '_build_id_links none' --define 'debug_package %{nil}' \
    --define '__os_install_post %{nil}' --define '__requires_exclude .*' -bb /tmp/specs/spec
}
package openssh-server 9.2p1 /usr/sbin/sshd /etc/ssh/sshd_config
package sudo 1.9.13 /usr/bin/sudo /etc/sudoers
package setup 2.14 /etc/passwd /etc/group /etc/profile
rpm --install --nodeps --replacefiles /tmp/rpms/RPMS/*/*.rpm
# By name, for a shell finds no apt* where there is none.
find /usr/bin -name 'apt*' -o -name 'dpkg*' | xargs rm -f
rm -rf /tmp/specs /tmp/rpms /root/rpmbuild /var/lib/dpkg /var/lib/apt /var/cache/apt /etc/apt /etc/debian_version /etc/os-release
printf 'ID=lablinux\nID_LIKE="rhel fedora"\nVERSION_ID=9\nPRETTY_NAME="Lab Linux 9"\n' >/etc/os-release
INSIDE
}

# An image is there when it has its name: it is made under another one.
image() {
  exec 9>"$dir/$1.lock"
  flock 9                                 # two test processes may want it at once
  [ ! -d "$dir/$1" ] || return 0
  new=$dir/.$1.new
  rm -rf --one-file-system "$new" "$new".*
  case $1 in
    busybox) make_busybox "$new" ;;
    dropbear) make_dropbear "$new" ;;
    rpm) make_rpm "$new" ;;
    "$(own)") make_suite "$1" "$new" ,rpm,busybox-static ;;
    *) make_suite "$1" "$new" ;;
  esac
  mv "$new" "$dir/$1"
  rm -rf --one-file-system "$new".*
}

served() { # SUITE
  /usr/lib/apt/apt-helper download-file "$(mirror)/dists/$1/InRelease" "$dir/.$1.release" >/dev/null 2>&1
}

# Suites first, side by side; then the layer that needs one.
making='' layers=''
for name; do
  [ "$name" != own ] || name=$(own)
  [ ! -d "$dir/$name" ] || continue
  case $name in
    rpm) layers=rpm; name=$(own); [ ! -d "$dir/$name" ] || continue ;;
    busybox | dropbear) ;;
    *) served "$name" || { echo "base.sh: $name is left out, for $(mirror) does not serve it" >&2; continue; } ;;
  esac
  case " $making " in *" $name:"*) continue ;; esac
  (image "$name") &
  making="$making $name:$!"
done
failed=''
for one in $making; do wait "${one#*:}" || failed="$failed ${one%:*}"; done
[ -n "$failed" ] || for name in $layers; do (image "$name") || failed=" $name"; done
[ -L "$dir/own" ] || ln -s "$(own)" "$dir/own" 2>/dev/null || [ -L "$dir/own" ]
[ -z "$failed" ] || { echo "base.sh: not made:$failed" >&2; exit 1; }
echo "$dir"
