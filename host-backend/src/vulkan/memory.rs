//! Memory that the CPU writes and the GPU reads (or the other way), and the guest's heap as a Vulkan buffer.
//!
//! Slices are pieces of large mapped buffers ("slabs"), by size class. A dynamic buffer's contents live in a slice; a discard
//! takes a new slice and returns the old one after the GPU is done with it. Slabs are kept until the context ends, so
//! their sum is bounded by the most that was ever in use at once, times two for rounding.

use std::cell::RefCell;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use ash::vk;
use gpu_allocator::MemoryLocation;
use pvgpu_protocol::command::HeapRange;

use super::Device;
use super::device::Allocation;
use super::trash::Trash;
use crate::fault::Fault;
use crate::memory::Heap;

/// The smallest slice; also the alignment of all: no Vulkan buffer alignment is larger.
const MIN_SLICE: u64 = 256;
/// Bytes of a slab, unless a slice is larger.
const SLAB_BYTES: u64 = 1 << 20;

/// Every use that a buffer with guest data may have.
pub const BUFFER_USAGE: vk::BufferUsageFlags = vk::BufferUsageFlags::from_raw(
    vk::BufferUsageFlags::TRANSFER_SRC.as_raw()
        | vk::BufferUsageFlags::TRANSFER_DST.as_raw()
        | vk::BufferUsageFlags::UNIFORM_TEXEL_BUFFER.as_raw()
        | vk::BufferUsageFlags::UNIFORM_BUFFER.as_raw()
        | vk::BufferUsageFlags::STORAGE_BUFFER.as_raw()
        | vk::BufferUsageFlags::INDEX_BUFFER.as_raw()
        | vk::BufferUsageFlags::VERTEX_BUFFER.as_raw()
        | vk::BufferUsageFlags::INDIRECT_BUFFER.as_raw(),
);

/// Creates a buffer with memory, for [`BUFFER_USAGE`] and `more`.
pub fn create_buffer(
    device: &Device,
    name: &str,
    size: u64,
    location: MemoryLocation,
    more: vk::BufferUsageFlags,
) -> Result<(vk::Buffer, Allocation), Fault> {
    let info = vk::BufferCreateInfo::default().size(size).usage(device.buffer_usage() | more);
    // SAFETY: the device is alive and the info is complete.
    let buffer = unsafe { device.raw.create_buffer(&info, None) }
        .map_err(|result| device.fault("vkCreateBuffer", result))?;
    // SAFETY: the buffer was just made.
    let requirements = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
    let allocation = device.allocate(name, requirements, location, true, None);
    let allocation = allocation.inspect_err(|_| {
        // SAFETY: the buffer was just made and is used by nobody.
        unsafe { device.raw.destroy_buffer(buffer, None) };
    })?;
    // SAFETY: the memory comes from the allocator and is used for this buffer only.
    let memory = unsafe { allocation.memory() };
    // SAFETY: the memory is large enough, of a fitting type, and bound once.
    let bound = unsafe { device.raw.bind_buffer_memory(buffer, memory, allocation.offset()) };
    if let Err(result) = bound {
        // SAFETY: the buffer was just made and is used by nobody.
        unsafe { device.raw.destroy_buffer(buffer, None) };
        device.free(allocation);
        return Err(device.fault("vkBindBufferMemory", result));
    }
    Ok((buffer, allocation))
}

/// A piece of a slab.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    pub buffer: vk::Buffer,
    pub offset: u64,
    /// Bytes, a power of two.
    pub size: u64,
    address: NonNull<u8>,
}

impl Slice {
    /// Writes bytes at an offset; what does not fit is a bug of the caller and is cut.
    pub fn write(&self, at: u64, bytes: &[u8]) {
        let room = self.size.saturating_sub(at);
        let count = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        if count == 0 {
            return;
        }
        // SAFETY: `at` is below the slice's size, so the address stays inside the slab's mapping.
        let to = unsafe { self.address.add(at as usize) };
        // SAFETY: `count` bytes from there lie inside the slice, which belongs to one owner until the GPU is done with
        // it; the source is a plain slice elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), count) };
    }

