//! Kubernetes: manifests by kubectl, charts by helm.
//!
//! kubectl: <https://kubernetes.io/docs/reference/kubectl/generated/kubectl_apply/>, `…_rollout_status/`,
//! `…_wait/`, `…_get/`, `…_delete/`. helm: <https://helm.sh/docs/helm/helm_upgrade/>, `…/helm_uninstall/`.

use super::run::Format;
use super::settings::Settings;
use super::step::{Keep, Scene, ScratchFile, Step};
use super::table::{Kind, no_outputs};
use crate::pipeline::key::{Key, Shape, key, required};
use crate::pipeline::process::{Capture, EndWith, Program};
use serde_json::{Map, Value as Json, json};
use std::ffi::OsString;
use std::time::Duration;

/// How long is waited where the stage says nothing; helm's own default.
const WAIT: Duration = Duration::from_secs(300);
/// How long helm may take to write down what became of a release.
const GRACE: Duration = Duration::from_secs(30);

const KUBECTL_KEYS: &[Key] = &[
    key("files", Shape::Texts, "Manifests: files, folders or URLs (`-f`)."),
    key("kustomize", Shape::Text, "A folder with a kustomization (`-k`)."),
    key("recursive", Shape::Bool, "Whether folders are read with all below (`-R`)."),
    key("server_side", Shape::Bool, "Whether the server merges what is there (`--server-side`)."),
    key("namespace", Shape::Text, "The namespace (`--namespace`)."),
    key("rollouts", Shape::Texts, "What has to be rolled out, such as `deployment/web` (`kubectl rollout status`)."),
    key("conditions", Shape::TextMap, "What has to become so: `pod/web: condition=Ready` (`kubectl wait --for`)."),
    key("wait", Shape::Duration, "How long each of these may take, `5m` by default."),
    key("nodes", Shape::Bool, "Whether the nodes of the cluster are those of the stage (`kubectl get nodes`)."),
    key("context", Shape::Text, "The context of the kubeconfig (`--context`)."),
    key("kubeconfig", Shape::Path, "The kubeconfig (`--kubeconfig`)."),
];

/// `kubectl: {files: [deploy.yml], rollouts: deployment/web}`.
pub const KUBECTL: Kind = Kind {
    key: "kubectl",
    doc: "Manifests by kubectl: apply, wait; delete.",
    program: Some("kubectl"),
    keys: KUBECTL_KEYS,
    alone: Some("files"),
    wrong: Some(|settings| match (settings.has("files"), settings.has("kustomize")) {
        (true, true) => Some(("files and kustomize exclude each other", "leave one of them out")),
        (false, false) => Some(("kubectl has neither files nor kustomize", "add files: [MANIFEST]")),
        _ => None,
    }),
    steps: |settings, _| {
        let wait = format!("--timeout={}", seconds(settings.duration("wait").unwrap_or(WAIT)));
        let mut apply: Vec<OsString> = vec!["apply".into()];
        if settings.bool("server_side") == Some(true) {
            apply.push("--server-side".into());
        }
        apply.extend(manifests(settings));
        let mut steps = vec![Step::new("apply", kubectl(settings, apply))];
        for rollout in settings.texts("rollouts") {
            let words = ["rollout", "status", rollout, &wait].map(OsString::from);
            steps.push(Step::new("rollout", kubectl(settings, words)));
        }
        for (resource, condition) in settings.text_map("conditions") {
            let words = ["wait", &format!("--for={condition}"), resource, &wait].map(OsString::from);
            steps.push(Step::new("wait", kubectl(settings, words)));
        }
        if settings.bool("nodes") == Some(true) {
            steps.push(nodes(settings));
        }
        steps
    },
    look: Some(|settings, _| match settings.bool("nodes") {
        Some(true) => vec![nodes(settings)],
        _ => Vec::new(),
    }),
    teardown: Some(|settings, _| {
        let mut words: Vec<OsString> = ["delete", "--ignore-not-found", "--wait"].map(Into::into).into();
        words.push(format!("--timeout={}", seconds(settings.duration("wait").unwrap_or(WAIT))).into());
        words.extend(manifests(settings));
        vec![Step::new("delete", kubectl(settings, words))]
    }),
    outputs: no_outputs,
    known: None,
};

fn manifests(settings: &Settings) -> Vec<OsString> {
    let mut words = Vec::new();
    for file in settings.texts("files") {
        words.extend(["-f".into(), file.into()]);
    }
    words.extend(settings.text("kustomize").into_iter().flat_map(|folder| ["-k".into(), folder.into()]));
    if settings.bool("recursive") == Some(true) {
        words.push("-R".into());
    }
    words
}

fn kubectl(settings: &Settings, words: impl IntoIterator<Item = OsString>) -> Program {
    let mut all: Vec<OsString> = vec!["kubectl".into()];
    all.extend(words);
    for (option, key) in [("--namespace", "namespace"), ("--context", "context")] {
        all.extend(settings.text(key).into_iter().flat_map(|text| [option.into(), text.into()]));
    }
    let path = settings.path("kubeconfig");
    all.extend(path.into_iter().flat_map(|path| ["--kubeconfig".into(), path.into()]));
    Program::new(all)
}

