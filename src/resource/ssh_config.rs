//! `ssh_config`

use super::Args;
use super::catalogue::{Instance, Key};
use super::keypath;
use super::openssh::files::{self, Configuration, Directive};
use super::openssh::{self, Form, Forms, patterns};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{Fault, FaultKind, Read};
use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;
use std::sync::Arc;

resource! {
    /// Reads the effective configuration of the OpenSSH client, with `Include`, `Host` and
    /// `Match`.
    ///
    /// Without `host` it is what holds for every host: what stands in no block, in
    /// `Host *` and in `Match all`. With `host` it is what a connection to that host gets;
    /// a `Match exec` that would decide is errored, because it cannot be judged without
    /// running it.
    ///
    /// Any directive is a property, in any case; one that is not set is absent. The first
    /// value wins. Types do not depend on how often a directive occurs: `Host`, `Match`,
    /// `Include`, `IdentityFile`, `CertificateFile`, `LocalForward`, `RemoteForward`,
    /// `DynamicForward` are lists with an item a line; `SendEnv` is the list of the words
    /// of all lines, `SetEnv`, `UserKnownHostsFile`, `GlobalKnownHostsFile`,
    /// `CanonicalDomains`, `PermitRemoteOpen`, `LogVerbose` of those of the first; `Port`,
    /// `ConnectionAttempts`, `NumberOfPasswordPrompts`, `ServerAliveCountMax`,
    /// `CanonicalizeMaxDots`, `RequiredRSASize` are integers; `ConnectTimeout`,
    /// `ServerAliveInterval`, `ForwardX11Timeout` are integers in seconds; all others are
    /// strings as written, `yes` and `no` in lower case.
    SshConfig = "ssh_config" {
        source: "ssh_config(5)",
        example: r#"describe(ssh_config()):its("HashKnownHosts", any(absent, one_of { "yes", "no" }))"#,
        falsified: (r#"any(absent, one_of { "yes", "no" })"#, r#"eq "perhaps""#),
        needs: "ssh",
        args {
            /// The file, `/etc/ssh/ssh_config` by default.
            path: Str optional,
            /// The host that is connected to, as on the command line.
            host: Str optional,
            /// The user on that host.
            user: Str optional,
            /// The user that runs ssh.
            localuser: Str optional,
        }
        properties {
            /// Every directive that is set, by its name in lower case.
            params: Map = |this: &SshConfig, seen: &Seen<'_>| Ok(openssh::params(&*this.settings(seen)?));
        }
        predicates {}
        methods {
            /// The items of a directive whose value is written as a comma-separated list,
            /// such as `Ciphers`; absent when it is not set.
            list(
                /// The directive's name.
                directive: Str,
            ): List = |this: &SshConfig, seen: &Seen<'_>, args: &Args| {
                Ok(openssh::as_list(this.directive(seen, &args.required("directive"))?))
            };
        }
        open: SshConfig::key,
    }
}

const FORMS: Forms = &[
    ("host", Form::Lines),
    ("match", Form::Lines),
    ("include", Form::Lines),
    ("identityfile", Form::Lines),
    ("certificatefile", Form::Lines),
    ("localforward", Form::Lines),
    ("remoteforward", Form::Lines),
    ("dynamicforward", Form::Lines),
    ("sendenv", Form::AllWords),
    ("setenv", Form::FirstWords),
    ("userknownhostsfile", Form::FirstWords),
    ("globalknownhostsfile", Form::FirstWords),
    ("canonicaldomains", Form::FirstWords),
    ("permitremoteopen", Form::FirstWords),
    ("logverbose", Form::FirstWords),
    ("port", Form::Int),
    ("connectionattempts", Form::Int),
    ("numberofpasswordprompts", Form::Int),
    ("serveralivecountmax", Form::Int),
    ("canonicalizemaxdots", Form::Int),
    ("requiredrsasize", Form::Int),
    ("connecttimeout", Form::Seconds),
    ("serveraliveinterval", Form::Seconds),
    ("forwardx11timeout", Form::Seconds),
    ("loglevel", Form::Upper),
    ("syslogfacility", Form::Upper),
];