    /// Copies from the guest's heap.
    pub fn write_from_heap(&self, at: u64, heap: &Heap, range: HeapRange) {
        /// Bytes copied at a time: through the L1 cache, since heap words are read one by one.
        const CHUNK: usize = 4096;
        /// Bytes of most constant buffers, for which a chunk would be more to clear than to copy.
        const SMALL: usize = 256;
        if range.length <= SMALL as u64 {
            let mut small = [0; SMALL];
            if let Some(piece) = small.get_mut(..range.length as usize) {
                heap.read(range, piece);
                self.write(at, piece);
            }
            return;
        }
        let mut chunk = [0; CHUNK];
        let mut done = 0;
        while done < range.length {
            let count = (range.length - done).min(CHUNK as u64);
            let Some(piece) = chunk.get_mut(..count as usize) else { return };
            heap.read(HeapRange { offset: range.offset + done, length: count }, piece);
            self.write(at + done, piece);
            done += count;
        }
    }

    /// Copies bytes out; short when they leave the slice.
    pub fn read(&self, at: u64, into: &mut [u8]) {
        let room = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = into.len().min(room);
        if count == 0 {
            return;
        }
        // SAFETY: `at` is below the slice's size, so the address stays inside the slab's mapping.
        let from = unsafe { self.address.add(at as usize) };
        // SAFETY: `count` bytes from there lie inside the slice; the GPU has finished writing them (the caller waits for
        // the submission) and nobody else writes.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), into.as_mut_ptr(), count) };
    }
}

// SAFETY: the address is of memory mapped for the device's life; a slice is read by the completion thread only after the
// GPU wrote it, and written by the executor only before.
unsafe impl Send for Slice {}

struct Slab {
    buffer: vk::Buffer,
    allocation: Option<Allocation>,
}

#[derive(Default)]
struct Classes {
    /// Free slices by size class (power of two above [`MIN_SLICE`]).
    free: Vec<Vec<Slice>>,
    slabs: Vec<Slab>,
}

/// A context's slices.
pub struct SlicePool {
    device: Arc<Device>,
    location: MemoryLocation,
    classes: RefCell<Classes>,
}

impl SlicePool {
    pub fn new(device: Arc<Device>, location: MemoryLocation) -> Self {
        Self { device, location, classes: RefCell::default() }
    }

    /// Takes a slice of at least `size` bytes. Its contents are whatever was there.
    pub fn take(&self, size: u64) -> Result<Slice, Fault> {
        let size = size
            .max(MIN_SLICE)
            .checked_next_power_of_two()
            .ok_or_else(|| Fault::argument("a huge upload"))?;
        let class = class(size);
        let mut classes = self.classes.borrow_mut();
        if classes.free.len() <= class {
            classes.free.resize_with(class + 1, Vec::new);
        }
        if classes.free.get(class).is_none_or(Vec::is_empty) {
            self.grow(&mut classes, class, size)?;
        }
        let slice = classes.free.get_mut(class).and_then(Vec::pop);
        slice.ok_or_else(|| Fault::argument("no slice of a new slab"))
    }

    fn grow(&self, classes: &mut Classes, class: usize, size: u64) -> Result<(), Fault> {
        let bytes = SLAB_BYTES.max(size);
        let (buffer, allocation) =
            create_buffer(&self.device, "slab", bytes, self.location, vk::BufferUsageFlags::empty())?;
        let Some(address) = allocation.mapped_ptr().map(NonNull::cast::<u8>) else {
            // SAFETY: the buffer was just made and is used by nobody.
            unsafe { self.device.raw.destroy_buffer(buffer, None) };
            self.device.free(allocation);
            return Err(self.device.fault("mapping memory", vk::Result::ERROR_MEMORY_MAP_FAILED));
        };
        let Some(list) = classes.free.get_mut(class) else { return Ok(()) };
        for index in 0..bytes / size {
            let offset = index * size;
            // SAFETY: the offset is below the slab's size, which is mapped as a whole.
            let address = unsafe { address.add(offset as usize) };
            list.push(Slice { buffer, offset, size, address });
        }
        classes.slabs.push(Slab { buffer, allocation: Some(allocation) });
        Ok(())
    }

    /// Takes slices back that the GPU is done with.
    pub fn recycle(&self, slices: Vec<Slice>) {
        let mut classes = self.classes.borrow_mut();
        for slice in slices {
            if let Some(list) = classes.free.get_mut(class(slice.size)) {
                list.push(slice);
            }
        }
    }
}

impl Drop for SlicePool {
    fn drop(&mut self) {
        for slab in &mut self.classes.borrow_mut().slabs {
            // SAFETY: a context drops its pool after the GPU has finished all its work.
            unsafe { self.device.raw.destroy_buffer(slab.buffer, None) };
            if let Some(allocation) = slab.allocation.take() {
                self.device.free(allocation);
            }
        }
    }
}

