//! Lists at the end of `cargo test` what this machine lacked for a test. Cargo runs test
//! binaries in the order of their names, so this one comes last.

mod support;

use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(support::skips_of_this_run());
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        lines.extend(std::fs::read_to_string(entry.path()));
    }
    lines.sort();
    match lines.len() {
        0 => println!("\nnothing was skipped\n"),
        1 => println!("\n1 thing was skipped, for this machine lacks what it needs:"),
        count => println!("\n{count} things were skipped, for this machine lacks what they need:"),
    }
    for line in lines {
        println!("  {line}");
    }
    println!();
    let _ = std::fs::remove_dir_all(&folder);
}
