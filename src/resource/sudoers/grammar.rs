//! The grammar of sudoers(5): one text becomes statements.

/// The most rules (users times commands) of one file; lists multiply.
pub const RULES: usize = 100_000;

/// What one logical line says.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    Defaults { scope: Scope, settings: Vec<Setting> },
    Aliases { kind: &'static str, aliases: Vec<(String, Vec<String>)> },
    Rules(Vec<Rule>),
    Include { path: String, directory: bool },
}

/// Whom a `Defaults` line is for: `""`, or `host`, `user`, `command`, `runas` with names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    pub kind: &'static str,
    pub names: Vec<String>,
}

/// One setting of a `Defaults` line.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub name: String,
    /// `""` for a flag, `!` for one that is off, else `=`, `+=` or `-=`.
    pub operator: &'static str,
    pub value: String,
}

/// One command that one user may run.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub user: String,
    pub hosts: Vec<String>,
    /// `None`: there is no list in parentheses.
    pub run_as: Option<(Vec<String>, Vec<String>)>,
    pub tags: Vec<String>,
    pub options: Vec<(String, String)>,
    pub command: String,
}

const TAGS: [&str; 8] = ["EXEC", "FOLLOW", "INTERCEPT", "LOG_INPUT", "LOG_OUTPUT", "MAIL", "PASSWD", "SETENV"];
const OPTIONS: [&str; 10] =
    ["ROLE", "TYPE", "APPARMOR_PROFILE", "PRIVS", "LIMITPRIVS", "NOTBEFORE", "NOTAFTER", "TIMEOUT", "CWD", "CHROOT"];
const ALIASES: [&str; 5] = ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias"];

/// The statements of a text, each with its line number; an error is the line and what is
/// wrong there.
pub fn statements(text: &str) -> Result<Vec<(usize, Statement)>, (usize, String)> {
    let mut statements = Vec::new();
    let mut rules = 0;
    for (number, line) in logical_lines(text) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let parsed = statement(line).map_err(|message| (number, message))?;
        if let Statement::Rules(new) = &parsed {
            rules += new.len();
            if rules > RULES {
                return Err((number, format!("more than {RULES} rules")));
            }
        }
        statements.push((number, parsed));
    }
    Ok(statements)
}

/// Lines without comments, continued ones joined. A backslash at the end of a comment
/// continues nothing.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, physical) in text.lines().enumerate() {
        let kept = &physical[..comment_start(physical, !open)];
        let continued = kept.len() == physical.len()
            && kept.trim_end().bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        let part = if continued { kept.trim_end().strip_suffix('\\').unwrap_or(kept) } else { kept };
        match lines.last_mut() {
            Some((_, line)) if open => line.push_str(part),
            _ => lines.push((index + 1, part.to_string())),
        }
        open = continued;
    }
    lines
}

/// Where the comment of a line begins; its length when there is none. `#` also begins a
/// numeric id and the older spelling of `@include`.
fn comment_start(line: &str, at_start: bool) -> usize {
    let bytes = line.as_bytes();
    let mut quoted = false;
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'\\' => index += 1,
            b'"' => quoted = !quoted,
            b'#' if !quoted => {
                let rest = &line[index + 1..];
                let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
                let id = digits > 0 && !rest[digits..].starts_with(|c: char| !c.is_whitespace() && !",=:)".contains(c));
                let first = at_start && line[..index].trim().is_empty();
                let directive = rest.strip_prefix("includedir").or_else(|| rest.strip_prefix("include"));
                let include = first && directive.is_some_and(|path| path.starts_with([' ', '\t']));
                if !id && !include {
                    return index;
                }
            }
            _ => {}
        }
        index += 1;
    }
    line.len()
}

fn statement(line: &str) -> Result<Statement, String> {
    for (directive, directory) in [("includedir", true), ("include", false)] {
        let rest = line.strip_prefix(['@', '#']).and_then(|line| line.strip_prefix(directive));
        if let Some(path) = rest.filter(|path| path.starts_with([' ', '\t'])) {
            let mut cursor = Cursor { rest: path };
            let path = cursor.word("")?;
            return Ok(Statement::Include { path, directory });
        }
    }
    let word_end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let (word, rest) = line.split_at(word_end);
    if word == "Defaults" && rest.starts_with([' ', '\t', '@', ':', '!', '>']) {
        return defaults(rest);
    }
    if let Some(kind) = ALIASES.iter().find(|kind| **kind == word) {
        let kind = if *kind == "Cmd_Alias" { "Cmnd_Alias" } else { kind };
        return Ok(Statement::Aliases { kind, aliases: aliases(rest, kind == "Cmnd_Alias")? });
    }
    rules(line).map(Statement::Rules)
}

