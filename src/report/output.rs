//! Where reports go: files that are opened before the run and appear whole at its end,
//! streams that are flushed as they are written, and standard output.

use super::progress_bar::ProgressBar;
use super::progress_lines::ProgressLines;
use super::spec::{Destination, Spec};
use super::{Options, Reporter};
use crate::error::Error;
use crate::results::{Live, RunEvent, RunFinished, Stamped, Tally};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tempfile::{NamedTempFile, SpooledTempFile, TempPath};

/// Bytes of a report for standard output that are kept in memory until it is whole; a
/// longer one waits in a file.
const HELD: usize = 8 << 20;

/// The reports of a run, each with where it goes.
///
/// A report that cannot be written never stops the others; the first thing that went
/// wrong with each is told by [`Outputs::finish`]. Dropped without it, nothing but
/// streams is left behind.
pub struct Outputs {
    sinks: Vec<Sink>,
    bar: Option<ProgressBar>,
    lines: Option<ProgressLines>,
    /// Sinks that see the whole run.
    of_run: Vec<usize>,
    /// Sinks that see one node only.
    of_node: HashMap<Arc<str>, Vec<usize>>,
    /// What went wrong, with the file it went wrong with.
    faults: Vec<(String, io::Error)>,
}

/// The files reports are written to until they are whole and take their own names.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes every file that is half written, for a program that is about to end without
/// finishing its reports. Reports that are in place are left alone.
pub fn abandon() {
    let partial = PARTIAL.lock().unwrap_or_else(PoisonError::into_inner);
    for path in &*partial {
        // One that took its own name is gone from here.
        let _ = fs::remove_file(path);
    }
}

/// One document being written.
struct Sink {
    reporter: Box<dyn Reporter>,
    target: Target,
    /// For messages: the path, or what else it is.
    name: String,
    /// Whether text is passed on after every event.
    streams: bool,
    open: bool,
}

enum Target {
    /// Written when the document is whole, so that it does not mix with a progress bar.
    Held { text: BufWriter<SpooledTempFile>, to: Box<dyn Write + Send> },
    /// A stream: standard output, or a file that readers may follow. The flag says
    /// whether its reader may go away without that being an error.
    Stream { to: Box<dyn Write + Send>, pipe: bool },
    /// A file beside the path, renamed to it when the document is whole.
    Beside { file: BufWriter<NamedTempFile>, path: PathBuf },
    /// As `Beside`, for reports that are many: the file is closed and the text kept, so
    /// that a thousand nodes do not need a thousand open files.
    BesideClosed { text: Vec<u8>, temp: TempPath, path: PathBuf },
    /// Done.
    Closed,
}

impl Outputs {
    /// Opens every report's file, creating folders that are missing.
    ///
    /// # Errors
    ///
    /// When two reports go to the same place, a report that holds one node is asked for
    /// of several without `{node}` in its path, or a file cannot be written.
    pub fn open(specs: &[Spec], options: &Options) -> Result<Outputs, Error> {
        Outputs::open_with(specs, options, || Box::new(io::stdout()))
    }

