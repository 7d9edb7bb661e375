//! A file imports only from lower layers or its own folder: data flows one way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The layers from the bottom to the top. What stands on one line may not import each
/// other; everything may import from the lines before it.
const LAYERS: &[&[&str]] = &[
    &["value"],
    &["error"],
    &["probe", "yaml", "target"],
    &["results"],
    &["profile", "transport"],
    &["inventory"],
    &["plan", "report"],
    &["node"],
    &["resource"],
    &["lua"],
    &["run"],
    &["pipeline"],
    &["job"],
    &["cli"],
];

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The top-level modules a text names after `crate::`, with their lines. Tests may reach
/// anywhere, so a file is read up to its test module.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim() == "#[cfg(test)]" && text.lines().nth(number + 1).is_some_and(|next| next.contains('{')) {
            break;
        }
        let code = line.split("//").next().unwrap_or("");
        for part in code.split("crate::").skip(1) {
            let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
            if end > 0 {
                found.push((number + 1, part[..end].to_string()));
            } else if let Some(list) = part.strip_prefix('{') {
                for name in list.trim_end_matches(['}', ';']).split(',') {
                    let name = name.trim().split("::").next().unwrap_or("").to_string();
                    found.push((number + 1, name));
                }
            }
        }
    }
    found
}

fn is_test_file(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path.file_stem().is_some_and(|stem| {
            let stem = stem.to_string_lossy();
            stem == "tests" || stem.ends_with("_tests") || ["sample", "observations", "trial"].contains(&&*stem)
        })
}

#[test]
fn a_file_imports_only_from_lower_layers_or_its_own_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut faults = Vec::new();
    let mut edges: BTreeMap<(String, String), usize> = BTreeMap::new();
    for path in files {
        let relative = path.strip_prefix(&root).unwrap();
        let own = relative.components().next().unwrap().as_os_str().to_string_lossy();
        let own = own.trim_end_matches(".rs").to_string();
        if own == "lib" || own == "main" || is_test_file(relative) {
            continue;
        }
        let Some(own_level) = level(&own) else {
            faults.push(format!("src/{}: {own} stands in no layer", relative.display()));
            continue;
        };
        for (line, module) in imports(&std::fs::read_to_string(&path).unwrap()) {
            // A macro of the crate, or the folder itself.
            if module == own
                || ["resource", "args", "shape", "own", "required"].contains(&&*module) && own == "resource"
            {
                continue;
            }
            match level(&module) {
                Some(other) if other < own_level => *edges.entry((own.clone(), module)).or_default() += 1,
                Some(_) => faults.push(format!("src/{}:{line}: {own} must not import {module}", relative.display())),
                None => faults.push(format!("src/{}:{line}: {module} stands in no layer", relative.display())),
            }
        }
    }
    assert!(edges.len() > 10, "the imports were not read: {edges:?}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_folder_has_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_string();
        assert!(["lib", "main"].contains(&&*name) || level(&name).is_some(), "src/{name} stands in no layer");
    }
}
