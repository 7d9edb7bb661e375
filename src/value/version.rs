//! The order of package versions, by the rules of the package manager they come from.
//!
//! All five orders are total over any text: what no package manager would accept still
//! compares the same way every time.

use super::{PackageVersion, VersionScheme};
use std::cmp::Ordering;

mod apk;
mod plain;

impl PackageVersion {
    /// A version of `scheme`.
    pub fn new(text: impl Into<std::sync::Arc<str>>, scheme: VersionScheme) -> PackageVersion {
        PackageVersion { text: text.into(), scheme }
    }

    /// Where this version stands to the version `other`, read by the same rules.
    pub fn compare(&self, other: &str) -> Ordering {
        compare(self.scheme, &self.text, other)
    }

    /// The number before the colon, where the scheme has epochs and this version has one.
    pub fn epoch(&self) -> Option<&str> {
        match self.scheme {
            VersionScheme::Dpkg | VersionScheme::Rpm | VersionScheme::Pacman => split_epoch(&self.text).0,
            VersionScheme::Apk | VersionScheme::Plain => None,
        }
    }

    /// The version without its epoch.
    pub fn without_epoch(&self) -> PackageVersion {
        match self.epoch() {
            Some(_) => PackageVersion::new(split_epoch(&self.text).1, self.scheme),
            None => self.clone(),
        }
    }
}

/// Where version `a` stands to version `b` by the rules of `scheme`.
///
/// Sources: deb-version(7) and `verrevcmp` as Debian policy 5.6.12 describes it;
/// rpm-version(7); vercmp(8); the version grammar of apk-package(5).
pub fn compare(scheme: VersionScheme, a: &str, b: &str) -> Ordering {
    match scheme {
        VersionScheme::Dpkg => dpkg(a, b),
        VersionScheme::Rpm => with_release(a, b, rpm_part),
        VersionScheme::Pacman => with_release(a, b, pacman_part),
        VersionScheme::Apk => apk::compare(a, b),
        VersionScheme::Plain => plain::compare(a, b),
    }
}

/// The epoch, if there is one, and the rest.
fn split_epoch(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(epoch), rest)
        }
        _ => (None, text),
    }
}

/// Compares runs of digits of any length as numbers.
fn digits(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (without_zeros(a), without_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

/// The leading bytes of `text` that satisfy `wanted`, and the rest.
fn span(text: &[u8], wanted: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !wanted(*byte)).unwrap_or(text.len());
    text.split_at(end)
}

fn dpkg(a: &str, b: &str) -> Ordering {
    let ((epoch_a, a), (epoch_b, b)) = (split_epoch(a), split_epoch(b));
    let (upstream_a, revision_a) = a.rsplit_once('-').unwrap_or((a, ""));
    let (upstream_b, revision_b) = b.rsplit_once('-').unwrap_or((b, ""));
    digits(epoch_a.unwrap_or("").as_bytes(), epoch_b.unwrap_or("").as_bytes())
        .then_with(|| dpkg_part(upstream_a.as_bytes(), upstream_b.as_bytes()))
        .then_with(|| dpkg_part(revision_a.as_bytes(), revision_b.as_bytes()))
}

/// What is no digit is compared letter by letter (`~` before the end, the end before
/// letters, letters before the rest), digits as numbers, in turns.
fn dpkg_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    let is_text = |text: &[u8]| text.first().is_some_and(|byte| !byte.is_ascii_digit());
    while !a.is_empty() || !b.is_empty() {
        while is_text(a) || is_text(b) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let ((number_a, rest_a), (number_b, rest_b)) =
            (span(a, |byte| byte.is_ascii_digit()), span(b, |byte| byte.is_ascii_digit()));
        let order = digits(number_a, number_b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// `epoch:version-release` of rpm and pacman: a missing epoch is 0, and the release
/// counts only where both have one.
fn with_release(a: &str, b: &str, part: fn(&[u8], &[u8]) -> Ordering) -> Ordering {
    let ((epoch_a, a), (epoch_b, b)) = (split_epoch(a), split_epoch(b));
    let split = |text| match str::rsplit_once(text, '-') {
        Some((version, release)) => (version, Some(release)),
        None => (text, None),
    };
    let ((version_a, release_a), (version_b, release_b)) = (split(a), split(b));
    digits(epoch_a.unwrap_or("").as_bytes(), epoch_b.unwrap_or("").as_bytes())
        .then_with(|| part(version_a.as_bytes(), version_b.as_bytes()))
        .then_with(|| match (release_a, release_b) {
            (Some(a), Some(b)) => part(a.as_bytes(), b.as_bytes()),
            _ => Ordering::Equal,
        })
}

/// The leading run of digits, or else of letters, of both; whether it is of digits is
/// decided by the first.
type Runs<'a, 'b> = ((&'a [u8], &'a [u8]), (&'b [u8], &'b [u8]), bool);

fn runs<'a, 'b>(a: &'a [u8], b: &'b [u8]) -> Runs<'a, 'b> {
    let numeric = a.first().is_some_and(u8::is_ascii_digit);
    let wanted = |byte: u8| if numeric { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
    (span(a, wanted), span(b, wanted), numeric)
}

fn rpm_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let separator = |byte: u8| !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^';
    while !a.is_empty() || !b.is_empty() {
        (a, b) = (span(a, separator).1, span(b, separator).1);
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            // A tilde sorts before anything, the end included; a caret after the end only.
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, _) | (_, None) => break,
            _ => {}
        }
        let ((run_a, rest_a), (run_b, rest_b), numeric) = runs(a, b);
        if run_b.is_empty() {
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let order = if numeric { digits(run_a, run_b) } else { run_a.cmp(run_b) };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty().cmp(&b.is_empty()).reverse()
}

fn pacman_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let separator = |byte: u8| !byte.is_ascii_alphanumeric();
    while !a.is_empty() && !b.is_empty() {
        let ((separators_a, rest_a), (separators_b, rest_b)) = (span(a, separator), span(b, separator));
        (a, b) = (rest_a, rest_b);
        if a.is_empty() || b.is_empty() {
            break;
        }
        if separators_a.len() != separators_b.len() {
            return separators_a.len().cmp(&separators_b.len());
        }
        let ((run_a, rest_a), (run_b, rest_b), numeric) = runs(a, b);
        if run_b.is_empty() {
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let order = if numeric { digits(run_a, run_b) } else { run_a.cmp(run_b) };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    // Letters that are left over mark a pre-release; anything else a later version.
    match (a.first(), b.first()) {
        (None, None) => Ordering::Equal,
        (Some(byte), _) if byte.is_ascii_alphabetic() => Ordering::Less,
        (None, Some(byte)) if !byte.is_ascii_alphabetic() => Ordering::Less,
        _ => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests;