    /// [`Outputs::open`] with another standard output.
    ///
    /// # Errors
    ///
    /// As [`Outputs::open`].
    pub fn open_with(
        specs: &[Spec],
        options: &Options,
        stdout: impl Fn() -> Box<dyn Write + Send>,
    ) -> Result<Outputs, Error> {
        let mut outputs = Outputs {
            sinks: Vec::new(),
            bar: None,
            lines: None,
            of_run: Vec::new(),
            of_node: HashMap::new(),
            faults: Vec::new(),
        };
        let on_stdout: Vec<&Spec> = specs.iter().filter(|spec| spec.destination == Destination::Stdout).collect();
        if let [first, second, ..] = on_stdout[..] {
            let (first, second) = (first.kind.name, second.kind.name);
            let error = Error::usage(format!("reporters {first} and {second} both write to standard output"));
            return Err(error.hint(format!("give one of them a file, such as {second}:PATH")));
        }
        // A bar and text that streams to the same terminal would overwrite each other.
        if !on_stdout.iter().any(|spec| spec.kind.streams) {
            outputs.bar = options.progress_bar.then(ProgressBar::on_stderr);
            let lines = options.progress_lines && !options.progress_bar && options.nodes.len() > 1;
            outputs.lines = lines.then(ProgressLines::on_stderr);
        }
        let mut taken = HashSet::new();
        let mut truncate = Vec::new();
        for spec in specs {
            if spec.kind.one_node && options.nodes.len() > 1 && !spec.per_node() {
                let name = spec.kind.name;
                let error = Error::usage(format!(
                    "a {name} report holds one node, and this run has {} of them",
                    options.nodes.len()
                ));
                return Err(
                    error.hint(format!("write {name}:out/{{node}}.json for a file a node, or use run-json:PATH"))
                );
            }
            match &spec.destination {
                Destination::Stdout => {
                    let (to, pipe) = (stdout(), true);
                    let target = match spec.kind.streams {
                        true => Target::Stream { to, pipe },
                        false => Target::Held { text: BufWriter::new(tempfile::spooled_tempfile(HELD)), to },
                    };
                    let reporter = spec.kind.make(spec, options);
                    outputs.add(reporter, target, "standard output".to_string(), None, spec.kind.streams);
                }
                Destination::Path(path) if spec.per_node() => {
                    let mut names = HashSet::new();
                    for node in &options.nodes {
                        let path = path_for_node(path, node, &mut names);
                        claim(&mut taken, &path)?;
                        let target = open_path(&path, spec.kind.streams, true, &mut truncate)?;
                        let options = Options { nodes: vec![node.clone()], ..options.clone() };
                        let reporter = spec.kind.make(spec, &options);
                        let name = path.display().to_string();
                        outputs.add(reporter, target, name, Some(node.clone()), spec.kind.streams);
                    }
                }
                Destination::Path(path) => {
                    claim(&mut taken, path)?;
                    let target = open_path(path, spec.kind.streams, false, &mut truncate)?;
                    let reporter = spec.kind.make(spec, options);
                    outputs.add(reporter, target, path.display().to_string(), None, spec.kind.streams);
                }
            }
        }
        // Only now that nothing can be refused any more.
        for (file, path) in truncate {
            file.set_len(0).map_err(|error| unwritable(&path, &error))?;
        }
        Ok(outputs)
    }

    /// Shows what happens at this moment, ahead of the events that tell of it in order.
    /// No report is made of it.
    pub fn live(&mut self, live: &Live) {
        if let Some(bar) = &mut self.bar {
            bar.live(live);
        }
        if let Some(lines) = &mut self.lines {
            lines.live(live);
            lines.tick(Instant::now());
        }
    }

    /// Lets time pass for a display that says something now and then. To be called every
    /// few seconds: nodes that keep silent bring no [`Outputs::live`].
    pub fn tick(&mut self, now: Instant) {
        if let Some(lines) = &mut self.lines {
            lines.tick(now);
        }
    }

    /// Passes an event to every report.
    pub fn event(&mut self, event: &Stamped) {
        match &event.event {
            RunEvent::RunStarted(started) => {
                if let Some(bar) = &mut self.bar {
                    bar.begin(started.nodes, started.controls);
                }
                if let Some(lines) = &mut self.lines {
                    lines.begin(started.nodes, Instant::now());
                }
            }
            // Before any text that comes with the end, so that it finds the line empty.
            RunEvent::RunFinished(_) => (self.bar, self.lines) = (None, None),
            _ => {}
        }
        for at in 0..self.of_run.len() {
            self.pass(self.of_run[at], event);
        }
        if self.of_node.is_empty() {
            return;
        }
        let indices: Vec<usize> = match event.event.node() {
            Some(node) => self.of_node.get(node).cloned().unwrap_or_default(),
            None => self.of_node.values().flatten().copied().collect(),
        };
        for index in indices {
            match &event.event {
                RunEvent::RunStarted(started) => {
                    let mut started = started.clone();
                    (started.controls, started.nodes) = (0, 1);
                    self.pass(index, &Stamped { event: RunEvent::RunStarted(started), ..event.clone() });
                }
                // A report of one node is done when its node is, so that the text of a
                // thousand nodes is not kept until the last of them.
                RunEvent::NodeFinished(finished) => {
                    self.pass(index, event);
                    self.end_of_node(index, event, finished.tally, finished.seconds, false);
                }
                RunEvent::RunFinished(finished) => {
                    self.end_of_node(index, event, Tally::default(), finished.seconds, finished.interrupted);
                }
                _ => self.pass(index, event),
            }
        }
    }

