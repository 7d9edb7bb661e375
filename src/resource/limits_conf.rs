//! `limits_conf`

use super::catalogue::row;
use super::{Args, Instance, Rows};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Read};
use crate::value::Value;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Lists the resource limits pam_limits sets at login.
    ///
    /// They are those of `/etc/security/limits.conf`, and after them those of the files
    /// `/etc/security/limits.d/*.conf` in the order of their names, as the module reads
    /// them; with a path, those of that one file. Types and items are in lower case, whole
    /// numbers are integers. A line the module cannot use is left out, since the module
    /// passes over it; it is in `skipped_lines`.
    LimitsConf = "limits_conf" {
        source: "limits.conf(5), pam_limits(8)",
        example: r#"describe(limits_conf()):exists()"#,
        falsified: (":exists", ":does_not_exist"),
        args {
            /// The one file to read.
            path: Str optional,
        }
        properties {
            /// The lines that are passed over, as `FILE:LINE`.
            skipped_lines: List = |this: &LimitsConf, seen: &Seen<'_>| this.parsed(seen).map(|parsed| Value::strings(&parsed.skipped));
        }
        predicates {}
        methods {
            /// The limits of a domain, each a list of type, item and value.
            domain(
                /// A user, `@GROUP`, `%GROUP` or `*`, as it is written.
                domain: Str,
            ): List = LimitsConf::domain;
            /// The last value set for this domain, type and item, which is the one that
            /// counts; `-` in the type field counts for `soft` and `hard`. Absent where none
            /// is set.
            limit(
                /// A user, `@GROUP`, `%GROUP` or `*`, as it is written.
                domain: Str,
                /// `soft` or `hard`.
                type: Str,
                /// The item, such as `core` or `nofile`.
                item: Str,
            ): Any = LimitsConf::limit;
        }
        table {
            /// Whom the limits are for: a user, `@GROUP`, `%GROUP`, `*` or a range of numbers.
            domains <- domain: Str;
            /// The types: `soft`, `hard`, or `-` for both.
            types <- type: Str;
            /// The items, such as `core` or `nofile`; absent in the line `DOMAIN -`, which
            /// lifts all limits.
            items <- item: Str;
            /// The values: integers, or strings such as `unlimited`.
            values <- value: Any;
            /// The files the limits are in.
            files <- file: Str;
            /// The numbers of the lines.
            lines <- line: Int;
        } rows: |this: &LimitsConf, seen: &Seen<'_>| this.parsed(seen).map(|parsed| parsed.rows.clone()),
    }
}

const PATH: &str = "/etc/security/limits.conf";
const DIRECTORY: &str = "/etc/security/limits.d";

/// The limits of the machine, or those in one file.
pub struct LimitsConf {
    path: Option<Arc<str>>,
}

struct Parsed {
    rows: Rows,
    skipped: Vec<String>,
}

impl LimitsConf {
    fn new(args: &Args) -> Result<LimitsConf, String> {
        Ok(LimitsConf { path: args.text("path") })
    }

    fn parsed(&self, seen: &Seen<'_>) -> Sight<Rc<Parsed>> {
        seen.parsed(self.path.as_deref().unwrap_or(""), || self.parse(seen))
    }

    fn parse(&self, seen: &Seen<'_>) -> Sight<Parsed> {
        let main: Arc<str> = self.path.clone().unwrap_or_else(|| PATH.into());
        let read = Read { path: main.clone() };
        let (content, listed) = match self.path {
            Some(_) => (seen.get(read)?, None),
            None => seen.all((read, List { path: DIRECTORY.into() }))?,
        };
        let is_limits = |kind, name: &str| {
            matches!(kind, FileKind::File | FileKind::Symlink) && name.ends_with(".conf") && !name.starts_with('.')
        };
        let mut names: Vec<Arc<str>> = listed
            .iter()
            .flat_map(|entries| entries.iter())
            .filter(|entry| is_limits(entry.kind, &entry.name))
            .map(|entry| format!("{DIRECTORY}/{}", entry.name).into())
            .collect();
        names.sort_unstable();
        let further = seen.each(names.iter().map(|path| Read { path: path.clone() }))?;
        if content.is_none() && names.is_empty() {
            return Err(Unseen::Missing(format!("File {main}")));
        }
        let files = std::iter::once((main, content)).chain(names.into_iter().zip(further));
        let (mut rows, mut skipped) = (Vec::new(), Vec::new());
        for (path, content) in files {
            for (index, line) in content.iter().flat_map(|content| content.split(|byte| *byte == b'\n')).enumerate() {
                let line = String::from_utf8_lossy(line);
                let line = line.split('#').next().unwrap_or("").trim();
                if line.is_empty() {
                    continue;
                }
                let Some((domain, kind, item, value)) = limit(line) else {
                    skipped.push(format!("{path}:{}", index + 1));
                    continue;
                };
                rows.push(row([
                    ("domain", domain.into()),
                    ("type", kind.into()),
                    ("item", item.into()),
                    ("value", value),
                    ("file", path.clone().into()),
                    ("line", (index + 1).into()),
                ]));
            }
        }
        Ok(Parsed { rows: Rows::new(rows), skipped })
    }

