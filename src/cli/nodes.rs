//! Which nodes a subcommand looks at, and how they are reached.

use super::{Errors, prompt, signals};
use crate::error::Error;
use crate::inventory::{Connection, Named, Reading, SecretSource, Source};
use crate::node::{Node, Platform};
use crate::plan::nodes::{self, NodePlan, Nodes, Wanted};
use crate::results::mask::Masker;
use crate::target::Target;
use crate::transport::{self, HostKeyCheck, Tool};
use crate::value::Value;
use crate::value::duration::milliseconds;
use clap::builder::NonEmptyStringValueParser;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Which nodes, and how they are reached.
#[derive(Debug, clap::Args)]
pub struct NodeArgs {
    #[command(flatten)]
    pub which: WhichArgs,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which nodes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Nodes")]
pub struct WhichArgs {
    /// A node as URI or NAME=URI, such as ssh://ops@web1
    ///
    /// May be repeated; NAME is what reports call it. A URI is one of
    /// ssh://USER@HOST:PORT, docker://NAME, podman://NAME,
    /// kubectl://NAMESPACE/POD/CONTAINER, rootfs:///PATH, recording:///PATH
    /// and local://.
    #[arg(verbatim_doc_comment, short = 't', long = "target", value_name = "TARGET")]
    pub target: Vec<String>,
    /// File or folder of nodes, KIND:FILE, command:PROGRAM
    ///
    /// Probity's YAML, inventories of Ansible, and what terraform, kubectl,
    /// vagrant, docker and podman know; see probity inventory show.
    #[arg(verbatim_doc_comment, long, value_name = "SOURCE")]
    pub inventory: Vec<Source>,
    /// Nodes or groups by name, glob or /regex/; !X: not X
    #[arg(long, alias = "node", value_name = "PATTERN", value_delimiter = ',')]
    pub nodes: Vec<String>,
}

/// How nodes are reached. What is given here wins over an inventory.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Private key, tried before those of ssh_config(5)
    #[arg(short = 'i', long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// User to log in as, where the target names none
    #[arg(long, value_name = "NAME", hide_short_help = true, value_parser = NonEmptyStringValueParser::new())]
    user: Option<String>,
    /// Port, where the target names none (default 22)
    #[arg(long, value_name = "PORT", hide_short_help = true, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Hosts to go through, in this order: [USER@]HOST[:PORT],…
    #[arg(short = 'J', long, value_name = "HOST", hide_short_help = true, value_delimiter = ',')]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    jump: Vec<String>,
    /// Read instead of ~/.ssh/config; none for none at all
    #[arg(short = 'F', long, value_name = "FILE", hide_short_help = true)]
    ssh_config: Option<PathBuf>,
    /// Host keys, instead of the files ssh_config(5) names
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    known_hosts: Vec<PathBuf>,
    /// Unknown host keys: strict, accept-new or off (default strict)
    #[arg(long, value_name = "HOW", hide_short_help = true, hide_possible_values = true)]
    host_key_check: Option<KeyCheck>,
    /// Password to log in with, from an environment variable
    #[arg(long, value_name = "VARIABLE", hide_short_help = true, group = "ssh_password")]
    ssh_password_env: Option<String>,
    /// Password to log in with, from a file
    #[arg(long, value_name = "FILE", hide_short_help = true, group = "ssh_password")]
    ssh_password_file: Option<PathBuf>,
    /// Ask for the password to log in with
    #[arg(long, hide_short_help = true, group = "ssh_password")]
    ssh_password_prompt: bool,
    /// Passphrase of keys, from an environment variable
    #[arg(long, value_name = "VARIABLE", hide_short_help = true, group = "key_passphrase")]
    passphrase_env: Option<String>,
    /// Passphrase of keys, from a file; else asked for at a terminal
    #[arg(long, value_name = "FILE", hide_short_help = true, group = "key_passphrase")]
    passphrase_file: Option<PathBuf>,
    /// Look as root, by sudo
    #[arg(long, group = "privilege")]
    sudo: bool,
    /// Look as root, by su
    #[arg(long, hide_short_help = true, group = "privilege")]
    su: bool,
    /// Look as root, by doas
    #[arg(long, hide_short_help = true, group = "privilege")]
    doas: bool,
    /// Who to become instead of root
    #[arg(long, alias = "become-user", value_name = "NAME", hide_short_help = true)]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    sudo_user: Option<String>,
    /// Password for sudo, su or doas, from an environment variable
    #[arg(long, alias = "become-password-env", value_name = "VARIABLE", hide_short_help = true)]
    #[arg(group = "sudo_password")]
    sudo_password_env: Option<String>,
    /// Password for sudo, su or doas, from a file
    #[arg(long, alias = "become-password-file", value_name = "FILE", hide_short_help = true)]
    #[arg(group = "sudo_password")]
    sudo_password_file: Option<PathBuf>,
    /// Ask for the password for sudo, su or doas
    #[arg(long, alias = "become-password-prompt", hide_short_help = true, group = "sudo_password")]
    sudo_password_prompt: bool,
    /// Time for one attempt to connect and log in (default 10s)
    #[arg(long, value_name = "TIME", hide_short_help = true, value_parser = duration)]
    connect_timeout: Option<Duration>,
    /// Time for one batch of questions (default 5m)
    #[arg(long, value_name = "TIME", hide_short_help = true, value_parser = duration)]
    batch_timeout: Option<Duration>,
    /// Time for a node as a whole (default 1h)
    #[arg(long, value_name = "TIME", hide_short_help = true, value_parser = duration)]
    node_timeout: Option<Duration>,
    /// Attempts to connect after the first (default 1)
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = clap::value_parser!(u32).range(..=100))]
    retries: Option<u32>,
}

