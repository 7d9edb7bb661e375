//! From machines that another program knows to nodes, by rules.

mod address;

use super::groups::{Draft, DraftNode};
use super::rules::{Facts, GroupRule, Rule, Rules, Template};
use super::{ALL, refuse_name};
use crate::error::{Error, Place};
use crate::target::Target;
use crate::yaml::Located;
use std::collections::{HashMap, HashSet};

/// A machine as another program describes it.
pub struct Machine {
    /// What messages call it, such as `aws_instance.web[0]`.
    pub title: String,
    /// The type that rules name.
    pub kind: String,
    /// What is known of it.
    pub facts: Located,
    pub defaults: Defaults,
    /// Its name where the others are taken by several machines.
    pub own_name: String,
    /// Where it is, if not at one of its addresses.
    pub target: Option<Target>,
}

/// What holds of a kind of machine where no rule says otherwise.
#[derive(Clone, Copy, Default)]
pub struct Defaults {
    /// Templates of its name, the first that gives one.
    pub names: &'static [&'static str],
    /// Paths to its addresses inside of a network.
    pub private: &'static [&'static str],
    /// Paths to those outside.
    pub public: &'static [&'static str],
    /// Templates of its groups.
    pub groups: &'static [&'static str],
    /// The path to who logs in.
    pub user: Option<&'static str>,
}

/// Makes nodes of machines. What is wrong is among the draft's errors.
pub fn nodes(machines: &[Machine], rules: &Rules, place: &Place, draft: &mut Draft) {
    let mut taken = Vec::new();
    for machine in machines {
        let facts = Facts { root: &machine.facts, owner: &machine.title };
        match rule_of(machine, &facts, rules) {
            Ok(Some(rule)) => taken.push((machine, facts, rule)),
            Ok(None) => {}
            Err(error) => draft.errors.push(error.at(place.clone())),
        }
    }
    let names = names(&taken, rules, place, draft);
    let mut first: HashMap<&str, &Machine> = HashMap::new();
    for ((machine, facts, rule), name) in taken.iter().zip(&names) {
        let Some(name) = name else { continue };
        if let Some(other) = first.insert(name, machine) {
            let message = format!("two nodes are called {name}: {} and {}", other.title, machine.title);
            draft
                .errors
                .push(Error::usage(message).at(place.clone()).hint("a rule name: gives them names of their own"));
            continue;
        }
        match node(machine, facts, rule, rules, name, place, draft) {
            Ok(node) => drop(draft.nodes.insert(name.as_str().into(), node)),
            Err(error) => draft.errors.push(error.at(place.clone())),
        }
    }
    let both: Vec<String> =
        draft.groups.keys().filter(|name| draft.nodes.contains_key(*name)).map(|name| name.to_string()).collect();
    for name in both {
        let error = Error::usage(format!("{name} is the name of a node and of a group")).at(place.clone());
        draft.errors.push(error.hint("--nodes takes both by their names: a rule groups: gives the groups other ones"));
    }
}

/// The rule for the type of a machine, unless it is left out.
fn rule_of<'a>(machine: &Machine, facts: &Facts<'_>, rules: &'a Rules) -> Result<Option<&'a Rule>, Error> {
    static NONE: std::sync::OnceLock<Rule> = std::sync::OnceLock::new();
    if let Some(condition) = &rules.all.condition
        && !condition.holds(facts)?
    {
        return Ok(None);
    }
    let mut named = false;
    for (kind, rule) in &rules.resources {
        if *kind != machine.kind {
            continue;
        }
        named = true;
        if rule.condition.as_ref().map_or(Ok(true), |condition| condition.holds(facts))? {
            return Ok(Some(rule).filter(|rule| !rule.skip));
        }
    }
    // One whose type has rules, of which none holds, is not meant.
    Ok((!named).then(|| NONE.get_or_init(Rule::default)))
}

