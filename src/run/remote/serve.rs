//! The node's side: the pushed program reads a request, runs the profiles on its machine, and
//! tells what happens.

use super::wire::{Frame, REQUEST_CAP, Request, RequestedProfile};
use crate::error::Error;
use crate::lua::{Engine, Limits, Sources};
use crate::node::Node;
use crate::results::RunEvent;
use crate::results::event::ProfileSummary;
use crate::results::mask::Masker;
use crate::run::interruption::Interruption;
use crate::run::node;
use crate::run::plan::{OnNode, Plan, PlannedNode, PlannedProfile, Selected, Values};
use crate::run::stream::{NodeStream, Told};
use crate::target::Target;
use crate::transport::local::Local;
use crate::transport::{Options, Transport};
use crate::value::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long what the node is busy with may take to end once the connection is gone.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves one request: reads it from `input`, and ends as soon as `input` does, which is how
/// the end of the connection shows. Gives the exit code.
///
/// # Errors
/// A request that cannot be read, or output that cannot be written.
pub fn serve(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Result<(), Error> {
    let mut input = BufReader::new(input.take(REQUEST_CAP));
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).map_err(|error| Error::usage(format!("the request cannot be read: {error}")))?;
    if line.pop() != Some(b'\n') {
        return Err(Error::usage("the request breaks off")
            .hint("this command is what `probity exec --agent` starts on a node, and not for people"));
    }
    let request: Request =
        serde_json::from_slice(&line).map_err(|error| Error::usage(format!("the request cannot be read: {error}")))?;
    drop(line);
    let out: Out = Arc::new(Mutex::new(Box::new(output)));
    let target = request.target.clone();
    let (plan, engines) = match planned(request, &out) {
        Ok(planned) => planned,
        Err(why) => return say(&out, &Frame::Unreachable { why }),
    };
    let interruption = Arc::new(Interruption::new());
    end_with(input, interruption.clone());
    run(&plan, target, &engines, &interruption, &out)
}

/// Where frames go.
type Out = Arc<Mutex<Box<dyn Write + Send>>>;

/// Ends the run, and soon the program, when the other side is gone.
fn end_with(mut input: impl Read + Send + 'static, interruption: Arc<Interruption>) {
    let waiting = std::thread::Builder::new().name("connection".to_string()).spawn(move || {
        let mut nothing = [0u8; 256];
        // Nobody sends anything after the request.
        while input.read(&mut nothing).is_ok_and(|count| count > 0) {}
        interruption.stop();
        std::thread::sleep(FAREWELL);
        std::process::exit(i32::from(crate::error::exit::INTERRUPTED));
    });
    // Without the thread the program ends when it next writes to the closed connection.
    drop(waiting);
}

/// Runs the plan. `target` is how the controller reaches this machine, which controls may ask.
fn run(plan: &Plan, target: String, engines: &[Engine], interruption: &Interruption, out: &Out) -> Result<(), Error> {
    let flight = interruption.take_off(None);
    let mut failed = None;
    let mut send = |told: Told| {
        if let Told::Event(_, event) = told
            && let Some(frame) = frame(event)
            && failed.is_none()
        {
            failed = say(out, &frame).err();
        }
    };
    let mut stream = NodeStream::new(&plan.masker, flight.clone(), &mut send);
    let transport = Rc::new(Local::new());
    flight.set_stopper(transport.stopper());
    let planned = &plan.nodes[0];
    let mut node = Node::new(&*planned.name, target, transport, plan.now);
    node.groups = planned.groups.iter().map(|group| group.to_string()).collect();
    let whole = match node::reached(node) {
        Ok(reached) => node::run(plan, 0, &reached, engines, Vec::new(), &mut stream).whole,
        Err(why) => {
            say(out, &Frame::Unreachable { why: why.message })?;
            true
        }
    };
    match failed {
        Some(error) => Err(error),
        None if whole => Ok(()),
        None => Err(Error::usage("the run was interrupted")),
    }
}