fn defaults(rest: &str) -> Result<Statement, String> {
    let mut cursor = Cursor { rest };
    let kind = match rest.as_bytes().first() {
        Some(b'@') => "host",
        Some(b':') => "user",
        Some(b'!') => "command",
        Some(b'>') => "runas",
        _ => "",
    };
    let mut names = Vec::new();
    if !kind.is_empty() {
        cursor.rest = &rest[1..];
        names = cursor.list("")?;
    }
    let mut settings = Vec::new();
    loop {
        cursor.blanks();
        let off = cursor.take("!");
        cursor.blanks();
        let end = cursor.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(cursor.rest.len());
        let name = cursor.rest[..end].to_string();
        if name.is_empty() {
            return Err(format!("Defaults needs the name of a setting before {:?}", cursor.rest));
        }
        cursor.rest = &cursor.rest[end..];
        cursor.blanks();
        let operator = ["+=", "-=", "="].into_iter().find(|operator| cursor.take(operator));
        let value = match operator {
            Some(_) => cursor.value()?,
            None => String::new(),
        };
        settings.push(Setting { name, operator: operator.unwrap_or(if off { "!" } else { "" }), value });
        cursor.blanks();
        if cursor.rest.is_empty() {
            return Ok(Statement::Defaults { scope: Scope { kind, names }, settings });
        }
        if !cursor.take(",") {
            return Err(format!("a comma is missing before {:?}", cursor.rest));
        }
    }
}

fn aliases(rest: &str, commands: bool) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut cursor = Cursor { rest };
    let mut aliases = Vec::new();
    loop {
        cursor.blanks();
        let name = cursor.word("=")?;
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(format!("an alias begins with an upper-case letter, {name} does not"));
        }
        cursor.blanks();
        if !cursor.take("=") {
            return Err(format!("alias {name} has no ="));
        }
        let mut members = Vec::new();
        loop {
            members.push(if commands { cursor.command()? } else { cursor.word(",")? });
            cursor.blanks();
            if !cursor.take(",") {
                break;
            }
        }
        aliases.push((name, members));
        if cursor.rest.is_empty() {
            return Ok(aliases);
        }
        if !cursor.take(":") {
            return Err(format!("a colon or comma is missing before {:?}", cursor.rest));
        }
    }
}

fn rules(line: &str) -> Result<Vec<Rule>, String> {
    let mut cursor = Cursor { rest: line };
    let users = cursor.list("=")?;
    let mut rules = Vec::new();
    loop {
        let hosts = cursor.list("=")?;
        cursor.blanks();
        if !cursor.take("=") {
            return Err("a rule is USERS HOSTS = COMMANDS, but there is no =".to_string());
        }
        let mut rule = Rule {
            user: String::new(),
            hosts,
            run_as: None,
            tags: Vec::new(),
            options: Vec::new(),
            command: String::new(),
        };
        // Run-as lists, options and tags hold for the commands after them, too.
        loop {
            cursor.blanks();
            if cursor.take("(") {
                rule.run_as = Some(cursor.run_as()?);
            }
            cursor.modifiers(&mut rule)?;
            rule.command = cursor.command()?;
            if rules.len() + users.len() > RULES {
                return Err(format!("more than {RULES} rules"));
            }
            rules.extend(users.iter().map(|user| Rule { user: user.clone(), ..rule.clone() }));
            cursor.blanks();
            if !cursor.take(",") {
                break;
            }
        }
        if cursor.rest.is_empty() {
            return Ok(rules);
        }
        if !cursor.take(":") {
            return Err(format!("a colon or comma is missing before {:?}", cursor.rest));
        }
    }
}

/// What is left of a line.
struct Cursor<'t> {
    rest: &'t str,
}

