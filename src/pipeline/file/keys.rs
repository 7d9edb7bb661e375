//! The keys of a pipeline file, as data: reading, did-you-mean and the schema for editors are
//! made of this one table.

use crate::pipeline::key::{Key, Shape, key, required};

/// The keys whose text, where it is no list of words, is a line for the shell.
pub const SHELL_LINES: &[&str] = &["run", "command"];

/// The keys of the file as a whole.
pub const PIPELINE: &[Key] = &[
    key("name", Shape::Text, "The name reports use; by default that of the file's folder."),
    key("vars", Shape::Map, "Variables and their defaults; `--var` and `PROBITY_VAR_NAME` win over them."),
    key("reporter", Shape::Texts, "Reports of the whole run where `--reporter` gives none."),
    required("stages", Shape::Map, "The stages by their names."),
];

/// The keys of a variable that is written as a map.
pub const VARIABLE: &[Key] = &[
    key("default", Shape::Text, "The value where nobody gives one; without it one has to be given."),
    key("env", Shape::Text, "The environment variable that gives the value, instead of `PROBITY_VAR_NAME`."),
    key("file", Shape::Text, "The file whose content is the value."),
    key("sensitive", Shape::Bool, "Whether it is a secret, which no output, log or report shows."),
    key("description", Shape::Text, "What it is for."),
];

/// The kinds of stages.
pub const KINDS: &[&str] = &["provision", "wait", "validate", "report", "teardown"];
/// When a stage is run.
pub const WHEN: &[&str] = &["on_success", "on_failure", "always", "never"];

/// The keys every stage has.
pub const STAGE: &[Key] = &[
    required("kind", Shape::Word(KINDS), "What the stage does."),
    key(
        "needs",
        Shape::Texts,
        "Stages that have to end before it begins. Reports and teardowns need all others by default.",
    ),
    key(
        "when",
        Shape::Word(WHEN),
        "By how the stages it needs ended. Reports and teardowns run `always`, all others `on_success`.",
    ),
    key("timeout", Shape::Duration, "Time for one attempt, `1h` by default."),
    key("retries", Shape::Number(0, 100), "Attempts after one that failed."),
    key("retry_delay", Shape::Duration, "Time before the second attempt, `5s` by default; it doubles up to 5 minutes."),
    key("env", Shape::TextMap, "Environment variables of its programs, and `env` of its attribute templates."),
    key("dir", Shape::Text, "The folder its paths and programs start from; by default that of the file."),
];

/// Which nodes a stage is about, and how they are reached.
pub const NODES: &[Key] = &[
    key(
        "inventory",
        Shape::Inventory,
        "Where its nodes come from; by default from the provisions it needs, whatever is between.",
    ),
    key("targets", Shape::Texts, "Nodes as URIs, such as `web1=ssh://ops@10.0.0.1`."),
    key("nodes", Shape::Texts, "Nodes or groups by name, glob or `/regex/`; `!X` takes away."),
    key("transport", Shape::Map, "How nodes are reached: the keys of `transport` in an inventory; they win over it."),
    key("parallel", Shape::Number(1, 65535), "How many nodes at a time."),
];

/// Which profiles, with which values.
pub const PROFILES: &[Key] = &[
    key("profiles", Shape::Texts, "Directories, archives, or `NAME@REQUIREMENT`."),
    key("profile_path", Shape::Texts, "Folders where `NAME@REQUIREMENT` is looked up."),
    key("attrs", Shape::Texts, "Files of attribute values; a later one wins."),
    key("attributes", Shape::Map, "Attribute values, as `--attr` gives them: they win over all others."),
    key("bags", Shape::Text, "Folder of data bags; by default `data_bags` beside each template."),
    key("bag_key", Shape::Texts, "Files of age identities that open encrypted items."),
    key("bag_key_env", Shape::Text, "The environment variable that holds such an identity."),
];

/// The keys of a stage that provisions, besides those that name a provisioner.
pub const PROVISION: &[Key] = &[
    key("inventory", Shape::Inventory, "What it leaves as nodes, where its provisioner does not know by itself."),
    key("inputs", Shape::Texts, "Provisions it needs whose nodes it works on; by default all of them."),
];

/// The keys of a stage that waits.
pub const WAIT: &[Key] = &[
    key("within", Shape::Duration, "Time until the nodes have to be ready, `10m` by default."),
    key("every", Shape::Duration, "Time between two looks at a node, `5s` by default."),
    key("quorum", Shape::Share, "How many nodes are enough: a number, or a share such as `80%`; by default all."),
    key("cloud_init", Shape::Bool, "Whether cloud-init has to be done where it is installed; yes by default."),
];

/// The keys of a stage that validates.
pub const VALIDATE: &[Key] = &[
    key("controls", Shape::Texts, "Controls by id, glob or `/regex/`."),
    key("tags", Shape::Texts, "Controls with one of these tags: `KEY` or `KEY=VALUE`."),
    key("impact_at_least", Shape::Impact, "Controls of at least this impact."),
    key("waivers", Shape::Texts, "Files of accepted failures."),
    key("max_failures", Shape::Share, "Start no more nodes once so many are not fine."),
    key("agent", Shape::Bool, "Whether this program is pushed to the nodes and run there."),
    key("agent_program", Shape::Text, "Program to push instead of this one."),
];

/// The keys of a stage that reports.
pub const REPORT: &[Key] = &[
    key("reporter", Shape::Texts, "Reports of everything so far, as `--reporter` takes them."),
    key("run", Shape::Program, "A program that gets the path of a run-json report in `PROBITY_RUN`."),
];

/// The keys of a stage that tears down, besides those that name a provisioner.
pub const TEARDOWN: &[Key] = &[key("of", Shape::Text, "The provision it undoes, by what its provisioner knows.")];

/// The sections of keys a stage of this kind takes; provisioners aside.
pub fn of_kind(kind: &str) -> &'static [&'static [Key]] {
    match kind {
        "provision" => &[STAGE, PROVISION],
        "wait" => &[STAGE, NODES, PROFILES, WAIT],
        "validate" => &[STAGE, NODES, PROFILES, VALIDATE],
        "report" => &[STAGE, REPORT],
        "teardown" => &[STAGE, TEARDOWN],
        _ => &[STAGE],
    }
}

/// Whether a stage of this kind is given a provisioner.
pub fn takes_provisioner(kind: &str) -> bool {
    matches!(kind, "provision" | "teardown")
}
