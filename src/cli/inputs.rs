//! The values a run takes from its user: attributes.

use super::Errors;
use crate::plan::attributes::Supplied;
use crate::plan::bags::{Bags, KeySource, Keys};
use crate::plan::nodes::Nodes;
use crate::plan::per_node::{self, Known};
use crate::profile::{Manifest, Profile};
use std::ffi::OsString;
use std::path::PathBuf;

/// Where attribute values come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Attributes")]
pub struct AttributeArgs {
    /// Files of attribute values; a later one wins
    ///
    /// One whose name ends in .j2 is a template, which is rendered for each node.
    #[arg(long, value_name = "FILE")]
    pub attrs: Vec<PathBuf>,
    /// One value, or where it is: NAME=@FILE, NAME=env:VAR
    ///
    /// PROFILE::NAME=VALUE gives it to one profile of the run alone.
    #[arg(long, value_name = "NAME=VALUE")]
    pub attr: Vec<String>,
    #[command(flatten)]
    pub bags: BagArgs,
}

/// The data bags that templates read.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Attributes")]
pub struct BagArgs {
    /// Folder of data bags (default data_bags beside each template)
    #[arg(long, value_name = "FOLDER", hide_short_help = true)]
    bags: Option<PathBuf>,
    /// Identities of age that open encrypted items
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    bag_key: Vec<PathBuf>,
    /// The same, from an environment variable
    #[arg(long, value_name = "VARIABLE", hide_short_help = true)]
    bag_key_env: Option<String>,
    /// Passphrase of encrypted items, from a file
    #[arg(long, value_name = "FILE", hide_short_help = true, group = "bag_passphrase")]
    bag_passphrase_file: Option<PathBuf>,
    /// Passphrase of encrypted items, from an environment variable
    #[arg(long, value_name = "VARIABLE", hide_short_help = true, group = "bag_passphrase")]
    bag_passphrase_env: Option<String>,
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

impl BagArgs {
    /// The bags, with the keys that open them.
    ///
    /// # Errors
    ///
    /// A key or a passphrase that cannot be read.
    pub fn open(&self) -> Result<Bags, Errors> {
        let files = self.bag_key.iter().cloned().map(KeySource::File);
        let keys: Vec<KeySource> = files.chain(self.bag_key_env.clone().map(KeySource::Variable)).collect();
        let passphrase = self.bag_passphrase_file.clone().map(KeySource::File);
        let passphrase = passphrase.or_else(|| self.bag_passphrase_env.clone().map(KeySource::Variable));
        Ok(Bags::new(self.bags.clone(), Keys::read(&keys, passphrase.as_ref(), &variable)?))
    }
}

impl AttributeArgs {
    /// What the user wishes of attributes.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with files and arguments, not only the first.
    pub fn supplied(&self) -> Result<Supplied, Errors> {
        Ok(Supplied::read(&self.attrs, &self.attr, self.bags.open()?, &variable)?)
    }
}

/// Decides every attribute of every profile on each of these nodes, in their order.
///
/// # Errors
///
/// Everything that is wrong with files, arguments, inventories and values, not only the first.
pub fn resolve_on(profiles: &[Profile], args: &AttributeArgs, nodes: &Nodes) -> Result<Known, Errors> {
    let manifests: Vec<&Manifest> = profiles.iter().map(|profile| &profile.manifest).collect();
    Ok(per_node::before(&manifests, &args.supplied()?, nodes)?)
}
