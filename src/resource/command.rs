//! `command`

use super::{Args, Instance};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{CommandLine, Fault, FaultKind, OUTPUT_CAP, Ran, Run, Which};
use crate::value::Value;
use std::cell::Cell;
use std::sync::Arc;

resource! {
    /// Runs a command on the node and checks its output and exit status.
    ///
    /// A string goes to `/bin/sh -c`; a list is a program with its arguments, which no
    /// shell touches. Equal commands run once per node and run, whatever number of controls
    /// ask, unless `fresh` is set. The command runs without a terminal, and is ended with
    /// all it started when its time is up, which is errored. A program that is not there
    /// gives exit status 127.
    Command = "command" {
        source: "sh(1), exec(3)",
        example: r#"describe(command "echo probity")
  :its("stdout", eq "probity\n")
  :its("exit_status", eq(0))"#,
        falsified: ("eq(0)", "eq(1)"),
        args {
            /// The command: a string for the shell, or a list of a program and its arguments.
            line: Any,
            /// How long it may take: seconds, or text such as `"500ms"` or `"2m"`; 10
            /// seconds unless it says otherwise.
            timeout: Any optional,
            /// Text for its standard input; nothing unless it is given.
            stdin: Str optional,
            /// Environment variables to set besides those commands run with.
            env: Map optional,
            /// The shell a string goes to, such as `"/bin/bash"`.
            shell: Str optional,
            /// Whether to run it again although an equal one has run.
            fresh: Bool optional,
        }
        properties {
            /// What it wrote to standard output, as it is; beyond 4 MiB it is errored.
            stdout: Str = |this: &Command, seen: &Seen<'_>| this.whole(seen).map(|ran| Value::from_bytes(&ran.stdout));
            /// What it wrote to standard error, as it is; beyond 4 MiB it is errored.
            stderr: Str = |this: &Command, seen: &Seen<'_>| this.whole(seen).map(|ran| Value::from_bytes(&ran.stderr));
            /// The lines of standard output, without their ends.
            lines: List = |this: &Command, seen: &Seen<'_>| this.whole(seen).map(|ran| lines_of(&ran.stdout));
            /// The exit status; 128 and the signal's number where a signal ended it.
            exit_status: Int = |this: &Command, seen: &Seen<'_>| this.ran(seen).map(|ran| ran.status);
        }
        predicates {}
        methods {}
    }
}

/// A command and the name it is found by.
pub struct Command {
    run: Run,
    /// The program `exists` looks for.
    program: Arc<str>,
    /// A shell that must be there, so that its absence is not taken for the command's own
    /// exit status.
    shell: Option<Arc<str>>,
}

thread_local! {
    /// Numbers the commands that want a run of their own.
    static FRESH: Cell<u64> = const { Cell::new(0) };
}

impl Command {
    fn new(args: &Args) -> Result<Command, String> {
        let run = match (args.get("line"), args.list("line")) {
            (_, Some(words)) => {
                if args.get("shell").is_some() {
                    return Err("command: a list goes to no shell; give a string, or leave shell out".to_string());
                }
                Run::argv(argv(words)?)
            }
            (Some(Value::Str(line)), _) if !line.trim().is_empty() => match args.text("shell") {
                Some(shell) => Run {
                    line: CommandLine::Shell { shell: shell.to_string(), line: line.to_string() },
                    ..Run::shell(&**line)
                },
                None => Run::shell(&**line),
            },
            (line, _) => {
                let line = line.cloned().unwrap_or_default();
                return Err(format!("command: line is a string, or a list of a program and its arguments, not {line}"));
            }
        };
        let program = match &run.line {
            CommandLine::Argv(argv) => argv[0].as_str().into(),
            CommandLine::Shell { line, .. } => first_word(line).into(),
        };
        Command::with_options("command", run, program, args.text("shell"), args)
    }

    /// A script for a shell of its own.
    pub fn script(shell: &str, args: &Args) -> Result<Command, String> {
        let path = args.text("shell").unwrap_or_else(|| shell.into());
        let script = args.required("script");
        // The word after the script is $0 in it.
        let mut words = vec![Value::from(path.clone()), "-c".into(), script.into(), shell.into()];
        words.extend(args.list("args").unwrap_or_default().iter().cloned());
        let run = Run::argv(argv(&words)?);
        Command::with_options(shell, run, path.clone(), Some(path), args)
    }

