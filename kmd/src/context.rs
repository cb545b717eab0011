//! The contexts: their numbers, what each owns, and how far each is in its life.
//!
//! A context's number is also its ring's and its fence line's. It is used again only after the host has said that the
//! context ended and has zeroed the line; until then its memory is not touched.

use alloc::vec::Vec;

use pvgpu_protocol::aperture::{Layout, RingRegion, fence_cell};
use pvgpu_protocol::command::HeapRange;
use pvgpu_protocol::limits::MAX_CONTEXTS;
use pvgpu_ring::{Corrupt, FenceReader, IrqRequest};

use crate::bring_up::load;
use crate::kernel::{Event, Kernel};
use crate::region::Region;
use crate::status::{Handle, Status};

/// Heap ranges that a context may have.
pub(crate) const MAX_RANGES: usize = 4096;

/// How far a context is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its memory is being prepared; the host does not know of it.
    Beginning,
    /// The host serves it.
    Live,
    /// The host executes it no more: a code of [`pvgpu_protocol::event::error_code`].
    Poisoned { code: u32 },
    /// Nobody has a handle to it any more.
    Ending(End),
}

/// How far a context is in its end. Its memory is not anybody else's before the last step is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is being unmapped from its process.
    Unmapping,
    /// The host is to be asked to end it; ring 0 may have had no room.
    Unasked,
    /// The host was asked and has not answered.
    Asked,
}

/// A part of the heap that a context owns, as its process sees it.
pub(crate) struct Granted<K: Kernel> {
    /// Where it lies.
    pub(crate) range: HeapRange,
    /// Its mapping.
    pub(crate) mapping: K::UserMapping,
    /// The host knows of it.
    pub(crate) told: bool,
}

/// A part of the heap that a context owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revoked {
    /// Where it lies.
    pub(crate) range: HeapRange,
    /// What must be over before it is somebody else's.
    pub(crate) until: Until,
}

/// What keeps a revoked range from being free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// A thread is about to unmap it from its process. If the context is gone by then, that thread frees it.
    Unmapped,
    /// The host is done with it when the context ends.
    ContextEnds,
    /// The host is done with it behind ring 0's fence of this value.
    Fence(u64),
}

/// The mappings that every context has.
pub(crate) struct Mappings<K: Kernel> {
    /// The ring's region.
    pub(crate) ring: K::UserMapping,
    /// The fence page.
    pub(crate) fences: K::UserMapping,
}

/// A thread that sleeps until a fence.
pub(crate) struct Waiter<K: Kernel> {
    /// The value.
    pub(crate) value: u64,
    /// Which one of the context's waiters.
    pub(crate) id: u64,
    /// Set once, when the fence is reached or never will be.
    pub(crate) event: K::Event,
    /// The event was set.
    pub(crate) woken: bool,
}

/// A fence of the context's ring, as the last `Render` named it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Ring position behind the `Fence` record.
    pub(crate) position: u64,
    /// The fence's value.
    pub(crate) value: u64,
    /// The gate before it, 0 for none.
    pub(crate) gate: u64,
    /// The presented frame.
    pub(crate) frame: u32,
}

/// One context.
pub(crate) struct Context<K: Kernel> {
    /// Tells this context from others that had or will have its number.
    pub(crate) generation: u64,
    /// The device.
    pub(crate) device: u64,
    /// The device's process.
    pub(crate) process: u32,
    /// [`crate::core_state::Core::epoch`] when it began: a host of another one does not know it.
    pub(crate) epoch: u64,
    /// How far it is.
    pub(crate) life: Life,
    /// Its ring, in the heap.
    pub(crate) ring: RingRegion,
    /// Its mappings, from the end of `Beginning` to the begin of `Ending`.
    pub(crate) mappings: Option<Mappings<K>>,
    /// Its heap ranges; the first is the one it began with.
    pub(crate) ranges: Vec<Granted<K>>,
    /// Ranges that its process has no more, and that are not free before the host is done with them.
    pub(crate) revoked: Vec<Revoked>,
    /// Its fence.
    pub(crate) fence: FenceReader<Region<K::Aperture>>,
    /// Its interrupt request.
    pub(crate) request: IrqRequest<Region<K::Aperture>>,
    /// Cell of the fence line's error code.
    error_cell: usize,
    /// Who sleeps on it.
    pub(crate) waiters: Vec<Waiter<K>>,
    /// The highest protocol fence that was submitted.
    pub(crate) submitted: u64,
    /// The last rendered marker.
    pub(crate) marker: Marker,
    /// The highest gate that was to be opened, and the highest that ring 0 was told to open.
    pub(crate) gate_wanted: u64,
    pub(crate) gate_opened: u64,
}

