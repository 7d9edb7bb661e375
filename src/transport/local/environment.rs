//! What commands run with: their environment variables, and where they are found.

use crate::probe::Account;
use rustix::fs::{Access, AtFlags, CWD};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The directories commands are looked for in first, on every transport. What the session
/// has in its own PATH comes after them, so that a command of the system is never hidden.
pub const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables that are not passed on: they make a shell read a file before it starts
/// (`ENV`, `BASH_ENV`), change what `cd` means or prints, or say where the caller was.
const DROPPED: &[&str] = &["ENV", "BASH_ENV", "CDPATH", "PWD", "OLDPWD", "LANG", "LANGUAGE"];

/// The environment of commands: that of the session Probity runs in, without `PROBITY_*`
/// and what could change the meaning of a command, with `LC_ALL=C` and a `PATH` that begins
/// with [`SYSTEM_PATH`]. What a login sets (`HOME`, `SHELL`, `USER`, `LOGNAME`) and the
/// session lacks, as one that cron or a service manager starts, comes from the account.
pub(super) struct CommandEnvironment {
    variables: Arc<BTreeMap<String, String>>,
}

impl CommandEnvironment {
    /// The environment made from that of this process. Variables that are not UTF-8 are
    /// left out.
    pub(super) fn of_this_process(account: Option<&Account>) -> CommandEnvironment {
        let session =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        CommandEnvironment::of_session(session, account)
    }

    fn of_session(session: impl Iterator<Item = (String, String)>, account: Option<&Account>) -> CommandEnvironment {
        let mut variables: BTreeMap<String, String> = session
            .filter(|(name, _)| !DROPPED.contains(&name.as_str()) && !name.starts_with("LC_"))
            .filter(|(name, _)| !name.starts_with("PROBITY_"))
            .collect();
        let path = full_path(variables.get("PATH").map_or("", String::as_str));
        variables.insert("PATH".to_string(), path);
        variables.insert("LC_ALL".to_string(), "C".to_string());
        if let Some(account) = account {
            for (name, value) in [
                ("HOME", &account.home),
                ("SHELL", &account.shell),
                ("USER", &account.name),
                ("LOGNAME", &account.name),
            ] {
                variables.entry(name.to_string()).or_insert_with(|| value.to_string());
            }
        }
        CommandEnvironment { variables: Arc::new(variables) }
    }

    pub(super) fn variables(&self) -> Arc<BTreeMap<String, String>> {
        self.variables.clone()
    }

    /// The path of the program `name`, looked for in `PATH`; a name with a slash is a path
    /// itself.
    pub(super) fn which(&self, name: &str) -> Option<String> {
        let path = self.variables.get("PATH").map_or("", String::as_str);
        which_in(path, name)
    }
}

/// The path of the program `name` in the directories of `path`.
pub(super) fn which_in(path: &str, name: &str) -> Option<String> {
    if name.is_empty() || name.contains('\0') {
        return None;
    }
    if name.contains('/') {
        return is_program(name).then(|| name.to_string());
    }
    path.split(':').find_map(|directory| {
        let candidate = match directory {
            // POSIX: an empty element is the current directory.
            "" => format!("./{name}"),
            directory => format!("{directory}/{name}"),
        };
        is_program(&candidate).then_some(candidate)
    })
}

/// Whether the effective user may execute the regular file at `path`.
fn is_program(path: &str) -> bool {
    rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok() && Path::new(path).is_file()
}

/// The system's directories, then what else the session has.
fn full_path(session: &str) -> String {
    let mut path = SYSTEM_PATH.to_string();
    let system: Vec<&str> = SYSTEM_PATH.split(':').collect();
    let mut have = system.clone();
    for directory in session.split(':').filter(|_| !session.is_empty()) {
        if !have.contains(&directory) {
            have.push(directory);
            path.push(':');
            path.push_str(directory);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(variables: &[(&str, &str)]) -> CommandEnvironment {
        CommandEnvironment::of_session(
            variables.iter().map(|(name, value)| (name.to_string(), value.to_string())),
            None,
        )
    }

    #[test]
    fn what_changes_the_meaning_of_commands_is_dropped() {
        let variables = session(&[
            ("BASH_ENV", "/tmp/evil"),
            ("ENV", "/tmp/evil"),
            ("LC_MESSAGES", "de_DE.UTF-8"),
            ("LANG", "de_DE.UTF-8"),
            ("PROBITY_SSH_PASSWORD", "secret"),
            ("HOME", "/root"),
        ])
        .variables();
        let names: Vec<&str> = variables.keys().map(String::as_str).collect();
        assert_eq!(names, ["HOME", "LC_ALL", "PATH"]);
        assert_eq!(variables["LC_ALL"], "C");
    }

    #[test]
    fn the_system_comes_before_the_session_in_path() {
        let path = |session_path: &str| session(&[("PATH", session_path)]).variables()["PATH"].clone();
        assert_eq!(path("/opt/bin:/usr/bin:/opt/bin"), format!("{SYSTEM_PATH}:/opt/bin"));
        assert_eq!(path(""), SYSTEM_PATH);
        assert_eq!(session(&[]).variables()["PATH"], SYSTEM_PATH);
    }

    #[test]
    fn a_session_without_a_login_gets_what_the_account_says() {
        let account = Account {
            name: "root".into(),
            uid: 0,
            gid: 0,
            gecos: "".into(),
            home: "/root".into(),
            shell: "/bin/bash".into(),
        };
        let given = [("HOME".to_string(), "/elsewhere".to_string())];
        let variables = CommandEnvironment::of_session(given.into_iter(), Some(&account)).variables();
        assert_eq!(
            (&*variables["HOME"], &*variables["USER"], &*variables["SHELL"]),
            ("/elsewhere", "root", "/bin/bash")
        );
    }

    #[test]
    fn which_finds_programs_only() {
        let environment = session(&[]);
        assert!(environment.which("sh").is_some_and(|path| path.ends_with("/sh")));
        assert_eq!(environment.which("/bin/sh").as_deref(), Some("/bin/sh"));
        assert_eq!(environment.which("/etc"), None, "a directory has the execute bit but is no program");
        assert_eq!(environment.which("/etc/passwd"), None);
        assert_eq!(environment.which("no-such-program"), None);
        assert_eq!(environment.which(""), None);
    }
}