    fn with_options(
        name: &str,
        mut run: Run,
        program: Arc<str>,
        shell: Option<Arc<str>>,
        args: &Args,
    ) -> Result<Command, String> {
        if let Some(timeout) = args.duration_ms("timeout").map_err(|error| format!("{name}: {error}"))? {
            if timeout == 0 {
                return Err(format!("{name}: timeout is more than nothing"));
            }
            run.timeout_ms = timeout;
        }
        run.stdin = args.get("stdin").and_then(Value::as_bytes).map(|bytes| bytes.into()).unwrap_or(run.stdin);
        for (variable, value) in args.map("env").into_iter().flatten() {
            if variable.is_empty() || variable.contains(['=', '\0']) {
                return Err(format!("{name}: {variable:?} cannot be the name of a variable"));
            }
            run.environment.push((variable.clone(), word(value).ok_or_else(|| not_a_word(name, value))?));
        }
        if args.bool("fresh") == Some(true) {
            run.fresh = FRESH.replace(FRESH.get() + 1) + 1;
        }
        Ok(Command { run, program, shell })
    }

    pub fn ran(&self, seen: &Seen<'_>) -> Sight<Ran> {
        let Some(shell) = &self.shell else { return seen.get(self.run.clone()) };
        let (path, ran) = seen.all((Which { name: shell.clone() }, self.run.clone()))?;
        match path {
            Some(_) => Ok(ran),
            None => Err(Unseen::tool_missing(format!("there is no {shell} on the node to run the script with"))),
        }
    }

    /// The run with all of its output.
    pub fn whole(&self, seen: &Seen<'_>) -> Sight<Ran> {
        let ran = self.ran(seen)?;
        if ran.truncated {
            let message = format!("the output of {} is longer than {} MiB", self.run.line, OUTPUT_CAP >> 20);
            return Err(Fault::new(FaultKind::TooLarge, message).into());
        }
        Ok(ran)
    }
}

/// The words of a command; at least the program.
fn argv(words: &[Value]) -> Result<Vec<String>, String> {
    let words: Result<Vec<String>, String> =
        words.iter().map(|value| word(value).ok_or_else(|| not_a_word("command", value))).collect();
    let words = words?;
    if words.first().is_none_or(String::is_empty) {
        return Err("command: the list begins with the program to run".to_string());
    }
    Ok(words)
}

/// A value that can be a word of a command or of its environment.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        value => value.as_text().map(Into::into),
    }
    .filter(|word| !word.contains('\0'))
}

fn not_a_word(name: &str, value: &Value) -> String {
    format!("{name}: {value} is neither text nor a number")
}

/// The first word of a shell's line that is no assignment, without quotation marks.
fn first_word(line: &str) -> &str {
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let words = line.split(|c: char| c.is_whitespace() || ";|&()<>".contains(c)).filter(|word| !word.is_empty());
    let mut words = words.skip_while(|word| is_assignment(word));
    words.next().unwrap_or(line).trim_matches(['"', '\''])
}

/// The lines of some output; the last needs no end.
pub fn lines_of(output: &[u8]) -> Value {
    let output = output.strip_suffix(b"\n").unwrap_or(output);
    if output.is_empty() {
        return Value::List(Vec::new());
    }
    let lines = output.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Value::List(lines.map(Value::from_bytes).collect())
}

impl Instance for Command {
    fn title(&self) -> String {
        let (word, line) = match (&self.run.line, &self.shell) {
            // A script's own words say more than those that hand it to its shell.
            (CommandLine::Argv(argv), Some(shell)) => (format!("Script for {shell}:"), argv[2].clone()),
            (line, _) => ("Command".to_string(), line.to_string()),
        };
        let line = line.trim();
        match line.split_once('\n') {
            Some((first, _)) => format!("{word} {} …", first.trim_end()),
            None => format!("{word} {line}"),
        }
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Which { name: self.program.clone() })?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::{Trial, fault, named};
    use crate::transport::scripted::Scripted;

    fn ran(status: i32, stdout: &[u8]) -> Ran {
        Ran { status, stdout: stdout.into(), stderr: Arc::from(*b"oops"), truncated: false }
    }

