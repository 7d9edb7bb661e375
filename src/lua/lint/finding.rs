//! What `check` finds, and the rules it finds it by.

use crate::error::{Error, Place};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The profile does not work as it is written.
    Error,
    /// It works, but surely not as well as it could.
    Warning,
}

/// A rule of `check`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name in reports and in `-- probity: allow NAME`; it never changes.
    pub name: &'static str,
    pub severity: Severity,
    /// What it finds, as a sentence.
    pub doc: &'static str,
}

/// Something a person should look at.
#[derive(Debug, Clone)]
pub struct Finding {
    pub rule: &'static Rule,
    /// Message, place, source line and remedies, as every error has them.
    pub error: Error,
}

impl Finding {
    pub fn new(rule: &'static Rule, place: Place, message: impl Into<String>) -> Finding {
        Finding { rule, error: Error::usage(message).at(place) }
    }

    /// Adds a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.error = self.error.hint(hint);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.rule.severity == Severity::Error
    }

    /// What findings are sorted by.
    pub fn place(&self) -> Option<&Place> {
        self.error.place.as_ref()
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $constant:ident = $name:literal $severity:ident;)*) => {
        $($(#[doc = $doc])* pub static $constant: Rule =
            Rule { name: $name, severity: Severity::$severity, doc: concat!($($doc),*).trim_ascii() };)*

        /// Every rule.
        pub static RULES: &[&Rule] = &[$(&$constant),*];
    };
}

rules! {
    /// The profile cannot be read: its manifest, its layout or its archive.
    PROFILE = "profile" Error;
    /// The engine refuses the profile when it loads it.
    LOAD = "load" Error;
    /// Text that is not Lua.
    SYNTAX = "syntax" Error;
    /// A name that neither the profile nor Probity gives a meaning.
    UNKNOWN_NAME = "unknown-name" Error;
    /// A global that is set while a control runs.
    GLOBAL_IN_CHECK = "global-in-check" Error;
    /// An attribute, a resource or `node` that is assigned to.
    READ_ONLY = "read-only" Error;
    /// Something that needs a node, at the top of a file where there is none yet.
    NEEDS_NODE = "needs-node" Error;
    /// A library that is required and not in the profile.
    MISSING_LIBRARY = "missing-library" Error;
    /// Two controls with one id.
    DUPLICATE_ID = "duplicate-id" Error;
    /// A control without a table, or with anything else than one.
    CONTROL_WITHOUT_TABLE = "control-without-table" Error;
    /// A key that no control has.
    UNKNOWN_KEY = "unknown-key" Error;
    /// A describe without a step, which checks nothing.
    DESCRIBE_WITHOUT_STEP = "describe-without-step" Error;
    /// A step that describe does not have.
    UNKNOWN_STEP = "unknown-step" Error;
    /// A dot where a colon belongs, or the other way round.
    DOT_OR_COLON = "dot-or-colon" Error;
    /// A step without the matcher or predicate it needs.
    STEP_ARGUMENT = "step-argument" Error;
    /// A property the resource does not have.
    UNKNOWN_PROPERTY = "unknown-property" Error;
    /// A predicate the resource does not have, or one with wrong arguments.
    PREDICATE = "predicate" Error;
    /// The name of a resource where the resource itself is meant.
    UNCALLED_RESOURCE = "uncalled-resource" Error;
    /// Arguments that a resource or a method of it does not take.
    ARGUMENTS = "arguments" Error;
    /// Arguments that a matcher does not take.
    MATCHER = "matcher" Error;
    /// A file mode compared with a number, or a list with a matcher for one value.
    MISFIT = "misfit" Error;
    /// An attribute that profile.yml does not declare.
    UNDECLARED_ATTRIBUTE = "undeclared-attribute" Error;
    /// An attribute that nothing uses.
    UNUSED_ATTRIBUTE = "unused-attribute" Warning;
    /// A control without title, impact or desc.
    CONTROL_METADATA = "control-metadata" Warning;
    /// A manifest without title, summary, maintainer or license.
    MANIFEST_METADATA = "manifest-metadata" Warning;
    /// A resource read in a plain loop, which waits for the node at every turn.
    READ_IN_LOOP = "read-in-loop" Warning;
    /// A variable that a body of `for_each` reads before the node answers and sets after that.
    LOST_UPDATE = "lost-update" Warning;
    /// A call whose parenthesis opens on a line of its own.
    CALL_ON_NEW_LINE = "call-on-new-line" Warning;
    /// More than a person would read; the rest is left out.
    TOO_MANY = "too-many" Error;
    /// A file of which only the syntax could be checked: it is too large, or has empty statements.
    UNEXAMINED = "unexamined" Warning;
}
