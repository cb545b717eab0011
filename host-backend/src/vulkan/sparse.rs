//! Sparse memory: what the device has for Direct3D's tiled resources, and how tiles of a resource are bound to memory.
//!
//! A tile is 64 KiB, in Vulkan's standard block shapes as in Direct3D. Formats whose blocks are shaped otherwise, and devices with
//! larger pages, are not offered. All memory of tile pools has one type, which suits buffers and images alike, so that any tile
//! may stand behind any resource.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ash::vk;
use gpu_allocator::MemoryLocation;
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::tiling::{TILE_BYTES, TilePlace, TileShape, Tiling};

use super::Device;
use super::caps::SparseCaps;
use super::device::Allocation;
use super::formats::aspects;
use super::instance::Instance;
use super::memory::BUFFER_USAGE;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::ops::ResourceDesc;

/// Address space of all tiled resources of a guest: what is kept of each tile takes memory here, too.
const MAX_ADDRESS_SPACE: u64 = 256 << 30;

/// Flags of resources whose tiles may share memory.
pub const IMAGE_FLAGS: vk::ImageCreateFlags = vk::ImageCreateFlags::from_raw(
    vk::ImageCreateFlags::SPARSE_BINDING.as_raw()
        | vk::ImageCreateFlags::SPARSE_RESIDENCY.as_raw()
        | vk::ImageCreateFlags::SPARSE_ALIASED.as_raw(),
);
const BUFFER_FLAGS: vk::BufferCreateFlags = vk::BufferCreateFlags::from_raw(
    vk::BufferCreateFlags::SPARSE_BINDING.as_raw()
        | vk::BufferCreateFlags::SPARSE_RESIDENCY.as_raw()
        | vk::BufferCreateFlags::SPARSE_ALIASED.as_raw(),
);

impl SparseCaps {
    /// What a GPU has by its features and limits.
    pub fn choose(
        instance: &Instance,
        physical: vk::PhysicalDevice,
        core: &vk::PhysicalDeviceFeatures,
    ) -> Self {
        // SAFETY: the device belongs to the instance.
        let properties = unsafe { instance.raw.get_physical_device_properties(physical) };
        // SAFETY: the device belongs to the instance.
        let queues = unsafe { instance.raw.get_physical_device_queue_family_properties(physical) };
        let with = |flags| queues.iter().position(|queue| queue.queue_flags.contains(flags));
        let all = vk::QueueFlags::GRAPHICS | vk::QueueFlags::COMPUTE;
        // The one that renders, if it binds too.
        let first = with(all);
        let binds = first.filter(|index| {
            queues.get(*index).is_some_and(|queue| queue.queue_flags.contains(vk::QueueFlags::SPARSE_BINDING))
        });
        let family = binds.or_else(|| with(vk::QueueFlags::SPARSE_BINDING));
        let family = family.and_then(|index| u32::try_from(index).ok());
        let features = [
            core.sparse_binding,
            core.sparse_residency_buffer,
            core.sparse_residency_image2_d,
            core.sparse_residency_aliased,
            properties.sparse_properties.residency_standard2_d_block_shape,
        ];
        match family {
            // Tier 2 also promises zeros where nothing is mapped, and shaders that can tell.
            Some(family) if !features.contains(&vk::FALSE) => {
                let address_space = properties.limits.sparse_address_space_size.min(MAX_ADDRESS_SPACE);
                Self { tier: 1, family, address_space }
            }
            _ => Self::default(),
        }
    }

    /// Turns the features on.
    pub fn enable(&self, core: &mut vk::PhysicalDeviceFeatures) {
        let on = vk::Bool32::from(self.tier != 0);
        core.sparse_binding = on;
        core.sparse_residency_buffer = on;
        core.sparse_residency_image2_d = on;
        core.sparse_residency_aliased = on;
    }
}

/// The device's part in tiled resources.
#[derive(Default)]
pub struct Sparse {
    /// Where memory is bound.
    pub queue: vk::Queue,
    /// The type of all tile pools' memory.
    memory_type: u32,
    /// Bytes of address space in use.
    used: AtomicU64,
}