/// Older names of directives that ssh still reads as the newer ones.
const SYNONYMS: [(&str, &str); 5] = [
    ("challengeresponseauthentication", "kbdinteractiveauthentication"),
    ("skeyauthentication", "kbdinteractiveauthentication"),
    ("dsaauthentication", "pubkeyauthentication"),
    ("keepalive", "tcpkeepalive"),
    ("pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
];

/// The effective directives by name.
type Settings = IndexMap<String, Value>;

/// The configuration, for every host or for one.
pub struct SshConfig {
    path: Arc<str>,
    host: Option<Arc<str>>,
    user: Option<Arc<str>>,
    local_user: Option<Arc<str>>,
}

/// The name a directive goes by now.
fn canonical(keyword: &str) -> String {
    let keyword = keyword.to_lowercase();
    SYNONYMS.iter().find(|(old, _)| *old == keyword).map_or(keyword, |(_, new)| (*new).to_string())
}

impl SshConfig {
    fn new(args: &Args) -> Result<SshConfig, String> {
        Ok(SshConfig {
            path: args.text("path").unwrap_or_else(|| "/etc/ssh/ssh_config".into()),
            host: args.text("host"),
            user: args.text("user"),
            local_user: args.text("localuser"),
        })
    }

    fn settings(&self, seen: &Seen<'_>) -> Sight<Rc<Settings>> {
        let key = format!("ssh {} {:?} {:?} {:?}", self.path, self.host, self.user, self.local_user);
        seen.parsed(&key, || {
            let configuration =
                seen.parsed(&format!("ssh {}", self.path), || files::load(seen, &self.path, &["host", "match"]))?;
            match &*configuration {
                Some(configuration) => self.effective(configuration),
                None => Err(Unseen::Missing(self.title())),
            }
        })
    }

    fn effective(&self, configuration: &Configuration) -> Sight<Settings> {
        let held: Vec<bool> = configuration.blocks.iter().map(|block| self.holds(block)).collect::<Sight<_>>()?;
        let mut settings = Settings::new();
        for directive in &configuration.directives {
            if directive.within.iter().all(|block| held[*block]) {
                let directive = Directive { keyword: canonical(&directive.keyword), ..directive.clone() };
                openssh::apply(FORMS, &directive, &mut settings)?;
            }
        }
        for block in &configuration.blocks {
            openssh::apply(FORMS, block, &mut settings)?;
        }
        Ok(settings)
    }

    /// Whether a `Host` or `Match` line holds.
    fn holds(&self, block: &Directive) -> Sight<bool> {
        let host = self.host.as_deref();
        if block.keyword == "host" {
            return Ok(match host {
                Some(host) => patterns::any_fits(block.words.iter().map(String::as_str), |p| patterns::fits(p, host)),
                None => block.words.iter().all(|pattern| pattern == "*"),
            });
        }
        let wrong = |message: String| Unseen::malformed(format!("{}: {message}", block.place()));
        let words: Vec<&str> = block.words.iter().flat_map(|word| word.splitn(2, '=')).collect();
        let mut words = words.into_iter().filter(|word| !word.is_empty());
        let mut all = true;
        while let Some(criterion) = words.next() {
            let (negated, name) = criterion.strip_prefix('!').map_or((false, criterion), |name| (true, name));
            let name = name.to_lowercase();
            let fits = |value: &str, known: &Option<Arc<str>>| {
                known.as_deref().is_some_and(|known| patterns::list_fits(value, known))
            };
            let fit = match name.as_str() {
                "all" => true,
                // The first pass over the files is the one that is told here.
                "canonical" | "final" => false,
                _ => {
                    let value = words.next().ok_or_else(|| wrong(format!("{criterion} has no value")))?;
                    match name.as_str() {
                        "host" | "originalhost" => {
                            host.is_some_and(|host| patterns::list_fits(&value.to_lowercase(), &host.to_lowercase()))
                        }
                        "user" => fits(value, &self.user),
                        "localuser" => fits(value, &self.local_user),
                        "exec" if all && host.is_some() => {
                            let message = format!("{}: Match exec cannot be judged without running it", block.place());
                            return Err(Fault::new(FaultKind::Unsupported, message).into());
                        }
                        "exec" | "localnetwork" | "tagged" | "command" | "sessiontype" | "version" => false,
                        _ => return Err(wrong(format!("Match has no criterion {criterion}"))),
                    }
                }
            };
            // Of what is not known, the opposite is not known either.
            all &= if negated { !fit && host.is_some() } else { fit };
        }
        Ok(all)
    }

    fn directive(&self, seen: &Seen<'_>, name: &str) -> Sight<Value> {
        Ok(self.settings(seen)?.get(&canonical(name)).cloned().unwrap_or_default())
    }

    fn key(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        match path {
            [Key::Name(first), rest @ ..] => Ok(keypath::look_up(&self.directive(seen, first)?, rest)),
            _ => Ok(Value::Nil),
        }
    }
}

impl Instance for SshConfig {
    fn title(&self) -> String {
        let host = self.host.as_ref().map(|host| format!(" for host {host}")).unwrap_or_default();
        format!("ssh configuration {}{host}", self.path)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Read { path: self.path.clone() })?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    const MAIN: &str = "Include /etc/ssh/ssh_config.d/*.conf\nHost gate !x *.lan\n  User g\n  IdentityFile ~/a b\n\
                        Match host web user root\n  Port 2200\nHost *\n  User u\n  IdentityFile ~/c\n  SendEnv A B*\n  SendEnv C\n  Port 22\n";

    fn trial(named: &[(&str, Value)]) -> Trial {
        let present = [
            ("/etc/ssh/ssh_config", MAIN),
            (
                "/etc/ssh/ssh_config.d/a.conf",
                "HashKnownHosts Yes\nServerAliveInterval 1m\nHost gate\nCompression yes\n",
            ),
        ];
        Trial::new(&ENTRY, &[], named, files(&present, &[]))
    }

    #[test]
    fn what_holds_for_every_host() {
        let all = trial(&[]);
        assert_eq!(all.its("hashknownhosts"), Ok("yes".into()));
        assert_eq!(all.its("ServerAliveInterval"), Ok(Value::Int(60)));
        assert_eq!(all.its("User"), Ok("u".into()));
        assert_eq!(all.its("SendEnv"), Ok(Value::strings(["A", "B*", "C"])));
        assert_eq!(all.its("Compression"), Ok(Value::Nil));
        assert_eq!(all.its("Port"), Ok(Value::Int(22)));
        assert_eq!(all.rounds(), 2);
    }

    #[test]
    fn what_one_host_gets() {
        let gate = trial(&[("host", "gate".into())]);
        assert_eq!(gate.its("User"), Ok("g".into()));
        assert_eq!(gate.its("IdentityFile"), Ok(Value::strings(["~/a b", "~/c"])));
        assert_eq!(gate.its("Compression"), Ok("yes".into()), "a block ends with its file");
        let web = trial(&[("host", "web".into()), ("user", "root".into())]);
        assert_eq!(web.its("Port"), Ok(Value::Int(2200)));
    }

    #[test]
    fn what_cannot_be_judged_is_a_fault() {
        let tried = |main: &str, named: &[(&str, Value)]| {
            let scripted = files(&[("/etc/ssh/ssh_config", main)], &["/etc/ssh/ssh_config.d"]);
            Trial::new(&ENTRY, &[], named, scripted).its("Port")
        };
        let exec = "Match exec \"true\"\nPort 1\n";
        assert!(fault(tried(exec, &[("host", "h".into())])).contains("Match exec"));
        assert_eq!(tried(exec, &[]), Ok(Value::Nil));
        assert_eq!(fault(tried("Match nonsense x\n", &[])), "/etc/ssh/ssh_config:1: Match has no criterion nonsense");
        assert!(fault(tried("Include ~/x\n", &[])).contains("home directory"));
    }
}
