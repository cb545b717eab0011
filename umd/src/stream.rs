//! The context's command stream: records encoded in place in its ring, and the fences that tell how far the host is.
//!
//! A record is visible to the host as soon as it is complete, so the host works while the program still encodes the frame;
//! no kernel call stands in between. What costs time happens rarely: a full ring, a sleeping host, a fence to wait for.
//!
//! # Invariants
//! - With gates, the ring holds a gate that is closed, and behind it what was not submitted yet: no wait may rely on that.
//! - Fence values rise by one with each `Fence` record, from 1.
//! - A removed stream stays removed. Its commands are dropped once the ring is full; the runtime hears of it with the first
//!   flush or wait.

use core::hint::spin_loop;
use core::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::fence_cell;
use pvgpu_protocol::command::{Fence, Gate};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{FenceMarker, PrivateHeader, kind};
use pvgpu_protocol::limits::MAX_RECORD_BYTES;
use pvgpu_protocol::record::HEADER_BYTES;
use pvgpu_protocol::telemetry::{Level, code};
use pvgpu_ring::{BadMemory, FenceReader, Producer, ReserveError};

use crate::error::Error;
use crate::kernel::{Cells, Kernel, Mapped, Wait};
use crate::serializer::{Record, publish, publish_anywhere};

/// Draws and dispatches after which a fence is emitted without a kernel call, so that the GPU starts on a long frame before
/// its end and upload memory comes back in time. A fence is one 16-byte record; at 256 it is lost in the noise of
/// `benches/encode.rs`, and the host still submits at most a few times for a frame of a thousand draws.
const DRAWS_PER_FENCE: u32 = 256;
/// Draws since the last flush after which records may be held for a moment. Programs that draw less want the host to begin at once;
/// with those that draw more, a host that takes each record by itself takes its cache line too.
const BUSY: u32 = 16;
/// Bytes that a `Fence` and a `Gate` record take at most, with the end of the ring between them.
const GATE_MARGIN: usize = 64;
/// Polls of a fence or of a full ring before the thread sleeps. About 50 µs at 10 to 20 ns a poll, which is the host's usual
/// answer time for small work; longer spins take the core from a host on the same machine.
const POLLS: u32 = 3000;
/// How long one sleep in the kernel lasts at most, in milliseconds: the bound after which a lost wake-up is noticed.
const SLEEP_MS: u32 = 100;
/// TIMEOUT: the longest wait for a living host before the device counts as removed. A guess: well above the host's own
/// watchdog (10 s), which ends a stuck worker first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command stream of one context.
#[derive(Debug)]
pub struct Stream {
    producer: Producer<Cells>,
    reader: FenceReader<Cells>,
    /// The fence line, for its error cell.
    line: Cells,
    context: u32,
    /// The last fence value in the ring.
    emitted: u64,
    /// The last fence value the kernel was told of.
    submitted: u64,
    /// The last fence value known to be complete.
    completed: u64,
    /// The ring position right behind the last `Fence` record.
    fence_position: u64,
    /// Draws and dispatches since the last fence.
    draws: u32,
    /// Draws and dispatches since the last flush.
    since_flush: u32,
    removed: bool,
    /// The gate at which this submission begins, in a context that others must be ordered with; 0 in all others.
    gate: u64,
    /// The ring position right behind that gate.
    gate_position: u64,
    /// Room that commands leave for what ends a submission: as long as its gate is closed, the host makes none.
    margin: usize,
}

impl Stream {
    /// Takes the ring of a fresh context.
    ///
    /// # Errors
    /// [`BadMemory`] when the ring or the fence line has an impossible size.
    pub fn new(mapped: &Mapped) -> Result<Self, BadMemory> {
        Ok(Self {
            producer: Producer::new(mapped.ring, 0)?,
            reader: FenceReader::new(mapped.fence, 0)?,
            line: mapped.fence,
            context: mapped.context,
            emitted: 0,
            submitted: 0,
            completed: 0,
            fence_position: 0,
            draws: 0,
            since_flush: 0,
            removed: false,
            gate: 0,
            gate_position: 0,
            margin: 0,
        })
    }

