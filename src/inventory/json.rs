//! JSON read strictly: as [`serde_json`] does, but a key twice in an object is an error
//! and the order of keys stays.

use crate::error::{Error, Place};
use crate::yaml::{Data, Field, Located, Map};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::path::Path;

/// The most values that are read, in one text: each takes some 300 bytes of memory.
const MAX_VALUES: usize = 2_000_000;

/// Reads JSON texts, one or several in a row. The places of their values name the file alone;
/// those of errors have a line and a column.
///
/// # Errors
/// It is no JSON, or an object has a key twice.
pub fn read(file: &Path, text: &[u8]) -> Result<Vec<Located>, Error> {
    let place = Place::file(file);
    let left = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let mut values = Vec::new();
    loop {
        let value = Seed { place: &place, left: &left }.deserialize(&mut deserializer).map_err(|error| {
            let text = error.to_string();
            let message = text.split(" at line ").next().unwrap_or(&text);
            Error::usage(format!("is not JSON: {message}")).at(Place::at(file, error.line(), error.column()))
        })?;
        values.push(value);
        if deserializer.end().is_ok() {
            return Ok(values);
        }
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    place: &'a Place,
    left: &'a Cell<usize>,
}

impl Seed<'_> {
    fn located(self, value: Data) -> Located {
        Located::new(value, self.place.clone())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Located;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Located, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(serde::de::Error::custom(format!("it holds more than {MAX_VALUES} values"))),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Located;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Located, E> {
        Ok(self.located(Data::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Located, E> {
        Ok(self.located(Data::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Located, E> {
        Ok(self.located(Data::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Located, E> {
        // Beyond 64 bits with a sign there is only the nearest number.
        Ok(self.located(i64::try_from(value).map_or(Data::Float(value as f64), Data::Int)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Located, E> {
        Ok(self.located(Data::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Located, E> {
        Ok(self.located(Data::Str(value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Located, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(self.located(Data::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Located, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(serde::de::Error::custom(format!("the key {key:?} is there twice")));
            }
            let value = access.next_value_seed(self)?;
            map.insert(key, Field { key: self.place.clone(), value });
        }
        Ok(self.located(Data::Map(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_and_faults_have_places() {
        let file = Path::new("hosts.json");
        let text = br#"{"b": [1, -2, 1.5, true, null, "\ud83d\ude00\/"], "a": {}}"#;
        let values = read(file, text).unwrap();
        assert_eq!(values[0].to_value().to_string(), r#"{b: [1, -2, 1.5, true, nothing, "😀/"], a: {}}"#);
        let error = read(file, b"{\"a\": 1,\n \"a\": 2}").unwrap_err().to_string();
        assert!(error.starts_with("hosts.json:2:") && error.contains("\"a\" is there twice"), "{error}");
        assert!(read(file, b"{\"a\": ").unwrap_err().to_string().contains("EOF"));
        assert_eq!(read(file, b"{}\n[1]\n").unwrap().len(), 2);
        assert!(read(file, b"{} x").unwrap_err().to_string().contains("hosts.json:1:4: is not JSON"));
        let many = format!("[0{}]", ",0".repeat(MAX_VALUES));
        assert!(read(file, many.as_bytes()).unwrap_err().to_string().contains("more than 2000000 values"));
        let deep = ["[".repeat(5000), "]".repeat(5000)].concat();
        assert!(read(file, deep.as_bytes()).unwrap_err().to_string().contains("recursion limit"));
    }
}
