//! What Jenkins' JUnit plugin (jenkinsci/junit-plugin, package `hudson.tasks.junit`) makes of a file,
//! written from the rules of its classes, which are named beside each, and sharing nothing with
//! the reporter.

use roxmltree::{Document, Node};

/// `TestResult`: everything that a step of the pipeline published.
#[derive(Default)]
pub struct TestResult {
    pub suites: Vec<SuiteResult>,
}

/// `SuiteResult`.
#[derive(Debug, Clone)]
pub struct SuiteResult {
    pub name: String,
    pub id: Option<String>,
    pub timestamp: Option<String>,
    /// In seconds.
    pub duration: f32,
    pub cases: Vec<CaseResult>,
}

/// `CaseResult`.
#[derive(Debug, Clone)]
pub struct CaseResult {
    pub class_name: String,
    pub test_name: String,
    pub duration: f32,
    pub error_details: Option<String>,
    pub error_stack_trace: Option<String>,
    pub skipped: bool,
    pub skipped_message: Option<String>,
    pub stdout: Option<String>,
}

/// `CaseResult.Status`, without the build before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Passed,
    Skipped,
    Failed,
}

impl TestResult {
    /// `TestResult.parsePossiblyEmpty` and `TestResult.parse`: a file without a byte, and one that is no
    /// XML but is called so, become a case that failed.
    pub fn parse(&mut self, file_name: &str, xml: &str) {
        if xml.is_empty() {
            return self.add(fault(file_name, "[empty]"));
        }
        match Document::parse(xml) {
            Ok(document) => {
                let mut suites = Vec::new();
                parse_suite(file_name, document.root_element(), &mut suites);
                suites.into_iter().for_each(|suite| self.add(suite));
            }
            Err(_) => self.add(fault(file_name, "[failed-to-read]")),
        }
    }

    /// `TestResult.add`, JENKINS-12457: suites of one name whose ids are equal, or of which one has no id,
    /// are one suite in several files.
    fn add(&mut self, suite: SuiteResult) {
        let same = |known: &&mut SuiteResult| {
            known.name == suite.name && (known.id.is_none() || suite.id.is_none() || known.id == suite.id)
        };
        match self.suites.iter_mut().find(same) {
            Some(known) => {
                known.duration += suite.duration;
                known.cases.extend(suite.cases);
            }
            None => self.suites.push(suite),
        }
    }

    pub fn cases(&self) -> impl Iterator<Item = &CaseResult> {
        self.suites.iter().flat_map(|suite| &suite.cases)
    }

    /// `SuiteResult.getCase` by way of `TestResult.getCase`, which `CaseResult.getPreviousResult` and
    /// `History` look a case up by: the name of its suite and its full name. Of cases with the same
    /// name in one suite, `SuiteResult.casesByName` keeps the last alone.
    pub fn case(&self, suite: &str, full_name: &str) -> Option<&CaseResult> {
        let suite = self.suites.iter().find(|known| known.name == suite)?;
        suite.cases.iter().rev().find(|case| case.full_name() == full_name)
    }
}

fn fault(file_name: &str, test_name: &str) -> SuiteResult {
    let case = CaseResult {
        class_name: file_name.to_string(),
        test_name: test_name.to_string(),
        duration: 0.0,
        error_details: Some(String::new()),
        error_stack_trace: Some(test_name.to_string()),
        skipped: false,
        skipped_message: None,
        stdout: None,
    };
    SuiteResult { name: file_name.to_string(), id: None, timestamp: None, duration: 0.0, cases: vec![case] }
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(name))
}

/// `Element.getText` and `elementText` of dom4j: all text right below, CDATA sections included.
fn text(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|part| part.text()).collect()
}

/// `SuiteResult.parseSuite`: suites within suites come first, and only one with a case, or with an error of
/// its own, counts at all.
fn parse_suite(file_name: &str, root: Node<'_, '_>, suites: &mut Vec<SuiteResult>) {
    for suite in root.children().filter(|child| child.has_tag_name("testsuite")) {
        parse_suite(file_name, suite, suites);
    }
    if child(root, "testcase").is_some() || child(root, "error").is_some() {
        suites.push(suite(file_name, root));
    }
}

