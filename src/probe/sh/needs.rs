//! What a node needs besides a shell, for the reference; the scripts themselves find out what
//! is there.

/// What one kind of probe needs on a node that is asked by a script.
pub struct Needs {
    /// The kind, as in [`crate::probe::Probe::KINDS`].
    pub kind: &'static str,
    /// Programs: of each list one.
    pub programs: &'static [&'static [&'static str]],
    /// Programs that are needed at times only, and when.
    pub at_times: &'static [(&'static str, &'static str)],
}

/// Programs any script may use; where they are not there, it does without but for `sleep`,
/// which keeps the time limits of what takes long.
pub const ALWAYS: &[&str] = &["env", "id", "kill", "setsid", "sleep"];

const fn needs(kind: &'static str, programs: &'static [&'static [&'static str]]) -> Needs {
    Needs { kind, programs, at_times: &[] }
}

/// Accounts come from the files, and from `getent` where these are not all there is.
const fn account(kind: &'static str) -> Needs {
    const SOURCES: &[(&str, &str)] = &[("getent", "where nsswitch.conf names more than files")];
    Needs { kind, programs: FILES, at_times: SOURCES }
}

const FILES: &[&[&str]] = &[&["stat"], &["cat"]];

/// A line for each kind, in the order of the kinds.
pub const NEEDS: &[Needs] = &[
    Needs {
        kind: "stat",
        programs: &[&["stat"]],
        at_times: &[("readlink", "for links"), ("ls", "GNU's, for access lists")],
    },
    needs("read", FILES),
    Needs { kind: "list", programs: &[], at_times: &[("stat", "where it is no directory")] },
    Needs { kind: "walk", programs: &[&["find"]], at_times: &[("stat", "where find is not GNU's")] },
    Needs { kind: "flags", programs: &[&["lsattr"], &["stat"]], at_times: &[("readlink", "for links")] },
    needs("run", &[]),
    needs("which", &[]),
    needs("environment", &[&["cat"]]),
    account("user"),
    account("group"),
    account("users"),
    account("groups"),
    needs("uname", &[&["uname"]]),
    needs("sockets", FILES),
    needs("socket_owners", &[&["find", "ls"], &["grep"]]),
    needs("processes", &[&["env"], &["cat"], &["grep"]]),
    needs("interfaces", &[&["ip", "ifconfig"]]),
    needs("connect", &[&["bash", "curl", "nc"]]),
    Needs {
        kind: "lookup",
        programs: &[&["stat"], &["cat"], &["getent"]],
        at_times: &[("nslookup", "where getent finds nothing")],
    },
    Needs { kind: "http", programs: &[&["curl", "wget"]], at_times: &[("curl", "for more than a plain GET")] },
];
