//! The state of a unit's files, as `systemctl --root=/ is-enabled` finds it out, for nodes
//! that run no commands: systemd.unit(5), "unit file load path" and "[Install] section".

use crate::node::{Seen, Sight};
use crate::probe::{Entry, FileKind, List, Read, Stat};
use std::rc::Rc;
use std::sync::Arc;

/// Where units are, the first that has a name counts. What `/run` holds does not outlive a
/// boot.
const DIRECTORIES: [&str; 4] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
/// Where an administrator's links are, which make a unit enabled.
const CONFIGURED: &str = DIRECTORIES[0];
/// Folders whose links start a unit with another one.
const STARTED_WITH: [&str; 3] = [".wants", ".requires", ".upholds"];
/// The most links from one name to the next.
const MOST_ALIASES: usize = 10;

/// The directories of units with what is in them.
struct Units {
    /// For each of [`DIRECTORIES`].
    names: Vec<Arc<[Entry]>>,
    /// For each, the names in folders that start units with another one.
    started: Vec<Vec<Arc<str>>>,
}

impl Units {
    /// Reads them once per node, in two rounds.
    fn of(seen: &Seen<'_>) -> Sight<Rc<Units>> {
        seen.parsed("", || {
            let lists = seen.each(DIRECTORIES.map(|path| List { path: path.into() }))?;
            let names: Vec<Arc<[Entry]>> = lists.into_iter().map(|list| list.unwrap_or_default()).collect();
            let started = seen.gather(names.iter().zip(DIRECTORIES), |(names, directory)| {
                let starts = |entry: &&Entry| STARTED_WITH.iter().any(|end| entry.name.ends_with(end));
                let folders = names.iter().filter(|entry| entry.kind == FileKind::Directory).filter(starts);
                let lists = folders.map(|folder| List { path: format!("{directory}/{}", folder.name).into() });
                let lists = seen.each(lists)?;
                let entries = lists.iter().flatten().flat_map(|entries| entries.iter());
                Ok(entries.filter(|entry| entry.kind == FileKind::Symlink).map(|entry| entry.name.clone()).collect())
            })?;
            Ok(Units { names, started })
        })
    }

    /// The first directory that has a file or link of this name, and which of both.
    fn find(&self, name: &str) -> Option<(&'static str, FileKind)> {
        DIRECTORIES.into_iter().zip(&self.names).find_map(|(directory, names)| {
            let entry = names.iter().find(|entry| &*entry.name == name && entry.kind != FileKind::Directory)?;
            Some((directory, entry.kind))
        })
    }
}

/// The state of a unit's files; `None`: there is no such unit.
pub fn state(seen: &Seen<'_>, unit: &str) -> Sight<Option<String>> {
    let units = Units::of(seen)?;
    let template = template(unit);
    // The file that counts, through links from name to name.
    let mut name = unit.to_string();
    let mut aliases = 0;
    let path = loop {
        let found = units.find(&name).or_else(|| {
            let of = template.as_ref().filter(|_| name == unit)?;
            name.clone_from(of);
            units.find(of)
        });
        let Some((directory, kind)) = found else { return Ok(None) };
        let path: Arc<str> = format!("{directory}/{name}").into();
        if kind != FileKind::Symlink {
            break path;
        }
        let stated = seen.get(Stat { path })?;
        let text = stated.and_then(|stated| stated.link).map(|link| link.text).unwrap_or_default();
        if &*text == "/dev/null" {
            return Ok(Some("masked".to_string()));
        }
        let (folder, target) = text.rsplit_once('/').unwrap_or(("", &text));
        let known = folder.is_empty() || folder.starts_with('.') || DIRECTORIES.contains(&folder);
        if !known || target == name {
            return Ok(Some("linked".to_string()));
        }
        aliases += 1;
        if aliases > MOST_ALIASES {
            return Ok(None);
        }
        name = target.to_string();
    };
    let content = seen.get(Read { path: path.clone() })?.unwrap_or_default();
    if content.is_empty() {
        return Ok(Some("masked".to_string()));
    }
    if aliases > 0 {
        return Ok(Some("alias".to_string()));
    }
    let is_instance = template.is_some();
    let started = |at: usize| units.started[at].iter().any(|link| &**link == unit);
    if started(0) || aliased(seen, &units, unit)? {
        return Ok(Some("enabled".to_string()));
    }
    if is_instance && (1..DIRECTORIES.len()).any(started) {
        return Ok(Some("static".to_string()));
    }
    let install = Install::parse(&content);
    Ok(Some(match install {
        Install { starts: true, .. } => "disabled".to_string(),
        Install { also: true, .. } => "indirect".to_string(),
        Install { .. } => "static".to_string(),
    }))
}

