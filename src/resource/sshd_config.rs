//! `sshd_config`

use super::Args;
use super::catalogue::{Instance, Key};
use super::keypath;
use super::openssh::directives::{DEFAULTS, FORMS, canonical};
use super::openssh::files::{self, Configuration, Directive};
use super::openssh::{self, patterns, running};
use crate::error::did_you_mean;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{AccountKey, Groups, Read, User};
use crate::value::Value;
use indexmap::IndexMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Reads the effective configuration of the OpenSSH server, with `Include` and `Match`.
    ///
    /// Without options it is the global configuration: what stands in no `Match` block
    /// (and in `Match all`). With any of `user`, `group`, `host`, `address`, `localport`,
    /// `localaddress` it is what such a connection gets; a criterion nothing is said of
    /// does not hold. The groups of `user` are looked up on the node unless given.
    ///
    /// With `active` it is the configuration of the server that runs: the file it was started
    /// with (`-f`), under what its command line sets (`-o`, `-p`), as some distributions do. Where
    /// none runs, also one that systemd starts for each connection, it does not exist.
    ///
    /// Any directive is a property, in any case; one that is not set is absent, and
    /// `:effective(name)` gives OpenSSH's default in its place. As in sshd the first value
    /// wins. Types do not depend on how often a directive occurs:
    ///
    /// | directives | type |
    /// | --- | --- |
    /// | `Port` | list of integers |
    /// | `ListenAddress`, `Subsystem`, `Match`, `Include` | list, an item a line |
    /// | `AcceptEnv`, `AllowUsers`, `DenyUsers`, `AllowGroups`, `DenyGroups`, `HostKey`, `HostCertificate`, `PerSourcePenalties` | list of the words of all lines |
    /// | `AuthenticationMethods`, `AuthorizedKeysFile`, `SetEnv`, `PermitOpen`, `PermitListen`, `LogVerbose`, `ChannelTimeout` | list of the words of the first line |
    /// | `MaxAuthTries`, `MaxSessions`, `ClientAliveCountMax`, `X11DisplayOffset`, `RequiredRSASize`, `PerSourceMaxStartups` | integer |
    /// | `LoginGraceTime`, `ClientAliveInterval`, `UnusedConnectionTimeout` | integer, in seconds |
    /// | all others, `Ciphers`, `MACs` and `MaxStartups` too | string as written; `yes` and `no` in lower case |
    SshdConfig = "sshd_config" {
        source: "sshd_config(5), sshd(8)",
        example: r#"describe(sshd_config()):its("UsePAM", eq "yes"):its("Port", any(absent, contains(22)))"#,
        falsified: (r#"eq "yes""#, r#"eq "perhaps""#),
        needs: "sshd",
        args {
            /// The file, `/etc/ssh/sshd_config` by default.
            path: Str optional,
            /// Instead of a file, what the running server was started with.
            active: Bool optional,
            /// The user that logs in.
            user: Str optional,
            /// A group of the user, or a list of all of them.
            group: Any optional,
            /// The host name the connection comes from.
            host: Str optional,
            /// The IP address the connection comes from.
            address: Str optional,
            /// The IP address the connection came in on.
            localaddress: Str optional,
            /// The port the connection came in on.
            localport: Int optional,
        }
        properties {
            /// Every directive that is set, by its name in lower case.
            params: Map = |this: &SshdConfig, seen: &Seen<'_>| Ok(openssh::params(&*this.settings(seen)?));
        }
        predicates {}
        methods {
            /// The value of a directive or, where it is not set, OpenSSH's own default as
            /// sshd_config(5) of release 9 gives it. A distribution may have built its sshd
            /// with others.
            effective(
                /// The directive's name.
                directive: Str,
            ): Any = SshdConfig::effective;
            /// The items of a directive whose value is written as a comma-separated list,
            /// such as `Ciphers`; absent when it is not set.
            list(
                /// The directive's name.
                directive: Str,
            ): List = |this: &SshdConfig, seen: &Seen<'_>, args: &Args| {
                Ok(openssh::as_list(this.directive(seen, &args.required("directive"))?))
            };
        }
        open: SshdConfig::key,
    }
}

