//! Accounts from services that are no files: getent(1).

use super::database::Entry;
use crate::probe::{AccountKey, Fault, FaultKind, Ran, Run};
use crate::transport::local::Local;
use std::sync::Arc;

/// One entry from all the services nsswitch.conf names, getent(1).
pub(super) fn one<T: Entry>(local: &Local, key: &AccountKey) -> Result<Option<Arc<T>>, Fault> {
    if let AccountKey::Name(name) = key {
        // getent reads a number as an id, and a leading dash as an option.
        if name.is_empty() || name.starts_with('-') || name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
    }
    let ran = ask(local, &["getent", T::DATABASE, &key.to_string()])?;
    match ran.status {
        0 => {}
        2 => return Ok(None),
        _ => return Err(failed::<T>(&ran)),
    }
    let entry = String::from_utf8_lossy(&ran.stdout).lines().find_map(T::parse);
    let entry = entry.ok_or_else(|| {
        Fault::new(FaultKind::Malformed, format!("getent {} {key} printed something that is no entry", T::DATABASE))
    })?;
    Ok(Some(Arc::new(entry)))
}

/// Everything the services list.
pub(super) fn all<T: Entry>(local: &Local) -> Result<Arc<[T]>, Fault> {
    let ran = ask(local, &["getent", T::DATABASE])?;
    if ran.truncated {
        return Err(Fault::new(FaultKind::TooLarge, format!("getent {} printed more than is read", T::DATABASE)));
    }
    if ran.status != 0 {
        return Err(failed::<T>(&ran));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).lines().filter_map(T::parse).collect())
}

/// Runs getent, which knows the services of this machine and of no other.
fn ask(local: &Local, argv: &[&str]) -> Result<Ran, Fault> {
    if local.root.directory().is_some() {
        let message = format!(
            "nsswitch.conf names a service for {} that is no file, and a root file system that does not run has none",
            argv[1]
        );
        return Err(Fault::new(FaultKind::Unsupported, message));
    }
    local.run(&Run::argv(argv.iter().copied()))
}

fn failed<T: Entry>(ran: &Ran) -> Fault {
    let database = T::DATABASE;
    if ran.status == 127 {
        let message = format!(
            "getent is not installed, and nsswitch.conf names a service for {database} that is no file; install it"
        );
        return Fault::new(FaultKind::ToolMissing, message);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let said = said.lines().next().unwrap_or("nothing");
    Fault::new(FaultKind::Failed, format!("getent {database} ended with status {} and said {said:?}", ran.status))
}
