//! `probity config`, and the defaults it explains: a file and the environment give values
//! to flags that the command line leaves out.
//!
//! The command line wins over `PROBITY_FLAG`, which wins over the file, which wins over the
//! built-in default. The file is `$PROBITY_CONFIG`, else `config.yml` in
//! `$XDG_CONFIG_HOME/probity` or `~/.config/probity`.

use super::{Errors, Outcome};
use crate::error::{Error, did_you_mean, exit};
use crate::yaml::{Data, Document, Field};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

/// Shows where the defaults of flags come from
///
/// A flag that the command line leaves out is taken from the environment, PROBITY_REPORTER
/// for --reporter, else from the file of defaults: $PROBITY_CONFIG, else config.yml in
/// $XDG_CONFIG_HOME/probity or ~/.config/probity. The file holds flags by their long names,
/// for all subcommands or in a section for one:
///
///     color: never
///     exec:
///       reporter: [cli, "junit:out/junit.xml"]
///
/// In the environment, blanks separate the values of a flag that takes several.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Prints the flags of a subcommand with their values and where these come from
    #[command(after_help = "Examples:\n  probity config explain\n  PROBITY_COLOR=never probity config explain exec")]
    Explain {
        /// The subcommand
        #[arg(default_value = "exec")]
        subcommand: String,
    },
}

/// Flags that cannot have a default from outside.
const FIXED: [&str; 2] = ["help", "version"];

/// Subcommands that take no defaults from outside, so that a broken file does not break them.
const UNTOUCHED: [&str; 7] = ["config", "completions", "help", "init", "matchers", "resources", "version"];

/// A default for a flag: its values, and where they come from.
struct Default {
    values: Vec<String>,
    origin: String,
}

/// The defaults for the flags of one subcommand, by flag.
type Defaults = BTreeMap<String, Default>;

/// The arguments with the defaults of the file and the environment filled in.
///
/// # Errors
///
/// A file that cannot be read, or that names a flag that is not there.
pub fn with_defaults(arguments: Vec<OsString>) -> Result<Vec<OsString>, Errors> {
    let set = |name: OsString| name.to_string_lossy().starts_with("PROBITY_");
    if file().is_none() && !std::env::vars_os().any(|(name, _)| set(name)) {
        return Ok(arguments);
    }
    let command = super::command();
    // A wrong command line, or one that wants help, is answered by the real parser.
    let Ok(matches) = command.clone().try_get_matches_from(&arguments) else { return Ok(arguments) };
    let Some((name, mut given)) = matches.subcommand() else { return Ok(arguments) };
    if UNTOUCHED.contains(&name) {
        return Ok(arguments);
    }
    let Some(subcommand) = command.find_subcommand(name) else { return Ok(arguments) };
    // Of several inner ones, such as those of `report`, not every one takes the same flags.
    let mut takes = subcommand;
    while let Some((name, inner)) = given.subcommand() {
        given = inner;
        takes = takes.find_subcommand(name).unwrap_or(takes);
    }
    let taken =
        |arg: &Arg| takes.get_arguments().chain(command.get_arguments()).any(|own| own.get_id() == arg.get_id());
    let defaults = defaults_of(&command, subcommand)?;
    let mut filled = arguments.clone();
    for arg in flags(&command, subcommand).into_iter().filter(|arg| taken(arg)) {
        let Some(default) = arg.get_long().and_then(|long| defaults.get(long)) else { continue };
        let own = arg.get_id().as_str();
        // Of several actions each has flags of its own.
        if given.try_contains_id(own).is_err() && matches.try_contains_id(own).is_err() {
            continue;
        }
        let opposed = OPPOSITES
            .iter()
            .filter(|flags| flags.contains(&own))
            .any(|flags| flags.iter().any(|id| *id != own && from_command_line(given, &matches, id)));
        if opposed || from_command_line(given, &matches, arg.get_id().as_str()) {
            continue;
        }
        let wrong = |message: String| Error::usage(format!("{}: {message}", default.origin));
        let more = as_arguments(arg, &default.values).map_err(wrong)?;
        // Tried alone, so that the message can say where a wrong value comes from.
        let tried = arguments.iter().chain(&more);
        if let Err(error) = command.clone().try_get_matches_from(tried) {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            return Err(wrong(first.strip_prefix("error: ").unwrap_or(first).to_string()).into());
        }
        filled.extend(more);
    }
    Ok(filled)
}

