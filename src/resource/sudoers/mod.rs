//! `sudoers`

mod grammar;

use self::grammar::{Rule, Setting, Statement};
use super::Args;
use super::catalogue::Instance;
use super::config_text::{decode, malformed, parent};
use super::table::{Row, Rows};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, FileKind, List, Read, Uname};
use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists who may run what through sudo, with all included files.
    ///
    /// A row is one command that one entry of a user list may run: a rule for three users
    /// and two commands gives six rows. Names stand as they are written: `%group`, `#uid`,
    /// `+netgroup`, an alias (see `aliases`), with `!` where they are excluded. Rules that
    /// sudo gets from LDAP or SSSD are not seen.
    Sudoers = "sudoers" {
        source: "sudoers(5)",
        example: r#"describe(sudoers()):its("users", contains "root")"#,
        falsified: (r#"contains "root""#, "empty"),
        needs: "sudo",
        args {
            /// The file, `/etc/sudoers` by default.
            path: Str optional,
        }
        properties {
            /// The settings of all `Defaults` lines that are for everybody, by name: true
            /// or false for a flag, an integer, a string, and a list for `env_keep`,
            /// `env_check` and `env_delete`.
            defaults: Map = |this: &Sudoers, seen: &Seen<'_>| Ok(this.policy(seen)?.defaults.clone());
            /// Every setting of every `Defaults` line: a list of maps with `scope` (empty,
            /// `user`, `host`, `command` or `runas`), `names`, `name`, `operator`, `value`,
            /// `file` and `line`.
            settings: List = |this: &Sudoers, seen: &Seen<'_>| Ok(this.policy(seen)?.settings.clone());
            /// The aliases: a map of `User_Alias`, `Runas_Alias`, `Host_Alias` and
            /// `Cmnd_Alias`, each a map from name to the list of members.
            aliases: Map = |this: &Sudoers, seen: &Seen<'_>| Ok(this.policy(seen)?.aliases.clone());
            /// The files that were read, in their order.
            paths: List = |this: &Sudoers, seen: &Seen<'_>| Ok(this.policy(seen)?.files.clone());
        }
        predicates {}
        methods {}
        table {
            /// One entry of the rule's user list.
            users <- user: Str;
            /// The host list.
            hosts <- hosts: List;
            /// The users the command may be run as; `root` where nothing is said, empty
            /// where only a group is.
            run_as <- run_as: List;
            /// The groups the command may be run as.
            run_as_groups <- run_as_groups: List;
            /// The tags in force, such as `NOPASSWD`.
            tags <- tags: List;
            /// Whether the tag `NOPASSWD` is in force.
            nopasswd <- nopasswd: Bool;
            /// The command with its arguments.
            commands <- command: Str;
            /// Options such as `CWD`, by name.
            options <- options: Map;
            /// The file the rule is in.
            files <- file: Str;
            /// The line the rule is on.
            lines <- line: Int;
        }
        rows: Sudoers::rows,
    }
}

/// How deep files may include files, as in sudo.
const DEPTH: usize = 128;
/// How many files may be included in all.
const FILES: usize = 1000;
/// The settings that are lists.
const LISTS: [&str; 3] = ["env_keep", "env_check", "env_delete"];

/// The policy that begins in one file.
pub struct Sudoers {
    path: Arc<str>,
}

/// What all files say.
struct Policy {
    rows: Rows,
    defaults: Value,
    settings: Value,
    aliases: Value,
    files: Value,
}

/// A statement with the file and line it is at.
type Placed = (Arc<str>, usize, Statement);

impl Sudoers {
    fn new(args: &Args) -> Result<Sudoers, String> {
        Ok(Sudoers { path: args.text("path").unwrap_or_else(|| "/etc/sudoers".into()) })
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        Ok(self.policy(seen)?.rows.clone())
    }

    fn policy(&self, seen: &Seen<'_>) -> Sight<Rc<Policy>> {
        seen.parsed(&self.path, || {
            // Nearly every sudoers includes sudoers.d: to ask for its names at once
            // saves a round.
            let names = seen.try_get(List { path: format!("{}.d", self.path).into() }).err();
            let main = seen.get(Read { path: self.path.clone() });
            let (None, main) = (names, main?) else { return Err(Unseen::Pending) };
            let main = main.ok_or_else(|| Unseen::Missing(self.title()))?;
            let mut reader = Reader { seen, statements: Vec::new(), files: Vec::new(), pending: false };
            reader.file(&self.path, &main, 0)?;
            if reader.pending { Err(Unseen::Pending) } else { policy(reader) }
        })
    }
}

