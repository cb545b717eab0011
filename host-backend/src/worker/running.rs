//! One context as the worker runs it: its ring, its decoder, its GPU state, and whether its ring is held.

use std::time::Instant;

use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::event::{ContextError, error_code};
use pvgpu_ring::{Consumer, Corrupt};

use crate::decoder::{Decoder, Step};
use crate::fault::Fault;
use crate::memory::Part;
use crate::vulkan::{Context, Work};

/// Why a ring is or is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is read.
    Reading,
    /// Held until the gate opens.
    AtGate(u64),
    /// Held until another context's fence reaches a value.
    AtFence { context: u32, value: u64 },
    /// Nothing is executed any more.
    Poisoned,
    /// Asked to end; waits for the GPU.
    Ending,
}

/// How a context was poisoned: what the guest is told, and what people are told.
pub type Poisoned = (ContextError, Fault);

/// What one turn of a context has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    /// Records executed.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The guest sleeps for room in the ring and has it now.
    pub wake: bool,
}

/// A context.
pub struct Running {
    /// Its number.
    pub number: u32,
    /// The guest process, as the guest says.
    pub process: u32,
    /// Where its ring lies in the heap.
    pub ring_range: HeapRange,
    /// Its decoder.
    pub decoder: Decoder,
    ring: Consumer<Part>,
    /// None when the GPU could not make it; then it is poisoned from the start.
    gpu: Option<Context>,
    state: State,
    open_gate: u64,
}

impl Running {
    /// A context whose ring is still unread.
    pub fn new(
        number: u32,
        process: u32,
        ring_range: HeapRange,
        ring: Consumer<Part>,
        decoder: Decoder,
        gpu: Option<Context>,
    ) -> Self {
        Self { number, process, ring_range, decoder, ring, gpu, state: State::Reading, open_gate: 0 }
    }

    /// Asks it to end.
    pub fn end(&mut self) {
        self.state = State::Ending;
    }

    /// Whether it was asked to end.
    pub fn is_ending(&self) -> bool {
        self.state == State::Ending
    }

    /// Whether it was asked to end and the GPU is done with it.
    pub fn has_ended(&self) -> bool {
        self.is_ending() && self.gpu.as_ref().is_none_or(Context::is_idle)
    }

    /// Whether its ring is read now, so that a record in it is worth waking up for.
    pub fn is_reading(&self) -> bool {
        self.state == State::Reading
    }

    /// Whether it waits for something that rings no doorbell.
    pub fn waits_silently(&self) -> bool {
        matches!(self.state, State::AtFence { .. } | State::Ending)
    }

    /// Opens its gates up to a number.
    pub fn open_gate(&mut self, number: u64) {
        self.open_gate = self.open_gate.max(number);
    }

    /// The consuming end of its ring.
    pub fn ring(&mut self) -> &mut Consumer<Part> {
        &mut self.ring
    }

    /// Frees what the GPU is done with.
    pub fn collect(&mut self) {
        if let Some(gpu) = &mut self.gpu {
            gpu.collect();
        }
    }

    /// Executes up to `limit` records, as long as nothing holds the ring and `ring0_waits` says no.
    ///
    /// A record may refer to what ring 0 said before the record was published (a heap range, above all). So ring 0 is looked at
    /// once the record is seen, and comes first.
    ///
    /// `completed` tells what another context has completed. `local` has room for the largest record.
    ///
    /// # Errors
    /// The event that tells why the context is poisoned now.
    pub fn turn(
        &mut self,
        limit: u64,
        local: &mut [u64],
        completed: impl Fn(u32) -> Option<u64>,
        mut ring0_waits: impl FnMut() -> bool,
    ) -> (Turn, Result<(), Poisoned>) {
        let mut turn = Turn::default();
        while turn.records < limit && self.may_read(&completed) {
            // A corrupt ring is for the pop to find.
            if self.ring.is_empty() == Ok(true) || ring0_waits() {
                break;
            }
            let position = self.ring.consumed();
            let words = match pop(&mut self.ring, local) {
                Ok(Some(words)) => words,
                Ok(None) => break,
                Err(corrupt) => {
                    let fault = Fault::new(error_code::CORRUPT_RING, corrupt.to_string());
                    return (turn, Err(self.poison(fault, 0, position)));
                }
            };
            turn.records += 1;
            turn.bytes += size_of_val(words) as u64;
            turn.wake |= self.ring.wake_due();
            let opcode = words.first().map_or(0, |word| (word >> 32) as u16);
            if let Err(fault) = self.execute(words, &completed) {
                return (turn, Err(self.poison(fault, opcode, position)));
            }
        }
        turn.wake |= self.ring.kick();
        (turn, Ok(()))
    }

