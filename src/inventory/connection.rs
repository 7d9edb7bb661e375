//! What one layer says about reaching nodes: a group, a node, the command line. What it
//! leaves out is left to the weaker layers.

use super::secret::SecretSource;
use crate::error::Error;
use crate::transport::{HostKeyCheck, Options, Patience, Privilege, Prompt, Secret, Tool};
use std::path::PathBuf;
use std::time::Duration;

/// The options of one layer; `None` where it says nothing.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    pub user: Option<String>,
    pub port: Option<u16>,
    pub identities: Option<Vec<PathBuf>>,
    pub jumps: Option<Vec<String>>,
    pub ssh_config: Option<PathBuf>,
    pub known_hosts: Option<Vec<PathBuf>>,
    pub host_key_check: Option<HostKeyCheck>,
    pub password: Option<SecretSource>,
    pub passphrase: Option<SecretSource>,
    /// `Some(None)`: as whom one logs in, whatever a weaker layer says.
    pub privilege: Option<Option<Tool>>,
    pub privilege_user: Option<String>,
    pub privilege_password: Option<SecretSource>,
    pub connect_timeout: Option<Duration>,
    pub batch_timeout: Option<Duration>,
    pub node_timeout: Option<Duration>,
    pub retries: Option<u32>,
}

impl Connection {
    /// Lays a stronger layer over this one: what it says replaces what is here, whole.
    pub fn overlay(&mut self, stronger: &Connection) {
        macro_rules! fields {
            ($($field:ident),*) => {
                // Named one by one, so that a new field is not forgotten here.
                let Connection { $($field),* } = stronger;
                $(if $field.is_some() {
                    self.$field.clone_from($field);
                })*
            };
        }
        fields!(
            user,
            port,
            identities,
            jumps,
            ssh_config,
            known_hosts,
            host_key_check,
            password,
            passphrase,
            privilege,
            privilege_user,
            privilege_password,
            connect_timeout,
            batch_timeout,
            node_timeout,
            retries
        );
    }

    /// Whether it says nothing at all.
    pub fn says_nothing(&self) -> bool {
        format!("{self:?}") == format!("{:?}", Connection::default())
    }

    /// The options a transport takes, with the defaults of [`Options`] where no layer says
    /// anything. `read` gives the text of a secret.
    ///
    /// # Errors
    /// What `read` refuses.
    pub fn options(
        &self,
        prompt: Option<Prompt>,
        read: &mut dyn FnMut(&SecretSource) -> Result<Secret, Error>,
    ) -> Result<Options, Error> {
        let mut secret = |source: &Option<SecretSource>| source.as_ref().map(&mut *read).transpose();
        let patience = Patience::default();
        let privilege = match self.privilege.flatten() {
            Some(tool) => {
                Some(Privilege { tool, user: self.privilege_user.clone(), password: secret(&self.privilege_password)? })
            }
            None => None,
        };
        Ok(Options {
            user: self.user.clone(),
            port: self.port,
            identities: self.identities.clone().unwrap_or_default(),
            jumps: self.jumps.clone().unwrap_or_default(),
            ssh_config: self.ssh_config.clone(),
            known_hosts: self.known_hosts.clone().unwrap_or_default(),
            host_key_check: self.host_key_check,
            password: secret(&self.password)?,
            passphrase: secret(&self.passphrase)?,
            privilege,
            patience: Patience {
                connect: self.connect_timeout.unwrap_or(patience.connect),
                retries: self.retries.unwrap_or(patience.retries),
                batch: self.batch_timeout.unwrap_or(patience.batch),
                node: self.node_timeout.unwrap_or(patience.node),
            },
            prompt,
        })
    }
}
