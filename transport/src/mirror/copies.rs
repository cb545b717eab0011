//! Copies of rings at the receiving end, and fence lines: what waits for bulk is held back here, ring by ring.

use std::collections::{BTreeMap, VecDeque};

use pvgpu_ring::mirror::{Hidden, Sink};

use crate::mapping::Region;

/// The copy of one ring.
#[derive(Debug)]
pub struct Copy {
    sink: Sink<Region>,
    /// Shown when the bulk item has come. Each takes a record's room in the ring at least, so that there is a bound.
    hidden: VecDeque<(u64, Hidden)>,
    /// The head that the other end was told.
    told: u64,
}

impl Copy {
    /// A copy that begins at position 0.
    pub fn new(sink: Sink<Region>) -> Self {
        Self { sink, hidden: VecDeque::new(), told: 0 }
    }

    /// Adds records that come `position` bytes after the ring's begin and need the bulk item `need`; true when the consumer must be
    /// woken.
    ///
    /// # Errors
    /// A sentence: the records are none, or do not fit.
    pub fn add(&mut self, position: u64, need: u64, words: &[u64], applied: u64) -> Result<bool, String> {
        if position != self.sink.position() {
            return Err(format!(
                "the peer sent records for {position:#x} of a ring that is at {:#x}",
                self.sink.position()
            ));
        }
        let hidden = self.sink.hide(words).map_err(|error| error.to_string())?;
        let Some(hidden) = hidden else { return Ok(false) };
        self.hidden.push_back((need, hidden));
        Ok(self.show(applied))
    }

    /// Shows what the bulk items up to `applied` allow; true when the consumer must be woken.
    pub fn show(&mut self, applied: u64) -> bool {
        let mut wake = false;
        while let Some((_, hidden)) = self.hidden.pop_front_if(|(need, _)| *need <= applied) {
            wake |= self.sink.show(hidden);
        }
        wake
    }

    /// The head, if the other end has to be told: when it has moved by a quarter of the ring, or at all if `any`.
    ///
    /// The consumer is asked to ring when there is something to tell.
    ///
    /// # Errors
    /// A sentence: the consumer has broken the rules.
    pub fn head(&mut self, any: bool) -> Result<Option<u64>, String> {
        let failed = |error: pvgpu_ring::Corrupt| error.to_string();
        let quarter = self.sink.capacity() / 4;
        let head = self.sink.consumed().map_err(failed)?;
        let moved = head.wrapping_sub(self.told);
        if moved >= quarter || any && moved != 0 {
            self.told = head;
            let next = head.wrapping_add(quarter);
            // What is not written yet cannot be consumed.
            if self.sink.position().wrapping_sub(next) < 1 << 63 {
                self.sink.arm(next).map_err(failed)?;
            }
            return Ok(Some(head));
        }
        let next = self.told.wrapping_add(quarter);
        if self.sink.position().wrapping_sub(next) < 1 << 63 && !self.sink.arm(next).map_err(failed)? {
            let head = self.sink.consumed().map_err(failed)?;
            self.told = head;
            return Ok(Some(head));
        }
        Ok(None)
    }
}

/// A fence line as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The bulk item that comes first.
    pub need: u64,
    /// The completed value.
    pub value: u64,
    /// When.
    pub time: u64,
    /// The error cell.
    pub error: u64,
}

/// Lines that may wait for one context's bulk. An honest host sends one for each fence, and a guest has three frames under way.
const MAX_LINES: usize = 4096;

/// Fence lines that wait for bulk.
#[derive(Debug, Default)]
pub struct Lines {
    waiting: BTreeMap<u16, VecDeque<Line>>,
}

impl Lines {
    /// Takes a line; the lines to write now are given to `write`.
    ///
    /// # Errors
    /// A sentence: more lines wait than an honest host sends.
    pub fn add(
        &mut self,
        context: u16,
        line: Line,
        applied: u64,
        write: impl FnMut(u16, Line),
    ) -> Result<(), String> {
        let queue = self.waiting.entry(context).or_default();
        if queue.len() >= MAX_LINES {
            return Err(format!("the peer sent more than {MAX_LINES} fences ahead of their contents"));
        }
        queue.push_back(line);
        self.show(applied, write);
        Ok(())
    }

    /// Gives the lines that the bulk items up to `applied` allow to `write`.
    pub fn show(&mut self, applied: u64, mut write: impl FnMut(u16, Line)) {
        self.waiting.retain(|context, queue| {
            while let Some(line) = queue.pop_front_if(|line| line.need <= applied) {
                write(*context, line);
            }
            !queue.is_empty()
        });
    }
}