    /// Completes every report and puts the files in place.
    ///
    /// # Errors
    ///
    /// Names every report that could not be written, and why.
    pub fn finish(mut self) -> Result<(), Error> {
        (self.bar, self.lines) = (None, None);
        for index in 0..self.sinks.len() {
            self.close(index);
        }
        let mut faults = self.faults.drain(..);
        let Some((name, fault)) = faults.next() else { return Ok(()) };
        let mut message = format!("cannot write the report to {name}: {}", cause(&fault));
        for (name, fault) in faults {
            message.push_str(&format!("; nor to {name}: {}", cause(&fault)));
        }
        Err(Error::usage(message).hint("see that there is space, and that the folder may be written to"))
    }

    fn add(
        &mut self,
        reporter: Box<dyn Reporter>,
        target: Target,
        name: String,
        node: Option<Arc<str>>,
        streams: bool,
    ) {
        match node {
            Some(node) => self.of_node.entry(node).or_default().push(self.sinks.len()),
            None => self.of_run.push(self.sinks.len()),
        }
        self.sinks.push(Sink { reporter, target, name, streams, open: true });
    }

    fn pass(&mut self, index: usize, event: &Stamped) {
        let sink = &mut self.sinks[index];
        if sink.open
            && let Err(fault) = sink.pass(event)
        {
            self.fault(index, fault);
        }
    }

    /// The end of the run as a report of one node sees it.
    fn end_of_node(&mut self, index: usize, event: &Stamped, tally: Tally, seconds: f64, interrupted: bool) {
        let finished = RunEvent::RunFinished(RunFinished { tally, seconds, interrupted });
        self.pass(index, &Stamped { event: finished, ..event.clone() });
        self.close(index);
    }

    fn close(&mut self, index: usize) {
        let sink = &mut self.sinks[index];
        if std::mem::replace(&mut sink.open, false)
            && let Err(fault) = sink.close()
        {
            self.fault(index, fault);
        }
    }

    fn fault(&mut self, index: usize, fault: io::Error) {
        let sink = &mut self.sinks[index];
        sink.open = false;
        // The reader of standard output has read enough, as in `probity exec … | head`.
        let piped = matches!(sink.target, Target::Held { .. } | Target::Stream { pipe: true, .. });
        if !(piped && fault.kind() == io::ErrorKind::BrokenPipe) {
            self.faults.push((sink.name.clone(), fault));
        }
        sink.target = Target::Closed;
    }
}

