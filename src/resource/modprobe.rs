//! The configuration of modprobe(8), and which modules the kernel has.

use crate::node::{Platform, Seen, Sight, Unseen};
use crate::probe::{FileKind, List, Read, Uname};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Where modprobe.d(5) files are. A file hides one of the same name in a later directory.
const DIRECTORIES: [&str; 5] =
    ["/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];

/// What modprobe is told of modules.
#[derive(Debug, Default)]
pub struct Config {
    /// Names in `blacklist` lines and on the kernel's command line.
    pub blacklisted: HashSet<String>,
    /// Module and command of `install` lines; the first of a module counts.
    pub install: BTreeMap<String, String>,
}

/// A module's name as the kernel writes it: hyphens and underscores are the same.
pub fn plain(name: &str) -> String {
    name.replace('-', "_")
}

impl Config {
    /// Reads the configuration, once per node: one round for the names, one for the files.
    pub fn of(seen: &Seen<'_>) -> Sight<Rc<Config>> {
        seen.parsed("", || {
            let command_line = seen.get(Read { path: "/proc/cmdline".into() });
            let listed = seen.each(DIRECTORIES.map(|path| List { path: path.into() }));
            let (command_line, listed) = match (command_line, listed) {
                (Err(Unseen::Pending), _) | (_, Err(Unseen::Pending)) => return Err(Unseen::Pending),
                (command_line, listed) => (command_line?, listed?),
            };
            let mut files: BTreeMap<Arc<str>, String> = BTreeMap::new();
            for (directory, entries) in DIRECTORIES.iter().zip(&listed) {
                for entry in entries.iter().flat_map(|entries| entries.iter()) {
                    if entry.name.ends_with(".conf") && entry.kind != FileKind::Directory {
                        files.entry(entry.name.clone()).or_insert_with(|| format!("{directory}/{}", entry.name));
                    }
                }
            }
            let contents = seen.each(files.values().map(|path| Read { path: path.as_str().into() }))?;
            let mut config = Config::default();
            for content in contents.iter().flatten() {
                config.read(&String::from_utf8_lossy(content));
            }
            config.read_command_line(&String::from_utf8_lossy(&command_line.unwrap_or_default()));
            Ok(config)
        })
    }

    /// Whether an `install` line runs nothing in place of loading the module.
    pub fn disabled(&self, module: &str) -> bool {
        let command = self.install.get(module).map(String::as_str).unwrap_or_default();
        let program = command.split_whitespace().next().unwrap_or_default();
        matches!(program, "/bin/false" | "/bin/true" | "/usr/bin/false" | "/usr/bin/true" | "false" | "true" | ":")
    }

    fn read(&mut self, text: &str) {
        // A backslash at its end continues a line.
        let text = text.replace("\\\n", " ");
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("blacklist"), Some(module)) => {
                    self.blacklisted.insert(plain(module));
                }
                (Some("install"), Some(module)) => {
                    self.install.entry(plain(module)).or_insert_with(|| words.collect::<Vec<_>>().join(" "));
                }
                _ => {}
            }
        }
    }

    fn read_command_line(&mut self, line: &str) {
        for word in line.split_whitespace() {
            let modules = word.strip_prefix("modprobe.blacklist=").or_else(|| word.strip_prefix("module_blacklist="));
            self.blacklisted.extend(modules.into_iter().flat_map(|list| list.split(',')).map(plain));
        }
    }
}

/// The modules the running kernel has loaded or built in.
pub struct Modules {
    pub loaded: HashSet<String>,
    pub builtin: HashSet<String>,
}

impl Modules {
    /// Reads both lists, once per node: two rounds, as the second is named after the kernel.
    pub fn of(seen: &Seen<'_>) -> Sight<Rc<Modules>> {
        seen.parsed("", || {
            let (loaded, kernel) = seen.all((Read { path: "/proc/modules".into() }, Uname))?;
            let builtin = seen.get(Read { path: directory(Platform::kernel_release(&kernel)?, "modules.builtin") })?;
            // A kernel built without modules has no such file: nothing is loaded.
            let loaded = loaded.unwrap_or_default();
            let loaded = String::from_utf8_lossy(&loaded);
            let loaded = loaded.lines().filter_map(|line| line.split(' ').next()).map(plain).collect();
            Ok(Modules { loaded, builtin: names(&builtin.unwrap_or_default()) })
        })
    }

    /// Whether the module could be loaded: there is a file of it for the running kernel.
    pub fn available(seen: &Seen<'_>, module: &str) -> Sight<bool> {
        struct Available(HashSet<String>);
        let available = seen.parsed("", || {
            let kernel = seen.get(Uname)?;
            let content = seen.get(Read { path: directory(Platform::kernel_release(&kernel)?, "modules.dep") })?;
            Ok(Available(names(&content.unwrap_or_default())))
        })?;
        Ok(available.0.contains(module))
    }
}

fn directory(release: &str, file: &str) -> Arc<str> {
    format!("/lib/modules/{release}/{file}").into()
}

/// The modules of a list of paths such as `kernel/fs/fat/vfat.ko.xz: kernel/fs/fat/fat.ko.xz`.
fn names(content: &[u8]) -> HashSet<String> {
    let text = String::from_utf8_lossy(content);
    let name = |line: &str| {
        let path = line.split(':').next()?.trim();
        let file = path.rsplit('/').next()?;
        Some(plain(file.split_once(".ko")?.0))
    };
    text.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_continue_and_the_first_install_counts() {
        let mut config = Config::default();
        config.read(
            "# blacklist commented\nblacklist usb-storage\ninstall cramfs \\\n  /bin/true\ninstall cramfs /sbin/modprobe x\n\
             install ip6_tables /sbin/modprobe --ignore-install ip6_tables\nblacklist\noptions x y=1\n",
        );
        assert!(config.blacklisted.contains("usb_storage") && config.blacklisted.len() == 1);
        assert!(config.disabled("cramfs") && !config.disabled("ip6_tables") && !config.disabled("absent"));
        config.read_command_line("quiet module_blacklist=a-b,c modprobe.blacklist=d\n");
        assert!(["a_b", "c", "d"].iter().all(|name| config.blacklisted.contains(*name)));
    }

    #[test]
    fn names_are_those_of_files_compressed_or_not() {
        let found =
            names(b"kernel/fs/fat/vfat.ko.xz: kernel/fs/fat/fat.ko.xz\nkernel/net/sctp/nf-sctp.ko:\ngarbage\n\xff\n");
        assert_eq!(found, HashSet::from(["vfat".to_string(), "nf_sctp".to_string()]));
    }
}
