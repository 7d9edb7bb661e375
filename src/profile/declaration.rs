//! A declared attribute: what values a profile's author lets a site supply.

use crate::error::{Error, Place, did_you_mean};
use crate::value::Value;
use crate::yaml::{Document, Field, Located};
use regex::Regex;
use std::fmt;
use std::sync::Arc;

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A whole number or one with a fraction; neither infinite nor not-a-number.
    Number,
    Boolean,
    List,
    Map,
    /// Text that compiles as a regular expression of the `regex` crate, as `matches` takes.
    Regex,
}

impl Kind {
    /// Every type, in the order the documentation lists them.
    pub const ALL: [Kind; 7] =
        [Kind::String, Kind::Integer, Kind::Number, Kind::Boolean, Kind::List, Kind::Map, Kind::Regex];

    /// The word a manifest writes: `integer`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::List => "list",
            Kind::Map => "map",
            Kind::Regex => "regex",
        }
    }

    /// The word with its article, as messages give it.
    fn noun(self) -> &'static str {
        match self {
            Kind::String => "a string",
            Kind::Integer => "an integer",
            Kind::Number => "a number",
            Kind::Boolean => "a boolean",
            Kind::List => "a list",
            Kind::Map => "a map",
            Kind::Regex => "a regular expression",
        }
    }

    /// How a value of the type is written on a command line.
    fn example(self) -> &'static str {
        match self {
            Kind::String | Kind::Regex => "text",
            Kind::Integer => "4",
            Kind::Number => "0.5",
            Kind::Boolean => "true or false",
            Kind::List => "[a, b]",
            Kind::Map => "{a: 1, b: 2}",
        }
    }
}

/// An attribute as `profile.yml` declares it.
#[derive(Clone)]
pub struct Declaration {
    pub name: Arc<str>,
    pub kind: Kind,
    /// The value where a site supplies none; it has passed [`Declaration::check`].
    pub default: Option<Value>,
    /// Whether a run without a value is an error. Never together with a default.
    pub required: bool,
    /// The only values allowed (of a list: the only items); empty where all are.
    pub allowed: Vec<Value>,
    /// What text has to match somewhere (of a list: each item).
    pub pattern: Option<Regex>,
    /// The least and the greatest number allowed, both included.
    pub min: Option<Value>,
    pub max: Option<Value>,
    /// Whether the value is a secret that no report and no message may show.
    pub sensitive: bool,
    pub description: Option<Arc<str>>,
    /// Where the name stands in the manifest.
    pub place: Place,
    /// Where the default stands in the manifest.
    pub default_place: Option<Place>,
}

impl fmt::Debug for Declaration {
    /// Without the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declaration").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The keys of a declaration.
pub const KEYS: &[&str] = &["type", "default", "required", "enum", "pattern", "min", "max", "sensitive", "description"];

/// Words that cannot follow `attributes.` in Lua (reference manual of Lua 5.4, 3.1).
const LUA_WORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
    "not", "or", "repeat", "return", "then", "true", "until", "while",
];

