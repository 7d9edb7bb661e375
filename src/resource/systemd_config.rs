//! `systemd_config`

use super::Args;
use super::catalogue::{Instance, Key};
use super::config_text::{decode, joined_lines};
use super::keypath;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Read, Stat};
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Reads the effective configuration of a systemd daemon, its drop-ins merged.
    ///
    /// `systemd_config "journald.conf"` reads the first `journald.conf` in
    /// `/etc/systemd`, `/run/systemd`, `/usr/local/lib/systemd`, `/usr/lib/systemd`, then
    /// every `journald.conf.d/*.conf` of these directories in the order of their names; a
    /// name in an earlier directory hides that name in a later one, also when it is empty
    /// or a link to `/dev/null`. A later assignment replaces an earlier one; an empty
    /// one goes back to the built-in default, so that the key is absent. The lists
    /// `NTP`, `FallbackNTP`, `DNS`, `FallbackDNS` and `Domains` add up and are lists of
    /// words. All other values are strings.
    ///
    /// Keys are `Section.Key`, or `Key` alone, and case matters, as it does to systemd.
    /// Lines that systemd ignores (no `=`, outside of a section) are ignored.
    SystemdConfig = "systemd_config" {
        source: "journald.conf(5) CONFIGURATION DIRECTORIES AND PRECEDENCE, systemd.syntax(7)",
        example: r#"describe(systemd_config "journald.conf"):its("Journal.Storage", any(absent, one_of { "auto", "persistent", "volatile" }))"#,
        falsified: (r#"any(absent, one_of { "auto", "persistent", "volatile" })"#, r#"eq "nowhere""#),
        needs: "systemd",
        args {
            /// The name below `/etc/systemd`, such as `journald.conf`, or its absolute path.
            name: Str,
        }
        properties {
            /// The files that were merged, in the order in which they count.
            files: List = |this: &SystemdConfig, seen: &Seen<'_>| Ok(Value::strings(&this.merged(seen)?.files));
            /// Everything that was read: a map of sections.
            params: Map = |this: &SystemdConfig, seen: &Seen<'_>| Ok(this.merged(seen)?.sections.clone());
        }
        predicates {}
        methods {
            /// The value of a key, also of one that has the name of a property.
            value(
                /// The key, or a list of section and key.
                key: Any,
            ): Any = |this: &SystemdConfig, seen: &Seen<'_>, args: &Args| {
                let path = keypath::from_value(args.get("key").unwrap_or(&Value::Nil)).map_err(Unseen::Misuse)?;
                this.key(seen, &path)
            };
        }
        open: SystemdConfig::key,
    }
}

/// Where systemd looks, the first first. `/lib` is `/usr/lib` where they are merged, and
/// then the second look finds only names that are hidden already.
const DIRECTORIES: [&str; 5] =
    ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"];

/// The keys that add up over assignments, resolved.conf(5) and timesyncd.conf(5).
const LISTS: [&str; 5] = ["NTP", "FallbackNTP", "DNS", "FallbackDNS", "Domains"];

/// The configuration of one daemon.
pub struct SystemdConfig {
    name: Arc<str>,
}

/// What the files amount to.
struct Merged {
    files: Vec<Arc<str>>,
    /// A map of sections, each a map of keys.
    sections: Value,
}

impl SystemdConfig {
    fn new(args: &Args) -> Result<SystemdConfig, String> {
        let given = args.required("name");
        let name = DIRECTORIES
            .iter()
            .find_map(|directory| given.strip_prefix(directory)?.strip_prefix('/'))
            .unwrap_or(&given)
            .to_string();
        if name.is_empty() || name.starts_with('/') || name.split('/').any(|part| part == "..") {
            return Err(format!("{given} is no name below /etc/systemd; give one such as journald.conf"));
        }
        Ok(SystemdConfig { name: name.into() })
    }

    fn key(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        let merged = self.merged(seen)?;
        let direct = keypath::look_up(&merged.sections, path);
        match (&direct, &merged.sections) {
            (Value::Nil, Value::Map(sections)) => Ok(sections
                .values()
                .map(|section| keypath::look_up(section, path))
                .find(|value| *value != Value::Nil)
                .unwrap_or_default()),
            _ => Ok(direct),
        }
    }