    #[test]
    fn a_string_goes_to_the_shell_and_a_list_to_none() {
        let node = Scripted::new().with(Run::shell("id -u"), ran(3, b"0\r\nx\n"));
        let command = Trial::of("command", ["id -u".into()], node);
        assert_eq!(command.its("stdout"), Ok("0\r\nx\n".into()));
        assert_eq!(command.its("lines"), Ok(Value::strings(["0", "x"])));
        assert_eq!(command.its("stderr"), Ok("oops".into()));
        assert_eq!(command.its("exit_status"), Ok(Value::Int(3)));
        assert_eq!(command.rounds(), 1);
        let node = Scripted::new().with(Run::argv(["nice", "-n", "5"]), ran(0, b""));
        let list = Value::List(vec!["nice".into(), "-n".into(), Value::Int(5)]);
        assert_eq!(Trial::of("command", [list], node).its("exit_status"), Ok(Value::Int(0)));
    }

    #[test]
    fn options_reach_the_probe() {
        let mut run = Run::shell("cat");
        run.stdin = Arc::from(*b"text");
        run.timeout_ms = 120_000;
        run.environment = vec![("LANG".into(), "C".into()), ("N".into(), "1".into())];
        let node = Scripted::new().with(run, ran(0, b"text"));
        let env = named([("LANG", "C".into()), ("N", Value::Int(1))]);
        let options = named([("stdin", "text".into()), ("timeout", "2m".into()), ("env", env)]);
        assert_eq!(Trial::of("command", ["cat".into(), options], node).its("stdout"), Ok("text".into()));
    }

    #[test]
    fn fresh_runs_share_no_answer() {
        let build = || {
            let args = vec!["date".into(), named([("fresh", true.into())])];
            Command::new(&Args::bind("command", ENTRY.args, args).unwrap()).unwrap().run
        };
        let (first, second) = (build(), build());
        assert!(first != second && first.fresh != 0 && second.fresh != 0);
    }

    #[test]
    fn nonsense_is_refused_with_the_remedy() {
        let error = |given: Vec<Value>| Trial::try_of("command", given, Scripted::new()).err().unwrap();
        assert!(error(vec!["  ".into()]).contains("line is a string"));
        assert!(error(vec![Value::Int(7)]).contains("not 7"));
        assert!(error(vec![Value::List(vec![])]).contains("begins with the program"));
        assert!(error(vec![Value::List(vec!["a\0b".into()])]).contains("neither text"));
        assert!(error(vec!["x".into(), named([("timeout", "soon".into())])]).contains("length of time"));
        assert!(error(vec!["x".into(), named([("env", named([("A=B", "c".into())]))])]).contains("A=B"));
    }

    #[test]
    fn a_command_exists_by_its_first_word() {
        assert_eq!(first_word("LANG=C FOO='a' ls -l"), "ls");
        assert_eq!(first_word("\"/opt/a/b\" x"), "/opt/a/b");
        assert_eq!(first_word("(cd /; ls)"), "cd");
        assert_eq!(first_word("/bin/a=b"), "/bin/a=b");
        let node = Scripted::new().with(Which { name: "nft".into() }, None);
        let command = Trial::of("command", ["nft list ruleset | grep x".into()], node);
        assert_eq!(command.exists(), Ok(false));
        assert_eq!(command.rounds(), 1);
    }

    #[test]
    fn cut_output_and_a_missing_shell_are_faults() {
        let cut = Ran { truncated: true, ..ran(0, b"x") };
        let command = Trial::of("command", ["yes".into()], Scripted::new().with(Run::shell("yes"), cut));
        assert!(fault(command.its("stdout")).contains("longer than 4 MiB"));
        assert_eq!(command.its("exit_status"), Ok(Value::Int(0)));
        let run = Run::argv(["bash", "-c", "echo $1", "bash", "hello"]);
        let node = |path: Option<&str>| {
            Scripted::new().with(run.clone(), ran(127, b"")).with(Which { name: "bash".into() }, path.map(Into::into))
        };
        let args = || ["echo $1".into(), named([("args", Value::strings(["hello"]))])];
        let absent = Trial::of("bash", args(), node(None));
        assert!(fault(absent.its("exit_status")).contains("no bash on the node"));
        assert_eq!(absent.exists(), Ok(false));
        let present = Trial::of("bash", args(), node(Some("/bin/bash")));
        assert_eq!(present.its("exit_status"), Ok(Value::Int(127)));
        assert_eq!(present.rounds(), 1);
        assert_eq!(present.title(), "Script for bash: echo $1");
        let long = Trial::of("command", ["\ncd /\nls\n".into()], Scripted::new());
        assert_eq!(long.title(), "Command cd / …", "a sentence is one line");
    }
}
