//! The steps of a `describe`: what each one expects, and recording it.

use super::convert;
use super::describe::Description;
use super::handle::{Handle, dotted};
use super::matcher::show;
use super::matchers;
use super::place::Place;
use super::record::{Check, Item, Predicate, Recorded, Subject, Valued, words_of};
use super::session::Session;
use crate::resource::catalogue::Key;
use crate::resource::{Entry, Shape};
use crate::value::Value;
use mlua::Value as LuaValue;
use std::rc::Rc;
use std::sync::Arc;

/// What a custom resource said when a step read it.
pub struct Told {
    /// Where the step is.
    pub place: Place,
    /// Whether it answered; otherwise `value` is the error.
    pub ok: bool,
    pub value: LuaValue,
}

/// What a step of this name expects of a resource or a plain value.
pub fn plain(description: &Description, name: &str, given: &[LuaValue]) -> Result<(Subject, Check), String> {
    let value = |at: usize| given.get(at).unwrap_or(&LuaValue::Nil);
    let subject = description.subject.clone();
    match name {
        "its" => its(subject, value(0), value(1)),
        "it" => Ok((subject, Check::It { matcher: matcher_of("it", value(0))? })),
        "is" | "is_not" => is(subject, value(0), name == "is_not", given.get(1..).unwrap_or(&[])),
        _ => Ok((subject, Check::Exists { negated: name == "does_not_exist" })),
    }
}

fn its(subject: Subject, property: &LuaValue, matcher: &LuaValue) -> Result<(Subject, Check), String> {
    let path = path_of(property)?;
    let matcher = matcher_of("its", matcher)?;
    if let Subject::Resource(handle) = &subject {
        known_property(handle, &path)?;
    }
    // A dotted name into a plain map is a path; a resource decides for itself.
    if let Subject::Value(valued) = &subject
        && let (Value::Map(map), [Key::Name(name)]) = (&valued.value, &path[..])
        && !map.contains_key(name)
    {
        let words = Some(name.as_str().into());
        return Ok((subject, Check::Its { path: dotted(name).into(), words, matcher }));
    }
    Ok((subject, Check::Its { path: path.into(), words: None, matcher }))
}

fn is(subject: Subject, predicate: &LuaValue, negated: bool, given: &[LuaValue]) -> Result<(Subject, Check), String> {
    let step = step_name(negated);
    let predicate = predicate_of(predicate, negated)?;
    let Subject::Resource(handle) = &subject else {
        return Err(format!(":{step}(\"{predicate}\") needs a resource; judge a plain value with :it(matcher)"));
    };
    let (words, given) =
        predicate_words(&predicate, given).map_err(|problem| format!(":{step}(\"{predicate}\"): {problem}"))?;
    let args = handle.predicate_args(&predicate, given)?;
    Ok((subject, Check::Is(Box::new(Predicate { name: predicate, args, words, negated }))))
}

fn step_name(negated: bool) -> &'static str {
    if negated { "is_not" } else { "is" }
}

fn predicate_of(predicate: &LuaValue, negated: bool) -> Result<String, String> {
    let step = step_name(negated);
    match predicate {
        LuaValue::String(predicate) => Ok(predicate.to_string_lossy()),
        other => Err(match matchers::from_lua(other) {
            Some(_) => format!(":{step}(…) takes the name of a predicate; judge a value with :it(matcher)"),
            None => format!(":{step}(…) takes the name of a predicate, not a {}", other.type_name()),
        }),
    }
}

/// A predicate with its arguments as a sentence has them, and the arguments.
fn predicate_words(predicate: &str, given: &[LuaValue]) -> Result<(String, Vec<Value>), String> {
    let given: Vec<Value> = given.iter().map(convert::from_lua).collect::<Result<_, _>>()?;
    let mut words = predicate.replace('_', " ");
    for value in &given {
        words.push(' ');
        words.push_str(&show(value));
    }
    Ok((words, given))
}

/// `its` of a custom resource, once it has been read.
pub fn custom_its(
    session: &Session,
    description: &Description,
    told: &Told,
    property: &LuaValue,
    matcher: &LuaValue,
) -> Result<(), String> {
    let path = path_of(property)?;
    let words = words_of(&path);
    let matcher = matcher_of("its", matcher)?;
    let title = format!("{} {words}", description.subject.title());
    let value = match told.ok {
        true => convert::from_lua(&told.value).map_err(|problem| format!("{words}: {problem}"))?,
        false => Value::Nil,
    };
    let subject = Subject::Value(Rc::new(Valued { value, title }));
    told.record(session, description, subject, Check::It { matcher })
}

/// `is` and `is_not` of a custom resource, once it has been asked.
pub fn custom_is(
    session: &Session,
    description: &Description,
    told: &Told,
    predicate: &LuaValue,
    negated: bool,
    given: &[LuaValue],
) -> Result<(), String> {
    let predicate = predicate_of(predicate, negated)?;
    let (words, _) = predicate_words(&predicate, given).map_err(|problem| format!("{predicate}: {problem}"))?;
    custom_truth(session, description, told, &predicate, (format!("is {words}"), format!("is not {words}")), negated)
}

