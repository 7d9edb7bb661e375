//! Sources as people write them: on the command line and in files.

use super::{From, Source};
use crate::error::{Error, nearest};
use crate::inventory::ansible::words;
use crate::inventory::kind::Kind;
use crate::inventory::rules;
use crate::value::duration::milliseconds;
use crate::yaml::{Data, Document, Field, Located, Map};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The word for a program that prints an inventory.
const COMMAND: &str = "command";

/// The keys that say what is read, one of which is there.
const ORIGINS: [&str; 9] =
    ["file", COMMAND, "probity", "ansible", "terraform", "kubectl", "vagrant", "docker", "podman"];

/// The keys that go with each of them.
const OPTIONS: [&str; 3] = ["format", "allow_empty", "timeout"];

/// Keys below `terraform` and `kubectl`.
const TERRAFORM: [&str; 3] = ["dir", "file", "program"];
const KUBECTL: [&str; 3] = ["context", "kubeconfig", "selector"];

impl FromStr for Source {
    type Err = Error;

    /// Reads `FILE`, `KIND:FILE`, `KIND:`, `command:PROGRAM ARGUMENT…` or `-`. A file that is there wins
    /// over a `KIND:` that its name begins with.
    ///
    /// # Errors
    /// A kind that is misspelt, and nothing behind it.
    fn from_str(text: &str) -> Result<Source, Error> {
        Source::parse(text, Path::new(""))
    }
}

impl Source {
    /// Reads a text as [`Source::from_str`] does, where relative paths begin in `folder`.
    ///
    /// # Errors
    /// As there.
    pub fn parse(text: &str, folder: &Path) -> Result<Source, Error> {
        if text.trim().is_empty() {
            return Err(Error::usage("an inventory without a name").hint("name a file"));
        }
        if text == "-" {
            return Ok(Source::new(From::StandardInput, None));
        }
        let named = text.split_once(':').filter(|(word, _)| {
            word.bytes().all(|byte| byte.is_ascii_lowercase()) && !word.is_empty() && !folder.join(text).exists()
        });
        let Some((word, rest)) = named else { return Ok(Source::of_path(text)) };
        if word == COMMAND {
            let words = words(rest).map_err(|what| Error::usage(format!("{text}: {what}")))?;
            return match words.is_empty() {
                true => Err(Error::usage(format!("{text} names no program")).hint("write command:PROGRAM ARGUMENT…")),
                false => Ok(Source::new(From::Command(words), None)),
            };
        }
        let Ok(kind) = word.parse::<Kind>() else {
            return match nearest(word, Kind::ALL.map(Kind::name).into_iter().chain([COMMAND])) {
                Some(near) => {
                    Err(Error::usage(format!("{text} is no file, and there is no kind {word} of inventories"))
                        .hint(format!("did you mean {near}:?")))
                }
                None => Ok(Source::of_path(text)),
            };
        };
        match rest {
            "" => match tool(kind) {
                Some(words) => Ok(Source::new(From::Tool(words, PathBuf::new()), Some(kind))),
                None => Err(Error::usage(format!("{text} names no file")).hint(format!("write {kind}:FILE"))),
            },
            "-" => Ok(Source::new(From::StandardInput, Some(kind))),
            path => Ok(Source::new(From::Path(PathBuf::from(path)), Some(kind))),
        }
    }

