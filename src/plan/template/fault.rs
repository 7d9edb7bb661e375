//! What went wrong in a template, as a person reads it.

use super::{Template, Variables};
use crate::error::{Error, did_you_mean, nearest};
use crate::value::Value;
use minijinja::ErrorKind;

/// Filters a template may use, for did-you-mean.
pub(super) const FILTERS: [&str; 45] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "raw",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];
/// Tests a template may use, for did-you-mean.
pub(super) const TESTS: [&str; 24] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "string",
    "true",
    "undefined",
];
/// Functions a template may use, for did-you-mean.
pub(super) const FUNCTIONS: [&str; 4] = ["bag", "dict", "namespace", "range"];
/// More names than these are not listed, where none of them is near.
const LISTED: usize = 12;

/// The error with its place in the template and what to do about it.
pub fn of(error: &minijinja::Error, template: &Template, variables: &Variables) -> Error {
    let at = error.range().map_or_else(|| start_of_line(template.source(), error.line()), |range| range.start);
    // Of `node.name` the dot is where it begins.
    let at = at + usize::from(template.source().get(at..).is_some_and(|rest| rest.starts_with('.')));
    // What a function of ours has to say, it says itself.
    if let Some(own) = source(error) {
        return match own.place {
            Some(_) => own.clone(),
            None => Error { hints: own.hints.clone(), ..template.error(at, own.message.clone()) },
        };
    }
    let detail = error.detail().unwrap_or_default();
    let shown = |message: String| match template.is_file() {
        true => template.error(at, message),
        // Such an error has no column of its own.
        false => template.error(at, format!("{message}, in {}", expression(template.source(), error.range()))),
    };
    match error.kind() {
        // An operator or a method that was given nothing says so too.
        kind if kind == ErrorKind::UndefinedError || detail.contains("` is undefined") => {
            undefined(detail, variables, &shown)
        }
        ErrorKind::UnknownFilter => unknown("filter", detail, &FILTERS, &shown),
        ErrorKind::UnknownTest => unknown("test", detail, &TESTS, &shown),
        ErrorKind::UnknownFunction => unknown("function", detail, &FUNCTIONS, &shown),
        ErrorKind::OutOfFuel => shown("the template does more than a template may".to_string())
            .hint("is there a loop that does not end, or a list that is far too long?"),
        ErrorKind::SyntaxError => syntax(detail, &shown),
        kind if detail.is_empty() => shown(kind.to_string()),
        _ => shown(detail.to_string()),
    }
}

fn source(error: &minijinja::Error) -> Option<&Error> {
    std::error::Error::source(error)?.downcast_ref::<Error>()
}

fn syntax(detail: &str, shown: &dyn Fn(String) -> Error) -> Error {
    let error = shown(format!("is no template: {detail}"));
    let statement = detail.strip_prefix("unknown statement ").unwrap_or_default();
    match statement {
        "include" | "import" | "from" | "extends" | "block" => {
            error.hint("a template is one file; what several share is best put into attributes or a data bag")
        }
        _ if detail.starts_with("unexpected end of input") => error.hint("is an {% end… %}, a }} or a %} missing?"),
        _ => error,
    }
}

fn unknown(what: &str, detail: &str, names: &[&'static str], shown: &dyn Fn(String) -> Error) -> Error {
    let name = detail.strip_prefix(what).unwrap_or(detail).trim();
    let name = name.strip_suffix(" is unknown").unwrap_or(name).trim();
    let error = shown(format!("there is no {what} {name}"));
    match (what, name) {
        ("filter", "safe" | "e" | "escape") => error.hint("what {{ }} yields is encoded; `| raw` writes text as it is"),
        _ => match nearest(name, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        },
    }
}

/// Something that is undefined: what exactly, and what may have been meant.
fn undefined(detail: &str, variables: &Variables, shown: &dyn Fn(String) -> Error) -> Error {
    // `node.attributes.prot` is undefined
    let Some(path) = detail.split('`').nth(1) else {
        let detail = if detail.is_empty() { "something is undefined" } else { detail };
        return shown(detail.to_string());
    };
    let error = shown(format!("{path} is undefined"));
    let mut segments = path.split('.').filter(|_| !path.contains(['(', '[', ' ']));
    let Some(first) = segments.next() else { return error.hint(DEFAULT) };
    let Some(mut value) = variables.get(first) else {
        return match first {
            "vars" | "stages" => error.hint(format!("{first} are those of a pipeline, and this is none")),
            // Of several names the first may be one the template has set itself.
            _ if segments.next().is_some() => error.hint(DEFAULT),
            _ => meant(error, first, variables.keys().map(String::as_str)),
        };
    };
    for segment in segments {
        match value {
            Value::Map(map) => match map.get(segment) {
                Some(inner) => value = inner,
                None => return meant(error, segment, map.keys().map(String::as_str)),
            },
            _ => break,
        }
    }
    error.hint(DEFAULT)
}

const DEFAULT: &str = "where it may be missing, write `| default(…)` or ask with `is defined`";

fn meant<'a>(error: Error, name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Error {
    match nearest(name, names.clone()) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None if (1..=LISTED).contains(&names.clone().count()) => error.hint(did_you_mean(name, names)),
        None => error.hint(DEFAULT),
    }
}

/// The byte a line begins at.
fn start_of_line(text: &str, line: Option<usize>) -> usize {
    text.split_inclusive('\n').take(line.unwrap_or(1).saturating_sub(1)).map(str::len).sum()
}

/// What of a text an error is about, in a line.
fn expression(source: &str, range: Option<std::ops::Range<usize>>) -> String {
    let text = range.and_then(|range| source.get(range)).filter(|text| !text.trim().is_empty()).unwrap_or(source);
    let text = text.trim().replace('\n', " ");
    match text.chars().count() <= 60 {
        true => text,
        false => text.chars().take(57).chain("...".chars()).collect(),
    }
}
