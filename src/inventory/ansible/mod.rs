//! Ansible's inventories.
//!
//! Connection variables become transport options, `probity_attributes` the attributes; every
//! other variable is Ansible's own business.

mod arguments;
mod list;
mod said;
mod variables;

pub use arguments::words;
pub use list::read as read_list;
pub use said::{Order, Said, settle};

use super::ALL;
use super::groups::Draft;
use said::UNGROUPED;
use std::collections::HashSet;

/// Puts the hosts that are in no group into `ungrouped`, and takes the others out of it, as
/// Ansible does.
fn group_the_rest(draft: &mut Draft) {
    let mut grouped: HashSet<&str> = HashSet::new();
    for (name, group) in &draft.groups {
        if &**name != UNGROUPED && &**name != ALL {
            grouped.extend(group.nodes.iter().map(|(node, _)| node.as_str()));
        }
    }
    let rest = draft.nodes.iter().filter(|(name, node)| !grouped.contains(&***name) && node.groups.is_empty());
    let rest: Vec<_> = rest.map(|(name, node)| (name.to_string(), node.place.clone())).collect();
    if let Some((_, place)) = rest.first() {
        let place = place.clone();
        draft.group(UNGROUPED, &place);
    }
    if let Some(group) = draft.groups.get_mut(UNGROUPED) {
        group.nodes = rest;
    }
}