    fn merged(&self, seen: &Seen<'_>) -> Sight<Rc<Merged>> {
        seen.parsed(&self.name, || {
            let files = self.files(seen)?;
            if files.is_empty() {
                return Err(Unseen::Missing(self.title()));
            }
            let mut sections = IndexMap::new();
            for (_, text) in &files {
                assign(text, &mut sections);
            }
            let sections = sections.into_iter().map(|(name, keys)| (name, Value::Map(keys))).collect();
            Ok(Merged { files: files.into_iter().map(|(path, _)| path).collect(), sections: Value::Map(sections) })
        })
    }

    /// The main file and the drop-ins in the order in which they count, with their texts.
    fn files(&self, seen: &Seen<'_>) -> Sight<Vec<(Arc<str>, String)>> {
        let mains: Vec<Arc<str>> = DIRECTORIES.iter().map(|dir| format!("{dir}/{}", self.name).into()).collect();
        let drop_ins: Vec<Arc<str>> = DIRECTORIES.iter().map(|dir| format!("{dir}/{}.d", self.name).into()).collect();
        let main = seen.each(mains.iter().map(|path| Read { path: path.clone() }));
        let lists = seen.each(drop_ins.iter().map(|path| List { path: path.clone() }));
        let (main, lists) = match (main, lists) {
            (Err(Unseen::Pending), _) | (_, Err(Unseen::Pending)) => return Err(Unseen::Pending),
            (main, lists) => (main?, lists?),
        };

        let mut by_name: BTreeMap<Arc<str>, (Arc<str>, FileKind)> = BTreeMap::new();
        for (directory, entries) in drop_ins.iter().zip(lists) {
            for entry in entries.iter().flat_map(|entries| entries.iter()) {
                if entry.name.ends_with(".conf") && entry.kind != FileKind::Directory {
                    by_name
                        .entry(entry.name.clone())
                        .or_insert_with(|| (format!("{directory}/{}", entry.name).into(), entry.kind));
                }
            }
        }
        let drop_ins: Vec<(Arc<str>, FileKind)> = by_name.into_values().collect();
        let texts = seen.gather(&drop_ins, |(path, kind)| {
            // A link may lead to /dev/null, which is no file to read.
            if *kind == FileKind::Symlink {
                let stated = seen.get(Stat { path: path.clone() })?;
                let target = stated.as_ref().and_then(|stated| stated.target());
                if target.is_none_or(|target| target.kind != FileKind::File) {
                    return Ok(None);
                }
            }
            seen.get(Read { path: path.clone() })
        })?;

        let main = mains.into_iter().zip(main).find_map(|(path, bytes)| Some((path, bytes?)));
        let drop_ins = drop_ins.into_iter().zip(texts).filter_map(|((path, _), bytes)| Some((path, bytes?)));
        Ok(main.into_iter().chain(drop_ins).map(|(path, bytes)| (path, decode(&bytes))).collect())
    }
}

/// Adds the assignments of one file to what those before it said.
fn assign(text: &str, sections: &mut IndexMap<String, IndexMap<String, Value>>) {
    // A comment between continued lines is dropped and does not end them.
    let uncommented: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])).collect();
    let mut section: Option<String> = None;
    for (_, line) in joined_lines(&uncommented.join("\n"), " ") {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = Some(name.to_string());
            sections.entry(name.to_string()).or_default();
            continue;
        }
        let (Some(section), Some((key, value))) = (&section, line.split_once('=')) else { continue };
        let (key, value) = (key.trim(), value.trim());
        let keys = sections.entry(section.clone()).or_default();
        if value.is_empty() {
            keys.shift_remove(key);
        } else if LISTS.contains(&key) {
            let items = keys.entry(key.to_string()).or_insert_with(|| Value::List(Vec::new()));
            if let Value::List(items) = items {
                items.extend(value.split_whitespace().map(Value::from));
            }
        } else {
            keys.insert(key.to_string(), Value::from(value));
        }
    }
}

