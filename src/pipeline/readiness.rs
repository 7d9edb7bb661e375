//! Whether a node is ready: it answers, and cloud-init is done where it is installed.

use crate::node::{Node, Unseen};
use crate::plan::nodes::NodePlan;
use crate::probe::{Read, Run, Which};
use crate::results::mask::Masker;
use crate::run::{Interruption, look_at};
use crate::transport::{self, UnreachableKind};
use sha2::{Digest, Sha256};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Time for one attempt to connect: the next look comes soon enough.
const CONNECT: Duration = Duration::from_secs(10);

/// What one look at a node came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    Ready,
    /// Not yet, for this reason.
    NotYet(String),
    /// It will never be: waiting longer does not help.
    Never(String),
}

/// Looks at a node once; blocks until it answers or the attempt has taken its time.
pub fn look(planned: &NodePlan, cloud_init: bool, masker: &Arc<Masker>, interruption: &Interruption) -> Look {
    look_with(planned, cloud_init, masker, interruption, &mut |_| {})
}

/// As [`look`], and what tells the node from one that takes its place or is booted again: its boot
/// id (random(4)), its machine id (machine-id(5)) and its host keys.
pub fn identify(
    planned: &NodePlan,
    cloud_init: bool,
    masker: &Arc<Masker>,
    interruption: &Interruption,
) -> (Look, Option<Arc<str>>) {
    let mut identity = None;
    let look = look_with(planned, cloud_init, masker, interruption, &mut |node| identity = identity_of(node));
    (look, identity)
}

/// Files that together tell one boot of one machine.
const IDENTITY: [&str; 5] = [
    "/proc/sys/kernel/random/boot_id",
    "/etc/machine-id",
    "/etc/ssh/ssh_host_ed25519_key.pub",
    "/etc/ssh/ssh_host_ecdsa_key.pub",
    "/etc/ssh/ssh_host_rsa_key.pub",
];

/// `None` where nothing of it can be read.
fn identity_of(node: &Node) -> Option<Arc<str>> {
    loop {
        let view = node.view(node.memory());
        let read: Vec<_> = IDENTITY.iter().map(|path| view.try_get(Read { path: (*path).into() })).collect();
        if read.iter().any(|read| matches!(read, Err(Unseen::Pending))) {
            node.ask(&[node.memory()]);
            continue;
        }
        let mut digest = Sha256::new();
        let mut any = false;
        for content in read {
            if let Ok(Ok(Some(content))) = content {
                any = true;
                digest.update(&content[..]);
            }
            digest.update([0]);
        }
        let text: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        return any.then(|| text.into());
    }
}

fn look_with(
    planned: &NodePlan,
    cloud_init: bool,
    masker: &Arc<Masker>,
    interruption: &Interruption,
    once_there: &mut dyn FnMut(&Node),
) -> Look {
    let mut options = planned.options.clone();
    options.patience.connect = options.patience.connect.min(CONNECT);
    options.patience.batch = options.patience.batch.min(CONNECT);
    options.patience.retries = 0;
    let flight = interruption.take_off(None);
    let look = (|| {
        let transport = match transport::open(&planned.target, &options, masker, flight.flag()) {
            Ok(transport) => transport,
            // Time does not make a key known or a setting right.
            Err(why) if matches!(why.kind, UnreachableKind::HostKey | UnreachableKind::Setup) => {
                return Look::Never(why.to_string());
            }
            Err(why) => return Look::NotYet(why.to_string()),
        };
        flight.set_stopper(transport.stopper());
        let transport: Rc<dyn transport::Transport> = transport.into();
        let now = jiff::Timestamp::now().as_second();
        let node = Node::new(&*planned.name, planned.target.to_string(), transport.clone(), now);
        let answered = look_at(&node);
        if let Some(why) = transport.lost() {
            return Look::NotYet(why.to_string());
        }
        match answered {
            Ok(_) => {
                once_there(&node);
                if cloud_init { cloud_init_of(&node) } else { Look::Ready }
            }
            Err(fault) => Look::NotYet(format!("cannot be looked at: {fault}")),
        }
    })();
    interruption.land(&flight);
    look
}

/// What cloud-init says of itself, where it is installed.
fn cloud_init_of(node: &Node) -> Look {
    let seen = |node: &Node| -> Result<Look, Unseen> {
        let view = node.view(node.memory());
        let found = view.get(Which { name: "cloud-init".into() })?;
        if found.is_none() {
            return Ok(Look::Ready);
        }
        let ran = view.get(Run::argv(["cloud-init", "status"]))?;
        Ok(judged(&String::from_utf8_lossy(&ran.stdout), ran.status))
    };
    loop {
        match seen(node) {
            Ok(look) => return look,
            Err(Unseen::Pending) => {
                node.ask(&[node.memory()]);
            }
            Err(Unseen::Fault(fault)) => return Look::NotYet(format!("cloud-init cannot be asked: {fault}")),
            Err(Unseen::Missing(why) | Unseen::Misuse(why)) => {
                return Look::NotYet(format!("cloud-init cannot be asked: {why}"));
            }
        }
    }
}

/// What `cloud-init status` means: it prints `status: WORD` and exits with 0, with 1 after an
/// error it does not recover from and with 2 after one it does; see its reference of the command
/// line and "Failure states".
fn judged(printed: &str, status: i32) -> Look {
    let word = printed.lines().find_map(|line| line.strip_prefix("status:")).map(str::trim).unwrap_or_default();
    match (word, status) {
        ("done" | "disabled" | "degraded done", 0 | 2) => Look::Ready,
        (word, 1) if word.starts_with("error") => {
            Look::Never("cloud-init failed there; cloud-init status --long says why".to_string())
        }
        ("", _) => Look::NotYet(format!("cloud-init status gives no status, and exit code {status}")),
        (word, _) => Look::NotYet(format!("cloud-init is {word:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloud_init_says_is_understood() {
        for (printed, status) in [("status: done\n", 0), ("\nstatus: done", 2), ("status: disabled\n", 0)] {
            assert_eq!(judged(printed, status), Look::Ready, "{printed}");
        }
        for (printed, status) in [("status: running\n", 0), ("status: not started\n", 0), ("", 0), ("garbage\n", 127)] {
            assert!(matches!(judged(printed, status), Look::NotYet(_)), "{printed}");
        }
        assert!(matches!(judged("status: error\n", 1), Look::Never(_)));
    }
}
