//! `ports`

use super::catalogue::{Instance, row};
use super::{Args, Rows};
use crate::node::{Seen, Sight};
use crate::probe::{SocketOwners, Sockets};
use crate::value::Value;

resource! {
    /// Lists the sockets that wait for peers: listening TCP and bound UDP ones.
    ///
    /// Only root is told the processes of other users.
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
            /// The number of a process that holds the socket; nothing for one of the kernel.
            pids <- pid: Int;
            /// The name of that process.
            processes <- process: Str;
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
        let (sockets, owners) = seen.all((Sockets, SocketOwners))?;
        let mut sockets = sockets.to_vec();
        sockets.sort_by_key(|socket| (socket.port, socket.protocol, socket.address));
        Ok(Rows::new(sockets.iter().map(|socket| {
            let owner = owners.get(&socket.inode).and_then(|owners| owners.first());
            row([
                ("port", socket.port.into()),
                ("address", socket.address.to_string().into()),
                ("protocol", socket.protocol.name().into()),
                ("pid", owner.map(|owner| owner.pid).into()),
                ("process", owner.map_or(Value::Nil, |owner| owner.name.clone().into())),
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
