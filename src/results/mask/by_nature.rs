//! What is secret whoever's it is: password hashes and private keys.

use super::MASK;
use memchr::memmem::Finder;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// One kind of secret.
pub struct SecretByNature {
    /// False where there can be none in a text. Nearly every text is told apart so, and a run
    /// without any candidate never builds the pattern.
    possible: fn(&str) -> bool,
    /// The patterns are constants; a test builds every one of them.
    pub pattern: LazyLock<Option<Regex>>,
    /// What stands in its place.
    with: &'static str,
}

impl SecretByNature {
    const fn new(possible: fn(&str) -> bool, pattern: fn() -> Option<Regex>, with: &'static str) -> Self {
        SecretByNature { possible, pattern: LazyLock::new(pattern), with }
    }

    /// The text without secrets of this kind.
    pub fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        // In this order: to look at the pattern is to build it.
        if !(self.possible)(text) {
            return Cow::Borrowed(text);
        }
        match &*self.pattern {
            Some(pattern) => pattern.replace_all(text, self.with),
            None => Cow::Borrowed(text),
        }
    }
}

/// The hash formats of crypt(5), and those web servers and databases add: an id between
/// dollars, then parameters, salt and hash.
fn hash() -> Option<Regex> {
    Regex::new(r"(\$(?:1|2[abxy]?|3|5|6|7|y|gy|md5|sha1|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*)[$,])[./A-Za-z0-9$=,+*-]{8,}").ok()
}

/// Whether a word between dollars, or between a dollar and a comma, is there: a shell script has
/// many dollars and seldom that.
fn may_hold_hash(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'$', bytes).any(|dollar| {
        let rest = &bytes[dollar + 1..];
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        matches!(rest.get(word), Some(b'$' | b','))
    })
}

/// A line of shadow(5), where a password that was hashed traditionally has its place: a field of
/// its length before numbers. A line of passwd(5) has none, as a rule.
fn may_be_traditional(text: &str) -> bool {
    if !may_be_shadow(text) {
        return false;
    }
    let fields: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b':').collect();
    let number = |field: &[u8]| field.iter().all(u8::is_ascii_digit);
    fields.windows(4).skip(1).any(|window| {
        let password = window[0].strip_prefix(b"!").or(window[0].strip_prefix(b"*")).unwrap_or(window[0]);
        matches!(password.len(), 13 | 20) && number(window[1]) && number(window[2])
    })
}

/// A line of shadow(5), where a password has its place.
fn may_be_shadow(text: &str) -> bool {
    memchr::memchr_iter(b':', text.as_bytes()).nth(3).is_some()
}

fn grub() -> Option<Regex> {
    Regex::new(r"grub\.pbkdf2\.sha[0-9]+\.[0-9]+\.[0-9A-Fa-f.]{16,}").ok()
}

fn may_hold_grub(text: &str) -> bool {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("grub.pbkdf2."));
    MARK.find(text.as_bytes()).is_some()
}

/// A private key (RFC 7468, RFC 4880), up to its end or, when it was cut, to the end of the
/// text; in one text with line ends, quoted, or as a list of lines. The mark alone, as a
/// pattern to look for, is no key.
fn key() -> Option<Regex> {
    Regex::new(r#"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[\s"',]|\\+[rnt])*(?:Proc-Type|Comment|Version|[A-Za-z0-9+/=]{16,}).*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)"#).ok()
}

fn may_hold_key(text: &str) -> bool {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("-----BEGIN "));
    MARK.find(text.as_bytes()).is_some()
}

/// What no report shows.
pub static IN_REPORTS: [SecretByNature; 4] = [
    SecretByNature::new(may_hold_hash, hash, MASK),
    // A traditional hash has no mark of its own, but its place in shadow(5) has.
    SecretByNature::new(
        may_be_traditional,
        || Regex::new(r":[!*]?(?:_[./A-Za-z0-9]{19}|[./A-Za-z0-9]{13})((?::[0-9]*){3,})").ok(),
        ":***$1",
    ),
    SecretByNature::new(may_hold_grub, grub, MASK),
    SecretByNature::new(may_hold_key, key, MASK),
];

/// What no recording holds: the same, with what says how a password is hashed left there.
pub static IN_RECORDINGS: [SecretByNature; 6] = [
    SecretByNature::new(may_hold_hash, hash, "${1}***"),
    // In the place of a password any mark of crypt(5) will do, known or not.
    SecretByNature::new(
        may_be_shadow,
        || Regex::new(r"(:[!*]?\$[A-Za-z0-9-]*\$?)[^:\n*]{8,}((?::[0-9]*){3,})").ok(),
        "${1}***$2",
    ),
    SecretByNature::new(
        may_be_shadow,
        || Regex::new(r"(:[!*]?_)[./A-Za-z0-9]{19}((?::[0-9]*){3,})").ok(),
        "${1}...................$2",
    ),
    SecretByNature::new(
        may_be_shadow,
        || Regex::new(r"(:[!*]?)[./A-Za-z0-9]{13}((?::[0-9]*){3,})").ok(),
        "${1}.............$2",
    ),
    SecretByNature::new(may_hold_grub, grub, MASK),
    SecretByNature::new(may_hold_key, key, MASK),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn where_there_is_a_secret_there_may_be_one(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    ":", ":", "::", "!", "*", "_", "x", "0", "99999", "rqXexS6ZhobKA", "6ZhobKArqXexS6Zhob0", "$", "$", ",",
                    "6", "2b", "argon2id", "pbkdf2-sha256", "y", "abcdefgh.1/", "\"", "\n", " ", "é",
                ]),
                0..24,
            )
        ) {
            let text = pieces.concat();
            for secret in IN_REPORTS.iter().chain(&IN_RECORDINGS) {
                let pattern = secret.pattern.as_ref().expect("a pattern");
                prop_assert!((secret.possible)(&text) || !pattern.is_match(&text), "{} in {text:?}", pattern);
            }
        }
    }
}
