//! Paths of keys into nested values.
//!
//! A path is a list of keys, or text such as `servers[2].name` or `servers.2.name`. A
//! key that itself holds dots (`net.ipv4.ip_forward`) is found by its whole name, however
//! the path was cut: at each map the shortest key that leads on wins, then longer ones.

use super::catalogue::Key;
use crate::value::Value;

/// The value at a path; [`Value::Nil`] where it leads nowhere.
pub fn look_up(root: &Value, path: &[Key]) -> Value {
    let found = find(root, path).or_else(|| match path {
        [Key::Name(text)] => find(root, &split(text)),
        _ => None,
    });
    found.cloned().unwrap_or_default()
}

/// A path given as an argument: text, an index, or a list of both.
pub fn from_value(value: &Value) -> Result<Vec<Key>, String> {
    match value {
        Value::Int(index) => Ok(vec![Key::Index(*index)]),
        Value::List(items) => {
            let keys: Result<Vec<Vec<Key>>, String> = items
                .iter()
                .map(|item| match item {
                    Value::List(_) => Err("a path is a list of names and numbers".to_string()),
                    item => from_value(item),
                })
                .collect();
            Ok(keys?.concat())
        }
        value => match value.as_text() {
            Some(text) => Ok(vec![Key::Name(text.into_owned())]),
            None => Err(format!("a path is text or a list of names and numbers, not {value}")),
        },
    }
}

/// The path as text, as a control would write it.
pub fn text(path: &[Key]) -> String {
    let mut text = String::new();
    for key in path {
        match key {
            Key::Name(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Key::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn find<'a>(value: &'a Value, path: &[Key]) -> Option<&'a Value> {
    let [first, rest @ ..] = path else { return Some(value) };
    match (value, first) {
        (Value::Map(map), _) => (1..=path.len()).find_map(|taken| {
            let key = if taken == 1 { plain(first) } else { text(&path[..taken]) };
            map.get(&key).and_then(|inner| find(inner, &path[taken..]))
        }),
        (Value::List(items), Key::Index(index)) => find(item(items, *index)?, rest),
        (Value::List(items), Key::Name(name)) => find(item(items, name.parse().ok()?)?, rest),
        _ => None,
    }
}

fn plain(key: &Key) -> String {
    match key {
        Key::Name(name) => name.clone(),
        Key::Index(index) => index.to_string(),
    }
}

/// The item at an index that counts from 1.
fn item(items: &[Value], index: i64) -> Option<&Value> {
    items.get(usize::try_from(index.checked_sub(1)?).ok()?)
}

/// Cuts `a.b[2].c` into its keys.
fn split(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    for part in text.split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !name.is_empty() {
            keys.push(Key::Name(name.to_string()));
        }
        while let Some((index, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            keys.push(index.parse().map_or_else(|_| Key::Name(index.to_string()), Key::Index));
            rest = after;
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        let map = |items: Vec<(&str, Value)>| {
            Value::Map(items.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
        };
        map(vec![
            ("net.ipv4.ip_forward", "0".into()),
            ("net", map(vec![("core", "x".into())])),
            ("list", Value::List(vec![map(vec![("a", 1i64.into())]), 2i64.into()])),
        ])
    }

    fn name(text: &str) -> Key {
        Key::Name(text.to_string())
    }

    #[test]
    fn keys_with_dots_are_found_whole_or_cut() {
        assert_eq!(look_up(&sample(), &[name("net.ipv4.ip_forward")]), "0".into());
        assert_eq!(look_up(&sample(), &[name("net"), name("ipv4"), name("ip_forward")]), "0".into());
        assert_eq!(look_up(&sample(), &[name("net.core")]), "x".into());
        assert_eq!(look_up(&sample(), &[name("net"), name("core"), name("y")]), Value::Nil);
    }

    #[test]
    fn indices_count_from_one() {
        assert_eq!(look_up(&sample(), &[name("list"), Key::Index(1), name("a")]), 1i64.into());
        assert_eq!(look_up(&sample(), &[name("list[2]")]), 2i64.into());
        assert_eq!(look_up(&sample(), &[name("list.1.a")]), 1i64.into());
        assert_eq!(look_up(&sample(), &[name("list"), Key::Index(0)]), Value::Nil);
        assert_eq!(look_up(&sample(), &[name("list"), Key::Index(i64::MIN)]), Value::Nil);
    }
}