impl<K: Kernel> Context<K> {
    /// The completed fence value; 0 before anything completed.
    pub(crate) fn completed(&mut self) -> Result<u64, Corrupt> {
        self.fence.poll()
    }

    /// The error code in the fence line, 0 for none.
    pub(crate) fn line_error(&self, aperture: &K::Aperture) -> u32 {
        // CAST: codes are small; a larger value is some unknown code.
        u32::try_from(load(aperture, self.error_cell)).unwrap_or(u32::MAX)
    }

    /// Whether it only waits for the host to end it.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.life, Life::Ending(_))
    }

    /// Takes memory for one more range, and for all of them to be revoked at once.
    pub(crate) fn make_room(&mut self) -> Result<(), Status> {
        self.ranges.try_reserve(1).map_err(|_| Status::NoMemory)?;
        self.revoked.try_reserve(self.ranges.len() + 1).map_err(|_| Status::NoMemory)
    }

    /// Takes a range out that begins at `offset` and of which the host was told, or was not.
    pub(crate) fn take_range(&mut self, offset: u64, told: bool) -> Option<Granted<K>> {
        let found = |granted: &Granted<K>| granted.range.offset == offset && granted.told == told;
        let index = self.ranges.iter().position(found)?;
        Some(self.ranges.swap_remove(index))
    }

    /// Whether a range lies inside one of the context's.
    pub(crate) fn owns(&self, range: HeapRange) -> bool {
        let Some(end) = range.offset.checked_add(range.length) else { return false };
        self.ranges
            .iter()
            .any(|own| range.offset >= own.range.offset && end <= own.range.offset + own.range.length)
    }

    /// Wakes the sleepers whose value is at most `value`.
    pub(crate) fn wake(&mut self, value: u64) {
        for waiter in self.waiters.iter_mut().filter(|waiter| !waiter.woken && waiter.value <= value) {
            waiter.woken = true;
            waiter.event.set();
        }
    }

    /// Wakes every sleeper: the context is poisoned or gone.
    pub(crate) fn wake_all(&mut self) {
        self.wake(u64::MAX);
    }

    /// Asks for an interrupt at the lowest of `submitted` and the sleepers' values. True when one of them is reached
    /// already: then no interrupt comes for it.
    pub(crate) fn arm(&mut self, submitted: Option<u64>) -> Result<bool, Corrupt> {
        let sleepers = self.waiters.iter().filter(|waiter| !waiter.woken).map(|waiter| waiter.value);
        match submitted.into_iter().chain(sleepers).min() {
            Some(value) => Ok(!self.request.arm(value, &mut self.fence)?),
            None => Ok(false),
        }
    }

    /// Its region of the heap as one range.
    pub(crate) fn ring_range(&self) -> HeapRange {
        HeapRange { offset: self.ring.offset, length: self.ring.length() }
    }
}

/// A context without a ring: dxgkrnl's own, for paging, and the desktop's, which only presents. It needs no host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelContext {
    /// The device.
    pub(crate) device: u64,
}

/// Set in the handle of a [`KernelContext`]; the handles of others stay below.
pub(crate) const KERNEL_CONTEXT: u64 = 1 << 63;

/// All contexts. Number 0 is ring 0's and never given.
pub(crate) struct ContextTable<K: Kernel> {
    slots: Vec<Option<Context<K>>>,
    generation: u64,
    /// Where the search for a free number begins: the longest unused one comes first.
    next: u32,
}

/// dxgkrnl's handle for a context: generation and number.
pub(crate) const fn handle(number: u32, generation: u64) -> u64 {
    generation * MAX_CONTEXTS as u64 + number as u64
}

