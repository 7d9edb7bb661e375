//! Waivers: failures a site accepts, with a reason and for a time.
//!
//! A file is a map from control ids to waivers, or a list of waivers with an `id` each:
//!
//! ```yaml
//! sshd-root-login:
//!   justification: The vendor's appliance needs it until the migration
//!   until: 2026-12-31
//!   nodes: [appliance-*]
//! ```
//!
//! `justification` is needed; `until` is the last day, in UTC, on which the waiver holds;
//! `nodes` (names, with `*` for any text) restricts it. An id is the text as written:
//! `9.10` is not `9.1`.

use super::wildcard;
use crate::error::{Error, Place, did_you_mean};
use crate::results::event::WaiverSummary;
use crate::yaml::{Document, Field, Located, Map};
use jiff::civil::Date;
use std::path::Path;

/// The keys of a waiver; `id` in a list only.
const KEYS: &[&str] = &["id", "justification", "until", "nodes"];

/// One accepted failure.
#[derive(Debug, Clone)]
pub struct Waiver {
    pub id: String,
    pub justification: String,
    /// The last day it holds, in UTC; `None`: it never ends.
    pub until: Option<Date>,
    /// Names of nodes, with `*` for any text; empty means all.
    pub nodes: Vec<String>,
    /// Where the id stands.
    pub place: Place,
    /// The number of the document it stands in.
    document: usize,
}

impl Waiver {
    fn covers(&self, node: &str) -> bool {
        self.nodes.is_empty() || self.nodes.iter().any(|pattern| wildcard::fits(pattern, node))
    }

    fn expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| today > until)
    }
}

/// The waivers of a run.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    waivers: Vec<Waiver>,
    documents: Vec<Document>,
}

impl Waivers {
    /// Reads waiver files; what each holds adds to the others.
    ///
    /// # Errors
    /// Broken YAML, an unknown key, a missing justification, a date that is none, the
    /// same control waived twice for the same nodes; each with its place.
    pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Waivers, Error> {
        let mut waivers = Waivers::default();
        for path in paths {
            waivers.add(Document::read(path.as_ref())?)?;
        }
        Ok(waivers)
    }

    /// Adds the waivers of a document.
    ///
    /// # Errors
    /// See [`Waivers::read`].
    pub fn add(&mut self, document: Document) -> Result<(), Error> {
        let number = self.documents.len();
        let mut found = Vec::new();
        let root = &document.root;
        if let Some(map) = root.as_map() {
            for (id, Field { key, value }) in map {
                let fields = document.fields(value, &format!("the waiver of {id}"), &KEYS[1..])?;
                found.push(waiver(&document, id.clone(), key, fields, number)?);
            }
        } else if let Some(items) = root.as_list() {
            for item in items {
                let fields = document.fields(item, "the waiver", KEYS)?;
                let Some(id) = fields.get("id") else {
                    return Err(document
                        .error(&item.place, "the waiver has no id")
                        .hint("add id: with that of a control"));
                };
                let place = &id.value.place;
                let Some(id) = id.value.text().filter(|id| !id.is_empty()) else {
                    return Err(document.error(place, format!("id is {}, not a control's id", id.value.type_name())));
                };
                found.push(waiver(&document, id.to_string(), place, fields, number)?);
            }
        } else if !root.is_null() {
            let message = format!("waivers are {}, neither a map of control ids nor a list", root.type_name());
            return Err(document.error(&root.place, message));
        }
        for waiver in found {
            if let Some(first) = self.waivers.iter().find(|other| other.id == waiver.id && other.nodes == waiver.nodes)
            {
                let message = format!("control {} is waived twice, first at {}", waiver.id, first.place);
                return Err(document.error(&waiver.place, message).hint("keep one of the two"));
            }
            self.waivers.push(waiver);
        }
        self.documents.push(document);
        Ok(())
    }