/// Flags of which one on the command line puts the defaults of the others out of force.
const OPPOSITES: [&[&str]; 7] = [
    &["quiet", "verbose"],
    &["target", "inventory"],
    &["sudo", "su", "doas"],
    &["ssh_password_env", "ssh_password_file", "ssh_password_prompt"],
    &["passphrase_env", "passphrase_file"],
    &["bag_passphrase_env", "bag_passphrase_file"],
    &["sudo_password_env", "sudo_password_file", "sudo_password_prompt"],
];

fn from_command_line(given: &ArgMatches, matches: &ArgMatches, id: &str) -> bool {
    let source = |matches: &ArgMatches| {
        matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    source(given) || source(matches)
}

/// The flags a subcommand takes, general ones included.
fn flags<'a>(command: &'a Command, subcommand: &'a Command) -> Vec<&'a Arg> {
    let all = innermost(subcommand).into_iter().flat_map(Command::get_arguments).chain(command.get_arguments());
    let mut found: Vec<&Arg> = Vec::new();
    for arg in all {
        let fixed = arg.get_long().is_none_or(|long| FIXED.contains(&long));
        if !fixed && !found.iter().any(|other| other.get_long() == arg.get_long()) {
            found.push(arg);
        }
    }
    found
}

/// What really takes the flags: `attributes explain` and `attributes render` for `attributes`.
fn innermost(subcommand: &Command) -> Vec<&Command> {
    match subcommand.has_subcommands() {
        true => subcommand.get_subcommands().flat_map(innermost).collect(),
        false => vec![subcommand],
    }
}

/// A default as it would be typed.
fn as_arguments(arg: &Arg, values: &[String]) -> Result<Vec<OsString>, String> {
    let long = arg.get_long().unwrap_or_default();
    match arg.get_action() {
        ArgAction::Count if matches!(values, [value] if matches!(value.as_str(), "2" | "3")) => {
            let times = values[0].parse().unwrap_or(1);
            Ok(vec![format!("--{long}").into(); times])
        }
        ArgAction::SetTrue | ArgAction::Count => match values {
            [value] if value == "true" || value == "1" => Ok(vec![format!("--{long}").into()]),
            [value] if value == "false" || value == "0" || value.is_empty() => Ok(Vec::new()),
            _ => Err(format!("--{long} is true or false")),
        },
        _ => Ok(values.iter().map(|value| format!("--{long}={value}").into()).collect()),
    }
}

fn defaults_of(command: &Command, subcommand: &Command) -> Result<Defaults, Errors> {
    let mut defaults = match file() {
        Some(path) => from_file(&path, command, subcommand)?,
        None => Defaults::new(),
    };
    for arg in flags(command, subcommand) {
        let Some(long) = arg.get_long() else { continue };
        let variable = variable(long);
        let Ok(text) = std::env::var(&variable) else { continue };
        let several = arg.get_num_args().is_some_and(|range| range.max_values() > 1)
            || matches!(arg.get_action(), ArgAction::Append);
        let values = match several {
            true => text.split_whitespace().map(str::to_string).collect(),
            false => vec![text],
        };
        defaults.insert(long.to_string(), Default { values, origin: format!("environment {variable}") });
    }
    Ok(defaults)
}

/// `PROBITY_NO_DISTINCT_EXIT` for `--no-distinct-exit`.
fn variable(long: &str) -> String {
    format!("PROBITY_{}", long.to_uppercase().replace('-', "_"))
}

/// The file of defaults, if there is one.
fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("PROBITY_CONFIG") {
        return Some(path);
    }
    let folder = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("probity/config.yml")).filter(|path| path.exists())
}

