//! An engine whose records come from elsewhere than rings: a recording that is executed again.
//!
//! Decoder, validation, executor and completion are those that serve a guest; only the rings are not read. What the engine of a
//! guest finds out by looking (a fence has completed, a context has ended), this one is told to wait for.

#![forbid(unsafe_code)]

use std::fmt;
use std::time::{Duration, Instant};

use super::engine::{Ended, Engine};
use super::kernel::add;
use super::running::Running;

/// How long to look before sleeping.
const SPIN: Duration = Duration::from_micros(50);
/// Between two looks, at first and after a while.
const NAP: Duration = Duration::from_micros(20);
const LONG_NAP: Duration = Duration::from_millis(5);
/// TIMEOUT: nothing that a recording waits for takes the GPU longer; a software renderer may take minutes for a frame that was made on
/// a GPU.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It was executed; if it broke a rule, its context is poisoned now.
    Executed,
    /// Its context is poisoned.
    Skipped,
}

/// Why a record or a wait makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// There is no such context.
    NoContext(u32),
    /// A context's ring is held, at a gate or at a fence that nobody was asked for.
    Held(u32),
    /// A fence that its context has not asked for.
    NoFence {
        /// Whose.
        context: u32,
        /// The value.
        value: u64,
    },
    /// A context was never asked to end.
    NotEnding(u32),
    /// The GPU is not done within [`PATIENCE`].
    Slow,
    /// The engine has ended.
    Ended(Ended),
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoContext(context) => write!(f, "context {context} does not exist"),
            Self::Held(context) => write!(f, "a record of context {context} comes while its ring is held"),
            Self::NoFence { context, value } => {
                write!(f, "fence {value} of context {context} is waited for, and was never asked for")
            }
            Self::NotEnding(context) => {
                write!(f, "context {context} is to have ended, and nobody asked it to")
            }
            Self::Slow => write!(f, "the GPU has not finished within {} s", PATIENCE.as_secs()),
            Self::Ended(Ended::DeviceLost) => f.write_str("the GPU is lost"),
            Self::Ended(_) => f.write_str("ring 0 is poisoned"),
        }
    }
}

impl std::error::Error for Stuck {}

impl Engine {
    /// Executes a record as if it had just been taken from a ring (0: ring 0's) behind `position` bytes.
    ///
    /// # Errors
    /// [`Stuck`] when it cannot have come now.
    pub fn feed(&mut self, context: u32, position: u64, words: &[u64]) -> Result<Fed, Stuck> {
        add(&self.stats.commands, 1);
        add(&self.stats.ring_bytes, size_of_val(words) as u64);
        if self.fed != context {
            self.end_feeding();
            self.fed = context;
        }
        if context == 0 {
            let opcode = words.first().map_or(0, |word| (word >> 32) as u16);
            let result = self.kernel.step(words);
            self.ring0_stepped(result, opcode, position).map_err(Stuck::Ended)?;
            self.end_revokes();
            return Ok(Fed::Executed);
        }
        let waits_for = self.kernel.contexts.get(&context).and_then(|running| running.waits_for());
        if let Some((other, value)) = waits_for
            && self.wait_fence(other, value).is_err_and(|stuck| !matches!(stuck, Stuck::Ended(_)))
        {
            return Err(Stuck::Held(context));
        }
        let fences = &self.fences;
        let completed = |number| fences.completed(number);
        let running = self.kernel.contexts.get_mut(&context).ok_or(Stuck::NoContext(context))?;
        if running.is_poisoned() {
            return Ok(Fed::Skipped);
        }
        // Whoever shares what it waits for has done so by now.
        let opened = if running.is_at_share() { running.open_held(&completed) } else { Ok(()) };
        if opened.is_ok() && !running.may_read(&completed) {
            return Err(Stuck::Held(context));
        }
        let result = opened.and_then(|()| running.step(words, position, &completed));
        if let Err((event, fault)) = result {
            self.poisoned(event, fault);
        }
        if self.device.is_lost() {
            return Err(Stuck::Ended(Ended::DeviceLost));
        }
        Ok(Fed::Executed)
    }

    /// The turn of the context whose records came last is over.
    fn end_feeding(&mut self) {
        let running = self.kernel.contexts.get_mut(&self.fed);
        if let Some(Err((event, fault))) = running.map(Running::end_turn) {
            self.poisoned(event, fault);
        }
    }

    /// Waits for a fence of a context, 0 for ring 0's. A poisoned context's never comes and is not waited for.
    ///
    /// # Errors
    /// [`Stuck`] when it cannot come.
    pub fn wait_fence(&mut self, context: u32, value: u64) -> Result<(), Stuck> {
        let asked = if context == 0 {
            self.kernel.last_fence()
        } else {
            let running = self.kernel.contexts.get(&context).ok_or(Stuck::NoContext(context))?;
            if running.is_poisoned() {
                return Ok(());
            }
            running.decoder.last_fence()
        };
        if asked < value {
            return Err(Stuck::NoFence { context, value });
        }
        self.wait_until(|engine| engine.fences.completed(context).is_none_or(|done| done >= value))
    }

    /// Waits until a context has ended that was asked to, so that another may have its number.
    ///
    /// # Errors
    /// [`Stuck`] when it was not asked to.
    pub fn wait_ended(&mut self, context: u32) -> Result<(), Stuck> {
        match self.kernel.contexts.get(&context) {
            None => return Ok(()),
            Some(running) if !running.is_ending() => return Err(Stuck::NotEnding(context)),
            Some(_) => {}
        }
        self.wait_until(|engine| {
            engine.end_contexts();
            !engine.kernel.contexts.contains_key(&context)
        })
    }

    /// Waits until everything that was submitted is finished.
    ///
    /// # Errors
    /// [`Stuck`] when the GPU does not.
    pub fn wait_idle(&mut self) -> Result<(), Stuck> {
        self.end_feeding();
        self.wait_until(|engine| engine.kernel.contexts.values().all(|running| running.is_idle()))
    }

    fn wait_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) -> Result<(), Stuck> {
        let began = Instant::now();
        loop {
            self.end_revokes();
            if done(self) {
                return Ok(());
            }
            if self.device.is_lost() {
                return Err(Stuck::Ended(Ended::DeviceLost));
            }
            match began.elapsed() {
                waited if waited < SPIN => std::thread::yield_now(),
                waited if waited < PATIENCE => std::thread::sleep(NAP.max(waited / 64).min(LONG_NAP)),
                _ => return Err(Stuck::Slow),
            }
        }
    }
}