impl Sparse {
    /// Looks for memory that suits all kinds of resources; without, there is no tier.
    pub fn open(
        raw: &ash::Device,
        caps: &mut SparseCaps,
        memory: &vk::PhysicalDeviceMemoryProperties,
    ) -> Self {
        if caps.tier == 0 {
            return Self::default();
        }
        let found = common_types(raw).and_then(|bits| {
            let types = memory.memory_types_as_slice();
            let local =
                |kind: &vk::MemoryType| kind.property_flags.contains(vk::MemoryPropertyFlags::DEVICE_LOCAL);
            (0..)
                .zip(types)
                .find(|(index, kind)| bits & 1 << index != 0 && local(kind))
                .map(|(index, _)| index)
        });
        let Some(memory_type) = found else {
            log::info!("no memory of this GPU suits tiles of buffers and images alike");
            caps.tier = 0;
            return Self::default();
        };
        // SAFETY: the device was made with a queue of this family.
        let queue = unsafe { raw.get_device_queue(caps.family, 0) };
        Self { queue, memory_type, used: AtomicU64::new(0) }
    }
}

/// The memory types that sparse buffers, sparse images and plain buffers take, if all of them have pages of a tile at most.
fn common_types(raw: &ash::Device) -> Option<u32> {
    let fits = |requirements: vk::MemoryRequirements| {
        TILE_BYTES.is_multiple_of(requirements.alignment.max(1)).then_some(requirements.memory_type_bits)
    };
    let buffer = |flags| {
        let info = vk::BufferCreateInfo::default().size(TILE_BYTES).usage(BUFFER_USAGE).flags(flags);
        // SAFETY: the info is complete; the device has the features of the flags.
        let buffer = unsafe { raw.create_buffer(&info, None) }.ok()?;
        // SAFETY: the buffer was just made.
        let requirements = unsafe { raw.get_buffer_memory_requirements(buffer) };
        // SAFETY: nobody uses it.
        unsafe { raw.destroy_buffer(buffer, None) };
        fits(requirements)
    };
    let usage = vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST;
    let usage = usage | vk::ImageUsageFlags::SAMPLED | vk::ImageUsageFlags::COLOR_ATTACHMENT;
    let image = probe_image(raw, vk::Format::R8G8B8A8_UNORM, usage).and_then(fits)?;
    Some(buffer(BUFFER_FLAGS)? & buffer(vk::BufferCreateFlags::empty())? & image)
}

