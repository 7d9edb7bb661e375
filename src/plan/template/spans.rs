//! From a place in what was rendered back to the template.

use super::Template;
use super::beginnings;
use super::encode::BEGIN;
use crate::error::{Error, Place};
use minijinja::{OutputSpan, OutputSpanKind};
use std::ops::Range;
use std::sync::Arc;

/// The bytes of a mark; both are of one length.
const MARK: usize = BEGIN.len_utf8();

/// Which part of a template gave which part of a rendered text.
#[derive(Debug, Clone)]
pub struct Spans {
    template: Template,
    /// The rendered text the places are asked of, and the byte each of its lines begins at.
    text: Arc<str>,
    lines: Arc<[usize]>,
    parts: Vec<Part>,
}

/// A piece of what was rendered, by bytes.
#[derive(Debug, Clone)]
struct Part {
    rendered: Range<usize>,
    written: usize,
    /// Whether it stands in the template as it was rendered.
    is_raw: bool,
}

impl Spans {
    /// `spans` are those of the text with marks around `values`, which the text is without.
    pub(super) fn new(template: &Template, text: &str, spans: &[OutputSpan], values: &[Range<usize>]) -> Spans {
        let mut marks = Marks { ends: values.iter().flat_map(|value| [value.start, value.end]).collect(), passed: 0 };
        let part = |span: &OutputSpan| Part {
            rendered: marks.without(span.output_range().start)..marks.without(span.output_range().end),
            written: span.source_range().start,
            is_raw: span.kind() == OutputSpanKind::Raw,
        };
        Spans {
            template: template.clone(),
            text: text.into(),
            lines: beginnings(text).into(),
            parts: spans.iter().map(part).collect(),
        }
    }

    /// The place in the template of a byte of what was rendered: that of the expression, where
    /// one gave it.
    pub fn place_of_byte(&self, at: usize) -> Place {
        self.template.place(self.written(at))
    }

    /// An error at a byte of what was rendered, at the place of the template, whose line it
    /// shows.
    pub fn error_at_byte(&self, at: usize, message: impl Into<String>) -> Error {
        self.template.error(self.written(at), message)
    }

    /// The same for a line and column of what was rendered.
    pub fn error(&self, line: usize, column: usize, message: impl Into<String>) -> Error {
        self.error_at_byte(self.byte(line, column), message)
    }

    /// The place in the template of a line and column of what was rendered, both from 1.
    pub fn place(&self, line: usize, column: usize) -> Place {
        self.place_of_byte(self.byte(line, column))
    }

    /// The byte of a line and a column; the end where there is none.
    fn byte(&self, line: usize, column: usize) -> usize {
        let Some(begins) = self.lines.get(line.saturating_sub(1)) else { return self.text.len() };
        let rest = &self.text[*begins..];
        begins + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
    }

    /// Whether so many bytes at a line and column of what was rendered stand in the template as
    /// they are.
    pub fn is_written(&self, line: usize, column: usize, length: usize) -> bool {
        let begin = self.byte(line, column);
        let end = begin + length;
        let first = self.parts.partition_point(|part| part.rendered.end <= begin);
        self.parts[first..].iter().take_while(|part| part.rendered.start < end).all(|part| part.is_raw)
    }

    fn written(&self, at: usize) -> usize {
        let next = self.parts.partition_point(|part| part.rendered.end <= at);
        match self.parts.get(next).or(self.parts.last()) {
            Some(part) if part.is_raw => {
                part.written + at.clamp(part.rendered.start, part.rendered.end) - part.rendered.start
            }
            Some(part) => part.written,
            None => 0,
        }
    }
}

/// The marks of a text, and how many of them were passed on the way through it.
struct Marks {
    /// Where they were, in the text without them.
    ends: Vec<usize>,
    passed: usize,
}

impl Marks {
    /// A byte of the text without marks, from the byte with them; asked for in their order.
    fn without(&mut self, at: usize) -> usize {
        while self.ends.get(self.passed).is_some_and(|end| end + self.passed * MARK < at) {
            self.passed += 1;
        }
        at - self.passed * MARK
    }
}
