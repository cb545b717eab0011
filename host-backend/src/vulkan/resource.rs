//! Buffers, textures and staging resources.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use ash::vk;
use gpu_allocator::MemoryLocation;
use gpu_allocator::vulkan::AllocationScheme;
use pvgpu_protocol::command::{HeapRange, SubresourceBox, bind, dimension, misc, usage};
use pvgpu_protocol::format::FormatInfo;

use super::Device;
use super::conv::map_samples;
use super::device::Allocation;
use super::external::{ImageMemory, Outside, describe, external_info};
use super::formats::{aspects, map_image, map_planes};
use super::memory::{OwnedSlice, SlicePool, create_buffer};
use super::recorder::Tracker;
use super::sparse::{self, Tiled};
use super::texels::{Conversion, Plane};
use super::trash::{Garbage, Trash};
use super::view::Counter;
use crate::fault::Fault;
use crate::format::{dxgi, family, is_typeless};
use crate::ops::ResourceDesc;
use crate::shared_image::{Holding, SharedImage};

/// Images at least this large get memory of their own.
const DEDICATED_BYTES: u64 = 16 << 20;

/// A resource of a context.
#[derive(Clone)]
pub enum Resource {
    Buffer(Rc<Buffer>),
    Texture(Rc<Texture>),
    Staging(Rc<Staging>),
}

/// A resource that lives in the guest's heap.
pub struct Staging {
    pub desc: Rc<ResourceDesc>,
    pub heap: HeapRange,
    pub tracker: Tracker,
    /// The CPU writes it at the end of the batch, see [`super::completion::HeapPack`].
    pub late: Cell<bool>,
}

enum Backing {
    Own(vk::Buffer, Option<Allocation>),
    Slice(OwnedSlice),
    /// In the guest's heap, which is a buffer.
    Heap(vk::Buffer, HeapRange),
}

/// A buffer. Its contents may move to another place when all of them are replaced.
pub struct Buffer {
    pub desc: Rc<ResourceDesc>,
    backing: RefCell<Backing>,
    /// The backing's place, to be read without a borrow.
    place: Cell<(vk::Buffer, u64)>,
    pub tracker: Tracker,
    /// Where stream output goes on, in bytes from the start; only of buffers that it may be bound to.
    pub so_counter: Option<Counter>,
    /// Of tiled buffers.
    pub tiles: Option<Rc<Tiled>>,
    trash: Rc<Trash>,
}

impl Buffer {
    /// Makes a buffer; its bytes are undefined, unless it is dynamic: those are zero.
    pub fn new(desc: Rc<ResourceDesc>, trash: &Rc<Trash>, slices: &SlicePool) -> Result<Self, Fault> {
        let size = u64::from(desc.command.width);
        let mut tiles = None;
        let backing = if desc.is_tiled() {
            let (buffer, tiled) = tiled_buffer(&desc, trash)?;
            tiles = Some(Rc::new(tiled));
            Backing::Own(buffer, None)
        } else if desc.command.usage == usage::DYNAMIC {
            let slice = slices.take(size)?;
            slice.write(0, &vec![0; desc.command.width as usize]);
            Backing::Slice(OwnedSlice::new(slice, trash))
        } else {
            // Room for the last dword of odd sizes, which are cleared and read in dwords.
            let (room, gpu) = (size.next_multiple_of(16), MemoryLocation::GpuOnly);
            // Typed views of such a buffer may not have formats that cannot be written.
            let written = desc.command.bind_flags & bind::UNORDERED_ACCESS != 0;
            let more = if written {
                vk::BufferUsageFlags::STORAGE_TEXEL_BUFFER
            } else {
                vk::BufferUsageFlags::empty()
            };
            let (buffer, allocation) = create_buffer(&trash.device, "buffer", room, gpu, more)?;
            Backing::Own(buffer, Some(allocation))
        };
        let place = Cell::new(place(&backing));
        let streamed = desc.command.bind_flags & bind::STREAM_OUTPUT != 0;
        Ok(Self {
            so_counter: if streamed { Some(Counter::new(trash)?) } else { None },
            desc,
            backing: RefCell::new(backing),
            place,
            tracker: Tracker::of(tiles.is_some()),
            tiles,
            trash: trash.clone(),
        })
    }

    /// Where the bytes lie now.
    #[inline]
    pub fn place(&self) -> (vk::Buffer, u64) {
        self.place.get()
    }