impl Sink {
    fn pass(&mut self, event: &Stamped) -> io::Result<()> {
        let Sink { reporter, target, streams, .. } = self;
        match target {
            Target::Stream { to, .. } => {
                // In one piece, so that a reader never sees half a line.
                let mut text = Vec::new();
                reporter.event(event, &mut text)?;
                if !text.is_empty() {
                    to.write_all(&text)?;
                    if *streams {
                        to.flush()?;
                    }
                }
                Ok(())
            }
            Target::Held { text, .. } => reporter.event(event, text),
            Target::BesideClosed { text, .. } => reporter.event(event, text),
            Target::Beside { file, .. } => reporter.event(event, file),
            Target::Closed => Ok(()),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Stream { to, .. } => {
                let mut text = Vec::new();
                self.reporter.finish(&mut text)?;
                to.write_all(&text)?;
                return to.flush();
            }
            Target::Held { text, to } => {
                self.reporter.finish(text)?;
                // Written out first by whoever goes back.
                text.rewind()?;
                io::copy(text.get_mut(), to)?;
                return to.flush();
            }
            Target::BesideClosed { text, .. } => self.reporter.finish(text)?,
            Target::Beside { file, .. } => self.reporter.finish(file)?,
            Target::Closed => return Ok(()),
        }
        match std::mem::replace(&mut self.target, Target::Closed) {
            Target::Beside { file, path } => {
                let temp = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                temp.persist(path).map_err(|error| error.error)?;
            }
            Target::BesideClosed { text, temp, path } => {
                fs::write(&temp, text)?;
                temp.persist(path).map_err(|error| error.error)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Opens the file of a report. A path that is there and is no regular file, such as a
/// pipe or `/dev/stderr`, is written to as it is: it must not be replaced by a file.
fn open_path(path: &Path, streams: bool, many: bool, truncate: &mut Vec<(File, PathBuf)>) -> Result<Target, Error> {
    let unwritable = |error: &io::Error| unwritable(path, error);
    // What a symbolic link leads to is written, not the link replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let found = match fs::metadata(&path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unwritable(&error)),
    };
    if found.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(unwritable(&io::Error::from(io::ErrorKind::IsADirectory)).hint("name a file inside it"));
    }
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Error::usage(format!("report path {} names no file", path.display())).hint("add a file name"));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|error| unwritable(&error))?;
    let special = found.is_some_and(|found| !found.is_file());
    if special || streams {
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
        let file = file.map_err(|error| unwritable(&error))?;
        if !special {
            truncate.push((file.try_clone().map_err(|error| unwritable(&error))?, path));
        }
        return Ok(Target::Stream { to: Box::new(file), pipe: false });
    }
    // Held while the file is made, so that [`abandon`] misses none.
    let mut partial = PARTIAL.lock().unwrap_or_else(PoisonError::into_inner);
    let temp = tempfile::Builder::new()
        .prefix(".probity-")
        .suffix(".partial")
        // Reports are for others to read, as far as the umask lets them.
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| unwritable(&error))?;
    partial.push(temp.path().to_path_buf());
    drop(partial);
    Ok(match many {
        true => Target::BesideClosed { text: Vec::new(), temp: temp.into_temp_path(), path },
        false => Target::Beside { file: BufWriter::new(temp), path },
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let hint = "name a file in a folder you may write to";
    Error::usage(format!("cannot write the report to {}: {}", path.display(), cause(error))).hint(hint)
}

/// What the system said. The name of the temporary file, which `tempfile` adds, tells
/// nobody anything.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at path ") {
        Some((cause, path)) if path.contains(".partial") => cause.to_string(),
        _ => text,
    }
}

fn claim(taken: &mut HashSet<PathBuf>, path: &Path) -> Result<(), Error> {
    // `out.xml` and `./out.xml` are one file, also before it is there.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if taken.insert(absolute) {
        return Ok(());
    }
    Err(Error::usage(format!("two reports go to {}", path.display())).hint("give each a file of its own"))
}

/// The path of a node's file. The name becomes one path component, whatever is in it,
/// and two nodes never share one.
pub fn path_for_node(path: &Path, node: &str, names: &mut HashSet<String>) -> PathBuf {
    let safe = |c: char| if c.is_alphanumeric() || "._-@+:".contains(c) { c } else { '_' };
    let mut name: String = node.chars().map(safe).collect();
    if name.trim_matches('.').is_empty() {
        name = format!("_{name}");
    }
    let mut unique = name.clone();
    let mut number = 2;
    while !names.insert(unique.clone()) {
        unique = format!("{name}-{number}");
        number += 1;
    }
    PathBuf::from(path.to_string_lossy().replace("{node}", &unique))
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
