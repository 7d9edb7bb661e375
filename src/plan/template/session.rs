//! What one rendering reads of data bags.

use super::values::{disguised, seen};
use crate::error::Error;
use crate::plan::bags::{Bags, Item};
use minijinja::{ErrorKind, Value as Seen};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// How encrypted items are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As they are.
    Plain,
    /// With another value in the place of each.
    Disguised,
}

/// The bags of one rendering, and what was read of them.
pub struct Session {
    bags: Option<Arc<Bags>>,
    beside: PathBuf,
    how: Reading,
    secret: Mutex<Vec<Arc<Item>>>,
}

impl Session {
    /// A session for a template in the folder `beside`.
    pub fn new(bags: Option<Arc<Bags>>, beside: PathBuf, how: Reading) -> Session {
        Session { bags, beside, how, secret: Mutex::default() }
    }

    /// The function `bag(NAME, ITEM)`.
    pub fn function(self: Arc<Session>) -> Seen {
        Seen::from_function(move |bag: &str, item: &str| self.read(bag, item))
    }

    fn read(&self, bag: &str, item: &str) -> Result<Seen, minijinja::Error> {
        let fault =
            |error: Error| minijinja::Error::new(ErrorKind::InvalidOperation, error.message.clone()).with_source(error);
        let Some(bags) = &self.bags else { return Err(fault(Error::usage("there are no data bags here"))) };
        let item = bags.item(&self.beside, bag, item).map_err(fault)?;
        if !item.is_secret {
            return Ok(seen(&item.value));
        }
        self.secret.lock().unwrap_or_else(PoisonError::into_inner).push(item.clone());
        Ok(match self.how {
            Reading::Plain => seen(&item.value),
            Reading::Disguised => disguised(&item.value),
        })
    }

    /// Whether an encrypted item was read.
    pub fn is_secret(&self) -> bool {
        !self.secret.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The texts of the encrypted items that were read.
    pub fn secrets(&self) -> Vec<String> {
        let read = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets: Vec<String> = read.iter().flat_map(|item| item.secrets()).collect();
        secrets.sort_unstable();
        secrets.dedup();
        secrets
    }
}
