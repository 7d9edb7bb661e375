//! Clusters of Kubernetes on clouds: kops and kubicorn. What they make is asked through kubectl.
//!
//! kops: <https://kops.sigs.k8s.io/cli/kops_update_cluster/>, `…/kops_replace/`,
//! `…/kops_rolling-update_cluster/`, `…/kops_export_kubeconfig/`, `…/kops_validate_cluster/`,
//! `…/kops_delete_cluster/`. kubicorn: `cmd/apply.go` and `cmd/delete.go` of
//! <https://github.com/kubicorn/kubicorn> at 02c107a85ae8.

use super::kubectl::{nodes, seconds};
use super::settings::Settings;
use super::step::Step;
use super::table::{Kind, no_outputs};
use crate::pipeline::key::{Key, Shape, key, required};
use crate::pipeline::process::{EndWith, Program};
use serde_json::{Map, Value as Json, json};
use std::ffi::OsString;
use std::time::Duration;

/// How long they may take to come to a stop between two calls of the cloud.
const GRACE: Duration = Duration::from_secs(60);
/// How long a cluster may take to get ready where the stage says nothing.
const WAIT: Duration = Duration::from_secs(900);

const KOPS_KEYS: &[Key] = &[
    required("name", Shape::Text, "The name of the cluster (`--name`)."),
    key("state", Shape::Text, "The state store (`--state`), such as `s3://bucket`."),
    key("files", Shape::Paths, "Specifications that replace those in the state store (`kops replace --force -f`)."),
    key("rolling_update", Shape::Bool, "Whether nodes that need it are replaced (`kops rolling-update cluster`)."),
    key("wait", Shape::Duration, "How long the cluster may take to get ready, `15m` by default."),
    key("kubeconfig", Shape::Path, "The file its credentials are written to, instead of that of the user."),
];

/// `kops: {name: test.example.com, state: s3://bucket}`.
pub const KOPS: Kind = Kind {
    key: "kops",
    doc: "A cluster of Kubernetes by kops: update, export of the kubeconfig, validate, its nodes; delete.",
    program: Some("kops"),
    keys: KOPS_KEYS,
    alone: None,
    wrong: None,
    steps: |settings, _| {
        let mut steps = Vec::new();
        for file in settings.paths("files") {
            let words = ["replace".into(), "--force".into(), "-f".into(), file.into()];
            steps.push(Step::new("replace", kops(settings, words)));
        }
        steps.push(Step::new("update", kops(settings, ["update".into(), "cluster".into(), "--yes".into()])));
        if settings.bool("rolling_update") == Some(true) {
            let words = ["rolling-update".into(), "cluster".into(), "--yes".into()];
            steps.push(Step::new("rolling update", kops(settings, words)));
        }
        let words = ["export".into(), "kubeconfig".into(), "--admin".into()];
        steps.push(Step::new("kubeconfig", kops(settings, words)));
        let wait = seconds(settings.duration("wait").unwrap_or(WAIT));
        let words = ["validate".into(), "cluster".into(), "--wait".into(), wait.into()];
        steps.push(Step::new("validate", kops(settings, words)));
        steps.push(nodes(settings));
        steps
    },
    look: Some(|settings, _| vec![nodes(settings)]),
    teardown: Some(|settings, _| {
        vec![Step::new("delete", kops(settings, ["delete".into(), "cluster".into(), "--yes".into()]))]
    }),
    outputs: no_outputs,
    known: Some(known),
};

fn kops(settings: &Settings, words: impl IntoIterator<Item = OsString>) -> Program {
    let mut all: Vec<OsString> = vec!["kops".into()];
    all.extend(words);
    for (option, key) in [("--name", "name"), ("--state", "state")] {
        all.extend(settings.text(key).into_iter().flat_map(|text| [option.into(), text.into()]));
    }
    with_kubeconfig(settings, Program::new(all)).end_with(EndWith::Interrupt, GRACE)
}

const KUBICORN_KEYS: &[Key] = &[
    required("name", Shape::Text, "The name of the cluster."),
    key("state_store", Shape::Word(&["fs", "git", "jsonfs", "s3"]), "The kind of state store (`--state-store`)."),
    key("state_store_path", Shape::Path, "Its folder (`--state-store-path`)."),
    key("aws_profile", Shape::Text, "The profile of AWS (`--aws-profile`)."),
    key("wait", Shape::Duration, "How long its nodes may take to get ready, `15m` by default."),
    key("kubeconfig", Shape::Path, "The kubeconfig kubectl is given; kubicorn itself writes that of the user."),
];

/// `kubicorn: {name: test}`.
pub const KUBICORN: Kind = Kind {
    key: "kubicorn",
    doc: "A cluster of Kubernetes by kubicorn: apply, its nodes; delete.",
    program: Some("kubicorn"),
    keys: KUBICORN_KEYS,
    alone: Some("name"),
    wrong: None,
    steps: |settings, _| {
        let timeout = format!("--timeout={}", seconds(settings.duration("wait").unwrap_or(WAIT)));
        let words = ["kubectl", "wait", "--for=condition=Ready", "nodes", "--all", &timeout];
        let wait = with_kubeconfig(settings, Program::new(words));
        vec![Step::new("apply", kubicorn(settings, "apply")), Step::new("wait", wait), nodes(settings)]
    },
    look: Some(|settings, _| vec![nodes(settings)]),
    teardown: Some(|settings, _| vec![Step::new("delete", kubicorn(settings, "delete"))]),
    outputs: no_outputs,
    known: Some(known),
};

fn kubicorn(settings: &Settings, command: &str) -> Program {
    let mut all: Vec<OsString> = vec!["kubicorn".into(), command.into()];
    all.extend(settings.text("name").map(Into::into));
    for (option, key) in [("--state-store", "state_store"), ("--aws-profile", "aws_profile")] {
        all.extend(settings.text(key).into_iter().flat_map(|text| [option.into(), text.into()]));
    }
    let path = settings.path("state_store_path");
    all.extend(path.into_iter().flat_map(|path| ["--state-store-path".into(), path.into()]));
    Program::new(all).end_with(EndWith::Interrupt, GRACE)
}

/// Reads and writes the credentials of clusters in the file of the stage, if it names one.
fn with_kubeconfig(settings: &Settings, program: Program) -> Program {
    match settings.path("kubeconfig") {
        Some(path) => program.env("KUBECONFIG", path),
        None => program,
    }
}

fn known(settings: &Settings) -> Map<String, Json> {
    let mut known = Map::new();
    known.extend(settings.text("name").map(|name| ("cluster".to_string(), json!(name))));
    known.extend(settings.path("kubeconfig").map(|path| ("kubeconfig".to_string(), json!(path))));
    known
}