/// Reads files and what they include.
struct Reader<'s, 'm> {
    seen: &'s Seen<'m>,
    statements: Vec<Placed>,
    files: Vec<Arc<str>>,
    /// Whether an included file is still to come; the rest is read on meanwhile.
    pending: bool,
}

impl Reader<'_, '_> {
    fn file(&mut self, file: &Arc<str>, bytes: &[u8], depth: usize) -> Sight<()> {
        self.files.push(file.clone());
        let statements =
            grammar::statements(&decode(bytes)).map_err(|(line, message)| malformed(file, line, message))?;
        for (line, statement) in statements {
            match statement {
                Statement::Include { path, directory } => match self.include(file, line, &path, directory, depth) {
                    Err(Unseen::Pending) => self.pending = true,
                    result => result?,
                },
                statement => self.statements.push((file.clone(), line, statement)),
            }
        }
        Ok(())
    }

    fn include(&mut self, file: &Arc<str>, line: usize, path: &str, directory: bool, depth: usize) -> Sight<()> {
        if depth >= DEPTH {
            return Err(malformed(file, line, "too many files include each other"));
        }
        let mut path = if path.starts_with('/') { path.to_string() } else { format!("{}/{path}", parent(file)) };
        if path.contains("%h") {
            let kernel = self.seen.get(Uname)?;
            if kernel.host_name.is_empty() {
                let message = format!("{file}:{line}: %h stands for the name of the host, which is not known");
                return Err(Fault::new(FaultKind::Unsupported, message).into());
            }
            path = path.replace("%h", kernel.host_name.split('.').next().unwrap_or_default());
        }
        let paths: Vec<Arc<str>> = if directory {
            let entries = self.seen.get(List { path: path.as_str().into() })?.unwrap_or_else(|| Arc::from([]));
            let counts = |name: &str| !name.contains('.') && !name.ends_with('~');
            let files = entries.iter().filter(|entry| entry.kind != FileKind::Directory && counts(&entry.name));
            files.map(|entry| format!("{path}/{}", entry.name).into()).collect()
        } else {
            vec![path.into()]
        };
        if self.files.len() + paths.len() > FILES {
            let message = format!("{file}:{line}: more than {FILES} files are included");
            return Err(Fault::new(FaultKind::TooLarge, message).into());
        }
        let texts = self.seen.each(paths.iter().map(|path| Read { path: path.clone() }))?;
        for (path, bytes) in paths.iter().zip(texts) {
            match bytes {
                Some(bytes) => self.file(path, &bytes, depth + 1)?,
                None if directory => {}
                None => return Err(malformed(file, line, format!("{path} is included, but there is no such file"))),
            }
        }
        Ok(())
    }
}

fn policy(reader: Reader<'_, '_>) -> Sight<Policy> {
    let mut rows = Vec::new();
    let mut defaults = IndexMap::new();
    let mut settings = Vec::new();
    let mut aliases: IndexMap<String, Value> = ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias"]
        .map(|kind| (kind.to_string(), Value::Map(IndexMap::new())))
        .into_iter()
        .collect();
    for (file, line, statement) in reader.statements {
        match statement {
            Statement::Rules(rules) => {
                if rows.len() + rules.len() > grammar::RULES {
                    let message = format!("{file}:{line}: more than {} rules", grammar::RULES);
                    return Err(Fault::new(FaultKind::TooLarge, message).into());
                }
                rows.extend(rules.into_iter().map(|rule| row(rule, &file, line)));
            }
            Statement::Aliases { kind, aliases: new } => {
                if let Some(Value::Map(known)) = aliases.get_mut(kind) {
                    for (name, members) in new {
                        if known.insert(name.clone(), Value::strings(members)).is_some() {
                            return Err(malformed(&file, line, format!("alias {name} is defined twice")));
                        }
                    }
                }
            }
            Statement::Defaults { scope, settings: new } => {
                for setting in new {
                    if scope.kind.is_empty() {
                        set(&setting, &mut defaults);
                    }
                    let fields = [
                        ("scope", scope.kind.into()),
                        ("names", Value::strings(&scope.names)),
                        ("name", setting.name.into()),
                        ("operator", setting.operator.into()),
                        ("value", setting.value.into()),
                        ("file", file.clone().into()),
                        ("line", line.into()),
                    ];
                    settings.push(Value::Map(fields.map(|(name, value)| (name.to_string(), value)).into()));
                }
            }
            Statement::Include { .. } => {}
        }
    }
    Ok(Policy {
        rows: Rows::new(rows),
        defaults: Value::Map(defaults),
        settings: Value::List(settings),
        aliases: Value::Map(aliases),
        files: Value::strings(&reader.files),
    })
}

