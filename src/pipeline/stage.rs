//! One stage: its templates rendered, tried as often as it may be, and what came of it.

use super::context::Context;
use super::engine::{self, Stop};
use super::file::{Body, Given, Pipeline};
use super::ground::Ground;
use super::watcher::{News, Watcher};
use super::{provision, render, report, validate, wait};
use crate::error::{Error, exit};
use crate::inventory::Inventory;
use crate::results::event::StageFinished;
use crate::results::mask::Masker;
use crate::results::{Outcome, Stamped};
use crate::value::Value;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The longest time between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// Where and with what a pipeline runs.
pub struct Site {
    pub given: Given,
    /// The folder of logs and inventories of this pipeline.
    pub folder: PathBuf,
    /// Whether teardowns are run.
    pub teardown: bool,
    /// The id of the run.
    pub run: Arc<str>,
    pub began: jiff::Timestamp,
    pub watcher: Arc<dyn Watcher>,
    secrets: Mutex<Secrets>,
}

/// What no output may show, as it becomes known.
struct Secrets {
    known: Vec<String>,
    masker: Arc<Masker>,
}

/// What came of a stage.
#[derive(Debug, Clone)]
pub struct Done {
    pub outcome: Outcome,
    /// Whether stages that need it may go on: it is done, and what it looked at is as it should be.
    pub good: bool,
    /// What it contributes to the exit code of the run.
    pub code: u8,
    pub reason: Option<String>,
    pub what: String,
    /// 0 where it was not begun.
    pub attempts: u32,
    pub started: jiff::Timestamp,
    pub seconds: f64,
    pub log: Option<PathBuf>,
    pub output: Option<String>,
    pub outputs: IndexMap<String, Value>,
    pub inventory: Option<Arc<Inventory>>,
    /// What a validation told.
    pub events: Option<Arc<Vec<Stamped>>>,
}

/// What one attempt came to.
#[derive(Debug, Default)]
pub struct Attempt {
    pub what: String,
    /// Why it could not be done, and the exit code that means.
    pub failure: Option<(String, u8)>,
    /// What it found is not as it should be; the exit code of that.
    pub verdict: u8,
    pub log: Option<PathBuf>,
    /// The end of its output.
    pub output: Option<String>,
    pub outputs: IndexMap<String, Value>,
    pub inventory: Option<Arc<Inventory>>,
    pub events: Option<Arc<Vec<Stamped>>>,
}

impl Site {
    pub fn new(given: Given, folder: PathBuf, teardown: bool, run: Arc<str>, watcher: Arc<dyn Watcher>) -> Site {
        let known = given.secrets.clone();
        let masker = Arc::new(Masker::new(known.clone()));
        let began = jiff::Timestamp::now();
        Site { given, folder, teardown, run, began, watcher, secrets: Mutex::new(Secrets { known, masker }) }
    }

    /// Hides every secret known so far.
    pub fn masker(&self) -> Arc<Masker> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).masker.clone()
    }

    /// The secrets known so far.
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).known.clone()
    }

    /// Hides these, too, from now on.
    pub fn keep_secret(&self, more: Vec<String>) {
        if more.is_empty() {
            return;
        }
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.known.extend(more);
        secrets.masker = Arc::new(Masker::new(secrets.known.clone()));
    }
}

impl Attempt {
    /// One that could not be done.
    pub fn failed(what: impl Into<String>, why: impl Into<String>, code: u8) -> Attempt {
        Attempt { what: what.into(), failure: Some((why.into(), code)), ..Attempt::default() }
    }

    /// One that could not be done for these reasons.
    pub fn wrong(what: impl Into<String>, errors: &[Error]) -> Attempt {
        let why: Vec<String> = errors.iter().map(Error::in_a_line).collect();
        let code = errors.first().map_or(exit::USAGE, |error| error.code);
        Attempt::failed(what, why.join("\n"), code)
    }

    fn is_good(&self) -> bool {
        self.failure.is_none() && matches!(self.verdict, exit::OK | exit::SKIPPED)
    }
}

