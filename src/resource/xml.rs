//! `xml`

use super::Args;
use super::catalogue::{Instance, Key};
use super::document::{self, Source};
use super::keypath;
use crate::error::{Error, Place};
use crate::node::{Seen, Sight, Unseen};
use crate::value::Value;
use roxmltree::{Document, Node, ParsingOptions};

resource! {
    /// Reads elements and attributes of XML from a file, a text or a command.
    ///
    /// A property is a path, a small part of XPath: `/server/host/@name`, `host[2]`,
    /// `//host` (at any depth), `*`, `..` not; `text()` at its end is the element's own
    /// text, which a path to an element gives, too. A path without a leading `/` begins at
    /// the root element all the same. Prefixes of names are ignored. The answer is always
    /// a list, empty where nothing fits.
    ///
    /// External entities are never fetched; internal ones are expanded within bounds.
    Xml = "xml" {
        source: "XML 1.0, XPath 1.0 section 2.5",
        example: r#"describe(xml { content = "<a><b id='1'>x</b></a>" }):its("/a/b/@id", eq { "1" })"#,
        falsified: (r#"eq { "1" }"#, r#"eq { "2" }"#),
        args {
            /// The absolute path of a file.
            path: Str optional,
            /// The text itself, instead of a path.
            content: Str optional,
            /// A command for the shell whose output is read, instead of a path.
            command: Str optional,
        }
        properties {
            /// The text that was read.
            raw_content: Str = |this: &Xml, seen: &Seen<'_>| {
                this.source.bytes(seen, &this.title()).map(|bytes| Value::from_bytes(&bytes))
            };
        }
        predicates {}
        methods {
            /// What a path gives.
            value(
                /// The path.
                path: Str,
            ): List = |this: &Xml, seen: &Seen<'_>, args: &Args| {
                this.at(seen, &[Key::Name(args.required("path").to_string())])
            };
        }
        open: Xml::at,
    }
}

/// The most nodes of a document, and the most that one step of a path may give.
const NODES: u32 = 500_000;

/// One XML text.
pub struct Xml {
    source: Source,
}

/// One step of a path.
#[derive(Debug, PartialEq)]
struct Step<'p> {
    /// Whether descendants fit, not only children.
    deep: bool,
    /// The name; `*` for any.
    name: &'p str,
    /// Which of the children of one parent that fit, from 1.
    index: Option<usize>,
}

/// What stands at the end of a path.
#[derive(Debug, PartialEq)]
enum End<'p> {
    Text,
    Attribute(&'p str),
}

impl Xml {
    fn new(args: &Args) -> Result<Xml, String> {
        Ok(Xml { source: Source::new(args)? })
    }

    fn at(&self, seen: &Seen<'_>, path: &[Key]) -> Sight<Value> {
        let path = keypath::text(path);
        let (steps, end) = steps(&path).map_err(Unseen::Misuse)?;
        let key = format!("{:?} {path}", self.source);
        let values = seen.parsed(&key, || {
            let bytes = self.source.bytes(seen, &self.title())?;
            let found = read(&self.source.name(), &bytes, &steps, &end);
            found.map_err(document::fault)
        })?;
        Ok((*values).clone())
    }
}

/// Cuts a path into its steps.
fn steps(path: &str) -> Result<(Vec<Step<'_>>, End<'_>), String> {
    let mut steps = Vec::new();
    let mut end = End::Text;
    let mut deep = false;
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    for (position, part) in parts.iter().enumerate() {
        let last = position + 1 == parts.len();
        match *part {
            "" if !last && !deep => {
                deep = true;
                continue;
            }
            "text()" if last && !deep => {}
            part if part.starts_with('@') && last && !deep && part.len() > 1 => end = End::Attribute(&part[1..]),
            part => {
                let (name, index) = match part.split_once('[') {
                    None => (part, None),
                    Some((name, rest)) => {
                        let index = rest.strip_suffix(']').and_then(|index| index.parse().ok()).filter(|i| *i > 0);
                        (name, Some(index.ok_or_else(|| format!("{part}: only an index such as [2] is known"))?))
                    }
                };
                let plain = |c: char| c.is_alphanumeric() || "_-.:*".contains(c);
                if name.is_empty() || !name.chars().all(plain) || name.starts_with('.') {
                    return Err(format!("{path}: {part:?} is no step; write names, [n], @name, text() and //"));
                }
                steps.push(Step { deep, name: name.rsplit(':').next().unwrap_or(name), index });
            }
        }
        deep = false;
    }
    if steps.is_empty() {
        return Err(format!("{path:?} names no element; write a path such as /server/host/@name"));
    }
    Ok((steps, end))
}

