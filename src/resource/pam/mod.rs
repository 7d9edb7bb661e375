//! `pam`

mod rule;

use self::rule::{Line, base};
use super::Args;
use super::catalogue::{Instance, row};
use super::config_text::{decode, joined_lines, malformed};
use super::table::{Row, Rows};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, FileKind, List, Read};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists the modules PAM asks, for one service with all it includes, or of all files.
    ///
    /// `pam "sshd"` gives the stack of the service `sshd` in the order in which its
    /// modules are asked, what `@include`, `include` and `substack` bring in put in its
    /// place. `pam()` gives the rules of every file in `/etc/pam.d`, each once.
    /// `/etc/pam.conf` is not read: libpam ignores it where there is `/etc/pam.d`.
    Pam = "pam" {
        source: "pam.d(5), pam.conf(5)",
        example: r#"describe(pam "su"):is("has_rule", "auth", "pam_rootok.so")"#,
        falsified: ("pam_rootok", "pam_nobody"),
        args {
            /// The service, a file name in `/etc/pam.d` or `/usr/lib/pam.d`.
            service: Str optional,
        }
        properties {}
        predicates {
            /// Whether there is a rule of this type for this module, with this control
            /// and all these arguments where they are given.
            has_rule(
                /// `auth`, `account`, `password` or `session`.
                kind: Str,
                /// The module, with or without its directory and `.so`.
                module: Str,
                /// The control as written, such as `required` or `[success=1 default=ignore]`.
                control: Str optional,
                /// Arguments the rule must have, such as `{ "use_authtok", "minlen=14" }`.
                arguments: List optional,
            ) absent Fails = Pam::has_rule;
        }
        methods {
            /// The value of an argument of a module: what stands after `=`, true for one
            /// without a value, absent when no rule of the module has it. Of several
            /// rules the first that has it counts.
            argument(
                /// The module, with or without its directory and `.so`.
                module: Str,
                /// The argument's name, such as `minlen`.
                name: Str,
                /// Only rules of this type.
                kind: Str optional,
            ): Any = Pam::argument;
        }
        table {
            /// The service whose stack it is: the one asked for, or the file's name.
            services <- service: Str;
            /// `auth`, `account`, `password` or `session`.
            types <- type: Str;
            /// The control, in lower case.
            controls <- control: Str;
            /// The module as written.
            modules <- module: Str;
            /// The arguments.
            arguments <- arguments: List;
            /// Whether a missing module is passed over in silence (`-` before the type).
            missing_ok <- missing_ok: Bool;
            /// The file the rule is in.
            files <- file: Str;
            /// The line the rule is on.
            lines <- line: Int;
        }
        rows: Pam::rows,
    }
}

/// Where services are looked for, the first first.
const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];
/// How deep files may include files, as in libpam.
const DEPTH: usize = 32;
/// How many rules there may be in all; files that include others twice multiply.
const RULES: usize = 10_000;

/// A service, or all of them.
pub struct Pam {
    service: Option<Arc<str>>,
}

impl Pam {
    fn new(args: &Args) -> Result<Pam, String> {
        let service = args.text("service");
        match &service {
            Some(name) if name.is_empty() || name.contains('/') => {
                Err(format!("{name:?} is no service; give the name of a file in /etc/pam.d"))
            }
            _ => Ok(Pam { service }),
        }
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let rows: Rc<Rows> = seen.parsed(&format!("{:?}", self.service), || match &self.service {
            Some(service) => {
                let mut reader = Reader { seen, service: service.clone(), rows: Vec::new(), work: 0, pending: false };
                match reader.service(service, None, 0) {
                    Ok(true) => {}
                    Ok(false) => return Err(Unseen::Missing(self.title())),
                    Err(unseen) => return Err(unseen),
                }
                if reader.pending { Err(Unseen::Pending) } else { Ok(Rows::new(reader.rows)) }
            }
            None => self.all(seen),
        })?;
        Ok((*rows).clone())
    }

    /// The rules of every file; what they include is listed where it stands.
    fn all(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let directory = DIRECTORIES[0];
        let entries = seen.get(List { path: directory.into() })?.ok_or_else(|| Unseen::Missing(self.title()))?;
        let names: Vec<_> = entries.iter().filter(|entry| entry.kind != FileKind::Directory).collect();
        let path = |name: &str| -> Arc<str> { format!("{directory}/{name}").into() };
        let texts = seen.each(names.iter().map(|entry| Read { path: path(&entry.name) }))?;
        let mut rows = Vec::new();
        for (entry, bytes) in names.iter().zip(texts) {
            let Some(bytes) = bytes else { continue };
            let file = path(&entry.name);
            for (number, parsed) in lines(&file, &bytes)? {
                if let Line::Rule(rule) = parsed {
                    rows.push(rule_row(&entry.name, rule, &file, number));
                }
            }
        }
        Ok(Rows::new(rows))
    }

