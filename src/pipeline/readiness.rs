//! Whether a node is ready: it answers, and cloud-init is done where it is installed.

use crate::node::{Node, Unseen};
use crate::plan::nodes::NodePlan;
use crate::probe::{Run, Which};
use crate::results::mask::Masker;
use crate::run::{Interruption, look_at};
use crate::transport::{self, UnreachableKind};
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
            Ok(_) if cloud_init => cloud_init_of(&node),
            Ok(_) => Look::Ready,
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
