//! What the engine itself costs: 10,000 controls with four probes each, where every answer
//! is there at once and where all of a round come in one batch; beside it the floors, the
//! same closures in plain Lua over plain tables, and their coroutines.
//!
//! `cargo bench --bench engine`. Before the timings it prints the memory a control takes, and what
//! loading linux-baseline takes for each node.
//! Times are those of the processor, so that a busy machine does not count.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use probity::lua::{Engine, Limits, Sources};
use probity::node::Node;
use probity::probe::{Answer, FileKind, Inode, Observation, Probe, Stated};
use probity::results::Outcome;
use probity::transport::Transport;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const CONTROLS: usize = 10_000;
const PER_FILE: usize = 500;
const PROBES: usize = 4;

/// A machine on which every path is a file, with no system call behind it.
struct Still {
    /// Whether answers are there at once, as on the local machine.
    at_once: bool,
    /// The largest process seen while a batch is answered, in bytes.
    peak: Cell<usize>,
}

impl Still {
    fn new(at_once: bool) -> Still {
        Still { at_once, peak: Cell::new(0) }
    }
}

fn stated() -> Answer {
    let own = Inode {
        kind: FileKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: 4096,
        mtime: 0,
        nlink: 1,
        ino: 1,
        dev: 1,
        selinux: None,
        acl: false,
    };
    Ok(Observation::Stat(Some(Stated { own, link: None })))
}

impl Transport for Still {
    fn batch(&self, probes: &[Probe]) -> Vec<Answer> {
        self.peak.set(self.peak.get().max(resident()));
        probes.iter().map(|_| stated()).collect()
    }

    fn answer_now(&self, _: &Probe) -> Option<Answer> {
        self.at_once.then(stated)
    }

    fn user(&self) -> String {
        "nobody".to_string()
    }
}

/// The bytes of memory this process holds, the pages of the program itself not counted:
/// proc_pid_status(5), `RssAnon`.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) * 1024
}

/// How long this thread has had the processor so far: proc(5), `schedstat`, in nanoseconds.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

/// The processor time of so many runs.
fn timed(times: u64, mut act: impl FnMut()) -> Duration {
    let began = processor();
    (0..times).for_each(|_| act());
    processor() - began
}

/// The controls: plain reads of four files, or four recorded steps.
fn sources(recorded: bool) -> Sources {
    let mut sources = Sources::default();
    for file in 0..CONTROLS / PER_FILE {
        let mut text = String::new();
        for number in file * PER_FILE..(file + 1) * PER_FILE {
            let path = |probe: usize| format!("file '/n/{number}/{probe}'");
            let body = if recorded {
                (0..PROBES)
                    .map(|probe| format!("describe({}):its('size', eq(4096))\n", path(probe)))
                    .collect::<String>()
            } else {
                let reads: Vec<String> = (0..PROBES).map(|probe| format!("({}).size", path(probe))).collect();
                format!("local size = {}\nif size ~= 16384 then error('wrong') end\npass 'read'\n", reads.join(" + "))
            };
            text.push_str(&format!(
                "control 'c{number}' {{ title = 'Control {number}', check = function()\n{body}end }}\n"
            ));
        }
        sources.controls.insert(format!("controls/f{file:03}.lua").into(), text.into());
    }
    sources
}

fn load(recorded: bool) -> Engine {
    load_sources(&sources(recorded))
}

fn load_sources(sources: &Sources) -> Engine {
    let engine = Engine::load(sources, Limits::default(), Rc::new(|_: Option<&str>, _: &str| {}));
    engine.unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// The Lua of `profiles/linux-baseline`, which a run loads once for every node.
fn baseline() -> Sources {
    let read = |folder: &str| {
        let folder = format!("profiles/linux-baseline/{folder}");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder);
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        let file = |entry: std::fs::DirEntry| {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let name = name.trim_start_matches("profiles/linux-baseline/");
            (name.into(), std::fs::read_to_string(entry.path()).unwrap().into())
        };
        entries.map(file).collect()
    };
    Sources { controls: read("controls"), libraries: read("libraries"), ..Sources::default() }
}

/// What the profile of a node takes: a Lua state of its own for each.
fn a_node() {
    const NODES: usize = 50;
    let sources = baseline();
    let before = (resident(), processor());
    let mut engines: Vec<Engine> = vec![load_sources(&sources)];
    let known: Vec<_> = engines[0].summaries().cloned().collect();
    for _ in 1..NODES {
        let mut engine = load_sources(&sources);
        engine.share_summaries(&known);
        engines.push(engine);
    }
    let (bytes, time) = (resident().saturating_sub(before.0) / NODES, processor().saturating_sub(before.1));
    println!(
        "linux-baseline, {} controls, loaded for each of {NODES} nodes: {:.2} ms CPU, {} KiB in Lua, {} KiB resident",
        engines[0].controls().len(),
        time.as_secs_f64() * 1000.0 / NODES as f64,
        engines[0].used_memory() / 1024,
        bytes / 1024,
    );
}