/// The texts or attributes at the end of the path, in the order of the document.
fn read(name: &str, bytes: &[u8], steps: &[Step<'_>], end: &End<'_>) -> Result<Value, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = document::utf8(name, bytes)?;
    let options = ParsingOptions { allow_dtd: true, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        let place = error.pos();
        let message = error.to_string();
        // The parser ends its messages with the place, which is said before them here.
        let message = message.rsplit_once(" at ").map_or(message.as_str(), |(message, _)| message).to_string();
        Error::usage(message).at(Place::at(name, place.row as usize, place.col as usize))
    })?;
    let mut nodes = vec![document.root()];
    for step in steps {
        let mut next: Vec<Node<'_, '_>> = Vec::new();
        for node in nodes {
            let parents = node.descendants().take(if step.deep { usize::MAX } else { 1 });
            for parent in parents {
                let fitting = parent
                    .children()
                    .filter(|child| child.is_element() && (step.name == "*" || child.tag_name().name() == step.name));
                match step.index {
                    Some(index) => next.extend(fitting.skip(index - 1).take(1)),
                    None => next.extend(fitting),
                }
            }
            if next.len() > NODES as usize {
                return Err(Error::usage(format!("more than {NODES} elements fit")).at(Place::file(name)));
            }
        }
        next.sort();
        next.dedup();
        nodes = next;
    }
    Ok(Value::List(match end {
        End::Text => nodes.iter().map(|node| Value::from(node.text().unwrap_or_default())).collect(),
        End::Attribute(wanted) => {
            let attribute = |node: &Node<'_, '_>| {
                node.attributes().find(|attribute| attribute.name() == *wanted).map(|a| Value::from(a.value()))
            };
            nodes.iter().filter_map(attribute).collect()
        }
    }))
}

impl Instance for Xml {
    fn title(&self) -> String {
        format!("XML {}", self.source.name())
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        self.source.exists(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, fault, files};
    use super::*;

    const TEXT: &str = "<?xml version='1.0'?><!-- c --><s:server xmlns:s='u'><host name='a'>one<b/></host>\
                        <group><host name='b' s:port='1'>two</host><host/></group></s:server>";

    fn at(text: &str, path: &str) -> Sight<Value> {
        Trial::new(&ENTRY, &["/f".into()], &[], files(&[("/f", text)], &[])).its(path)
    }

    #[test]
    fn paths_lead_to_texts_and_attributes() {
        assert_eq!(at(TEXT, "/server/host/@name"), Ok(Value::strings(["a"])));
        assert_eq!(at(TEXT, "server/host"), Ok(Value::strings(["one"])));
        assert_eq!(at(TEXT, "//host/@name"), Ok(Value::strings(["a", "b"])));
        assert_eq!(at(TEXT, "/server/*/host[1]/text()"), Ok(Value::strings(["two"])));
        assert_eq!(at(TEXT, "/server/group/host[2]"), Ok(Value::strings([""])));
        assert!(matches!(at(TEXT, "/server//@name"), Err(Unseen::Misuse(_))));
        assert_eq!(at(TEXT, "/server/none"), Ok(Value::List(vec![])));
        for wrong in ["", "/", "/server/host[last()]", "/server/..", "host[0]", "/a[@b='c']"] {
            assert!(matches!(at(TEXT, wrong), Err(Unseen::Misuse(_))), "{wrong}");
        }
    }

    #[test]
    fn hostile_documents_are_faults() {
        assert!(fault(at("<a>\n<b></a>", "/a")).starts_with("/f:2:"));
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        assert_eq!(at(&deep, "//b"), Ok(Value::List(vec![])), "the parser does not recurse");
        assert!(fault(at(&"<a>".repeat(100_000), "/a")).starts_with("/f:"));
        let bomb = "<!DOCTYPE x [<!ENTITY a '1234567890'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\
                    <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>\
                    <!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>]><x>&e;</x>";
        assert!(fault(at(bomb, "/x")).starts_with("/f:"));
        let external = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>";
        assert!(!matches!(at(external, "/x"), Ok(Value::List(texts)) if texts.iter().any(|text| *text != "".into())));
        let nested = "<!DOCTYPE x [<!ENTITY a '<y/>'>]><x>&a;</x>";
        assert_eq!(at(nested, "/x/y"), Ok(Value::strings([""])));
        assert!(fault(at("", "/x")).starts_with("/f"));
    }
}