/// The directive that opens a block.
const BLOCKS: &[&str] = &["match"];

/// The configuration, for one kind of connection.
pub struct SshdConfig {
    source: Source,
    connection: Option<Connection>,
    /// The options as text, for the memo.
    options: String,
}

/// Where a configuration is from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    File(Arc<str>),
    Running,
}

/// What is known of a connection.
#[derive(Debug, Clone, Default)]
struct Connection {
    user: Option<Arc<str>>,
    groups: Option<Vec<String>>,
    host: Option<Arc<str>>,
    address: Option<IpAddr>,
    local_address: Option<IpAddr>,
    local_port: Option<i64>,
    /// Whether the user is in no account database.
    invalid_user: bool,
}

/// The effective directives by name.
type Settings = IndexMap<String, Value>;

impl SshdConfig {
    fn new(args: &Args) -> Result<SshdConfig, String> {
        let groups = match args.get("group") {
            None => None,
            Some(Value::List(items)) => {
                Some(items.iter().filter_map(|item| Some(item.as_text()?.into_owned())).collect())
            }
            Some(value) => match value.as_text() {
                Some(group) => Some(vec![group.into_owned()]),
                None => return Err(format!("group is a name or a list of names, not {value}")),
            },
        };
        let source = match (args.text("path"), args.bool("active")) {
            (Some(_), Some(true)) => return Err("give a path or active, not both".to_string()),
            (path, Some(false) | None) => Source::File(path.unwrap_or_else(|| running::DEFAULT_FILE.into())),
            (None, Some(true)) => Source::Running,
        };
        let connection = Connection {
            user: args.text("user"),
            groups,
            host: args.text("host"),
            address: openssh::address("address", args.text("address"))?,
            local_address: openssh::address("localaddress", args.text("localaddress"))?,
            local_port: args.int("localport"),
            invalid_user: false,
        };
        let given = ["user", "group", "host", "address", "localaddress", "localport"];
        Ok(SshdConfig {
            source,
            options: format!("{connection:?}"),
            connection: given.iter().any(|name| args.get(name).is_some()).then_some(connection),
        })
    }

    fn configuration(&self, seen: &Seen<'_>) -> Sight<Rc<Option<Configuration>>> {
        seen.parsed(&format!("sshd {:?}", self.source), || match &self.source {
            Source::File(path) => files::load(seen, path, BLOCKS),
            Source::Running => {
                let Some(started) = running::server(seen)? else { return Ok(None) };
                let Some(file) = files::load(seen, &started.file, BLOCKS)? else {
                    return Err(Unseen::malformed(format!("{}, which sshd was started with, is gone", started.file)));
                };
                started.over(file).map(Some)
            }
        })
    }

    fn settings(&self, seen: &Seen<'_>) -> Sight<Rc<Settings>> {
        seen.parsed(&format!("sshd {:?} {} {}", self.source, self.connection.is_some(), self.options), || {
            let configuration = self.configuration(seen)?;
            let Some(configuration) = &*configuration else { return Err(Unseen::Missing(self.title())) };
            let connection = self.looked_up(seen, configuration)?;
            effective(configuration, connection.as_ref())
        })
    }

    /// The connection with what `Match Group` and `Match Invalid-User` need to know.
    fn looked_up(&self, seen: &Seen<'_>, configuration: &Configuration) -> Sight<Option<Connection>> {
        let Some(mut connection) = self.connection.clone() else { return Ok(None) };
        let asks = |criterion: &str| {
            configuration.blocks.iter().any(|block| {
                block.words.iter().any(|word| word.split('=').next().unwrap_or(word).eq_ignore_ascii_case(criterion))
            })
        };
        let Some(user) = connection.user.clone() else { return Ok(Some(connection)) };
        let account = User { key: AccountKey::Name(user.clone()) };
        if asks("group") && connection.groups.is_none() {
            let (account, groups) = seen.all((account, Groups))?;
            let primary = account.map(|account| account.gid);
            connection.invalid_user = primary.is_none();
            let member = groups
                .iter()
                .filter(|group| Some(group.gid) == primary || group.members.iter().any(|member| **member == *user))
                .map(|group| group.name.to_string());
            connection.groups = Some(member.collect());
        } else if asks("invalid-user") {
            connection.invalid_user = seen.get(account)?.is_none();
        }
        Ok(Some(connection))
    }

