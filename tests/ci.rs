//! The examples for CI servers are what they say: their syntax, and the commands in them.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::Lacking;

const JENKINSFILE: &str = "examples/jenkins/Jenkinsfile";
const GITLAB: &str = "examples/gitlab/.gitlab-ci.yml";
const GITHUB: &str = "examples/github/workflow.yml";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// A block of the Jenkinsfile: what stands before its brace, and what is in it.
#[derive(Debug, Default)]
struct Section {
    head: String,
    children: Vec<Section>,
}

impl Section {
    fn names(&self) -> Vec<&str> {
        self.children.iter().map(|child| child.name()).collect()
    }

    /// The first word: `stage` of `stage('Check')`.
    fn name(&self) -> &str {
        self.head.split(['(', ' ']).next().unwrap_or_default()
    }

    fn child(&self, name: &str) -> Option<&Section> {
        self.children.iter().find(|child| child.name() == name)
    }
}

/// Reads blocks and plain lines of Groovy, as far as the declarative syntax has any: strings of four
/// kinds, comments, braces and brackets.
fn sections(text: &str) -> Section {
    let mut open = vec![Section::default()];
    let mut brackets: Vec<char> = Vec::new();
    let mut head = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(quote) = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| rest.starts_with(quote)) {
            let mut from = quote.len();
            let end = loop {
                let at = from + rest[from..].find(quote).expect("a string ends");
                let slashes = rest[..at].chars().rev().take_while(|c| *c == '\\').count();
                if slashes % 2 == 0 {
                    break at + quote.len();
                }
                from = at + 1;
            };
            assert!(quote.len() == 3 || !rest[..end].contains('\n'), "a string ends on its line: {}", &rest[..end]);
            head.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '(' | '[' => {
                brackets.push(c);
                head.push(c);
            }
            ')' | ']' => {
                let opened = brackets.pop();
                assert_eq!(opened, Some(if c == ')' { '(' } else { '[' }), "{head}");
                head.push(c);
            }
            '{' => open.push(Section { head: std::mem::take(&mut head).trim().to_string(), children: Vec::new() }),
            '\n' | '}' if brackets.is_empty() => {
                let line = std::mem::take(&mut head).trim().to_string();
                if !line.is_empty() {
                    open.last_mut().unwrap().children.push(Section { head: line, children: Vec::new() });
                }
                if c == '}' {
                    let done = open.pop().unwrap();
                    open.last_mut().expect("no brace closes what was not opened").children.push(done);
                }
            }
            c => head.push(c),
        }
    }
    assert!(open.len() == 1 && brackets.is_empty(), "everything that is opened is closed");
    open.pop().unwrap()
}

/// What <https://www.jenkins.io/doc/book/pipeline/syntax/> allows where.
fn check_stages(stages: &Section, faults: &mut Vec<String>) {
    const IN_STAGE: [&str; 12] = [
        "agent",
        "environment",
        "failFast",
        "input",
        "matrix",
        "options",
        "parallel",
        "post",
        "stages",
        "steps",
        "tools",
        "when",
    ];
    for stage in &stages.children {
        if stage.name() != "stage" || !stage.head.starts_with("stage('") {
            faults.push(format!("{} among stages", stage.head));
        }
        let names = stage.names();
        let work = ["steps", "stages", "parallel", "matrix"].iter().filter(|name| names.contains(name)).count();
        if work != 1 {
            faults.push(format!("{} has {work} of steps, stages, parallel and matrix", stage.head));
        }
        faults.extend(
            names.iter().filter(|name| !IN_STAGE.contains(name)).map(|name| format!("{name} in {}", stage.head)),
        );
        for part in ["parallel", "stages"].iter().filter_map(|name| stage.child(name)) {
            check_stages(part, faults);
        }
        check_post(stage, faults);
    }
}

fn check_post(owner: &Section, faults: &mut Vec<String>) {
    const CONDITIONS: [&str; 10] = [
        "always",
        "changed",
        "fixed",
        "regression",
        "aborted",
        "failure",
        "success",
        "unstable",
        "unsuccessful",
        "cleanup",
    ];
    for condition in owner.child("post").iter().flat_map(|post| &post.children) {
        if !CONDITIONS.contains(&condition.name()) || condition.children.is_empty() {
            faults.push(format!("{} in post of {}", condition.head, owner.head));
        }
    }
}