/// Asks a cluster for its nodes, with the stage's kubeconfig and context if it has any.
pub fn nodes(settings: &Settings) -> Step {
    let mut words: Vec<OsString> = ["kubectl", "get", "nodes", "-o", "json"].map(Into::into).into();
    words.extend(settings.text("context").into_iter().flat_map(|text| ["--context".into(), text.into()]));
    let path = settings.path("kubeconfig");
    words.extend(path.into_iter().flat_map(|path| ["--kubeconfig".into(), path.into()]));
    Step::kept("nodes", Program::new(words).capture(Capture::Hidden), Keep::Inventory(Format::Kubectl))
}

/// A length of time as kubectl, kops and helm read it: a whole number of seconds.
pub fn seconds(time: Duration) -> String {
    format!("{}s", time.as_millis().div_ceil(1000))
}

const HELM_KEYS: &[Key] = &[
    required("release", Shape::Text, "The name of the release."),
    required("chart", Shape::Text, "The chart: a folder, an archive, a name in a repository, or a URL."),
    key("version", Shape::Text, "The version of the chart, or a requirement (`--version`)."),
    key("repo", Shape::Text, "The URL of the chart's repository (`--repo`)."),
    key("values", Shape::Map, "Values of the chart; they are handed over in a file."),
    key("values_files", Shape::Paths, "Files of values (`--values`); `values` win over them."),
    key("namespace", Shape::Text, "The namespace (`--namespace`)."),
    key("create_namespace", Shape::Bool, "Whether the namespace is made where there is none (`--create-namespace`)."),
    key("atomic", Shape::Bool, "Whether a release that fails is rolled back (`--atomic`)."),
    key("dependency_update", Shape::Bool, "Whether missing charts it needs are fetched (`--dependency-update`)."),
    key("wait", Shape::Duration, "How long it may take until all is ready, `5m` by default (`--wait --timeout`)."),
    key("context", Shape::Text, "The context of the kubeconfig (`--kube-context`)."),
    key("kubeconfig", Shape::Path, "The kubeconfig (`--kubeconfig`)."),
];

/// `helm: {release: web, chart: ./chart}`.
pub const HELM: Kind = Kind {
    key: "helm",
    doc: "A chart by helm: upgrade --install; uninstall.",
    program: Some("helm"),
    keys: HELM_KEYS,
    alone: None,
    wrong: None,
    steps: upgrade,
    look: None,
    teardown: Some(|settings, _| {
        let mut words: Vec<OsString> = vec!["uninstall".into()];
        words.extend(settings.text("release").map(Into::into));
        words.extend(["--ignore-not-found".into(), "--wait".into()]);
        vec![Step::new("uninstall", helm(settings, words))]
    }),
    outputs: no_outputs,
    known: Some(|settings| {
        let mut known = Map::new();
        for key in ["release", "namespace"] {
            known.extend(settings.text(key).map(|text| (key.to_string(), json!(text))));
        }
        known
    }),
};

fn upgrade(settings: &Settings, scene: &Scene<'_>) -> Vec<Step> {
    let mut words: Vec<OsString> = vec!["upgrade".into()];
    words.extend(["release", "chart"].into_iter().filter_map(|key| settings.text(key)).map(Into::into));
    words.extend(["--install".into(), "--wait".into()]);
    for (option, key) in [("--version", "version"), ("--repo", "repo")] {
        words.extend(settings.text(key).into_iter().flat_map(|text| [option.into(), text.into()]));
    }
    let flags = [
        ("--create-namespace", "create_namespace"),
        ("--atomic", "atomic"),
        ("--dependency-update", "dependency_update"),
    ];
    words.extend(flags.iter().filter(|(_, key)| settings.bool(key) == Some(true)).map(|(flag, _)| flag.into()));
    let mut files = Vec::new();
    if let Some(values) = settings.map("values").filter(|values| !values.is_empty()) {
        let path = scene.scratch.join("values.json");
        files.push(ScratchFile { path, content: Json::Object(values.clone()).to_string().into_bytes() });
    }
    for path in settings.paths("values_files").iter().chain(files.iter().map(|file| &file.path)) {
        words.extend(["--values".into(), path.into()]);
    }
    vec![Step::new("upgrade", helm(settings, words)).with_files(&files)]
}

fn helm(settings: &Settings, words: Vec<OsString>) -> Program {
    let mut all: Vec<OsString> = vec!["helm".into()];
    all.extend(words);
    all.extend(["--timeout".into(), seconds(settings.duration("wait").unwrap_or(WAIT)).into()]);
    for (option, key) in [("--namespace", "namespace"), ("--kube-context", "context")] {
        all.extend(settings.text(key).into_iter().flat_map(|text| [option.into(), text.into()]));
    }
    let path = settings.path("kubeconfig");
    all.extend(path.into_iter().flat_map(|path| ["--kubeconfig".into(), path.into()]));
    Program::new(all).end_with(EndWith::Interrupt, GRACE)
}
