//! What `--dry-run` prints.

use crate::run::{self, Plan};
use std::fmt::Write;
use std::sync::Arc;

/// The nodes, profiles, attributes and controls of a plan.
pub fn text(plan: &Plan) -> String {
    let mut text = String::new();
    for node in &plan.nodes {
        let _ = writeln!(text, "node {} ({})", node.name, node.target);
        if !node.groups.is_empty() {
            let _ = writeln!(text, "  groups {}", node.groups.join(", "));
        }
        for file in node.later.iter().flat_map(|later| &later.files) {
            let _ = writeln!(text, "  {} waits for its facts", file.display());
        }
    }
    for (at, profile) in plan.profiles.iter().enumerate() {
        let _ = writeln!(text, "\nprofile {} {}", profile.selected.summary.name, profile.selected.summary.version);
        attributes(plan, at, &mut text);
        for control in &profile.selected.summary.controls {
            let title = control.title.as_deref().unwrap_or("");
            let _ = writeln!(text, "  control {}  {title}", control.id);
        }
    }
    text.push_str("\nNothing was run.\n");
    text
}

/// The attributes of a profile, once for all nodes that have the same.
fn attributes(plan: &Plan, profile: usize, text: &mut String) {
    let mut shared: Vec<(&Arc<run::Values>, Vec<&str>)> = Vec::new();
    for node in &plan.nodes {
        let values = &node.profiles[profile].values;
        match shared.iter_mut().find(|(known, _)| Arc::ptr_eq(known, values)) {
            Some((_, names)) => names.push(&node.name),
            None => shared.push((values, vec![&node.name])),
        }
    }
    let several = shared.len() > 1;
    for (values, names) in shared {
        let indent = if several { "    " } else { "  " };
        if several && !values.attributes.is_empty() {
            let _ = writeln!(text, "  on {}", names.join(", "));
        }
        for attribute in &values.attributes {
            if values.waiting.contains(&attribute.name) {
                let _ = writeln!(text, "{indent}attribute {} waits ({})", attribute.name, attribute.origin);
                continue;
            }
            let shown = if attribute.sensitive { "***".to_string() } else { attribute.value.to_string() };
            let _ = writeln!(text, "{indent}attribute {} = {shown} ({})", attribute.name, attribute.origin);
        }
    }
}