/// What is done about an unknown host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum KeyCheck {
    Strict,
    AcceptNew,
    Off,
}

/// What a node is, which is asked now.
///
/// # Errors
/// Why it cannot be reached or looked at.
pub fn platform_of(plan: &NodePlan) -> Result<Rc<Platform>, String> {
    let masker = Arc::new(Masker::new(Vec::new()));
    let transport = transport::open(&plan.target, &plan.options, &masker, &AtomicBool::new(false));
    let transport = transport.map_err(|unreachable| unreachable.to_string())?;
    let now = jiff::Timestamp::now().as_second();
    let node = Node::new(&*plan.name, plan.target.to_string(), transport.into(), now);
    crate::run::look_at(&node).map_err(|fault| fault.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    match milliseconds(&Value::from(text)) {
        Some(time @ 1..) => Ok(Duration::from_millis(time)),
        _ => Err("write a number with a unit, such as 500ms, 10s, 2m or 1h".to_string()),
    }
}

impl NodeArgs {
    /// The nodes of the run, with everything that is known before one is touched.
    ///
    /// # Errors
    /// Everything that is wrong with targets, inventories, patterns, keys and secrets.
    pub fn read(&self) -> Result<Nodes, Errors> {
        let connection = self.connection.layer()?;
        let prompt = prompt::at_terminal();
        let read = |reading: Reading<'_>| {
            let wanted = Wanted {
                targets: &self.which.target,
                inventories: &self.which.inventory,
                reading,
                nodes: &self.which.nodes,
                connection: &connection,
                prompt: prompt.as_ref(),
            };
            nodes::read(&wanted, &|name| std::env::var_os(name))
        };
        let mut nodes = match self.which.inventory.is_empty() {
            true => read(Reading::here()),
            false => signals::while_reading(|stop| read(Reading { stop, ..Reading::here() })),
        }?;
        self.connection.refuse_unused(&nodes)?;
        nodes.notes.extend(self.connection.idle_privilege(&nodes));
        Ok(nodes)
    }

    /// Whether nodes were named at all; if not, it is this machine.
    pub fn are_named(&self) -> bool {
        !self.which.target.is_empty() || !self.which.inventory.is_empty()
    }
}

