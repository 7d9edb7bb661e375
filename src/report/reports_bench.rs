//! Time and memory of every reporter on a run over many nodes; not run by default:
//! `cargo test --release --lib reports_bench -- --ignored --nocapture`.

use super::{Options, TABLE, sample};
use std::io::Write;
use std::time::{Duration, Instant};

/// Counts what is written to it.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A figure of proc_pid_status(5) in KiB.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

fn measure(name: &str, nodes: usize) -> (Duration, u64) {
    let kind = TABLE.iter().find(|kind| kind.name == name).unwrap();
    let mut reporter = kind.make(&name.parse().unwrap(), &Options::default());
    // Sets the peak back to what is in use now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    let (mut out, mut took) = (Count(0), Duration::ZERO);
    sample::each_of_many(nodes, 162, |event| {
        let began = Instant::now();
        reporter.event(event, &mut out).unwrap();
        took += began.elapsed();
    });
    let began = Instant::now();
    reporter.finish(&mut out).unwrap();
    took += began.elapsed();
    let peak = status("VmHWM").saturating_sub(before);
    println!("{name:9} {nodes:5} nodes  {took:8.3?}  {:10} bytes written  {peak:7} KiB more at the peak", out.0);
    (took, peak)
}

#[test]
#[ignore = "a measurement"]
fn every_reporter_on_a_thousand_nodes() {
    for kind in TABLE {
        let (small, _) = measure(kind.name, 100);
        let (large, _) = measure(kind.name, 1000);
        assert!(large < small * 20 + Duration::from_millis(50), "{}: {small:?} then {large:?}", kind.name);
    }
}
