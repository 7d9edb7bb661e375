# Units in every state systemd has a word for.
cd /etc/systemd/system
daemon='[Service]\nExecStart=/bin/sleep infinity\n'
install='[Install]\nWantedBy=multi-user.target\n'
unit() { printf "$2" >"$1"; }

unit lab-on.service "[Unit]\nDescription=A service that is on = yes\n${daemon}User=nobody\nRestart=on-failure\nEnvironment=\"GREETING=good day\" B=2\n$install"
unit lab-off.service "$daemon$install"
unit lab-fails.service "[Service]\nType=oneshot\nExecStart=/bin/false\n$install"
unit lab-static.service "$daemon"
unit lab-exited.service '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n'
unit lab-activating.service '[Service]\nType=notify\nTimeoutStartSec=600\nExecStart=/bin/sleep infinity\n'
unit lab-indirect.service "${daemon}[Install]\nAlso=lab-socket.socket\n"
unit lab-socket.socket '[Socket]\nListenStream=127.0.0.1:7001\nService=lab-indirect.service\n[Install]\nWantedBy=sockets.target\n'
unit lab@.service "$daemon$install"
unit lab-alias.service "$daemon${install}Alias=lab-other-name.service\n"
unit lab-timer.timer '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n'
unit lab-timer.service '[Service]\nExecStart=/bin/true\n'
unit lab-bad.service '[Service]\nType=oneshot\n'
unit 'lab\\x2ddash.service' "$daemon"
unit lab-runtime.service "$daemon$install"
unit lab-stopping.service "$daemon"
unit /srv/lab-linked.service "$daemon$install"
unit /lib/systemd/system/lab-masked.service "$daemon$install"
unit /lib/systemd/system/lab-masked-runtime.service "$daemon$install"

for name in lab-old lab-older; do
  cat >/etc/init.d/$name <<SCRIPT
#!/bin/sh
### BEGIN INIT INFO
# Provides: $name
# Required-Start: \$remote_fs
# Required-Stop: \$remote_fs
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: An old service
### END INIT INFO
case \$1 in
  start) touch /run/$name ;;
  stop) rm -f /run/$name ;;
  status) [ -e /run/$name ] || exit 3 ;;
esac
SCRIPT
  chmod 755 /etc/init.d/$name
done

systemctl daemon-reload
systemctl enable --quiet lab-on lab-fails lab@one lab-socket.socket lab-alias lab-timer.timer lab-old
systemctl enable --quiet --runtime lab-runtime
systemctl link --quiet /srv/lab-linked.service
systemctl mask --quiet lab-masked no-such-masked
systemctl mask --quiet --runtime lab-masked-runtime
systemctl start lab-on lab-off lab@one lab-socket.socket lab-alias lab-timer.timer lab-exited lab-old
systemctl start --no-block lab-activating
systemd-run --quiet --unit=lab-transient sleep infinity
! systemctl start lab-fails
