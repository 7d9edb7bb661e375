//! Versions of Alpine: `digits{.digits}{letter}{_suffix{number}}{~hash}{-r#}`.

use std::cmp::Ordering;

/// A part of a version. Where two versions have parts of different kinds at one place,
/// the one whose kind comes first here is the later version: `1.2.1` after `1.2a`, both
/// after `1.2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    First,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    End,
    Invalid,
}

struct Part<'a> {
    kind: Kind,
    text: &'a [u8],
}

/// Suffixes in their order; those before [`RELEASE`] stand before the release itself.
const SUFFIXES: &[&[u8]] = &[b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p"];
const RELEASE: usize = 4;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (parts_a, parts_b) = (parts(a.as_bytes()), parts(b.as_bytes()));
    for (a, b) in parts_a.iter().zip(&parts_b) {
        if a.kind != b.kind {
            return if a.is_pre_release() {
                Ordering::Less
            } else if b.is_pre_release() {
                Ordering::Greater
            } else {
                b.kind.cmp(&a.kind)
            };
        }
        let order = a.compare(b);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

impl Part<'_> {
    fn is_pre_release(&self) -> bool {
        self.kind == Kind::Suffix && suffix(self.text).is_some_and(|place| place < RELEASE)
    }

    fn compare(&self, other: &Part) -> Ordering {
        let leading_zero = self.text.first() == Some(&b'0') || other.text.first() == Some(&b'0');
        match self.kind {
            // A number with a leading zero is read as decimals: 1.01 is before 1.1.
            Kind::Number if leading_zero => self.text.cmp(other.text),
            Kind::First | Kind::Number | Kind::SuffixNumber | Kind::Revision => super::digits(self.text, other.text),
            Kind::Suffix => suffix(self.text).cmp(&suffix(other.text)),
            Kind::Letter | Kind::Hash | Kind::Invalid => self.text.cmp(other.text),
            Kind::End => Ordering::Equal,
        }
    }
}

fn suffix(text: &[u8]) -> Option<usize> {
    SUFFIXES.iter().position(|name| *name == text)
}

/// The parts of a version; always ends in `End` or `Invalid`.
fn parts(text: &[u8]) -> Vec<Part<'_>> {
    let digit = |byte: u8| byte.is_ascii_digit();
    let mut parts = Vec::new();
    let (number, mut rest) = super::span(text, digit);
    parts.push(Part { kind: if number.is_empty() { Kind::Invalid } else { Kind::First }, text: number });
    while let Some(first) = rest.first() {
        let last = parts.last().map_or(Kind::First, |part| part.kind);
        let (kind, text, after) = match first {
            b'.' if last <= Kind::Number => {
                let (number, after) = super::span(&rest[1..], digit);
                (if number.is_empty() { Kind::Invalid } else { Kind::Number }, number, after)
            }
            b'a'..=b'z' if last <= Kind::Number => (Kind::Letter, &rest[..1], &rest[1..]),
            b'_' if last <= Kind::SuffixNumber => {
                let (name, after) = super::span(&rest[1..], |byte| byte.is_ascii_lowercase());
                (if suffix(name).is_some() { Kind::Suffix } else { Kind::Invalid }, name, after)
            }
            b'0'..=b'9' if last == Kind::Suffix => {
                let (number, after) = super::span(rest, digit);
                (Kind::SuffixNumber, number, after)
            }
            b'~' if last <= Kind::SuffixNumber => {
                let (hash, after) = super::span(&rest[1..], |byte| byte.is_ascii_hexdigit());
                (Kind::Hash, hash, after)
            }
            b'-' if last <= Kind::Hash && rest.get(1) == Some(&b'r') => {
                let (number, after) = super::span(&rest[2..], digit);
                (if number.is_empty() { Kind::Invalid } else { Kind::Revision }, number, after)
            }
            _ => (Kind::Invalid, rest, &rest[rest.len()..]),
        };
        if kind == Kind::Invalid {
            parts.push(Part { kind, text: rest });
            return parts;
        }
        parts.push(Part { kind, text });
        rest = after;
    }
    parts.push(Part { kind: Kind::End, text: rest });
    parts
}
