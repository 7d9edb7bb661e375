//! The engine: what a template may do, and rendering.

use super::encode::{self, BEGIN, END, Encoding};
use super::spans::Spans;
use super::values::seen;
use super::{Template, Variables, fault};
use crate::error::Error;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value as Seen};
use std::ops::Range;

/// The most a template may do: steps, and bytes in pieces of 64. A template of a fleet takes
/// a few thousand; the end is reached in well under a second.
const FUEL: u64 = 1_000_000;
/// The deepest nesting of macro calls.
const MAX_NESTING: usize = 64;

/// Renders templates, all with one encoding.
pub struct Renderer {
    environment: Environment<'static>,
    encoding: Encoding,
}

/// What a template gave.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub text: String,
    /// The bytes of the text that were encoded because they could break out of their place,
    /// as text and lists can. Empty but for [`Encoding::Yaml`].
    pub values: Vec<Range<usize>>,
    /// Texts in it, or that it was made with, which no report may show.
    pub secrets: Vec<String>,
    /// Where its parts come from.
    pub spans: Spans,
}

impl Renderer {
    /// A renderer that writes what `{{ }}` yields in this way.
    pub fn new(encoding: Encoding) -> Renderer {
        let mut environment = Environment::new();
        // `raw` takes its place, and the others would show what is not meant to be seen.
        for filter in ["safe", "escape", "e", "pprint"] {
            environment.remove_filter(filter);
        }
        environment.remove_global("debug");
        environment.add_filter("raw", raw);
        environment.add_filter("tojson", to_json);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Any name but "none": what a macro or a `set` block wrote is written already.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("encoded".into()));
        environment.set_formatter(move |out, _, value| encode::write(out, value, encoding));
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(MAX_NESTING);
        // For the places of errors.
        environment.set_debug(true);
        Renderer { environment, encoding }
    }

    /// Finds what is wrong with a template before anything is rendered.
    ///
    /// # Errors
    /// It is no template: the first place where it is not.
    pub fn check(&self, template: &Template) -> Result<(), Error> {
        if let Some(at) = template.source().find([BEGIN, END]) {
            return Err(template.error(at, "holds a character that is reserved in templates: U+FDD0 or U+FDD1"));
        }
        match self.environment.template_from_named_str("", template.source()) {
            Ok(_) => Ok(()),
            Err(error) => Err(fault::of(&error, template, &Variables::new())),
        }
    }

    /// Renders a template with these variables.
    ///
    /// # Errors
    /// What [`Renderer::check`] finds; something that is undefined; a filter, test or function
    /// that is not there or does not take what it is given; a template that does not come to
    /// an end. Each with its place.
    pub fn render(&self, template: &Template, variables: &Variables) -> Result<Rendered, Error> {
        self.check(template)?;
        let context = Seen::from_pairs(variables.iter().map(|(name, value)| (name.as_str(), seen(value))));
        let compiled = self.environment.template_from_named_str("", template.source());
        let rendered = compiled.and_then(|compiled| compiled.render_with_spans(context));
        let (text, spans) = rendered.map_err(|error| fault::of(&error, template, variables))?;
        let (text, values) = unmarked(&text);
        let spans = Spans::new(template, &text, &spans, &values);
        Ok(Rendered { text, values, secrets: Vec::new(), spans })
    }

    /// How it writes what `{{ }}` yields.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

/// The text without the marks around values, and where the values are in it.
fn unmarked(marked: &str) -> (String, Vec<Range<usize>>) {
    let mut text = String::with_capacity(marked.len());
    let (mut values, mut began) = (Vec::new(), None);
    for c in marked.chars() {
        match c {
            BEGIN => began = Some(text.len()),
            END => values.extend(began.take().map(|start| start..text.len())),
            c => text.push(c),
        }
    }
    (text, values)
}

/// Text that is written as it is.
fn raw(value: &Seen) -> Result<Seen, minijinja::Error> {
    match value.as_str() {
        Some(text) => Ok(Seen::from_safe_string(text.to_string())),
        None if value.is_number() => Ok(Seen::from_safe_string(value.to_string())),
        None => {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("raw takes text, not {}", value.kind())))
        }
    }
}

/// What `{{ }}` of YAML yields anyway; people write it.
fn to_json(value: &Seen) -> Result<Seen, minijinja::Error> {
    let mut text = String::new();
    encode::json(&mut text, value, 0)?;
    Ok(Seen::from_safe_string(text))
}