impl Declaration {
    /// Reads a declaration from the `attributes` map of a manifest.
    ///
    /// # Errors
    /// An unknown key or type, a limit that the type does not have, a default that the
    /// declaration itself refuses; each with its place.
    pub fn read(document: &Document, name: &str, field: &Field) -> Result<Declaration, Error> {
        if !is_name(name) {
            return Err(document
                .error(&field.key, format!("attribute name {name:?} cannot be written in Lua as attributes.NAME"))
                .hint("use letters, digits and _, not a digit first and no word of Lua"));
        }
        let what = format!("attribute {name}");
        let fields = document.fields(&field.value, &what, KEYS)?;
        let Some(kind) = fields.get("type") else {
            return Err(document
                .error(&field.key, format!("{what} has no type"))
                .hint(format!("add type: with one of {}", kinds())));
        };
        let kind = read_kind(document, &kind.value)?;
        let mut declaration = Declaration {
            name: name.into(),
            kind,
            default: None,
            required: flag(document, fields.get("required"))?,
            allowed: Vec::new(),
            pattern: None,
            min: None,
            max: None,
            sensitive: flag(document, fields.get("sensitive"))?,
            description: fields.get("description").map(|field| text(document, field)).transpose()?,
            place: field.key.clone(),
            default_place: None,
        };
        if let Some(field) = fields.get("pattern") {
            declaration.limited_to(document, field, "pattern", &[Kind::String, Kind::List])?;
            let source = text(document, field)?;
            let pattern = Regex::new(&source)
                .map_err(|error| document.error(&field.value.place, format!("pattern {}", regex_fault(&error))))?;
            declaration.pattern = Some(pattern);
        }
        declaration.min = declaration.bound(document, fields.get("min"), "min")?;
        declaration.max = declaration.bound(document, fields.get("max"), "max")?;
        if let (Some(min), Some(max), Some(field)) = (&declaration.min, &declaration.max, fields.get("max"))
            && number(max) < number(min)
        {
            return Err(document.error(&field.value.place, format!("max {max} is less than min {min}")));
        }
        if let Some(field) = fields.get("enum") {
            let kinds = [Kind::String, Kind::Integer, Kind::Number, Kind::List];
            declaration.limited_to(document, field, "enum", &kinds)?;
            declaration.allowed = declaration.read_allowed(document, &field.value)?;
        }
        if let Some(field) = fields.get("default") {
            if declaration.required {
                return Err(document
                    .error(&field.key, format!("{what} is required and has a default"))
                    .hint("keep one of the two"));
            }
            let value = declaration.check(&field.value.to_value()).map_err(|message| {
                let message = format!("default of {what} {message}");
                if declaration.sensitive {
                    Error::usage(message).at(field.value.place.clone())
                } else {
                    document.error(&field.value.place, message)
                }
            })?;
            declaration.default = Some(value);
            declaration.default_place = Some(field.value.place.clone());
        }
        Ok(declaration)
    }