    fn has_rule(&self, seen: &Seen<'_>, args: &Args) -> Sight<bool> {
        let (kind, module) = (args.required("kind"), args.required("module"));
        let control = args.text("control").map(|control| {
            let control = control.to_lowercase();
            control.split_whitespace().collect::<Vec<_>>().join(" ").replace("[ ", "[").replace(" ]", "]")
        });
        let wanted = args.list("arguments").unwrap_or_default();
        Ok(self.rows(seen)?.iter().any(|row| {
            let text = |field: &str| row.get(field).and_then(Value::as_text).unwrap_or_default();
            let arguments = match row.get("arguments") {
                Some(Value::List(arguments)) => arguments.as_slice(),
                _ => &[],
            };
            text("type") == kind.to_lowercase()
                && base(&text("module")) == base(&module)
                && control.as_ref().is_none_or(|control| text("control") == *control)
                && wanted.iter().all(|wanted| arguments.contains(wanted))
        }))
    }

    fn argument(&self, seen: &Seen<'_>, args: &Args) -> Sight<Value> {
        let (module, name, kind) = (args.required("module"), args.required("name"), args.text("kind"));
        let value = |argument: &Value| {
            let argument = argument.as_text()?;
            match argument.split_once('=') {
                Some((key, value)) if key == &*name => Some(Value::from(value)),
                None if *argument == *name => Some(Value::Bool(true)),
                _ => None,
            }
        };
        let rows = self.rows(seen)?;
        let found = rows.iter().find_map(|row| {
            let text = |field: &str| row.get(field).and_then(Value::as_text).unwrap_or_default();
            let fits = base(&text("module")) == base(&module)
                && kind.as_ref().is_none_or(|kind| text("type") == kind.to_lowercase());
            match row.get("arguments") {
                Some(Value::List(arguments)) if fits => arguments.iter().find_map(value),
                _ => None,
            }
        });
        Ok(found.unwrap_or_default())
    }
}

/// The lines of one file that say something, with their numbers.
fn lines(file: &Arc<str>, bytes: &[u8]) -> Sight<Vec<(usize, Line)>> {
    let mut parsed = Vec::new();
    for (number, text) in joined_lines(&decode(bytes), " ") {
        if let Some(line) = rule::line(&text).map_err(|message| malformed(file, number, message))? {
            parsed.push((number, line));
        }
    }
    Ok(parsed)
}

fn rule_row(service: &str, rule: rule::Rule, file: &Arc<str>, number: usize) -> Row {
    row([
        ("service", service.into()),
        ("type", rule.kind.into()),
        ("control", rule.control.into()),
        ("module", rule.module.into()),
        ("arguments", Value::strings(rule.arguments)),
        ("missing_ok", rule.missing_ok.into()),
        ("file", file.clone().into()),
        ("line", number.into()),
    ])
}

/// Follows includes.
struct Reader<'s, 'm> {
    seen: &'s Seen<'m>,
    service: Arc<str>,
    rows: Vec<Row>,
    /// Lines looked at so far; they are bounded as the rows are.
    work: usize,
    /// Whether an included file is still to come; the rest is read on meanwhile.
    pending: bool,
}

impl Reader<'_, '_> {
    /// Adds the rules of a service's file; false when there is no such file.
    fn service(&mut self, name: &str, of: Option<&str>, depth: usize) -> Sight<bool> {
        let paths = DIRECTORIES.map(|directory| {
            let path = if name.starts_with('/') { name.to_string() } else { format!("{directory}/{name}") };
            Arc::<str>::from(path)
        });
        let texts = self.seen.each(paths.iter().map(|path| Read { path: path.clone() }))?;
        let Some((file, bytes)) = paths.iter().zip(texts).find_map(|(path, text)| Some((path, text?))) else {
            return Ok(false);
        };
        for (number, line) in lines(file, &bytes)? {
            self.work += 1;
            if self.work > RULES {
                let message = format!("{file}:{number}: more than {RULES} rules");
                return Err(Fault::new(FaultKind::TooLarge, message).into());
            }
            match line {
                Line::Rule(rule) if of.is_none_or(|of| of == rule.kind) => {
                    self.rows.push(rule_row(&self.service, rule, file, number));
                }
                Line::Include { of: kind, .. } if of.is_some() && kind.is_some() && of != kind => {}
                Line::Include { .. } if depth >= DEPTH => {
                    return Err(malformed(file, number, format!("included more than {DEPTH} deep")));
                }
                Line::Include { of: kind, service } => match self.service(&service, kind.or(of), depth + 1) {
                    Err(Unseen::Pending) => self.pending = true,
                    Ok(true) => {}
                    Ok(false) => {
                        return Err(malformed(
                            file,
                            number,
                            format!("{service} is included, but there is no such file"),
                        ));
                    }
                    Err(unseen) => return Err(unseen),
                },
                Line::Rule(_) => {}
            }
        }
        Ok(true)
    }
}

