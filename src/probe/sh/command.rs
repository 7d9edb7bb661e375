//! What commands end with.

use super::progress::Parts;
use super::text::{brief, first_line, shown_time};
use crate::probe::*;

/// The result of a command.
pub(super) fn ran(run: &Run, parts: Parts) -> Result<Ran, Fault> {
    let Some(part) = parts.0.into_iter().next_back() else {
        return Err(Fault::new(FaultKind::Failed, format!("the command {:?} gave no result", brief(run))));
    };
    if part.status == "T" {
        let limit = shown_time(run.timeout_ms);
        let message = format!("the command {:?} took longer than {limit} and was killed", brief(run));
        return Err(Fault::new(FaultKind::TimedOut, message));
    }
    let Some(status) = part.status().filter(|status| (0..=255).contains(status)) else {
        let said = first_line(&part.err);
        let message = format!("cannot run {:?}: the shell gives no status and says {said:?}", brief(run));
        return Err(Fault::new(FaultKind::Failed, message));
    };
    let capped = |mut bytes: Vec<u8>| {
        let cut = bytes.len() > OUTPUT_CAP;
        bytes.truncate(OUTPUT_CAP);
        (Arc::<[u8]>::from(bytes), cut)
    };
    let (stdout, stdout_cut) = capped(part.out);
    let (stderr, stderr_cut) = capped(part.err);
    Ok(Ran { status, stdout, stderr, truncated: stdout_cut || stderr_cut || part.cut })
}
