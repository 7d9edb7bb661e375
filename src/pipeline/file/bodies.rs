//! What a stage of each kind does.

use super::Kind;
use super::keys;
use super::section::Section;
use crate::inventory::{self, Connection, Source};
use crate::pipeline::provisioner::{self, Provisioner};
use crate::plan::selection::Selection;
use crate::plan::share::Share;
use crate::yaml::Located;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a stage does.
#[derive(Debug, Clone)]
pub enum Body {
    Provision(Box<Provision>),
    Wait(Box<Wait>),
    Validate(Box<Validate>),
    Report(Report),
    Teardown(Box<Teardown>),
}

/// Makes or changes nodes.
#[derive(Debug, Clone)]
pub struct Provision {
    /// `None` only where the file is checked and the section holds templates.
    pub provisioner: Option<Provisioner>,
    /// Where its nodes are read from, where the provisioner does not know.
    pub inventory: Option<Source>,
    /// The provisions whose nodes it works on; empty: all it needs.
    pub inputs: Vec<String>,
}

/// Waits until nodes are ready.
#[derive(Debug, Clone)]
pub struct Wait {
    pub nodes: NodeChoice,
    pub within: Duration,
    pub every: Duration,
    /// `None`: all.
    pub quorum: Option<Share>,
    pub cloud_init: bool,
    /// Profiles that have to pass.
    pub profiles: ProfileChoice,
}

/// Runs profiles on nodes.
#[derive(Debug, Clone)]
pub struct Validate {
    pub nodes: NodeChoice,
    pub profiles: ProfileChoice,
    pub selection: Selection,
    pub waivers: Vec<PathBuf>,
    pub max_failures: Option<Share>,
    pub agent: bool,
    pub agent_program: Option<PathBuf>,
}

/// Writes reports of everything so far.
#[derive(Debug, Clone)]
pub struct Report {
    /// As `--reporter` takes them; their paths start from the stage's folder.
    pub reporters: Vec<String>,
    pub run: Option<Provisioner>,
}

/// Undoes a provision.
#[derive(Debug, Clone)]
pub struct Teardown {
    /// Its own program, where it is not the provisioner of another stage that knows how.
    pub provisioner: Option<Provisioner>,
}

/// Which nodes, and how they are reached.
#[derive(Debug, Clone, Default)]
pub struct NodeChoice {
    pub inventory: Option<Source>,
    pub targets: Vec<String>,
    pub nodes: Vec<String>,
    pub connection: Connection,
    pub parallel: Option<usize>,
}

/// Which profiles, with which values.
#[derive(Debug, Clone, Default)]
pub struct ProfileChoice {
    pub profiles: Vec<PathBuf>,
    pub folders: Vec<PathBuf>,
    pub attrs: Vec<PathBuf>,
    pub attributes: Option<Located>,
    pub bags: Option<PathBuf>,
    pub bag_keys: Vec<PathBuf>,
    pub bag_key_env: Option<String>,
}

/// The keys that name provisioners, for stages that take one.
pub fn provisioner_keys(kind: Kind) -> Vec<&'static str> {
    match keys::takes_provisioner(kind.name()) {
        true => provisioner::TABLE.iter().map(|kind| kind.key).collect(),
        false => Vec::new(),
    }
}

