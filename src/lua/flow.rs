//! What changes the flow of a control: `for_each`, `one_of_checks`, `skip` and its like.

use super::convert;
use super::place::{Place, caller_or, raise_at};
use super::record::Item;
use super::session::{Child, Phase, Session};
use crate::results::Outcome;
use crate::value::Value;
use mlua::{Function, Lua, Table, Value as LuaValue};
use std::rc::Rc;

/// Adds what the prelude's functions of these names call.
pub fn install(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    rust.raw_set("place", lua.create_function(|lua, ()| Ok(super::place::caller(lua).to_string()))?)?;

    let shared = session.clone();
    rust.raw_set(
        "for_each",
        lua.create_function(move |lua, (looked_up, list, body): (String, LuaValue, LuaValue)| {
            let place = caller_or(lua, Place::read(&looked_up));
            for_each(&shared, &place, &list, &body).map_err(|message| raise_at(&place, message))
        })?,
    )?;
    // The bodies of `where` with a function: it gets the numbers of the rows.
    let shared = session.clone();
    rust.raw_set(
        "bodies",
        lua.create_function(move |_, (count, body): (i64, Function)| {
            let elements = (1..=count).map(LuaValue::Integer).collect();
            start_bodies(&shared, elements, &body).map_err(mlua::Error::runtime)
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "finish",
        lua.create_function(move |lua, (looked_up, outcome, reason): (String, String, LuaValue)| {
            let place = caller_or(lua, Place::read(&looked_up));
            finish(&shared, &outcome, &reason).map_err(|message| raise_at(&place, message))
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "alternatives",
        lua.create_function(move |lua, (looked_up, list): (String, LuaValue)| {
            let place = caller_or(lua, Place::read(&looked_up));
            begin_alternatives(&shared, place.clone(), &list).map_err(|message| raise_at(&place, message))
        })?,
    )?;
    // From here on steps go to the alternative of this number; 0: to the list around.
    let shared = session.clone();
    rust.raw_set(
        "alternative",
        lua.create_function(move |_, number: usize| {
            let mut stack = shared.alternatives.borrow_mut();
            if number == 0 {
                if let Some((around, _)) = stack.pop() {
                    shared.list.set(around);
                }
            } else if let Some(list) = stack.last().and_then(|(_, lists)| lists.get(number - 1)) {
                shared.list.set(*list);
            }
            Ok(())
        })?,
    )?;
    install_marks(lua, rust, session)
}

/// Adds what `pcall` needs to undo what an error left half-way.
fn install_marks(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set("turn", lua.create_function(move |_, ()| Ok(shared.turn.get()))?)?;
    let shared = session.clone();
    rust.raw_set("loading", lua.create_function(move |_, ()| Ok(shared.phase.get() == Phase::Load))?)?;
    // Gives what it was before.
    let shared = session.clone();
    rust.raw_set(
        "set_loading",
        lua.create_function(move |_, loading: bool| {
            let before = shared.phase.replace(if loading { Phase::Load } else { Phase::Run });
            Ok(before == Phase::Load)
        })?,
    )?;
    // The phase, the depth of alternatives and the list, in one number: a control has
    // far fewer than 2^40 lists.
    let shared = session.clone();
    rust.raw_set(
        "mark",
        lua.create_function(move |_, ()| {
            let depth = shared.alternatives.borrow().len();
            let mark = (shared.list.get() << 21) | (depth << 1) | usize::from(shared.phase.get() == Phase::Load);
            Ok(mark)
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "rewind",
        lua.create_function(move |_, mark: usize| {
            shared.phase.set(if mark & 1 == 1 { Phase::Load } else { Phase::Run });
            shared.alternatives.borrow_mut().truncate((mark >> 1) & 0xF_FFFF);
            shared.list.set(mark >> 21);
            shared.children.borrow_mut().clear();
            *shared.ending.borrow_mut() = None;
            Ok(())
        })?,
    )?;
    // An error of Rust as a control may handle it.
    rust.raw_set(
        "plain",
        lua.create_function(|_, problem: LuaValue| {
            Ok(match &problem {
                LuaValue::Error(error) => super::plain_message(error),
                other => super::fault::without_engine(other.to_string()?),
            })
        })?,
    )
}

/// Whether there is any body to wait for.
fn for_each(session: &Session, place: &Place, list: &LuaValue, body: &LuaValue) -> Result<bool, String> {
    session.needs_run("for_each")?;
    let LuaValue::Function(body) = body else {
        return Err("for_each takes a list and a function: for_each(list, function(item) … end)".to_string());
    };
    let LuaValue::Table(list) = list else {
        return Err(match list {
            LuaValue::UserData(_) => {
                "for_each takes a list; of a table resource write .entries or a column".to_string()
            }
            LuaValue::Nil => "for_each takes a list, and this one is nil".to_string(),
            other => format!("for_each takes a list, not a {}", other.type_name()),
        });
    };
    let mut elements = Vec::new();
    loop {
        match list.raw_get(elements.len() + 1).map_err(|error| error.to_string())? {
            LuaValue::Nil => break,
            element => elements.push(element),
        }
    }
    // Whatever else is in the table would be passed over without a word.
    for key in list.pairs::<LuaValue, LuaValue>().flatten().map(|(key, _)| key) {
        match key {
            LuaValue::Integer(at) if at >= 1 && at as usize <= elements.len() => {}
            LuaValue::Integer(_) => {
                return Err(format!("for_each takes a list, and this one has a hole (nil) at {}", elements.len() + 1));
            }
            _ => return Err("for_each takes a list; this table has names instead of positions".to_string()),
        }
    }
    if elements.is_empty() {
        session.with_running(|running| running.empty_loop = Some(place.line))?;
    }
    start_bodies(session, elements, body)
}

fn start_bodies(session: &Session, elements: Vec<LuaValue>, body: &Function) -> Result<bool, String> {
    let (around, count) = (session.list.get(), elements.len());
    let first = session.with_running(|running| {
        let first = running.lists.len();
        running.lists.resize_with(first + count, Vec::new);
        if let Some(items) = running.lists.get_mut(around) {
            items.extend((first..first + count).map(Item::List));
        }
        first
    })?;
    let children = elements.into_iter().enumerate();
    *session.children.borrow_mut() =
        children.map(|(at, element)| Child { body: body.clone(), element, list: first + at }).collect();
    Ok(count > 0)
}

fn finish(session: &Session, outcome: &str, reason: &LuaValue) -> Result<(), String> {
    let word = if outcome == "skipped" {
        "skip"
    } else if outcome == "passed" {
        "pass"
    } else {
        outcome
    };
    session.needs_run(word)?;
    let reason = match convert::from_lua(reason) {
        Ok(Value::Str(reason)) if !reason.trim().is_empty() => reason,
        _ => return Err(format!("{word} needs a reason in quotes: {word}(\"…\")")),
    };
    let outcome = match outcome {
        "skipped" => Outcome::Skipped,
        "not_applicable" => Outcome::NotApplicable,
        _ => Outcome::Passed,
    };
    *session.ending.borrow_mut() = Some((outcome, reason));
    Ok(())
}

/// Gives how many alternatives there are.
fn begin_alternatives(session: &Session, place: Place, list: &LuaValue) -> Result<usize, String> {
    const SHAPE: &str = "one_of_checks takes a list of functions: one_of_checks { function() … end, … }";
    let LuaValue::Table(list) = list else { return Err(SHAPE.to_string()) };
    let functions: Result<Vec<Function>, _> = list.sequence_values::<Function>().collect();
    let count = match functions {
        Ok(functions) if !functions.is_empty() => functions.len(),
        _ => return Err(SHAPE.to_string()),
    };
    session.needs_run("one_of_checks")?;
    let around = session.list.get();
    let Place { file, line } = place;
    let lists = session.with_running(|running| {
        let first = running.lists.len();
        let lists: Vec<usize> = (first..first + count).collect();
        running.lists.resize_with(first + count, Vec::new);
        if let Some(items) = running.lists.get_mut(around) {
            items.push(Item::Alternatives { lists: lists.clone(), file, line });
        }
        lists
    })?;
    session.alternatives.borrow_mut().push((around, lists));
    Ok(count)
}
