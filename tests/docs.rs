//! Everything README and the documentation show is run here.
//!
//! - `console`: commands after `$ `. One ends well unless it says `# exit N` or `# any exit`;
//!   lines below it are what it prints, with `[..]` for any text; `# not run here` marks what
//!   would run these tests again. `console nodes` asks nodes over SSH, and is run where the
//!   machine has what they need; `console agent` also pushes the program that the variable
//!   `PROBITY_AGENT_PROGRAM` names, one linked statically.
//! - A block of `lua` or `yaml` whose first line is a comment that is a path (`# profile.yml`,
//!   `-- web/controls/a.lua`) is that file, for the commands below it on the page; `~/` is
//!   their home.
//! - Other `lua` is run: as a control file where it has a control in it, else as the check of
//!   a control.
//! - `yaml` has to be YAML, and a manifest where its path ends in `profile.yml`.
//! - A row of a table that begins with `| InSpec |` ends in a check, which is run.

mod sshd;
mod support;

#[path = "docs/nodes.rs"]
mod nodes;

use nodes::Nodes;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Block {
    language: String,
    line: usize,
    text: String,
}

impl Block {
    /// The path in a first line that is a comment and nothing but a path.
    fn path(&self) -> Option<&str> {
        let first = self.text.lines().next()?;
        let path = first.strip_prefix("-- ").or_else(|| first.strip_prefix("# "))?.trim();
        let plain = path.contains(['/', '.']) && !path.contains(' ') && !path.contains("..");
        plain.then_some(path)
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.to_string(), line: number + 1, text: String::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a code block is not closed");
    found
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("profiles/linux-baseline/README.md")];
    pages.push(root.join("profiles/ssh-baseline/README.md"));
    pages.push(root.join("examples/README.md"));
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            pages.push(path);
        }
    }
    pages.retain(|page| page.exists());
    pages.sort();
    pages
}

/// A folder like a fresh checkout, as far as the shown commands look into it.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["profiles", "attributes", "examples"] {
        if root.join(part).exists() {
            let copied = Command::new("cp").arg("-r").arg(root.join(part)).arg(folder.path()).status().unwrap();
            assert!(copied.success());
        }
    }
    folder
}

/// Whether what was printed is what is shown: line by line, `[..]` for any text.
fn is_like(printed: &str, shown: &str) -> bool {
    let pattern = shown.trim_end().split("[..]").map(regex::escape).collect::<Vec<_>>().join("(?s:.*?)");
    regex::Regex::new(&format!("^{pattern}$")).unwrap().is_match(printed.trim_end())
}

fn run_console(page: &Path, block: &Block, folder: &Path, faults: &mut Vec<String>) {
    let mut commands: Vec<(usize, String, String)> = Vec::new();
    for (offset, line) in block.text.lines().enumerate() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((block.line + 1 + offset, command.to_string(), String::new())),
            None => {
                let (_, _, shown) = commands.last_mut().expect("output follows a command");
                shown.push_str(line);
                shown.push('\n');
            }
        }
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_probity")).parent().unwrap();
    for (line, command, shown) in commands {
        let (command, note) = command.split_once("  # ").unwrap_or((&command, ""));
        if note == "not run here" {
            continue;
        }
        let command = command.replace("cargo run --release --", "probity");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", folder)
            .env("LC_ALL", "C.UTF-8")
            // As ssh does, Probity looks for the file in the home folder of the account database.
            .env("PROBITY_SSH_CONFIG", folder.join(".ssh/config"))
            .envs(agent_program().filter(|_| block.language == AGENT).map(|path| ("PROBITY_AGENT_PROGRAM", path)))
            .output()
            .unwrap();
        let expected: Option<i32> = match note {
            "" => Some(0),
            "any exit" => None,
            note => Some(note.strip_prefix("exit ").and_then(|code| code.parse().ok()).expect(note)),
        };
        let code = output.status.code().unwrap_or(-1);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        // Even where any verdict is right, a wrong command line is not.
        let well = expected.map_or(code != 1, |expected| expected == code);
        if !well {
            faults.push(format!("{}:{line}: {command}\nexited with {code}\n{stdout}{stderr}", page.display()));
        }
        let both = format!("{stdout}{stderr}");
        if !shown.is_empty() && !is_like(&both, &shown) {
            faults.push(format!("{}:{line}: {command}\nprinted\n{both}", page.display()));
        }
    }
}

const NODES: &str = "console nodes";
const AGENT: &str = "console agent";

fn agent_program() -> Option<std::ffi::OsString> {
    std::env::var_os("PROBITY_AGENT_PROGRAM")
}

/// Nodes for a block that asks some, where this machine can have them.
fn nodes_for<'a>(block: &Block, nodes: &'a mut Option<Nodes>, lacking: &mut support::Lacking) -> Option<&'a Nodes> {
    let needs = ["root", "sshd", "sudo", "unshare"];
    let can = needs.iter().all(|need| lacking.has(need, "what the pages show of nodes over SSH"));
    if !can || (block.language == AGENT && !lacking.has("agent", "what the pages show of --agent")) {
        return None;
    }
    Some(nodes.get_or_insert_with(Nodes::start))
}

/// The manifest of the profile that Lua without a path is run in.
const SHOWN: &str = "\
name: shown
version: 1.0.0
attributes:
  max_auth_tries: {type: integer, default: 4}
  shared_folders: {type: list, default: [/tmp]}
";

