//! A line a minute on standard error, for a log of a long run that nobody watches.

use super::standing::Standing;
use crate::results::Live;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long a run goes on before it says something, and then before it does again.
const EVERY: Duration = Duration::from_secs(60);

/// Says every minute how far the nodes are: `37 of 200 nodes done, 64 running, 3 failed`.
pub struct ProgressLines {
    standing: Standing,
    to: Box<dyn Write + Send>,
    last: Instant,
}

impl ProgressLines {
    /// Lines on standard error, of which the first comes a minute from now.
    pub fn on_stderr() -> ProgressLines {
        ProgressLines::written_to(Box::new(std::io::stderr()), Instant::now())
    }

    fn written_to(to: Box<dyn Write + Send>, now: Instant) -> ProgressLines {
        ProgressLines { standing: Standing::default(), to, last: now }
    }

    /// How many nodes there are; the minute begins.
    pub fn begin(&mut self, nodes: usize, now: Instant) {
        self.standing.nodes = nodes;
        self.last = now;
    }

    /// Takes in what just happened.
    pub fn live(&mut self, live: &Live) {
        self.standing.fold(live);
    }

    /// Writes a line when a minute is over since the last.
    pub fn tick(&mut self, now: Instant) {
        if now.saturating_duration_since(self.last) < EVERY {
            return;
        }
        self.last = now;
        let standing = &self.standing;
        let counts = standing.counts().join(", ");
        // A log that cannot be written to is no reason to end the run.
        let _ = writeln!(self.to, "{} of {} nodes done, {counts}", standing.done, standing.nodes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Tally;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_a_minute_and_none_before_the_first_is_over() {
        let (log, start) = (Log::default(), Instant::now());
        let mut lines = ProgressLines::written_to(Box::new(log.clone()), start);
        let text = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        lines.begin(200, start);
        for node in ["a", "b"] {
            lines.live(&Live::Started { node: node.into() });
        }
        lines.tick(start + Duration::from_secs(59));
        assert_eq!(text(), "");
        let tally = Tally { failed: 1, ..Tally::default() };
        lines.live(&Live::Finished { node: "a".into(), tally, unreachable: false });
        lines.tick(start + Duration::from_secs(61));
        lines.tick(start + Duration::from_secs(62));
        assert_eq!(text(), "1 of 200 nodes done, 1 running, 1 failed\n");
        lines.tick(start + Duration::from_secs(122));
        assert_eq!(text().lines().count(), 2);
    }
}
