//! `packages`

use super::catalogue::{Instance, row};
use super::package::database::Database;
use super::package::pacman;
use super::pattern::Pattern;
use super::{Args, Rows};
use crate::node::{PackageManager, Seen, Sight};
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Lists the packages of the node's package manager.
    ///
    /// Packages that dpkg knows but has not installed are there too; their state says so.
    Packages = "packages" {
        source: "dpkg(1), rpm(8), apk-package(5), pacman(8)",
        example: r#"describe(packages "/^base-/"):its("names", contains "base-files")"#,
        falsified: (r#"contains "base-files""#, r#"contains "no-such-package""#),
        needs: "dpkg",
        args {
            /// A name, or a regular expression between slashes: `"/^openssh/"`; all where it
            /// is left out.
            pattern: Str optional,
        }
        properties {}
        predicates {
            /// Whether a package that fits is installed.
            installed() absent No = |this: &Packages, seen: &Seen<'_>, _: &Args| {
                Ok(this.rows(seen)?.iter().any(|row| row.get("status") == Some(&Value::from("installed"))))
            };
        }
        methods {}
        table {
            /// The names, sorted.
            names <- name: Str;
            /// The versions.
            versions <- version: Version;
            /// The architectures.
            architectures <- architecture: Str;
            /// `installed`, or the word dpkg(1) has for another state.
            statuses <- status: Str;
        }
        rows: Packages::rows,
    }
}

/// The packages whose name fits.
pub struct Packages {
    pattern: Option<Pattern>,
    given: Option<Arc<str>>,
}

impl Packages {
    fn new(args: &Args) -> Result<Packages, String> {
        let given = args.text("pattern");
        Ok(Packages { pattern: given.as_deref().map(Pattern::new).transpose()?, given })
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let database = Database::of(seen, None)?;
        let fits = |name: &str| self.pattern.as_ref().is_none_or(|pattern| pattern.fits(name));
        let records = database.packages.iter().filter(|(name, _)| fits(name));
        let rows = seen.gather(records, |(name, record)| {
            let architecture = match database.manager {
                PackageManager::Pacman => pacman::architecture(seen, name, &record.version)?,
                _ => record.architecture.clone(),
            };
            Ok(row([
                ("name", Value::from(name)),
                ("version", database.version(&record.version)),
                ("architecture", architecture.into()),
                ("status", record.state.clone().into()),
            ]))
        })?;
        Ok(Rows::new(rows))
    }
}

impl Instance for Packages {
    fn title(&self) -> String {
        self.given.as_ref().map_or("Packages".to_string(), |given| format!("Packages {given}"))
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.rows(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Read;
    use crate::resource::testing::Trial;
    use crate::resource::testing::bytes;
    use crate::transport::scripted::Scripted;

    #[test]
    fn an_expression_chooses_names_and_states_are_told() {
        let status = "Package: ssh\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\
                      Package: openssh-client\nStatus: deinstall ok config-files\nVersion: 2\nArchitecture: amd64\n\n\
                      Package: bash\nStatus: install ok installed\nVersion: 3\nArchitecture: amd64\n\n";
        let script = || {
            Scripted::new()
                .platform("ID=debian\n", &["/var/lib/dpkg/status"])
                .with(Read { path: "/var/lib/dpkg/status".into() }, bytes(status))
        };
        let found = Trial::new(&ENTRY, &["/ssh/".into()], &[], script());
        assert_eq!(found.its("names").unwrap(), Value::strings(["openssh-client", "ssh"]));
        assert_eq!(found.its("statuses").unwrap(), Value::strings(["config-files", "installed"]));
        assert_eq!(found.rounds(), 1);
        assert_eq!(Trial::new(&ENTRY, &[], &[], script()).rows().unwrap().len(), 3);
        assert_eq!(Trial::new(&ENTRY, &["ssh".into()], &[], script()).rows().unwrap().len(), 1);
        assert!(!Trial::new(&ENTRY, &["openssh-client".into()], &[], script()).is("installed", &[]).unwrap());
    }
}
