//! `probity exec`

use super::profiles::{FIRST, ProfileArgs, is_profile};
use super::{Errors, Global, Outcome, signals};
use crate::error::{Error, exit};
use crate::node::Node;
use crate::node::platform::Platform;
use crate::plan::selection::{Selectable, Selection};
use crate::profile::waiver::Waivers;
use crate::report::{Look, Options, Outputs, Spec, TABLE};
use crate::results::event::{ControlSummary, RunFinished, RunStarted};
use crate::results::mask::Masker;
use crate::results::{RunEvent, Stamped};
use crate::run::{self, PreparedProfile, Request, Stream};
use crate::target::Target;
use crate::transport::Transport;
use crate::transport::recording::{Header, Recorder};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Runs profiles on this machine and reports the result
///
/// A PROFILE is a directory, an archive made by `probity archive`, or NAME@REQUIREMENT looked
/// up in --profile-path. All of them run in one go and come to one verdict, which is the
/// exit code.
#[derive(Debug, clap::Args)]
#[command(after_help = "--help adds the reporters, examples and exit codes.", after_long_help = after_help())]
pub struct ExecArgs {
    #[command(flatten)]
    profiles: ProfileArgs,

    #[command(flatten)]
    attributes: super::inputs::AttributeArgs,

    #[command(flatten)]
    selection: SelectionArgs,

    /// Lua to run as a check; needs no profile
    #[arg(short = 'e', value_name = "CODE", help_heading = "Run")]
    code: Vec<String>,

    /// Files of accepted failures, each with its reason
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    waivers: Vec<PathBuf>,

    /// The node: [NAME=]URI, such as rootfs:///mnt/image or recording:///FILE
    #[arg(short, long, value_name = "TARGET", default_value = "local://", help_heading = "Run")]
    target: String,

    /// Keep what is observed in a file; {node} in it stands for the node's name
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    record: Option<PathBuf>,

    /// Reports: NAME or NAME:PATH, several at once
    #[arg(long, value_name = "REPORTER", num_args = 1.., default_values = ["cli"], help_heading = "Output")]
    reporter: Vec<String>,

    /// Print what would run, with attributes; run nothing
    #[arg(long, help_heading = "Run")]
    dry_run: bool,

    /// Exit with 0 or 1 alone; skipped is 0
    #[arg(long, help_heading = "Output")]
    no_distinct_exit: bool,
}

/// Which controls run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which controls")]
pub struct SelectionArgs {
    /// By id, glob or /regular expression/
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    controls: Vec<String>,
    /// With one of these tags: KEY or KEY=VALUE
    #[arg(long, value_name = "TAG", num_args = 1.., value_delimiter = ',')]
    tags: Vec<String>,
    /// Of at least this impact, 0.0 to 1.0
    #[arg(long, value_name = "N")]
    impact_at_least: Option<f64>,
}

impl ExecArgs {
    /// An error where neither a profile nor code is given.
    fn refuse_nothing(&self) -> Result<(), Error> {
        if !self.profiles.paths.is_empty() || !self.code.is_empty() {
            return Ok(());
        }
        let error = Error::usage("no profile is given");
        let lists = [("--controls", &self.selection.controls), ("--tags", &self.selection.tags)];
        let eaten = lists.iter().find_map(|(flag, words)| Some((flag, words.iter().find(|word| is_profile(word))?)));
        Err(match eaten {
            Some((flag, word)) => error.hint(format!("{word} is taken as a value of {flag}: {FIRST}")),
            None => error.hint("probity exec PROFILE runs one, probity exec -e CODE a line of Lua"),
        })
    }
}

impl SelectionArgs {
    /// The selection, once it is sure that it selects something of `controls`.
    pub fn read(&self, controls: &[Arc<ControlSummary>]) -> Result<Selection, Errors> {
        let selection = Selection::new(&self.controls, &self.tags, self.impact_at_least)?;
        let selectable: Vec<Selectable<'_>> = controls
            .iter()
            .map(|control| Selectable { id: &control.id, tags: &control.tags, impact: control.impact })
            .collect();
        selection.verify(&selectable)?;
        Ok(selection)
    }
}

fn after_help() -> String {
    format!(
        "{}\n\nExamples:\n  \
         probity exec profiles/linux-baseline --attrs attributes/linux-baseline.yml\n  \
         probity exec linux-baseline-1.0.0.tar.gz --reporter cli junit:out/junit.xml json:out/run.json\n  \
         probity exec my-baseline --controls 'sshd-*' --attr max_auth_tries=3\n  \
         probity exec linux-baseline@1 --profile-path /srv/profiles\n  \
         probity exec -e 'describe(file \"/etc/shadow\"):exists()'\n\n{}",
        reporters(),
        exit_codes()
    )
}

