use super::*;
use crate::report::{TABLE, sample};
use std::os::unix::fs::FileTypeExt;
use std::sync::Mutex;

/// A standard output that can be looked at.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A pipe whose reader is gone, or a full disk.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(nodes: &[&str]) -> Options {
    Options { nodes: nodes.iter().map(|node| Arc::from(*node)).collect(), ..Options::default() }
}

fn open(specs: &[String], options: &Options, screen: &Screen) -> Result<Outputs, Error> {
    let specs: Vec<Spec> = specs.iter().map(|spec| spec.parse().unwrap()).collect();
    Outputs::open_with(&specs, options, || Box::new(screen.clone()))
}

fn refused(specs: &[String], options: &Options) -> String {
    open(specs, options, &Screen::default()).err().expect("must be refused").to_string()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_reporter_at_once_and_folders_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/out");
    let specs: Vec<String> =
        TABLE.iter().map(|kind| format!("{0}:{1}/{0}", kind.name, out.display())).chain(["cli".to_string()]).collect();
    let screen = Screen::default();
    let mut outputs = open(&specs, &options(&["web1.example.org"]), &screen).unwrap();
    let events = sample::every_outcome();
    for event in &events[..4] {
        outputs.event(event);
    }
    // While the run goes on only the streams are there, and they have what happened.
    let shown: Vec<String> = names_in(&out).into_iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(shown, ["ndjson", "progress"]);
    assert_eq!(fs::read_to_string(out.join("ndjson")).unwrap().lines().count(), 4);
    assert_eq!(screen.text(), "", "a page is not mixed with a progress bar");
    for event in &events[4..] {
        outputs.event(event);
    }
    outputs.finish().unwrap();
    let mut expected: Vec<&str> = TABLE.iter().map(|kind| kind.name).collect();
    expected.sort_unstable();
    assert_eq!(names_in(&out), expected);
    assert_eq!(screen.text(), fs::read_to_string(out.join("cli")).unwrap());
}

#[test]
fn a_run_that_never_ends_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.xml");
    fs::write(&path, "the report of yesterday").unwrap();
    let specs = [format!("junit:{}", path.display()), format!("json:{}/run.json", folder.path().display())];
    let mut outputs = open(&specs, &options(&["web1"]), &Screen::default()).unwrap();
    sample::every_outcome()[..5].iter().for_each(|event| outputs.event(event));
    drop(outputs);
    assert_eq!(names_in(folder.path()), ["out.xml"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "the report of yesterday");
}

#[test]
fn a_path_that_cannot_be_written_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::write(folder.path().join("events"), "kept").unwrap();
    let one = options(&["web1"]);
    for (path, says) in [(format!("{shown}"), "is a directory"), (format!("{shown}/file/out.xml"), "file/out.xml")] {
        let error = refused(&[format!("ndjson:{shown}/events"), format!("junit:{path}")], &one);
        assert!(error.contains(says) && error.contains("cannot write the report to"), "{error}");
    }
    assert!(refused(&[format!("junit:{shown}/new/")], &one).contains("names no file"));
    assert_eq!(fs::read_to_string(folder.path().join("events")).unwrap(), "kept", "nothing is emptied for nothing");
    assert_eq!(names_in(folder.path()), ["events", "file"]);
    assert!(refused(&["cli".into(), "ndjson:-".into()], &one).contains("cli and ndjson both write to standard output"));
    let twice = [format!("junit:{shown}/a"), format!("json:{shown}/./a")];
    assert!(refused(&twice, &one).contains("two reports go to"));
}

#[test]
fn a_report_of_one_node_wants_a_file_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    let three = options(&["web1", "web2", "web3"]);
    for destination in ["-".to_string(), format!("{shown}/a.json")] {
        let error = refused(&[format!("json:{destination}")], &three);
        assert!(error.contains("3 of them") && error.contains("json:out/{node}.json"), "{error}");
    }
    let specs = [format!("json:{shown}/hdf/{{node}}.json"), format!("junit:{shown}/{{node}}.xml")];
    let mut outputs = open(&specs, &three, &Screen::default()).unwrap();
    sample::three_nodes().iter().for_each(|event| outputs.event(event));
    outputs.finish().unwrap();
    assert_eq!(names_in(&folder.path().join("hdf")), ["web1.json", "web2.json", "web3.json"]);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(folder.path().join("hdf").join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("web2.json")["platform"]["target_id"], "web2");
    assert_eq!(read("web2.json")["profiles"][0]["controls"].as_array().unwrap().len(), 1);
    let xml = fs::read_to_string(folder.path().join("web1.xml")).unwrap();
    assert!(xml.contains("linux-baseline@web1") && !xml.contains("web2"), "{xml}");
}

#[test]
fn a_node_name_stays_one_path_component() {
    let mut names = HashSet::new();
    let mut path = |node: &str| path_for_node(Path::new("out/{node}.json"), node, &mut names);
    assert_eq!(path("../../etc/passwd"), Path::new("out/.._.._etc_passwd.json"));
    assert_eq!(path("a/b"), Path::new("out/a_b.json"));
    assert_eq!(path("a b"), Path::new("out/a_b-2.json"));
    assert_eq!(path_for_node(Path::new("{node}/x"), "..", &mut HashSet::new()), Path::new("_../x"));
}

#[test]
fn one_broken_report_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.xml");
    let specs = ["ndjson".to_string(), format!("junit:{}", path.display())].map(|spec| spec.parse().unwrap());
    for (kind, told) in [(io::ErrorKind::BrokenPipe, false), (io::ErrorKind::StorageFull, true)] {
        let mut outputs = Outputs::open_with(&specs, &options(&["web1"]), || Box::new(Broken(kind))).unwrap();
        sample::every_outcome().iter().for_each(|event| outputs.event(event));
        let finished = outputs.finish();
        assert_eq!(finished.is_err(), told, "{finished:?}");
        assert!(finished.err().is_none_or(|error| error.to_string().contains("standard output")));
        assert!(fs::read_to_string(&path).unwrap().ends_with("</testsuites>\n"));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn what_is_no_regular_file_is_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, target, link) = (folder.path().join("pipe"), folder.path().join("target"), folder.path().join("link"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    let specs = [format!("junit:{}", pipe.display()), format!("cli:{}", link.display())];
    let mut outputs = open(&specs, &options(&["web1"]), &Screen::default()).unwrap();
    sample::every_outcome().iter().for_each(|event| outputs.event(event));
    outputs.finish().unwrap();
    assert!(reader.join().unwrap().ends_with("</testsuites>\n"));
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("sshd-root-login"));
}
