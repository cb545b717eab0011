//! One context as the worker runs it: its ring, its decoder, its GPU state, and whether its ring is held.

use std::time::{Duration, Instant};

use pvgpu_protocol::Command;
use pvgpu_protocol::command::{self, HeapRange};
use pvgpu_protocol::event::{ContextError, error_code};
use pvgpu_ring::{Consumer, Corrupt};

use crate::decoder::{Decoder, Step};
use crate::fault::Fault;
use crate::memory::Part;
use crate::record::ContextTap;
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
    /// Held at a record that opens what no context shares yet.
    AtShare,
    /// Nothing is executed any more.
    Poisoned,
    /// Asked to end; waits for the GPU.
    Ending,
}

/// TIMEOUT: how long a context waits for another to share a resource: as long as a frame of the other may take to decode, with
/// much to spare; the guest's processes are told of each other by its kernel, so that a token nobody shares is a mistake.
const SHARE_PATIENCE: Duration = Duration::from_secs(5);

/// TIMEOUT: the same where the guest is answered. Its programs wait for that.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// A record that is decoded again, and since when.
struct Held {
    words: Vec<u64>,
    since: Instant,
}

/// What a ring held that might run at some time.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// The ring's context.
    pub context: u32,
    /// Where it ended.
    position: u64,
    /// The last gate that was open.
    gate: u64,
}

/// What gates wait for that are open.
struct Behind {
    /// Those above this number.
    above: u64,
    others: Vec<Backlog>,
}

