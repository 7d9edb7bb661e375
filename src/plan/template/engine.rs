//! The engine: what a template may do, and rendering.

use super::encode::{self, BEGIN, END, Encoding};
use super::session::{Reading, Session};
use super::spans::Spans;
use super::values::seen;
use super::{Template, Variables, fault};
use crate::error::Error;
use crate::plan::bags::Bags;
use crate::results::mask::Masker;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value as Seen};
use std::ops::Range;
use std::sync::Arc;

/// The most a template may do: steps, and bytes in pieces of 64. A template of a fleet takes
/// a few thousand; the end is reached in well under a second.
const FUEL: u64 = 1_000_000;
/// The deepest nesting of macro calls.
const MAX_NESTING: usize = 64;

/// Renders templates, all with one encoding.
pub struct Renderer {
    environment: Environment<'static>,
    encoding: Encoding,
    bags: Option<Arc<Bags>>,
}

/// What a template gave.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub text: String,
    /// The bytes of the text that were encoded because they could break out of their place,
    /// as text and lists can. Empty but for [`Encoding::Yaml`].
    pub values: Vec<Range<usize>>,
    /// Whether an encrypted item of a data bag was read for it.
    pub is_secret: bool,
    /// The texts of those items, which no report may show.
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
        Renderer { environment, encoding, bags: None }
    }

    /// Gives templates `bag(NAME, ITEM)`.
    #[must_use]
    pub fn with_bags(mut self, bags: Arc<Bags>) -> Renderer {
        self.bags = Some(bags);
        self
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
        self.render_with(template, variables, Reading::Plain)
    }

    /// Renders a template as though every value of an encrypted item were another one. What
    /// differs from [`Renderer::render`] tells of a secret, whatever was made of it.
    ///
    /// # Errors
    /// As [`Renderer::render`]; the template may need the true values.
    pub fn render_disguised(&self, template: &Template, variables: &Variables) -> Result<Rendered, Error> {
        self.render_with(template, variables, Reading::Disguised)
    }

    fn render_with(&self, template: &Template, variables: &Variables, how: Reading) -> Result<Rendered, Error> {
        self.check(template)?;
        let session = Arc::new(Session::new(self.bags.clone(), template.folder(), how));
        let variables_seen = variables.iter().map(|(name, value)| (name.as_str(), seen(value)));
        let context = Seen::from_pairs(variables_seen.chain([("bag", session.clone().function())]));
        let compiled = self.environment.template_from_named_str("", template.source());
        let rendered = compiled.and_then(|compiled| compiled.render_with_spans(context));
        let secrets = session.secrets();
        let (text, spans) = rendered.map_err(|error| without(fault::of(&error, template, variables), &secrets))?;
        let (text, values) = unmarked(&text);
        let spans = Spans::new(template, &text, &spans, &values);
        Ok(Rendered { text, values, is_secret: session.is_secret(), secrets, spans })
    }

    /// How it writes what `{{ }}` yields.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }
}

/// An error that shows none of these texts: a filter may say what it was given.
pub fn without(error: Error, secrets: &[String]) -> Error {
    if secrets.is_empty() {
        return error;
    }
    let masker = Masker::new(secrets.to_vec());
    let masked = |text: &String| masker.mask_text(text).into_owned();
    Error { message: masked(&error.message), hints: error.hints.iter().map(masked).collect(), ..error }
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
