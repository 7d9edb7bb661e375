//! The reporters there are. Help, did-you-mean and the reference are made from it.

use super::spec::Spec;
use super::{Options, Reporter, cli, exec_json, html, json_min, junit, ndjson, progress, run_json};

/// A reporter as the user knows it.
pub struct Kind {
    /// What `--reporter` takes.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Whether what it writes is of use before the run is done. Such a report goes
    /// straight to its file; all others appear there whole or not at all.
    pub streams: bool,
    /// Whether its format holds one node only.
    pub one_node: bool,
    pub options: &'static [KindOption],
    make: fn(&Spec, &Options) -> Box<dyn Reporter>,
}

/// An option of a reporter, as in `junit,cases=expectation`.
#[derive(Debug)]
pub struct KindOption {
    pub name: &'static str,
    /// The values there are, the default first.
    pub values: &'static [&'static str],
    pub doc: &'static str,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kind").field(&self.name).finish()
    }
}

impl Kind {
    /// A reporter that begins an empty report.
    pub fn make(&self, spec: &Spec, options: &Options) -> Box<dyn Reporter> {
        (self.make)(spec, options)
    }
}

/// Every reporter, in the order help lists them.
pub static TABLE: &[Kind] = &[
    Kind {
        name: "cli",
        doc: "A page for people: every control of one node, or what several have in common; a summary.",
        streams: false,
        one_node: false,
        options: &[],
        make: |_, options| Box::new(cli::Cli::new(options)),
    },
    Kind {
        name: "progress",
        doc: "A character a control, or a node where there are several, then the failures and a summary.",
        streams: true,
        one_node: false,
        options: &[],
        make: |_, options| Box::new(progress::Progress::new(options)),
    },
    Kind {
        name: "junit",
        doc: "JUnit XML for Jenkins and other CI servers: a suite for each profile and node.",
        streams: false,
        one_node: false,
        options: &[KindOption {
            name: "cases",
            values: &["control", "expectation"],
            doc: "One test case a control, or one an expectation.",
        }],
        make: |spec, _| Box::new(junit::Junit::new(spec.option("cases") == Some("expectation"))),
    },
    Kind {
        name: "html",
        doc: "A page for browsers in one file: verdict, map of nodes and controls, search, all that was found.",
        streams: false,
        one_node: false,
        options: &[],
        make: |_, _| Box::<html::Html>::default(),
    },
    Kind {
        name: "json",
        doc: "InSpec's exec-json, one file a node, for Heimdall, SAF CLI and other HDF readers.",
        streams: false,
        one_node: true,
        options: &[],
        make: |_, _| Box::<exec_json::ExecJson>::default(),
    },
    Kind {
        name: "json-min",
        doc: "InSpec's json-min: one flat entry for each result.",
        streams: false,
        one_node: false,
        options: &[],
        make: |_, _| Box::<json_min::JsonMin>::default(),
    },
    Kind {
        name: "run-json",
        doc: "The whole run in Probity's own schema, probity/run.",
        streams: false,
        one_node: false,
        options: &[],
        make: |_, _| Box::<run_json::RunJson>::default(),
    },
    Kind {
        name: "ndjson",
        doc: "The events of the run as they happen, a line of JSON each, probity/events.",
        streams: true,
        one_node: false,
        options: &[],
        make: |_, _| Box::<ndjson::Ndjson>::default(),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_can_be_written_in_a_spec() {
        for (index, kind) in TABLE.iter().enumerate() {
            assert!(kind.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", kind.name);
            assert!(TABLE[..index].iter().all(|other| other.name != kind.name), "{}", kind.name);
            assert!(kind.doc.ends_with('.'), "{}", kind.doc);
            for option in kind.options {
                assert!(option.values.len() > 1, "{}", option.name);
            }
        }
    }
}