/// Reads the keys of a kind; what is wrong is noted with the section.
pub fn read(kind: Kind, section: &Section<'_>, dir: &Path) -> Body {
    match kind {
        Kind::Provision => Body::Provision(Box::new(Provision {
            provisioner: provisioner(section, dir, true),
            inventory: inventory(section, dir),
            inputs: section.texts("inputs"),
        })),
        Kind::Wait => Body::Wait(Box::new(Wait {
            nodes: nodes(section, dir),
            within: section.duration("within").unwrap_or(Duration::from_secs(600)),
            every: section.duration("every").unwrap_or(Duration::from_secs(5)),
            quorum: section.share("quorum"),
            cloud_init: section.bool("cloud_init").unwrap_or(true),
            profiles: profiles(section, dir),
        })),
        Kind::Validate => {
            if !section.has("profiles") {
                let place = section.place("kind").cloned();
                let error = crate::error::Error::usage("a stage that validates names no profiles");
                let error = error.hint("add profiles: [PROFILE]");
                section.fail(match place {
                    Some(place) => error.at(place),
                    None => error,
                });
            }
            let [ids, tags] = ["controls", "tags"].map(|key| section.texts(key));
            let selection = Selection::new(&ids, &tags, section.impact("impact_at_least"));
            Body::Validate(Box::new(Validate {
                nodes: nodes(section, dir),
                profiles: profiles(section, dir),
                selection: section.keep(selection).unwrap_or_default(),
                waivers: section.paths("waivers", dir),
                max_failures: section.share("max_failures"),
                agent: section.bool("agent").unwrap_or(false),
                agent_program: section.path("agent_program", dir),
            }))
        }
        Kind::Report => {
            let reporters = section.texts("reporter");
            for text in &reporters {
                if let (Err(error), Some(place)) = (text.parse::<crate::report::Spec>(), section.place("reporter")) {
                    section.fail(error.at(place.clone()));
                }
            }
            if !section.has("reporter") && !section.has("run") {
                let error = crate::error::Error::usage("a stage that reports has neither reporter nor run");
                section.fail(match section.place("kind") {
                    Some(place) => error.at(place.clone()),
                    None => error,
                });
            }
            let run = section.has("run").then(|| read_provisioner("run", section, dir)).flatten();
            Body::Report(Report { reporters, run })
        }
        Kind::Teardown => Body::Teardown(Box::new(Teardown { provisioner: provisioner(section, dir, false) })),
    }
}

/// The one provisioner of a stage.
fn provisioner(section: &Section<'_>, dir: &Path, required: bool) -> Option<Provisioner> {
    let given: Vec<&str> = provisioner::TABLE.iter().map(|kind| kind.key).filter(|key| section.has(key)).collect();
    match given[..] {
        [key] => read_provisioner(key, section, dir),
        [first, second, ..] => {
            let error = crate::error::Error::usage(format!("{first} and {second} exclude each other"));
            section.fail(match section.place(second) {
                Some(place) => error.at(place.clone()).hint("make two stages of it"),
                None => error,
            });
            None
        }
        [] => {
            if required {
                let keys: Vec<&str> = provisioner::TABLE.iter().map(|kind| kind.key).collect();
                let error = crate::error::Error::usage("a stage that provisions says not how");
                section.fail(match section.place("kind") {
                    Some(place) => error.at(place.clone()).hint(format!("add one of: {}", keys.join(", "))),
                    None => error,
                });
            }
            None
        }
    }
}

/// The provisioner of a key. With templates that are still to be rendered it is only checked.
fn read_provisioner(key: &str, section: &Section<'_>, dir: &Path) -> Option<Provisioner> {
    match section.field(key) {
        Some(field) => section.keep(Provisioner::read(key, section.document, &field.value, dir)),
        None => {
            section.keep(Provisioner::check(key, section.document, &section.given(key)?.value));
            None
        }
    }
}

fn inventory(section: &Section<'_>, dir: &Path) -> Option<Source> {
    let field = section.field("inventory")?;
    section.keep(Source::from_yaml(section.document, &field.value, dir))
}

fn nodes(section: &Section<'_>, dir: &Path) -> NodeChoice {
    let connection = section
        .field("transport")
        .and_then(|field| section.keep(inventory::read_transport(section.document, &field.value)));
    NodeChoice {
        inventory: inventory(section, dir),
        targets: section.texts("targets"),
        nodes: section.texts("nodes"),
        connection: connection.unwrap_or_default(),
        parallel: section.number("parallel", 1..=65535).and_then(|number| usize::try_from(number).ok()),
    }
}

/// A profile is a path from the stage's folder, or `NAME@REQUIREMENT` as it stands.
fn profiles(section: &Section<'_>, dir: &Path) -> ProfileChoice {
    let profile = |text: &String| match text.contains('@') && !dir.join(text).exists() {
        true => PathBuf::from(text),
        false => super::section::path_of(dir, text),
    };
    ProfileChoice {
        profiles: section.texts("profiles").iter().map(profile).collect(),
        folders: section.paths("profile_path", dir),
        attrs: section.paths("attrs", dir),
        attributes: section.value_map("attributes"),
        bags: section.path("bags", dir),
        bag_keys: section.paths("bag_key", dir),
        bag_key_env: section.text("bag_key_env"),
    }
}
