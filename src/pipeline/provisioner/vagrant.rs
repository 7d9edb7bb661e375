//! Vagrant: machines on this one.
//!
//! <https://developer.hashicorp.com/vagrant/docs/cli/up>, `…/ssh_config`, `…/destroy`.

use super::run::Format;
use super::settings::Settings;
use super::step::{Keep, Step};
use super::table::{Kind, no_outputs};
use crate::pipeline::key::{Key, Shape, key};
use crate::pipeline::process::{Capture, EndWith, Program};
use std::ffi::OsString;
use std::time::Duration;

/// How long it may take to leave its machines in order once it is interrupted.
const GRACE: Duration = Duration::from_secs(60);

const KEYS: &[Key] = &[
    key("dir", Shape::Path, "The folder of the Vagrantfile."),
    key("machines", Shape::Texts, "The machines; by default all that are started by themselves."),
    key("provider", Shape::Text, "What runs the machines (`--provider`)."),
    key("provision", Shape::Bool, "Whether provisioners are run; by default only on a new machine."),
    key("parallel", Shape::Bool, "Whether machines are started at the same time, where the provider can."),
];

/// `vagrant: {dir: lab}`.
pub const KIND: Kind = Kind {
    key: "vagrant",
    doc: "Machines by Vagrant: up, how they are reached; destroy.",
    program: Some("vagrant"),
    keys: KEYS,
    alone: Some("dir"),
    wrong: None,
    steps: |settings, _| {
        let mut words: Vec<OsString> = vec!["up".into()];
        words.extend(settings.text("provider").into_iter().flat_map(|text| ["--provider".into(), text.into()]));
        words.extend(settings.bool("provision").map(|on| if on { "--provision" } else { "--no-provision" }.into()));
        words.extend(settings.bool("parallel").map(|on| if on { "--parallel" } else { "--no-parallel" }.into()));
        vec![Step::new("up", vagrant(settings, words)), ssh_config(settings)]
    },
    look: Some(|settings, _| vec![ssh_config(settings)]),
    teardown: Some(|settings, _| {
        vec![Step::new("destroy", vagrant(settings, vec!["destroy".into(), "--force".into()]))]
    }),
    outputs: no_outputs,
    known: None,
};

fn ssh_config(settings: &Settings) -> Step {
    let program = vagrant(settings, vec!["ssh-config".into()]).capture(Capture::Hidden);
    Step::kept("ssh-config", program, Keep::Inventory(Format::Vagrant))
}

fn vagrant(settings: &Settings, words: Vec<OsString>) -> Program {
    let mut all: Vec<OsString> = vec!["vagrant".into()];
    all.extend(words);
    all.extend(["--no-color".into(), "--no-tty".into()]);
    all.extend(settings.texts("machines").iter().map(Into::into));
    let program = Program::new(all)
        .end_with(EndWith::Interrupt, GRACE)
        // It would ask its maker whether there is a newer one.
        .env("VAGRANT_CHECKPOINT_DISABLE", "1");
    match settings.path("dir") {
        Some(dir) => program.dir(dir),
        None => program,
    }
}
