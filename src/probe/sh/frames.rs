//! Sections of a stream, each ended by a line `MARK TAG STATUS`.

use memchr::memmem;
use std::collections::VecDeque;

/// The longest tag and status of a line that ends a section.
const LONGEST_END: usize = 40;
/// The most sections that wait for their other half: so many, and so many more by step.
const MOST_WAITING: usize = 1024;
const MOST_WAITING_BY_STEP: usize = 16;

/// More than this beyond the cap of a section is a flood that may never end.
const FLOOD: usize = 64 << 20;

/// What one stream held up to a mark.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Section {
    /// The number of a step for its last section, a letter for those before.
    pub tag: String,
    /// The exit status of what was run, or a word.
    pub status: String,
    pub bytes: Vec<u8>,
    /// Whether bytes were dropped beyond the cap.
    pub cut: bool,
}

/// Cuts one stream into sections as it comes.
pub(super) struct Framer {
    /// A newline, the mark and a blank.
    needle: Vec<u8>,
    /// The most bytes kept of a section, by step.
    caps: Vec<usize>,
    step: usize,
    /// What is known to belong to the section under way.
    kept: Vec<u8>,
    cut: bool,
    /// What may hold the beginning of a mark.
    recent: Vec<u8>,
    sections: VecDeque<Section>,
    waiting: usize,
    /// How much of the section under way was dropped.
    dropped: usize,
    begun: bool,
    closed: bool,
}

impl Framer {
    pub fn new(mark: &str, caps: Vec<usize>) -> Framer {
        Framer {
            needle: format!("\n{mark} ").into_bytes(),
            caps,
            step: 0,
            kept: Vec::new(),
            cut: false,
            recent: Vec::new(),
            sections: VecDeque::new(),
            waiting: 0,
            dropped: 0,
            begun: false,
            closed: false,
        }
    }

    /// Takes what came in.
    pub fn take(&mut self, mut bytes: &[u8]) {
        // In pieces, so that the copy that may hold a mark stays small.
        const PIECE: usize = 64 << 10;
        while !self.closed && !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(bytes.len().min(PIECE));
            self.recent.extend_from_slice(piece);
            bytes = rest;
            while self.cut_one() {}
        }
    }

    /// Cuts off the first section; whether there was one.
    fn cut_one(&mut self) -> bool {
        let Some(at) = memmem::find(&self.recent, &self.needle) else {
            let sure = self.recent.len().saturating_sub(self.needle.len() - 1);
            self.keep(sure);
            self.recent.drain(..sure);
            return false;
        };
        let end = at + self.needle.len();
        let rest = &self.recent[end..];
        let Some(length) = memchr::memchr(b'\n', &rest[..rest.len().min(LONGEST_END)]) else {
            if rest.len() >= LONGEST_END {
                self.close();
            }
            return false;
        };
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        let Some((tag, status)) = line.split_once(' ') else {
            self.close();
            return false;
        };
        self.keep(at);
        let bytes = std::mem::take(&mut self.kept);
        self.waiting += bytes.len();
        let section =
            Section { tag: tag.to_string(), status: status.to_string(), bytes, cut: std::mem::take(&mut self.cut) };
        if tag.bytes().all(|byte| byte.is_ascii_digit()) {
            self.step += 1;
        }
        self.begun = true;
        self.dropped = 0;
        self.sections.push_back(section);
        self.recent.drain(..end + length + 1);
        if self.sections.len() > MOST_WAITING + MOST_WAITING_BY_STEP * self.caps.len() {
            self.close();
        }
        !self.closed
    }

    /// Moves the first `count` bytes of what is recent to what is kept, as far as the cap
    /// allows. Before the first mark everything is noise, of which the end is kept for a
    /// message.
    fn keep(&mut self, count: usize) {
        const NOISE: usize = 4096;
        let cap = if self.begun { self.caps.get(self.step).copied().unwrap_or(NOISE) } else { NOISE };
        let room = cap.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&self.recent[..count.min(room)]);
        self.cut |= count > room;
        self.dropped += count.saturating_sub(room);
    }

    /// Takes nothing more.
    pub fn close(&mut self) {
        self.closed = true;
        self.recent = Vec::new();
        self.kept = Vec::new();
    }

    /// How many bytes of whole sections wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether nothing more is taken, because marks made no sense.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether far more comes than is kept, so that its end is not worth waiting for.
    pub fn is_flooded(&self) -> bool {
        self.dropped > FLOOD
    }

    /// Whether a mark was seen.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// The first section of each of the two streams of a shell, once both are whole.
    pub fn pair(stdout: &mut Framer, stderr: &mut Framer) -> Option<(Section, Section)> {
        if stdout.sections.is_empty() || stderr.sections.is_empty() {
            return None;
        }
        Some((stdout.next()?, stderr.next()?))
    }

    fn next(&mut self) -> Option<Section> {
        let section = self.sections.pop_front()?;
        self.waiting -= section.bytes.len();
        Some(section)
    }

    /// The last line of what came after the last mark, if there is any text.
    pub fn left(&self) -> Option<String> {
        let mut bytes = self.kept.clone();
        bytes.extend_from_slice(&self.recent);
        let text = String::from_utf8_lossy(&bytes);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(|line| line.chars().take(200).collect())
    }
}