/// What an image of a few tiles needs.
fn probe_image(
    raw: &ash::Device,
    format: vk::Format,
    usage: vk::ImageUsageFlags,
) -> Option<vk::MemoryRequirements> {
    let info = vk::ImageCreateInfo::default()
        .flags(IMAGE_FLAGS)
        .image_type(vk::ImageType::TYPE_2D)
        .format(format)
        .extent(vk::Extent3D { width: 512, height: 512, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .usage(usage);
    // SAFETY: the info is complete, the device has the features of the flags, and the caller has asked for the format's.
    let image = unsafe { raw.create_image(&info, None) }.ok()?;
    // SAFETY: the image was just made.
    let requirements = unsafe { raw.get_image_memory_requirements(image) };
    // SAFETY: nobody uses it.
    unsafe { raw.destroy_image(image, None) };
    Some(requirements)
}

/// Whether images of a format have tiles of Direct3D's shape.
pub fn can_tile(device: &Device, format: vk::Format, usage: vk::ImageUsageFlags, tile: TileShape) -> bool {
    if device.caps.sparse.tier == 0 || format == vk::Format::UNDEFINED {
        return false;
    }
    // SAFETY: the physical device belongs to the instance.
    let found = unsafe {
        device.instance.raw.get_physical_device_sparse_image_format_properties(
            device.physical,
            format,
            vk::ImageType::TYPE_2D,
            vk::SampleCountFlags::TYPE_1,
            usage,
            vk::ImageTiling::OPTIMAL,
        )
    };
    let mut parts = found.iter().filter(|part| part.aspect_mask != vk::ImageAspectFlags::METADATA);
    let (Some(part), None) = (parts.next(), parts.next()) else { return false };
    let extent = part.image_granularity;
    let standard = !part.flags.contains(vk::SparseImageFormatFlags::NONSTANDARD_BLOCK_SIZE)
        && part.aspect_mask == aspects(format)
        && (extent.width, extent.height, extent.depth) == (tile.width, tile.height, 1);
    standard
        && probe_image(&device.raw, format, usage).is_some_and(|requirements| {
            requirements.memory_type_bits & 1 << device.sparse.memory_type != 0
                && TILE_BYTES.is_multiple_of(requirements.alignment.max(1))
        })
}

/// Creates a buffer without memory.
pub fn create_buffer(device: &Device, bytes: u64, written: bool) -> Result<vk::Buffer, Fault> {
    let more = if written { vk::BufferUsageFlags::STORAGE_TEXEL_BUFFER } else { Default::default() };
    let size = bytes.next_multiple_of(TILE_BYTES);
    let info = vk::BufferCreateInfo::default().size(size).usage(BUFFER_USAGE | more).flags(BUFFER_FLAGS);
    // SAFETY: the info is complete; there is a tier, so the device has the features of the flags.
    unsafe { device.raw.create_buffer(&info, None) }.map_err(|result| device.fault("vkCreateBuffer", result))
}

/// Memory for tiles that follow each other.
pub struct Chunk {
    /// All of it.
    pub buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    offset: u64,
    allocation: Option<Allocation>,
    trash: Rc<Trash>,
}

impl Chunk {
    /// Memory with undefined contents.
    ///
    /// # Errors
    /// [`Fault`] when there is none.
    pub fn new(bytes: u64, trash: &Rc<Trash>) -> Result<Rc<Self>, Fault> {
        let device = &trash.device;
        let usage = vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST;
        let info = vk::BufferCreateInfo::default().size(bytes).usage(usage);
        // SAFETY: the device is alive and the info is complete.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }
            .map_err(|result| device.fault("vkCreateBuffer", result))?;
        let mut chunk = Self {
            buffer,
            memory: vk::DeviceMemory::null(),
            offset: 0,
            allocation: None,
            trash: trash.clone(),
        };
        // SAFETY: the buffer was just made.
        let mut requirements = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        requirements.memory_type_bits &= 1 << device.sparse.memory_type;
        requirements.alignment = requirements.alignment.max(TILE_BYTES);
        let allocation = device.allocate("tiles", requirements, MemoryLocation::GpuOnly, true, None)?;
        // SAFETY: the memory comes from the allocator. Tiles of other resources are bound to it, too, which is what it is for.
        chunk.memory = unsafe { allocation.memory() };
        chunk.offset = allocation.offset();
        chunk.allocation = Some(allocation);
        // SAFETY: the memory is large enough, of a fitting type, and bound to this buffer once.
        unsafe { device.raw.bind_buffer_memory(buffer, chunk.memory, chunk.offset) }
            .map_err(|result| device.fault("vkBindBufferMemory", result))?;
        Ok(Rc::new(chunk))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.trash.add(Garbage::Buffer(self.buffer, self.allocation.take()));
    }
}

/// The memory of a tile.
#[derive(Clone)]
pub struct TileMemory {
    pub chunk: Rc<Chunk>,
    /// Which of the chunk's tiles.
    pub tile: u32,
}

/// One change of what a resource is bound to.
#[derive(Clone, Copy)]
pub enum Bind {
    Buffer(vk::Buffer, vk::SparseMemoryBind),
    Opaque(vk::Image, vk::SparseMemoryBind),
    Image(vk::Image, vk::SparseImageMemoryBind),
}

/// Changes of what resources are bound to.
pub type Binds = Vec<Bind>;

/// Where an image's packed mips are bound.
#[derive(Clone, Copy)]
struct Tail {
    offset: u64,
    stride: u64,
    size: u64,
}

enum Target {
    Buffer(vk::Buffer),
    Image { raw: vk::Image, aspects: vk::ImageAspectFlags, tail: Option<Tail> },
}

/// The part of a tiled resource that others do not have.
pub struct Tiled {
    pub tiling: Tiling,
    target: Target,
    desc: ResourceDesc,
    /// By tile; empty as long as none is mapped.
    places: RefCell<Vec<Option<TileMemory>>>,
    /// What the GPU needs beside the tiles of pools, and how it is bound.
    own: Option<(Rc<Chunk>, Binds)>,
    device: Arc<Device>,
    space: u64,
}

impl Tiled {
    /// The tiles of a buffer.
    ///
    /// # Errors
    /// [`Fault`] when there is no address space.
    pub fn buffer(raw: vk::Buffer, desc: &ResourceDesc, device: &Arc<Device>) -> Result<Self, Fault> {
        // SAFETY: the buffer is alive.
        let requirements = unsafe { device.raw.get_buffer_memory_requirements(raw) };
        check_memory(device, requirements)?;
        let tiling = Tiling::new(desc.command.dimension, desc.format, desc.shape, 1, 0);
        Self::new(Target::Buffer(raw), tiling, None, desc, device, requirements.size)
    }

    /// The tiles of an image.
    ///
    /// # Errors
    /// [`Fault`] when there is no address space, or the image has tiles of another shape than was promised.
    pub fn image(
        raw: vk::Image,
        format: vk::Format,
        desc: &ResourceDesc,
        trash: &Rc<Trash>,
    ) -> Result<Self, Fault> {
        let (device, c) = (&trash.device, &desc.command);
        // SAFETY: the image is alive.
        let requirements = unsafe { device.raw.get_image_memory_requirements(raw) };
        check_memory(device, requirements)?;
        // SAFETY: the image is alive and sparse.
        let parts = unsafe { device.raw.get_image_sparse_memory_requirements(raw) };
        let (mut own, mut found) = (Vec::new(), None);
        for part in &parts {
            let single = part.format_properties.flags.contains(vk::SparseImageFormatFlags::SINGLE_MIPTAIL);
            let whole = Tail {
                offset: part.image_mip_tail_offset,
                stride: part.image_mip_tail_stride,
                size: part.image_mip_tail_size,
            };
            let layers = if single { 1 } else { c.array_size };
            if part.format_properties.aspect_mask == vk::ImageAspectFlags::METADATA {
                own.push((whole, layers, vk::SparseMemoryBindFlags::METADATA));
                continue;
            }
            let has_tail = part.image_mip_tail_first_lod < c.mip_levels && whole.size != 0;
            // One tail for several slices cannot be mapped slice by slice.
            let shared = has_tail && single && c.array_size > 1;
            if shared {
                own.push((whole, 1, vk::SparseMemoryBindFlags::empty()));
            }
            let standard = part.image_mip_tail_first_lod.min(c.mip_levels);
            let twice = found.replace((standard, (has_tail && !shared).then_some(whole))).is_some();
            let extent = part.format_properties.image_granularity;
            let tile = TileShape::of(c.dimension, desc.format);
            if twice || tile != Some(TileShape { width: extent.width, height: extent.height }) {
                return Err(Fault::unsupported(format!("tiles of format {}", c.format)));
            }
        }
        let (standard, tail) = found.ok_or_else(|| Fault::unsupported("an image without tiles"))?;
        // CAST: no image has a tail of 2^48 bytes.
        let blocks = tail.map_or(1, |tail| tail.size.div_ceil(TILE_BYTES) as u32);
        let packed = if standard < c.mip_levels { blocks.max(1) } else { 0 };
        let tiling = Tiling::new(c.dimension, desc.format, desc.shape, standard, packed);
        let target = Target::Image { raw, aspects: aspects(format), tail };
        let own = bind_own(raw, &own, trash)?;
        Self::new(target, tiling, own, desc, device, requirements.size)
    }

    fn new(
        target: Target,
        tiling: Option<Tiling>,
        own: Option<(Rc<Chunk>, Binds)>,
        desc: &ResourceDesc,
        device: &Arc<Device>,
        space: u64,
    ) -> Result<Self, Fault> {
        let tiling = tiling.ok_or_else(|| Fault::unsupported("tiles that cannot be counted"))?;
        let limit = device.caps.sparse.address_space;
        let taken = device.sparse.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(space).filter(|sum| *sum <= limit)
        });
        if taken.is_err() {
            return Err(Fault::new(
                error_code::LIMIT,
                format!("{space} bytes more of tiled resources exceed the address space of {limit}"),
            ));
        }
        let (desc, device) = (desc.clone(), device.clone());
        Ok(Self { tiling, target, desc, places: RefCell::default(), own, device, space })
    }

    /// What is bound from the beginning, and the memory of it.
    pub fn own(&self) -> Option<(&Chunk, &[Bind])> {
        self.own.as_ref().map(|(chunk, binds)| (&**chunk, &**binds))
    }

    /// What a tile is mapped to.
    pub fn memory(&self, tile: u32) -> Option<TileMemory> {
        self.places.borrow().get(tile as usize)?.clone()
    }

    /// Maps a tile, or unmaps it; gives what is to be bound.
    pub fn map(&self, tile: u32, memory: Option<TileMemory>) -> Option<Bind> {
        let bind = self.bind(tile, memory.as_ref());
        let mut places = self.places.borrow_mut();
        if places.is_empty() && memory.is_some() {
            places.resize(self.tiling.total() as usize, None);
        }
        if let Some(place) = places.get_mut(tile as usize) {
            *place = memory;
        }
        bind
    }

    fn bind(&self, tile: u32, memory: Option<&TileMemory>) -> Option<Bind> {
        let (raw_memory, memory_offset) = memory.map_or((vk::DeviceMemory::null(), 0), |memory| {
            (memory.chunk.memory, memory.chunk.offset + u64::from(memory.tile) * TILE_BYTES)
        });
        let opaque = |resource_offset, size| {
            vk::SparseMemoryBind::default()
                .resource_offset(resource_offset)
                .size(size)
                .memory(raw_memory)
                .memory_offset(memory_offset)
        };
        match (&self.target, self.tiling.place(tile)?) {
            (Target::Buffer(raw), _) => {
                Some(Bind::Buffer(*raw, opaque(u64::from(tile) * TILE_BYTES, TILE_BYTES)))
            }
            (Target::Image { raw, tail, .. }, TilePlace::Packed { slice, index }) => {
                let tail = (*tail)?;
                let at = u64::from(index) * TILE_BYTES;
                let size = tail.size.checked_sub(at)?.min(TILE_BYTES);
                let start = tail.offset + u64::from(slice) * tail.stride;
                Some(Bind::Opaque(*raw, opaque(start + at, size)))
            }
            (Target::Image { raw, aspects, .. }, TilePlace::Standard { slice, mip, x, y }) => {
                let (offset, extent) = self.area(mip, x, y);
                let subresource =
                    vk::ImageSubresource { aspect_mask: *aspects, mip_level: mip, array_layer: slice };
                let bind = vk::SparseImageMemoryBind::default()
                    .subresource(subresource)
                    .offset(offset)
                    .extent(extent)
                    .memory(raw_memory)
                    .memory_offset(memory_offset);
                Some(Bind::Image(*raw, bind))
            }
        }
    }

    /// The texels of a standard tile; those at the edges of a mip are cut.
    pub fn area(&self, mip: u32, x: u32, y: u32) -> (vk::Offset3D, vk::Extent3D) {
        let (tile, [width, height, _]) = (self.tiling.tile(), self.desc.mip_extent(mip));
        let (left, top) = (x * tile.width, y * tile.height);
        let extent = vk::Extent3D {
            width: tile.width.min(width.saturating_sub(left)),
            height: tile.height.min(height.saturating_sub(top)),
            depth: 1,
        };
        (super::texture_copy::offset([left, top, 0]), extent)
    }
}

