//! `probity test`

mod case;
mod trial;

use super::{Errors, Global, Outcome, TextOrJson};
use crate::error::{Error, exit};
use crate::profile::Profile;
use case::Case;
use std::path::PathBuf;
use trial::{Mismatch, Trial};

/// Runs the tests of profiles, on recordings instead of nodes
///
/// A test is a file tests/*.yml of the profile. It names a recording and the outcomes that
/// the controls have on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "A first test:\n  \
    probity exec my-profile --record my-profile/tests/web1.recording\n  \
    printf 'recording: tests/web1.recording\\nexpect:\\n  \"*\": passed\\n' > my-profile/tests/web1.yml\n  \
    probity test my-profile\n\nIt ends with 0 where every outcome is as expected, with 100 where one is not.")]
pub struct TestArgs {
    /// Directories or archives of profiles
    #[arg(value_name = "PROFILE", required = true)]
    profiles: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TextOrJson,
}

pub fn run(args: &TestArgs, global: &Global) -> Outcome {
    let mut trials = Vec::new();
    let mut errors = Vec::new();
    for path in &args.profiles {
        match test(path, global) {
            Ok(found) => trials.extend(found),
            Err(found) => errors.extend(found.0),
        }
    }
    if !errors.is_empty() {
        return Err(Errors(errors));
    }
    let text = match args.format {
        TextOrJson::Text => text(&trials, global.quiet),
        TextOrJson::Json => format!("{:#}\n", document(&trials)),
    };
    super::print(&text)?;
    Ok(if trials.iter().all(Trial::is_good) { exit::OK } else { exit::FAILED })
}

/// Runs every test of one profile.
fn test(path: &std::path::Path, global: &Global) -> Result<Vec<Trial>, Errors> {
    let profile = Profile::load(path)?;
    let cases = Case::all(&profile)?;
    if cases.is_empty() {
        let error = Error::usage("the profile has no test: there is no tests/*.yml").in_file(path);
        let hint = "record a node with probity exec PROFILE --record PROFILE/tests/NAME.recording, and say in \
                    PROFILE/tests/NAME.yml what is expected of it; probity test --help shows how";
        return Err(error.hint(hint).hint("probity exec PROFILE runs a profile on nodes").into());
    }
    let mut trials = Vec::new();
    let mut errors = Vec::new();
    for case in &cases {
        match trial::run(&profile, case, global.verbose > 0) {
            Ok(trial) => trials.push(trial),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(trials) } else { Err(Errors(errors)) }
}

/// A line a test, each mismatch below it, and the sum of all.
fn text(trials: &[Trial], quiet: bool) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for trial in trials.iter().filter(|trial| !quiet || !trial.is_good()) {
        let (file, good) = (trial.file.display(), trial.looked_at - trial.mismatches.len());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{file}: {good} of {} as expected", controls(trial.looked_at));
        for Mismatch { control, expected, got, why } in &trial.mismatches {
            let _ = writeln!(text, "  {control}: expected {expected}, got {got}");
            for line in why {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    let bad = trials.iter().filter(|trial| !trial.is_good()).count();
    let tests = if trials.len() == 1 { "1 test".to_string() } else { format!("{} tests", trials.len()) };
    let _ = match bad {
        0 if quiet => Ok(()),
        0 => writeln!(text, "{tests} passed"),
        bad => writeln!(text, "{bad} of {tests} failed"),
    };
    text
}

fn controls(count: usize) -> String {
    if count == 1 { "1 control".to_string() } else { format!("{count} controls") }
}

fn document(trials: &[Trial]) -> serde_json::Value {
    let mismatch = |mismatch: &Mismatch| {
        serde_json::json!({
            "control": mismatch.control, "expected": mismatch.expected, "got": mismatch.got, "why": mismatch.why,
        })
    };
    let trial = |trial: &Trial| {
        serde_json::json!({
            "test": trial.file.display().to_string(),
            "recording": trial.recording,
            "passed": trial.is_good(),
            "controls": trial.looked_at,
            "mismatches": trial.mismatches.iter().map(mismatch).collect::<Vec<_>>(),
        })
    };
    serde_json::json!({
        "format": "probity/test", "version": 1, "tests": trials.iter().map(trial).collect::<Vec<_>>(),
    })
}
