//! What a stage stands on while it is tried: where it runs, until when, and who hears of it.

use super::context::Context;
use super::engine::{self, Stop};
use super::file::{NodeChoice, Pipeline, Stage};
use super::process;
use super::provisioner::SceneNode;
use super::stage::Site;
use super::watcher::News;
use crate::error::{Error, exit};
use crate::inventory::{Reading, Source};
use crate::plan::nodes::{self, NodePlan, Nodes, Wanted};
use indexmap::IndexMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One attempt of a stage and its surroundings.
#[derive(Clone)]
pub struct Ground {
    pub pipeline: Arc<Pipeline>,
    pub number: usize,
    pub site: Arc<Site>,
    /// What the stages it needs gave.
    pub context: Context,
    pub env: IndexMap<String, String>,
    pub dir: PathBuf,
    pub until: Instant,
    pub timeout: Duration,
    pub stop: watch::Receiver<Stop>,
    /// How far the user has to go to end it.
    pub limit: Stop,
    /// Counts from 1.
    pub attempt: u32,
}

impl Ground {
    /// The ground of an attempt that begins now and may take as long as the stage says. The user
    /// ends it by going as far as `limit`.
    pub fn new(
        (pipeline, number): (&Arc<Pipeline>, usize),
        site: &Arc<Site>,
        stage: &Stage,
        context: &Context,
        (stop, limit): (watch::Receiver<Stop>, Stop),
        attempt: u32,
    ) -> Ground {
        Ground {
            pipeline: pipeline.clone(),
            number,
            site: site.clone(),
            context: context.clone(),
            env: stage.env.clone(),
            dir: stage.dir.clone(),
            until: Instant::now() + stage.timeout,
            timeout: stage.timeout,
            stop,
            limit,
            attempt,
        }
    }

    /// Tells whoever watches.
    pub fn tell(&self, news: &News<'_>) {
        self.site.watcher.news(&self.pipeline, self.number, news);
    }

    /// The name of the stage.
    pub fn name(&self) -> &str {
        &self.pipeline.stages[self.number].name
    }

