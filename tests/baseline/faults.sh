# What the cases share; read by the shell that runs a case on the node.

# A package is what dpkg's database says is one.
installed() {
  cp /var/lib/dpkg/status /run/status
  printf '\nPackage: %s\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\nVersion: 1.0\nDescription: stand-in\n' \
    "$1" >>/var/lib/dpkg/status
}
removed() { cp /run/status /var/lib/dpkg/status; }

# Boots with other kernel parameters.
boot_with() {
  echo "GRUB_CMDLINE_LINUX=\"$*\"" >/etc/default/grub
  sh /run/test/share/boot.sh
}

# Listens on a TCP port until hang_up.
listen() {
  perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => $ARGV[1], Listen => 1, ReuseAddr => 1) or die "$!";
    open(my $f, ">", "/run/listening"); close $f; sleep 600' "$1" "$2" </dev/null >/dev/null 2>&1 &
  listener=$!
  while [ ! -e /run/listening ]; do kill -0 "$listener"; sleep 0.02; done
}
hang_up() { kill "$listener"; wait "$listener" 2>/dev/null || :; rm -f /run/listening; }

# Runs the profile: the report of what is `broken`, `mended`, … goes to stdout in one line.
judge() { # NAME ARGUMENTS...
  name=$1; shift
  /run/test/probity exec /run/test/share/profile --attrs /run/test/share/attributes.yml \
    --reporter run-json:/run/report.json "$@" >/run/said 2>&1 </dev/null || code=$?
  case ${code:=0} in 0|100|101|102) ;; *) cat /run/said >&2; exit 1 ;; esac
  unset code
  printf '%s ' "$name"; tr -d '\n' </run/report.json; echo
}
