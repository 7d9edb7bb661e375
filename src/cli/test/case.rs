//! What a test says: a file of `tests/` in a profile.

use crate::cli::Errors;
use crate::error::{Error, Place, did_you_mean};
use crate::profile::Profile;
use crate::results::Outcome;
use crate::yaml::{Document, Located};
use std::path::PathBuf;
use std::sync::Arc;

const KEYS: [&str; 3] = ["recording", "attributes", "expect"];
/// The key that stands for every control that is not named.
const ALL_OTHERS: &str = "*";
/// The outcomes a control can have without a waiver.
const OUTCOMES: [Outcome; 5] =
    [Outcome::Passed, Outcome::Failed, Outcome::Errored, Outcome::Skipped, Outcome::NotApplicable];

/// One test.
pub struct Case {
    /// As places name it.
    pub file: PathBuf,
    /// The recording by its path in the profile, where that is written, and its bytes.
    pub recording: Arc<str>,
    pub content: Arc<[u8]>,
    /// The document whose root is the map of attributes.
    pub attributes: Option<Arc<Document>>,
    /// What is expected of controls that are named.
    pub named: Vec<Expected>,
    /// What is expected of all others; `None`: they are not looked at.
    pub others: Option<Expected>,
    document: Document,
}

/// What is expected of a control.
pub struct Expected {
    pub control: String,
    pub place: Place,
    pub outcome: Outcome,
    /// A text that a result of the control contains.
    pub message: Option<String>,
}

impl Case {
    /// The tests of a profile, in the order of their names.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn all(profile: &Profile) -> Result<Vec<Case>, Errors> {
        let (mut cases, mut errors) = (Vec::new(), Vec::new());
        for (path, bytes) in profile.files() {
            let name = path.strip_prefix("tests/").filter(|name| !name.contains('/'));
            if !name.is_some_and(|name| name.ends_with(".yml") || name.ends_with(".yaml")) {
                continue;
            }
            match Document::parse(profile.path_of(path), bytes).and_then(|document| Case::read(profile, document)) {
                Ok(case) => cases.push(case),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(cases) } else { Err(Errors(errors)) }
    }

    fn read(profile: &Profile, document: Document) -> Result<Case, Error> {
        let fields = document.fields(&document.root, "a test", &KEYS)?;
        let missing = |key: &str, hint: &str| {
            document.error(&document.root.place, format!("the test has no {key}")).hint(hint.to_string())
        };
        let hint = "name a file of the profile, such as recording: tests/web1.recording";
        let recording = &fields.get("recording").ok_or_else(|| missing("recording", hint))?.value;
        let (recording, content) = recording_of(profile, &document, recording)?;
        let expect = fields.get("expect").ok_or_else(|| missing("expect", "name controls and their outcomes"))?;
        let map = expect.value.as_map().filter(|map| !map.is_empty()).ok_or_else(|| {
            let message = format!("expect is {}, not a map of controls to outcomes", expect.value.type_name());
            document.error(&expect.value.place, message).hint("write for example \"*\": passed")
        })?;
        let (mut named, mut others) = (Vec::new(), None);
        for (control, field) in map {
            let expected = expected(&document, control, &field.key, &field.value)?;
            match control.as_str() {
                ALL_OTHERS => others = Some(expected),
                _ => named.push(expected),
            }
        }
        let attributes = fields.get("attributes").map(|field| {
            let mut document = document.clone();
            document.root = field.value.clone();
            Arc::new(document)
        });
        Ok(Case { file: document.file().to_path_buf(), recording, content, attributes, named, others, document })
    }

    /// An error at a control that is named, which is not one of `ids`.
    pub fn unknown(&self, expected: &Expected, ids: &[&str]) -> Error {
        let message = format!("the profile has no control {}", expected.control);
        self.document.error(&expected.place, message).hint(did_you_mean(&expected.control, ids.iter().copied()))
    }
}

fn recording_of(profile: &Profile, document: &Document, written: &Located) -> Result<(Arc<str>, Arc<[u8]>), Error> {
    let Some(path) = written.as_str() else {
        let message = format!("recording is {}, not the path of a file", written.type_name());
        return Err(document.error(&written.place, message));
    };
    if let Some((path, content)) = profile.files().get_key_value(path) {
        return Ok((path.clone(), content.clone()));
    }
    let files = profile.files().keys().filter(|path| path.starts_with("tests/") && !path.ends_with(".yml"));
    let files: Vec<&str> = files.map(|path| &**path).collect();
    let beside = format!("tests/{path}");
    let hint = match files.contains(&&*beside) {
        true => format!("paths begin at the profile: write {beside}"),
        false => did_you_mean(path, files.iter().copied()),
    };
    Err(document.error(&written.place, format!("the profile has no file {path}")).hint(hint))
}

fn expected(document: &Document, control: &str, place: &Place, value: &Located) -> Result<Expected, Error> {
    let of = |value: &Located, message| {
        let names = || OUTCOMES.map(Outcome::name);
        let word = value.text().unwrap_or_default();
        let outcome = OUTCOMES.into_iter().find(|outcome| outcome.name() == word).ok_or_else(|| {
            let what = value.text().map_or_else(|| value.type_name().to_string(), |word| format!("{word:?}"));
            document.error(&value.place, format!("{what} is no outcome of {control}")).hint(did_you_mean(word, names()))
        })?;
        Ok(Expected { control: control.to_string(), place: place.clone(), outcome, message })
    };
    if value.as_map().is_none() {
        return of(value, None);
    }
    let fields = document.fields(value, "what is expected", &["outcome", "message"])?;
    let Some(outcome) = fields.get("outcome") else {
        return Err(document.error(place, format!("{control} has no outcome")).hint("write outcome: failed"));
    };
    let message = match fields.get("message") {
        None => None,
        Some(field) => {
            Some(field.value.text().filter(|text| !text.is_empty()).map(str::to_string).ok_or_else(|| {
                document.error(&field.value.place, format!("message is {}, not a text", field.value.type_name()))
            })?)
        }
    };
    of(&outcome.value, message)
}