impl Cursor<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// One word, up to a blank or one of `stops`; quotes and backslashes are resolved,
    /// `!` before it is kept.
    fn word(&mut self, stops: &str) -> Result<String, String> {
        self.blanks();
        let mut word = String::new();
        while self.take("!") {
            word.push('!');
            self.blanks();
        }
        let signs = word.len();
        let mut quoted = false;
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' => word.extend(chars.next().map(|(_, escaped)| escaped)),
                '"' => quoted = !quoted,
                c if !quoted && (c.is_whitespace() || stops.contains(c)) => {
                    end = index;
                    break;
                }
                c => word.push(c),
            }
        }
        if quoted {
            return Err("a quote is not closed".to_string());
        }
        if end == 0 || word.len() == signs {
            return Err(match self.rest.chars().next() {
                Some(found) => format!("a name is missing before {found:?}"),
                None => "the line ends where a name should be".to_string(),
            });
        }
        self.rest = &self.rest[end..];
        Ok(word)
    }

    /// Words between commas.
    fn list(&mut self, stops: &str) -> Result<Vec<String>, String> {
        let stops = format!(",{stops}");
        let mut words = Vec::new();
        loop {
            words.push(self.word(&stops)?);
            let before = self.rest;
            self.blanks();
            if !self.take(",") {
                self.rest = before;
                return Ok(words);
            }
        }
    }

    /// The users and groups of a run-as list, after its opening parenthesis.
    fn run_as(&mut self) -> Result<(Vec<String>, Vec<String>), String> {
        let Some(end) = self.rest.find(')') else { return Err("a parenthesis is not closed".to_string()) };
        let inner = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        let (users, groups) = inner.split_once(':').unwrap_or((inner, ""));
        let names = |list: &str| match list.trim() {
            "" => Ok(Vec::new()),
            list => {
                let mut cursor = Cursor { rest: list };
                let names = cursor.list("")?;
                cursor.blanks();
                if cursor.rest.is_empty() { Ok(names) } else { Err(format!("a comma is missing in ({inner})")) }
            }
        };
        Ok((names(users)?, names(groups)?))
    }

    /// Options such as `CWD=/` and tags such as `NOPASSWD:` before a command.
    fn modifiers(&mut self, rule: &mut Rule) -> Result<(), String> {
        loop {
            self.blanks();
            let end = self.rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(self.rest.len());
            let (word, after) = self.rest.split_at(end);
            let after = after.trim_start();
            if let (true, Some(value)) = (OPTIONS.contains(&word), after.strip_prefix('=')) {
                self.rest = value;
                rule.options.retain(|(name, _)| name != word);
                rule.options.push((word.to_string(), self.word(",")?));
            } else if let (Some(rest), true) = (after.strip_prefix(':'), !word.is_empty()) {
                let base = word.strip_prefix("NO").unwrap_or(word);
                if !TAGS.contains(&base) {
                    // `ALL : HOSTS = COMMANDS`: the word is the command itself.
                    return if rest.contains('=') { Ok(()) } else { Err(format!("there is no tag {word}")) };
                }
                self.rest = rest;
                rule.tags.retain(|tag| tag.strip_prefix("NO").unwrap_or(tag) != base);
                rule.tags.push(word.to_string());
            } else {
                return Ok(());
            }
        }
    }

    /// A command with its arguments and digests, up to a comma or colon.
    fn command(&mut self) -> Result<String, String> {
        self.blanks();
        let mut command = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        let mut quoted = false;
        while let Some((index, c)) = chars.next() {
            match c {
                // Only what sudo needs escaped loses its backslash, so that patterns stay.
                '\\' => match chars.next() {
                    Some((_, escaped)) if ",:=\\".contains(escaped) => command.push(escaped),
                    Some((_, escaped)) => command.extend(['\\', escaped]),
                    None => {}
                },
                '"' => {
                    quoted = !quoted;
                    command.push('"');
                }
                // The colon of a digest, sha256:…, does not end the command.
                ':' if !quoted && is_digest(&command) => command.push(c),
                ',' | ':' if !quoted => {
                    end = index;
                    break;
                }
                c => command.push(c),
            }
        }
        self.rest = &self.rest[end..];
        let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
        if command.trim_start_matches(['!', ' ']).is_empty() {
            return Err("a command is missing".to_string());
        }
        Ok(command)
    }

    /// The value of a setting: quoted, or up to a comma or blank.
    fn value(&mut self) -> Result<String, String> {
        self.blanks();
        if self.rest.starts_with("\"\"") {
            self.rest = &self.rest[2..];
            return Ok(String::new());
        }
        let mut bare = Cursor { rest: self.rest };
        let value = bare.word(",")?;
        self.rest = bare.rest;
        Ok(value)
    }
}