impl ConnectionArgs {
    /// What the command line says about reaching nodes.
    fn layer(&self) -> Result<Connection, Errors> {
        let mut errors = Vec::new();
        let identities: Vec<PathBuf> = self.identity.iter().map(|path| expanded(path)).collect();
        for path in &identities {
            if let Err(error) = std::fs::File::open(path) {
                errors.push(Error::usage(format!("--identity {}: cannot be read: {error}", path.display())));
            }
        }
        let tool = [(self.sudo, Tool::Sudo), (self.su, Tool::Su), (self.doas, Tool::Doas)];
        let connection = Connection {
            user: self.user.clone(),
            port: self.port,
            identities: some(identities),
            jumps: some(self.jump.clone()),
            ssh_config: self.ssh_config.as_deref().map(expanded),
            known_hosts: some(self.known_hosts.iter().map(|path| expanded(path)).collect()),
            host_key_check: self.host_key_check.map(|check| match check {
                KeyCheck::Strict => HostKeyCheck::Strict,
                KeyCheck::AcceptNew => HostKeyCheck::AcceptNew,
                KeyCheck::Off => HostKeyCheck::Off,
            }),
            password: secret(
                &self.ssh_password_env,
                &self.ssh_password_file,
                self.ssh_password_prompt,
                ["--ssh-password-env", "--ssh-password-file", "--ssh-password-prompt"],
                "password to log in to the nodes",
            ),
            passphrase: secret(
                &self.passphrase_env,
                &self.passphrase_file,
                // A key that needs one asks for itself, once it turns out that it does.
                false,
                ["--passphrase-env", "--passphrase-file", "--passphrase-prompt"],
                "passphrase of the key",
            ),
            privilege: tool.into_iter().find_map(|(on, tool)| on.then_some(Some(tool))),
            privilege_user: self.sudo_user.clone(),
            privilege_password: secret(
                &self.sudo_password_env,
                &self.sudo_password_file,
                self.sudo_password_prompt,
                ["--sudo-password-env", "--sudo-password-file", "--sudo-password-prompt"],
                "password for sudo, su or doas on the nodes",
            ),
            connect_timeout: self.connect_timeout,
            batch_timeout: self.batch_timeout,
            node_timeout: self.node_timeout,
            retries: self.retries,
        };
        if errors.is_empty() { Ok(connection) } else { Err(Errors(errors)) }
    }

    /// What to tell where sudo, su or doas is asked for and no node is asked through a shell. It
    /// may be a default that others need, and so is no error.
    fn idle_privilege(&self, nodes: &Nodes) -> Option<String> {
        let has_shell = |node: &NodePlan| matches!(node.target, Target::Ssh { .. } | Target::Container(_));
        let tools = [(self.sudo, "--sudo"), (self.su, "--su"), (self.doas, "--doas")];
        let (_, flag) = tools.into_iter().find(|(given, _)| *given)?;
        let is_idle = !nodes.nodes.iter().any(has_shell);
        is_idle.then(|| {
            format!("{flag} does nothing here: no node is asked through a shell; start probity itself as root")
        })
    }

    /// An error where another user is asked for and nobody becomes one: the run would look
    /// with fewer rights than was meant.
    fn refuse_unused(&self, nodes: &Nodes) -> Result<(), Error> {
        let given = [
            (self.sudo_user.is_some(), "--sudo-user"),
            (self.sudo_password_env.is_some(), "--sudo-password-env"),
            (self.sudo_password_file.is_some(), "--sudo-password-file"),
            (self.sudo_password_prompt, "--sudo-password-prompt"),
        ];
        match given.into_iter().find(|(given, _)| *given) {
            Some((_, flag)) if nodes.nodes.iter().all(|node| node.options.privilege.is_none()) => {
                Err(Error::usage(format!("{flag} is given, and no node is looked at by sudo, su or doas"))
                    .hint("add --sudo, --su or --doas"))
            }
            _ => Ok(()),
        }
    }
}