fn row(rule: Rule, file: &Arc<str>, line: usize) -> Row {
    let nopasswd = rule.tags.iter().any(|tag| tag == "NOPASSWD");
    let (run_as, groups) = rule.run_as.unwrap_or_else(|| (vec!["root".to_string()], Vec::new()));
    let options = rule.options.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    super::catalogue::row([
        ("user", rule.user.into()),
        ("hosts", Value::strings(rule.hosts)),
        ("run_as", Value::strings(run_as)),
        ("run_as_groups", Value::strings(groups)),
        ("tags", Value::strings(rule.tags)),
        ("nopasswd", nopasswd.into()),
        ("command", rule.command.into()),
        ("options", Value::Map(options)),
        ("file", file.clone().into()),
        ("line", line.into()),
    ])
}

/// Applies a setting for everybody to those before it.
fn set(setting: &Setting, defaults: &mut IndexMap<String, Value>) {
    let Setting { name, operator, value } = setting;
    if LISTS.contains(&name.as_str()) {
        let list = defaults.entry(name.clone()).or_insert_with(|| Value::List(Vec::new()));
        let Value::List(items) = list else { return };
        let words = value.split_whitespace().map(Value::from);
        match *operator {
            "+=" => items.extend(words),
            "-=" => words.for_each(|word| items.retain(|item| *item != word)),
            _ => *items = words.collect(),
        }
        return;
    }
    let value = match *operator {
        "" => Value::Bool(true),
        "!" => Value::Bool(false),
        // A number with a leading zero is a mode.
        _ if value.len() > 1 && value.starts_with('0') => value.as_str().into(),
        _ => value.parse().map_or_else(|_| Value::from(value.as_str()), Value::Int),
    };
    defaults.insert(name.clone(), value);
}

impl Instance for Sudoers {
    fn title(&self) -> String {
        format!("sudoers {}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Read { path: self.path.clone() })?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    fn trial(present: &[(&str, &str)], absent: &[&str]) -> Trial {
        Trial::new(&ENTRY, &[], &[], files(present, absent))
    }

    #[test]
    fn rules_and_defaults_of_all_files_come_together() {
        let trial = trial(
            &[
                (
                    "/etc/sudoers",
                    "Defaults env_reset, !visiblepw, timestamp_timeout=5, umask=0022\n\
                     Defaults env_keep += \"A B\"\nDefaults env_keep-=A\nDefaults:bob !use_pty\n\
                     User_Alias OPS = alice, bob\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
                ),
                ("/etc/sudoers.d/10-ops", "Defaults use_pty\nOPS ALL = NOPASSWD: /bin/a, /bin/b\n"),
                ("/etc/sudoers.d/backup~", "mallory ALL=ALL\n"),
                ("/etc/sudoers.d/x.rpmsave", "mallory ALL=ALL\n"),
            ],
            &[],
        );
        assert_eq!(trial.its("users"), Ok(Value::strings(["root", "OPS", "OPS"])));
        assert_eq!(trial.its("nopasswd"), Ok(Value::from(vec![false, true, true])));
        assert_eq!(
            trial.its("files").unwrap().to_string(),
            r#"["/etc/sudoers", "/etc/sudoers.d/10-ops", "/etc/sudoers.d/10-ops"]"#
        );
        assert_eq!(
            trial.its("defaults").unwrap().to_string(),
            r#"{env_reset: true, visiblepw: false, timestamp_timeout: 5, umask: "0022", env_keep: ["B"], use_pty: true}"#
        );
        assert!(trial.its("aliases").unwrap().to_string().contains(r#"OPS: ["alice", "bob"]"#));
        assert_eq!(trial.rounds(), 2);
    }

    #[test]
    fn an_include_that_leads_nowhere_or_in_circles_is_a_fault() {
        let missing = trial(&[("/etc/sudoers", "@include x\n")], &["/etc/x", "/etc/sudoers.d"]);
        assert_eq!(fault(missing.rows().map(|_| ())), "/etc/sudoers:1: /etc/x is included, but there is no such file");
        let circle = trial(&[("/etc/sudoers", "\n@include sudoers\n")], &["/etc/sudoers.d"]);
        assert_eq!(fault(circle.rows().map(|_| ())), "/etc/sudoers:2: too many files include each other");
    }

    #[test]
    fn an_error_has_its_place_and_no_file_is_missing() {
        let broken = trial(&[("/etc/sudoers", "a ALL=(b\n")], &["/etc/sudoers.d"]);
        assert_eq!(fault(broken.its("defaults")), "/etc/sudoers:1: a parenthesis is not closed");
        let none = trial(&[], &["/etc/sudoers", "/etc/sudoers.d"]);
        assert_eq!(none.its("defaults"), Err(Unseen::Missing("sudoers /etc/sudoers".into())));
        assert_eq!(none.exists(), Ok(false));
    }
}
