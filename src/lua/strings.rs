//! `string.find`, `match`, `gmatch` and `gsub`: Lua's own backtrack in C, where nothing can
//! stop them; these take every step from the control's budget.

use super::pattern::{Capture, Gmatch, Gsub, Match, PatternError, find, replace};
use super::session::Session;
use mlua::{AnyUserData, Lua, LuaString, MultiValue, Table, UserData, Value as LuaValue};
use std::rc::Rc;

/// An iteration with `gmatch`.
struct Iteration {
    subject: Vec<u8>,
    pattern: Vec<u8>,
    state: Gmatch,
}

/// A substitution with `gsub` whose replacements come from Lua.
struct Substitution {
    subject: Vec<u8>,
    pattern: Vec<u8>,
    state: Gsub,
    output: Vec<u8>,
    found: Option<Match>,
    count: i64,
}

impl UserData for Iteration {}
impl UserData for Substitution {}

/// Calls `act` with the steps that are left and keeps what is left then.
fn budgeted<T>(session: &Session, act: impl FnOnce(&mut u64) -> Result<T, PatternError>) -> Result<T, PatternError> {
    let mut left = session.pattern_steps.get();
    let done = act(&mut left);
    session.pattern_steps.set(left);
    done
}

/// `true` and values, or `false` and a message, for the prelude to return or raise.
fn answer(lua: &Lua, values: Result<Vec<LuaValue>, PatternError>) -> mlua::Result<MultiValue> {
    Ok(match values {
        Ok(values) => std::iter::once(LuaValue::Boolean(true)).chain(values).collect(),
        Err(error) => {
            let message = LuaValue::String(lua.create_string(error.to_string())?);
            [LuaValue::Boolean(false), message].into_iter().collect()
        }
    })
}

fn capture(lua: &Lua, subject: &[u8], capture: &Capture) -> mlua::Result<LuaValue> {
    Ok(match capture {
        Capture::Text(range) => LuaValue::String(lua.create_string(&subject[range.clone()])?),
        Capture::Position(place) => LuaValue::Integer(i64::try_from(*place).unwrap_or(i64::MAX)),
    })
}

fn captures(lua: &Lua, subject: &[u8], captures: &[Capture]) -> mlua::Result<Vec<LuaValue>> {
    captures.iter().map(|one| capture(lua, subject, one)).collect()
}

/// Adds what the prelude builds the functions of `string` from.
pub fn install(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    let shared = session.clone();
    rust.raw_set(
        "find",
        lua.create_function(
            move |lua, (text, pattern, init, plain): (LuaString, LuaString, Option<i64>, Option<bool>)| {
                let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
                let init = init.unwrap_or(1);
                let found = budgeted(&shared, |left| find(&text, &pattern, init, plain.unwrap_or(false), left));
                let values = match found {
                    Ok(Some(found)) => {
                        let place = |at: usize| LuaValue::Integer(i64::try_from(at).unwrap_or(i64::MAX));
                        let mut values = vec![place(found.range.start + 1), place(found.range.end)];
                        values.extend(captures(lua, &text, &found.captures)?);
                        Ok(values)
                    }
                    Ok(None) => Ok(vec![LuaValue::Nil]),
                    Err(error) => Err(error),
                };
                answer(lua, values)
            },
        )?,
    )?;

    let shared = session.clone();
    rust.raw_set(
        "match",
        lua.create_function(move |lua, (text, pattern, init): (LuaString, LuaString, Option<i64>)| {
            let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
            let values = match budgeted(&shared, |left| find(&text, &pattern, init.unwrap_or(1), false, left)) {
                Ok(Some(found)) => Ok(captures(lua, &text, &found.captures_or_whole())?),
                Ok(None) => Ok(vec![LuaValue::Nil]),
                Err(error) => Err(error),
            };
            answer(lua, values)
        })?,
    )?;

    rust.raw_set(
        "gmatch",
        lua.create_function(|_, (text, pattern, init): (LuaString, LuaString, Option<i64>)| {
            let (subject, pattern) = (text.as_bytes().to_vec(), pattern.as_bytes().to_vec());
            let state = Gmatch::new(init.unwrap_or(1), subject.len());
            Ok(Iteration { subject, pattern, state })
        })?,
    )?;
    let shared = session.clone();
    rust.raw_set(
        "gmatch_next",
        lua.create_function(move |lua, iteration: AnyUserData| {
            let mut iteration = iteration.borrow_mut::<Iteration>()?;
            let Iteration { subject, pattern, state } = &mut *iteration;
            let values = match budgeted(&shared, |left| state.next(subject, pattern, left)) {
                Ok(Some(found)) => Ok(captures(lua, subject, &found.captures_or_whole())?),
                Ok(None) => Ok(vec![LuaValue::Nil]),
                Err(error) => Err(error),
            };
            answer(lua, values)
        })?,
    )?;
    install_gsub(lua, rust, session)
}