    /// Bytes.
    #[inline]
    pub fn size(&self) -> u64 {
        u64::from(self.desc.command.width)
    }

    /// Whether new contents may come as a new slice: the GPU never writes it, so it need not be fast for that.
    pub fn may_move(&self) -> bool {
        let read_only =
            bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::CONSTANT_BUFFER | bind::SHADER_RESOURCE;
        let c = &self.desc.command;
        c.usage == usage::DYNAMIC
            || c.bind_flags & !read_only == 0 && c.bind_flags & bind::CONSTANT_BUFFER != 0
    }

    /// Moves the buffer to a slice that holds its new contents.
    pub fn replace(&self, slice: OwnedSlice) {
        let backing = Backing::Slice(slice);
        self.place.set(place(&backing));
        let old = self.backing.replace(backing);
        discard(old, &self.trash);
    }

    /// Moves the buffer to its new contents in the heap; gives whether it was not there before.
    pub fn place_in_heap(&self, heap: vk::Buffer, range: HeapRange) -> bool {
        let backing = Backing::Heap(heap, range);
        self.place.set(place(&backing));
        let old = self.backing.replace(backing);
        let moved = !matches!(old, Backing::Heap(..));
        discard(old, &self.trash);
        moved
    }

    /// Where in the heap it lies, if it does.
    pub fn heap_place(&self) -> Option<HeapRange> {
        match &*self.backing.borrow() {
            Backing::Heap(_, range) => Some(*range),
            Backing::Own(..) | Backing::Slice(_) => None,
        }
    }

    /// The slice that holds a dynamic buffer.
    pub fn with_slice<T>(&self, run: impl FnOnce(&super::memory::Slice) -> T) -> Option<T> {
        match &*self.backing.borrow() {
            Backing::Slice(slice) => Some(run(&slice.slice)),
            Backing::Own(..) | Backing::Heap(..) => None,
        }
    }
}

