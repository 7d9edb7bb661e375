//! `profile.yml`: what a profile is called, which nodes it is for, what it asks of a site.

use super::declaration::Declaration;
use super::wildcard;
use crate::error::Error;
use crate::results::event::PlatformSummary;
use crate::value::Value;
use crate::yaml::{Document, Field, Located, Map};
use indexmap::IndexMap;
use semver::{Version, VersionReq};
use std::sync::Arc;

/// The name of the manifest's file.
pub const FILE: &str = "profile.yml";
/// The longest name of a profile, in characters: it is part of file names and of reports.
const LONGEST_NAME: usize = 64;

/// The keys of a manifest.
pub const KEYS: &[&str] = &[
    "name",
    "version",
    "title",
    "summary",
    "maintainer",
    "license",
    "copyright",
    "supports",
    "requires",
    "attributes",
];

/// A manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Lowercase letters, digits, `-` and `_`.
    pub name: Arc<str>,
    pub version: Version,
    pub title: Option<Arc<str>>,
    pub summary: Option<Arc<str>>,
    pub maintainer: Option<Arc<str>>,
    pub license: Option<Arc<str>>,
    pub copyright: Option<Arc<str>>,
    /// The nodes the profile is for; empty means all.
    pub supports: Vec<Supports>,
    /// The versions of Probity the profile runs with.
    pub requires: Option<VersionReq>,
    /// The declared attributes by name, in the order of the manifest.
    pub attributes: IndexMap<Arc<str>, Declaration>,
}

/// One entry of `supports`: all it names has to fit. In each `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Supports {
    /// The family of the operating system, such as `debian` or `redhat`; `linux` is all.
    pub family: Option<String>,
    /// ID of os-release(5), such as `ubuntu`.
    pub name: Option<String>,
    /// VERSION_ID of os-release(5). `9.*` fits both `9` and `9.4`.
    pub release: Option<String>,
}

impl Supports {
    /// Whether a node of this platform is meant; letter case does not matter. `families`
    /// are those the platform belongs to besides its nearest one.
    pub fn fits(&self, platform: &PlatformSummary, families: &[Arc<str>]) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| wildcard::fits(&pattern.to_lowercase(), &text.to_lowercase()))
        };
        let linux = self.family.as_deref().is_some_and(|family| family.eq_ignore_ascii_case("linux"));
        let family = linux || families.iter().any(|family| fits(&self.family, family));
        let whole = self.release.as_deref().and_then(|pattern| pattern.strip_suffix(".*")) == Some(&platform.release);
        (family || fits(&self.family, &platform.family))
            && fits(&self.name, &platform.name)
            && (whole || fits(&self.release, &platform.release))
    }

    /// The entry as the manifest has it.
    pub fn to_value(&self) -> Value {
        let parts = [("family", &self.family), ("name", &self.name), ("release", &self.release)];
        let given = parts.into_iter().filter_map(|(key, part)| Some((key.to_string(), part.as_deref()?.into())));
        Value::Map(given.collect())
    }
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Broken YAML, an unknown key, a missing or wrong value, a `requires` that this
    /// Probity does not meet; each with its place and source line.
    pub fn read(document: &Document) -> Result<Manifest, Error> {
        let root = &document.root;
        if root.is_null() {
            return Err(document
                .error(&root.place, "the manifest is empty")
                .hint("it needs at least name and version"));
        }
        // First of all: a profile for a newer Probity may have keys this one does not know.
        let requires = requirement(document, root.as_map())?;
        let fields = document.fields(root, "the manifest", KEYS)?;
        let text = |key: &str| fields.get(key).map(|field| text(document, key, field)).transpose();
        Ok(Manifest {
            name: name(document, needed(document, fields, "name", "my-profile")?)?,
            version: version(document, needed(document, fields, "version", "1.0.0")?)?,
            title: text("title")?,
            summary: text("summary")?,
            maintainer: text("maintainer")?,
            license: text("license")?,
            copyright: text("copyright")?,
            supports: fields.get("supports").map_or(Ok(Vec::new()), |field| supports(document, &field.value))?,
            requires,
            attributes: fields.get("attributes").map_or(Ok(IndexMap::new()), |field| attributes(document, field))?,
        })
    }

    /// Whether the profile is for a node of this platform.
    pub fn supports(&self, platform: &PlatformSummary, families: &[Arc<str>]) -> bool {
        self.supports.is_empty() || self.supports.iter().any(|entry| entry.fits(platform, families))
    }

    /// The `supports` entries as the manifest has them.
    pub fn supports_value(&self) -> Value {
        Value::List(self.supports.iter().map(Supports::to_value).collect())
    }
}