/// The reporters, from the table that runs.
fn reporters() -> String {
    let mut text = String::from("Reporters, as NAME or NAME:PATH ({node} in a path stands for the node's name):");
    for kind in TABLE {
        text.push_str(&format!("\n  {:8}  {}", kind.name, kind.doc));
        for option in kind.options {
            let values = option.values.join(" or ");
            text.push_str(&format!("\n            {},{}={values}: {}", kind.name, option.name, option.doc));
        }
    }
    text
}

/// The exit codes, from the one place that defines them.
fn exit_codes() -> String {
    let mut text = String::from("Exit codes, the first that holds:\n");
    for (code, meaning) in exit::ALL {
        text.push_str(&format!("  {code:>3}  {meaning}\n"));
    }
    text.push_str("With --no-distinct-exit 101 becomes 0, and every other code but 0 becomes 1.");
    text
}

pub fn run(args: &ExecArgs, global: &Global) -> Outcome {
    let specs = specs(&args.reporter)?;
    args.refuse_nothing()?;
    let profiles = args.profiles.load(&args.code)?;
    let selection = Selection::new(&args.selection.controls, &args.selection.tags, args.selection.impact_at_least)?;
    let inputs = super::inputs::resolve(&profiles, &args.attributes)?;
    let waivers = Rc::new(Waivers::read(&args.waivers)?);
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();

    let (name, target) = Target::named(&args.target)?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let transport: Rc<dyn Transport> = crate::transport::open(&target, &Default::default(), &stop)
        .map_err(|why| {
            let mut error = Error::usage(format!("{target} cannot be reached: {why}"));
            error.code = exit::ERRORED;
            error
        })?
        .into();
    let name = match name.or_else(|| target.default_name()) {
        Some(name) => name.into(),
        None => host_name(&*transport),
    };
    let recorder = args.record.as_ref().map(|path| (path, Rc::new(Recorder::new(transport.clone()))));
    let transport = recorder.as_ref().map_or(transport, |(_, recorder)| recorder.clone());
    let secrets: Vec<String> = inputs.iter().flat_map(|input| input.secrets()).collect();
    let masker = Rc::new(Masker::new(secrets));
    let print = printer(global, &name, &masker);
    let mut prepared = Vec::new();
    let mut errors = Vec::new();
    for (profile, input) in profiles.iter().zip(inputs) {
        let waivers = waivers.clone();
        let request = Request {
            profile,
            attributes: super::inputs::summaries(&input),
            values: super::inputs::values(&input),
            secrets: input.secrets(),
            selects: &|control| selection.fits(&control.id, &control.tags, control.impact),
            waiver: Rc::new(move |control, node| waivers.for_control(control, node, today)),
        };
        match run::prepare(request, print.clone()) {
            Ok(one) => prepared.push(one),
            Err(found) => errors.extend(found),
        }
    }
    if !errors.is_empty() {
        return Err(Errors(errors));
    }
    let all: Vec<Arc<ControlSummary>> =
        prepared.iter().flat_map(|profile| profile.engine.summaries().cloned()).collect();
    args.selection.read(&all)?;
    waivers.refuse_unknown(all.iter().map(|control| &*control.id))?;
    if args.dry_run {
        super::print(&plan(&name, &prepared))?;
        return Ok(exit::OK);
    }

    let node = Rc::new(Node::new(&*name, target.to_string(), transport, jiff::Timestamp::now().as_second()));
    let platform = run::look_at(&node).map_err(|fault| {
        let mut error = Error::usage(format!("this machine cannot be looked at: {fault}"));
        error.code = exit::ERRORED;
        error
    })?;
    let unsupported: Vec<Error> = prepared
        .iter()
        .filter_map(|profile| profile.unsupported(&platform))
        .map(|reason| Error::usage(format!("a profile fits no node of the run: {reason}")))
        .collect();
    if !unsupported.is_empty() {
        return Err(Errors(unsupported));
    }

    let look = Look { colour: global.colours(&std::io::stdout()), ..Look::of_stdout() };
    let progress_bar = !global.quiet && std::io::stderr().is_terminal();
    let options = Options { look, nodes: vec![name.clone()], progress_bar };
    let mut outputs = Outputs::open(&specs, &options)?;
    let (finished, tally) = {
        let mut fold = |event: &Stamped| outputs.event(event);
        execute(&prepared, &node, &platform, masker.clone(), &mut fold)
    };
    if let Some((path, recorder)) = recorder {
        let path = PathBuf::from(path.to_string_lossy().replace("{node}", &name.replace('/', "_")));
        let header = Header { node: name.to_string(), target: target.to_string(), user: node.user(), now: node.now };
        recorder.write(&path, &masker, &header)?;
    }
    outputs.finish()?;
    let code = match finished {
        true => tally.exit_code(),
        false => exit::INTERRUPTED,
    };
    Ok(if args.no_distinct_exit { folded(code) } else { code })
}

