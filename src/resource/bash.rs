//! `bash`, and `ksh` in its likeness

use super::command::{Command, lines_of};
use super::{Args, Entry, Instance};
use crate::node::{Seen, Sight};
use crate::value::Value;

resource! {
    /// Runs a script in bash and checks its output and exit status.
    ///
    /// As `command`, but the script goes to bash whatever `/bin/sh` is. Where there is no
    /// bash it is errored.
    Script = "bash" {
        source: "bash(1)",
        example: r#"describe(bash "set -o pipefail; false | true"):its("exit_status", eq(1))"#,
        falsified: ("eq(1)", "eq(0)"),
        args {
            /// The script.
            script: Str,
            /// Its arguments, `$1` and so on.
            args: List optional,
            /// The path of the shell, where it is not the one found first.
            shell: Str optional,
            /// How long it may take, as for `command`.
            timeout: Any optional,
            /// Text for its standard input; nothing unless it is given.
            stdin: Str optional,
            /// Environment variables to set besides those commands run with.
            env: Map optional,
            /// Whether to run it again although an equal one has run.
            fresh: Bool optional,
        }
        properties {
            /// What it wrote to standard output, as it is; beyond 4 MiB it is errored.
            stdout: Str = |this: &Script, seen: &Seen<'_>| this.0.whole(seen).map(|ran| Value::from_bytes(&ran.stdout));
            /// What it wrote to standard error, as it is; beyond 4 MiB it is errored.
            stderr: Str = |this: &Script, seen: &Seen<'_>| this.0.whole(seen).map(|ran| Value::from_bytes(&ran.stderr));
            /// The lines of standard output, without their ends.
            lines: List = |this: &Script, seen: &Seen<'_>| this.0.whole(seen).map(|ran| lines_of(&ran.stdout));
            /// The exit status; 128 and the signal's number where a signal ended it.
            exit_status: Int = |this: &Script, seen: &Seen<'_>| this.0.ran(seen).map(|ran| ran.status);
        }
        predicates {}
        methods {}
    }
}

/// `ksh`: as `bash`, for the Korn shell.
pub static KSH: Entry = Entry {
    name: "ksh",
    doc: "Runs a script in ksh and checks its output and exit status.\n\nAs `command`, but the script goes to ksh \
          whatever `/bin/sh` is. Where there is no\nksh it is errored.\n",
    source: "ksh(1)",
    example: r#"describe(ksh "print probity; exit 1"):its("exit_status", eq(1))"#,
    needs: "ksh",
    build: |args| Ok(std::rc::Rc::new(Script(Command::script("ksh", args)?))),
    ..ENTRY
};

/// A script and the shell it is for.
pub struct Script(Command);

impl Script {
    fn new(args: &Args) -> Result<Script, String> {
        Command::script("bash", args).map(Script)
    }
}

impl Instance for Script {
    fn title(&self) -> String {
        self.0.title()
    }

    /// Whether the shell exists.
    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.0.exists(seen)
    }
}
