//! One context with all that a command needs: the stream, the heap, the upload arena, object numbers and the kernel.
//!
//! This is where memory and fences meet: memory that the host still reads comes back by waiting for it, and only here.

use pvgpu_protocol::telemetry::Level;
use pvgpu_ring::BadMemory;

use crate::arena::{Arena, CHUNK_BYTES, LARGEST_PIECE, Piece};
use crate::error::Error;
use crate::heap::{Block, Heap};
use crate::ids::Ids;
use crate::kernel::{Kernel, Mapped};
use crate::serializer::Record;
use crate::stream::Stream;

/// The parts of a context that commands go through.
pub struct Context {
    /// The kernel's services.
    pub kernel: Box<dyn Kernel>,
    /// The ring and its fences.
    pub stream: Stream,
    /// Numbers of objects.
    pub ids: Ids,
    number: u32,
    heap: Heap,
    arena: Arena,
}

impl Context {
    /// Takes over a context that the kernel has mapped.
    ///
    /// # Errors
    /// [`BadMemory`] when the ring or the fence line has an impossible size.
    pub fn new(kernel: Box<dyn Kernel>, mapped: Mapped) -> Result<Self, BadMemory> {
        let stream = Stream::new(&mapped)?;
        let heap = Heap::new(mapped.heap);
        Ok(Self {
            kernel,
            stream,
            ids: Ids::default(),
            number: mapped.context,
            heap,
            arena: Arena::default(),
        })
    }

    /// The context's number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Appends a command to the stream; see [`Stream::emit`].
    ///
    /// # Errors
    /// As [`Stream::emit`].
    #[inline(always)]
    pub fn emit<C: Record>(&mut self, command: &C) -> Result<(), Error> {
        self.stream.emit(&mut *self.kernel, command)
    }

    /// Appends a draw or dispatch; see [`Stream::emit_draw`].
    ///
    /// # Errors
    /// As [`Stream::emit`].
    #[inline(always)]
    pub fn emit_draw<C: Record>(&mut self, command: &C) -> Result<(), Error> {
        self.stream.emit_draw(&mut *self.kernel, command)
    }

    /// Hands everything so far to the GPU and the scheduler; tells whether there was anything.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`], or what the submission returned.
    pub fn flush(&mut self) -> Result<bool, Error> {
        let flushed = self.stream.flush(&mut *self.kernel)?;
        let completed = self.stream.completed();
        self.heap.reclaim(&mut *self.kernel, completed);
        Ok(flushed)
    }

    /// Makes sure that fence `value` will complete: flushes if it is not in the ring yet.
    ///
    /// # Errors
    /// As [`Context::flush`].
    pub fn flush_through(&mut self, value: u64) -> Result<(), Error> {
        if self.stream.needs_flush(value) {
            self.flush()?;
        }
        Ok(())
    }

    /// Waits until fence `value` has completed, flushing first if need be.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn wait(&mut self, value: u64) -> Result<(), Error> {
        self.flush_through(value)?;
        self.stream.wait(&mut *self.kernel, value)
    }

    /// Waits for a fence unless it has completed.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn wait_if_busy(&mut self, value: u64) -> Result<(), Error> {
        if value > self.stream.completed() { self.wait(value) } else { Ok(()) }
    }

    /// Memory for one upload; [`Context::close`] it once the command that reads it is in the ring.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    #[inline]
    pub fn upload(&mut self, bytes: u64, align: u64) -> Result<Piece, Error> {
        match self.arena.bump(bytes, align) {
            Some(piece) => Ok(piece),
            None => self.upload_slowly(bytes, align),
        }
    }

    /// Ends the use of upload memory: it is read by what is in the ring, and by nothing later.
    #[inline]
    pub fn close(&mut self, piece: Piece) {
        let fence = self.stream.next_fence();
        if let Some(block) = self.arena.close(piece, fence) {
            self.heap.free_after(block, fence);
        }
    }

    /// Long-lived memory.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn allocate(&mut self, bytes: u64, align: u64) -> Result<Block, Error> {
        loop {
            let completed = self.stream.completed();
            self.heap.reclaim(&mut *self.kernel, completed);
            match self.heap.allocate(&mut *self.kernel, bytes, align) {
                Err(Error::OutOfMemory) => {}
                result => return result,
            }
            let fence = self.heap.pending_fence().ok_or(Error::OutOfMemory)?;
            self.wait(fence)?;
        }
    }

    /// Gives back long-lived memory that commands in the ring may still use.
    pub fn free(&mut self, block: Block) {
        let fence = self.stream.next_fence();
        self.heap.free_after(block, fence);
    }

    /// Reports an error of the DDI call in progress to the runtime, and to people who watch.
    #[cold]
    pub fn report(&mut self, entry: u64, error: Error) {
        use pvgpu_protocol::telemetry::code::{UMD_ERROR, UMD_UNSUPPORTED};
        self.kernel.set_error(error);
        if error.is_worth_a_trace() {
            let code = if matches!(error, Error::Unsupported(_)) { UMD_UNSUPPORTED } else { UMD_ERROR };
            // CAST: the HRESULT's bits.
            let hresult = u64::from(error.hresult() as u32);
            self.kernel.trace(Level::Warning, code, [entry, hresult, 0, 0]);
        }
    }

    #[cold]
    fn upload_slowly(&mut self, bytes: u64, align: u64) -> Result<Piece, Error> {
        if bytes > LARGEST_PIECE {
            let block = self.allocate(bytes, align)?;
            return Ok(self.arena.single(block, bytes));
        }
        self.next_chunk()?;
        // A fresh chunk holds any piece up to the largest, at any alignment that a format asks for.
        self.arena.bump(bytes, align).ok_or(Error::OutOfMemory)
    }

    /// Makes a chunk current that has room: a free one, a new one, or one that is worth waiting for.
    fn next_chunk(&mut self) -> Result<(), Error> {
        let completed = self.stream.completed();
        if self.arena.recycle(completed) {
            return Ok(());
        }
        let fence = self.arena.next_free();
        if self.arena.may_grow() || fence.is_none() {
            match self.allocate(CHUNK_BYTES, 1) {
                Ok(block) => {
                    self.arena.add(block);
                    return Ok(());
                }
                Err(Error::OutOfMemory) if fence.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        let fence = fence.ok_or(Error::OutOfMemory)?;
        self.wait(fence)?;
        let completed = self.stream.completed();
        if self.arena.recycle(completed) { Ok(()) } else { Err(Error::OutOfMemory) }
    }
}