fn install_gsub(lua: &Lua, rust: &Table, session: &Rc<Session>) -> mlua::Result<()> {
    rust.raw_set(
        "gsub",
        lua.create_function(|_, (text, pattern, limit): (LuaString, LuaString, Option<i64>)| {
            let (subject, pattern) = (text.as_bytes().to_vec(), pattern.as_bytes().to_vec());
            let limit = limit.map_or(u64::MAX, |limit| u64::try_from(limit).unwrap_or(0));
            Ok(Substitution { subject, pattern, state: Gsub::new(limit), output: Vec::new(), found: None, count: 0 })
        })?,
    )?;

    // The captures of the next match; nothing once there is none.
    let shared = session.clone();
    rust.raw_set(
        "gsub_next",
        lua.create_function(move |lua, substitution: AnyUserData| {
            let mut substitution = substitution.borrow_mut::<Substitution>()?;
            let Substitution { subject, pattern, state, output, found, count } = &mut *substitution;
            let next = budgeted(&shared, |left| state.next(subject, pattern, output, left));
            let values = match next {
                Ok(next) => {
                    *found = next;
                    match found {
                        Some(found) => {
                            *count += 1;
                            Ok(captures(lua, subject, &found.captures_or_whole())?)
                        }
                        None => Ok(vec![LuaValue::Nil]),
                    }
                }
                Err(error) => Err(error),
            };
            answer(lua, values)
        })?,
    )?;

    // The replacement of the match: a text with %1 in it, a value, or nothing to keep it.
    let shared = session.clone();
    rust.raw_set(
        "gsub_put",
        lua.create_function(move |lua, (substitution, value, template): (AnyUserData, LuaValue, bool)| {
            let mut substitution = substitution.borrow_mut::<Substitution>()?;
            let Substitution { subject, output, found, .. } = &mut *substitution;
            let Some(found) = found.take() else { return answer(lua, Ok(Vec::new())) };
            let put = match &value {
                LuaValue::Nil | LuaValue::Boolean(false) => {
                    output.extend_from_slice(&subject[found.range]);
                    Ok(())
                }
                LuaValue::String(text) if template => {
                    let text = text.as_bytes();
                    budgeted(&shared, |left| replace(&text, subject, &found, output, left))
                }
                LuaValue::String(text) => {
                    output.extend_from_slice(&text.as_bytes());
                    Ok(())
                }
                LuaValue::Integer(_) | LuaValue::Number(_) => {
                    output.extend_from_slice(value.to_string()?.as_bytes());
                    Ok(())
                }
                other => {
                    let message = format!("invalid replacement value (a {})", other.type_name());
                    let message = LuaValue::String(lua.create_string(message)?);
                    return Ok([LuaValue::Boolean(false), message].into_iter().collect());
                }
            };
            answer(lua, put.map(|()| Vec::new()))
        })?,
    )?;

    rust.raw_set(
        "gsub_end",
        lua.create_function(|lua, substitution: AnyUserData| {
            let substitution = substitution.borrow::<Substitution>()?;
            Ok((lua.create_string(&substitution.output)?, substitution.count))
        })?,
    )
}