    /// The value if it is one this attribute may have.
    ///
    /// # Errors
    /// What is wrong with it, as a fragment that follows the attribute's name: `is a
    /// string, not an integer`. It never shows a sensitive value.
    pub fn check(&self, value: &Value) -> Result<Value, String> {
        let right = match (self.kind, value) {
            (Kind::String, Value::Str(_))
            | (Kind::Integer, Value::Int(_))
            | (Kind::Number, Value::Int(_))
            | (Kind::Boolean, Value::Bool(_))
            | (Kind::List, Value::List(_))
            | (Kind::Map, Value::Map(_)) => true,
            (Kind::Number, Value::Float(number)) => {
                if !number.is_finite() {
                    return Err(format!("is {number}, not a finite number"));
                }
                true
            }
            (Kind::Regex, Value::Str(text)) => {
                if let Err(error) = Regex::new(text) {
                    let shown = if self.sensitive { "is not a regular expression".into() } else { regex_fault(&error) };
                    return Err(shown);
                }
                true
            }
            _ => false,
        };
        if !right {
            let remedy = match (self.kind, value) {
                (Kind::String | Kind::Regex, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => ": put it in quotes",
                (Kind::Boolean, Value::Str(_)) => ": write true or false",
                (Kind::Integer | Kind::Number, Value::Str(_)) => ": write it without quotes and leading zeros",
                _ => "",
            };
            return Err(format!("is {}, not {}{remedy}", value.type_name(), self.kind.noun()));
        }
        match value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.check_one(item).map_err(|message| format!("has an item {} that {message}", index + 1))?;
                }
            }
            _ => self.check_one(value)?,
        }
        Ok(value.clone())
    }

    /// Reads a value of this attribute from a command line: text as it stands, numbers
    /// and booleans as YAML writes them, lists and maps as YAML's flow style.
    ///
    /// # Errors
    /// As [`Declaration::check`]; never shows a sensitive value.
    pub fn parse_text(&self, text: &str) -> Result<Value, String> {
        if matches!(self.kind, Kind::String | Kind::Regex) {
            return self.check(&Value::from(text));
        }
        let remedy = format!("write it as {}", self.kind.example());
        let document = Document::parse("--attr", text.as_bytes()).map_err(|error| {
            if self.sensitive {
                format!("is not {}: {remedy}", self.kind.noun())
            } else {
                format!("{}: {remedy}", error.message)
            }
        })?;
        let value = document.root.to_value();
        self.check(&value).map_err(|message| {
            let typed = message.starts_with("is ") && message.contains(", not ");
            // Quotes are no matter on a command line; the form is.
            match message.split_once(": ") {
                Some((fault, _)) if typed => format!("{fault}: {remedy}"),
                None if typed => format!("{message}: {remedy}"),
                _ => message,
            }
        })
    }

    /// The rules for a single value: `enum`, `pattern`, `min`, `max`.
    fn check_one(&self, value: &Value) -> Result<(), String> {
        let shown = if self.sensitive { "the value".to_string() } else { shortened(value) };
        if !self.allowed.is_empty() && !self.allowed.iter().any(|allowed| same(allowed, value)) {
            let allowed: Vec<String> = self.allowed.iter().map(Value::to_string).collect();
            return Err(format!("is {shown}, not one of {}", allowed.join(", ")));
        }
        if let Some(pattern) = &self.pattern {
            match value {
                Value::Str(text) if pattern.is_match(text) => {}
                Value::Str(_) => return Err(format!("is {shown}, which does not match {pattern}")),
                _ => return Err(format!("is {}, not a string that matches {pattern}", value.type_name())),
            }
        }
        let found = number(value);
        if let Some(min) = &self.min
            && found < number(min)
        {
            return Err(format!("is {shown}, less than {min}"));
        }
        if let Some(max) = &self.max
            && found > number(max)
        {
            return Err(format!("is {shown}, more than {max}"));
        }
        Ok(())
    }

    fn limited_to(&self, document: &Document, field: &Field, key: &str, kinds: &[Kind]) -> Result<(), Error> {
        if kinds.contains(&self.kind) {
            return Ok(());
        }
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let message = format!("{key} has no meaning for type {}", self.kind.name());
        Err(document.error(&field.key, message).hint(format!("it applies to {}", kinds.join(", "))))
    }

    fn bound(&self, document: &Document, field: Option<&Field>, key: &str) -> Result<Option<Value>, Error> {
        let Some(field) = field else { return Ok(None) };
        self.limited_to(document, field, key, &[Kind::Integer, Kind::Number])?;
        match field.value.to_value() {
            value @ Value::Int(_) => Ok(Some(value)),
            Value::Float(value) if self.kind == Kind::Number && value.is_finite() => Ok(Some(Value::Float(value))),
            value => {
                let message = format!("{key} is {}, not {}", value.type_name(), self.kind.noun());
                Err(document.error(&field.value.place, message))
            }
        }
    }

    fn read_allowed(&self, document: &Document, located: &Located) -> Result<Vec<Value>, Error> {
        let Some(items) = located.as_list().filter(|items| !items.is_empty()) else {
            return Err(document.error(&located.place, "enum is not a list of the values allowed"));
        };
        let mut allowed = Vec::new();
        for item in items {
            let value = item.to_value();
            let scalar = matches!(value, Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_));
            let checked = if self.kind == Kind::List {
                if scalar { Ok(()) } else { Err(format!("is {}", value.type_name())) }
            } else {
                self.check(&value).map(|_| ())
            };
            checked.map_err(|message| document.error(&item.place, format!("a value of enum {message}")))?;
            allowed.push(value);
        }
        Ok(allowed)
    }
}

/// Whether `attributes.NAME` is Lua.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !LUA_WORDS.contains(&name)
}

