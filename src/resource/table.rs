//! Rows of a table resource, shared and never changed.

use crate::value::Value;
use indexmap::IndexMap;
use std::rc::Rc;

/// One row: field names and values, in the order of the columns.
pub type Row = IndexMap<&'static str, Value>;

/// The rows of a table or of a selection from it.
#[derive(Debug, Clone, Default)]
pub struct Rows(Rc<[Rc<Row>]>);

impl Rows {
    /// The properties every table has besides its columns.
    pub const PROPERTIES: [&'static str; 2] = ["entries", "count"];

    /// Rows from anything that yields them.
    pub fn new(rows: impl IntoIterator<Item = Row>) -> Rows {
        Rows(rows.into_iter().map(Rc::new).collect())
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().map(|row| &**row)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows that `keep` accepts; the first error ends the selection.
    pub fn select<E>(&self, mut keep: impl FnMut(&Row) -> Result<bool, E>) -> Result<Rows, E> {
        let mut kept = Vec::new();
        for row in self.0.iter() {
            if keep(row)? {
                kept.push(row.clone());
            }
        }
        Ok(Rows(kept.into()))
    }

    /// One field of every row.
    pub fn column(&self, field: &str) -> Value {
        Value::List(self.iter().map(|row| row.get(field).cloned().unwrap_or_default()).collect())
    }

    /// All rows as a list of maps.
    pub fn entries(&self) -> Value {
        let map = |row: &Row| Value::Map(row.iter().map(|(field, value)| (field.to_string(), value.clone())).collect());
        Value::List(self.iter().map(map).collect())
    }
}
