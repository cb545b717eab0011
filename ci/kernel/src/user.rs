//! What a user-mode driver does with the kernel: it encodes records into the ring that was mapped for it, flushes with a fence
//! marker, and waits by escape.

use std::time::{Duration, Instant};

use bytemuck::Pod;
use pvgpu_dxgkrnl::strict::{Context, Device, ListEntry, Process, RenderCommand, UserMemory};
use pvgpu_protocol::Command;
use pvgpu_protocol::aperture::RING_HEADER_BYTES;
use pvgpu_protocol::command::{Draw, Fence, Gate, RecordSerializer, WaitFence, encode};
use pvgpu_protocol::kernel_interface::{
    AllocateHeap, ContextData, ContextState, Doorbell, FenceMarker, FreeHeap, MapContext, PrivateData,
    PrivateHeader, WaitForFence, kind, wait_result,
};
use pvgpu_ring::Producer;

use crate::cells::Cells;
use crate::rig::{Ended, Failure, NtResult};

/// Bytes of a context's ring: the smallest that there is.
pub const RING_BYTES: u64 = 128 << 10;
/// Bytes of heap that a context begins with.
pub const HEAP_BYTES: u64 = 64 << 10;

/// Where a record's bytes go.
type Sinking<'f> = Box<dyn FnMut(&[u8]) + 'f>;

/// A context and its ring. The context ends with its device, or by [`UserContext::destroy`].
pub struct UserContext {
    /// Its device.
    pub device: Device,
    /// The kernel's context.
    pub context: Context,
    /// Where everything is.
    pub map: MapContext,
    /// The value of its last fence.
    pub value: u64,
    /// Rings for a host that sleeps, as a real driver does. Otherwise the host finds records by looking, which keeps the number of
    /// calls the same in each run of a scenario.
    pub rings: bool,
    ring: Producer<Cells>,
    command: UserMemory,
}

/// Private data of a context with the smallest ring.
pub fn context_data() -> ContextData {
    ContextData { header: PrivateHeader::new(kind::CONTEXT), ring_bytes: RING_BYTES, heap_bytes: HEAP_BYTES }
}

/// A request with nothing but its header.
pub fn request<T: PrivateData + Pod>() -> T {
    let mut data = T::zeroed();
    let header = PrivateHeader::new(T::KIND);
    bytemuck::bytes_of_mut(&mut data)[..size_of::<PrivateHeader>()]
        .copy_from_slice(bytemuck::bytes_of(&header));
    data
}

impl UserContext {
    /// `CreateContext`, and the escape that tells where it was mapped.
    ///
    /// # Errors
    /// The driver's status.
    ///
    /// # Panics
    /// When the ring is not as the protocol says.
    pub fn create(process: &Process, device: &Device) -> NtResult<Self> {
        let command = process.allocate(4096)?;
        let context = device.create_context(0, bytemuck::bytes_of(&context_data()))?;
        let mut map: MapContext = request();
        device.request(Some(&context), &mut map)?;
        let ring = Cells::new(map.ring_address, RING_HEADER_BYTES + map.ring_bytes);
        let ring = Producer::new(ring, 0).expect("the driver initialised the ring");
        Ok(Self { device: device.clone(), context, map, value: 0, rings: false, ring, command })
    }