/// `exists` and `does_not_exist` of a custom resource, once it has been asked.
pub fn custom_exists(session: &Session, description: &Description, told: &Told, negated: bool) -> Result<(), String> {
    let words = ("exists".to_string(), "does not exist".to_string());
    custom_truth(session, description, told, "exists", words, negated)
}

fn custom_truth(
    session: &Session,
    description: &Description,
    told: &Told,
    name: &str,
    words: (String, String),
    negated: bool,
) -> Result<(), String> {
    if told.ok && told.value.is_nil() {
        return Err(format!("{} has no {name}, or it answers nil", description.subject.title()));
    }
    let holds = told.ok && !matches!(told.value, LuaValue::Boolean(false));
    let check = Check::Told { holds, words: Box::new(words), negated };
    told.record(session, description, description.subject.clone(), check)
}

impl Told {
    /// Records what was said; where the resource did not answer, the step is errored.
    fn record(
        &self,
        session: &Session,
        description: &Description,
        subject: Subject,
        check: Check,
    ) -> Result<(), String> {
        let Place { file, line } = self.place.clone();
        let recorded = Recorded { subject, check, file, line };
        let item = match self.ok {
            true => Item::Step(recorded),
            false => {
                let message = self.value.to_string().unwrap_or_default();
                Item::Judged(Box::new(recorded.errored(message)))
            }
        };
        keep(session, description, item)
    }
}

/// Records a step at the line that calls it.
pub fn record(
    lua: &mlua::Lua,
    session: &Session,
    description: &Description,
    subject: Subject,
    check: Check,
) -> Result<(), String> {
    let Place { file, line } = super::place::caller(lua);
    keep(session, description, Item::Step(Recorded { subject, check, file, line }))
}

fn keep(session: &Session, description: &Description, item: Item) -> Result<(), String> {
    const KEPT: &str = "this describe belongs to another control or attempt; write describe where its steps are";
    let limit = session.limits.steps;
    let list = session.list.get();
    let kept = session.with_running(|running| {
        if running.serial != description.owner {
            return Err(KEPT.to_string());
        }
        running.recorded += 1;
        if running.recorded > limit {
            return Err(format!("the control records more than {limit} steps"));
        }
        match (running.describes.get_mut(description.number), running.lists.get_mut(list)) {
            (Some(describe), Some(items)) => {
                describe.used = true;
                items.push(item);
                Ok(())
            }
            _ => Err(KEPT.to_string()),
        }
    });
    kept.map_err(|_| KEPT.to_string())?
}

fn matcher_of(step: &str, value: &LuaValue) -> Result<Arc<super::matcher::Matcher>, String> {
    matchers::from_lua(value).ok_or_else(|| match value {
        LuaValue::Nil => format!(":{step}(…) needs a matcher, such as eq(\"no\"); is its name misspelt?"),
        LuaValue::Function(_) => {
            format!(":{step}(…) needs a matcher; a matcher that takes a value is called: eq(\"no\")")
        }
        other => match convert::from_lua(other) {
            Ok(plain) => format!(":{step}(…) needs a matcher: write eq({plain})"),
            Err(_) => format!(":{step}(…) needs a matcher, not a {}", other.type_name()),
        },
    })
}

/// The path that `its` is given: a name, or a list of names and positions.
fn path_of(property: &LuaValue) -> Result<Vec<Key>, String> {
    match property {
        LuaValue::String(name) => Ok(vec![Key::Name(name.to_string_lossy())]),
        LuaValue::Integer(index) => Ok(vec![Key::Index(*index)]),
        LuaValue::Table(parts) => {
            let mut path = Vec::new();
            for part in parts.sequence_values::<LuaValue>() {
                path.append(&mut path_of(&part.map_err(|error| error.to_string())?)?);
            }
            if path.is_empty() {
                return Err(":its({…}, …) needs at least one name".to_string());
            }
            Ok(path)
        }
        other => Err(format!(":its(…) needs the name of a property, not a {}", other.type_name())),
    }
}

/// A property that cannot be there is an error at once, with the nearest name.
fn known_property(handle: &Handle, path: &[Key]) -> Result<(), String> {
    let known = match path.first() {
        Some(Key::Name(name)) => has_property(handle.entry, name),
        _ => matches!(handle.entry.shape, Shape::Open(_)),
    };
    if known { Ok(()) } else { Err(handle.unknown(&words_of(path))) }
}

/// Whether `its(NAME, …)` can mean anything for a resource.
pub(super) fn has_property(entry: &Entry, name: &str) -> bool {
    matches!(entry.shape, Shape::Open(_))
        || entry.has_property(name)
        || name.split_once('.').is_some_and(|(head, _)| entry.has_property(head))
}
