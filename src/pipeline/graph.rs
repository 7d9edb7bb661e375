//! The graph of a pipeline: which stage needs which, and drawings of it.

use super::file::{Kind, Outline, Pipeline, When};
use crate::error::{Error, did_you_mean};
use crate::yaml::{Data, Document, Field, Located};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Finds the stages that stages need by their names, and gives those that name none what their
/// kind needs by default. `sections` are the stages' sections of the file.
pub fn resolve(document: &Document, stages: &mut [Outline], sections: &[Located]) -> Vec<Error> {
    let names: Vec<String> = stages.iter().map(|stage| stage.name.to_string()).collect();
    let mut errors = Vec::new();
    for number in 0..stages.len() {
        let Some(map) = sections[number].as_map() else { continue };
        let mut find = |field: &Field, item: &Located, what: &str| {
            let Some(text) = item.text() else {
                errors.push(document.error(&item.place, format!("{what} is a name of a stage or a list of them")));
                return None;
            };
            let found = names.iter().position(|name| name == text);
            if found.is_none() {
                let error = document.error(&item.place, format!("{what} names no stage: there is no {text}"));
                errors.push(error.hint(did_you_mean(text, names.iter().map(String::as_str))));
            } else if found == Some(number) {
                errors.push(document.error(&field.value.place, format!("the stage {text} needs itself")));
                return None;
            }
            found
        };
        let needs = map.get("needs").filter(|field| !field.value.is_null()).map(|field| {
            let items: Vec<&Located> = match &field.value.value {
                Data::List(items) => items.iter().collect(),
                _ => vec![&field.value],
            };
            let found: Vec<usize> = items.into_iter().filter_map(|item| find(field, item, "needs")).collect();
            found
        });
        let of = map.get("of").filter(|_| stages[number].kind == Kind::Teardown);
        let of = of.and_then(|field| find(field, &field.value, "of"));
        if let Some(undone) = of
            && stages[undone].kind != Kind::Provision
            && let Some(field) = map.get("of")
        {
            let (name, kind) = (&stages[undone].name, stages[undone].kind.name());
            let message = format!("{name} is of kind {kind}: only a provision can be torn down");
            errors.push(document.error(&field.value.place, message));
        }
        let mut needs = needs.unwrap_or_else(|| by_default(number, stages));
        // What is torn down has to be over, whatever else is said.
        needs.extend(of.filter(|of| !needs.contains(of)));
        let mut seen = BTreeSet::new();
        needs.retain(|need| seen.insert(*need));
        (stages[number].needs, stages[number].of) = (needs, of);
    }
    errors
}

/// A report is of everything that works on nodes, a teardown comes last.
fn by_default(number: usize, stages: &[Outline]) -> Vec<usize> {
    let wanted: &dyn Fn(Kind) -> bool = match stages[number].kind {
        Kind::Report => &|kind| !matches!(kind, Kind::Report | Kind::Teardown),
        Kind::Teardown => &|kind| kind != Kind::Teardown && kind != Kind::Report,
        _ => &|_| false,
    };
    (0..stages.len()).filter(|other| *other != number && wanted(stages[*other].kind)).collect()
}

/// The stages by what they need.
#[derive(Debug, Clone)]
pub struct Graph {
    needs: Vec<Vec<usize>>,
    /// One order in which they may run; those of a cycle are left out.
    order: Vec<usize>,
}

impl Graph {
    pub fn new(pipeline: &Pipeline) -> Graph {
        let needs: Vec<Vec<usize>> = pipeline.stages.iter().map(|stage| stage.needs.clone()).collect();
        let mut order: Vec<usize> = Vec::with_capacity(needs.len());
        loop {
            let free =
                |number: &usize| !order.contains(number) && needs[*number].iter().all(|need| order.contains(need));
            let Some(next) = (0..needs.len()).find(free) else { break };
            order.push(next);
        }
        Graph { needs, order }
    }