/// The constructor `SuiteResult(File, Element, …)`.
fn suite(file_name: &str, suite: Node<'_, '_>) -> SuiteResult {
    let name = match suite.attribute("name") {
        None => format!("({file_name})"),
        Some(name) => match suite.attribute("package").filter(|package| !package.is_empty()) {
            Some(package) => format!("{package}.{name}"),
            None => name.to_string(),
        },
    };
    let mut cases = Vec::new();
    if child(suite, "error").is_some() {
        cases.push(case(suite, Some("<init>")));
    }
    for each in suite.children().filter(|child| child.has_tag_name("testcase")) {
        // Without a class of its own a case has the name of its suite for one.
        cases.push(case(each, each.attribute("classname").or(suite.attribute("name"))));
    }
    let sum = || cases.iter().map(|case| case.duration).sum();
    let duration = suite.attribute("time").map_or_else(sum, |time| clamp_duration(time_to_float(time)));
    SuiteResult {
        name: safe(&name),
        id: suite.attribute("id").map(str::to_string),
        timestamp: suite.attribute("timestamp").map(str::to_string),
        duration,
        cases,
    }
}

/// The constructor `CaseResult(SuiteResult, Element, …)`.
fn case(element: Node<'_, '_>, class_name: Option<&str>) -> CaseResult {
    let name = element.attribute("name").unwrap_or_default();
    let (class_name, test_name) = match (class_name, name.rsplit_once('.')) {
        (None, Some((class, name))) => (class, name),
        (class, _) => (class.unwrap_or_default(), name),
    };
    // `getError` and `getErrorMessage`: an error is looked for before a failure.
    let bad = child(element, "error").or(child(element, "failure"));
    let skipped = child(element, "skipped");
    let error_stack_trace = bad.map(text);
    let limit = if error_stack_trace.is_some() { 50_000 } else { 500 };
    CaseResult {
        class_name: class_name.to_string(),
        test_name: test_name.to_string(),
        duration: clamp_duration(element.attribute("time").map_or(0.0, time_to_float)),
        error_details: bad.and_then(|bad| bad.attribute("message")).map(str::to_string),
        error_stack_trace,
        skipped: skipped.is_some(),
        // `getSkippedMessage`: the attribute, else the text.
        skipped_message: skipped.map(|skipped| skipped.attribute("message").map_or_else(|| text(skipped), Into::into)),
        stdout: child(element, "system-out").map(|out| possibly_trim_stdio(&text(out), limit)),
    }
}

/// `CaseResult.possiblyTrimStdio`: the middle of what is longer than twice the limit is left out. Java counts
/// UTF-16 units.
fn possibly_trim_stdio(stdio: &str, half: usize) -> String {
    let units: Vec<u16> = stdio.encode_utf16().collect();
    if units.len() <= half * 2 {
        return stdio.to_string();
    }
    let part = |units: &[u16]| String::from_utf16_lossy(units);
    let middle = units.len() - half * 2;
    let (head, tail) = (part(&units[..half]), part(&units[units.len() - half..]));
    format!("{head}\n...[truncated {middle} chars]...\n{tail}")
}

/// `TimeToFloat.parse`: commas are dropped; what is no number is 0.
pub fn time_to_float(time: &str) -> f32 {
    time.replace(',', "").trim().parse().unwrap_or(0.0)
}

/// `CaseResult.clampDuration`: nothing takes less than no time, or more than a year.
fn clamp_duration(seconds: f32) -> f32 {
    seconds.clamp(0.0, 365.0 * 24.0 * 60.0 * 60.0)
}

/// `TestObject.safe`, as `TestObjectTest.testSafe` says: what a URL would take apart.
fn safe(name: &str) -> String {
    name.replace(['/', '\\', ':', '?', '#'], "_")
}

impl CaseResult {
    /// `CaseResult.isPassed`, `isSkipped` and `isFailed`: a case that is skipped has not failed, whatever else
    /// it holds.
    pub fn status(&self) -> Status {
        match (self.skipped, &self.error_details, &self.error_stack_trace) {
            (true, ..) => Status::Skipped,
            (false, None, None) => Status::Passed,
            _ => Status::Failed,
        }
    }

    /// `CaseResult.getName`.
    pub fn name(&self) -> &str {
        if self.test_name.is_empty() { "(?)" } else { &self.test_name }
    }

    /// `CaseResult.getFullName`, which `TestNameTransformer` leaves as it is where no other plugin changes it.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.class_name, self.name())
    }

    /// `CaseResult.getPackageName`: what stands before the last dot of the class.
    pub fn package_name(&self) -> &str {
        self.class_name.rsplit_once('.').map_or("(root)", |(package, _)| package)
    }

    /// `CaseResult.getSimpleName`: what stands behind it.
    pub fn simple_name(&self) -> &str {
        self.class_name.rsplit_once('.').map_or(&self.class_name, |(_, class)| class)
    }
}