/// Runs everything. Gives whether it ran to its end, and how the controls came out.
fn execute(
    prepared: &[PreparedProfile],
    node: &Rc<Node>,
    platform: &Platform,
    masker: Rc<Masker>,
    fold: &mut dyn FnMut(&Stamped),
) -> (bool, crate::results::Tally) {
    let began = Instant::now();
    let stop = signals::listen(node.stopper());
    let mut stream = Stream::new(masker, fold);
    stream.send(RunEvent::RunStarted(RunStarted {
        format: "probity/events",
        version: 1,
        run: run_id().into(),
        probity: env!("CARGO_PKG_VERSION"),
        nodes: 1,
        controls: prepared.iter().map(|profile| profile.selected.len()).sum(),
    }));
    let (tally, whole) = run::run_node(prepared, node, platform, stop, &mut stream);
    stream.send(RunEvent::RunFinished(RunFinished {
        tally,
        seconds: began.elapsed().as_secs_f64(),
        interrupted: !whole,
    }));
    (whole, tally)
}

/// Twelve hexadecimal digits that no other run has.
fn run_id() -> String {
    let mut bytes = [0u8; 6];
    // The kernel's generator cannot fail once it is seeded; a run id of zeros harms nothing.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folded(code: u8) -> u8 {
    match code {
        exit::SKIPPED | exit::OK => exit::OK,
        _ => exit::USAGE,
    }
}

fn specs(reporters: &[String]) -> Result<Vec<Spec>, Errors> {
    let mut specs = Vec::new();
    let mut errors = Vec::new();
    for text in reporters {
        match text.parse::<Spec>() {
            Ok(spec) => specs.push(spec),
            Err(error) if is_profile(text) => {
                let hints = vec![format!("{text} is taken as a value of --reporter: {FIRST}")];
                errors.push(Error { hints, ..error });
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(specs) } else { Err(Errors(errors)) }
}

/// The name of this machine in reports.
fn host_name(transport: &dyn Transport) -> Arc<str> {
    use crate::probe::{Observation, Probe, Uname};
    match transport.answer_now(&Probe::Uname(Uname)) {
        Some(Ok(Observation::Uname(kernel))) if !kernel.host_name.is_empty() => kernel.host_name.clone(),
        _ => "localhost".into(),
    }
}

/// Where the `print` of controls goes: to standard error under `-v`, else nowhere.
fn printer(global: &Global, node: &Arc<str>, masker: &Rc<Masker>) -> crate::lua::Print {
    if global.verbose == 0 {
        return Rc::new(|_, _| {});
    }
    let (node, masker) = (node.clone(), masker.clone());
    Rc::new(move |control, line| {
        let line = masker.mask_text(line);
        let _ = match control {
            Some(control) => writeln!(std::io::stderr(), "{node}: {}: {line}", masker.mask_text(control)),
            None => writeln!(std::io::stderr(), "{line}"),
        };
    })
}

/// What `--dry-run` prints.
fn plan(node: &str, prepared: &[PreparedProfile]) -> String {
    use std::fmt::Write;
    let mut text = format!("node {node} (local://)\n");
    for profile in prepared {
        let _ = writeln!(text, "\nprofile {} {}", profile.summary.name, profile.summary.version);
        for attribute in &profile.attributes {
            let shown = if attribute.sensitive { "***".to_string() } else { attribute.value.to_string() };
            let _ = writeln!(text, "  attribute {} = {shown} ({})", attribute.name, attribute.origin);
        }
        for control in &profile.summary.controls {
            let title = control.title.as_deref().unwrap_or("");
            let _ = writeln!(text, "  control {}  {title}", control.id);
        }
    }
    text.push_str("\nNothing was run.\n");
    text
}
