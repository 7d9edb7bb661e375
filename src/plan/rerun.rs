//! What an earlier run left undone: the controls that failed or could not be checked, for a
//! run of those alone.

use crate::error::{Error, Place};
use crate::results::read::head::{self, Format};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

/// The longest line of events that is read; a profile of thousands of controls with their
/// source takes a few megabytes.
const LINE: u64 = 64 << 20;

/// The controls of a run that are to be checked again, by node and profile.
#[derive(Debug, Default)]
pub struct Rerun {
    /// In the order of the file.
    nodes: Vec<(String, Wanted)>,
    places: HashMap<String, usize>,
    /// What is amiss with the file although it could be read.
    note: Option<String>,
}

/// What is wanted of a node.
#[derive(Debug, Default)]
struct Wanted {
    /// The node was never looked at, so that all of it is.
    all: bool,
    /// By profile, which controls were planned, and whether each is wanted.
    profiles: HashMap<String, HashMap<String, bool>>,
}

/// An event, as far as it matters here.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    profile: Option<Named>,
    #[serde(default)]
    control: Option<Named>,
    #[serde(default)]
    outcome: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// A profile or control: its name, or an object that has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Name(String),
    Object {
        #[serde(alias = "id")]
        name: String,
        #[serde(default)]
        controls: Vec<Id>,
    },
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

impl Named {
    fn name(&self) -> &str {
        match self {
            Named::Name(name) | Named::Object { name, .. } => name,
        }
    }
}

impl Rerun {
    /// Reads the file that the reporter `ndjson` or `run-json` wrote of a run.
    ///
    /// A run that was killed leaves events without an end, and its last line may be cut in
    /// the middle. That is no error; [`Rerun::note`] tells of it, and what the run had begun
    /// and not finished is wanted again.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, holds something else, is of a newer major version, is
    /// damaged before its end, or holds a line of more than 64 MiB.
    pub fn read(path: &Path) -> Result<Rerun, Error> {
        let unreadable = |error: std::io::Error| head::unreadable(path, &error);
        let mut file = File::open(path).map_err(unreadable)?;
        let format = head::format(path, &mut file, "an earlier run is needed")?;
        file.rewind().map_err(unreadable)?;
        // A document may be one line of the whole run, and is read node by node.
        let input = BufReader::with_capacity(1 << 16, file);
        match format {
            Format::Events => Rerun::of_events(path, input),
            Format::Run => Rerun::of_run(path, input),
        }
    }

    /// Whether a control is to be checked again on a node.
    pub fn wants(&self, node: &str, profile: &str, control: &str) -> bool {
        self.places.get(node).is_some_and(|at| {
            let wanted = &self.nodes[*at].1;
            wanted.all
                || wanted.profiles.get(profile).and_then(|controls| controls.get(control)).copied().unwrap_or(false)
        })
    }

    /// The nodes on which something is to be checked again, in the order of the earlier run.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter(|(_, wanted)| wanted.is_some()).map(|(node, _)| node.as_str())
    }

    /// Whether nothing is: everything passed, was skipped, was waived or does not apply.
    pub fn is_empty(&self) -> bool {
        self.nodes().next().is_none()
    }

    /// What the user should know of the file: that the run it tells of broke off.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn of_events(path: &Path, mut input: BufReader<File>) -> Result<Rerun, Error> {
        let mut rerun = Rerun::default();
        let mut whole = false;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = input.by_ref().take(LINE + 1).read_until(b'\n', &mut line);
            read.map_err(|error| head::unreadable(path, &error))?;
            let place = || Place::line(path, number);
            if line.is_empty() {
                break;
            }
            if line.len() as u64 > LINE {
                let error = Error::usage(format!("the line is longer than {} MiB", LINE >> 20)).at(place());
                return Err(error.hint("see that it is the file a run wrote"));
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match serde_json::from_slice::<Event>(text) {
                Ok(event) => whole = rerun.event(event),
                // The rest of the line was never written.
                Err(_) if !line.ends_with(b"\n") => {
                    rerun.note = Some(format!("the run in {} broke off within line {number}", path.display()));
                    return Ok(rerun);
                }
                Err(error) => {
                    let error = Error::usage(format!("the line is no event of a run: {error}")).at(place());
                    return Err(error.hint("take the file as the run wrote it"));
                }
            }
        }
        if !whole {
            rerun.note = Some(format!("the run in {} broke off before its end", path.display()));
        }
        Ok(rerun)
    }

    /// Takes an event in; gives whether it is the last of a run.
    fn event(&mut self, event: Event) -> bool {
        let (kind, node) = (event.event.as_deref().unwrap_or_default(), event.node.as_deref().unwrap_or_default());
        match (kind, &event.profile, &event.control) {
            ("node_started", ..) => self.node(node).all |= event.error.is_some(),
            // Wanted until it is heard of: the run may have broken off before.
            ("profile_started", Some(Named::Object { name, controls }), _) => self.node(node).plan(name, controls),
            ("control_finished", Some(profile), Some(control)) => {
                let outcome = event.outcome.as_deref().unwrap_or_default();
                self.control(node, profile.name(), control.name(), outcome);
            }
            _ => {}
        }
        kind == "run_finished"
    }

    fn of_run(path: &Path, input: BufReader<File>) -> Result<Rerun, Error> {
        let mut rerun = Rerun::default();
        let mut reader = serde_json::Deserializer::from_reader(input);
        let read = RunSeed(&mut rerun).deserialize(&mut reader).and_then(|()| reader.end());
        match read {
            Ok(()) => Ok(rerun),
            Err(error) => {
                let what = if error.is_eof() { "the file is cut off" } else { "the file is no report of a run" };
                let error = Error::usage(format!("{what}: {error}")).in_file(path);
                Err(error.hint("take the file as the run wrote it; of a run that was killed only ndjson is there"))
            }
        }
    }

    fn node(&mut self, name: &str) -> &mut Wanted {
        let at = *self.places.entry(name.to_string()).or_insert_with(|| {
            self.nodes.push((name.to_string(), Wanted::default()));
            self.nodes.len() - 1
        });
        &mut self.nodes[at].1
    }

    fn control(&mut self, node: &str, profile: &str, control: &str, outcome: &str) {
        let controls = self.node(node).profiles.entry(profile.to_string()).or_default();
        controls.insert(control.to_string(), matches!(outcome, "failed" | "errored"));
    }
}