fn from_file(path: &std::path::Path, command: &Command, subcommand: &Command) -> Result<Defaults, Errors> {
    let document = Document::read(path)?;
    if document.root.is_null() {
        return Ok(Defaults::new());
    }
    let subcommands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let mut known: Vec<&str> = subcommands.clone();
    known.extend(
        command
            .get_subcommands()
            .flat_map(innermost)
            .chain([command])
            .flat_map(Command::get_arguments)
            .filter_map(Arg::get_long),
    );
    known.sort_unstable();
    known.dedup();
    let fields = document.fields(&document.root, "the configuration", &known)?;
    let mut defaults = Defaults::new();
    let own = flags(command, subcommand);
    let mut take = |name: &str, field: &Field| -> Result<(), Error> {
        let values = values_of(&document, field)?;
        defaults.insert(name.to_string(), Default { values, origin: field.value.place.to_string() });
        Ok(())
    };
    for (name, field) in fields {
        if !subcommands.contains(&name.as_str()) && own.iter().any(|arg| arg.get_long() == Some(name)) {
            take(name, field)?;
        }
    }
    for (name, field) in fields {
        // The sections of others are theirs to refuse.
        let Some(section) = command.find_subcommand(name).filter(|one| one.get_name() == subcommand.get_name()) else {
            continue;
        };
        let names: Vec<&str> = flags(command, section).iter().filter_map(|arg| arg.get_long()).collect();
        let inner = document.fields(&field.value, &format!("the section {name}"), &names)?;
        for (name, field) in inner {
            take(name, field)?;
        }
    }
    Ok(defaults)
}

fn values_of(document: &Document, field: &Field) -> Result<Vec<String>, Error> {
    let items = match &field.value.value {
        Data::List(items) => items.iter().collect(),
        _ => vec![&field.value],
    };
    let text = |item: &crate::yaml::Located| {
        item.text()
            .map(str::to_string)
            .ok_or_else(|| document.error(&item.place, "a flag's value is one text, number or boolean"))
    };
    items.into_iter().map(text).collect()
}

pub fn run(args: &ConfigArgs) -> Outcome {
    let Action::Explain { subcommand: name } = &args.action;
    let command = super::command();
    let Some(subcommand) = command.find_subcommand(name).filter(|_| !UNTOUCHED.contains(&&**name)) else {
        if UNTOUCHED.contains(&&**name) {
            return Err(Error::usage(format!("probity {name} takes its flags from the command line alone")).into());
        }
        let names: Vec<&str> =
            command.get_subcommands().map(Command::get_name).filter(|name| !UNTOUCHED.contains(name)).collect();
        let hint = did_you_mean(name, names.iter().copied());
        return Err(Error::usage(format!("there is no subcommand {name}")).hint(hint).into());
    };
    let defaults = defaults_of(&command, subcommand)?;
    let mut text = match file() {
        Some(path) => format!("file: {}\n", path.display()),
        None => "file: none\n".to_string(),
    };
    let flags = flags(&command, subcommand);
    let width = flags.iter().filter_map(|arg| arg.get_long()).map(str::len).max().unwrap_or(0) + 2;
    for arg in flags {
        let long = arg.get_long().unwrap_or_default();
        let built_in: Vec<String> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let (value, origin) = match defaults.get(long) {
            Some(default) => (default.values.join(" "), default.origin.clone()),
            None if built_in.is_empty() => ("-".to_string(), format!("not set; {} would set it", variable(long))),
            None => (built_in.join(" "), "built in".to_string()),
        };
        let _ = writeln!(text, "{:width$}  {value}  ({origin})", format!("--{long}"));
    }
    for name in unknown_variables(&command) {
        let _ = writeln!(text, "{name} sets no flag");
    }
    super::print(&text)?;
    Ok(exit::OK)
}

/// What is in the environment and looks like a default, but belongs to no flag.
fn unknown_variables(command: &Command) -> Vec<String> {
    let all = command.get_subcommands().flat_map(innermost).chain([command]).flat_map(Command::get_arguments);
    let mut known: Vec<String> = all.filter_map(Arg::get_long).map(variable).collect();
    known.push("PROBITY_CONFIG".to_string());
    let set = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut unknown: Vec<String> = set.filter(|name| name.starts_with("PROBITY_") && !known.contains(name)).collect();
    unknown.sort_unstable();
    unknown
}
