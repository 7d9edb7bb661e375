//! The events of the run as they happen, one JSON object a line.

use super::Reporter;
use crate::results::Stamped;
use std::io::{self, Write};

/// Writes every event as a line of JSON; the first names the format and its version.
#[derive(Debug, Default)]
pub struct Ndjson;

impl Reporter for Ndjson {
    fn event(&mut self, event: &Stamped, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, event)?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
