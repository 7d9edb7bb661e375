//! The catalogue of resources: what a control can look at.
//!
//! A resource is one file: its documentation, arguments, properties and predicates stand
//! in one [`resource!`](crate::resource::macros) table, which makes the binding to Lua,
//! the reference pages and the editor stubs. It knows [`Seen`](crate::node::Seen), never
//! Lua and never a machine.

#[macro_use]
mod macros;
pub mod args;
pub mod catalogue;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;

mod accounts;
mod assignments;
mod bash;
mod command;
mod config_text;
mod cron;
mod cron_table;
mod crontab;
mod csv;
mod directory;
mod document;
mod etc_fstab;
mod etc_group;
mod file;
mod find;
mod glob;
mod group;
mod groups;
mod host;
mod http;
mod ini;
mod interface;
mod interfaces;
mod json;
mod kernel_module;
mod kernel_parameter;
mod kernel_parameters;
mod keypath;
mod limits_conf;
mod login_defs;
mod modprobe;
mod mount;
mod mount_table;
mod mounts;
mod openssh;
mod os;
mod os_env;
mod package;
mod packages;
mod pam;
mod parse_config;
mod parse_config_file;
mod passwd;
mod pattern;
mod port;
mod ports;
mod processes;
mod selinux;
mod service;
mod shadow;
mod ssh_config;
mod sshd_config;
mod sudoers;
mod systemd_config;
mod timezone;
mod toml;
mod user;
mod users;
mod virtualization;
mod xml;
mod yaml;

pub use args::Args;
pub use catalogue::{Absence, Arg, Column, Entry, Instance, Kind, Method, Predicate, Property, Shape};
pub use table::{Row, Rows};

/// Every resource, in the order of the reference.
pub static ALL: &[&Entry] = &[
    &bash::ENTRY,
    &command::ENTRY,
    &cron::ENTRY,
    &crontab::ENTRY,
    &csv::ENTRY,
    &directory::ENTRY,
    &etc_fstab::ENTRY,
    &etc_group::ENTRY,
    &file::ENTRY,
    &find::ENTRY,
    &group::ENTRY,
    &groups::ENTRY,
    &host::ENTRY,
    &http::ENTRY,
    &ini::ENTRY,
    &interface::ENTRY,
    &interfaces::ENTRY,
    &json::ENTRY,
    &kernel_module::ENTRY,
    &kernel_parameter::ENTRY,
    &kernel_parameters::ENTRY,
    &bash::KSH,
    &limits_conf::ENTRY,
    &login_defs::ENTRY,
    &mount::ENTRY,
    &mounts::ENTRY,
    &os::ENTRY,
    &os::PLATFORM,
    &os_env::ENTRY,
    &package::ENTRY,
    &packages::ENTRY,
    &pam::ENTRY,
    &parse_config::ENTRY,
    &parse_config_file::ENTRY,
    &passwd::ENTRY,
    &port::ENTRY,
    &ports::ENTRY,
    &processes::ENTRY,
    &selinux::ENTRY,
    &service::ENTRY,
    &service::SYSTEMD,
    &service::SYSV,
    &shadow::ENTRY,
    &ssh_config::ENTRY,
    &sshd_config::ENTRY,
    &sudoers::ENTRY,
    &systemd_config::ENTRY,
    &timezone::ENTRY,
    &toml::ENTRY,
    &user::ENTRY,
    &users::ENTRY,
    &virtualization::ENTRY,
    &xml::ENTRY,
    &yaml::ENTRY,
];

/// The resource of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().copied().find(|entry| entry.name == name)
}