fn class(size: u64) -> usize {
    (size / MIN_SLICE).checked_ilog2().unwrap_or(0) as usize
}

/// A slice that returns to its pool after the next submission once it is dropped.
pub struct OwnedSlice {
    pub slice: Slice,
    trash: Rc<Trash>,
}

impl OwnedSlice {
    pub fn new(slice: Slice, trash: &Rc<Trash>) -> Self {
        Self { slice, trash: trash.clone() }
    }
}

impl Drop for OwnedSlice {
    fn drop(&mut self) {
        self.trash.add_slice(self.slice);
    }
}

/// The guest's heap as one Vulkan buffer, where the driver can import memory; the bytes themselves are never touched here.
pub struct HeapBuffer {
    device: Arc<Device>,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    /// Keeps the mapping alive as long as the GPU may use it.
    _heap: Heap,
}

impl HeapBuffer {
    /// Imports the heap; `None` when the driver cannot, in which case bytes are copied instead.
    pub fn import(device: &Arc<Device>, heap: &Heap) -> Option<Self> {
        let functions = device.host_memory.as_ref()?;
        let address = heap.address();
        let size = heap.bytes();
        let aligned = (address as u64).is_multiple_of(device.host_pointer_alignment)
            && size.is_multiple_of(device.host_pointer_alignment);
        if !aligned {
            return None;
        }
        let handle = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
        let mut properties = vk::MemoryHostPointerPropertiesEXT::default();
        // SAFETY: the address is that of a live mapping.
        let asked = unsafe {
            (functions.fp().get_memory_host_pointer_properties_ext)(
                device.raw.handle(),
                handle,
                address.cast(),
                &mut properties,
            )
        };
        if asked != vk::Result::SUCCESS {
            return None;
        }
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(handle);
        // Dynamic buffers may lie in it.
        let info = vk::BufferCreateInfo::default().size(size).usage(BUFFER_USAGE).push_next(&mut external);
        // SAFETY: the info is complete.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }.ok()?;
        // SAFETY: the buffer was just made.
        let requirements = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        let memory = memory_type(device, properties.memory_type_bits & requirements.memory_type_bits)
            .filter(|_| requirements.size <= size)
            .and_then(|index| import(device, handle, address.cast_mut().cast(), size, index));
        let Some(memory) = memory else {
            // SAFETY: the buffer was just made and is used by nobody.
            unsafe { device.raw.destroy_buffer(buffer, None) };
            return None;
        };
        let imported = Self { device: device.clone(), buffer, memory, _heap: heap.clone() };
        // SAFETY: the memory is as large as the buffer needs and bound once.
        unsafe { device.raw.bind_buffer_memory(buffer, memory, 0) }.ok()?;
        Some(imported)
    }

    /// The buffer; offsets in it are offsets in the heap.
    pub fn buffer(&self) -> vk::Buffer {
        self.buffer
    }
}

impl Drop for HeapBuffer {
    fn drop(&mut self) {
        // SAFETY: the worker drops the heap after all contexts, whose work has finished.
        unsafe { self.device.raw.destroy_buffer(self.buffer, None) };
        // SAFETY: as above; the memory itself belongs to the mapping.
        unsafe { self.device.raw.free_memory(self.memory, None) };
    }
}

fn import(
    device: &Device,
    handle: vk::ExternalMemoryHandleTypeFlags,
    address: *mut std::ffi::c_void,
    size: u64,
    memory_type: u32,
) -> Option<vk::DeviceMemory> {
    let mut import = vk::ImportMemoryHostPointerInfoEXT::default().handle_type(handle);
    import.p_host_pointer = address;
    let info = vk::MemoryAllocateInfo::default()
        .allocation_size(size)
        .memory_type_index(memory_type)
        .push_next(&mut import);
    // SAFETY: the range is a live mapping, aligned as the driver asks, and outlives the memory object.
    unsafe { device.raw.allocate_memory(&info, None) }.ok()
}

fn memory_type(device: &Device, bits: u32) -> Option<u32> {
    let wanted = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
    let types = device.memory.memory_types_as_slice();
    (0..)
        .zip(types)
        .find(|(index, kind)| bits & (1 << index) != 0 && kind.property_flags.contains(wanted))
        .map(|(i, _)| i)
}