impl Instance for SystemdConfig {
    fn title(&self) -> String {
        format!("systemd configuration {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.files(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, files};
    use super::*;
    use crate::probe::{Entry as Name, Inode, Link, Stated};

    fn absent(name: &str, but: &[&str]) -> Vec<String> {
        DIRECTORIES
            .iter()
            .flat_map(|dir| [format!("{dir}/{name}"), format!("{dir}/{name}.d")])
            .filter(|path| !but.contains(&path.as_str()))
            .collect()
    }

    fn trial(name: &str, present: &[(&str, &str)]) -> Trial {
        let kept: Vec<&str> = present.iter().flat_map(|(path, _)| [*path, path.rsplit_once('/').unwrap().0]).collect();
        let absent = absent(name, &kept);
        let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
        Trial::new(&ENTRY, &[name.into()], &[], files(present, &absent))
    }

    #[test]
    fn drop_ins_are_merged_by_name_and_hidden_by_directory() {
        let trial = trial(
            "journald.conf",
            &[
                ("/etc/systemd/journald.conf", "[Journal]\nStorage=auto\nCompress=yes\n#Seal=no\nSystemMaxUse=1G\n"),
                ("/usr/lib/systemd/journald.conf", "[Journal]\nAudit=yes\n"),
                ("/usr/lib/systemd/journald.conf.d/90-x.conf", "[Journal]\nStorage=volatile\n"),
                ("/usr/lib/systemd/journald.conf.d/95-hidden.conf", "[Journal]\nCompress=no\n"),
                ("/etc/systemd/journald.conf.d/95-hidden.conf", ""),
                ("/etc/systemd/journald.conf.d/10-x.conf", "[Journal]\nStorage = persistent\nSystemMaxUse=\n"),
                ("/etc/systemd/journald.conf.d/notes.txt", "[Journal]\nStorage=none\n"),
            ],
        );
        assert_eq!(trial.its("Journal.Storage"), Ok("volatile".into()));
        assert_eq!(trial.its("Compress"), Ok("yes".into()));
        assert_eq!(trial.its("SystemMaxUse"), Ok(Value::Nil));
        assert_eq!(trial.its("Audit"), Ok(Value::Nil), "only the first main file counts");
        assert_eq!(trial.its("storage"), Ok(Value::Nil), "case matters");
        assert_eq!(trial.rounds(), 2);
    }

    #[test]
    fn lists_add_up_and_an_empty_assignment_starts_again() {
        let trial = trial(
            "timesyncd.conf",
            &[(
                "/etc/systemd/timesyncd.conf",
                "x=1\n[Time]\nNTP=a b\nNTP=c \\\n# no\n d\nFallbackNTP=x\nFallbackNTP=\n",
            )],
        );
        assert_eq!(trial.its("NTP"), Ok(Value::strings(["a", "b", "c", "d"])));
        assert_eq!(trial.its("FallbackNTP"), Ok(Value::Nil));
        assert_eq!(trial.its("x"), Ok(Value::Nil));
        assert_eq!(trial.rounds(), 1);
    }

    #[test]
    fn a_link_to_dev_null_hides_and_no_file_at_all_is_missing() {
        let null = Inode {
            kind: FileKind::CharacterDevice,
            mode: 0o666,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: 0,
            nlink: 1,
            ino: 1,
            dev: 1,
            selinux: None,
            acl: false,
        };
        let link: Arc<str> = "/etc/systemd/logind.conf.d/a.conf".into();
        let kept = ["/usr/lib/systemd/logind.conf.d", "/etc/systemd/logind.conf.d", "/etc/systemd/logind.conf"];
        let absent = absent("logind.conf", &kept);
        let absent: Vec<&str> = absent.iter().map(String::as_str).collect();
        let scripted = files(
            &[
                ("/etc/systemd/logind.conf", "[Login]\nKillUserProcesses=no\n"),
                ("/usr/lib/systemd/logind.conf.d/a.conf", "[Login]\nKillUserProcesses=yes\n"),
            ],
            &absent,
        )
        .with(
            List { path: "/etc/systemd/logind.conf.d".into() },
            Some([Name { name: "a.conf".into(), kind: FileKind::Symlink }].into()),
        )
        .with(
            Stat { path: link },
            Some(Stated {
                own: Inode { kind: FileKind::Symlink, ..null.clone() },
                link: Some(
                    Link { text: "/dev/null".into(), canonical: Some("/dev/null".into()), target: Some(null) }.into(),
                ),
            }),
        );
        let hidden = Trial::new(&ENTRY, &["/etc/systemd/logind.conf".into()], &[], scripted);
        assert_eq!(hidden.its("KillUserProcesses"), Ok("no".into()));

        let none = trial("resolved.conf", &[]);
        assert_eq!(none.its("DNS"), Err(Unseen::Missing("systemd configuration resolved.conf".into())));
        assert_eq!(none.exists(), Ok(false));
    }
}