    /// One order in which the stages may run.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Every stage a stage needs, directly or not.
    pub fn all_needs(&self, number: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = self.needs[number].clone();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(&self.needs[next]);
            }
        }
        found
    }

    /// Cycles, and stages that can never run.
    pub fn faults(&self, pipeline: &Pipeline) -> Vec<Error> {
        let stages = &pipeline.stages;
        let stuck: Vec<usize> = (0..stages.len()).filter(|number| !self.order.contains(number)).collect();
        if let Some(cycle) = self.cycle(&stuck) {
            let names: Vec<&str> = cycle.iter().chain(&cycle[..1]).map(|number| &*stages[*number].name).collect();
            let message = format!("the stages need each other in a circle: {}", names.join(" needs "));
            return vec![pipeline.error(&stages[cycle[0]].place, message).hint("take one of these needs away")];
        }
        let mut never = vec![false; stages.len()];
        let mut errors = Vec::new();
        for number in &self.order {
            let stage = &stages[*number];
            if stage.when == When::Never {
                never[*number] = true;
            } else if let Some(need) = stage.needs.iter().find(|need| never[**need])
                && stage.when == When::OnSuccess
            {
                never[*number] = true;
                let message =
                    format!("the stage {} can never run: it needs {}, which does not", stage.name, stages[*need].name);
                errors
                    .push(pipeline.error(&stage.place, message).hint("set its own when: never, or need another stage"));
            } else if stage.when == When::OnFailure && stage.needs.is_empty() {
                let message =
                    format!("the stage {} can never run: when: on_failure needs a stage that may fail", stage.name);
                errors.push(pipeline.error(&stage.place, message).hint("add needs: [STAGE]"));
            }
        }
        errors
    }

    /// One circle among the stages that are in or behind one.
    fn cycle(&self, stuck: &[usize]) -> Option<Vec<usize>> {
        let mut path = vec![*stuck.first()?];
        loop {
            let last = path[path.len() - 1];
            let next = *self.needs[last].iter().find(|need| stuck.contains(need))?;
            if let Some(at) = path.iter().position(|number| *number == next) {
                return Some(path.split_off(at));
            }
            path.push(next);
        }
    }

    /// How many stages stand before it in its longest chain.
    fn depth(&self, number: usize, depths: &[usize]) -> usize {
        self.needs[number].iter().map(|need| depths[*need] + 1).max().unwrap_or(0)
    }

    /// The stages line by line, in steps that may run at the same time.
    pub fn text(&self, pipeline: &Pipeline) -> String {
        let stages = &pipeline.stages;
        let mut depths = vec![0; stages.len()];
        for number in &self.order {
            depths[*number] = self.depth(*number, &depths);
        }
        let mut text = format!("pipeline {}\n", pipeline.name);
        let width = stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0);
        let mut step = None;
        let mut order = self.order.clone();
        order.sort_by_key(|number| (depths[*number], *number));
        for number in order {
            let stage = &stages[number];
            let head = match step.replace(depths[number]) == Some(depths[number]) {
                true => "   ".to_string(),
                false => format!("{:>2}.", depths[number] + 1),
            };
            let _ = write!(text, "{head} {:<width$}  {:<9}", stage.name, stage.kind.name());
            if !stage.needs.is_empty() {
                let needs: Vec<&str> = stage.needs.iter().map(|need| &*stages[*need].name).collect();
                let _ = write!(text, "  needs {}", needs.join(", "));
            }
            if stage.when != When::OnSuccess {
                let _ = write!(text, "  ({})", stage.when.name());
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    /// The stages as a Mermaid flowchart.
    pub fn mermaid(&self, pipeline: &Pipeline) -> String {
        let mut text = String::from("flowchart LR\n");
        for (number, stage) in pipeline.stages.iter().enumerate() {
            // Quotes and angle brackets would end the label; Mermaid takes HTML's entities.
            let label =
                stage.name.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
            let (open, close) = match stage.kind {
                Kind::Provision => ("[", "]"),
                Kind::Wait => ("([", "])"),
                Kind::Validate => ("{{", "}}"),
                Kind::Report => (">", "]"),
                Kind::Teardown => ("[/", "/]"),
            };
            let _ = writeln!(text, "  s{number}{open}\"{label}<br/>{}\"{close}", stage.kind.name());
        }
        for (number, stage) in pipeline.stages.iter().enumerate() {
            for need in &stage.needs {
                let _ = match stage.when {
                    When::OnSuccess => writeln!(text, "  s{need} --> s{number}"),
                    when => writeln!(text, "  s{need} -. {} .-> s{number}", when.name()),
                };
            }
        }
        text
    }
}