    /// The waiver of a control on a node: one that holds on this day (in UTC), else one
    /// that held once.
    pub fn for_control(&self, id: &str, node: &str, today: Date) -> Option<WaiverSummary> {
        let covering = || self.waivers.iter().filter(|waiver| waiver.id == id && waiver.covers(node));
        let waiver = covering()
            .find(|waiver| !waiver.expired(today))
            // Of those that are over, the last to have held.
            .or_else(|| covering().max_by_key(|waiver| waiver.until))?;
        Some(WaiverSummary {
            justification: waiver.justification.clone(),
            until: waiver.until.map(|until| until.to_string()),
            expired: waiver.expired(today),
        })
    }

    /// The waived ids, with where they stand, in the order of the files.
    pub fn ids(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.waivers.iter().map(|waiver| (waiver.id.as_str(), &waiver.place))
    }

    /// Refuses waivers of controls that are not there; `known` are the ids of all controls
    /// of the run's profiles, selected or not.
    ///
    /// # Errors
    /// The first unknown id with its place, and the nearest known one.
    pub fn refuse_unknown<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        if self.waivers.is_empty() {
            return Ok(());
        }
        let known: std::collections::BTreeSet<&str> = known.into_iter().collect();
        let Some(unknown) = self.waivers.iter().find(|waiver| !known.contains(waiver.id.as_str())) else {
            return Ok(());
        };
        let message = format!("there is no control {} to waive", unknown.id);
        let error = match self.documents.get(unknown.document) {
            Some(document) => document.error(&unknown.place, message),
            None => Error::usage(message).at(unknown.place.clone()),
        };
        // A list of hundreds of ids would help nobody.
        Err(match crate::error::nearest(&unknown.id, known.iter().copied()) {
            None if known.len() > 20 => error.hint("probity describe PROFILE lists the controls"),
            _ => error.hint(did_you_mean(&unknown.id, known.iter().copied())),
        })
    }
}

fn waiver(document: &Document, id: String, place: &Place, fields: &Map, number: usize) -> Result<Waiver, Error> {
    let justification = match fields.get("justification") {
        Some(field) => match field.value.as_str().map(str::trim) {
            Some(text) if !text.is_empty() => text.to_string(),
            _ => return Err(document.error(&field.value.place, "justification is no text").hint("say why, in quotes")),
        },
        None => {
            return Err(document
                .error(place, format!("the waiver of {id} has no justification"))
                .hint("add justification: with the reason"));
        }
    };
    Ok(Waiver {
        justification,
        until: fields.get("until").map(|field| date(document, &field.value)).transpose()?,
        nodes: fields.get("nodes").map_or(Ok(Vec::new()), |field| nodes(document, &field.value))?,
        place: place.clone(),
        document: number,
        id,
    })
}

fn date(document: &Document, located: &Located) -> Result<Date, Error> {
    let written = located.text().unwrap_or_default();
    // jiff reads a date out of a date and time too, which would hide a time of day.
    let date = if written.len() == "2026-12-31".len() { written.parse().ok() } else { None };
    date.ok_or_else(|| {
        let shown = located.text().map_or_else(|| located.type_name().to_string(), |text| format!("{text:?}"));
        document
            .error(&located.place, format!("until is {shown}, not a date"))
            .hint("write the last day the waiver holds (UTC), such as 2026-12-31")
    })
}

