//! `ports`

use super::catalogue::{Instance, row};
use super::{Args, Rows};
use crate::node::{Seen, Sight};
use crate::probe::{Sockets, Users};
use crate::value::Value;

resource! {
    /// Lists the sockets that wait for peers: listening TCP and bound UDP ones.
    ///
    /// Which processes hold the sockets of a port only root is told: see `port`.
    Ports = "ports" {
        source: "ss(8), sock_diag(7), proc_net_tcp(5)",
        example: r#"describe(ports():where { port = 1 }):its("count", eq(0))"#,
        falsified: ("eq(0)", "eq(1)"),
        args {}
        properties {}
        predicates {}
        methods {}
        table {
            /// The port numbers.
            ports <- port: Int;
            /// The addresses they are bound to.
            addresses <- address: Str;
            /// The protocols: `tcp`, `tcp6`, `udp`, `udp6`.
            protocols <- protocol: Str;
            /// The users that own the sockets, by name, by number where no account has it.
            users <- user: Str;
        }
        rows: Ports::rows,
    }
}

/// All sockets that wait.
pub struct Ports;

impl Ports {
    fn new(_: &Args) -> Result<Ports, String> {
        Ok(Ports)
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let (sockets, users) = seen.all((Sockets, Users))?;
        let mut sockets = sockets.to_vec();
        sockets.sort_by_key(|socket| (socket.port, socket.protocol, socket.address));
        let name = |uid: u32| match users.iter().find(|user| user.uid == uid) {
            Some(user) => Value::from(user.name.clone()),
            None => uid.to_string().into(),
        };
        Ok(Rows::new(sockets.iter().map(|socket| {
            row([
                ("port", socket.port.into()),
                ("address", socket.address.to_string().into()),
                ("protocol", socket.protocol.name().into()),
                ("user", name(socket.uid)),
            ])
        })))
    }
}

impl Instance for Ports {
    fn title(&self) -> String {
        "Ports".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!seen.get(Sockets)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Account, Protocol, Socket};
    use crate::resource::testing::Trial;
    use crate::transport::scripted::Scripted;

    #[test]
    fn rows_are_sorted_and_need_no_look_at_processes() {
        let socket = |port, uid| Socket {
            protocol: Protocol::Tcp,
            address: "127.0.0.1".parse().unwrap(),
            port,
            uid,
            inode: u64::from(port),
        };
        let root =
            Account { name: "root".into(), uid: 0, gid: 0, gecos: "".into(), home: "/".into(), shell: "".into() };
        let script = Scripted::new().with(Sockets, [socket(80, 33), socket(22, 0)].into()).with(Users, [root].into());
        let ports = Trial::new(&ENTRY, &[], &[], script);
        assert_eq!(ports.its("ports").unwrap(), Value::from(vec![22u16, 80]));
        assert_eq!(ports.its("users").unwrap(), Value::strings(["root", "33"]));
        assert_eq!(ports.rounds(), 1);
    }
}
