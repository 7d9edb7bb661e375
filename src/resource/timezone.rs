//! `timezone`

use super::Args;
use super::catalogue::Instance;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Read, Run, Stat};
use crate::value::Value;

resource! {
    /// Tells the time zone of the node.
    ///
    /// It is what `/etc/localtime` links to, else what `/etc/timezone` says; a node with
    /// neither is on UTC. A zone file that was copied over `/etc/localtime` and is named
    /// nowhere cannot be told by its name.
    Timezone = "timezone" {
        source: "localtime(5), tzfile(5), date(1)",
        example: r#"describe(timezone()):its("identifier", ne ""):its("time_offset", matches "^[+-][0-9]{4}$")"#,
        falsified: ("[0-9]{4}", "[0-9]{9}"),
        args {}
        properties {
            /// The name in the time zone database: `Europe/Berlin`, `Etc/UTC`.
            identifier: Str = Timezone::identifier;
            /// The abbreviation in use now: `CET`, `UTC`.
            name: Str = |_: &Timezone, seen: &Seen<'_>| now(seen).map(|(name, _)| name);
            /// The offset from UTC in use now: `+0100`.
            time_offset: Str = |_: &Timezone, seen: &Seen<'_>| now(seen).map(|(_, offset)| offset);
        }
        predicates {}
        methods {}
    }
}

/// The time zone of the node.
pub struct Timezone;

impl Timezone {
    fn new(_: &Args) -> Result<Timezone, String> {
        Ok(Timezone)
    }

    fn identifier(&self, seen: &Seen<'_>) -> Sight<Value> {
        let (local, named) =
            seen.all((Stat { path: "/etc/localtime".into() }, Read { path: "/etc/timezone".into() }))?;
        let text = local.as_ref().and_then(|stated| stated.link.as_ref()).map(|link| link.text.to_string());
        if let Some((_, zone)) = text.as_deref().and_then(|text| text.split_once("zoneinfo/")) {
            return Ok(zone.into());
        }
        let named = named.unwrap_or_default();
        let named = String::from_utf8_lossy(&named);
        let named = named.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        match (named, local) {
            (Some(named), _) => Ok(named.into()),
            (None, None) => Ok("UTC".into()),
            (None, Some(_)) => Err(Unseen::failed(
                "/etc/localtime is a copy of a zone file and /etc/timezone is empty, so the zone has no name",
            )),
        }
    }
}

/// Abbreviation and offset, as date(1) gives them.
fn now(seen: &Seen<'_>) -> Sight<(String, String)> {
    let ran = seen.get(Run::argv(["date", "+%Z %z"]))?;
    let said = String::from_utf8_lossy(&ran.stdout);
    match said.trim().split_once(' ') {
        Some((name, offset)) if ran.status == 0 => Ok((name.to_string(), offset.to_string())),
        _ if ran.status == 127 => Err(Unseen::tool_missing("the offset needs date, which is not on this node")),
        _ => Err(Unseen::malformed(format!("date gave no time zone but {said:?}, status {}", ran.status))),
    }
}

impl Instance for Timezone {
    fn title(&self) -> String {
        "Time zone".to_string()
    }

    fn exists(&self, _: &Seen<'_>) -> Sight<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{FileKind, Link, Stated};
    use crate::resource::testing::{Trial, fault};
    use crate::resource::testing::{bytes, ran, stated};
    use crate::transport::scripted::Scripted;

    fn zone(local: Option<Stated>, named: &str) -> Trial {
        let script = Scripted::new()
            .with(Stat { path: "/etc/localtime".into() }, local)
            .with(Read { path: "/etc/timezone".into() }, bytes(named))
            .with(Run::argv(["date", "+%Z %z"]), ran(0, "CET +0100\n", ""));
        Trial::new(&ENTRY, &[], &[], script)
    }

    #[test]
    fn the_link_counts_before_the_file() {
        let mut link = stated(FileKind::Symlink).unwrap();
        link.link =
            Some(Link { text: "../usr/share/zoneinfo/Europe/Berlin".into(), canonical: None, target: None }.into());
        let berlin = zone(Some(link), "Etc/UTC\n");
        assert_eq!(berlin.its("identifier").unwrap(), Value::from("Europe/Berlin"));
        assert_eq!(berlin.rounds(), 1);
        assert_eq!(berlin.its("time_offset").unwrap(), Value::from("+0100"));
        assert_eq!(zone(stated(FileKind::File), "Asia/Tokyo\n").its("identifier").unwrap(), Value::from("Asia/Tokyo"));
        assert_eq!(zone(None, "").its("identifier").unwrap(), Value::from("UTC"));
        assert!(fault(zone(stated(FileKind::File), "").its("identifier")).contains("no name"));
    }
}