    fn directive(&self, seen: &Seen<'_>, name: &str) -> Sight<Value> {
        Ok(self.settings(seen)?.get(&canonical(name)).cloned().unwrap_or_default())
    }

    fn key(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        let (first, rest) = match path {
            [Key::Name(first), rest @ ..] => (first, rest),
            _ => return Ok(Value::Nil),
        };
        Ok(keypath::look_up(&self.directive(seen, first)?, rest))
    }

    fn effective(&self, seen: &Seen<'_>, args: &Args) -> Sight<Value> {
        let name = canonical(&args.required("directive"));
        let value = self.directive(seen, &name)?;
        if value != Value::Nil {
            return Ok(value);
        }
        let Some((_, default)) = DEFAULTS.iter().find(|(keyword, _)| *keyword == name) else {
            let hint = did_you_mean(&name, DEFAULTS.iter().map(|(keyword, _)| *keyword));
            return Err(Unseen::Misuse(format!("the default of {name} is not known here; {hint}")));
        };
        let directive = Directive {
            keyword: name.clone(),
            words: default.split(' ').map(str::to_string).collect(),
            file: "default".into(),
            line: 0,
            within: Vec::new(),
        };
        let mut settings = Settings::new();
        openssh::apply(FORMS, &directive, &mut settings)?;
        Ok(settings.swap_remove(&name).unwrap_or_default())
    }
}

/// What is in force: globally, or for a connection. sshd reads the files twice: first all
/// that stands in no block, then, for each connection, what stands in blocks that hold,
/// which replaces the former.
fn effective(configuration: &Configuration, connection: Option<&Connection>) -> Sight<Settings> {
    let pass = |connection: Option<&Connection>| {
        let mut settings = Settings::new();
        let held: Vec<bool> =
            configuration.blocks.iter().map(|block| holds(block, connection)).collect::<Sight<_>>()?;
        for directive in &configuration.directives {
            let applies = directive.within.iter().all(|block| held[*block]);
            if applies && (connection.is_none() || !directive.within.is_empty()) {
                let directive = Directive { keyword: canonical(&directive.keyword), ..directive.clone() };
                openssh::apply(FORMS, &directive, &mut settings)?;
            }
        }
        Ok::<_, Unseen>(settings)
    };
    let mut settings = pass(None)?;
    if connection.is_some() {
        settings.extend(pass(connection)?);
    }
    for block in &configuration.blocks {
        openssh::apply(FORMS, block, &mut settings)?;
    }
    Ok(settings)
}

/// Whether a `Match` line holds for a connection; without one only `all` does.
fn holds(block: &Directive, connection: Option<&Connection>) -> Sight<bool> {
    let wrong = |message: String| Unseen::malformed(format!("{}: {message}", block.place()));
    // `User=alice` is another way to write `User alice`.
    let words: Vec<&str> = block.words.iter().flat_map(|word| word.splitn(2, '=')).collect();
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut all = true;
    while let Some(criterion) = words.next() {
        let name = criterion.to_lowercase();
        match name.as_str() {
            "all" if block.words.len() > 1 => return Err(wrong("all cannot be combined with other criteria".into())),
            "all" => return Ok(true),
            "invalid-user" => {
                all &= connection.is_some_and(|connection| connection.invalid_user);
                continue;
            }
            _ => {}
        }
        let Some(value) = words.next() else { return Err(wrong(format!("{criterion} has no value"))) };
        let known = connection.cloned().unwrap_or_default();
        let text = |known: &Option<Arc<str>>| known.as_ref().is_some_and(|known| patterns::list_fits(value, known));
        let address = |known: Option<IpAddr>| known.is_some_and(|known| patterns::address_fits(value, known));
        all &= match name.as_str() {
            "user" => text(&known.user),
            "group" => known.groups.is_some_and(|groups| {
                let excluded = |pattern: &str| groups.iter().any(|group| patterns::fits(pattern, group));
                patterns::any_fits(value.split(','), excluded)
            }),
            "host" => known.host.is_some_and(|host| patterns::list_fits(&value.to_lowercase(), &host.to_lowercase())),
            "address" => address(known.address),
            "localaddress" => address(known.local_address),
            "localport" => {
                let port: i64 = value.parse().map_err(|_| wrong(format!("{value} is no port")))?;
                known.local_port == Some(port)
            }
            // Nothing is ever said of these.
            "rdomain" | "version" => false,
            _ => return Err(wrong(format!("Match has no criterion {criterion}"))),
        };
    }
    Ok(all)
}