/// Number and generation of a handle.
const fn parts(handle: u64) -> (u32, u64) {
    // CAST: below MAX_CONTEXTS.
    ((handle % MAX_CONTEXTS as u64) as u32, handle / MAX_CONTEXTS as u64)
}

impl<K: Kernel> ContextTable<K> {
    /// An empty table; allocates nothing.
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), generation: 0, next: 1 }
    }

    /// Takes the table's memory.
    pub(crate) fn reserve(&mut self) -> Result<(), Status> {
        let count = MAX_CONTEXTS as usize;
        self.slots.try_reserve_exact(count.saturating_sub(self.slots.len())).map_err(|_| Status::NoMemory)?;
        self.slots.resize_with(count, || None);
        Ok(())
    }

    /// Begins a context with a free number and gives its handle.
    pub(crate) fn begin(
        &mut self,
        aperture: &K::Aperture,
        (device, process, epoch): (u64, u32, u64),
        ring: RingRegion,
    ) -> Result<u64, Status> {
        let number = (0..MAX_CONTEXTS)
            .map(|step| (self.next + step) % MAX_CONTEXTS)
            .find(|number| *number != 0 && self.is_free(*number, aperture))
            .ok_or(Status::TooManyContexts)?;
        let (Some(fence_line), Some(request_line)) =
            (Layout::fence_line(number), Layout::request_line(number))
        else {
            return Err(Status::TooManyContexts);
        };
        let whole = Region::new(aperture.clone(), 0, aperture.as_ref().len() as u64 * 8)
            .ok_or(Status::Aperture { bytes: 0 })?;
        self.generation += 1;
        let context = Context {
            generation: self.generation,
            device,
            process,
            epoch,
            life: Life::Beginning,
            ring,
            mappings: None,
            ranges: Vec::new(),
            revoked: Vec::new(),
            fence: FenceReader::new(whole.clone(), fence_line / CELLS_A_LINE)?,
            request: IrqRequest::new(whole, request_line)?,
            error_cell: fence_line + fence_cell::ERROR,
            waiters: Vec::new(),
            submitted: 0,
            marker: Marker::default(),
            gate_wanted: 0,
            gate_opened: 0,
        };
        context.request.disarm();
        *self.slots.get_mut(number as usize).ok_or(Status::TooManyContexts)? = Some(context);
        self.next = (number + 1) % MAX_CONTEXTS;
        Ok(handle(number, self.generation))
    }

    /// Whether nobody has the number and the host has zeroed its fence line.
    fn is_free(&self, number: u32, aperture: &K::Aperture) -> bool {
        let empty = matches!(self.slots.get(number as usize), Some(None));
        empty
            && Layout::fence_line(number).is_some_and(|line| {
                load(aperture, line + fence_cell::COMPLETED) == 0
                    && load(aperture, line + fence_cell::ERROR) == 0
            })
    }

    /// The context with a number.
    pub(crate) fn by_number(&mut self, number: u32) -> Option<&mut Context<K>> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    /// The context with a number, if it is still the one of that generation.
    pub(crate) fn by_generation(&mut self, number: u32, generation: u64) -> Option<&mut Context<K>> {
        self.by_number(number).filter(|context| context.generation == generation)
    }

    /// The context behind dxgkrnl's handle, with its number; a context that is ending is behind none.
    ///
    /// # Errors
    /// [`Status::BadHandle`].
    pub(crate) fn get(&mut self, handle: u64) -> Result<(u32, &mut Context<K>), Status> {
        let (number, generation) = parts(handle);
        let context = self
            .by_generation(number, generation)
            .filter(|context| !context.is_ending())
            .ok_or(Status::BadHandle(Handle::Context))?;
        Ok((number, context))
    }

    /// Takes a context out, by number.
    pub(crate) fn remove(&mut self, number: u32) -> Option<Context<K>> {
        self.slots.get_mut(number as usize)?.take()
    }

    /// All contexts with their numbers.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Context<K>)> {
        (0..).zip(&mut self.slots).filter_map(|(number, slot)| slot.as_mut().map(|context| (number, context)))
    }
}

/// Cells of a fence line.
const CELLS_A_LINE: usize = pvgpu_ring::LINE_BYTES / 8;