    fn domain(&self, seen: &Seen<'_>, args: &Args) -> Sight<Value> {
        let domain = Value::from(args.required("domain"));
        let parsed = self.parsed(seen)?;
        let limits = parsed.rows.iter().filter(|row| row["domain"] == domain);
        Ok(Value::List(
            limits.map(|row| Value::List(["type", "item", "value"].map(|field| row[field].clone()).into())).collect(),
        ))
    }

    fn limit(&self, seen: &Seen<'_>, args: &Args) -> Sight<Value> {
        let [domain, kind, item] = ["domain", "type", "item"].map(|name| Value::from(args.required(name)));
        if ![Value::from("soft"), Value::from("hard")].contains(&kind) {
            return Err(Unseen::Misuse(format!("limit: type is \"soft\" or \"hard\", not {kind}")));
        }
        let parsed = self.parsed(seen)?;
        let limits = parsed.rows.iter().filter(|row| {
            row["domain"] == domain && row["item"] == item && (row["type"] == kind || row["type"] == Value::from("-"))
        });
        Ok(limits.last().map(|row| row["value"].clone()).unwrap_or_default())
    }
}

/// Domain, type, item and value of a line; words after them do not matter to the module.
fn limit(line: &str) -> Option<(String, String, Option<String>, Value)> {
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    match words[..] {
        [domain, "-"] => Some((domain.to_string(), "-".to_string(), None, Value::Nil)),
        [domain, kind, item, value] => {
            let kind = kind.to_lowercase();
            if !["soft", "hard", "-"].contains(&kind.as_str()) {
                return None;
            }
            let value = value.to_lowercase();
            let number = value.parse::<i64>().map(Value::Int);
            Some((domain.to_string(), kind, Some(item.to_lowercase()), number.unwrap_or_else(|_| value.into())))
        }
        _ => None,
    }
}

impl Instance for LimitsConf {
    fn title(&self) -> String {
        format!("Limits in {}", self.path.as_deref().unwrap_or("/etc/security"))
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match self.parsed(seen) {
            Ok(_) => Ok(true),
            Err(Unseen::Missing(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Entry;
    use crate::resource::testing::{Trial, missing};
    use crate::transport::scripted::Scripted;

    fn read(path: &str, content: Option<&str>) -> (Read, Option<Arc<[u8]>>) {
        (Read { path: path.into() }, content.map(|content| content.as_bytes().into()))
    }

    fn entries(names: &[(&str, FileKind)]) -> Option<Arc<[Entry]>> {
        Some(names.iter().map(|(name, kind)| Entry { name: (*name).into(), kind: *kind }).collect())
    }

    fn node(main: Option<&str>) -> Scripted {
        let (main, content) = read(PATH, main);
        let names = [
            ("90-b.conf", FileKind::File),
            ("10-a.conf", FileKind::Symlink),
            ("README", FileKind::File),
            ("x.conf", FileKind::Directory),
        ];
        let (first, one) = read("/etc/security/limits.d/10-a.conf", Some("*  -  CORE  0 # all\n"));
        let (second, two) = read("/etc/security/limits.d/90-b.conf", Some("* hard core Unlimited\n@adm -\n"));
        Scripted::new()
            .with(main, content)
            .with(List { path: DIRECTORY.into() }, entries(&names))
            .with(first, one)
            .with(second, two)
    }

    #[test]
    fn files_are_read_in_order_and_the_last_limit_counts() {
        let limits =
            Trial::of("limits_conf", [], node(Some("# c\nroot hard nofile 1024 extra\nbroken line\n* firm core 0\n")));
        assert_eq!(limits.its("domains"), Ok(Value::strings(["root", "*", "*", "@adm"])));
        assert_eq!(limits.rounds(), 2);
        let all = |kind: &str| limits.call("limit", ["*".into(), kind.into(), "core".into()]);
        assert_eq!(all("hard"), Ok("unlimited".into()));
        assert_eq!(all("soft"), Ok(Value::Int(0)));
        assert!(matches!(all("-"), Err(Unseen::Misuse(_))));
        assert_eq!(limits.call("limit", ["*".into(), "hard".into(), "cpu".into()]), Ok(Value::Nil));
        let root = Value::List(vec![Value::List(vec!["hard".into(), "nofile".into(), Value::Int(1024)])]);
        assert_eq!(limits.call("domain", ["root".into()]), Ok(root));
        assert_eq!(limits.its("skipped_lines"), Ok(Value::strings([format!("{PATH}:3"), format!("{PATH}:4")])));
        assert_eq!(limits.its("lines"), Ok(vec![2i64, 1, 1, 2].into()));
    }

    #[test]
    fn drop_ins_alone_will_do_and_one_path_means_one_file() {
        assert_eq!(Trial::of("limits_conf", [], node(None)).exists(), Ok(true));
        let (file, content) = read("/srv/limits", None);
        let limits = Trial::of("limits_conf", ["/srv/limits".into()], Scripted::new().with(file, content));
        assert_eq!(limits.exists(), Ok(false));
        assert_eq!(missing(limits.its("domains")), "File /srv/limits");
        assert_eq!(limits.rounds(), 1);
    }
}
