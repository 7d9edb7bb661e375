//! Rules as people write them in YAML.

use super::{Address, Condition, GroupRule, Preference, Rule, Rules, Template, Wanted};
use crate::error::Error;
use crate::inventory::transport;
use crate::yaml::{Data, Document, Field, Located, Map};
use globset::GlobBuilder;

/// The keys rules are made of.
pub const KEYS: [&str; 7] = ["name", "address", "user", "groups", "where", "resources", "transport"];

/// The keys of the rule for one type of resources.
const RESOURCE: [&str; 7] = ["type", "name", "address", "user", "groups", "where", "skip"];

/// Reads the rules among the keys of a source.
///
/// # Errors
/// Everything that is wrong, with its place.
pub fn read(document: &Document, fields: &Map) -> Result<Rules, Vec<Error>> {
    let mut reader = Reader { document, errors: Vec::new() };
    let mut rules = Rules { all: reader.rule(fields), ..Rules::default() };
    if let Some(field) = fields.get("resources") {
        match &field.value.value {
            Data::List(items) => rules.resources = items.iter().filter_map(|item| reader.resource(item)).collect(),
            _ => reader.wrong(&field.value, "resources is a list of rules, each with a type"),
        }
    }
    if let Some(field) = fields.get("transport") {
        match transport::read(document, &field.value) {
            Ok(connection) => rules.connection = connection,
            Err(errors) => reader.errors.extend(errors),
        }
    }
    if reader.errors.is_empty() { Ok(rules) } else { Err(reader.errors) }
}

struct Reader<'a> {
    document: &'a Document,
    errors: Vec<Error>,
}

impl Reader<'_> {
    fn wrong(&mut self, value: &Located, message: &str) {
        self.errors.push(self.document.error(&value.place, message));
    }

    fn resource(&mut self, item: &Located) -> Option<(String, Rule)> {
        let fields = match self.document.fields(item, "a rule of resources", &RESOURCE) {
            Ok(fields) => fields,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let Some(kind) = fields.get("type").and_then(|field| field.value.as_str()) else {
            self.errors.push(
                self.document.error(&item.place, "a rule of resources has no type").hint("write type: aws_instance"),
            );
            return None;
        };
        let mut rule = self.rule(fields);
        if let Some(field) = fields.get("skip") {
            match field.value.value {
                Data::Bool(skip) => rule.skip = skip,
                _ => self.wrong(&field.value, "skip is true or false"),
            }
        }
        Some((kind.to_string(), rule))
    }

    fn rule(&mut self, fields: &Map) -> Rule {
        let mut rule = Rule::default();
        for (key, field) in fields {
            match key.as_str() {
                "name" => rule.name = self.path_or_template(key, field, true),
                "user" => rule.user = self.path_or_template(key, field, true),
                "address" => {
                    rule.address = match field.value.as_str() {
                        Some("private") => Some(Address::Prefer(Preference::Private)),
                        Some("public") => Some(Address::Prefer(Preference::Public)),
                        _ => self.path_or_template(key, field, false).map(Address::Of),
                    };
                }
                "groups" => rule.groups = Some(self.groups(&field.value)),
                "where" => rule.condition = self.condition(&field.value),
                _ => {}
            }
        }
        rule
    }

    /// A text with paths in braces; where `literal` is not meant, one without braces is a path.
    fn path_or_template(&mut self, key: &str, field: &Field, literal: bool) -> Option<Template> {
        let Some(text) = field.value.as_str().filter(|text| !text.trim().is_empty()) else {
            self.wrong(&field.value, &format!("{key} is {}, not a text", field.value.type_name()));
            return None;
        };
        if !literal && !text.contains('{') {
            return Some(Template::of_path(text.trim()));
        }
        self.template(key, &field.value, text)
    }

    fn template(&mut self, key: &str, value: &Located, text: &str) -> Option<Template> {
        Template::parse(text).map_err(|what| self.wrong(value, &format!("{key} {what}"))).ok()
    }

    /// A list of names, or a map of names to what holds of their machines.
    fn groups(&mut self, value: &Located) -> Vec<GroupRule> {
        let mut rules = Vec::new();
        match &value.value {
            Data::Null => {}
            Data::List(items) => {
                for item in items {
                    match item.text() {
                        Some(text) => {
                            let name = self.template("a group", item, text);
                            rules.extend(name.map(|name| GroupRule { name, condition: None }));
                        }
                        None => self.wrong(item, &format!("a group is {}, not a name", item.type_name())),
                    }
                }
            }
            Data::Map(map) => {
                for (name, field) in map {
                    let condition = match &field.value.value {
                        Data::Bool(true) | Data::Null => None,
                        _ => match self.condition(&field.value) {
                            Some(condition) => Some(condition),
                            None => continue,
                        },
                    };
                    let name = self.template("a group", &field.value, name);
                    rules.extend(name.map(|name| GroupRule { name, condition }));
                }
            }
            _ => self.wrong(value, "groups is a list of names, or a map of names to what holds of their machines"),
        }
        rules
    }

    /// A path that has to be there, or a map of paths to what they hold.
    fn condition(&mut self, value: &Located) -> Option<Condition> {
        let map = match &value.value {
            Data::Str(path) if !path.is_empty() => return Some(Condition(vec![(path.clone(), Wanted::There(true))])),
            Data::Map(map) if !map.is_empty() => map,
            _ => {
                self.wrong(
                    value,
                    "what has to hold is a path, or a map of paths to values, such as { tags.Role: web }",
                );
                return None;
            }
        };
        let mut wanted = Vec::new();
        for (path, field) in map {
            let values: Vec<&Located> = match &field.value.value {
                Data::Bool(there) => {
                    wanted.push((path.clone(), Wanted::There(*there)));
                    continue;
                }
                Data::List(items) => items.iter().collect(),
                _ => vec![&field.value],
            };
            let mut globs = Vec::new();
            for value in values {
                let glob = value.text().map(|text| GlobBuilder::new(text).literal_separator(false).build());
                match glob {
                    Some(Ok(glob)) => globs.push(glob.compile_matcher()),
                    Some(Err(_)) => self.wrong(value, &format!("{path} is wanted to fit a pattern that is none")),
                    None => self.wrong(value, &format!("{path} is wanted to be {}, not a text", value.type_name())),
                }
            }
            wanted.push((path.clone(), Wanted::OneOf(globs)));
        }
        Some(Condition(wanted))
    }
}
