//! Buffers, textures and staging resources.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ash::vk;
use gpu_allocator::MemoryLocation;
use gpu_allocator::vulkan::{Allocation, AllocationScheme};
use pvgpu_protocol::command::{HeapRange, bind, dimension, usage};

use super::Device;
use super::conv::map_samples;
use super::formats::{aspects, map_image};
use super::memory::{OwnedSlice, SlicePool, create_buffer};
use super::recorder::Tracker;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::format::is_typeless;
use crate::ops::ResourceDesc;

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
}

enum Backing {
    Own(vk::Buffer, Option<Allocation>),
    Slice(OwnedSlice),
}

/// A buffer. Its contents may move to another place when all of them are replaced.
pub struct Buffer {
    pub desc: Rc<ResourceDesc>,
    backing: RefCell<Backing>,
    /// The backing's place, to be read without a borrow.
    place: Cell<(vk::Buffer, u64)>,
    pub tracker: Tracker,
    trash: Rc<Trash>,
}

impl Buffer {
    /// Makes a buffer; its bytes are undefined, unless it is dynamic: those are zero.
    pub fn new(desc: Rc<ResourceDesc>, trash: &Rc<Trash>, slices: &SlicePool) -> Result<Self, Fault> {
        let size = u64::from(desc.command.width);
        let backing = if desc.command.usage == usage::DYNAMIC {
            let slice = slices.take(size)?;
            slice.write(0, &vec![0; desc.command.width as usize]);
            Backing::Slice(OwnedSlice::new(slice, trash))
        } else {
            // Room for the last dword of odd sizes, which are cleared and read in dwords.
            let (buffer, allocation) =
                create_buffer(&trash.device, "buffer", size.next_multiple_of(16), MemoryLocation::GpuOnly)?;
            Backing::Own(buffer, Some(allocation))
        };
        let place = Cell::new(place(&backing));
        Ok(Self {
            desc,
            backing: RefCell::new(backing),
            place,
            tracker: Tracker::default(),
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

    /// The slice that holds a dynamic buffer.
    pub fn with_slice<T>(&self, run: impl FnOnce(&super::memory::Slice) -> T) -> Option<T> {
        match &*self.backing.borrow() {
            Backing::Slice(slice) => Some(run(&slice.slice)),
            Backing::Own(..) => None,
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
    }
}

fn discard(backing: Backing, trash: &Trash) {
    match backing {
        Backing::Own(buffer, allocation) => trash.add(Garbage::Buffer(buffer, allocation)),
        // Returns by itself.
        Backing::Slice(slice) => drop(slice),
    }
}

/// The image of a texture.
pub struct Image {
    pub raw: vk::Image,
    pub format: vk::Format,
    allocation: Option<Allocation>,
    pub tracker: Tracker,
    trash: Rc<Trash>,
}

impl Image {
    /// Makes an image for a resource; its texels are undefined and its layout too.
    pub fn new(desc: &ResourceDesc, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let device = &trash.device;
        let c = &desc.command;
        let depth = c.bind_flags & bind::DEPTH_STENCIL != 0;
        let format = map_image(c.format, depth, &device.caps);
        if format == vk::Format::UNDEFINED {
            return Err(Fault::unsupported(format!("textures of format {}", c.format)));
        }
        let info = vk::ImageCreateInfo::default()
            .flags(flags(desc))
            .image_type(match c.dimension {
                dimension::TEXTURE1D => vk::ImageType::TYPE_1D,
                dimension::TEXTURE3D => vk::ImageType::TYPE_3D,
                _ => vk::ImageType::TYPE_2D,
            })
            .format(format)
            .extent(vk::Extent3D { width: c.width, height: c.height, depth: c.depth })
            .mip_levels(c.mip_levels)
            .array_layers(c.array_size)
            .samples(map_samples(c.sample_count))
            .usage(image_usage(desc, format))
            .initial_layout(vk::ImageLayout::UNDEFINED);
        check_limits(device, &info)?;
        // SAFETY: the info is complete and within the device's limits.
        let raw = unsafe { device.raw.create_image(&info, None) }
            .map_err(|result| device.fault("vkCreateImage", result))?;
        let mut image =
            Self { raw, format, allocation: None, tracker: Tracker::default(), trash: trash.clone() };
        // SAFETY: the image was just made.
        let requirements = unsafe { device.raw.get_image_memory_requirements(raw) };
        let dedicated =
            (requirements.size >= DEDICATED_BYTES).then_some(AllocationScheme::DedicatedImage(raw));
        let allocation = device.allocate("image", requirements, MemoryLocation::GpuOnly, false, dedicated)?;
        // SAFETY: the memory comes from the allocator and is used for this image only.
        let memory = unsafe { allocation.memory() };
        let offset = allocation.offset();
        image.allocation = Some(allocation);
        // SAFETY: the memory fits the requirements and is bound once.
        unsafe { device.raw.bind_image_memory(raw, memory, offset) }
            .map_err(|result| device.fault("vkBindImageMemory", result))?;
        Ok(image)
    }

    pub fn aspects(&self) -> vk::ImageAspectFlags {
        aspects(self.format)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.trash.add(Garbage::Image(self.raw, self.allocation.take()));
    }
}

/// A texture: an identity with an image, which [`RotateResourceIdentities`](crate::ops::Op) exchanges.
pub struct Texture {
    pub desc: Rc<ResourceDesc>,
    image: RefCell<Rc<Image>>,
}

impl Texture {
    pub fn new(desc: Rc<ResourceDesc>, image: Image) -> Self {
        Self { desc, image: RefCell::new(Rc::new(image)) }
    }

    pub fn image(&self) -> Rc<Image> {
        self.image.borrow().clone()
    }

    /// Takes another image of the same shape.
    pub fn set_image(&self, image: Rc<Image>) {
        *self.image.borrow_mut() = image;
    }
}

fn flags(desc: &ResourceDesc) -> vk::ImageCreateFlags {
    let c = &desc.command;
    let mut flags = vk::ImageCreateFlags::empty();
    // A presentable texture may be seen with and without sRGB (`D3D11_FORMAT_SUPPORT_BACK_BUFFER_CAST`).
    if is_typeless(c.format) || c.bind_flags & bind::PRESENT != 0 {
        flags |= vk::ImageCreateFlags::MUTABLE_FORMAT | vk::ImageCreateFlags::EXTENDED_USAGE;
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

fn check_limits(device: &Device, info: &vk::ImageCreateInfo<'_>) -> Result<(), Fault> {
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