impl Drop for Tiled {
    fn drop(&mut self) {
        self.device.sparse.used.fetch_sub(self.space, Ordering::Relaxed);
    }
}

/// Refuses a resource that tiles of pools do not suit.
fn check_memory(device: &Device, requirements: vk::MemoryRequirements) -> Result<(), Fault> {
    let suits = requirements.memory_type_bits & 1 << device.sparse.memory_type != 0
        && TILE_BYTES.is_multiple_of(requirements.alignment.max(1));
    if suits { Ok(()) } else { Err(Fault::unsupported("a tiled resource of other memory")) }
}

/// Gives parts of an image memory of their own.
fn bind_own(
    raw: vk::Image,
    parts: &[(Tail, u32, vk::SparseMemoryBindFlags)],
    trash: &Rc<Trash>,
) -> Result<Option<(Rc<Chunk>, Binds)>, Fault> {
    let room = |tail: &Tail| tail.size.next_multiple_of(TILE_BYTES);
    let total: u64 = parts.iter().map(|(tail, layers, _)| room(tail) * u64::from(*layers)).sum();
    if total == 0 {
        return Ok(None);
    }
    let chunk = Chunk::new(total, trash)?;
    let (mut binds, mut at) = (Vec::new(), chunk.offset);
    for (tail, layers, flags) in parts {
        for layer in 0..u64::from(*layers) {
            let bind = vk::SparseMemoryBind::default()
                .resource_offset(tail.offset + layer * tail.stride)
                .size(tail.size)
                .memory(chunk.memory)
                .memory_offset(at)
                .flags(*flags);
            binds.push(Bind::Opaque(raw, bind));
            at += room(tail);
        }
    }
    Ok(Some((chunk, binds)))
}

