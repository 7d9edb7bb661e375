//! What the page's script reads of a node, a profile and a control. Texts are numbers.

use super::texts::Texts;
use crate::report::exec_json::severity;
use crate::results::event::ControlSummary;
use crate::value::Value;
use indexmap::IndexMap;
use serde::Serialize;
use std::sync::Arc;

/// A node and how it was looked at.
#[derive(Serialize)]
pub struct Node {
    pub name: String,
    pub target: String,
    pub groups: Vec<u32>,
    pub user: u32,
    /// Name, release, family, machine.
    pub platform: Option<[u32; 4]>,
    pub error: u32,
    /// Whether it was given up before it was begun.
    pub unstarted: bool,
    /// By profile: its place, its attributes as a list, why it does not apply.
    pub profiles: Vec<[u32; 3]>,
    pub done: Option<Done>,
}

/// How a node was looked at.
#[derive(Serialize)]
pub struct Done {
    pub seconds: f64,
    pub rounds: usize,
    pub asked: usize,
    pub sent: usize,
    #[serde(rename = "out")]
    pub bytes_sent: u64,
    #[serde(rename = "back")]
    pub bytes_received: u64,
    pub interrupted: bool,
    pub notes: Vec<u32>,
}

/// A profile with its controls.
#[derive(Serialize)]
pub struct Profile {
    pub name: u32,
    pub version: u32,
    pub sha256: u32,
    pub title: u32,
    pub summary: u32,
    pub maintainer: u32,
    pub license: u32,
    pub supports: u32,
    #[serde(serialize_with = "values")]
    pub controls: IndexMap<Arc<str>, Control>,
}

/// What a profile says of a control, and what nodes came to.
#[derive(Serialize)]
pub struct Control {
    pub id: u32,
    pub title: u32,
    pub impact: f64,
    pub severity: &'static str,
    pub desc: u32,
    pub rationale: u32,
    pub fix: u32,
    /// Each with its values.
    pub tags: Vec<(u32, Vec<u32>)>,
    /// Text, and the address where it is one that a page may link to.
    pub refs: Vec<[u32; 2]>,
    pub file: u32,
    pub line: usize,
    pub code: u32,
    /// A finding and how many nodes in a row came to it, again and again.
    pub cells: Vec<u32>,
    /// How many nodes `cells` tells of.
    #[serde(skip)]
    pub told: u32,
}

/// Writes the values of a map as a list.
pub fn values<K, V: Serialize, S: serde::Serializer>(map: &IndexMap<K, V>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.values())
}

impl Control {
    /// What a profile says of it; nothing is told of nodes yet.
    pub fn new(summary: &ControlSummary, texts: &mut Texts) -> Control {
        let tags = summary.tags.iter().map(|(name, value)| {
            let values = match value {
                Value::List(items) => items.iter().map(|item| texts.number(&plain(item))).collect(),
                value => vec![texts.number(&plain(value))],
            };
            (texts.number(name), values)
        });
        let tags = tags.collect();
        let refs = summary.refs.iter().map(|reference| {
            let url = reference.url.as_deref();
            let linked = url.filter(|url| is_web_address(url));
            // Any other address is only shown.
            let text = match (url, linked) {
                (Some(url), None) => format!("{} ({url})", reference.text),
                _ => reference.text.clone(),
            };
            [texts.number(&text), texts.maybe(linked)]
        });
        let refs = refs.collect();
        Control {
            id: texts.number(&summary.id),
            title: texts.maybe(summary.title.as_deref()),
            impact: summary.impact,
            severity: severity(summary.impact),
            desc: texts.maybe(summary.desc.as_deref()),
            rationale: texts.maybe(summary.rationale.as_deref()),
            fix: texts.maybe(summary.fix.as_deref()),
            tags,
            refs,
            file: texts.number(&summary.file),
            line: summary.line,
            code: texts.number(&summary.code),
            cells: Vec::new(),
            told: 0,
        }
    }

    /// Tells of the next `count` nodes that they came to a finding.
    pub fn tell(&mut self, finding: u32, count: u32) {
        self.told += count;
        if let [.., last, length] = &mut self.cells[..]
            && *last == finding
        {
            *length += count;
        } else {
            self.cells.extend([finding, count]);
        }
    }
}

/// Whether an address is one of the web: no other kind may become a link.
fn is_web_address(url: &str) -> bool {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// A value as JSON.
pub fn in_words(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "a value that cannot be shown".to_string())
}

/// A value as JSON, text without quotes.
fn plain(value: &Value) -> String {
    value.as_text().map_or_else(|| in_words(value), |text| text.into_owned())
}