/// Open gates of a context that may wait for others. Beyond that, gates are opened without waiting: a guest whose programs have so
/// many submissions under way at once loses their order, not the host its memory.
const MAX_BEHIND: usize = 1024;

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
    /// What its open gates wait for, in the order in which they were opened.
    behind: Vec<Behind>,
    held: Option<Held>,
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
        Self {
            number,
            process,
            ring_range,
            decoder,
            ring,
            gpu,
            state: State::Reading,
            open_gate: 0,
            behind: Vec::new(),
            held: None,
        }
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

    /// Whether it executes nothing any more.
    pub fn is_poisoned(&self) -> bool {
        self.state == State::Poisoned
    }

    /// The context and the value of the fence that it waits for, if it does.
    pub fn waits_for(&self) -> Option<(u32, u64)> {
        match self.state {
            State::AtFence { context, value } => Some((context, value)),
            _ => None,
        }
    }

    /// Whether the GPU is done with what was submitted.
    pub fn is_idle(&self) -> bool {
        self.gpu.as_ref().is_none_or(Context::is_idle)
    }

    /// Whether it waits for something that rings no doorbell.
    pub fn waits_silently(&self) -> bool {
        matches!(self.state, State::AtFence { .. } | State::AtShare | State::Ending)
            || !self.behind.is_empty()
    }

    /// Opens its gates up to a number, once other rings have been read so far.
    ///
    /// What the guest's kernel let run before is in those rings already; it reaches the GPU first.
    pub fn open_gate(&mut self, number: u64, others: Vec<Backlog>) {
        if number <= self.open_gate {
            return;
        }
        if !others.is_empty() && self.behind.len() < MAX_BEHIND {
            self.behind.push(Behind { above: self.open_gate, others });
        }
        self.open_gate = number;
    }

    /// Whether it stays at its gate until other rings have been read further.
    pub fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// What its ring holds now that may run; none when nothing does.
    pub fn backlog(&self) -> Option<Backlog> {
        let backlog = Backlog { context: self.number, position: self.ring.published(), gate: self.open_gate };
        (self.may_run(backlog.gate) && backlog.position != self.ring.consumed()).then_some(backlog)
    }

    /// Whether the ring is read, or would be but for the rings that a gate up to this one waits for.
    fn may_run(&self, gate: u64) -> bool {
        match self.state {
            State::Reading => true,
            State::AtGate(number) => number <= gate,
            _ => false,
        }
    }

    /// Forgets what need not be waited for any more.
    pub fn retain_behind(&mut self, mut still: impl FnMut(&Backlog) -> bool) {
        for behind in &mut self.behind {
            behind.others.retain(&mut still);
        }
        self.behind.retain(|behind| !behind.others.is_empty());
    }

    /// Whether a backlog of its ring is not read yet. What is behind gates that were opened later does not belong to it, so that
    /// no two contexts wait for each other.
    pub fn has(&mut self, backlog: &Backlog) -> bool {
        // Wrapping differences, as everywhere in rings.
        let left = backlog.position.wrapping_sub(self.ring.consumed());
        self.may_run(backlog.gate) && left != 0 && left <= u64::MAX / 2 && self.ring.is_empty() == Ok(false)
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
        if self.state == State::AtShare
            && let Err(poisoned) = self.open_held(&completed)
        {
            return (turn, Err(poisoned));
        }
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
            if let Err(poisoned) = self.step(words, position, &completed) {
                return (turn, Err(poisoned));
            }
        }
        turn.wake |= self.ring.kick();
        (turn, self.end_turn())
    }

    /// To be called once the records of a turn are executed, before another context has its turn.
    ///
    /// # Errors
    /// The event that tells why the context is poisoned now.
    pub fn end_turn(&mut self) -> Result<(), Poisoned> {
        let ended = self.gpu.as_mut().map_or(Ok(()), Context::end_turn);
        let position = self.ring.consumed();
        ended.map_err(|fault| self.poison(fault, 0, position))
    }

    /// Whether it waits for another context to share a resource.
    pub fn is_at_share(&self) -> bool {
        self.state == State::AtShare
    }

    /// Decodes the record at which the ring is held once more.
    ///
    /// # Errors
    /// The event that tells why the context is poisoned now.
    pub fn open_held(&mut self, completed: &impl Fn(u32) -> Option<u64>) -> Result<(), Poisoned> {
        let Some(Held { words, since }) = self.held.take() else { return Ok(()) };
        self.state = State::Reading;
        let opcode = words.first().map_or(0, |word| (word >> 32) as u16);
        let mut result = self.execute(&words, completed);
        if result.is_ok() && self.state == State::AtShare {
            let answered = opcode == command::TryOpenSharedResource::OPCODE;
            if since.elapsed() < if answered { ANSWER_PATIENCE } else { SHARE_PATIENCE } {
                self.held = Some(Held { words, since });
            } else {
                result = self.decoder.refuse_open(&words);
                self.state = State::Reading;
            }
        }
        let position = self.ring.consumed();
        result.map_err(|fault| self.poison(fault, opcode, position))
    }

    /// Executes a record that was taken from the ring, or was once.
    ///
    /// # Errors
    /// The event that tells why the context is poisoned now.
    pub fn step(
        &mut self,
        words: &[u64],
        position: u64,
        completed: &impl Fn(u32) -> Option<u64>,
    ) -> Result<(), Poisoned> {
        if let Some(ContextTap { tap, context }) = &self.decoder.tap {
            tap.record(*context, position, words, completed);
        }
        let opcode = words.first().map_or(0, |word| (word >> 32) as u16);
        self.execute(words, completed).map_err(|fault| self.poison(fault, opcode, position))
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
            Step::AwaitShare => {
                self.state = State::AtShare;
                self.held = Some(Held { words: words.to_vec(), since: Instant::now() });
            }
        }
        Ok(())
    }

    /// Moves what the GPU reads in a part of the heap out of it, before the range is another's. A context that cannot is poisoned
    /// by that.
    pub fn leave_heap(&mut self, range: HeapRange) -> Option<Poisoned> {
        let result = self.gpu.as_mut().map_or(Ok(()), |gpu| gpu.leave_heap(range));
        result.err().and_then(|fault| self.poison_from_outside(fault))
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
    pub fn may_read(&mut self, completed: &impl Fn(u32) -> Option<u64>) -> bool {
        let free = match self.state {
            State::Reading => return true,
            State::AtGate(number) => {
                number <= self.open_gate && self.behind.iter().all(|behind| behind.above >= number)
            }
            State::AtFence { context, value } => completed(context).is_some_and(|done| done >= value),
            State::AtShare | State::Poisoned | State::Ending => false,
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
