//! Versions of no package manager: Semantic Versioning where it applies, and a sensible
//! answer for `9.2p1`, `1.0.2k` and `5.10.0-23-amd64`.

use std::cmp::Ordering;

/// One run of digits or letters.
///
/// A version is its runs, followed by zeros without end; two versions compare run by
/// run. A word that marks a pre-release stands before 0, any other word between 0
/// and 1.
#[derive(PartialEq, Eq)]
enum Run {
    PreRelease(String),
    Number(Vec<u8>),
    Word(String),
}

const ZERO: Run = Run::Number(Vec::new());

const PRE_RELEASE: &[&str] = &["alpha", "beta", "cr", "dev", "nightly", "pre", "preview", "rc", "snapshot"];

impl Run {
    fn rank(&self) -> u8 {
        match self {
            Run::PreRelease(_) => 0,
            Run::Number(digits) if digits.is_empty() => 1,
            Run::Word(_) => 2,
            Run::Number(_) => 3,
        }
    }
}

impl Ord for Run {
    fn cmp(&self, other: &Run) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| match (self, other) {
            (Run::Number(a), Run::Number(b)) => super::digits(a, b),
            (Run::PreRelease(a), Run::PreRelease(b)) | (Run::Word(a), Run::Word(b)) => a.cmp(b),
            _ => Ordering::Equal,
        })
    }
}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Run) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (runs(a), runs(b));
    (0..a.len().max(b.len()))
        .map(|index| a.get(index).unwrap_or(&ZERO).cmp(b.get(index).unwrap_or(&ZERO)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn runs(text: &str) -> Vec<Run> {
    let text = text.trim();
    let text = match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => rest,
        _ => text,
    };
    // What follows a plus is metadata of the build, which Semantic Versioning ignores.
    let text = text.split('+').next().unwrap_or_default();
    let mut rest = text.as_bytes();
    let mut runs = Vec::new();
    while let Some(first) = rest.first() {
        let run;
        if first.is_ascii_digit() {
            (run, rest) = super::span(rest, |byte| byte.is_ascii_digit());
            runs.push(Run::Number(super::without_zeros(run).to_vec()));
        } else if is_letter(*first) {
            (run, rest) = super::span(rest, is_letter);
            let word = String::from_utf8_lossy(run).to_lowercase();
            if PRE_RELEASE.contains(&word.as_str()) {
                // 1.0-rc1 and 1.0.0-rc1 are one version.
                while runs.last() == Some(&ZERO) {
                    runs.pop();
                }
                runs.push(Run::PreRelease(word));
            } else {
                runs.push(Run::Word(word));
            }
        } else {
            if *first == b'~' {
                runs.push(Run::PreRelease(String::new()));
            }
            rest = &rest[1..];
        }
    }
    runs
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || !byte.is_ascii()
}
