//! `probity pipeline watch`

use super::run::{home, listen};
use super::watching::Screen;
use crate::cli::{Errors, Global, Outcome};
use crate::error::Error;
use crate::pipeline::watch::{self, Settings, Status, endpoint};
use crate::pipeline::{Given, Lock, Pipeline, Site, Stop};
use crate::report::Spec;
use crate::value::Value;
use crate::value::duration::milliseconds;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Validates each node as it appears, and all of them now and then
///
/// Nothing is provisioned: the sources of nodes are read again at an interval, or on SIGHUP. A node
/// that is new, was booted again or replaced is validated once it is ready, as the stages that
/// validate say. What is known of every node is written anew after each change.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity pipeline watch pipeline.yml --listen 9464\n  \
    probity pipeline watch pipeline.yml --interval 5m --every 12h --reporter junit:out/junit.xml\n  \
    probity pipeline watch pipeline.yml --once\n\n\
    With --listen, http://127.0.0.1:PORT/healthz says whether the watch is well (200 or 503),\n\
    /metrics has the verdicts for Prometheus.")]
pub struct WatchArgs {
    /// The pipeline file
    #[arg(value_name = "FILE", default_value = "pipeline.yml")]
    file: PathBuf,
    /// A variable, or where it is: NAME=@FILE, NAME=env:VAR
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,
    /// Time between two readings of the sources of nodes
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    interval: Duration,
    /// Time between two validations of a node that stays the same
    #[arg(long, value_name = "TIME", default_value = "6h", value_parser = duration)]
    every: Duration,
    /// Serve /healthz and /metrics at PORT on loopback, or ADDRESS:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = endpoint::address)]
    listen: Option<SocketAddr>,
    /// End after one round, with its verdict
    #[arg(long)]
    once: bool,
    /// NAME:PATH, several at once (default junit, run-json, and run-json a node)
    ///
    /// The default is .probity/NAME/watch/junit.xml, run.json and nodes/{node}.json beside the file.
    #[arg(long, value_name = "REPORTER", num_args = 1.., help_heading = "Output")]
    reporter: Vec<String>,
}

fn duration(text: &str) -> Result<Duration, String> {
    match milliseconds(&Value::from(text)) {
        Some(time @ 1..) => Ok(Duration::from_millis(time)),
        _ => Err("write a number with a unit, such as 30s, 5m or 12h".to_string()),
    }
}

pub fn run(args: &WatchArgs, global: &Global) -> Outcome {
    let pipeline = Arc::new(Pipeline::read(&args.file)?);
    let given = Given::read(&pipeline.variables, &args.var, &|name| std::env::var_os(name))?;
    let home = home(&pipeline)?;
    // Beside what a run leaves, which it must not write over.
    let folder = home.join("watch");
    std::fs::create_dir_all(folder.join("logs"))
        .map_err(|error| Error::usage(format!("the folder of logs cannot be made: {error}")).in_file(&folder))?;
    let reports = reports(args, &folder)?;
    crate::pipeline::try_inputs(&pipeline)?;
    crate::pipeline::try_reports(&reports)?;
    let lock = Lock::take(&folder.join("lock"))?;
    let settings = Settings { interval: args.interval, every: args.every, reports, once: args.once };
    let screen = Arc::new(Screen::new(&pipeline, global));
    let site = Arc::new(Site::new(given, folder, false, crate::run::run_id().into(), screen));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::usage(format!("the system gives no event loop: {error}")))?;
    let code = runtime.block_on(async {
        let status = Arc::new(Status::default());
        if let Some(address) = args.listen {
            let endpoint = endpoint::Endpoint::bind(address).await?;
            if let Some(address) = endpoint.address().filter(|_| !global.quiet) {
                let _ = writeln!(std::io::stderr(), "listening at http://{address}");
            }
            tokio::spawn(endpoint.serve(status.clone(), args.interval));
        }
        let (sender, receiver) = tokio::sync::watch::channel(Stop::No);
        tokio::spawn(listen(sender));
        let (hangup, hangups) = mpsc::channel(1);
        tokio::spawn(hear_hangups(hangup));
        watch::run(pipeline, site, &settings, receiver, hangups, status).await
    })?;
    drop(lock);
    Ok(code)
}

/// SIGHUP: the sources are read at once.
async fn hear_hangups(hangup: mpsc::Sender<()>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut signal) = signal(SignalKind::hangup()) else { return };
    while signal.recv().await.is_some() {
        // One that is not heard yet is enough.
        let _ = hangup.try_send(());
    }
}

fn reports(args: &WatchArgs, folder: &std::path::Path) -> Result<Vec<Spec>, Errors> {
    let default = |name: &str| folder.join(name).display().to_string();
    let texts = match args.reporter.is_empty() {
        false => args.reporter.clone(),
        true => vec![
            format!("junit:{}", default("junit.xml")),
            format!("run-json:{}", default("run.json")),
            format!("run-json:{}", default("nodes/{node}.json")),
        ],
    };
    let read: Result<Vec<Spec>, Error> = texts.iter().map(|text| text.parse()).collect();
    Ok(read?)
}