fn nodes(document: &Document, located: &Located) -> Result<Vec<String>, Error> {
    let wrong = |located: &Located| {
        document
            .error(&located.place, "nodes is no list of names of nodes")
            .hint("write it as [web-1, db-*], or leave it out for all nodes")
    };
    // An empty list is no way to say "none": it would waive everywhere.
    let items = located.as_list().filter(|items| !items.is_empty()).ok_or_else(|| wrong(located))?;
    let name = |item: &Located| item.text().filter(|name| !name.is_empty()).map(str::to_string);
    items.iter().map(|item| name(item).ok_or_else(|| wrong(item))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn read(texts: &[&str]) -> Result<Waivers, Error> {
        let mut waivers = Waivers::default();
        for (number, text) in texts.iter().enumerate() {
            waivers.add(Document::parse(format!("w{number}.yml"), text.as_bytes())?)?;
        }
        Ok(waivers)
    }

    #[test]
    fn an_id_is_text_in_a_map_and_in_a_list() {
        let waivers =
            read(&["9.10: {justification: x}\n007: {justification: y}\n", "- {id: 9.1, justification: z}\n"]).unwrap();
        assert_eq!(waivers.ids().map(|(id, _)| id).collect::<Vec<_>>(), ["9.10", "007", "9.1"]);
        let justification = |id| waivers.for_control(id, "n", date(2026, 1, 1)).map(|waiver| waiver.justification);
        assert_eq!(justification("9.10").as_deref(), Some("x"));
        assert_eq!(justification("9.1").as_deref(), Some("z"));
        assert_eq!(justification("9"), None);
    }

    #[test]
    fn the_last_day_is_included_and_the_next_is_not() {
        let waivers = read(&["a: {justification: x, until: 2026-12-31}"]).unwrap();
        let expired = |today| waivers.for_control("a", "n", today).unwrap().expired;
        assert!(!expired(date(2026, 12, 31)));
        assert!(expired(date(2027, 1, 1)));
        assert_eq!(waivers.for_control("a", "n", date(2027, 1, 1)).unwrap().until.as_deref(), Some("2026-12-31"));
    }

    #[test]
    fn a_waiver_holds_on_its_nodes_only_and_one_that_holds_comes_first() {
        let waivers = read(&[
            "- {id: a, justification: old, until: 2025-01-01}\n- {id: a, justification: web, nodes: [web-*, 5]}\n",
            "- {id: a, justification: older, until: 2024-01-01, nodes: ['*']}\n",
        ])
        .unwrap();
        let on = |node| {
            waivers.for_control("a", node, date(2026, 1, 1)).map(|waiver| (waiver.justification, waiver.expired))
        };
        assert_eq!(on("web-7"), Some(("web".to_string(), false)));
        assert_eq!(on("5"), Some(("web".to_string(), false)));
        assert_eq!(on("db"), Some(("old".to_string(), true)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases: [(&[&str], &str); 13] = [
            (&["a: {}\n"], "w0.yml:1:1: the waiver of a has no justification"),
            (&["a: x\n"], "w0.yml:1:4: the waiver of a is a string, not a map"),
            (&["a: {justification: ' '}\n"], "justification is no text"),
            (&["a: {justification: x, untill: 2026-12-31}\n"], "did you mean until?"),
            (&["a: {justification: x, id: b}\n"], "unknown key id"),
            (&["a: {justification: x, until: 31.12.2026}\n"], "until is \"31.12.2026\", not a date"),
            (&["a: {justification: x, until: 2026-02-30}\n"], "not a date"),
            (&["a: {justification: x, until: 2026-12-31T10:00}\n"], "not a date"),
            (&["a: {justification: x, nodes: []}\n"], "nodes is no list"),
            (&["a: {justification: x, nodes: web}\n"], "nodes is no list"),
            (&["- {justification: x}\n"], "w0.yml:1:3: the waiver has no id"),
            (
                &["a: {justification: x}\n", "- {id: a, justification: y}\n"],
                "w1.yml:1:8: control a is waived twice, first at w0.yml:1:1",
            ),
            (&["yes\n"], "neither a map of control ids nor a list"),
        ];
        for (texts, message) in cases {
            let error = read(texts).unwrap_err().to_string();
            assert!(error.contains(message), "{texts:?}: {error}");
        }
        assert!(read(&["", "# none\n"]).unwrap().ids().next().is_none());
    }

    #[test]
    fn an_unknown_id_is_refused_with_the_nearest() {
        let waivers = read(&["b: {justification: x}", "sshd-rot: {justification: x}\n"]).unwrap();
        let error = waivers.refuse_unknown(["b", "sshd-root"]).unwrap_err().to_string();
        assert!(error.starts_with("w1.yml:1:1: there is no control sshd-rot to waive\n    1 | sshd-rot:"), "{error}");
        assert!(error.ends_with("hint: did you mean sshd-root?"), "{error}");
        assert!(waivers.refuse_unknown(["sshd-rot", "b", "c"]).is_ok());
    }
}