fn read_kind(document: &Document, located: &Located) -> Result<Kind, Error> {
    let word = located.as_str().unwrap_or_default();
    Kind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        let shown = located.text().map_or_else(|| located.type_name().to_string(), str::to_string);
        document
            .error(&located.place, format!("unknown type {shown}"))
            .hint(did_you_mean(word, Kind::ALL.iter().map(|kind| kind.name())))
    })
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

fn flag(document: &Document, field: Option<&Field>) -> Result<bool, Error> {
    match field.map(|field| (&field.value, field.value.to_value())) {
        None => Ok(false),
        Some((_, Value::Bool(value))) => Ok(value),
        Some((located, value)) => {
            let message = format!("is {}, neither true nor false", value.type_name());
            Err(document.error(&located.place, message))
        }
    }
}

fn text(document: &Document, field: &Field) -> Result<Arc<str>, Error> {
    field.value.as_str().map(Arc::from).ok_or_else(|| {
        let message = format!("is {}, not a string", field.value.type_name());
        document.error(&field.value.place, message).hint("put it in quotes")
    })
}

/// The last line of a regex error, which says what is wrong; the lines above it draw it.
fn regex_fault(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default();
    format!("is not a regular expression: {}", last.trim().trim_start_matches("error: "))
}

/// The number a value is; not-a-number for all else, which no bound refuses.
fn number(value: &Value) -> f64 {
    match value {
        // Beyond 2^53 a bound is compared roughly.
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        _ => f64::NAN,
    }
}

/// Equal, with an integer and a number of the same size being the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => number(a) == number(b),
        _ => a == b,
    }
}