/// Whether a text may be the name of a profile.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// What a name has to be, for hints.
pub const NAME_RULE: &str = "use lowercase letters, digits, - and _, a letter or digit first, 64 characters at most";

fn needed<'a>(document: &Document, fields: &'a Map, key: &str, example: &str) -> Result<&'a Field, Error> {
    fields.get(key).ok_or_else(|| {
        Error::usage(format!("the manifest has no {key}"))
            .in_file(document.file())
            .hint(format!("add {key}: {example}"))
    })
}

fn text(document: &Document, key: &str, field: &Field) -> Result<Arc<str>, Error> {
    field.value.as_str().map(Arc::from).ok_or_else(|| {
        let message = format!("{key} is {}, not a string", field.value.type_name());
        document.error(&field.value.place, message).hint("write text, in quotes where it looks like a number")
    })
}

fn name(document: &Document, field: &Field) -> Result<Arc<str>, Error> {
    let name = text(document, "name", field)?;
    if is_name(&name) {
        return Ok(name);
    }
    Err(document.error(&field.value.place, format!("{name:?} cannot be the name of a profile")).hint(NAME_RULE))
}

fn version(document: &Document, field: &Field) -> Result<Version, Error> {
    // `1.0` is a number to YAML; the message is about what was written.
    let written = field.value.text().unwrap_or_default();
    Version::parse(written).map_err(|error| {
        document
            .error(&field.value.place, format!("version {written:?} is no SemVer version: {error}"))
            .hint("write three numbers, such as 1.0.0 (https://semver.org)")
    })
}

fn requirement(document: &Document, fields: Option<&Map>) -> Result<Option<VersionReq>, Error> {
    let Some(field) = fields.and_then(|fields| fields.get("requires")) else { return Ok(None) };
    let written = field.value.text().unwrap_or_default();
    let required = VersionReq::parse(written).map_err(|error| {
        document
            .error(&field.value.place, format!("requires {written:?} is no requirement on Probity's version: {error}"))
            .hint("write it as \">= 0.1, < 2\"")
    })?;
    let here = env!("CARGO_PKG_VERSION");
    let met = Version::parse(here).is_ok_and(|here| required.matches(&here));
    if !met {
        return Err(document
            .error(&field.value.place, format!("the profile needs Probity {required}, this is {here}"))
            .hint("run it with a Probity that fits"));
    }
    Ok(Some(required))
}

fn supports(document: &Document, located: &Located) -> Result<Vec<Supports>, Error> {
    const KEYS: &[&str] = &["family", "name", "release"];
    let Some(entries) = located.as_list() else {
        return Err(document
            .error(&located.place, format!("supports is {}, not a list", located.type_name()))
            .hint("write a list of entries such as - family: debian"));
    };
    let read = |entry: &Located| {
        let fields = document.fields(entry, "an entry of supports", KEYS)?;
        let part = |key: &str| match fields.get(key) {
            None => Ok(None),
            // A release such as 22.04 is a number to YAML, and meant as it is written.
            Some(field) => match field.value.text() {
                Some(text) if !text.is_empty() => Ok(Some(text.to_string())),
                _ => Err(document.error(&field.value.place, format!("{key} is no text"))),
            },
        };
        let supports = Supports { family: part("family")?, name: part("name")?, release: part("release")? };
        if fields.is_empty() {
            return Err(document.error(&entry.place, "an entry of supports is empty"));
        }
        Ok(supports)
    };
    entries.iter().map(read).collect()
}

