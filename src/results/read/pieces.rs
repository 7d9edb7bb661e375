//! A document taken in piece by piece, none of which may be too large.

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::rc::Rc;

/// How much may still be read before the next piece.
#[derive(Clone)]
pub struct Limit {
    left: Rc<Cell<u64>>,
    /// Bytes of a piece.
    piece: u64,
}

impl Limit {
    /// A limit of so many bytes a piece.
    pub fn new(piece: u64) -> Limit {
        Limit { left: Rc::new(Cell::new(piece)), piece }
    }

    /// A new piece begins.
    pub fn renew(&self) {
        self.left.set(self.piece);
    }

    /// The reader under this limit.
    pub fn on<R: Read>(&self, inner: R) -> Limited<R> {
        Limited { inner, limit: self.clone() }
    }
}

/// A reader that stops where a piece is too large.
pub struct Limited<R> {
    inner: R,
    limit: Limit,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let Limit { left, piece } = &self.limit;
        let message = || format!("one node, or what comes after the last, takes more than {} MiB", piece >> 20);
        left.set(left.get().checked_sub(read as u64).ok_or_else(|| io::Error::other(message()))?);
        Ok(read)
    }
}

/// Reads the items of a list, one at a time.
pub struct Items<'a, T, F> {
    each: F,
    limit: &'a Limit,
    of: PhantomData<T>,
}

impl<'a, T, F: FnMut(T) -> Result<(), String>> Items<'a, T, F> {
    /// Passes each item on as soon as it is read.
    pub fn new(limit: &'a Limit, each: F) -> Items<'a, T, F> {
        Items { each, limit, of: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> DeserializeSeed<'de> for Items<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> Visitor<'de> for Items<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the nodes of a run")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            self.limit.renew();
            (self.each)(item).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}
