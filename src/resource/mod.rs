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

mod accounts;
mod assignments;
mod config_text;
mod directory;
mod command;
mod bash;
mod ksh;
mod os_env;
mod user;
mod users;
mod group;
mod groups;
mod passwd;
mod shadow;
mod etc_group;
mod login_defs;
mod file;
mod glob;
mod keypath;
mod openssh;
mod os;
mod package;
mod packages;
mod parse_config;
mod parse_config_file;
mod pattern;
#[cfg(test)]
mod rehearsal;
mod service;
mod sshd_config;
mod systemd_config;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod trial;

pub use args::Args;
pub use catalogue::{Absence, Arg, Column, Entry, Instance, Kind, Method, Predicate, Property, Shape};
pub use table::{Row, Rows};

/// Every resource, in the order of the reference.
pub static ALL: &[&Entry] = &[&bash::ENTRY, &command::ENTRY, &directory::ENTRY, &etc_group::ENTRY, &file::ENTRY, &group::ENTRY, &groups::ENTRY, &ksh::ENTRY, &login_defs::ENTRY, &os::ENTRY, &os::PLATFORM, &os_env::ENTRY, &package::ENTRY, &packages::ENTRY, &parse_config::ENTRY, &parse_config_file::ENTRY, &passwd::ENTRY, &service::ENTRY, &service::SYSTEMD, &service::SYSV, &shadow::ENTRY, &sshd_config::ENTRY, &systemd_config::ENTRY, &user::ENTRY, &users::ENTRY];

/// The resource of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().copied().find(|entry| entry.name == name)
}
