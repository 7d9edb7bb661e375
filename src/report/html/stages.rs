//! The stages of a pipeline, as the top of the page shows them.

use super::markup::{Markup, badge};
use crate::report::summary::duration;
use crate::report::text;
use crate::results::{Outcome, StageFinished};

/// Characters of a stage's output that are shown, its end.
const OUTPUT: usize = 8000;

/// The stages that were heard of, in the order they came to an end.
#[derive(Default)]
pub struct Stages(Vec<StageFinished>);

impl Stages {
    /// Takes one in.
    pub fn add(&mut self, stage: &StageFinished) {
        let mut stage = stage.clone();
        stage.output = stage.output.map(|output| end(&output, OUTPUT).to_string());
        self.0.push(stage);
    }

    /// Those that could not be done.
    pub fn errored(&self) -> impl Iterator<Item = &StageFinished> {
        self.0.iter().filter(|stage| matches!(stage.outcome, Outcome::Errored | Outcome::Failed))
    }

    /// A short table; nothing where there are none.
    pub fn write(&self, out: &mut Markup) {
        if self.0.is_empty() {
            return;
        }
        out.raw("<section class=\"stages\" aria-labelledby=\"stages-title\"><h2 id=\"stages-title\">Stages of the pipeline</h2>\n");
        out.raw("<table border=\"1\" cellpadding=\"4\"><thead><tr><th scope=\"col\">Stage<th scope=\"col\">Kind<th scope=\"col\">Came to<th scope=\"col\">What was done<th scope=\"col\" class=\"number\">Attempts<th scope=\"col\" class=\"number\">Took</tr></thead><tbody>\n");
        for stage in &self.0 {
            out.raw("<tr><th scope=\"row\">");
            if self.0.iter().any(|other| other.pipeline != stage.pipeline) {
                out.text(&stage.pipeline).raw(" / ");
            }
            out.text(&stage.stage).raw("<td>").text(&stage.kind).raw("<td>");
            badge(stage.outcome, out);
            out.raw("<td><code>").text(text::bounded(&stage.what, 600).as_ref()).raw("</code>");
            if let Some(reason) = &stage.reason {
                out.raw("<p class=\"why\">").text(text::bounded(reason, 2000).as_ref()).raw("</p>");
            }
            if let Some(log) = &stage.log {
                out.raw("<p class=\"log\">Log: <code>").text(log).raw("</code></p>");
            }
            if let Some(output) = &stage.output {
                out.raw("<details open><summary>End of its output</summary><pre>").text(output).raw("</pre></details>");
            }
            out.raw("<td class=\"number\">");
            match stage.attempts {
                0 => out.raw("not begun"),
                attempts => out.text(&attempts.to_string()),
            };
            out.raw("<td class=\"number\">").text(&duration(stage.seconds)).raw("</tr>\n");
        }
        out.raw("</tbody></table></section>\n");
    }
}

/// The last `limit` characters.
fn end(text: &str, limit: usize) -> &str {
    match text.char_indices().rev().nth(limit.saturating_sub(1)) {
        Some((at, _)) => &text[at..],
        None => text,
    }
}
