//! Ansible's inventory in INI format (Ansible's user guide, "How to build your inventory", and
//! its plugin `ansible.builtin.ini`).

use super::super::groups::Draft;
use super::{literal, take_host, take_name};
use crate::error::{Error, Place, nearest};
use crate::yaml::{Field, Map};
use std::collections::HashSet;
use std::path::Path;

/// What the lines of a section are.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Hosts,
    Children,
    Variables,
}

/// Reads such an inventory. What is wrong is among the draft's errors, with its line.
///
/// # Errors
/// It is no UTF-8.
pub fn read(file: &Path, text: &[u8]) -> Result<Draft, Vec<Error>> {
    let text = std::str::from_utf8(text).map_err(|error| {
        let line = text[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        vec![Error::usage("is not UTF-8").at(Place::line(file, line)).hint("save the file as UTF-8 text")]
    })?;
    let mut reader = Reader { draft: Draft::default(), declared: HashSet::new(), later: Vec::new() };
    let mut group = "ungrouped".to_string();
    let mut section = Section::Hosts;
    reader.declared.insert(group.clone());
    reader.declared.insert("all".to_string());
    for (number, line) in text.lines().enumerate() {
        let place = Place::line(file, number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if let Some(title) = title(line) {
            match title.and_then(|(name, kind)| Ok((take_name("group", name)?, kind))) {
                Ok((name, kind)) => {
                    (group, section) = (name.to_string(), kind);
                    reader.draft.group(&group, &place);
                    match section {
                        Section::Variables => reader.later.push((group.clone(), None, place)),
                        _ => drop(reader.declared.insert(group.clone())),
                    }
                }
                Err(message) => {
                    reader.wrong(&place, message);
                    // Its lines are told of no more.
                    section = Section::Variables;
                    group = "all".to_string();
                }
            }
            continue;
        }
        let done = match section {
            Section::Hosts => reader.hosts(&group, line, &place),
            Section::Children => reader.child(&group, line, &place),
            Section::Variables => reader.variable(&group, line, &place),
        };
        if let Err(message) = done {
            reader.wrong(&place, message);
        }
    }
    Ok(reader.done())
}

/// The name and kind of a section, where a line is its title.
fn title(line: &str) -> Option<Result<(&str, Section), String>> {
    let inside = line.strip_prefix('[')?;
    let (inside, behind) = inside.split_once(']')?;
    let behind = behind.trim();
    if !behind.is_empty() && !behind.starts_with('#') {
        // A host whose name begins with a range, or an address of IPv6 with a port.
        return None;
    }
    let (name, kind) = inside.split_once(':').unwrap_or((inside, "hosts"));
    if name.is_empty() || inside.contains(char::is_whitespace) {
        return Some(Err(format!("[{inside}] is no title of a section")));
    }
    Some(match kind {
        "hosts" => Ok((name, Section::Hosts)),
        "children" => Ok((name, Section::Children)),
        "vars" => Ok((name, Section::Variables)),
        _ => Err(format!("[{inside}] is no title of a section; it ends in nothing, :vars or :children")),
    })
}

struct Reader {
    draft: Draft,
    /// The groups that have a section of hosts or children.
    declared: HashSet<String>,
    /// Groups that have to be declared somewhere: those with variables, and children with their
    /// parent.
    later: Vec<(String, Option<String>, Place)>,
}

impl Reader {
    fn wrong(&mut self, place: &Place, message: String) {
        self.draft.errors.push(Error::usage(message).at(place.clone()));
    }

    fn hosts(&mut self, group: &str, line: &str, place: &Place) -> Result<(), String> {
        let words = words(line).map_err(|what| format!("a line of a host: {what}"))?;
        let Some((pattern, rest)) = words.split_first() else { return Ok(()) };
        if pattern.contains('=') {
            return Err("a line of a host begins with NAME=VALUE, not with the host".to_string());
        }
        let mut variables = Map::new();
        for word in rest {
            let Some((name, value)) = word.split_once('=') else {
                return Err(format!("behind the host {pattern} stands a word that is no NAME=VALUE"));
            };
            let value = literal::value(value, place);
            variables.insert(name.to_string(), Field { key: place.clone(), value });
        }
        take_host(&mut self.draft, group, pattern, variables, place)
    }

    fn child(&mut self, group: &str, line: &str, place: &Place) -> Result<(), String> {
        let name = line.split_once('#').map_or(line, |(name, _)| name).trim();
        if name.contains([':', ']']) || name.contains(char::is_whitespace) {
            return Err(format!("a line of [{group}:children] is no name of a group"));
        }
        let name = take_name("group", name)?;
        self.later.push((name.to_string(), Some(group.to_string()), place.clone()));
        Ok(())
    }

    fn variable(&mut self, group: &str, line: &str, place: &Place) -> Result<(), String> {
        let Some((name, value)) = line.split_once('=') else {
            return Err(format!("a line of [{group}:vars] is no NAME=VALUE"));
        };
        let value = literal::value(value.trim(), place);
        let mut map = Map::new();
        map.insert(name.trim().to_string(), Field { key: place.clone(), value });
        self.draft.group(group, place).ansible.add(map);
        Ok(())
    }

    fn done(mut self) -> Draft {
        for (name, parent, place) in std::mem::take(&mut self.later) {
            if !self.declared.contains(&name) {
                let error = match &parent {
                    Some(parent) => format!("[{parent}:children] names the group {name}, which has no section"),
                    None => format!("[{name}:vars] is about a group that has no section of its own"),
                };
                let near = nearest(&name, self.declared.iter().map(String::as_str));
                let hint = near.map_or(format!("write [{name}]"), |near| format!("did you mean {near}?"));
                self.draft.errors.push(Error::usage(error).at(place.clone()).hint(hint));
            }
            if let Some(parent) = parent.filter(|parent| parent != "all") {
                self.draft.group(&name, &place);
                self.draft.group(&parent, &place).children.push((name, place));
            }
        }
        super::group_the_rest(&mut self.draft);
        self.draft
    }
}

/// The words of a line as Python's `shlex` splits it, up to a comment.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '#' => break,
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\'') => break,
                        Some(letter) => word.push(letter),
                        None => return Err("a quote is not closed"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('"') => break,
                        Some('\\') => match letters.next() {
                            Some(letter @ ('"' | '\\')) => word.push(letter),
                            Some(letter) => word.extend(['\\', letter]),
                            None => return Err("a quote is not closed"),
                        },
                        Some(letter) => word.push(letter),
                        None => return Err("a quote is not closed"),
                    }
                }
            }
            '\\' => match letters.next() {
                Some(letter) => word.get_or_insert_default().push(letter),
                None => return Err("nothing stands behind its last backslash"),
            },
            letter if letter.is_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}