/// Whether a link in `/etc` gives the unit another name, which is what `Alias=` makes.
fn aliased(seen: &Seen<'_>, units: &Units, unit: &str) -> Sight<bool> {
    let links = units.names[0].iter().filter(|entry| entry.kind == FileKind::Symlink && &*entry.name != unit);
    let stated = seen.each(links.map(|link| Stat { path: format!("{CONFIGURED}/{}", link.name).into() }))?;
    let texts = stated.into_iter().flatten().filter_map(|stated| stated.link).map(|link| link.text);
    Ok(texts.into_iter().any(|text| text.rsplit('/').next() == Some(unit)))
}

/// `getty@.service` for `getty@tty1.service`; `None` for what is no instance.
fn template(unit: &str) -> Option<String> {
    let (name, rest) = unit.split_once('@')?;
    let (instance, kind) = rest.rsplit_once('.')?;
    (!instance.is_empty()).then(|| format!("{name}@.{kind}"))
}

/// What an `[Install]` section says, as far as it matters here.
#[derive(Default)]
struct Install {
    /// What would start the unit is named.
    starts: bool,
    /// Other units are named that are enabled with it.
    also: bool,
}

impl Install {
    fn parse(content: &[u8]) -> Install {
        let mut install = Install::default();
        let mut inside = false;
        for line in String::from_utf8_lossy(content).lines().map(str::trim) {
            if line.starts_with('[') {
                inside = line == "[Install]";
            }
            let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
            if value.trim().is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            match key.trim() {
                "WantedBy" | "RequiredBy" | "UpheldBy" | "Alias" => install.starts = true,
                "Also" => install.also = true,
                _ => {}
            }
        }
        install
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;
    use crate::transport::rootfs::RootFs;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    const INSTALLED: &str =
        "[Unit]\nAlias=not-here\n[Service]\nExecStart=/bin/x\n[Install]\nWantedBy=multi-user.target\n";

    /// The states of units of a root file system with these files and links.
    fn states<const N: usize>(files: &[(&str, &str)], links: &[(&str, &str)], units: [&str; N]) -> [String; N] {
        let root = tempfile::tempdir().expect("a temporary directory");
        let place = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            path
        };
        for (path, text) in files {
            fs::write(place(path), text).expect("written");
        }
        for (path, target) in links {
            symlink(target, place(path)).expect("a link");
        }
        let transport = RootFs::open(Path::new(root.path())).expect("opened");
        let node = Node::new("image", "rootfs:///image", Rc::new(transport), 0);
        units.map(|unit| {
            let state = state(&node.view(node.memory()), unit).expect("asked");
            state.unwrap_or_else(|| "none".to_string())
        })
    }

    #[test]
    fn links_of_the_administrator_enable_and_mask() {
        let files = [
            ("usr/lib/systemd/system/on.service", INSTALLED),
            ("usr/lib/systemd/system/off.service", INSTALLED),
            ("usr/lib/systemd/system/named.service", INSTALLED),
            ("usr/lib/systemd/system/masked.service", INSTALLED),
            ("usr/lib/systemd/system/always.service", "[Service]\nExecStart=/bin/x\n"),
            ("usr/lib/systemd/system/with.service", "[Install]\nWantedBy=\nAlso=on.service\n# WantedBy=x\n"),
            ("etc/systemd/system/own.service", INSTALLED),
            ("etc/systemd/system/empty.service", ""),
        ];
        let links = [
            ("etc/systemd/system/multi-user.target.wants/on.service", "/usr/lib/systemd/system/on.service"),
            ("etc/systemd/system/sockets.target.requires/own.service", "/etc/systemd/system/own.service"),
            ("etc/systemd/system/other.service", "/usr/lib/systemd/system/named.service"),
            ("etc/systemd/system/masked.service", "/dev/null"),
            ("etc/systemd/system/far.service", "/opt/far.service"),
            ("usr/lib/systemd/system/multi-user.target.wants/always.service", "../always.service"),
        ];
        let units = [
            "on.service",
            "own.service",
            "named.service",
            "other.service",
            "off.service",
            "always.service",
            "with.service",
            "masked.service",
            "empty.service",
            "far.service",
            "no.service",
        ];
        let expected = [
            "enabled", "enabled", "enabled", "alias", "disabled", "static", "indirect", "masked", "masked", "linked",
            "none",
        ];
        assert_eq!(states(&files, &links, units), expected);
    }

    #[test]
    fn instances_have_the_file_of_their_template() {
        let files = [("usr/lib/systemd/system/getty@.service", INSTALLED)];
        let links = [
            ("etc/systemd/system/getty.target.wants/getty@tty1.service", "/usr/lib/systemd/system/getty@.service"),
            ("usr/lib/systemd/system/getty.target.wants/getty@tty2.service", "../getty@.service"),
        ];
        let units = ["getty@tty1.service", "getty@tty2.service", "getty@tty3.service", "other@x.service"];
        assert_eq!(states(&files, &links, units), ["enabled", "static", "disabled", "none"]);
    }

    #[test]
    fn a_circle_of_names_is_no_unit() {
        let links = [("etc/systemd/system/a.service", "b.service"), ("etc/systemd/system/b.service", "a.service")];
        assert_eq!(states(&[], &links, ["a.service"]), ["none"]);
    }
}
