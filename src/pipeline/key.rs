//! Keys of pipeline files, as data: reading, did-you-mean, the reference and the schema for editors
//! are made of them.

/// A key of a section of the file.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    /// One sentence in Markdown.
    pub doc: &'static str,
    pub shape: Shape,
    pub required: bool,
}

/// What the value of a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// One text or a list of them.
    Texts,
    /// A path from the stage's folder.
    Path,
    /// One path or a list of them.
    Paths,
    /// One of these words.
    Word(&'static [&'static str]),
    Bool,
    /// A whole number in this range.
    Number(i64, i64),
    /// A number with a unit, such as `30s`.
    Duration,
    /// A map of names to texts.
    TextMap,
    /// A map of names to values of any kind.
    Map,
    /// A program: a list of its words, or one line for the shell.
    Program,
    /// A number from 0 to 1.
    Impact,
    /// A number of nodes, or a share such as `80%`.
    Share,
    /// A source of an inventory: a path, or a map that names its kind.
    Inventory,
}

/// A key that may be left out.
pub const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape, required: false }
}

/// A key that has to be given.
pub const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape, required: true }
}

impl Shape {
    /// The shape in words, as messages and the reference give it.
    pub fn words(self) -> String {
        match self {
            Shape::Text => "a text".to_string(),
            Shape::Texts => "a text or a list of texts".to_string(),
            Shape::Path => "a path".to_string(),
            Shape::Paths => "a path or a list of paths".to_string(),
            Shape::Word(words) => format!("one of {}", words.join(", ")),
            Shape::Bool => "true or false".to_string(),
            Shape::Number(least, most) => format!("a number from {least} to {most}"),
            Shape::Duration => "a length of time such as 30s, 5m or 1h".to_string(),
            Shape::TextMap => "a map of names to texts".to_string(),
            Shape::Map => "a map".to_string(),
            Shape::Program => "a list of words, or one line for the shell".to_string(),
            Shape::Impact => "a number from 0 to 1".to_string(),
            Shape::Share => "a number of nodes, or a share such as 80%".to_string(),
            Shape::Inventory => "a path, or a map that names a kind of inventory".to_string(),
        }
    }
}