impl Instance for Pam {
    fn title(&self) -> String {
        match &self.service {
            Some(service) => format!("PAM service {service}"),
            None => "PAM configuration /etc/pam.d".to_string(),
        }
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        let Some(service) = &self.service else {
            return Ok(seen.get(List { path: DIRECTORIES[0].into() })?.is_some());
        };
        let reads = DIRECTORIES.map(|directory| Read { path: format!("{directory}/{service}").into() });
        Ok(seen.each(reads)?.iter().any(Option::is_some))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    const FILES: &[(&str, &str)] = &[
        ("/etc/pam.d/sshd", "auth requisite pam_nologin.so\n@include common-auth\naccount include system\n"),
        ("/etc/pam.d/common-auth", "auth [success=1 \\\n default=ignore] pam_unix.so nullok minlen=8\n"),
        ("/etc/pam.d/system", "auth required pam_x.so\naccount required pam_unix.so\n-session optional pam_s.so\n"),
    ];
    const VENDOR: &[&str] = &[
        "/usr/lib/pam.d/sshd",
        "/usr/lib/pam.d/common-auth",
        "/usr/lib/pam.d/system",
        "/etc/pam.d/none",
        "/usr/lib/pam.d/none",
    ];

    fn trial(service: &[Value]) -> Trial {
        Trial::new(&ENTRY, service, &[], files(FILES, VENDOR))
    }

    #[test]
    fn a_stack_holds_what_it_includes_in_its_place() {
        let sshd = trial(&["sshd".into()]);
        assert_eq!(sshd.its("modules"), Ok(Value::strings(["pam_nologin.so", "pam_unix.so", "pam_unix.so"])));
        assert_eq!(sshd.its("types"), Ok(Value::strings(["auth", "auth", "account"])), "an include takes one type");
        assert_eq!(sshd.its("services"), Ok(Value::strings(["sshd"; 3])));
        assert_eq!(sshd.rounds(), 2);
    }

    #[test]
    fn rules_and_arguments_are_found() {
        let sshd = trial(&["sshd".into()]);
        let has = |given: &[Value]| sshd.is("has_rule", given);
        assert_eq!(has(&["auth".into(), "pam_unix".into()]), Ok(true));
        assert_eq!(has(&["auth".into(), "pam_unix.so".into(), "[success=1  default=ignore]".into()]), Ok(true));
        assert_eq!(has(&["auth".into(), "pam_unix.so".into(), "required".into()]), Ok(false));
        let nullok = Value::strings(["nullok"]);
        assert_eq!(has(&["auth".into(), "pam_unix.so".into(), Value::Nil, nullok.clone()]), Ok(true));
        assert_eq!(has(&["account".into(), "pam_unix.so".into(), Value::Nil, nullok]), Ok(false));
        let argument = |name: &str| sshd.call("argument", &["pam_unix.so".into(), name.into()]);
        assert_eq!(argument("minlen"), Ok("8".into()));
        assert_eq!(argument("nullok"), Ok(true.into()));
        assert_eq!(argument("remember"), Ok(Value::Nil));
    }

    #[test]
    fn all_files_are_listed_each_once() {
        let all = trial(&[]);
        let expected = ["common-auth", "sshd", "system", "system", "system"];
        assert_eq!(all.its("services"), Ok(Value::strings(expected)));
        assert_eq!(all.rounds(), 2);
    }

    #[test]
    fn a_service_without_a_file_is_missing_and_a_circle_is_a_fault() {
        let none = trial(&["none".into()]);
        assert_eq!(none.its("types"), Err(Unseen::Missing("PAM service none".into())));
        assert_eq!(none.exists(), Ok(false));
        let circle = |text: &str| {
            let scripted = files(&[("/etc/pam.d/a", text)], &["/usr/lib/pam.d/a"]);
            fault(Trial::new(&ENTRY, &["a".into()], &[], scripted).its("types"))
        };
        assert_eq!(circle("@include a\n"), "/etc/pam.d/a:1: included more than 32 deep");
        assert!(circle(&"auth include a\n".repeat(2)).contains("more than 32 deep"));
        assert!(circle("auth requierd x\n").starts_with("/etc/pam.d/a:1: requierd is no control"));
    }
}