/// What of an event the controller does not know yet.
fn frame(event: RunEvent) -> Option<Frame> {
    Some(match event {
        RunEvent::RunStarted(_) | RunEvent::StageFinished(_) | RunEvent::RunFinished(_) => return None,
        RunEvent::NodeStarted(started) => Frame::Started { user: started.user, platform: started.platform },
        RunEvent::ProfileStarted(started) => Frame::Profile { not_applicable: started.not_applicable },
        RunEvent::ControlFinished(control) => Frame::Control(Box::new((*control).into())),
        RunEvent::ProfileFinished(_) => Frame::ProfileDone,
        RunEvent::NodeFinished(done) => Frame::Done { rounds: done.rounds, asked: done.asked, sent: done.sent },
    })
}

fn say(out: &Out, frame: &Frame) -> Result<(), Error> {
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    let unsaid = |error: std::io::Error| Error::usage(format!("the connection cannot be written to: {error}"));
    let mut line = serde_json::to_vec(frame).map_err(|error| unsaid(error.into()))?;
    line.push(b'\n');
    out.write_all(&line).and_then(|()| out.flush()).map_err(unsaid)
}

/// The plan of one node, this machine, and the controls loaded for it.
fn planned(request: Request, out: &Out) -> Result<(Plan, Vec<Engine>), Arc<str>> {
    let (mut profiles, mut engines, mut on_node) = (Vec::new(), Vec::new(), Vec::new());
    for requested in request.profiles {
        let print_out = out.clone();
        let print: crate::lua::Print = match request.prints {
            true => Rc::new(move |control: Option<&str>, line: &str| {
                let frame = Frame::Print { control: control.map(str::to_string), line: line.to_string() };
                let _ = say(&print_out, &frame);
            }),
            false => Rc::new(|_, _| {}),
        };
        let (profile, engine, values) = profile(requested, print)?;
        on_node.push(OnNode { values: Arc::new(values), selected: profile.selected.clone() });
        profiles.push(profile);
        engines.push(engine);
    }
    let node = PlannedNode {
        name: request.node,
        target: Target::Local,
        groups: request.groups,
        options: Options::default(),
        record: None,
        profiles: on_node,
        // The controller has decided all of them.
        later: None,
    };
    let masker = Arc::new(Masker::new(Vec::new()));
    let plan = Plan { profiles, nodes: vec![node], masker, agent: None, print: None, now: request.now };
    Ok((plan, engines))
}

fn profile(
    requested: RequestedProfile,
    print: crate::lua::Print,
) -> Result<(PlannedProfile, Engine, Values), Arc<str>> {
    let files = requested.files.into_iter().filter_map(|(path, content)| Some((path, content.bytes()?))).collect();
    let sources = Sources { controls: requested.controls, libraries: requested.libraries, files };
    let engine = Engine::load(&sources, Limits::default(), print).map_err(|errors| -> Arc<str> {
        let messages: Vec<String> = errors.iter().map(|error| error.message.clone()).collect();
        format!("the controls cannot be loaded on the node: {}", messages.join("; ")).into()
    })?;
    let controls: Vec<_> = engine.summaries().cloned().collect();
    let numbers: Vec<usize> = requested.selected.into_iter().filter(|number| *number < controls.len()).collect();
    let summary = ProfileSummary {
        name: requested.name,
        version: requested.version,
        sha256: "".into(),
        title: None,
        summary: None,
        maintainer: None,
        license: None,
        supports: Value::Nil,
        // The controller has them.
        controls: Vec::new(),
    };
    let selected = Arc::new(Selected { numbers, summary: Arc::new(summary) });
    let planned =
        PlannedProfile { controls, selected, sources, supports: requested.supports, waiver: Arc::new(|_, _| None) };
    let values = Values {
        values: requested.values.into_iter().map(|(name, value)| (name, value.value())).collect(),
        attributes: Vec::new(),
        secrets: requested.secrets,
        waiting: Vec::new(),
    };
    Ok((planned, engine, values))
}
