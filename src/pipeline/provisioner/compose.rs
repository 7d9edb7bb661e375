//! Containers by Compose.
//!
//! <https://docs.docker.com/reference/cli/docker/compose/up/>, `…/ps/`, `…/down/`; podman compose(1)
//! hands the same words on, and podman-compose takes them.

use super::run::Format;
use super::settings::Settings;
use super::step::{Keep, Step};
use super::table::{Kind, no_outputs};
use crate::pipeline::key::{Key, Shape, key};
use crate::pipeline::process::{Capture, Program};
use std::ffi::OsString;

const ENGINES: &[&str] = &["docker", "podman", "docker-compose", "podman-compose"];

const KEYS: &[Key] = &[
    key("files", Shape::Paths, "The files of the project (`-f`); by default those Compose finds in the folder."),
    key("engine", Shape::Word(ENGINES), "Whose Compose: `docker` (the default) or `podman`, or a program by itself."),
    key("project", Shape::Text, "The name of the project (`-p`)."),
    key("profiles", Shape::Texts, "Profiles that are on (`--profile`)."),
    key("env_files", Shape::Paths, "Files of environment variables (`--env-file`)."),
    key("services", Shape::Texts, "The services; by default all."),
    key("build", Shape::Bool, "Whether images are built before (`--build`)."),
    key("pull", Shape::Word(&["always", "missing", "never"]), "Which images are fetched (`--pull`)."),
    key("wait", Shape::Bool, "Whether services have to run and be healthy; yes by default (`--wait`)."),
    key("wait_timeout", Shape::Duration, "How long that may take (`--wait-timeout`)."),
    key("keep_volumes", Shape::Bool, "Whether volumes stay when it is taken down; no by default (`down -v`)."),
];

/// `compose: {files: compose.yml}`.
pub const KIND: Kind = Kind {
    key: "compose",
    doc: "Containers by Compose: up, its containers; down.",
    program: Some("docker"),
    keys: KEYS,
    alone: Some("files"),
    wrong: None,
    steps: |settings, _| {
        let mut words: Vec<OsString> = vec!["up".into(), "-d".into()];
        if settings.bool("wait") != Some(false) {
            words.push("--wait".into());
            if let Some(time) = settings.duration("wait_timeout") {
                words.extend(["--wait-timeout".into(), time.as_millis().div_ceil(1000).to_string().into()]);
            }
        }
        if settings.bool("build") == Some(true) {
            words.push("--build".into());
        }
        words.extend(settings.text("pull").into_iter().flat_map(|when| ["--pull".into(), when.into()]));
        words.extend(settings.texts("services").iter().map(Into::into));
        vec![Step::new("up", compose(settings, words)), ps(settings)]
    },
    look: Some(|settings, _| vec![ps(settings)]),
    teardown: Some(|settings, _| {
        let mut words: Vec<OsString> = vec!["down".into()];
        if settings.bool("keep_volumes") != Some(true) {
            words.push("-v".into());
        }
        vec![Step::new("down", compose(settings, words))]
    }),
    outputs: no_outputs,
    known: None,
};

fn ps(settings: &Settings) -> Step {
    let program = compose(settings, ["ps", "--format", "json"].map(Into::into).into());
    let format = match settings.text("engine") {
        Some("podman" | "podman-compose") => Format::Podman,
        _ => Format::Docker,
    };
    Step::kept("ps", program.capture(Capture::Hidden), Keep::Inventory(format))
}

fn compose(settings: &Settings, words: Vec<OsString>) -> Program {
    let mut all: Vec<OsString> = match settings.text("engine").unwrap_or("docker") {
        engine @ ("docker" | "podman") => vec![engine.into(), "compose".into()],
        program => vec![program.into()],
    };
    for file in settings.paths("files") {
        all.extend(["-f".into(), file.into()]);
    }
    all.extend(settings.text("project").into_iter().flat_map(|name| ["-p".into(), name.into()]));
    for profile in settings.texts("profiles") {
        all.extend(["--profile".into(), profile.into()]);
    }
    for file in settings.paths("env_files") {
        all.extend(["--env-file".into(), file.into()]);
    }
    all.extend(words);
    Program::new(all)
}