#[test]
fn the_jenkinsfile_is_a_declarative_pipeline() {
    let root = sections(&read(JENKINSFILE));
    assert_eq!(root.names(), ["pipeline"]);
    let pipeline = &root.children[0];
    let known = ["agent", "environment", "libraries", "options", "parameters", "post", "stages", "tools", "triggers"];
    let mut faults: Vec<String> = pipeline
        .names()
        .iter()
        .filter(|name| !known.contains(name))
        .map(|name| format!("{name} in pipeline"))
        .collect();
    check_stages(pipeline.child("stages").expect("it has stages"), &mut faults);
    check_post(pipeline, &mut faults);
    assert!(pipeline.child("agent").is_some());
    assert_eq!(faults, Vec::<String>::new());
    // What it is there to show.
    let text = read(JENKINSFILE);
    for part in ["junit testResults: 'out/junit.xml'", "archiveArtifacts artifacts:", "parallel {", "credentials('"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn the_check_of_the_jenkinsfile_finds_faults() {
    let faults = |text: &str| {
        let mut faults = Vec::new();
        check_stages(sections(text).children[0].child("stages").unwrap(), &mut faults);
        faults
    };
    let good = "pipeline {\n stages {\n stage('a') {\n steps {\n sh 'x {'\n }\n }\n }\n}\n";
    assert_eq!(faults(good), Vec::<String>::new());
    assert_eq!(faults(&good.replace("steps", "step")).len(), 2);
    assert_eq!(faults(&good.replace("stage('a')", "stag('a')")).len(), 1);
    assert_eq!(faults(&good.replace("steps {\n sh 'x {'\n }", "post { never { sh 'x' } }\nsteps { sh 'y' }")).len(), 1);
    assert!(std::panic::catch_unwind(|| faults(&good.replace("'x {'", "'x"))).is_err());
    assert!(std::panic::catch_unwind(|| faults(good.trim_end().trim_end_matches('}'))).is_err());
}

#[test]
fn the_jenkinsfile_is_groovy() {
    let mut lacking = Lacking::default();
    if !lacking.has("groovy", "the syntax of the Jenkinsfile") {
        return;
    }
    if !Command::new("groovy").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return support::skipped("the syntax of the Jenkinsfile", "a Java that groovy can use");
    }
    let script = "import org.codehaus.groovy.control.*; def unit = new CompilationUnit(); \
                  unit.addSource(new File(args[0])); unit.compile(Phases.CONVERSION)";
    let parsed = Command::new("groovy").args(["-e", script]).arg(path(JENKINSFILE)).output().unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
}

#[test]
fn the_files_for_gitlab_and_github_follow_their_schemas() {
    let mut lacking = Lacking::default();
    if !lacking.has("check-jsonschema", "the schemas of GitLab CI and GitHub workflows") {
        return;
    }
    for (schema, name) in [("vendor.gitlab-ci", GITLAB), ("vendor.github-workflows", GITHUB)] {
        let checked =
            Command::new("check-jsonschema").args(["--builtin-schema", schema]).arg(path(name)).output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

/// The commands in a file: lines that begin with `probity`, with what continues them.
fn commands(text: &str) -> Vec<String> {
    let continued = regex::Regex::new(r"\s*\\*\n\s*(--)").unwrap();
    let line = regex::Regex::new(r"(?m)^\s*(?:- )?(?:run:\s+|sh ')?(probity .*)$").unwrap();
    let text = continued.replace_all(text, " $1").replace(">-\n", " ");
    let found = line.captures_iter(&text).map(|found| found[1].to_string());
    found.map(|command| command.split(" || ").next().unwrap_or_default().trim_end_matches('\'').to_string()).collect()
}

#[test]
fn every_command_is_one_that_probity_takes() {
    let mut seen = 0;
    let variable = regex::Regex::new(r#""?\$(?:\{\{.*?\}\}|\{.*?\}|\w+)"?"#).unwrap();
    for (name, count) in [(JENKINSFILE, 5), (GITLAB, 4), (GITHUB, 4)] {
        let commands = commands(&read(name));
        assert_eq!(commands.len(), count, "{name}: {commands:?}");
        for command in commands {
            let value = variable.replace_all(&command, "x");
            // What is put in for `--no-teardown` or for nothing.
            let value = value.replace("pipeline.yml x ", "pipeline.yml ");
            let words: Vec<&str> = value.split_whitespace().collect();
            let known = probity::cli::command();
            if known.find_subcommand(words[1]).is_none() && words[1] == "pipeline" {
                continue;
            }
            seen += 1;
            let taken = known.try_get_matches_from(&words);
            assert!(taken.is_ok(), "{name}: {command}\n{}", taken.unwrap_err());
            for reporter in words.iter().skip_while(|word| **word != "--reporter").skip(1) {
                let kind = reporter.split([':', ',']).next().unwrap_or_default();
                let known = probity::report::TABLE.iter().any(|known| known.name == kind);
                assert!(known || kind == "html", "{name}: {reporter}");
            }
        }
    }
    assert!(seen >= 6, "{seen}");
}
