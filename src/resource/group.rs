//! `group`

use super::{Args, Instance};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{AccountKey, Group as Lookup, GroupEntry, Read};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a group: whether it exists, its number and its members.
    ///
    /// The group is looked up as the system does, in a directory service too. Users whose
    /// primary group it is are not among its members unless they are listed there.
    Group = "group" {
        source: "group(5), getent(1)",
        example: r#"describe(group "root"):exists():its("gid", eq(0))"#,
        falsified: ("eq(0)", "eq(1)"),
        args {
            /// The name of the group.
            name: Str,
        }
        properties {
            /// The name of the group.
            name: Str = |this: &Group, seen: &Seen<'_>| this.entry(seen).map(|group| group.name.clone());
            /// The number of the group.
            gid: Int = |this: &Group, seen: &Seen<'_>| this.entry(seen).map(|group| group.gid);
            /// The names of the users listed in it.
            members: List = |this: &Group, seen: &Seen<'_>| this.entry(seen).map(|group| Value::strings(&group.members));
        }
        predicates {
            /// Whether it is in `/etc/group`, not only in a directory service.
            local() absent Fails = Group::is_local;
            /// Whether this user is listed in it.
            joined_by(
                /// The user's name.
                user: Str,
            ) absent Fails = |this: &Group, seen: &Seen<'_>, args: &Args| {
                Ok(this.entry(seen)?.members.contains(&args.required("user")))
            };
        }
        methods {}
    }
}

/// A group by its name.
pub struct Group {
    name: Arc<str>,
}

impl Group {
    fn new(args: &Args) -> Result<Group, String> {
        Ok(Group { name: args.required("name") })
    }

    fn found(&self, seen: &Seen<'_>) -> Sight<Option<Arc<GroupEntry>>> {
        seen.get(Lookup { key: AccountKey::Name(self.name.clone()) })
    }

    fn entry(&self, seen: &Seen<'_>) -> Sight<Arc<GroupEntry>> {
        self.found(seen)?.ok_or_else(|| Unseen::Missing(self.title()))
    }

    fn is_local(&self, seen: &Seen<'_>, _: &Args) -> Sight<bool> {
        let (group, file) =
            seen.all((Lookup { key: AccountKey::Name(self.name.clone()) }, Read { path: "/etc/group".into() }))?;
        group.ok_or_else(|| Unseen::Missing(self.title()))?;
        let lines = super::accounts::lines(&file.unwrap_or_default());
        Ok(lines.iter().any(|line| line.fields().next() == Some(&self.name)))
    }
}

impl Instance for Group {
    fn title(&self) -> String {
        format!("Group {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(self.found(seen)?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::{Trial, missing};
    use crate::transport::scripted::Scripted;

    fn lookup(name: &str) -> Lookup {
        Lookup { key: AccountKey::Name(name.into()) }
    }

    #[test]
    fn a_group_has_a_number_and_members_after_one_round() {
        let sudo = GroupEntry { name: "sudo".into(), gid: 27, members: vec!["ann".into()] };
        let file: &[u8] = b"root:x:0:\nsudoers:x:9:\n";
        let node = Scripted::new()
            .with(lookup("sudo"), Some(Arc::new(sudo)))
            .with(Read { path: "/etc/group".into() }, Some(file.into()));
        let group = Trial::of("group", ["sudo".into()], node);
        assert_eq!(group.is("local", []), Ok(false), "it is in a directory service only");
        assert_eq!(group.its("gid"), Ok(Value::Int(27)));
        assert_eq!(group.its("members"), Ok(Value::strings(["ann"])));
        assert_eq!(group.is("joined_by", ["bob".into()]), Ok(false));
        assert_eq!(group.rounds(), 1);
    }

    #[test]
    fn everything_about_a_missing_group_is_missing() {
        let node = Scripted::new().with(lookup("wheel"), None).with(Read { path: "/etc/group".into() }, None);
        let group = Trial::of("group", ["wheel".into()], node);
        assert_eq!(group.exists(), Ok(false));
        assert_eq!(missing(group.its("gid")), "Group wheel");
        assert_eq!(missing(group.is("local", [])), "Group wheel");
    }
}