/// Binds memory on the sparse queue, behind the submission before and before the next: `serial` is its place on the timeline.
pub fn submit(device: &Device, binds: &[Bind], serial: u64) -> Result<(), vk::Result> {
    let (mut buffers, mut opaque, mut images) = (Vec::new(), Vec::new(), Vec::new());
    for bind in binds {
        match *bind {
            Bind::Buffer(raw, bind) => group(&mut buffers, raw, bind),
            Bind::Opaque(raw, bind) => group(&mut opaque, raw, bind),
            Bind::Image(raw, bind) => group(&mut images, raw, bind),
        }
    }
    let buffers: Vec<_> = buffers
        .iter()
        .map(|(raw, binds)| vk::SparseBufferMemoryBindInfo::default().buffer(*raw).binds(binds))
        .collect();
    let opaque: Vec<_> = opaque
        .iter()
        .map(|(raw, binds)| vk::SparseImageOpaqueMemoryBindInfo::default().image(*raw).binds(binds))
        .collect();
    let images: Vec<_> = images
        .iter()
        .map(|(raw, binds)| vk::SparseImageMemoryBindInfo::default().image(*raw).binds(binds))
        .collect();
    let (waits, signals) = ([serial - 1], [serial]);
    let mut values = vk::TimelineSemaphoreSubmitInfo::default()
        .wait_semaphore_values(&waits)
        .signal_semaphore_values(&signals);
    let timeline = [device.timeline];
    let mut info = vk::BindSparseInfo::default()
        .wait_semaphores(&timeline)
        .signal_semaphores(&timeline)
        .push_next(&mut values);
    // Empty lists stay null: version 1.3.239 of the validation layer looks at the first image whatever the count.
    if !buffers.is_empty() {
        info = info.buffer_binds(&buffers);
    }
    if !opaque.is_empty() {
        info = info.image_opaque_binds(&opaque);
    }
    if !images.is_empty() {
        info = info.image_binds(&images);
    }
    // SAFETY: whoever uses a queue holds the lock (the caller); resources and memory live on past the next submission, and
    // every range was checked against its resource.
    unsafe { device.raw.queue_bind_sparse(device.sparse.queue, &[info], vk::Fence::null()) }
}

/// Adds a bind to those of its resource, which come in a row.
fn group<H: PartialEq, B>(groups: &mut Vec<(H, Vec<B>)>, raw: H, bind: B) {
    match groups.last_mut() {
        Some((last, binds)) if *last == raw => binds.push(bind),
        _ => groups.push((raw, vec![bind])),
    }
}