/// Whether a command so far is only the name of a digest.
fn is_digest(command: &str) -> bool {
    matches!(command.trim_start_matches(['!', ' ']), "sha224" | "sha256" | "sha384" | "sha512")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule_lines(text: &str) -> Vec<String> {
        let show = |rule: &Rule| {
            let run_as =
                rule.run_as.as_ref().map(|(users, groups)| format!("({}:{})", users.join(","), groups.join(",")));
            let (user, hosts, tags) = (&rule.user, rule.hosts.join(","), rule.tags.join(" "));
            format!("{user} {hosts}={}[{tags}]{}", run_as.unwrap_or_default(), rule.command)
        };
        match statements(text) {
            Err((line, message)) => vec![format!("{line}: {message}")],
            Ok(statements) => statements
                .iter()
                .flat_map(|(_, statement)| match statement {
                    Statement::Rules(rules) => rules.iter().map(show).collect(),
                    other => vec![format!("{other:?}")],
                })
                .collect(),
        }
    }

    #[test]
    fn rules_carry_tags_and_run_as_lists_on() {
        assert_eq!(
            rule_lines(
                "alice, %wheel ALL = (root, op : adm) NOPASSWD: /bin/a -x, PASSWD:SETENV: /bin/b\\, c, !/bin/c\n"
            ),
            [
                "alice ALL=(root,op:adm)[NOPASSWD]/bin/a -x",
                "%wheel ALL=(root,op:adm)[NOPASSWD]/bin/a -x",
                "alice ALL=(root,op:adm)[PASSWD SETENV]/bin/b, c",
                "%wheel ALL=(root,op:adm)[PASSWD SETENV]/bin/b, c",
                "alice ALL=(root,op:adm)[PASSWD SETENV]!/bin/c",
                "%wheel ALL=(root,op:adm)[PASSWD SETENV]!/bin/c",
            ]
        );
        assert_eq!(rule_lines("#1000 h1,h2=ALL : h3=(ALL) /x\n"), ["#1000 h1,h2=[]ALL", "#1000 h3=(ALL:)[]/x"]);
        assert_eq!(rule_lines("a ALL=sha256:AbC= /bin/x, CWD=/ /y"), ["a ALL=[]sha256:AbC= /bin/x", "a ALL=[]/y"]);
        assert_eq!(rule_lines("\"DOM\\\\my user\" ALL=(:g)ALL"), ["DOM\\my user ALL=(:g)[]ALL"]);
    }

    #[test]
    fn comments_and_continued_lines() {
        assert_eq!(rule_lines("# a \\\na ALL = \\\n  ALL # c\n"), ["a ALL=[]ALL"]);
        assert_eq!(rule_lines("#1. a note\n#includes are old\n"), [""; 0]);
        assert_eq!(rule_lines("a ALL = \\"), ["1: a command is missing"]);
    }

    #[test]
    fn defaults_aliases_and_includes() {
        let parsed = |text: &str| statements(text).unwrap().remove(0).1;
        let Statement::Defaults { scope, settings } = parsed(r#"Defaults:a,b !x, y = "p q", z+=1, w"#) else {
            panic!()
        };
        assert_eq!((scope.kind, scope.names), ("user", vec!["a".to_string(), "b".to_string()]));
        let settings: Vec<_> = settings.iter().map(|s| (s.name.as_str(), s.operator, s.value.as_str())).collect();
        assert_eq!(settings, [("x", "!", ""), ("y", "=", "p q"), ("z", "+=", "1"), ("w", "", "")]);
        let Statement::Aliases { kind, aliases } = parsed("Host_Alias A = fe80::1, h : B_2 = !k") else { panic!() };
        assert_eq!(kind, "Host_Alias");
        assert_eq!(aliases[0], ("A".into(), vec!["fe80::1".into(), "h".into()]));
        assert_eq!(aliases[1], ("B_2".into(), vec!["!k".into()]));
        let include = |path: &str, directory| Statement::Include { path: path.into(), directory };
        assert_eq!(parsed("#includedir /etc/sudoers.d\n"), include("/etc/sudoers.d", true));
        assert_eq!(parsed("@include \"/a b\"\n"), include("/a b", false));
    }

    #[test]
    fn what_sudo_refuses_is_named_with_its_line() {
        assert_eq!(rule_lines("\nalice ALL\n"), ["2: a rule is USERS HOSTS = COMMANDS, but there is no ="]);
        assert_eq!(rule_lines("a ALL=(root ALL"), ["1: a parenthesis is not closed"]);
        assert_eq!(rule_lines("a ALL=NOPASWD: ALL"), ["1: there is no tag NOPASWD"]);
        assert_eq!(rule_lines("Defaults"), ["1: the line ends where a name should be"]);
        assert_eq!(rule_lines("a \"ALL=ALL"), ["1: a quote is not closed"]);
        assert_eq!(rule_lines("User_Alias a = b"), ["1: an alias begins with an upper-case letter, a does not"]);
        let many = format!("{} ALL={}", vec!["u"; 1000].join(","), vec!["/c"; 1000].join(","));
        assert_eq!(rule_lines(&many), ["1: more than 100000 rules"]);
    }
}
