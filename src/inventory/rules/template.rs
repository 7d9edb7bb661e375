//! Texts with what is known of a machine in them: `web-{tags.Number}`.

use super::Facts;
use crate::error::Error;

/// A text whose parts in braces are paths. `{tags.*}` stands for every entry of a map or list,
/// and makes as many texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Path(String),
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// A brace without its other half, and one with nothing in it.
    pub fn parse(text: &str) -> Result<Template, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((path, after)) = behind.split_once('}') else { return Err("has a { without }") };
            let path = path.trim();
            if path.is_empty() || path.contains(['{', ' ']) {
                return Err("has braces without a path in them, such as {tags.Name}");
            }
            parts.push(Part::Text(before.to_string()));
            parts.push(Part::Path(path.to_string()));
            rest = after;
        }
        if rest.contains('}') {
            return Err("has a } without {");
        }
        parts.push(Part::Text(rest.to_string()));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Template(parts))
    }

    /// A path alone, as `address: private_ip` names one.
    pub fn of_path(path: &str) -> Template {
        Template(vec![Part::Path(path.to_string())])
    }

    /// The texts it makes of a machine: none where a path leads nowhere or to an empty text.
    ///
    /// # Errors
    /// A value is sensitive.
    pub fn texts(&self, facts: &Facts<'_>) -> Result<Vec<String>, Error> {
        let mut texts = vec![String::new()];
        for part in &self.0 {
            let values = match part {
                Part::Text(text) => vec![text.clone()],
                Part::Path(path) => match path.strip_suffix(".*") {
                    Some(parent) => facts.entries(parent)?,
                    None => facts.texts(path)?,
                },
            };
            let values: Vec<String> = values.into_iter().filter(|value| !value.is_empty()).collect();
            let longer = |text: &String| values.iter().map(move |value| format!("{text}{value}")).collect::<Vec<_>>();
            texts = texts.iter().flat_map(longer).take(MOST).collect();
        }
        Ok(texts)
    }
}

/// The most texts of one machine.
const MOST: usize = 1000;