fn run(engine: &Engine, transport: Rc<Still>) -> usize {
    let node = Rc::new(Node::new("n", "still://", transport, 0));
    let selected: Vec<usize> = (0..engine.controls().len()).collect();
    let mut passed = 0;
    engine.run(node, &selected, &AtomicBool::new(false), &mut |_, finished| {
        passed += usize::from(finished.outcome == Outcome::Passed);
    });
    assert_eq!(passed, CONTROLS);
    passed
}

fn memory(recorded: bool) {
    let name = if recorded { "recorded" } else { "plain" };
    let sources = sources(recorded);
    let text: usize = sources.controls.values().map(|text| text.len()).sum();
    let before = resident();
    let engine = load_sources(&sources);
    let per = |bytes: usize| bytes as f64 / CONTROLS as f64 / 1024.0;
    println!(
        "memory {name}: {:.2} KiB of source a control; loaded {:.2} KiB in Lua, {:.2} KiB resident",
        per(text),
        per(engine.used_memory()),
        per(resident().saturating_sub(before)),
    );
    let transport = Rc::new(Still::new(false));
    run(&engine, transport.clone());
    println!(
        "memory {name}: at its peak, all controls waiting, {:.2} KiB resident a control",
        per(transport.peak.get().saturating_sub(before))
    );
}

/// What plain Lua takes for the same closures, over tables instead of resources.
fn floors(criterion: &mut Criterion) {
    [PLAIN, RECORDED, A_NODE].into_iter().for_each(in_its_own_process);
    let lua = mlua::Lua::new();
    let library = "local yield = coroutine.yield\n\
        local meta = { __index = function(t, key) return 4096 end }\n\
        local waiting = { __index = function(t, key) yield() return 4096 end }\n\
        local function made(meta) return function(path) return setmetatable({ path = path }, meta) end end\n\
        local plain, wired = made(meta), made(waiting)\n\
        local bodies, remote = {}, {}\n\
        local function body(file, n) return function()\n\
          local size = (file('/n/' .. n .. '/0')).size + (file('/n/' .. n .. '/1')).size + (file('/n/' .. n .. '/2')).size + (file('/n/' .. n .. '/3')).size\n\
          if size ~= 16384 then error('wrong') end\n\
        end end\n\
        local count = ...\n\
        for n = 1, count do bodies[n], remote[n] = body(plain, n), body(wired, n) end\n\
        return function() for n = 1, count do bodies[n]() end end, function()\n\
          local threads = {}\n\
          for n = 1, count do threads[n] = coroutine.create(remote[n]) end\n\
          for _ = 0, 4 do for n = 1, count do assert(coroutine.resume(threads[n])) end end\n\
        end";
    let (direct, coroutines): (mlua::Function, mlua::Function) = lua.load(library).call(CONTROLS).unwrap();
    let mut group = criterion.benchmark_group("floor");
    group.throughput(Throughput::Elements((CONTROLS * PROBES) as u64)).sample_size(10);
    group.bench_function("plain Lua", |bencher| {
        bencher.iter_custom(|times| timed(times, || direct.call::<()>(()).unwrap()))
    });
    group.bench_function("plain Lua in coroutines", |bencher| {
        bencher.iter_custom(|times| timed(times, || coroutines.call::<()>(()).unwrap()))
    });
    group.finish();
}

fn probes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements((CONTROLS * PROBES) as u64)).sample_size(10);
    group.measurement_time(Duration::from_secs(8));
    for (name, recorded) in [("plain", false), ("recorded", true)] {
        let engine = load(recorded);
        for at_once in [true, false] {
            let answers = if at_once { "at once" } else { "in batches" };
            group.bench_function(BenchmarkId::new(name, answers), |bencher| {
                bencher.iter_custom(|times| {
                    timed(times, || {
                        run(&engine, Rc::new(Still::new(at_once)));
                    })
                });
            });
        }
    }
    group.bench_function("load", |bencher| bencher.iter_custom(|times| timed(times, || drop(load(false)))));
    group.finish();
}

criterion_group!(engine, floors, probes);
/// The arguments that make this program measure [`memory`] or [`a_node`] alone.
const PLAIN: &str = "--memory-plain";
const RECORDED: &str = "--memory-recorded";
const A_NODE: &str = "--a-node";

/// What is measured after something else would find memory that is free already.
fn in_its_own_process(what: &str) {
    let program = std::env::current_exe().unwrap();
    assert!(std::process::Command::new(program).arg(what).status().unwrap().success());
}

fn main() {
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            PLAIN => return memory(false),
            RECORDED => return memory(true),
            A_NODE => return a_node(),
            _ => {}
        }
    }
    engine();
    Criterion::default().configure_from_args().final_summary();
}