impl Wanted {
    fn is_some(&self) -> bool {
        self.all || self.profiles.values().flat_map(HashMap::values).any(|wanted| *wanted)
    }

    /// Wants controls of a profile that nothing was heard of.
    fn plan(&mut self, profile: &str, controls: &[Id]) {
        let known = self.profiles.entry(profile.to_string()).or_default();
        for control in controls {
            known.entry(control.id.clone()).or_insert(true);
        }
    }
}

/// Reads `probity/run` node by node, so that the run is never in memory as a whole.
struct RunSeed<'a>(&'a mut Rerun);

impl<'de> DeserializeSeed<'de> for RunSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RunSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the report of a run")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut profiles, mut interrupted, mut says_planned) = (Vec::new(), false, false);
        while let Some(key) = map.next_key::<String>()? {
            match &*key {
                "nodes" => map.next_value_seed(NodesSeed(&mut *self.0))?,
                "profiles" => profiles = map.next_value::<Vec<Planned>>()?,
                "interrupted" => interrupted = map.next_value()?,
                "planned" => says_planned = map.next_value::<IgnoredAny>().map(|_| true)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        // Of before nodes told what was planned: what a profile lists and a node does not never ran
        // there; in a run that came to its end it was not selected for the node.
        for planned in profiles.iter().filter(|_| interrupted && !says_planned) {
            let nodes = self.0.nodes.iter_mut().map(|(_, wanted)| wanted);
            let with_it = nodes.filter(|wanted| wanted.profiles.contains_key(&planned.name));
            with_it.for_each(|wanted| wanted.plan(&planned.name, &planned.controls));
        }
        Ok(())
    }
}

struct NodesSeed<'a>(&'a mut Rerun);

impl<'de> DeserializeSeed<'de> for NodesSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for NodesSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the nodes of a run")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut nodes: A) -> Result<(), A::Error> {
        while let Some(node) = nodes.next_element::<NodeReport>()? {
            self.0.node(&node.node).all |= node.error.is_some();
            for profile in node.profiles {
                let planned = profile.planned.into_iter().map(|id| Id { id }).collect::<Vec<_>>();
                self.0.node(&node.node).plan(&profile.profile, &planned);
                for control in profile.controls {
                    self.0.control(&node.node, &profile.profile, &control.control, &control.outcome);
                }
            }
        }
        Ok(())
    }
}

/// A node of `probity/run`, as far as it matters here.
#[derive(Deserialize)]
struct NodeReport {
    node: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    profiles: Vec<ProfileReport>,
}

#[derive(Deserialize)]
struct ProfileReport {
    profile: String,
    /// What was to be run, where it is not what was.
    #[serde(default)]
    planned: Vec<String>,
    #[serde(default)]
    controls: Vec<ControlReport>,
}

#[derive(Deserialize)]
struct ControlReport {
    control: String,
    outcome: String,
}

/// A profile of `probity/run` with the controls it was to run.
#[derive(Deserialize)]
struct Planned {
    name: String,
    #[serde(default)]
    controls: Vec<Id>,
}

#[cfg(test)]
#[path = "rerun_tests.rs"]
mod tests;