    /// Reads what a file says of a source: a text as on the command line, or a map with one of
    /// `file`, `command` (a list of words, or one text) and the kinds (`terraform: FOLDER`), and as
    /// wanted `format` (the kind of a file or of what a command prints), `allow_empty` (true: no
    /// nodes are no error), `timeout` (of a program) and rules. Relative paths begin in `folder`.
    ///
    /// # Errors
    /// Everything that is wrong, with its place.
    pub fn from_yaml(document: &Document, value: &Located, folder: &Path) -> Result<Source, Vec<Error>> {
        let one = |error: Error| vec![error];
        if let Some(text) = value.as_str() {
            return Source::parse(text, folder).map_err(|error| one(located(document, value, error)));
        }
        let keys: Vec<&str> = ORIGINS.into_iter().chain(OPTIONS).chain(rules::KEYS).collect();
        let fields = document.fields(value, "the inventory", &keys).map_err(one)?;
        let mut origins = fields.iter().filter(|(key, _)| ORIGINS.contains(&key.as_str()));
        let (key, field) = match (origins.next(), origins.next()) {
            (Some(first), None) => first,
            (Some((first, _)), Some((second, field))) => {
                let error = document.error(&field.key, format!("the inventory has {first} and {second}"));
                return Err(one(error.hint("leave one out; a folder of files adds several up")));
            }
            (None, _) => {
                let error = document.error(&value.place, "the inventory does not say what it is read from");
                return Err(one(error.hint(format!("write one of {}", ORIGINS.join(", ")))));
            }
        };
        let mut source = origin(document, key, field).map_err(one)?;
        let mut errors = Vec::new();
        for (key, field) in fields {
            errors.extend(source.option(document, key, field).err());
        }
        match rules::read(document, fields) {
            Ok(rules) => source.rules = Arc::new(rules),
            Err(more) => errors.extend(more),
        }
        let ruled = fields.iter().find(|(key, _)| rules::KEYS.contains(&key.as_str()));
        if let (Some((key, field)), Some(kind)) = (ruled, source.kind)
            && !kind.takes_rules()
        {
            let error =
                document.error(&field.key, format!("{key} is a rule for machines, and {kind} names its nodes itself"));
            errors.push(error.hint("a folder of files adds an inventory with groups and attributes"));
        }
        if errors.is_empty() { Ok(source) } else { Err(errors) }
    }

    /// The source a file describes, if it describes one instead of being an inventory.
    ///
    /// # Errors
    /// What [`Source::from_yaml`] refuses.
    pub(super) fn in_file(file: &Path, bytes: &[u8]) -> Result<Option<Source>, Vec<Error>> {
        let named = |line: &[u8]| {
            let word = line.split(|byte| *byte == b':').next().filter(|word| word.len() < line.len());
            word.and_then(|word| std::str::from_utf8(word).ok()).is_some_and(|word| ORIGINS.contains(&word))
        };
        // Most files are inventories, and are not parsed twice.
        if !bytes.split(|byte| *byte == b'\n').any(named) {
            return Ok(None);
        }
        let Ok(document) = Document::parse(file, bytes) else { return Ok(None) };
        let describes = |map: &Map| {
            // A group of Ansible may be called docker.
            let is_group = |field: &Field| {
                let group = field.value.as_map();
                group.is_some_and(|group| ["hosts", "vars", "children"].iter().any(|key| group.contains_key(*key)))
            };
            map.iter().any(|(key, field)| ORIGINS.contains(&key.as_str()) && !is_group(field))
                && !map.contains_key("nodes")
        };
        match document.root.as_map().is_some_and(describes) {
            true => {
                let folder = file.parent().unwrap_or(Path::new(""));
                Source::from_yaml(&document, &document.root, folder).map(Some)
            }
            false => Ok(None),
        }
    }

    /// Takes a key that goes with each source.
    fn option(&mut self, document: &Document, key: &str, field: &Field) -> Result<(), Error> {
        let wrong = |message: &str| document.error(&field.value.place, message);
        match key {
            "format" => {
                let word = text(document, key, field)?;
                let kind: Kind = word.parse().map_err(|error| located(document, &field.value, error))?;
                if self.kind.is_some_and(|known| known != kind) {
                    return Err(document.error(&field.key, "format goes with file and command alone"));
                }
                self.kind = Some(kind);
            }
            "allow_empty" => match field.value.value {
                Data::Bool(allow) => self.allow_empty = allow,
                _ => return Err(wrong("allow_empty is true or false")),
            },
            "timeout" => match milliseconds(&field.value.to_value()) {
                Some(time @ 1..) => self.time_limit = Some(Duration::from_millis(time)),
                _ => {
                    return Err(
                        wrong("timeout is no length of time").hint("write a number with a unit, such as 30s or 2m")
                    );
                }
            },
            _ => {}
        }
        Ok(())
    }
}

/// The command that has the tool of a kind print its nodes.
fn tool(kind: Kind) -> Option<Vec<String>> {
    let words: &[&str] = match kind {
        Kind::Kubectl => &["kubectl", "get", "nodes", "-o", "json"],
        Kind::Docker => &["docker", "ps", "--no-trunc", "--format", "json"],
        Kind::Podman => &["podman", "ps", "--no-trunc", "--format", "json"],
        Kind::Vagrant => &["vagrant", "ssh-config"],
        Kind::Probity | Kind::Ansible | Kind::Terraform => return None,
    };
    Some(words.iter().map(|word| word.to_string()).collect())
}

