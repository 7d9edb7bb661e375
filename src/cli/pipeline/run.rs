//! `probity pipeline run`

use super::watching::Screen;
use crate::cli::{Errors, Global, Outcome, signals};
use crate::error::{Error, exit};
use crate::pipeline::{self, Given, Lock, Pipeline, Site, Stop, dry_run};
use crate::report::{Look, Options, Spec};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs the stages of a pipeline and comes to one verdict
///
/// The exit code is that of `probity exec` over everything that was validated; a stage that could
/// not be done counts as something that could not be checked. Logs and inventories are kept in
/// the folder .probity beside the file.
///
/// Ctrl-C ends the stages that run, and teardowns are still run; once more ends those, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity pipeline run pipeline.yml\n  \
    probity pipeline run pipeline.yml --var region=eu --reporter cli junit:out/junit.xml\n  \
    probity pipeline run pipeline.yml --dry-run")]
pub struct RunArgs {
    /// The pipeline file
    #[arg(value_name = "FILE", default_value = "pipeline.yml")]
    file: PathBuf,
    /// A variable, or where it is: NAME=@FILE, NAME=env:VAR
    ///
    /// Without it the environment variable PROBITY_VAR_NAME counts, then the file's default.
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,
    /// NAME or NAME:PATH, several at once (default: those of the file, else cli)
    #[arg(long, value_name = "REPORTER", num_args = 1.., help_heading = "Output")]
    reporter: Vec<String>,
    /// Run no teardown: leave what was provisioned
    #[arg(long)]
    no_teardown: bool,
    /// Print what would be run; run nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit with 0 or 1 alone; skipped is 0
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    no_distinct_exit: bool,
}

pub fn run(args: &RunArgs, global: &Global) -> Outcome {
    let pipeline = Arc::new(Pipeline::read(&args.file)?);
    let given = Given::read(&pipeline.variables, &args.var, &|name| std::env::var_os(name))?;
    let specs = specs(args, &pipeline)?;
    if args.dry_run {
        crate::cli::print(&dry_run::text(&pipeline, &given, !args.no_teardown))?;
        return Ok(exit::OK);
    }
    pipeline::try_inputs(&pipeline)?;
    pipeline::try_reports(&specs)?;
    let folder = home(&pipeline)?;
    let lock = Lock::take(&pipeline.folder.join(HOME).join("lock"))?;

    let screen = Arc::new(Screen::new(&pipeline, global));
    let run = crate::run::run_id();
    let site = Arc::new(Site::new(given, folder, !args.no_teardown, run.into(), screen));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::usage(format!("the system gives no event loop: {error}")))?;
    let ended = runtime.block_on(async {
        let (sender, receiver) = watch::channel(Stop::No);
        tokio::spawn(hear_hangup(sender.clone()));
        tokio::spawn(listen(sender));
        pipeline::run(pipeline.clone(), site.clone(), receiver).await
    });
    drop(lock);
    let code = ended.exit_code();
    let events = pipeline::events(&pipeline, ended, &site);
    let look = Look { colour: global.colours(&std::io::stdout()), ..Look::of_stdout() };
    let options = Options { look, verbose: global.verbose > 0, ..Options::default() };
    pipeline::write_reports(&specs, &events, options)?;
    Ok(match (args.no_distinct_exit, code) {
        (false, code) => code,
        (true, exit::OK | exit::SKIPPED) => exit::OK,
        (true, _) => exit::USAGE,
    })
}

/// The folder of logs, inventories and locks, beside the file.
const HOME: &str = ".probity";

/// The folder of this pipeline in it.
///
/// # Errors
/// It cannot be made.
pub fn home(pipeline: &Pipeline) -> Result<PathBuf, Error> {
    let folder = pipeline.folder.join(HOME).join(&*pipeline.name);
    std::fs::create_dir_all(folder.join("logs"))
        .map_err(|error| Error::usage(format!("the folder of logs cannot be made: {error}")).in_file(&folder))?;
    // Nothing in it is for a repository.
    let ignore = pipeline.folder.join(HOME).join(".gitignore");
    if !ignore.exists() {
        let _ = std::fs::write(&ignore, "*\n");
    }
    Ok(folder)
}

/// The reports: those of the command line, else those of the file, whose paths start from its folder.
fn specs(args: &RunArgs, pipeline: &Pipeline) -> Result<Vec<Spec>, Errors> {
    let mut specs = Vec::new();
    let mut errors = Vec::new();
    let of_file = args.reporter.is_empty();
    let default = ["cli".to_string()];
    let texts = match (of_file, pipeline.reporters.is_empty()) {
        (false, _) => &args.reporter[..],
        (true, false) => &pipeline.reporters,
        (true, true) => &default,
    };
    for text in texts {
        match text.parse::<Spec>() {
            Ok(spec) if of_file => specs.push(spec.from_folder(&pipeline.folder)),
            Ok(spec) => specs.push(spec),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(specs) } else { Err(Errors(errors)) }
}

/// A terminal that goes away ends the stages, and what was provisioned is still torn down. Under
/// nohup it may go.
async fn hear_hangup(stop: watch::Sender<Stop>) {
    use tokio::signal::unix::{SignalKind, signal};
    if signals::hangup_ignored() {
        return;
    }
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        stop.send_if_modified(|stop| *stop == Stop::No && std::mem::replace(stop, Stop::Stages) == Stop::No);
    }
}

/// Ctrl-C and SIGTERM: the first ends the stages, the next the teardowns, too, and one more the
/// program.
pub async fn listen(stop: watch::Sender<Stop>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let (next, word) = match *stop.borrow() {
            Stop::No => (Stop::Stages, "the stages end, teardowns are run (once more to end those, too)"),
            Stop::Stages => (Stop::All, "writing the reports (once more to stop at once)"),
            Stop::All => {
                crate::report::abandon();
                std::process::exit(i32::from(exit::INTERRUPTED));
            }
        };
        let _ = writeln!(std::io::stderr(), "\ninterrupted: {word}");
        stop.send_replace(next);
    }
}
