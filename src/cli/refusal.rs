//! A command line that cannot be read: clap's error, with a remedy where clap has none.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What users of other tools type, and what it is here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("--format", "reports are chosen with --reporter NAME or NAME:PATH"),
    ("--input", "attributes are given with --attr NAME=VALUE"),
    ("--input-file", "files of attributes are given with --attrs FILE"),
    ("--log-level", "-v says more, -q says less"),
    ("--no-color", "colours are turned off with --color never"),
    ("--output", "reports go to files with --reporter NAME:PATH"),
    ("--vars", "files of attributes are given with --attrs FILE"),
    ("--waiver-file", "files of waivers are given with --waivers FILE"),
    ("json", "the controls of a profile are listed with probity describe PROFILE --format json"),
    ("list", "the controls of a profile are listed with probity describe PROFILE"),
    ("run", "profiles are run with probity exec PROFILE"),
    ("shell", "a line of a control is tried with probity exec -e CODE"),
    ("validate", "profiles are run with probity exec PROFILE"),
    ("verify", "profiles are run with probity exec PROFILE"),
];

/// Adds what the user may have meant; takes out what helps nobody.
pub fn explain(error: &mut clap::Error) {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return,
    };
    let Some(ContextValue::String(typed)) = error.get(kind) else { return };
    let typed = typed.split('=').next().unwrap_or(typed);
    if let Some((_, remedy)) = ELSEWHERE.iter().find(|(word, _)| *word == typed) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(*remedy)]));
    } else if error.get(ContextKind::SuggestedArg).is_none() && kind == ContextKind::InvalidArg {
        // "to pass it as a value, use --" is never what was meant.
        error.remove(ContextKind::Suggested);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn refused(args: &[&str]) -> String {
        let mut error = crate::cli::Cli::try_parse_from(args).expect_err("is refused");
        explain(&mut error);
        error.to_string()
    }

    #[test]
    fn words_of_other_tools_are_answered_with_ours() {
        assert!(refused(&["probity", "shell"]).contains("exec -e CODE"));
        let input = refused(&["probity", "exec", "p", "--input-file=a.yml"]);
        assert!(input.contains("--attrs FILE") && !input.contains("as a value"), "{input}");
        assert!(refused(&["probity", "exec", "p", "--reporters", "x"]).contains("'--reporter'"));
        assert!(!refused(&["probity", "exec", "p", "--zzz"]).contains("as a value"));
    }

    #[test]
    fn every_word_is_one_that_is_refused_here() {
        for (word, _) in ELSEWHERE {
            let args: &[&str] =
                if word.starts_with('-') { &["probity", "exec", "p", word] } else { &["probity", word] };
            let text = refused(args);
            assert!(text.contains("tip:"), "{word}: {text}");
        }
    }
}
