//! One page of HTML that holds the whole run: no request leaves it, so that it opens from
//! a disk in a room without a network.
//!
//! What stands in it is written twice: the verdict and what is bad as markup, which needs no
//! script; and the run as JSON, from which the script makes the rest. The script sets texts,
//! never markup, and the page's own policy lets no other script run.

mod markup;
mod plain;
mod run;
mod shape;
mod stages;
#[cfg(test)]
mod tests;
mod texts;
mod verdict;

use super::Reporter;
use super::findings::Findings;
use super::summary::duration;
use crate::results::{RunEvent, Stamped};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use markup::{Markup, escaped_json, mark};
use run::Run;
use sha2::{Digest, Sha256};
use stages::Stages;
use std::io::{self, Write};
use verdict::Verdict;

/// The page, with `{{name}}` where something goes in.
const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
/// The script's parts, which share one scope.
const SCRIPT: &str = concat!(
    include_str!("page/run.js"),
    include_str!("page/elements.js"),
    include_str!("page/filter.js"),
    include_str!("page/map.js"),
    include_str!("page/tiles.js"),
    include_str!("page/paper.js"),
    include_str!("page/controls.js"),
    include_str!("page/nodes.js"),
    include_str!("page/start.js"),
);

/// Folds a run into one page.
#[derive(Default)]
pub struct Html {
    findings: Findings,
    stages: Stages,
    run: Run,
    /// How many nodes the run was to report.
    planned: usize,
}

impl Reporter for Html {
    fn event(&mut self, event: &Stamped, _: &mut dyn Write) -> io::Result<()> {
        match &event.event {
            RunEvent::RunStarted(started) => self.planned = started.nodes,
            RunEvent::StageFinished(stage) => self.stages.add(stage),
            _ => {}
        }
        self.findings.event(event);
        self.run.event(event);
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.run.close();
        let verdict = Verdict::of(&self.findings, &self.stages, self.run.expired(), self.planned);
        let mut parts = PAGE.split("{{");
        out.write_all(parts.next().unwrap_or_default().as_bytes())?;
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
            self.part(name, &verdict, out)?;
            out.write_all(rest.as_bytes())?;
        }
        Ok(())
    }
}

impl Html {
    /// Writes what goes into a place of the page.
    fn part(&self, name: &str, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
        let mut markup = Markup::default();
        match name {
            "policy" => {
                markup.raw(&policy());
            }
            "title" => {
                let nodes = verdict::count(self.findings.nodes.len(), "node", "nodes");
                markup.text(&format!("{}: {} · Probity", verdict.headline, nodes));
            }
            "verdict" => self.verdict(verdict, &mut markup),
            "stages" => self.stages.write(&mut markup),
            "plain" => plain::write(&self.findings, &mut markup),
            "style" => {
                markup.raw(STYLE);
            }
            "script" => {
                markup.raw(SCRIPT);
            }
            "run" => {
                markup.raw(&escaped_json(&serde_json::to_string(&self.run)?));
            }
            unknown => return Err(io::Error::other(format!("the page has no place {unknown:?}"))),
        }
        out.write_all(markup.into_string().as_bytes())
    }

    fn verdict(&self, verdict: &Verdict, out: &mut Markup) {
        let (class, sign) = match verdict.outcome {
            Some(outcome) => (outcome.name(), mark(outcome)),
            None => ("nothing", "?"),
        };
        out.raw(&format!("<header class=\"verdict {class}\">\n<p class=\"product\">Probity report</p>\n"));
        out.raw(&format!("<h1><span class=\"sign\" aria-hidden=\"true\">{sign}</span> "))
            .text(&verdict.headline)
            .raw("</h1>\n");
        out.raw("<ul class=\"said\">\n");
        for (outcome, text) in &verdict.said {
            out.raw(&format!(
                "<li class=\"{}\"><span class=\"mark\" aria-hidden=\"true\">{}</span> ",
                outcome.name(),
                mark(*outcome)
            ));
            out.text(text).raw("</li>\n");
        }
        out.raw("</ul>\n");
        if let Some(sum) = &verdict.sum {
            out.raw("<p class=\"sum\">").text(sum).raw("</p>\n");
        }
        out.raw("<p class=\"facts\">");
        let started = self.run.started();
        if !started.is_empty() {
            // `2026-11-20T10:00:00.000Z`, of which people read the minutes and seconds.
            let shown = started.get(..19).unwrap_or(started).replacen('T', " ", 1);
            out.raw("Began <time datetime=\"").text(started).raw("\">").text(&shown).raw(" UTC</time>");
        }
        if let Some(finished) = &self.findings.finished {
            out.raw(", took ").text(&duration(finished.seconds));
        }
        for (at, [name, version, _]) in self.findings.profiles.keys().enumerate() {
            out.raw(if at == 0 { ". Profiles: " } else { ", " }).text(name).raw(" ").text(version);
        }
        let (probity, run) = self.run.made_by();
        if !run.is_empty() {
            out.raw(". Probity ").text(probity).raw(", run <code>").text(run).raw("</code>");
        }
        out.raw(".</p>\n</header>\n");
    }
}

/// What the page may do: run this script, use this style sheet, and nothing else.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}