    fn execute(&mut self, words: &[u64], completed: &impl Fn(u32) -> Option<u64>) -> Result<(), Fault> {
        let Some(gpu) = &mut self.gpu else {
            return Err(Fault::object(self.number, "a context that the GPU could not make"));
        };
        match self.decoder.step(words, gpu)? {
            Step::Continue => {}
            Step::Fence(value) => gpu.fence(value, Instant::now())?,
            Step::Gate(number) => self.state = State::AtGate(number),
            Step::WaitFence { context, value } => {
                if context == self.number || completed(context).is_none() {
                    return Err(Fault::argument(format!("a wait for context {context}")));
                }
                self.state = State::AtFence { context, value };
            }
        }
        Ok(())
    }

    /// Submits what was recorded up to a batch, and gives the work up to there that is not finished.
    ///
    /// A poisoned context submits nothing any more. One whose submission fails is poisoned by that, as the second value tells.
    pub fn submit_until(&mut self, batch: u64) -> (Option<Work>, Option<Poisoned>) {
        let Some(gpu) = &mut self.gpu else { return (None, None) };
        let failed = match self.state {
            State::Poisoned | State::Ending => None,
            _ => gpu.flush(batch).err(),
        };
        let work = gpu.unfinished(batch);
        (work, failed.and_then(|fault| self.poison_from_outside(fault)))
    }

    /// Whether the ring may be read; lets go of it when what it waits for has come.
    fn may_read(&mut self, completed: &impl Fn(u32) -> Option<u64>) -> bool {
        let free = match self.state {
            State::Reading => return true,
            State::AtGate(number) => number <= self.open_gate,
            State::AtFence { context, value } => completed(context).is_some_and(|done| done >= value),
            State::Poisoned | State::Ending => false,
        };
        if free {
            self.state = State::Reading;
        }
        free
    }

    fn poison(&mut self, fault: Fault, opcode: u16, position: u64) -> Poisoned {
        self.state = State::Poisoned;
        let event = ContextError {
            context: self.number,
            code: fault.code,
            opcode: opcode.into(),
            object: fault.object,
            position,
        };
        (event, fault)
    }

    /// Poisons it for a reason that is no record's fault; none when it is poisoned or ending already.
    pub fn poison_from_outside(&mut self, fault: Fault) -> Option<Poisoned> {
        match self.state {
            State::Poisoned | State::Ending => None,
            _ => {
                let position = self.ring.consumed();
                Some(self.poison(fault, 0, position))
            }
        }
    }
}

/// Copies the next record out, header word included.
///
/// # Errors
/// [`Corrupt`] when the ring's rules are broken.
pub fn pop<'l>(ring: &mut Consumer<Part>, local: &'l mut [u64]) -> Result<Option<&'l [u64]>, Corrupt> {
    let Some(record) = ring.pop_into(local)? else { return Ok(None) };
    let words = record.ring_bytes() / 8;
    Ok(local.get(..words))
}

/// Whether an opcode's position helps to find a fault: for logs.
pub fn opcode_name(opcode: u32) -> &'static str {
    let found = command::CommandRef::OPCODES.iter().find(|(code, _)| u32::from(*code) == opcode);
    found.map_or("no record", |(_, name)| name)
}
