//! Arguments that are a name or, between slashes, a regular expression.

use regex::Regex;

/// `"sshd"` is the name itself, `"/^ssh/"` an expression that finds it.
#[derive(Debug, Clone)]
pub enum Pattern {
    Name(String),
    Expression(Regex),
}

impl Pattern {
    /// The error is a message for the author of the control.
    pub fn new(text: &str) -> Result<Pattern, String> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty()) {
            Some(inner) => Regex::new(inner)
                .map(Pattern::Expression)
                .map_err(|error| format!("/{inner}/ is no regular expression: {error}")),
            None => Ok(Pattern::Name(text.to_string())),
        }
    }

    /// Whether it is this name, or the expression is found in it.
    pub fn fits(&self, name: &str) -> bool {
        match self {
            Pattern::Name(own) => own == name,
            Pattern::Expression(expression) => expression.is_match(name),
        }
    }
}
