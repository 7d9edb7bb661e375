//! The configuration files of OpenSSH: words, patterns, and files with their includes.

pub mod directives;
pub mod files;
pub mod patterns;
pub mod running;
pub mod words;

use crate::node::{Sight, Unseen};
use crate::value::Value;
use files::Directive;
use indexmap::IndexMap;
use std::sync::Arc;

/// What the arguments of a directive become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The words of the first line, as one string.
    Text,
    /// As [`Form::Text`], for words OpenSSH reads without case; they become lower case.
    Lower,
    /// As [`Form::Text`], for words OpenSSH reads without case; they become upper case.
    Upper,
    /// A whole number; the first line counts. A word such as `none` stays a string.
    Int,
    /// A length of time, in seconds; the first line counts. `none` stays a string.
    Seconds,
    /// A list of the words of the first line.
    FirstWords,
    /// A list of the words of all lines.
    AllWords,
    /// A list with the text of each line.
    Lines,
    /// A list of whole numbers, one a line.
    Ints,
}

/// The form of the directives that are no plain [`Form::Text`], by lower-case name.
pub type Forms = &'static [(&'static str, Form)];

/// Whether a directive's first line wins and how its words are read.
pub fn form(forms: Forms, keyword: &str) -> Form {
    forms.iter().find(|(name, _)| *name == keyword).map_or(Form::Text, |(_, form)| *form)
}

/// Adds a directive that applies to those that did before it.
pub fn apply(forms: Forms, directive: &Directive, settings: &mut IndexMap<String, Value>) -> Sight<()> {
    let form = form(forms, &directive.keyword);
    let wrong = |what: &str| {
        let text = directive.words.join(" ");
        Unseen::malformed(format!("{}: {} is {what}, not {text:?}", directive.place(), directive.keyword))
    };
    let text = || directive.words.join(" ");
    let int = || text().parse::<i64>().map_err(|_| wrong("a whole number"));
    let word = || matches!(text().to_lowercase().as_str(), "none" | "any" | "no" | "yes" | "auto");

    if let Some(Value::List(items)) = settings.get_mut(&directive.keyword) {
        match form {
            Form::AllWords => items.extend(directive.words.iter().map(|word| Value::from(word.as_str()))),
            Form::Lines => items.push(text().into()),
            Form::Ints => items.push(int()?.into()),
            _ => {}
        }
        return Ok(());
    }
    if settings.contains_key(&directive.keyword) {
        return Ok(());
    }
    let value = match form {
        Form::Text => {
            let text = text();
            // yes and no are read without case everywhere.
            let lower = text.to_lowercase();
            if matches!(lower.as_str(), "yes" | "no") { lower.into() } else { text.into() }
        }
        Form::Lower => text().to_lowercase().into(),
        Form::Upper => text().to_uppercase().into(),
        Form::Int | Form::Seconds if word() => text().to_lowercase().into(),
        Form::Int => int()?.into(),
        Form::Seconds => words::seconds(&text()).ok_or_else(|| wrong("a length of time such as 30 or 2m"))?.into(),
        Form::FirstWords | Form::AllWords => Value::strings(&directive.words),
        Form::Lines => Value::List(vec![text().into()]),
        Form::Ints => Value::List(vec![int()?.into()]),
    };
    settings.insert(directive.keyword.clone(), value);
    Ok(())
}

/// The value of a directive as a list: a list as it is, text cut at commas and blanks.
pub fn as_list(value: Value) -> Value {
    match value {
        Value::Nil | Value::List(_) => value,
        value => match value.as_text() {
            Some(text) => {
                Value::strings(text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()))
            }
            None => Value::List(vec![value]),
        },
    }
}

/// Everything read, for the `params` property.
pub fn params(settings: &IndexMap<String, Value>) -> Value {
    Value::Map(settings.clone())
}

/// The address a connection is described with.
pub fn address(name: &str, text: Option<Arc<str>>) -> Result<Option<std::net::IpAddr>, String> {
    text.map(|text| text.parse().map_err(|_| format!("{name} is an IP address, not {text:?}"))).transpose()
}
