//! A suite as XML. The junit-report crate writes the cases.

use super::cases::bounded;
use super::text;
use crate::results::NodeFinished;
use crate::results::event::ControlSummary;
use junit_report::{Duration, Report, TestCase, TestSuite};
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

/// A suite being collected.
pub struct Suite {
    pub name: String,
    pub classname: String,
    pub timestamp: String,
    pub properties: Vec<(&'static str, String)>,
    pub cases: Vec<TestCase>,
    /// Controls that have not been heard of yet, in order.
    pub planned: Vec<Arc<ControlSummary>>,
    pub finished: HashSet<Arc<str>>,
}

impl Suite {
    /// Adds what it took to look at the node, and what there is to know about that.
    pub fn looked_at(&mut self, node: &NodeFinished) {
        let counts = [("rounds", node.rounds), ("probes.asked", node.asked), ("probes.sent", node.sent)];
        self.properties.extend(counts.map(|(name, count)| (name, count.to_string())));
        let bytes = [("bytes.sent", node.bytes_sent), ("bytes.received", node.bytes_received)];
        self.properties.extend(bytes.map(|(name, count)| (name, count.to_string())));
        self.properties.extend(node.notes.iter().map(|note| ("note", bounded(note).into_owned())));
    }

    pub fn add(&mut self, mut case: TestCase) {
        case.classname = Some(self.classname.clone());
        self.cases.push(case);
    }

    pub fn write(self, id: usize, took: Option<f64>, out: &mut dyn Write) -> io::Result<()> {
        let count = |of: fn(&TestCase) -> bool| self.cases.iter().filter(|case| of(case)).count();
        let total = took.map_or_else(|| self.cases.iter().map(|case| case.time).sum(), milliseconds);
        let mut head = format!(
            "<testsuite name=\"{}\" id=\"{id}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" \
             timestamp=\"{}\" time=\"{}\">\n<properties>\n",
            attribute(&self.name),
            self.cases.len(),
            count(TestCase::is_failure),
            count(TestCase::is_error),
            count(TestCase::is_skipped),
            attribute(&self.timestamp),
            seconds(total),
        );
        for (name, value) in &self.properties {
            head.push_str(&format!("<property name=\"{name}\" value=\"{}\"/>\n", attribute(&text::line(value))));
        }
        head.push_str("</properties>\n");
        out.write_all(head.as_bytes())?;
        for case in self.cases {
            writeln!(out, "{}", case_xml(case)?)?;
        }
        out.write_all(b"</testsuite>\n")
    }
}

/// A case as the crate writes it, with a time of three digits: the crate adds seconds and
/// fraction as floats and would write 1.235 as 1.2349999999999999.
fn case_xml(case: TestCase) -> io::Result<String> {
    let time = case.time;
    let mut suite = TestSuite::new("");
    suite.testcases.push(case);
    let mut report = Report::new();
    report.add_testsuite(suite);
    let mut xml = Vec::new();
    report.write_xml(&mut xml).map_err(io::Error::other)?;
    let xml = String::from_utf8(xml).map_err(io::Error::other)?;
    // The suite has no name and attributes hold no quote as it is, so these are the tags
    // and the attribute themselves, whatever the texts of the case are.
    let parts = xml
        .split_once("<testcase ")
        .and_then(|(_, case)| case.rsplit_once("</testsuite>"))
        .and_then(|(case, _)| case.split_once(" time=\""))
        .and_then(|(name, rest)| rest.split_once('"').map(|(_, rest)| (name, rest)));
    let (name, rest) = parts.ok_or_else(|| io::Error::other("a test case was not written as expected"))?;
    Ok(format!("<testcase {name} time=\"{}\"{rest}", seconds(time)))
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.whole_seconds(), time.subsec_milliseconds())
}

/// Text within the quotes of an attribute.
fn attribute(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Whole milliseconds: the schema takes no finer time, and no time less than nothing.
pub fn milliseconds(seconds: f64) -> Duration {
    // A float cast saturates, and makes 0 of what is no number.
    Duration::milliseconds((seconds.max(0.0) * 1000.0).round().min(1e15) as i64)
}