/// Where a secret is read from, by the three flags that can say so.
fn secret(
    variable: &Option<String>,
    file: &Option<PathBuf>,
    prompt: bool,
    flags: [&'static str; 3],
    question: &'static str,
) -> Option<SecretSource> {
    let variable = variable.clone().map(|variable| SecretSource::Variable(variable, Named::By(flags[0])));
    let file = || file.as_ref().map(|file| SecretSource::File(expanded(file), Named::By(flags[1])));
    variable.or_else(file).or_else(|| prompt.then_some(SecretSource::Prompt(question, flags[2])))
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// A path whose `~/` no shell has expanded, as in `--identity=~/key` or a file of defaults.
fn expanded(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) if !home.is_empty() => PathBuf::from(home).join(rest),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Patience;
    use clap::{Args, FromArgMatches};

    fn args(words: &[&str]) -> Result<NodeArgs, String> {
        let command = NodeArgs::augment_args(clap::Command::new("probity"));
        let matches = command.try_get_matches_from(std::iter::once(&"probity").chain(words));
        let matches = matches.map_err(|error| error.to_string())?;
        NodeArgs::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_in_the_help_are_those_that_hold() {
        let mut command = NodeArgs::augment_args(clap::Command::new("probity"));
        let help = command.render_long_help().to_string();
        let Patience { connect, retries, batch, node } = Patience::default();
        for (flag, default) in [("connect", connect), ("batch", batch), ("node", node)] {
            let line = help.lines().skip_while(|line| !line.contains(&format!("--{flag}-timeout"))).nth(1).unwrap();
            let shown = line.rsplit("(default ").next().unwrap().trim_end_matches(')');
            assert_eq!(duration(shown), Ok(default), "{line}");
        }
        assert!(help.contains(&format!("after the first (default {retries})")) && help.contains("(default strict)"));
        assert_eq!(HostKeyCheck::default(), HostKeyCheck::Strict);
    }

    #[test]
    fn what_excludes_each_other_is_refused() {
        for words in [
            &["--sudo", "--su"][..],
            &["--su", "--doas"],
            &["--sudo-password-env", "A", "--sudo-password-file", "b"],
            &["--ssh-password-env", "A", "--ssh-password-prompt"],
            &["--passphrase-env", "A", "--passphrase-file", "b"],
            &["--port", "0"],
            &["--port", "65536"],
            &["--user", ""],
            &["--host-key-check", "no"],
            &["--connect-timeout", "0"],
            &["--connect-timeout", "soon"],
            &["--retries", "-1"],
        ] {
            assert!(args(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn flags_become_options_of_every_node() {
        let words = "-t a=ssh://a -t ssh://ops@b:2200 --user root --port 22 -J g1,ops@g2 --sudo --sudo-user app \
                     --connect-timeout 1s --batch-timeout 2m --node-timeout 1h --retries 3 --host-key-check accept-new \
                     -F none --known-hosts hosts";
        let nodes = args(&words.split_whitespace().collect::<Vec<_>>()).unwrap().read().unwrap().nodes;
        assert_eq!(nodes.iter().map(|node| &*node.name).collect::<Vec<_>>(), ["a", "b:2200"]);
        // What -t itself says is more exact than a flag for all.
        assert_eq!(nodes[1].target.to_string(), "ssh://ops@b:2200");
        let options = &nodes[0].options;
        assert_eq!((options.user.as_deref(), options.port), (Some("root"), Some(22)));
        assert_eq!((options.jumps.join(" "), options.known_hosts.len()), ("g1 ops@g2".to_string(), 1));
        assert_eq!(options.host_key_check, Some(HostKeyCheck::AcceptNew));
        let privilege = options.privilege.as_ref().unwrap();
        assert_eq!((privilege.tool, privilege.user.as_deref()), (Tool::Sudo, Some("app")));
        let patience = Patience {
            connect: Duration::from_secs(1),
            retries: 3,
            batch: Duration::from_secs(120),
            node: Duration::from_secs(3600),
        };
        assert_eq!(options.patience, patience);
    }

    #[test]
    fn slips_are_told_before_a_node_is_touched() {
        let errors = |words: &[&str]| {
            let Err(Errors(errors)) = args(words).unwrap().read() else { panic!("{words:?} is taken") };
            errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n")
        };
        let text = errors(&["-t", "ssh://a", "--sudo-user", "app"]);
        assert!(text.contains("--sudo-user is given") && text.contains("add --sudo"), "{text}");
        let notes = |words: &[&str]| args(words).unwrap().read().unwrap().notes.join("\n");
        assert!(notes(&["--sudo"]).contains("start probity itself as root"));
        assert_eq!(notes(&["--sudo", "-t", "ssh://a"]), "");
        assert!(errors(&["-i", "/no/key"]).contains("--identity /no/key: cannot be read"));
        let text = errors(&["--sudo", "--sudo-password-env", "PROBITY_TEST_NOT_SET"]);
        assert!(
            text.contains("--sudo-password-env: PROBITY_TEST_NOT_SET: the environment variable is not set"),
            "{text}"
        );
        assert!(errors(&["-t", "web1"]).contains("write ssh://web1"));
    }
}