    /// `DestroyContext`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn destroy(self) -> NtResult<()> {
        self.device.destroy_context(&self.context)
    }

    /// An escape for the context: the request becomes the reply.
    ///
    /// # Errors
    /// The driver's status.
    pub fn escape<T: PrivateData>(&self, data: &mut T) -> NtResult<()> {
        self.device.request(Some(&self.context), data)
    }

    /// Encodes a command into the ring.
    ///
    /// # Panics
    /// When the ring is full: no scenario fills one.
    pub fn emit<C>(&mut self, command: &C)
    where
        C: Command + for<'s, 'a, 'f> rkyv::Serialize<RecordSerializer<'s, 'a, Sinking<'f>>>,
    {
        let mut record = self.ring.reserve(command.record_bound() as usize).expect("room");
        let header = {
            let mut sink: Sinking<'_> = Box::new(|bytes| record.write(bytes).expect("fits"));
            encode(command, &mut sink).expect("small")
        };
        let published = record.commit((header.to_word() >> 32) as u32);
        if self.rings && published.wake {
            // A driver that is being stopped rings no more, and nobody waits for it.
            let _ = self.escape(&mut request::<Doorbell>());
        }
    }

    /// A draw call that means nothing.
    pub fn draw(&mut self) {
        self.emit(&Draw { vertex_count: 3, instance_count: 1, start_vertex: 0, start_instance: 0 });
    }

    /// The ring waits until dxgkrnl lets the next submission run.
    pub fn gate(&mut self, number: u64) {
        self.emit(&Gate { number });
    }

    /// The ring waits for another context's fence.
    pub fn wait_fence(&mut self, context: u32, value: u64) {
        self.emit(&WaitFence { context, reserved: 0, value });
    }

    /// A fence behind everything so far; gives the marker that names it.
    pub fn fence(&mut self, gate: u64) -> FenceMarker {
        self.value += 1;
        self.emit(&Fence { value: self.value });
        FenceMarker {
            header: PrivateHeader::new(kind::FENCE_MARKER),
            context: self.map.context,
            frame: 0,
            position: self.ring.published(),
            value: self.value,
            gate,
        }
    }

    /// Flush: a fence, and `Render` with its marker.
    ///
    /// # Errors
    /// The driver's status.
    pub fn flush(&mut self) -> NtResult<()> {
        let marker = self.fence(0);
        self.render(&marker, &[])
    }

    /// `Render` with a marker.
    ///
    /// # Errors
    /// The driver's status.
    pub fn render(&self, marker: &FenceMarker, list: &[ListEntry]) -> NtResult<()> {
        let command = self.prepare(marker);
        self.device.render(&self.context, command, list)
    }

    /// Writes a marker into the command buffer.
    pub fn prepare(&self, marker: &FenceMarker) -> RenderCommand {
        self.command.write(0, bytemuck::bytes_of(marker));
        RenderCommand {
            address: self.command.address(),
            // CAST: a marker is small.
            bytes: size_of::<FenceMarker>() as u32,
            ..Default::default()
        }
    }

    /// `Render` with a marker that stands in the command buffer.
    ///
    /// # Errors
    /// The driver's status.
    pub fn submit(&self, command: RenderCommand) -> NtResult<()> {
        self.device.render(&self.context, command, &[])
    }

    /// `WAIT_FOR_FENCE` for the last fence.
    ///
    /// # Errors
    /// The driver's status; [`Failure::Wrong`] when it does not come, or never will.
    pub fn wait(&self, timeout: Duration) -> Ended {
        match self.wait_result(self.value, timeout)? {
            wait_result::REACHED => Ok(()),
            wait_result::TIMEOUT => Err(Failure::Wrong("a fence does not come")),
            _ => Err(Failure::Wrong("the device is removed")),
        }
    }

    /// `WAIT_FOR_FENCE` for a value, again and again since the driver cuts long waits short: one of [`wait_result`].
    ///
    /// # Errors
    /// The driver's status.
    pub fn wait_result(&self, value: u64, timeout: Duration) -> NtResult<u32> {
        let deadline = Instant::now() + timeout;
        loop {
            let mut wait: WaitForFence = request();
            wait.value = value;
            // CAST: a test's timeout is seconds.
            wait.timeout_ms = deadline.saturating_duration_since(Instant::now()).as_millis() as u32;
            self.escape(&mut wait)?;
            if wait.result != wait_result::TIMEOUT || wait.timeout_ms == 0 {
                return Ok(wait.result);
            }
        }
    }

    /// `CONTEXT_STATE`.
    ///
    /// # Errors
    /// The driver's status.
    pub fn state(&self) -> NtResult<ContextState> {
        self.device.context_state(&self.context)
    }

    /// One more heap range.
    ///
    /// # Errors
    /// The driver's status.
    pub fn allocate_heap(&self, bytes: u64) -> NtResult<AllocateHeap> {
        let mut heap: AllocateHeap = request();
        heap.bytes = bytes;
        self.escape(&mut heap)?;
        Ok(heap)
    }

    /// Gives a heap range back.
    ///
    /// # Errors
    /// The driver's status.
    pub fn free_heap(&self, offset: u64) -> NtResult<()> {
        let mut free: FreeHeap = request();
        free.offset = offset;
        self.escape(&mut free)
    }
}