fn attributes(document: &Document, field: &Field) -> Result<IndexMap<Arc<str>, Declaration>, Error> {
    if field.value.is_null() {
        return Ok(IndexMap::new());
    }
    let Some(fields) = field.value.as_map() else {
        let message = format!("attributes is {}, not a map of names to declarations", field.value.type_name());
        return Err(document.error(&field.value.place, message));
    };
    let read = |(name, field): (&String, &Field)| {
        Declaration::read(document, name, field).map(|declaration| (declaration.name.clone(), declaration))
    };
    fields.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"name: ssh-baseline
version: 1.2.3-rc.1
title: SSH
summary: Sound settings of sshd
maintainer: Platform team
license: Apache-2.0
copyright: ACME
requires: ">= 0.1"
supports:
  - family: debian
  - name: ubuntu
    release: 22.04
attributes:
  tries: {type: integer, default: 4, min: 1}
  ciphers:
    type: list
    default: [aes256-ctr]
"#;

    fn read(text: &str) -> Result<Manifest, Error> {
        Manifest::read(&Document::parse("profile.yml", text.as_bytes())?)
    }

    fn platform(family: &str, name: &str, release: &str) -> PlatformSummary {
        PlatformSummary { name: name.into(), release: release.into(), family: family.into(), arch: "x86_64".into() }
    }

    #[test]
    fn a_manifest_is_read_whole() {
        let manifest = read(WHOLE).unwrap();
        assert_eq!(&*manifest.name, "ssh-baseline");
        assert_eq!(manifest.version.to_string(), "1.2.3-rc.1");
        assert_eq!(manifest.attributes.keys().map(|name| &**name).collect::<Vec<_>>(), ["tries", "ciphers"]);
        assert_eq!(manifest.attributes["tries"].default, Some(Value::Int(4)));
        assert_eq!(manifest.supports[1].release.as_deref(), Some("22.04"));
        assert_eq!(
            manifest.supports_value().to_string(),
            r#"[{family: "debian"}, {name: "ubuntu", release: "22.04"}]"#
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_remedy() {
        let head = "name: x\nversion: 1.0.0\n";
        let cases = [
            ("", "profile.yml:1:1: the manifest is empty"),
            ("- x\n", "profile.yml:1:1: the manifest is a list, not a map"),
            ("version: 1.0.0\n", "profile.yml: the manifest has no name"),
            ("name: x\n", "profile.yml: the manifest has no version\n  hint: add version: 1.0.0"),
            ("name: X y\nversion: 1.0.0\n", "profile.yml:1:7: \"X y\" cannot be the name"),
            ("name: ../x\nversion: 1.0.0\n", "cannot be the name"),
            ("name: 5\nversion: 1.0.0\n", "profile.yml:1:7: name is an integer, not a string"),
            ("name: x\nversion: 1.0\n", "profile.yml:2:10: version \"1.0\" is no SemVer version"),
            ("name: x\nversion: [1]\n", "is no SemVer version"),
            (
                &format!("{head}titel: y\n"),
                "profile.yml:3:1: unknown key titel in the manifest\n    3 | titel: y\n      | ^\n  hint: did you mean title?",
            ),
            (&format!("{head}supports: debian\n"), "supports is a string, not a list"),
            (&format!("{head}supports: [{{os: debian}}]\n"), "unknown key os in an entry of supports"),
            (&format!("{head}supports: [{{}}]\n"), "an entry of supports is empty"),
            (&format!("{head}requires: new\n"), "is no requirement on Probity's version"),
            (&format!("{head}attributes: [a]\n"), "attributes is a list, not a map"),
            (&format!("{head}attributes:\n  a: 5\n"), "profile.yml:4:6: attribute a is an integer, not a map"),
            (&format!("{head}name: z\n"), "key name is there twice"),
        ];
        for (text, message) in cases {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_newer_probity_is_asked_for_before_its_keys_are_refused() {
        let error = read("name: x\nversion: 1.0.0\nfuture: 1\nrequires: '>= 99'\n").unwrap_err().to_string();
        assert!(error.contains("needs Probity >=99, this is"), "{error}");
    }

    #[test]
    fn supports_fits_by_family_name_and_release() {
        let fits = |text: &str, family: &str, name: &str, release: &str| {
            let text = format!("name: x\nversion: 1.0.0\nsupports: [{text}]\n");
            read(&text).unwrap().supports(&platform(family, name, release), &["fedora".into()])
        };
        assert!(fits("", "suse", "sles", "15"));
        assert!(fits("{family: linux}", "suse", "sles", "15"));
        assert!(fits("{family: Debian}", "debian", "ubuntu", "22.04"));
        assert!(!fits("{family: debian}", "redhat", "rocky", "9.4"));
        assert!(fits("{family: fedora}", "redhat", "rocky", "9.4"));
        assert!(fits("{name: rocky, release: 9.*}", "redhat", "rocky", "9.4"));
        assert!(fits("{name: rocky, release: 9.*}", "redhat", "rocky", "9"));
        assert!(!fits("{name: rocky, release: 9.*}", "redhat", "rocky", "95"));
        assert!(!fits("{name: rocky, release: 9}", "redhat", "rocky", "9.4"));
        assert!(!fits("{name: rocky, release: 8.*}", "redhat", "rocky", "9.4"));
        assert!(fits("{name: rocky, release: 8.*}, {release: 9*}", "redhat", "rocky", "9.4"));
        assert!(fits("{name: 'opensuse*'}", "suse", "opensuse-leap", "15.6"));
    }

    #[test]
    fn a_manifest_cut_anywhere_never_panics() {
        for end in 0..WHOLE.len() {
            let _ = read(&WHOLE[..end]);
        }
        for at in 0..WHOLE.len() {
            let mut bytes = WHOLE.as_bytes().to_vec();
            for flip in [1u8, 0x20, 0x80] {
                bytes[at] ^= flip;
                let _ = Document::parse("profile.yml", &bytes).and_then(|document| Manifest::read(&document));
            }
        }
    }
}
