//! Which controls of a run are to be checked: by id, by tag, by impact.

use super::pattern::Pattern;
use crate::error::{Error, nearest};
use crate::value::Value;
use indexmap::IndexMap;

/// What `--controls`, `--tags` and `--impact-at-least` ask for. A control has to fit each
/// kind that is given, and within a kind any one of its patterns.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    ids: Vec<Pattern>,
    tags: Vec<TagPattern>,
    impact: Option<f64>,
}

/// The facts of a control that a selection looks at.
#[derive(Debug, Clone, Copy)]
pub struct Selectable<'a> {
    pub id: &'a str,
    pub tags: &'a IndexMap<String, Value>,
    pub impact: f64,
}

#[derive(Debug, Clone)]
struct TagPattern {
    key: String,
    value: Option<String>,
}

impl Selection {
    /// Reads the patterns: an id is taken as it stands, as a glob where it holds one of
    /// `*?[{`, as a regular expression (found anywhere in the id) between slashes; a tag
    /// is `key` or `key=value`; an impact is from 0 to 1.
    ///
    /// # Errors
    /// Every pattern that cannot be read, each an error of its own.
    pub fn new(ids: &[String], tags: &[String], impact_at_least: Option<f64>) -> Result<Selection, Vec<Error>> {
        let mut errors = Vec::new();
        let mut selection = Selection { impact: impact_at_least, ..Selection::default() };
        for text in ids {
            match Pattern::parse("--controls", text) {
                Ok(pattern) => selection.ids.push(pattern),
                Err(error) => errors.push(error),
            }
        }
        for text in tags {
            match TagPattern::parse(text) {
                Ok(pattern) => selection.tags.push(pattern),
                Err(error) => errors.push(error),
            }
        }
        if let Some(impact) = impact_at_least
            && !(0.0..=1.0).contains(&impact)
        {
            errors.push(Error::usage(format!("--impact-at-least {impact}: an impact is a number from 0 to 1")));
        }
        if errors.is_empty() { Ok(selection) } else { Err(errors) }
    }

    /// Whether every control is selected.
    pub fn is_everything(&self) -> bool {
        self.ids.is_empty() && self.tags.is_empty() && self.impact.is_none()
    }

    /// Whether a control is selected.
    pub fn fits(&self, id: &str, tags: &IndexMap<String, Value>, impact: f64) -> bool {
        (self.ids.is_empty() || self.ids.iter().any(|pattern| pattern.fits(id)))
            && (self.tags.is_empty() || self.tags.iter().any(|pattern| pattern.fits(tags)))
            && self.impact.is_none_or(|least| impact >= least)
    }