/// A buffer whose memory is that of tiles.
fn tiled_buffer(desc: &ResourceDesc, trash: &Rc<Trash>) -> Result<(vk::Buffer, Tiled), Fault> {
    let device = &trash.device;
    let written = desc.command.bind_flags & bind::UNORDERED_ACCESS != 0;
    let buffer = sparse::create_buffer(device, u64::from(desc.command.width), written)?;
    match Tiled::buffer(buffer, desc, device) {
        Ok(tiled) => Ok((buffer, tiled)),
        Err(fault) => {
            trash.add(Garbage::Buffer(buffer, None));
            Err(fault)
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let none = Backing::Own(vk::Buffer::null(), None);
        discard(self.backing.replace(none), &self.trash);
    }
}

fn place(backing: &Backing) -> (vk::Buffer, u64) {
    match backing {
        Backing::Own(buffer, _) => (*buffer, 0),
        Backing::Slice(owned) => (owned.slice.buffer, owned.slice.offset),
        Backing::Heap(heap, range) => (*heap, range.offset),
    }
}

fn discard(backing: Backing, trash: &Trash) {
    match backing {
        Backing::Own(buffer, allocation) => trash.add(Garbage::Buffer(buffer, allocation)),
        // Returns by itself.
        Backing::Slice(slice) => drop(slice),
        // The guest's.
        Backing::Heap(..) => {}
    }
}

/// The image of a texture.
pub struct Image {
    /// Distinguishes images of the worker's life.
    pub uid: u64,
    pub raw: vk::Image,
    pub format: vk::Format,
    memory: Option<ImageMemory>,
    /// For memory that other workers may have.
    pub outside: Option<Outside>,
    pub tracker: Tracker,
    /// Of tiled images, whose memory is that of the tiles.
    pub tiles: Option<Rc<Tiled>>,
    /// Shaders may store to render-target views of it.
    pub storable: bool,
    /// Of the context that made it, or of the worker once other contexts may have it.
    trash: RefCell<Rc<Trash>>,
}

impl Image {
    /// Makes an image for a resource; its texels are undefined and its layout too.
    pub fn new(desc: &ResourceDesc, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let depth = desc.command.bind_flags & bind::DEPTH_STENCIL != 0;
        let format = map_image(desc.command.format, depth, &trash.device.caps);
        let size = [desc.command.width, desc.command.height];
        Self::with_format(desc, format, size, Placed::Anywhere, false, trash)
    }

    /// The same over memory that another worker shares; its texels and its layout are as they are.
    ///
    /// # Errors
    /// [`Fault`] when the memory does not fit, or there is no room.
    pub fn imported(
        desc: &ResourceDesc,
        trash: &Rc<Trash>,
        shared: &SharedImage,
        fd: OwnedFd,
    ) -> Result<Self, Fault> {
        let depth = desc.command.bind_flags & bind::DEPTH_STENCIL != 0;
        let format = map_image(desc.command.format, depth, &trash.device.caps);
        let size = [desc.command.width, desc.command.height];
        Self::with_format(desc, format, size, Placed::There(shared, fd), false, trash)
    }

    /// What other workers need to know to have it as well, and its memory; none if it cannot be had.
    pub fn export(&self, desc: &ResourceDesc) -> Option<(SharedImage, OwnedFd)> {
        let (Some(outside), Some(ImageMemory::External(memory, size))) = (&self.outside, &self.memory) else {
            return None;
        };
        let device = self.trash.borrow().device.clone();
        let fd = device.export(*memory)?;
        Some((describe(outside, *size, SharedImage::words(&desc.command), device.uuids()), fd))
    }

    /// The same in the GPU's own memory, or outside; `storable`: shaders may store to render-target views of it.
    ///
    /// # Errors
    /// [`Fault`] when there is no room, or no such image.
    pub fn placed(
        desc: &ResourceDesc,
        trash: &Rc<Trash>,
        outside: bool,
        storable: bool,
    ) -> Result<Self, Fault> {
        let depth = desc.command.bind_flags & bind::DEPTH_STENCIL != 0;
        let format = map_image(desc.command.format, depth, &trash.device.caps);
        Self::with_format(
            desc,
            format,
            [desc.command.width, desc.command.height],
            Placed::Local(!outside),
            storable,
            trash,
        )
    }

    /// Whether it lives in system memory for want of room.
    pub fn is_spilled(&self) -> bool {
        self.memory.as_ref().is_some_and(ImageMemory::is_spilled)
    }

    /// Bytes of its memory.
    pub fn bytes(&self) -> u64 {
        self.memory.as_ref().map_or(0, ImageMemory::size)
    }

    /// The same in a given format and with a given extent, for parts of textures.
    fn with_format(
        desc: &ResourceDesc,
        format: vk::Format,
        [width, height]: [u32; 2],
        placed: Placed<'_>,
        storable: bool,
        trash: &Rc<Trash>,
    ) -> Result<Self, Fault> {
        let device = &trash.device;
        let c = &desc.command;
        if format == vk::Format::UNDEFINED {
            return Err(Fault::unsupported(format!("textures of format {}", c.format)));
        }
        let mut info = vk::ImageCreateInfo::default()
            .flags(flags(desc))
            .image_type(match c.dimension {
                dimension::TEXTURE1D => vk::ImageType::TYPE_1D,
                dimension::TEXTURE3D => vk::ImageType::TYPE_3D,
                _ => vk::ImageType::TYPE_2D,
            })
            .format(format)
            .extent(vk::Extent3D { width, height, depth: c.depth })
            .mip_levels(c.mip_levels)
            .array_layers(c.array_size)
            .samples(map_samples(c.sample_count))
            .usage(image_usage(desc, format))
            .initial_layout(vk::ImageLayout::UNDEFINED);
        if storable {
            info = info.flags(info.flags | SEVERAL_FORMATS).usage(info.usage | vk::ImageUsageFlags::STORAGE);
        }
        check_limits(device, &info, desc)?;
        let mut external = external_info();
        let wants =
            matches!(placed, Placed::There(..)) || matches!(placed, Placed::Anywhere) && may_leave(desc);
        let is_external = wants && device.can_be_external(&info);
        if is_external {
            info = info.push_next(&mut external);
        } else if matches!(placed, Placed::There(..)) {
            return Err(Fault::unsupported("memory of another worker for such an image"));
        }
        // SAFETY: the info is complete and within the device's limits.
        let raw = unsafe { device.raw.create_image(&info, None) }
            .map_err(|result| device.fault("vkCreateImage", result))?;
        let mut image = Self {
            uid: next_uid(),
            raw,
            format,
            memory: None,
            outside: None,
            tracker: Tracker::of(desc.is_tiled()),
            tiles: None,
            storable,
            trash: RefCell::new(trash.clone()),
        };
        if desc.is_tiled() {
            image.tiles = Some(Rc::new(Tiled::image(raw, format, desc, trash)?));
            return Ok(image);
        }
        // SAFETY: the image was just made.
        let requirements = unsafe { device.raw.get_image_memory_requirements(raw) };
        let dedicated =
            (requirements.size >= DEDICATED_BYTES).then_some(AllocationScheme::DedicatedImage(raw));
        let pooled = |outside| {
            device.allocate_placed("image", requirements, dedicated, outside).map(ImageMemory::Pooled)
        };
        let (memory, outside) = match placed {
            Placed::There(shared, fd) => {
                let (memory, outside) = device.import_external(raw, requirements, shared, fd)?;
                (memory, Some(outside))
            }
            Placed::Anywhere if is_external => {
                let (memory, outside) = device.allocate_external(raw, requirements)?;
                (memory, Some(outside))
            }
            Placed::Anywhere => (pooled(None)?, None),
            Placed::Local(local) => (pooled(Some(!local))?, None),
        };
        let (raw_memory, offset) = match &memory {
            // SAFETY: the memory comes from the allocator and is used for this image only.
            ImageMemory::Pooled(allocation) => (unsafe { allocation.memory() }, allocation.offset()),
            ImageMemory::External(memory, _) => (*memory, 0),
        };
        (image.memory, image.outside) = (Some(memory), outside);
        // SAFETY: the memory fits the requirements and is bound once.
        unsafe { device.raw.bind_image_memory(raw, raw_memory, offset) }
            .map_err(|result| device.fault("vkBindImageMemory", result))?;
        Ok(image)
    }

    /// Has the image end on another list of garbage.
    pub fn dispose_to(&self, trash: &Rc<Trash>) {
        *self.trash.borrow_mut() = trash.clone();
    }

    pub fn aspects(&self) -> vk::ImageAspectFlags {
        aspects(self.format)
    }
}

/// Where an image's memory comes from.
enum Placed<'a> {
    /// Wherever there is room; of its own, if others may have it.
    Anywhere,
    /// The GPU's own memory or not, wherever there is room for neither.
    Local(bool),
    /// Another worker.
    There(&'a SharedImage, OwnedFd),
}

/// Whether other workers may come to have the image of a resource. A texture of several images is shared within one only.
fn may_leave(desc: &ResourceDesc) -> bool {
    let c = &desc.command;
    c.misc_flags & misc::SHARED != 0
        && c.dimension == dimension::TEXTURE2D
        && c.bind_flags & bind::PRESENT == 0
        && map_planes(c.format).is_none()
}

/// A number that no image of this process has had.
fn next_uid() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Drop for Image {
    fn drop(&mut self) {
        self.trash.borrow().add(Garbage::Image(self.raw, self.memory.take()));
    }
}

/// An image as a part of its texture.
pub struct Part {
    pub image: Rc<Image>,
    /// The block of the image's own texels, as D3D11 lays them out.
    pub block: FormatInfo,
    pub conversion: Option<Conversion>,
    /// Texels of the texture for each texel of the image, across and down.
    scale: [u32; 2],
}

impl Part {
    /// A box of the texture in texels of the image.
    pub fn area(&self, b: SubresourceBox) -> SubresourceBox {
        let [x, y] = self.scale;
        SubresourceBox {
            left: b.left / x,
            top: b.top / y,
            right: b.right.div_ceil(x),
            bottom: b.bottom.div_ceil(y),
            ..b
        }
    }

    /// What copies between images and buffers see of it.
    pub fn planes(&self) -> Vec<Plane> {
        match self.conversion {
            Some(conversion) => conversion.planes().to_vec(),
            None => vec![Plane { aspect: self.image.aspects(), bytes: self.block.block_bytes }],
        }
    }
}

/// A texture: an identity with an image, which [`RotateResourceIdentities`](crate::ops::Op) exchanges.
pub struct Texture {
    pub desc: Rc<ResourceDesc>,
    image: RefCell<Rc<Image>>,
    /// The chroma of planar formats.
    chroma: Option<Rc<Image>>,
    /// What `SetResourceMinLOD` set.
    pub min_lod: Cell<f32>,
    /// That other workers may have it.
    holding: RefCell<Option<Holding>>,
    /// How often views of it are bound as targets.
    pub targets: Cell<u32>,
}

impl Texture {
    /// Makes a texture; its texels are undefined and its layouts too.
    pub fn new(desc: Rc<ResourceDesc>, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let c = &desc.command;
        let (image, chroma) = match map_planes(c.format) {
            Some(planes) => {
                let [x, y] = planes.scale;
                let luma = [c.width.div_ceil(planes.luma_width), c.height];
                let image = Image::with_format(&desc, planes.luma, luma, Placed::Anywhere, false, trash)?;
                let chroma = match planes.chroma {
                    vk::Format::UNDEFINED => None,
                    format => {
                        let size = [c.width.div_ceil(x), c.height.div_ceil(y)];
                        Some(Rc::new(Image::with_format(
                            &desc,
                            format,
                            size,
                            Placed::Anywhere,
                            false,
                            trash,
                        )?))
                    }
                };
                (image, chroma)
            }
            None => (Image::new(&desc, trash)?, None),
        };
        Ok(Self::of(desc, image, chroma))
    }

    /// Makes a texture over memory that another worker shares.
    ///
    /// # Errors
    /// [`Fault`] when the memory is not for it.
    pub fn imported(
        desc: Rc<ResourceDesc>,
        trash: &Rc<Trash>,
        shared: &SharedImage,
        memory: OwnedFd,
    ) -> Result<Self, Fault> {
        if !may_leave(&desc) {
            return Err(Fault::argument("another worker shares what cannot be shared"));
        }
        let image = Image::imported(&desc, trash, shared, memory)?;
        Ok(Self::of(desc, image, None))
    }

    fn of(desc: Rc<ResourceDesc>, image: Image, chroma: Option<Rc<Image>>) -> Self {
        Self {
            desc,
            image: RefCell::new(Rc::new(image)),
            chroma,
            min_lod: Cell::new(0.0),
            holding: RefCell::default(),
            targets: Cell::new(0),
        }
    }

    /// Whether other workers may have it.
    pub fn is_held(&self) -> bool {
        self.holding.borrow().is_some()
    }

    /// Other workers may have it from now on.
    pub fn hold(&self, holding: Holding) {
        *self.holding.borrow_mut() = Some(holding);
    }

    pub fn image(&self) -> Rc<Image> {
        self.image.borrow().clone()
    }

    /// The image that a view of `format` shows.
    pub fn plane(&self, format: u32) -> Rc<Image> {
        match (&self.chroma, map_planes(self.desc.command.format)) {
            (Some(chroma), Some(planes)) if planes.shows_chroma(format) => chroma.clone(),
            _ => self.image(),
        }
    }

    /// Texels of the texture for each texel of a view of `format`, across and down.
    pub fn view_scale(&self, format: u32) -> [u32; 2] {
        match map_planes(self.desc.command.format) {
            Some(planes) if planes.shows_chroma(format) => planes.scale,
            Some(planes) => [planes.luma_width, 1],
            None => [1, 1],
        }
    }

    /// Its images.
    pub fn parts(&self) -> Vec<Part> {
        let (image, format) = (self.image(), self.desc.command.format);
        let Some(planes) = map_planes(format) else {
            let conversion = Conversion::of(format, image.format);
            // A conversion works on texels.
            let block = match conversion {
                Some(conversion) => FormatInfo { block_bytes: conversion.row_bytes(1), ..FormatInfo::BYTES },
                None => self.desc.format,
            };
            return vec![Part { image, block, conversion, scale: [1, 1] }];
        };
        let texel = |bytes| FormatInfo { block_bytes: bytes, ..FormatInfo::BYTES };
        let part = |image, block, scale| Part { image, block, conversion: None, scale };
        let luma = part(image, texel(self.desc.format.block_bytes), [planes.luma_width, 1]);
        let chroma = self.chroma.clone();
        let chroma = chroma.map(|image| part(image, texel(2 * self.desc.format.block_bytes), planes.scale));
        [Some(luma), chroma].into_iter().flatten().collect()
    }

    /// Whether its image may be exchanged for one in other memory.
    pub fn may_move(&self) -> bool {
        let planar = self.chroma.is_some() || map_planes(self.desc.command.format).is_some();
        !planar && !self.desc.is_tiled() && self.image().outside.is_none()
    }

    /// Takes another image of the same shape.
    pub fn set_image(&self, image: Rc<Image>) {
        *self.image.borrow_mut() = image;
    }
}

/// Of images whose views have other formats, with usages that the image's own one need not have.
const SEVERAL_FORMATS: vk::ImageCreateFlags = vk::ImageCreateFlags::from_raw(
    vk::ImageCreateFlags::MUTABLE_FORMAT.as_raw() | vk::ImageCreateFlags::EXTENDED_USAGE.as_raw(),
);

fn flags(desc: &ResourceDesc) -> vk::ImageCreateFlags {
    let c = &desc.command;
    let mut flags = vk::ImageCreateFlags::empty();
    // Atomic exchange of floats is one of integers.
    let exchanged = c.format == dxgi::R32_FLOAT && c.bind_flags & bind::UNORDERED_ACCESS != 0;
    // A presentable texture may be seen with and without sRGB (`D3D11_FORMAT_SUPPORT_BACK_BUFFER_CAST`); video formats are
    // seen as several others.
    let several = c.bind_flags & bind::PRESENT != 0 || map_planes(c.format).is_some();
    if is_typeless(c.format) || several || exchanged {
        flags |= SEVERAL_FORMATS;
    }
    if desc.is_tiled() {
        flags |= sparse::IMAGE_FLAGS;
    }
    if c.dimension == dimension::TEXTURECUBE {
        flags |= vk::ImageCreateFlags::CUBE_COMPATIBLE;
    }
    if c.dimension == dimension::TEXTURE3D && c.bind_flags & bind::RENDER_TARGET != 0 {
        flags |= vk::ImageCreateFlags::TYPE_2D_ARRAY_COMPATIBLE;
    }
    flags
}

fn image_usage(desc: &ResourceDesc, format: vk::Format) -> vk::ImageUsageFlags {
    let flags = desc.command.bind_flags;
    let mut usage = vk::ImageUsageFlags::TRANSFER_SRC | vk::ImageUsageFlags::TRANSFER_DST;
    let depth = !aspects(format).contains(vk::ImageAspectFlags::COLOR);
    for (bit, add) in [
        (bind::SHADER_RESOURCE, vk::ImageUsageFlags::SAMPLED),
        (bind::UNORDERED_ACCESS, vk::ImageUsageFlags::STORAGE),
        (bind::RENDER_TARGET, vk::ImageUsageFlags::COLOR_ATTACHMENT),
    ] {
        if flags & bit != 0 {
            usage |= add;
        }
    }
    if depth && flags & bind::DEPTH_STENCIL != 0 {
        usage |= vk::ImageUsageFlags::DEPTH_STENCIL_ATTACHMENT;
    }
    usage
}

/// Bytes that the texels of an image take, or somewhat more.
fn most_bytes(info: &vk::ImageCreateInfo<'_>, desc: &ResourceDesc) -> u64 {
    let (block, extent) = (desc.format, info.extent);
    let across = u64::from(extent.width.div_ceil(block.block_width));
    let down = u64::from(extent.height.div_ceil(block.block_height));
    let deep = u64::from(extent.depth) * u64::from(info.array_layers) * u64::from(info.samples.as_raw());
    // Three components become four, and 24 bits of depth with 8 of stencil perhaps 64.
    let wider = matches!(family(desc.command.format), 5 | 19 | 44);
    let texel = u64::from(block.block_bytes) * if wider { 2 } else { 1 };
    let first = (across * down).saturating_mul(deep).saturating_mul(texel);
    if info.mip_levels == 1 { first } else { first.saturating_add(first / 2) }
}

fn check_limits(device: &Device, info: &vk::ImageCreateInfo<'_>, desc: &ResourceDesc) -> Result<(), Fault> {
    // SAFETY: the physical device belongs to the instance.
    let limits = unsafe {
        device.instance.raw.get_physical_device_image_format_properties(
            device.physical,
            info.format,
            info.image_type,
            info.tiling,
            info.usage,
            info.flags,
        )
    };
    let limits =
        limits.map_err(|_| Fault::unsupported(format!("{:?} with usage {:?}", info.format, info.usage)))?;
    let bytes = most_bytes(info, desc);
    if bytes > limits.max_resource_size {
        let most = limits.max_resource_size;
        return Err(Fault::unsupported(format!("a texture of {bytes} bytes; {most} are the limit")));
    }
    let (extent, max) = (info.extent, limits.max_extent);
    if extent.width > max.width
        || extent.height > max.height
        || extent.depth > max.depth
        || info.mip_levels > limits.max_mip_levels
        || info.array_layers > limits.max_array_layers
        || !limits.sample_counts.contains(info.samples)
    {
        return Err(Fault::unsupported(format!(
            "{}×{}×{} texels, {} mips, {} slices, {:?} samples of {:?}",
            extent.width,
            extent.height,
            extent.depth,
            info.mip_levels,
            info.array_layers,
            info.samples,
            info.format
        )));
    }
    Ok(())
}