impl Instance for SshdConfig {
    fn title(&self) -> String {
        let of = |name: &str, value: &Option<Arc<str>>| value.as_ref().map(|value| format!(" for {name} {value}"));
        let connection = self.connection.as_ref();
        let details = connection.and_then(|c| of("user", &c.user).or_else(|| of("host", &c.host))).unwrap_or_default();
        match &self.source {
            Source::File(path) => format!("sshd configuration {path}{details}"),
            Source::Running => format!("configuration of the running sshd{details}"),
        }
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        match &self.source {
            Source::File(path) => Ok(seen.get(Read { path: path.clone() })?.is_some()),
            Source::Running => Ok(running::server(seen)?.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;
    use crate::probe::{Account, GroupEntry};

    const MAIN: &str = "\
Include /etc/ssh/sshd_config.d/*.conf
Port 22
port 2222
PermitRootLogin No
PermitRootLogin yes
MaxAuthTries 4
LoginGraceTime 1m30s
AllowUsers alice bob
AllowUsers carol
Subsystem sftp internal-sftp -l INFO
ChallengeResponseAuthentication no
LogLevel verbose
Match User git,!root Address 10.0.0.0/8
    MaxAuthTries 2
    AllowUsers git
Match Group wheel
    MaxAuthTries 1
Match all
    Banner /etc/issue.net
";

    fn trial(named: &[(&str, Value)]) -> Trial {
        let present = [
            ("/etc/ssh/sshd_config", MAIN),
            ("/etc/ssh/sshd_config.d/20-b.conf", "X11Forwarding yes\nMatch User git\nX11Forwarding no\n"),
            ("/etc/ssh/sshd_config.d/10-a.conf", "X11Forwarding=\"no\"\nPasswordAuthentication no # c\n"),
            ("/etc/ssh/sshd_config.d/.hidden.conf", "UsePAM yes\n"),
        ];
        let alice = Account {
            name: "alice".into(),
            uid: 1000,
            gid: 1000,
            gecos: "".into(),
            home: "/home/alice".into(),
            shell: "/bin/sh".into(),
        };
        let wheel = GroupEntry { name: "wheel".into(), gid: 10, members: vec!["alice".into()] };
        let scripted = files(&present, &[])
            .with(List { path: "/etc/ssh/sshd_config.d".into() }, Some(names()))
            .with(User { key: AccountKey::Name("alice".into()) }, Some(Arc::new(alice)))
            .with(Groups, [wheel].into());
        Trial::new(&ENTRY, &[], named, scripted)
    }

    use crate::probe::{Entry as Name, FileKind, List};

    fn names() -> Arc<[Name]> {
        [".hidden.conf", "10-a.conf", "20-b.conf"].map(|name| Name { name: name.into(), kind: FileKind::File }).into()
    }

    #[test]
    fn the_global_configuration_has_includes_first_values_and_types() {
        let trial = trial(&[]);
        assert_eq!(trial.its("permitrootlogin"), Ok("no".into()));
        assert_eq!(trial.its("PORT"), Ok(Value::List(vec![Value::Int(22), Value::Int(2222)])));
        assert_eq!(trial.its("MaxAuthTries"), Ok(Value::Int(4)));
        assert_eq!(trial.its("LoginGraceTime"), Ok(Value::Int(90)));
        assert_eq!(trial.its("AllowUsers"), Ok(Value::strings(["alice", "bob", "carol"])));
        assert_eq!(trial.its("X11Forwarding"), Ok("no".into()), "the file of the first name wins");
        assert_eq!(trial.its("PasswordAuthentication"), Ok("no".into()));
        assert_eq!(trial.its("Subsystem"), Ok(Value::strings(["sftp internal-sftp -l INFO"])));
        assert_eq!(trial.its("KbdInteractiveAuthentication"), Ok("no".into()));
        assert_eq!(trial.its("LogLevel"), Ok("VERBOSE".into()));
        assert_eq!(trial.its("Banner"), Ok("/etc/issue.net".into()), "Match all holds for everybody");
        assert_eq!(trial.its("UsePAM"), Ok(Value::Nil), "a hidden file is not included");
        assert_eq!(trial.rounds(), 2);
    }

    #[test]
    fn match_blocks_replace_what_is_global() {
        let git = trial(&[("user", "git".into()), ("address", "10.1.2.3".into()), ("group", "git".into())]);
        assert_eq!(git.its("MaxAuthTries"), Ok(Value::Int(2)));
        assert_eq!(git.its("AllowUsers"), Ok(Value::strings(["git"])));
        assert_eq!(git.its("X11Forwarding"), Ok("no".into()));
        let elsewhere = trial(&[("user", "git".into()), ("address", "11.1.2.3".into()), ("group", "git".into())]);
        assert_eq!(elsewhere.its("MaxAuthTries"), Ok(Value::Int(4)));
    }

    #[test]
    fn the_groups_of_a_user_are_looked_up() {
        let alice = trial(&[("user", "alice".into())]);
        assert_eq!(alice.its("MaxAuthTries"), Ok(Value::Int(1)));
        assert_eq!(alice.rounds(), 3);
    }

    #[test]
    fn defaults_are_given_when_asked_for() {
        let trial = trial(&[]);
        assert_eq!(trial.its("MaxSessions"), Ok(Value::Nil));
        assert_eq!(trial.call("effective", &["MaxSessions".into()]), Ok(Value::Int(10)));
        assert_eq!(trial.call("effective", &["MaxAuthTries".into()]), Ok(Value::Int(4)));
        let keys = Value::strings([".ssh/authorized_keys", ".ssh/authorized_keys2"]);
        assert_eq!(trial.call("effective", &["AuthorizedKeysFile".into()]), Ok(keys));
        assert!(matches!(trial.call("effective", &["Ciphers".into()]), Err(Unseen::Misuse(_))));
    }

    fn broken(main: &str) -> String {
        let scripted = files(&[("/etc/ssh/sshd_config", main)], &["/etc/ssh/sshd_config.d"]);
        fault(Trial::new(&ENTRY, &[], &[], scripted).its("Port"))
    }

    #[test]
    fn what_sshd_refuses_is_a_fault_with_its_place() {
        assert_eq!(broken("Port\n"), "/etc/ssh/sshd_config:1: Port has no value");
        assert_eq!(broken("\nPort x\n"), "/etc/ssh/sshd_config:2: port is a whole number, not \"x\"");
        assert_eq!(broken("Banner \"x\n"), "/etc/ssh/sshd_config:1: a quote is not closed");
        assert_eq!(broken("Match Colour red\n"), "/etc/ssh/sshd_config:1: Match has no criterion Colour");
        assert_eq!(broken("Match User\n"), "/etc/ssh/sshd_config:1: User has no value");
        assert!(broken("LoginGraceTime soon\n").contains("a length of time"));
        assert!(broken("Include sshd_config\n").contains("more than 16 deep"));
        assert!(broken("Include sshd_config sshd_config\n").contains("more than 16 deep"));
    }

    #[test]
    fn no_file_is_missing() {
        let scripted = files(&[], &["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"]);
        let trial = Trial::new(&ENTRY, &[], &[], scripted);
        assert_eq!(trial.its("Port"), Err(Unseen::Missing("sshd configuration /etc/ssh/sshd_config".into())));
        assert_eq!(trial.exists(), Ok(false));
        assert_eq!(trial.rounds(), 1);
    }
}
