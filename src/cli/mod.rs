//! The command line: one file per subcommand, whose doc comment is its help.

mod agent;
mod archive;
mod attributes;
mod check;
mod completions;
mod config;
mod describe;
mod detect;
mod exec;
mod init;
mod inputs;
mod inventory;
mod matchers;
mod nodes;
mod pipeline;
mod profiles;
mod prompt;
mod refusal;
mod report;
mod reporters;
mod resources;
mod signals;
mod test;
mod version;

use crate::error::{Error, exit};
use anstyle::{AnsiColor, Style};
use clap::builder::styling::Styles;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal, Write};

/// Checks that machines are configured as they should be.
///
/// A profile is a versioned archive of controls written in Lua; `probity exec` runs it on a
/// machine and reports what passed, failed or could not be checked.
#[derive(Debug, Parser)]
#[command(name = "probity", version, styles = STYLES, propagate_version = false)]
#[command(after_help = "Start with: probity init my-baseline, then probity exec my-baseline")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every subcommand takes.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Colour: always, never or auto, which honours NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(hide_default_value = true, help_heading = "General")]
    pub color: Color,
    /// Say more: what controls print, what nodes took
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "General")]
    pub verbose: u8,
    /// No progress bar and no notes on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "General")]
    pub quiet: bool,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// How a subcommand prints what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Exec(Box<exec::ExecArgs>),
    Pipeline(pipeline::PipelineArgs),
    Init(init::InitArgs),
    Attributes(attributes::AttributesArgs),
    Check(check::CheckArgs),
    Test(test::TestArgs),
    Describe(describe::DescribeArgs),
    Archive(archive::ArchiveArgs),
    Detect(Box<detect::DetectArgs>),
    Inventory(inventory::InventoryArgs),
    Report(report::ReportArgs),
    Resources(resources::ResourcesArgs),
    Matchers(matchers::MatchersArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
    Version(version::VersionArgs),
    #[command(hide = true)]
    Agent(agent::AgentArgs),
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

impl Global {
    /// Whether what goes to `stream` is coloured.
    pub fn colours(&self, stream: &impl IsTerminal) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                !refused && !dumb && stream.is_terminal()
            }
        }
    }
}

/// Parses the command line, does what it says, and gives the exit code.
pub fn main() -> u8 {
    let typed: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let arguments = match config::with_defaults(typed) {
        Ok(arguments) => arguments,
        Err(errors) => {
            let plain = Global { color: Color::Auto, verbose: 0, quiet: false };
            print_errors(&errors.0, &plain);
            return exit::USAGE;
        }
    };
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(mut error) => {
            refusal::explain(&mut error);
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            // A closed pipe under `probity --help | head` is not worth a word.
            let _ = error.print();
            return code;
        }
    };
    let done = match &cli.command {
        Command::Exec(args) => exec::run(args, &cli.global),
        Command::Pipeline(args) => pipeline::run(args, &cli.global),
        Command::Init(args) => init::run(args, &cli.global),
        Command::Attributes(args) => attributes::run(args, &cli.global),
        Command::Check(args) => check::run(args, &cli.global),
        Command::Test(args) => test::run(args, &cli.global),
        Command::Describe(args) => describe::run(args),
        Command::Archive(args) => archive::run(args, &cli.global),
        Command::Detect(args) => detect::run(args, &cli.global),
        Command::Inventory(args) => inventory::run(args, &cli.global),
        Command::Report(args) => report::run(args, &cli.global),
        Command::Config(args) => config::run(args),
        Command::Resources(args) => resources::run(args, &cli.global),
        Command::Matchers(args) => matchers::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Version(args) => version::run(args),
        Command::Agent(args) => agent::run(args),
    };
    match done {
        Ok(code) => code,
        Err(errors) => {
            print_errors(&errors.0, &cli.global);
            errors.0.first().map_or(exit::USAGE, |error| error.code)
        }
    }
}

/// The command line as clap knows it, for completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}

/// One or more errors that end the program.
#[derive(Debug)]
pub struct Errors(pub Vec<Error>);

impl From<Error> for Errors {
    fn from(error: Error) -> Errors {
        Errors(vec![error])
    }
}

impl From<Vec<Error>> for Errors {
    fn from(errors: Vec<Error>) -> Errors {
        Errors(errors)
    }
}

/// What a subcommand gives: an exit code, or the errors to print.
pub type Outcome = Result<u8, Errors>;

fn print_errors(errors: &[Error], global: &Global) {
    let mut stderr = std::io::stderr().lock();
    let style = if global.colours(&stderr) { AnsiColor::Red.on_default().bold() } else { Style::new() };
    for error in errors {
        let _ = writeln!(stderr, "{style}error{style:#}: {error}");
    }
}

/// Writes to standard output; a closed pipe ends the program without a word, as it does
/// for other tools.
pub fn print(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::usage(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