type Taken<'a, 'b> = (&'a Machine, Facts<'a>, &'b Rule);

/// The name of each machine. One that several would have is given up for all of them: each gets
/// its own.
fn names(taken: &[Taken<'_, '_>], rules: &Rules, place: &Place, draft: &mut Draft) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = Vec::new();
    let mut ruled = Vec::new();
    for (machine, facts, rule) in taken {
        let template = rule.name.as_ref().or(rules.all.name.as_ref());
        let name = match template {
            Some(template) => single(template, facts, "name"),
            None => default_name(machine, facts),
        };
        ruled.push(template.is_some());
        match name {
            Ok(name) => names.push(Some(name)),
            Err(error) => {
                draft.errors.push(error.at(place.clone()));
                names.push(None);
            }
        }
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    names.iter().flatten().for_each(|name| *times.entry(name.clone()).or_default() += 1);
    for (((machine, ..), name), ruled) in taken.iter().zip(&mut names).zip(ruled) {
        let Some(name) = name else { continue };
        // Names that a rule gives are meant so; two of them are told.
        if !ruled && times.get(name).is_some_and(|times| *times > 1) {
            name.clone_from(&machine.own_name);
        }
        let plain = plain_name(name);
        if plain != *name {
            draft.notes.push(format!("{name:?} is called {plain}: {} has a name that is none here", machine.title));
            *name = plain;
        }
    }
    for ((machine, ..), name) in taken.iter().zip(&mut names) {
        if let Some(Err(why)) = name.as_deref().map(refuse_name) {
            let error = Error::usage(format!("the name of {} {why}", machine.title)).at(place.clone());
            draft.errors.push(error.hint("a rule name: gives it another"));
            *name = None;
        }
    }
    names
}

fn default_name(machine: &Machine, facts: &Facts<'_>) -> Result<String, Error> {
    for text in machine.defaults.names {
        let found = facts.texts(text)?.into_iter().find(|name| !name.trim().is_empty());
        if let Some(name) = found {
            return Ok(name);
        }
    }
    Ok(machine.own_name.clone())
}

/// The one text a template gives.
fn single(template: &Template, facts: &Facts<'_>, what: &str) -> Result<String, Error> {
    let mut texts = template.texts(facts)?;
    match (texts.len(), texts.pop()) {
        (1, Some(text)) => Ok(text),
        (0, _) => Err(Error::usage(format!("the rule {what} gives nothing for {}", facts.owner))
            .hint("a path in it leads nowhere, or to an empty text")),
        (more, _) => Err(Error::usage(format!("the rule {what} gives {more} texts for {}, not one", facts.owner))),
    }
}

fn node(
    machine: &Machine,
    facts: &Facts<'_>,
    rule: &Rule,
    rules: &Rules,
    name: &str,
    place: &Place,
    draft: &mut Draft,
) -> Result<DraftNode, Error> {
    let mut node = DraftNode { connection: rules.connection.clone(), ..DraftNode::new(name, place.clone()) };
    node.target = match &machine.target {
        Some(target) => target.clone(),
        None => {
            let host = address::of(machine, facts, rule.address.as_ref().or(rules.all.address.as_ref()))?;
            let user = match (rule.user.as_ref().or(rules.all.user.as_ref()), machine.defaults.user) {
                (Some(template), _) => Some(single(template, facts, "user")?),
                (None, Some(path)) => facts.texts(path)?.into_iter().find(|user| !user.is_empty()),
                (None, None) => None,
            };
            if user.is_some() {
                node.connection.user = None;
            }
            let uri = match (&user, host.contains(':')) {
                (Some(user), true) => format!("ssh://{user}@[{host}]"),
                (Some(user), false) => format!("ssh://{user}@{host}"),
                (None, true) => format!("ssh://[{host}]"),
                (None, false) => format!("ssh://{host}"),
            };
            uri.parse::<Target>()
                .map_err(|error| Error::usage(format!("{} gives no target: {}", machine.title, error.message)))?
        }
    };
    let mut groups: Vec<String> = Vec::new();
    match rule.groups.as_ref().or(rules.all.groups.as_ref()) {
        Some(listed) => {
            for GroupRule { name, condition } in listed {
                if condition.as_ref().map_or(Ok(true), |condition| condition.holds(facts))? {
                    groups.extend(name.texts(facts)?);
                }
            }
        }
        None => {
            for text in machine.defaults.groups {
                // What is written in this program is a template, and what is sensitive no group.
                let texts = Template::parse(text).ok().and_then(|template| template.texts(facts).ok());
                groups.extend(texts.unwrap_or_default());
            }
        }
    }
    let mut seen = HashSet::new();
    for group in groups {
        let group = plain_group(&group);
        if group != ALL && !group.is_empty() && seen.insert(group.clone()) {
            draft.group(&group, place);
            node.groups.push((group, place.clone()));
        }
    }
    Ok(node)
}

/// A name that people gave a machine, as one of a node.
fn plain_name(name: &str) -> String {
    let plain: String = name
        .trim()
        .chars()
        .map(|letter| match letter {
            letter if letter.is_whitespace() || letter.is_control() || matches!(letter, '/' | ',') => '-',
            letter => letter,
        })
        .collect();
    plain.trim_start_matches(['!', '-']).to_string()
}

/// A text as the name of a group: letters, digits, dots, dashes and underscores.
fn plain_group(name: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_') => letter,
        _ => '_',
    };
    let plain: String = name.trim().chars().map(letter).take(200).collect();
    plain.trim_start_matches('-').trim_matches('.').to_string()
}
