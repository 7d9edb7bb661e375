//! The state of a watch in the text format of Prometheus, version 0.0.4 ("Exposition formats").

use super::state::Summary;
use crate::results::Outcome;
use std::fmt::Write;

/// Every metric, each with its help and type.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, samples: &[(String, String)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let one = |value: String| vec![(String::new(), value)];
    metric(
        "probity_info",
        "gauge",
        "The version of Probity.",
        &[(format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), "1".to_string())],
    );
    let up = u8::from(summary.source_error.is_none() && summary.source_read.is_some());
    metric(
        "probity_source_up",
        "gauge",
        "Whether the sources of nodes could be read the last time.",
        &one(up.to_string()),
    );
    if let Some(read) = summary.source_read {
        let help = "When the sources of nodes were read without a fault last.";
        metric("probity_source_read_timestamp_seconds", "gauge", help, &one(read.to_string()));
    }
    let help = "Readings of the sources of nodes that failed.";
    metric("probity_source_errors_total", "counter", help, &one(summary.source_errors.to_string()));
    let help = "Rounds in which nodes that were due could not be validated.";
    metric("probity_validation_errors_total", "counter", help, &one(summary.validation_errors.to_string()));
    metric("probity_rounds_total", "counter", "Rounds of the watch.", &one(summary.rounds.to_string()));
    metric("probity_validations_total", "counter", "Validations of nodes.", &one(summary.validations.to_string()));
    let node = |name: &str| format!("{{node=\"{}\"}}", escaped(name));
    let ready = summary.nodes.iter().map(|(name, of)| (node(name), u8::from(of.ready).to_string()));
    metric("probity_node_ready", "gauge", "Whether the node answered the last time.", &ready.collect::<Vec<_>>());
    let validated = summary.nodes.iter().filter_map(|(name, of)| Some((node(name), of.validated?.to_string())));
    let help = "When the node was validated last.";
    metric("probity_node_validated_timestamp_seconds", "gauge", help, &validated.collect::<Vec<_>>());
    let controls = summary.nodes.iter().flat_map(|(name, of)| {
        Outcome::ALL.iter().map(move |outcome| {
            let labels = format!("{{node=\"{}\",outcome=\"{}\"}}", escaped(name), outcome.name());
            (labels, of.tally.of(*outcome).to_string())
        })
    });
    let help = "Controls of the last validation of the node, by outcome.";
    metric("probity_node_controls", "gauge", help, &controls.collect::<Vec<_>>());
    text
}

/// The value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::state::NodeSummary;
    use super::*;
    use crate::results::Tally;

    #[test]
    fn what_is_known_is_told_and_names_cannot_break_out() {
        let mut summary = Summary { source_read: Some(5), ..Summary::default() };
        let tally = Tally { failed: 2, ..Tally::default() };
        summary.nodes.insert("a\"\\\n".into(), NodeSummary { tally, ready: true, validated: Some(7) });
        let text = text(&summary);
        assert!(text.contains("probity_source_up 1\n"), "{text}");
        assert!(text.contains("probity_node_controls{node=\"a\\\"\\\\\\n\",outcome=\"failed\"} 2\n"), "{text}");
        for line in text.lines() {
            assert!(line.starts_with("# ") || line.starts_with("probity_"), "{line:?}");
        }
        summary.source_error = Some("gone".to_string());
        assert!(super::text(&summary).contains("probity_source_up 0\n"));
    }
}
