//! Requirements on versions: `>= 1.2, < 2`.

use super::compare::against_version;
use crate::value::version::compare as compare_versions;
use crate::value::{PackageVersion, VersionScheme};
use std::cmp::Ordering;

/// Clauses that must all hold.
#[derive(Debug, Clone)]
pub(super) struct Requirement {
    /// As it was written.
    pub text: String,
    clauses: Vec<(Operator, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    AtLeast,
    GreaterThan,
    AtMost,
    LessThan,
}

/// Longer ones first, so that `>=` is not read as `>`.
const OPERATORS: &[(&str, Operator)] = &[
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("!=", Operator::NotEqual),
    ("==", Operator::Equal),
    (">", Operator::GreaterThan),
    ("<", Operator::LessThan),
    ("=", Operator::Equal),
];

impl Requirement {
    /// Reads clauses separated by commas, each an operator and a version; a version
    /// alone must be equal, and `~> 1.2.3` is `>= 1.2.3, < 1.3`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Requirement, String> {
        let mut clauses = Vec::new();
        for clause in text.split(',').map(str::trim) {
            if let Some(version) = clause.strip_prefix("~>") {
                let version = named(text, version)?;
                let upper = next(&version).ok_or_else(|| {
                    format!("version {text:?}: ~> takes a version of at least two numbers such as 1.2, not {version:?}")
                })?;
                clauses.push((Operator::AtLeast, version));
                clauses.push((Operator::LessThan, upper));
                continue;
            }
            let (operator, version) = OPERATORS
                .iter()
                .find_map(|(sign, operator)| clause.strip_prefix(sign).map(|version| (*operator, version)))
                .unwrap_or((Operator::Equal, clause));
            clauses.push((operator, named(text, version)?));
        }
        Ok(Requirement { text: text.trim().to_string(), clauses })
    }

    /// Whether a version of a package is as required, in the order of its package
    /// manager; else the clause it breaks.
    pub fn admits_package(&self, found: &PackageVersion) -> Result<(), String> {
        self.admits(|version| against_version(found, version))
    }

    /// Whether a version of no package manager is as required; else the clause it breaks.
    pub fn admits_text(&self, found: &str) -> Result<(), String> {
        self.admits(|version| compare_versions(VersionScheme::Plain, found, version))
    }

    fn admits(&self, compare: impl Fn(&str) -> Ordering) -> Result<(), String> {
        for (operator, version) in &self.clauses {
            let order = compare(version);
            let holds = match operator {
                Operator::Equal => order.is_eq(),
                Operator::NotEqual => order.is_ne(),
                Operator::AtLeast => order.is_ge(),
                Operator::GreaterThan => order.is_gt(),
                Operator::AtMost => order.is_le(),
                Operator::LessThan => order.is_lt(),
            };
            if !holds {
                let sign = OPERATORS.iter().find(|(_, known)| known == operator).map_or("=", |(sign, _)| sign);
                return Err(format!("it is not {sign} {version}"));
            }
        }
        Ok(())
    }
}

/// A version as a requirement may name it: no blank inside, and a digit somewhere.
fn named(whole: &str, version: &str) -> Result<String, String> {
    let version = version.trim();
    if version.is_empty() {
        return Err(format!("version {whole:?}: a version is missing; write for example \">= 1.2, < 2\""));
    }
    let odd = version.contains(|letter: char| letter.is_whitespace() || "<>=!".contains(letter));
    if odd || !version.contains(|letter: char| letter.is_ascii_digit()) {
        return Err(format!("version {whole:?}: {version:?} is not a version; write for example \">= 1.2, < 2\""));
    }
    Ok(version.to_string())
}

/// The first version that `~>` no longer admits: the last but one number, plus one.
fn next(version: &str) -> Option<String> {
    let (epoch, numbers) = match version.split_once(':') {
        Some((epoch, numbers)) => (format!("{epoch}:"), numbers),
        None => (String::new(), version),
    };
    let mut numbers: Vec<u64> = numbers
        .split('.')
        .map(|part| part.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default().parse().ok())
        .collect::<Option<_>>()?;
    numbers.pop()?;
    let last = numbers.last_mut()?;
    *last = last.checked_add(1)?;
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    Some(format!("{epoch}{}", numbers.join(".")))
}
