//! Our own reader of the files of ssh_config(5).

use super::super::pattern::{any_fits, fits};
use super::{Asked, Files, Myself, Pairs};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Files that include one another are followed this deep, as the client does.
const DEEPEST: usize = 16;
/// No file of settings is larger.
const LARGEST: u64 = 4 << 20;
const SYSTEM: &str = "/etc/ssh/ssh_config";

/// What the files say of a host.
///
/// # Errors
/// What cannot be told here, with its place: the client may know.
pub(super) fn pairs(asked: &Asked) -> Result<Pairs, String> {
    let home = Myself::find().home;
    let mut reading = Reading { asked, home: &home, pairs: Vec::new() };
    match &asked.files {
        Files::None => {}
        Files::Only(path) => {
            let text = text(path)?.ok_or_else(|| format!("no file {}, which -F names", path.display()))?;
            reading.file(path, &text, true, 0)?;
        }
        Files::Default => {
            for (path, of_user) in [(home.join(".ssh/config"), true), (PathBuf::from(SYSTEM), false)] {
                if let Some(text) = text(&path)? {
                    reading.file(&path, &text, of_user, 0)?;
                }
            }
        }
    }
    Ok(reading.pairs)
}

/// The text of a file; `None`: there is none.
fn text(path: &Path) -> Result<Option<String>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGEST => return Err(failed(&"it is too large to be a file of settings")),
        Ok(metadata) if !metadata.is_file() => return Err(failed(&"it is no file")),
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(failed(&error)),
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

struct Reading<'a> {
    asked: &'a Asked,
    home: &'a Path,
    pairs: Pairs,
}

impl Reading<'_> {
    fn file(&mut self, path: &Path, text: &str, of_user: bool, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("{} is included too deep", path.display()));
        }
        let mut applies = true;
        for (number, line) in text.lines().enumerate() {
            let at = |what: &str| format!("{}:{}: {what}", path.display(), number + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (keyword, value) = keyword_and_value(line);
            let list = words(value);
            match keyword.as_str() {
                "host" => applies = any_fits(list.iter().map(String::as_str), &self.asked.host),
                "match" if list.len() == 1 && list[0].eq_ignore_ascii_case("all") => applies = true,
                "match" => return Err(at(&format!("cannot judge Match {value}"))),
                _ if !applies => {}
                "include" => {
                    for pattern in &list {
                        for included in self.included(pattern, of_user).map_err(|why| at(&why))? {
                            if let Some(text) = self::text(&included)? {
                                self.file(&included, &text, of_user, depth + 1)?;
                            }
                        }
                    }
                }
                "canonicalizehostname" if !value.eq_ignore_ascii_case("no") => {
                    return Err(at("cannot judge CanonicalizeHostname"));
                }
                _ if list.is_empty() => return Err(at(&format!("no value for {keyword}"))),
                // The rest of the line as it is, or several names.
                "proxycommand" | "userknownhostsfile" | "globalknownhostsfile" => {
                    self.pairs.push((keyword, value.to_string()));
                }
                _ => self.pairs.push((keyword, list[0].clone())),
            }
        }
        Ok(())
    }

    /// The files an `Include` names, in the order of their names.
    fn included(&self, pattern: &str, of_user: bool) -> Result<Vec<PathBuf>, String> {
        let path = match pattern.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None if of_user => self.home.join(".ssh").join(pattern),
            None => Path::new("/etc/ssh").join(pattern),
        };
        let is_pattern = |text: &str| text.contains(['*', '?', '[', '%', '$']);
        let (folder, name) = (path.parent().unwrap_or(Path::new("/")), path.file_name().unwrap_or_default());
        let name = name.to_string_lossy();
        if is_pattern(&folder.to_string_lossy()) || name.contains(['[', '%', '$']) {
            return Err(format!("cannot judge Include {pattern}"));
        }
        if !is_pattern(&name) {
            return Ok(vec![path]);
        }
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> =
            names.filter(|entry| fits(&name, entry) && (!entry.starts_with('.') || name.starts_with('.'))).collect();
        names.sort();
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }
}

/// `Keyword value`, `Keyword=value`, `Keyword = value`; the keyword in lower case.
fn keyword_and_value(line: &str) -> (String, &str) {
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    let rest = line[end..].trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    (line[..end].to_ascii_lowercase(), rest.trim())
}

/// The words of a value; quotes keep spaces together, an unquoted `#` begins a comment.
pub(super) fn words(value: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '#') if word.is_none() => break,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (_, '\\') if letters.peek().is_some_and(|next| matches!(next, '"' | '\'' | '\\')) => {
                word.get_or_insert_default().extend(letters.next());
            }
            (None, space) if space.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}
