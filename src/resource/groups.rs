//! `groups`

use super::catalogue::row;
use super::{Args, Instance, Rows};
use crate::node::{Seen, Sight};
use crate::probe;
use crate::value::Value;

resource! {
    /// Lists all groups the system's group database gives, a directory service included.
    Groups = "groups" {
        source: "group(5), getent(1)",
        example: r#"describe(groups()):its("names", contains "root")"#,
        falsified: ("\"root\"", "\"no such group\""),
        args {}
        properties {}
        predicates {}
        methods {}
        table {
            /// The names of the groups.
            names <- name: Str;
            /// The numbers of the groups.
            gids <- gid: Int;
            /// The users listed in each group, a list for each.
            members <- members: List;
        } rows: Groups::rows,
    }
}

/// All groups.
pub struct Groups;

impl Groups {
    fn new(_: &Args) -> Result<Groups, String> {
        Ok(Groups)
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let groups = seen.get(probe::Groups)?;
        Ok(Rows::new(groups.iter().map(|group| {
            row([
                ("name", group.name.clone().into()),
                ("gid", group.gid.into()),
                ("members", Value::strings(&group.members)),
            ])
        })))
    }
}

impl Instance for Groups {
    fn title(&self) -> String {
        "Groups".to_string()
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!seen.get(probe::Groups)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::GroupEntry;
    use crate::resource::testing::Trial;
    use crate::transport::scripted::Scripted;
    use std::sync::Arc;

    #[test]
    fn every_group_is_a_row() {
        let adm = GroupEntry { name: "adm".into(), gid: 4, members: vec!["ann".into(), "bob".into()] };
        let groups = Trial::of("groups", [], Scripted::new().with(probe::Groups, Arc::from([adm])));
        assert_eq!(groups.its("names"), Ok(Value::strings(["adm"])));
        assert_eq!(groups.its("members"), Ok(Value::List(vec![Value::strings(["ann", "bob"])])));
        assert_eq!(groups.exists(), Ok(true));
        assert_eq!(groups.rounds(), 1);
    }
}