    /// An environment variable as the stage has it.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        self.env.get(name).map(OsString::from).or_else(|| std::env::var_os(name))
    }

    /// Why it had to end before it was done, if that is so.
    pub fn cut_short(&self) -> Option<String> {
        if *self.stop.borrow() >= self.limit {
            return Some("interrupted".to_string());
        }
        (Instant::now() >= self.until).then(|| format!("took longer than {}", words(self.timeout)))
    }

    /// Waits for work on a thread of its own, and has it end when the time is up or the user says so.
    ///
    /// # Errors
    /// It panicked: a fault of Probity's own.
    pub async fn watch_over<T>(&self, mut work: JoinHandle<T>, end: impl Fn()) -> Result<T, String> {
        let mut stop = self.stop.clone();
        let joined = tokio::select! {
            joined = &mut work => joined,
            () = tokio::time::sleep_until(self.until.into()) => {
                end();
                work.await
            }
            () = engine::reached(&mut stop, self.limit) => {
                end();
                work.await
            }
        };
        joined.map_err(|_| "Probity itself failed in this stage; please report what it said".to_string())
    }

    /// When programs of the stage are to end, as [`process::run`] wants it. It has to be kept
    /// alive while they run.
    pub fn ending(&self) -> (watch::Receiver<process::Stop>, JoinHandle<()>) {
        let (sender, receiver) = watch::channel(process::Stop::GoOn);
        let (mut stop, limit) = (self.stop.clone(), self.limit);
        let forward = tokio::spawn(async move {
            engine::reached(&mut stop, limit).await;
            let _ = sender.send(process::Stop::End);
            // Held open: a channel that is closed says nothing more.
            std::future::pending::<()>().await;
        });
        (receiver, forward)
    }

    /// The nodes of a stage, with what is needed to reach them; their secrets are kept.
    ///
    /// # Errors
    /// Everything that is wrong with them, and that there are none.
    pub async fn nodes(&self, choice: &NodeChoice) -> Result<Nodes, Vec<Error>> {
        let nodes = self.read(choice.clone(), self.inventories(choice)?).await?;
        for note in &nodes.notes {
            self.tell(&News::Progress(note));
        }
        Ok(nodes)
    }

    /// The nodes a provisioner works on: those of the provisions it needs, or of those named.
    ///
    /// # Errors
    /// One that is named is no stage it needs; everything that is wrong with the nodes.
    pub async fn scene_nodes(&self, inputs: &[String]) -> Result<Vec<SceneNode>, Vec<Error>> {
        let place = &self.pipeline.stages[self.number].place;
        let mut left = Vec::new();
        for name in inputs {
            let Some(gave) = self.context.stages.get(name.as_str()) else {
                let error = self.pipeline.error(place, format!("inputs names {name}, which is no stage it needs"));
                return Err(vec![error.hint(format!("add needs: [{name}]"))]);
            };
            left.extend(gave.inventory.clone());
        }
        if inputs.is_empty() {
            left.extend(self.context.stages.values().filter_map(|gave| gave.inventory.clone()));
        }
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let nodes = self.read(NodeChoice::default(), left.into_iter().map(Source::of_inventory).collect()).await?;
        let scene = |node: NodePlan| SceneNode {
            name: node.name,
            target: node.target,
            options: node.options,
            groups: node.groups,
        };
        Ok(nodes.nodes.into_iter().map(scene).collect())
    }

    /// Reads nodes beside the event loop; their secrets are kept.
    async fn read(&self, choice: NodeChoice, inventories: Vec<Source>) -> Result<Nodes, Vec<Error>> {
        let stop = Arc::new(AtomicBool::new(false));
        let (of_work, ground) = (stop.clone(), self.clone());
        let work = tokio::task::spawn_blocking(move || ground.read_nodes(&choice, &inventories, &of_work));
        let read = self.watch_over(work, || stop.store(true, Ordering::SeqCst)).await;
        let failed = |why: String| vec![Error { code: exit::ERRORED, ..Error::usage(why) }];
        let mut nodes = read.unwrap_or_else(|why| Err(failed(why)))?;
        self.site.keep_secret(std::mem::take(&mut nodes.secrets));
        // What another stage gave is no less a secret where it comes back as a value or as an answer.
        nodes.secrets = self.site.secrets();
        Ok(nodes)
    }

    fn read_nodes(&self, choice: &NodeChoice, inventories: &[Source], stop: &AtomicBool) -> Result<Nodes, Vec<Error>> {
        let environment = self.environment();
        let reading = self.reading(&environment, stop);
        let wanted = Wanted {
            targets: &choice.targets,
            inventories,
            reading,
            nodes: &choice.nodes,
            connection: &choice.connection,
            prompt: None,
        };
        nodes::read(&wanted, &|name| self.variable(name))
    }

    /// How inventories are read: from the stage's folder, with its environment, until its time is up.
    pub fn reading<'a>(&'a self, environment: &'a [(OsString, OsString)], stop: &'a AtomicBool) -> Reading<'a> {
        let time_limit = self.until.saturating_duration_since(Instant::now());
        Reading { folder: &self.dir, environment, stop, time_limit }
    }

    /// What the stage adds to the environment of programs.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        self.env.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Where the nodes of a stage are read from: what it names, else what the provisions it needs left.
    fn inventories(&self, choice: &NodeChoice) -> Result<Vec<Source>, Vec<Error>> {
        if let Some(source) = &choice.inventory {
            return Ok(vec![source.clone()]);
        }
        if !choice.targets.is_empty() {
            return Ok(Vec::new());
        }
        let left = self.context.stages.values().filter_map(|gave| gave.inventory.clone());
        let left: Vec<Source> = left.map(Source::of_inventory).collect();
        if left.is_empty() {
            let outline = &self.pipeline.stages[self.number];
            let error =
                Error::usage("there are no nodes: no stage it needs left an inventory").at(outline.place.clone());
            return Err(vec![error.hint("add inventory: or targets:, or inventory: to the provision")]);
        }
        Ok(left)
    }
}

/// A length of time in words, such as `30s` or `5m`.
pub fn words(time: Duration) -> String {
    match time.as_millis() {
        0 => "0s".to_string(),
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}