    /// What of the selection selects nothing among all `controls` of the run. A pattern
    /// that matches nothing is a slip of the pen that would otherwise end as a green run.
    ///
    /// # Errors
    /// Every pattern that matches no control, with the nearest there is; and patterns that
    /// match something each and nothing together.
    pub fn verify(&self, controls: &[Selectable<'_>]) -> Result<(), Vec<Error>> {
        let mut errors = Vec::new();
        for pattern in &self.ids {
            if !controls.iter().any(|control| pattern.fits(control.id)) {
                errors.push(unmatched_id(pattern, controls));
            }
        }
        for pattern in &self.tags {
            if !controls.iter().any(|control| pattern.fits(control.tags)) {
                errors.push(pattern.unmatched(controls));
            }
        }
        if let Some(least) = self.impact
            && !controls.iter().any(|control| control.impact >= least)
        {
            let error = Error::usage(format!("--impact-at-least {least}: no control has such an impact"));
            let highest = controls.iter().map(|control| control.impact).max_by(f64::total_cmp);
            errors.push(match highest {
                Some(highest) => error.hint(format!("the highest impact is {highest}")),
                None => error.hint("there are no controls"),
            });
        }
        let selected = |control: &Selectable<'_>| self.fits(control.id, control.tags, control.impact);
        if errors.is_empty() && !self.is_everything() && !controls.iter().any(selected) {
            errors.push(
                Error::usage(format!("no control fits {} together", self.options().join(" and ")))
                    .hint("a control has to fit each of these options; give fewer of them"),
            );
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn options(&self) -> Vec<&'static str> {
        let given = [
            (!self.ids.is_empty(), "--controls"),
            (!self.tags.is_empty(), "--tags"),
            (self.impact.is_some(), "--impact-at-least"),
        ];
        given.into_iter().filter(|(given, _)| *given).map(|(_, option)| option).collect()
    }
}

fn unmatched_id(pattern: &Pattern, controls: &[Selectable<'_>]) -> Error {
    let error = Error::usage(format!("--controls {:?} matches no control", pattern.text()));
    match pattern.near(controls.iter().map(|control| control.id)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint("`probity describe` lists the controls of a profile"),
    }
}

impl TagPattern {
    fn parse(text: &str) -> Result<TagPattern, Error> {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (text.trim(), None),
        };
        if key.is_empty() || value == Some("") {
            return Err(Error::usage(format!("--tags {text:?}: write a tag as KEY or KEY=VALUE")));
        }
        Ok(TagPattern { key: key.to_string(), value: value.map(str::to_string) })
    }

    fn fits(&self, tags: &IndexMap<String, Value>) -> bool {
        match (tags.get(&self.key), &self.value) {
            // A tag that is false is there to say no.
            (None | Some(Value::Bool(false)), None) => false,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(value), Some(wanted)) => texts(value).iter().any(|text| text == wanted),
        }
    }

    fn unmatched(&self, controls: &[Selectable<'_>]) -> Error {
        let Some(wanted) = &self.value else {
            let error = Error::usage(format!("--tags {}: no control has this tag", self.key));
            return self.with_near_key(error, controls);
        };
        let error = Error::usage(format!("--tags {}={wanted}: no control has this tag with this value", self.key));
        let values: Vec<String> =
            controls.iter().filter_map(|control| control.tags.get(&self.key)).flat_map(texts).collect();
        if values.is_empty() {
            return self.with_near_key(error, controls);
        }
        match nearest(wanted, values.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean {}={near}?", self.key)),
            None => error,
        }
    }

    fn with_near_key(&self, error: Error, controls: &[Selectable<'_>]) -> Error {
        let keys = controls.iter().flat_map(|control| control.tags.keys()).map(String::as_str);
        match nearest(&self.key, keys.filter(|key| *key != self.key)) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        }
    }
}

/// The texts a tag's value can be named by: of a list, those of its elements.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Nil | Value::Map(_) => Vec::new(),
        Value::List(items) => items.iter().flat_map(texts).collect(),
        other => vec![other.as_text().map_or_else(|| other.to_string(), std::borrow::Cow::into_owned)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(entries: &[(&str, Value)]) -> IndexMap<String, Value> {
        entries.iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
    }

    fn selection(ids: &[&str], tags: &[&str], impact: Option<f64>) -> Result<Selection, Vec<Error>> {
        let strings = |items: &[&str]| items.iter().map(|item| item.to_string()).collect::<Vec<_>>();
        Selection::new(&strings(ids), &strings(tags), impact)
    }

    /// The ids that are selected of a small profile, or the errors.
    fn selected(ids: &[&str], patterns: &[&str], impact: Option<f64>) -> Result<Vec<&'static str>, String> {
        let nist = Value::strings(["AC-6", "IA-2"]);
        let controls = [
            ("sshd-root-login", tags(&[("cis", "5.1.20".into()), ("nist", nist)]), 0.9),
            ("sshd-ciphers", tags(&[("cis", "5.1.4".into()), ("level", 2.into())]), 0.7),
            ("passwd-mode", tags(&[("cis", "7.1.1".into()), ("slow", false.into())]), 0.5),
            ("odd[1]", tags(&[("slow", Value::Nil)]), 0.0),
        ];
        let joined = |errors: Vec<Error>| errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n");
        let selection = selection(ids, patterns, impact).map_err(joined)?;
        let all: Vec<Selectable<'_>> =
            controls.iter().map(|(id, tags, impact)| Selectable { id, tags, impact: *impact }).collect();
        selection.verify(&all).map_err(joined)?;
        Ok(controls.iter().filter(|(id, tags, impact)| selection.fits(id, tags, *impact)).map(|(id, ..)| *id).collect())
    }

    #[test]
    fn ids_globs_and_regular_expressions_select() {
        assert_eq!(selected(&[], &[], None).unwrap().len(), 4);
        assert_eq!(selected(&["passwd-mode"], &[], None).unwrap(), ["passwd-mode"]);
        assert_eq!(selected(&["sshd-*"], &[], None).unwrap(), ["sshd-root-login", "sshd-ciphers"]);
        assert_eq!(selected(&["/root|mode/"], &[], None).unwrap(), ["sshd-root-login", "passwd-mode"]);
        assert_eq!(selected(&["passwd-mode", "*ciphers"], &[], None).unwrap(), ["sshd-ciphers", "passwd-mode"]);
        assert_eq!(selected(&["odd[1]"], &[], None).unwrap(), ["odd[1]"]);
    }

    #[test]
    fn tags_select_by_key_by_value_and_in_lists() {
        assert_eq!(selected(&[], &["cis"], None).unwrap().len(), 3);
        assert_eq!(selected(&[], &["cis=5.1.4"], None).unwrap(), ["sshd-ciphers"]);
        assert_eq!(selected(&[], &["nist=IA-2"], None).unwrap(), ["sshd-root-login"]);
        assert_eq!(selected(&[], &["level=2"], None).unwrap(), ["sshd-ciphers"]);
        assert_eq!(selected(&[], &["slow"], None).unwrap(), ["odd[1]"]);
        assert_eq!(selected(&[], &["slow=false"], None).unwrap(), ["passwd-mode"]);
    }

    #[test]
    fn kinds_are_joined_by_and() {
        assert_eq!(selected(&["sshd-*"], &["cis"], Some(0.8)).unwrap(), ["sshd-root-login"]);
        let error = selected(&["passwd-mode"], &[], Some(0.9)).unwrap_err();
        assert!(error.contains("--controls and --impact-at-least together"), "{error}");
    }

    #[test]
    fn what_matches_nothing_is_an_error_with_the_nearest() {
        let error = selected(&["sshd-root-logn", "sshd-*"], &[], None).unwrap_err();
        assert!(error.contains("did you mean sshd-root-login?") && !error.contains("sshd-*"), "{error}");
        assert!(selected(&[], &["cos"], None).unwrap_err().contains("did you mean cis?"));
        assert!(selected(&[], &["nist=AC-7"], None).unwrap_err().contains("did you mean nist=AC-6?"));
        assert!(selected(&["/none/"], &[], None).unwrap_err().contains("matches no control"));
        assert!(selected(&[], &[], Some(0.95)).unwrap_err().contains("the highest impact is 0.9"));
    }

    #[test]
    fn patterns_that_cannot_be_read_are_all_reported() {
        let error = selected(&["/(/", "", "/open", "[z-"], &["=x", "cis="], Some(1.5)).unwrap_err();
        for part in ["unclosed group", "an empty pattern", "write /…/", "not a glob", "KEY=VALUE", "from 0 to 1"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(selected(&[], &[], Some(f64::NAN)).is_err());
    }
}