/// A value for a message, cut to a line.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 { text } else { text.chars().take(77).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declare(fields: &str) -> Result<Declaration, Error> {
        let document = Document::parse("profile.yml", format!("x: {{{fields}}}\n").as_bytes()).unwrap();
        let field = &document.root.as_map().unwrap()["x"];
        Declaration::read(&document, "x", field)
    }

    fn check(fields: &str, value: &str) -> Result<Value, String> {
        let document = Document::parse("attrs.yml", value.as_bytes()).unwrap();
        declare(fields).unwrap().check(&document.root.to_value())
    }

    #[test]
    fn every_type_takes_its_own_values_and_no_others() {
        let values = [
            ("string", "abc"),
            ("integer", "4"),
            ("number", "0.5"),
            ("boolean", "true"),
            ("list", "[1, a]"),
            ("map", "{a: 1}"),
        ];
        for (kind, _) in values {
            for (other, value) in values {
                let fits = kind == other || (kind == "number" && other == "integer");
                assert_eq!(check(&format!("type: {kind}"), value).is_ok(), fits, "{kind} {value}");
            }
            assert!(check(&format!("type: {kind}"), "~").is_err(), "{kind} of nothing");
        }
        assert!(check("type: regex", "^a+$").is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let cases = [
            ("type: string", "9.10", "is a number, not a string: put it in quotes"),
            ("type: boolean", "yes", "is a string, not a boolean: write true or false"),
            ("type: integer", "0644", "is a string, not an integer: write it without quotes and leading zeros"),
            ("type: number", ".inf", "is inf, not a finite number"),
            ("type: regex", "a(", "is not a regular expression: unclosed group"),
            ("type: integer, min: 1, max: 4", "5", "is 5, more than 4"),
            ("type: integer, min: 1, max: 4", "0", "is 0, less than 1"),
            ("type: number, min: 0.5", "0.4", "is 0.4, less than 0.5"),
            ("type: string, enum: [a, b]", "c", "is \"c\", not one of \"a\", \"b\""),
            ("type: string, pattern: '^[a-z]+$'", "A", "is \"A\", which does not match ^[a-z]+$"),
            ("type: list, enum: [a, b]", "[a, c]", "has an item 2 that is \"c\", not one of \"a\", \"b\""),
            ("type: list, pattern: ^a", "[1]", "has an item 1 that is an integer, not a string that matches ^a"),
        ];
        for (fields, value, message) in cases {
            assert_eq!(check(fields, value).unwrap_err(), message, "{fields}");
        }
        assert!(check("type: number, enum: [1, 2.5]", "1.0").is_ok());
        assert!(check("type: integer, min: 1, max: 4", "4").is_ok());
    }

    #[test]
    fn text_is_read_by_the_declared_type() {
        let parse = |fields: &str, text: &str| declare(fields).unwrap().parse_text(text);
        assert_eq!(parse("type: string", "0.10").unwrap(), Value::from("0.10"));
        assert_eq!(parse("type: string", "[a").unwrap(), Value::from("[a"));
        assert_eq!(parse("type: integer", "0x10").unwrap(), Value::Int(16));
        assert_eq!(parse("type: boolean", "false").unwrap(), Value::Bool(false));
        assert_eq!(parse("type: list", "[a, 1]").unwrap(), Value::List(vec!["a".into(), 1i64.into()]));
        assert!(matches!(parse("type: map", "{a: [1]}").unwrap(), Value::Map(_)));
        assert_eq!(parse("type: list", "a,b").unwrap_err(), "is a string, not a list: write it as [a, b]");
        assert_eq!(parse("type: integer", "ten").unwrap_err(), "is a string, not an integer: write it as 4");
        assert_eq!(parse("type: integer", "").unwrap_err(), "is nothing, not an integer: write it as 4");
        assert!(parse("type: list", "[a").unwrap_err().ends_with("write it as [a, b]"));
    }

    #[test]
    fn a_sensitive_value_is_never_shown() {
        let secret = "hunter2";
        let declaration = declare("type: string, sensitive: true, pattern: '^[0-9]+$'").unwrap();
        assert_eq!(declaration.check(&secret.into()).unwrap_err(), "is the value, which does not match ^[0-9]+$");
        for kind in ["integer", "list", "map", "regex", "boolean"] {
            let declaration = declare(&format!("type: {kind}, sensitive: true")).unwrap();
            let message = declaration.parse_text(&format!("[{secret}: *{secret}(")).unwrap_err();
            assert!(!message.contains(secret), "{message}");
        }
        let error = declare("type: string, sensitive: true, enum: [a], default: hunter2").unwrap_err();
        assert!(!error.to_string().contains(secret), "{error}");
    }

    #[test]
    fn a_declaration_that_makes_no_sense_is_refused() {
        let cases = [
            ("default: 1", "attribute x has no type"),
            ("type: int", "unknown type int\n"),
            ("type: integer, tpye: 1", "unknown key tpye in attribute x"),
            ("type: integer, default: a", "default of attribute x is a string, not an integer"),
            ("type: integer, default: 1, required: true", "is required and has a default"),
            ("type: integer, required: yes", "is a string, neither true nor false"),
            ("type: boolean, min: 1", "min has no meaning for type boolean"),
            ("type: integer, min: 1.5", "min is a number, not an integer"),
            ("type: integer, min: 3, max: 2", "max 2 is less than min 3"),
            ("type: string, pattern: '('", "pattern is not a regular expression"),
            ("type: integer, enum: 1", "enum is not a list"),
            ("type: integer, enum: [a]", "a value of enum is a string, not an integer"),
            ("type: string, description: 1", "is an integer, not a string"),
        ];
        for (fields, message) in cases {
            let error = declare(fields).unwrap_err().to_string();
            assert!(error.contains(message) && error.starts_with("profile.yml:1:"), "{fields}: {error}");
        }
        let document = Document::parse("profile.yml", b"x-y: {type: string}\nend: {type: string}\n").unwrap();
        for (name, field) in document.root.as_map().unwrap() {
            assert!(Declaration::read(&document, name, field).is_err(), "{name}");
        }
    }
}