    /// Appends one command.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`] when the ring is full and nobody empties it any more; [`Error::OutOfMemory`] when the command
    /// exceeds a record.
    #[inline(always)]
    pub fn emit<C: Record>(&mut self, kernel: &mut dyn Kernel, command: &C) -> Result<(), Error> {
        let bound = command.record_bound();
        if bound > MAX_RECORD_BYTES {
            return Err(Error::OutOfMemory);
        }
        let payload = (bound - HEADER_BYTES) as usize + self.margin;
        match self.producer.reserve_cells(payload) {
            Some(reservation) => {
                let hold = self.since_flush >= BUSY;
                let published = publish(command, reservation, hold).ok_or(Error::OutOfMemory)?;
                if published.wake {
                    kernel.ring_doorbell();
                }
                Ok(())
            }
            None => self.emit_slowly(kernel, command, payload),
        }
    }

    /// Appends a command at the ring's end, or after a look at how far the host is, or when it has made room.
    #[cold]
    #[inline(never)]
    fn emit_slowly<C: Record>(
        &mut self,
        kernel: &mut dyn Kernel,
        command: &C,
        payload: usize,
    ) -> Result<(), Error> {
        loop {
            match self.producer.reserve(payload) {
                Ok(reservation) => {
                    let published = publish_anywhere(command, reservation).ok_or(Error::OutOfMemory)?;
                    if published.wake {
                        kernel.ring_doorbell();
                    }
                    return Ok(());
                }
                Err(error) => self.wait_for_room(kernel, error, payload)?,
            }
        }
    }

    /// Appends a draw or dispatch, and now and then a fence.
    ///
    /// # Errors
    /// As [`Stream::emit`].
    #[inline(always)]
    pub fn emit_draw<C: Record>(&mut self, kernel: &mut dyn Kernel, command: &C) -> Result<(), Error> {
        self.emit(kernel, command)?;
        self.draws += 1;
        self.since_flush = self.since_flush.saturating_add(1);
        if self.draws >= DRAWS_PER_FENCE {
            self.fence(kernel)?;
            self.kick(kernel);
            if self.gate != 0 {
                self.flush(kernel)?;
            }
        }
        Ok(())
    }

    /// From now on each submission waits until the kernel lets it run: dxgkrnl orders this context with others.
    ///
    /// # Errors
    /// As [`Stream::flush`].
    pub fn begin_gates(&mut self, kernel: &mut dyn Kernel) -> Result<(), Error> {
        if self.gate != 0 {
            return Ok(());
        }
        self.flush(kernel)?;
        self.next_gate(kernel)
    }

    /// Appends the gate of the submission that begins now.
    fn next_gate(&mut self, kernel: &mut dyn Kernel) -> Result<(), Error> {
        self.margin = 0;
        self.gate += 1;
        self.emit(kernel, &Gate { number: self.gate })?;
        self.gate_position = self.producer.published();
        self.margin = GATE_MARGIN;
        Ok(())
    }

    /// Whether fence `value` will not complete before a flush.
    pub fn needs_flush(&self, value: u64) -> bool {
        value > if self.gate == 0 { self.emitted } else { self.submitted }
    }

    /// Appends a fence and returns its value.
    ///
    /// # Errors
    /// As [`Stream::emit`].
    pub fn fence(&mut self, kernel: &mut dyn Kernel) -> Result<u64, Error> {
        let value = self.next_fence();
        self.emit(kernel, &Fence { value })?;
        self.emitted = value;
        self.fence_position = self.producer.published();
        self.draws = 0;
        Ok(value)
    }

    /// The value of the fence that will follow what is in the ring now.
    #[inline]
    pub fn next_fence(&self) -> u64 {
        self.emitted + 1
    }

    /// Whether there are records behind the last fence.
    pub fn has_unfenced(&self) -> bool {
        let published = self.producer.published();
        published != self.fence_position && (self.gate == 0 || published != self.gate_position)
    }

    /// The last fence value known to be complete, read anew.
    pub fn completed(&mut self) -> u64 {
        match self.reader.poll() {
            Ok(value) => self.completed = value,
            Err(_) => self.removed = true,
        }
        self.completed
    }

    /// Whether the host is gone or has poisoned the context.
    pub fn is_removed(&mut self) -> bool {
        let error = self.line.get(fence_cell::ERROR).map_or(0, |cell| cell.load(Ordering::Relaxed));
        self.removed |= error != u64::from(error_code::NONE);
        self.removed
    }