fn run_lua(page: &Path, line: usize, text: &str, faults: &mut Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("controls")).unwrap();
    std::fs::write(folder.path().join("profile.yml"), SHOWN).unwrap();
    let is_control = text.lines().any(|line| line.starts_with("control "));
    let text = if is_control { text } else { &format!("control \"shown\" {{ check = function()\n{text}\nend }}\n") };
    std::fs::write(folder.path().join("controls/shown.lua"), text).unwrap();
    let ran = support::probity_in(folder.path(), &["exec", ".", "--reporter", "cli"]);
    if ran.code == 1 || ran.stdout.contains("check runs to its end") {
        faults.push(format!("{}:{line}: lua\n{}{}", page.display(), ran.stdout, ran.stderr));
    }
    lint(page, line, folder.path(), ".", faults);
}

/// What a page shows need not be complete, and has to be right.
fn lint(page: &Path, line: usize, folder: &Path, profile: &str, faults: &mut Vec<String>) {
    const COMPLETENESS: [&str; 3] = ["control-metadata", "manifest-metadata", "unused-attribute"];
    let ran = support::probity_in(folder, &["check", profile, "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let findings = ["errors", "warnings"].into_iter().filter_map(|list| found[list].as_array()).flatten();
    for finding in findings.filter(|finding| !COMPLETENESS.contains(&finding["rule"].as_str().unwrap())) {
        faults.push(format!("{}:{line}: {}: {}", page.display(), finding["rule"], finding["message"]));
    }
}

/// Writes a block that is a file, and reads what is a manifest.
fn write_file(page: &Path, block: &Block, path: &str, folder: &Path, faults: &mut Vec<String>) {
    let file = folder.join(path.trim_start_matches("~/"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &block.text).unwrap();
    if path.ends_with("profile.yml") {
        let manifest = probity::yaml::Document::read(&file)
            .and_then(|document| probity::profile::Manifest::read(&document).map(|_| ()));
        if let Err(error) = manifest {
            faults.push(format!("{}:{}: manifest\n{error}", page.display(), block.line));
        }
    }
}

/// The checks in the last column of tables that begin with `| InSpec |`.
fn idioms(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        inside = line.starts_with("| InSpec |") || (inside && line.starts_with('|'));
        let code = line.trim_end().strip_suffix("` |").and_then(|line| line.rsplit_once("| `"));
        if let (true, Some((_, code))) = (inside, code) {
            found.push((number + 1, code.to_string()));
        }
    }
    found
}

#[test]
fn what_the_pages_show_runs() {
    let mut faults = Vec::new();
    let mut count = 0;
    let (mut nodes, mut lacking) = (None, support::Lacking::default());
    for page in pages() {
        let folder = checkout();
        let text = std::fs::read_to_string(&page).unwrap();
        // The examples of the reference are run, and judged, by tests/resources.rs.
        let is_reference = page.ends_with("docs/resources.md");
        let mut profiles = Vec::new();
        for block in blocks(&text) {
            count += 1;
            if let Some(path) = block.path() {
                write_file(&page, &block, path, folder.path(), &mut faults);
                profiles.extend(path.strip_suffix("/profile.yml").map(|profile| (block.line, profile.to_string())));
            }
            match &*block.language {
                "console" => run_console(&page, &block, folder.path(), &mut faults),
                NODES | AGENT => {
                    if let Some(nodes) = nodes_for(&block, &mut nodes, &mut lacking) {
                        nodes.introduce(folder.path());
                        run_console(&page, &block, folder.path(), &mut faults);
                    }
                }
                "lua" if block.path().is_none() && !is_reference => {
                    run_lua(&page, block.line, &block.text, &mut faults);
                }
                "lua" => {}
                "yaml" => {
                    if let Err(error) = probity::yaml::Document::parse(page.clone(), block.text.as_bytes()) {
                        faults.push(format!("{}:{}: yaml\n{error}", page.display(), block.line));
                    }
                }
                "json" => {
                    if let Err(error) = serde_json::from_str::<serde_json::Value>(&block.text) {
                        faults.push(format!("{}:{}: json\n{error}", page.display(), block.line));
                    }
                }
                "text" | "xml" | "groovy" => {}
                other => faults.push(format!("{}:{}: a block of {other:?} is not tested", page.display(), block.line)),
            }
        }
        for (line, profile) in profiles {
            // A page may show a manifest alone.
            if folder.path().join(&profile).join("controls").is_dir() {
                lint(&page, line, folder.path(), &profile, &mut faults);
            }
        }
        for (line, code) in idioms(&text) {
            count += 1;
            run_lua(&page, line, &code, &mut faults);
        }
    }
    assert!(count > 4, "the blocks were not found");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn the_example_has_nothing_to_find() {
    let ran = support::probity(&["check", "--strict", "examples/acme-server"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}

#[test]
fn exit_codes_are_the_same_in_readme_help_and_code() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let help = support::probity(&["exec", "--help"]).stdout;
    for (code, meaning) in probity::error::exit::ALL {
        assert!(readme.contains(&format!("| {code} | {meaning} |")), "README lacks {code} {meaning}");
        assert!(help.contains(&format!("{code}  {meaning}")), "exec --help lacks {code} {meaning}");
    }
}

/// What a heading is called in links.
fn anchor(heading: &str) -> String {
    let letters = heading.trim_start_matches('#').trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    letters.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for part in text.split("](").skip(1) {
            let link = part.split(')').next().unwrap();
            let (target, heading) = link.split_once('#').unwrap_or((link, ""));
            if link.starts_with("http") {
                continue;
            }
            let target = if target.is_empty() { page.clone() } else { page.parent().unwrap().join(target) };
            assert!(target.exists(), "{}: {link} is not there", page.display());
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.collect::<Vec<_>>().contains(&heading.to_string()), "{}: {link}", page.display());
            }
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/dependencies.md")).unwrap();
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    for table in ["dependencies", "dev-dependencies"] {
        for (name, _) in manifest[table].as_table().unwrap() {
            assert!(page.contains(&format!("| {name} |")), "docs/dependencies.md gives no reason for {name}");
        }
    }
}
