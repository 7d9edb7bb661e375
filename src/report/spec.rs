//! What `--reporter` says: which reporter, with which options, to where.

use super::table::{Kind, TABLE};
use crate::error::{Error, did_you_mean};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One `--reporter` value: `NAME[,OPTION=VALUE…][:PATH]`, such as `cli`,
/// `junit:out/junit.xml` or `junit,cases=expectation:out.xml`. Without a path, and with
/// `-`, the report goes to standard output.
#[derive(Debug, Clone)]
pub struct Spec {
    pub kind: &'static Kind,
    /// What was given of the reporter's options, all of them known and valid.
    pub options: Vec<(&'static str, &'static str)>,
    pub destination: Destination,
}

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    /// A path; `{node}` in it stands for the node's name and makes one file a node.
    Path(PathBuf),
}

impl Spec {
    /// What was chosen for an option; `None` when it was not given.
    pub fn option(&self, name: &str) -> Option<&'static str> {
        self.options.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    /// The same with a path that starts from a folder.
    #[must_use]
    pub fn from_folder(mut self, folder: &Path) -> Spec {
        if let Destination::Path(path) = &mut self.destination {
            *path = folder.join(&*path);
        }
        self
    }

    /// Whether the report is one file a node.
    pub fn per_node(&self) -> bool {
        matches!(&self.destination, Destination::Path(path) if path.to_string_lossy().contains("{node}"))
    }
}

impl FromStr for Spec {
    type Err = Error;

    /// Reads a `--reporter` value.
    ///
    /// # Errors
    ///
    /// When the reporter, one of its options, an option's value or a placeholder of the
    /// path is unknown, or the path is empty.
    fn from_str(text: &str) -> Result<Spec, Error> {
        let (head, path) = match text.split_once(':') {
            Some((head, path)) => (head, Some(path)),
            None => (text, None),
        };
        let mut parts = head.split(',');
        let name = parts.next().unwrap_or_default().trim();
        let Some(kind) = TABLE.iter().find(|kind| kind.name == name) else {
            let error = Error::usage(format!("unknown reporter {name:?} in --reporter {text:?}"));
            return Err(error.hint(did_you_mean(name, TABLE.iter().map(|kind| kind.name))));
        };
        let mut options = Vec::new();
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let Some(option) = kind.options.iter().find(|option| option.name == key.trim()) else {
                let error = Error::usage(format!("reporter {name} has no option {key:?}"));
                return Err(error.hint(did_you_mean(key, kind.options.iter().map(|option| option.name))));
            };
            let Some(value) = option.values.iter().find(|known| **known == value.trim()) else {
                let error = Error::usage(format!("option {} of reporter {name} cannot be {value:?}", option.name));
                return Err(error.hint(format!("write {}={}", option.name, option.values.join(" or "))));
            };
            if options.iter().any(|(known, _)| *known == option.name) {
                return Err(Error::usage(format!("option {} of reporter {name} is given twice", option.name)));
            }
            options.push((option.name, *value));
        }
        let destination = match path {
            None | Some("-") => Destination::Stdout,
            Some("") => {
                let error = Error::usage(format!("no path after {head:?} in --reporter {text:?}"));
                return Err(error.hint(format!("write {head}:PATH, or {head} for standard output")));
            }
            Some(path) => {
                if let Some(unknown) = placeholders(path).find(|name| *name != "node") {
                    let error = Error::usage(format!("the path of --reporter {text:?} holds {{{unknown}}}"));
                    return Err(error.hint("{node} is all that can stand in a path"));
                }
                Destination::Path(PathBuf::from(path))
            }
        };
        Ok(Spec { kind, options, destination })
    }
}

/// The words in braces of a path.
fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    let words = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(word, _)| word);
    words.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Spec>().expect_err(text).to_string()
    }

    #[test]
    fn names_options_and_paths_are_told_apart() {
        let spec: Spec = "junit,cases=expectation:out/a:b.xml".parse().unwrap();
        assert_eq!(spec.kind.name, "junit");
        assert_eq!(spec.option("cases"), Some("expectation"));
        assert_eq!(spec.destination, Destination::Path("out/a:b.xml".into()));
        assert_eq!("cli".parse::<Spec>().unwrap().destination, Destination::Stdout);
        assert_eq!("cli:-".parse::<Spec>().unwrap().destination, Destination::Stdout);
        assert!("json:out/{node}.json".parse::<Spec>().unwrap().per_node());
    }

    #[test]
    fn what_is_unknown_is_refused_with_the_nearest_name() {
        assert!(refused("junti:out.xml").contains("did you mean junit?"));
        assert!(refused("").contains("there are: "));
        assert!(refused("junit,case=control").contains("did you mean cases?"));
        assert!(refused("junit,cases=step").contains("cases=control or expectation"));
        assert!(refused("junit,cases=control,cases=control").contains("twice"));
        assert!(refused("cli,cases=control").contains("there are none"));
        assert!(refused("junit:").contains("junit:PATH"));
        assert!(refused("junit:out/{nde}.xml").contains("{node} is all"));
        assert!("junit:out/{a b}{}.xml".parse::<Spec>().is_ok());
    }
}