    /// Wakes the host if it sleeps although there are new records.
    pub fn kick(&mut self, kernel: &mut dyn Kernel) {
        if self.producer.kick() {
            kernel.ring_doorbell();
        }
    }

    /// Hands everything so far to the GPU and to the scheduler. Tells whether there was anything.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`], or what the submission returned.
    pub fn flush(&mut self, kernel: &mut dyn Kernel) -> Result<bool, Error> {
        if self.has_unfenced() {
            self.fence(kernel)?;
        }
        self.kick(kernel);
        self.since_flush = 0;
        if self.is_removed() {
            return Err(Error::DeviceRemoved);
        }
        if self.submitted == self.emitted {
            return Ok(false);
        }
        let marker = self.marker(0);
        kernel.render(&marker).inspect_err(|error| self.removed |= *error == Error::DeviceRemoved)?;
        self.submitted(kernel)?;
        Ok(true)
    }

    /// The marker of the last fence in the ring. The caller hands it to the kernel and then calls [`Stream::submitted`].
    pub fn marker(&self, frame: u32) -> FenceMarker {
        FenceMarker {
            header: PrivateHeader::new(kind::FENCE_MARKER),
            context: self.context,
            frame,
            position: self.fence_position,
            value: self.emitted,
            gate: self.gate,
        }
    }

    /// Notes that the kernel was told of the last fence.
    ///
    /// # Errors
    /// As [`Stream::emit`].
    pub fn submitted(&mut self, kernel: &mut dyn Kernel) -> Result<(), Error> {
        self.submitted = self.emitted;
        if self.gate == 0 { Ok(()) } else { self.next_gate(kernel) }
    }

    /// Waits until fence `value` has completed; the caller has emitted and flushed it.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`] when it never will.
    pub fn wait(&mut self, kernel: &mut dyn Kernel, value: u64) -> Result<(), Error> {
        if self.completed() >= value {
            return Ok(());
        }
        let begin = Instant::now();
        let result = self.wait_slowly(kernel, value, begin);
        let nanoseconds = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        kernel.trace(Level::Verbose, code::UMD_WAITED, [value, nanoseconds, 0, 0]);
        result
    }

    fn wait_slowly(&mut self, kernel: &mut dyn Kernel, value: u64, begin: Instant) -> Result<(), Error> {
        self.kick(kernel);
        for _ in 0..POLLS {
            if self.completed() >= value {
                return Ok(());
            }
            spin_loop();
        }
        while !self.is_removed() && begin.elapsed() < PATIENCE {
            match kernel.wait_for_fence(value, SLEEP_MS) {
                Wait::Reached => return Ok(()),
                Wait::Timeout => {}
                Wait::Removed => break,
            }
        }
        self.removed = true;
        Err(Error::DeviceRemoved)
    }

    /// Waits until the ring has room, with the error that the last reservation gave.
    #[cold]
    fn wait_for_room(
        &mut self,
        kernel: &mut dyn Kernel,
        error: ReserveError,
        payload: usize,
    ) -> Result<(), Error> {
        match error {
            ReserveError::Full if self.is_removed() => return Err(Error::DeviceRemoved),
            ReserveError::Full
                if self.margin != 0 && (self.has_unfenced() || self.submitted != self.emitted) =>
            {
                // The host stands at this submission's gate. The fence and the next gate take the room that was left.
                self.margin = 0;
                return self.flush(kernel).map(drop);
            }
            ReserveError::Full => {}
            ReserveError::TooLarge { .. } => return Err(Error::OutOfMemory),
            ReserveError::Corrupt(_) => {
                self.removed = true;
                return Err(Error::DeviceRemoved);
            }
        }
        self.kick(kernel);
        let begin = Instant::now();
        for _ in 0..POLLS {
            if self.producer.reserve(payload).is_ok() {
                return Ok(());
            }
            spin_loop();
        }
        // The kernel wakes for fences, not for room. So: sleep until the oldest fence under way, or a moment if there is none.
        while begin.elapsed() < PATIENCE {
            let oldest = self.completed() + 1;
            let waited = kernel.wait_for_fence(oldest.min(self.emitted), 1);
            if waited == Wait::Removed || self.is_removed() {
                break;
            }
            if self.producer.reserve(payload).is_ok() {
                return Ok(());
            }
            if waited == Wait::Reached {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
        self.removed = true;
        Err(Error::DeviceRemoved)
    }
}