/// Runs a stage to its end.
pub async fn run(
    pipeline: &Arc<Pipeline>,
    number: usize,
    site: &Arc<Site>,
    context: Context,
    earlier: Vec<report::Earlier>,
    mut stop: watch::Receiver<Stop>,
) -> Done {
    let began = Instant::now();
    let started = jiff::Timestamp::now();
    let outline = &pipeline.stages[number];
    let tell = |news: &News<'_>| site.watcher.news(pipeline, number, news);
    let mut attempts = 0;
    let last = match render::stage(pipeline, number, &context) {
        Err(errors) => {
            tell(&News::Began(outline.kind.name()));
            Attempt::wrong(outline.kind.name(), &errors)
        }
        Ok(stage) => {
            // A teardown goes on through the first Ctrl-C: that is what it is for.
            let limit = if matches!(stage.body, Body::Teardown(_)) { Stop::All } else { Stop::Stages };
            let mut delay = stage.retry_delay;
            loop {
                attempts += 1;
                let ground = Ground::new((pipeline, number), site, &stage, &context, (stop.clone(), limit), attempts);
                let attempt = act(&stage.body, &ground, &earlier).await;
                let usage = attempt.failure.as_ref().is_some_and(|(_, code)| *code == exit::USAGE);
                if attempt.is_good() || usage || attempts > stage.retries || *stop.borrow() >= limit {
                    break attempt;
                }
                let why = attempt.failure.as_ref().map_or("what it found is not as it should be", |(why, _)| why);
                let why = site.masker().mask_text(why).into_owned();
                tell(&News::Again { attempt: attempts + 1, seconds: delay.as_secs(), why: &why });
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = engine::reached(&mut stop, limit) => break attempt,
                }
                delay = (delay * 2).min(LONGEST_DELAY);
            }
        }
    };
    let interrupted = *stop.borrow() > Stop::No && last.failure.is_some();
    let good = last.is_good();
    let masker = site.masker();
    let (reason, code) = match last.failure {
        Some((why, code)) => {
            (Some(masker.mask_text(&why).into_owned()), if interrupted { exit::ERRORED } else { code })
        }
        None => (None, last.verdict),
    };
    Done {
        outcome: if reason.is_some() { Outcome::Errored } else { Outcome::Passed },
        good,
        code,
        what: masker.mask_text(&last.what).into_owned(),
        output: last.output.filter(|_| reason.is_some()),
        reason,
        attempts,
        started,
        seconds: began.elapsed().as_secs_f64(),
        log: last.log,
        outputs: last.outputs,
        inventory: last.inventory,
        events: last.events,
    }
}

/// One attempt.
async fn act(body: &Body, ground: &Ground, earlier: &[report::Earlier]) -> Attempt {
    match body {
        Body::Provision(provision) => provision::run(provision, ground).await,
        Body::Teardown(teardown) => provision::tear_down(teardown, ground).await,
        Body::Wait(wait) => wait::run(wait, ground).await,
        Body::Validate(validate) => validate::run(validate, ground).await,
        Body::Report(report) => report::run(report, ground, earlier).await,
    }
}

impl Done {
    /// A stage that was passed over.
    pub fn not_begun(pipeline: &Pipeline, number: usize, outcome: Outcome, reason: String) -> Done {
        Done {
            outcome,
            good: outcome == Outcome::NotApplicable,
            code: if outcome == Outcome::Errored { exit::ERRORED } else { exit::OK },
            reason: Some(reason),
            what: pipeline.stages[number].kind.name().to_string(),
            attempts: 0,
            started: jiff::Timestamp::now(),
            seconds: 0.0,
            log: None,
            output: None,
            outputs: IndexMap::new(),
            inventory: None,
            events: None,
        }
    }

    /// A stage in which Probity itself failed.
    pub fn broken(pipeline: &Pipeline, number: usize) -> Done {
        let why = "Probity itself failed in this stage; please report what it said".to_string();
        Done { attempts: 1, ..Done::not_begun(pipeline, number, Outcome::Errored, why) }
    }

    /// Whether a stage that needs it, and runs on success, may not begin.
    pub fn stops(&self) -> bool {
        !self.good
    }

    /// How it ended, after its name in a sentence.
    pub fn how(&self) -> &'static str {
        match (self.outcome, self.attempts) {
            (_, 0) => "was not begun",
            (Outcome::Errored, _) => "could not be done",
            _ if !self.good => "found what is not as it should be",
            _ => "is done",
        }
    }

    /// What reports are told.
    pub fn event(&self, pipeline: &Pipeline, number: usize) -> StageFinished {
        let outline = &pipeline.stages[number];
        StageFinished {
            pipeline: pipeline.name.clone(),
            stage: outline.name.clone(),
            kind: outline.kind.name().into(),
            outcome: self.outcome,
            reason: self.reason.as_deref().map(Into::into),
            what: self.what.clone(),
            attempts: self.attempts,
            started: crate::run::rfc3339(self.started),
            seconds: self.seconds,
            log: self.log.as_ref().map(|path| path.display().to_string()),
            output: self.output.clone(),
        }
    }
}