/// What one of the keys says that name what is read.
fn origin(document: &Document, key: &str, field: &Field) -> Result<Source, Error> {
    let value = &field.value;
    if key == COMMAND {
        return Ok(Source::new(From::Command(command(document, field)?), None));
    }
    if key == "file" {
        return Ok(Source::of_path(text(document, key, field)?));
    }
    let kind: Kind = key.parse()?;
    match (&value.value, kind) {
        (Data::Str(path), _) if !path.is_empty() => Ok(Source::new(From::Path(path.into()), Some(kind))),
        (Data::Null, _) if tool(kind).is_some() => {
            Ok(Source::new(From::Tool(tool(kind).unwrap_or_default(), PathBuf::new()), Some(kind)))
        }
        (Data::Map(_), Kind::Terraform) => terraform(document, value),
        (Data::Map(_), Kind::Kubectl) => kubectl(document, value),
        _ => {
            let error = document.error(&value.place, format!("{key} is {}, not a path", value.type_name()));
            Err(error.hint(format!("write {key}: PATH")))
        }
    }
}

/// `{ dir: FOLDER, program: tofu }` or `{ file: FILE }`.
fn terraform(document: &Document, value: &Located) -> Result<Source, Error> {
    let fields = document.fields(value, "terraform", &TERRAFORM)?;
    let given = |key: &str| fields.get(key).map(|field| text(document, key, field)).transpose();
    match (given("dir")?, given("file")?, given("program")?) {
        (None, Some(file), None) => Ok(Source::new(From::Path(file.into()), Some(Kind::Terraform))),
        (dir, None, None) => {
            Ok(Source::new(From::Path(dir.unwrap_or_else(|| ".".to_string()).into()), Some(Kind::Terraform)))
        }
        (dir, None, Some(program)) => {
            let words = vec![program, "show".to_string(), "-json".to_string()];
            Ok(Source::new(From::Tool(words, dir.unwrap_or_default().into()), Some(Kind::Terraform)))
        }
        (_, Some(_), _) => {
            Err(document.error(&value.place, "terraform has a file and something else").hint("leave one out"))
        }
    }
}

/// `{ context: NAME, kubeconfig: FILE, selector: LABELS }`, which become flags of kubectl.
fn kubectl(document: &Document, value: &Located) -> Result<Source, Error> {
    let fields = document.fields(value, "kubectl", &KUBECTL)?;
    let mut words = tool(Kind::Kubectl).unwrap_or_default();
    for (key, field) in fields {
        words.push(format!("--{key}={}", text(document, key, field)?));
    }
    Ok(Source::new(From::Tool(words, PathBuf::new()), Some(Kind::Kubectl)))
}

/// An error about a value that is written at a place.
fn located(document: &Document, value: &Located, error: Error) -> Error {
    let mut found = document.error(&value.place, error.message);
    found.hints = error.hints;
    found
}

fn text(document: &Document, key: &str, field: &Field) -> Result<String, Error> {
    match field.value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_string()),
        Some(_) => Err(document.error(&field.value.place, format!("{key} is empty"))),
        None => Err(document.error(&field.value.place, format!("{key} is {}, not a string", field.value.type_name()))),
    }
}

/// The words of a command: a list, or one text that is split as a shell does.
fn command(document: &Document, field: &Field) -> Result<Vec<String>, Error> {
    let value = &field.value;
    let found = match &value.value {
        Data::List(items) => {
            let word = |item: &Located| {
                let wrong = || document.error(&item.place, format!("a word of command is {}", item.type_name()));
                item.text().map(str::to_string).ok_or_else(wrong)
            };
            items.iter().map(word).collect::<Result<Vec<_>, _>>()?
        }
        _ => {
            let line = text(document, "command", field)?;
            words(&line).map_err(|what| document.error(&value.place, format!("command: {what}")))?
        }
    };
    match found.first().is_some_and(|program| !program.is_empty()) {
        true => Ok(found),
        false => Err(document.error(&value.place, "command names no program")),
    }
}
