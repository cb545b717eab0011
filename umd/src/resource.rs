//! Resources: creation, where their contents live on the guest's side, destruction.
//!
//! Most resources live on the host alone. Staging resources lie in the heap, where both sides reach them; dynamic ones get
//! memory each time the program maps them; presentable ones own the frames that the host writes for the screen.

use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use std::collections::VecDeque;
use std::rc::Rc;

use pvgpu_protocol::command::{CreateResource, bind, dimension, usage};
use pvgpu_protocol::format::{self, FormatInfo};
use pvgpu_protocol::kernel_interface::{AllocationData, PrivateHeader, kind};
use pvgpu_protocol::staging::{SUBRESOURCE_ALIGN, Shape, SubresourceLayout};
use pvgpu_umd_ddi::D3DKMT_HANDLE;

use crate::arena::Piece;
use crate::device::Device;
use crate::error::Error;
use crate::frames::{FramePool, Frames};
use crate::heap::Block;
use crate::share::Share;
use crate::tiled::KnownTiling;
use crate::transfer::{Source, Target};

/// A resource of the device.
#[derive(Debug)]
pub struct Resource {
    pub(crate) id: u32,
    /// Its extents; a buffer's width is its size in bytes.
    pub(crate) shape: Shape,
    /// The block of its format; [`FormatInfo::BYTES`] for buffers.
    pub(crate) format: FormatInfo,
    pub(crate) is_buffer: bool,
    /// Bits of [`pvgpu_protocol::command::misc`].
    pub(crate) misc_flags: u32,
    /// Of tiled resources, once somebody has asked.
    pub(crate) tiling: KnownTiling,
    /// Of tile pools: tiles.
    pub(crate) pool_tiles: Cell<u64>,
    pub(crate) memory: Memory,
    pub(crate) surface: Option<Surface>,
    pub(crate) share: Option<Share>,
}

/// Where a resource's contents live on the guest's side.
#[derive(Debug)]
pub(crate) enum Memory {
    /// Nowhere.
    Host,
    /// In upload memory while the program has it mapped: dynamic textures.
    Dynamic(RefCell<Option<Piece>>),
    /// In upload memory or in memory of its own: dynamic buffers.
    Buffer(RefCell<DynamicBuffer>),
    /// In the heap.
    Staging(Staging),
    /// In the heap while the program has it mapped: default buffers with CPU access, of Direct3D 11.2.
    Default(RefCell<Option<DefaultMap>>),
}

/// The mapping of a default buffer.
#[derive(Debug)]
pub(crate) struct DefaultMap {
    /// Its contents.
    pub block: Block,
    /// The program may have written them.
    pub written: bool,
}

/// The memory of a dynamic buffer.
#[derive(Debug, Default)]
pub(crate) struct DynamicBuffer {
    /// Discards go to memory that is kept, so that the buffer can be mapped without overwriting: vertex and index buffers from
    /// the beginning, others from the first such map on. Otherwise they go to upload memory, which is cheaper.
    pub keeps: bool,
    /// The buffer was written, by the program or the GPU.
    pub written: bool,
    /// What the buffer contains since the last discard, if it is kept.
    pub current: Option<Block>,
    /// The GPU wrote the buffer, so `current` no longer has its contents.
    pub stale: bool,
    /// Older contents, with the fence after which their memory can be used again.
    pub retired: VecDeque<(u64, Block)>,
    /// The mapping in progress.
    pub mapped: BufferMap,
}

/// What a dynamic buffer's mapping will do at unmap.
#[derive(Debug, Default)]
pub(crate) enum BufferMap {
    /// Not mapped.
    #[default]
    None,
    /// New contents, from upload memory.
    Upload(Piece),
    /// New contents, to be kept.
    Keep(Block),
    /// More of the same contents.
    NoOverwrite,
}

/// A staging resource's memory.
#[derive(Debug)]
pub(crate) struct Staging {
    /// All subresources, laid out by [`pvgpu_protocol::staging`].
    pub block: Block,
    /// The fence that follows the last command that uses it.
    pub fence: Cell<u64>,
    /// Subresources that are mapped for writing.
    pub written: RefCell<Vec<u32>>,
}

/// What a presentable resource has besides.
#[derive(Debug)]
pub(crate) struct Surface {
    /// The kernel's handle.
    pub allocation: D3DKMT_HANDLE,
    /// The runtime's handle of the resource, under which it was allocated.
    pub runtime_resource: *mut c_void,
    /// The frames, when presents go to the guest.
    pub frames: Option<Rc<Frames>>,
}

/// What `CreateResource` asks for; values as in [`CreateResource`].
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// One of [`dimension`].
    pub dimension: u32,
    /// Extents of the first mip; mips; slices.
    pub shape: Shape,
    /// `DXGI_FORMAT`.
    pub format: u32,
    /// Samples a texel.
    pub sample_count: u32,
    /// Their pattern.
    pub sample_quality: u32,
    /// One of [`usage`].
    pub usage: u32,
    /// Bits of [`bind`].
    pub bind_flags: u32,
    /// Bits of [`pvgpu_protocol::command::misc`].
    pub misc_flags: u32,
    /// Bytes of a structure.
    pub structure_stride: u32,
    /// Other devices may open it.
    pub shared: bool,
    /// Whether the program may map it (`MapFlags`).
    pub mappable: bool,
}

impl Description {
    /// Whether it is a buffer.
    pub fn is_buffer(&self) -> bool {
        self.dimension == dimension::BUFFER
    }

    /// The block of its format.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a texture whose format has no known block.
    pub fn block(&self) -> Result<FormatInfo, Error> {
        if self.is_buffer() {
            return Ok(FormatInfo::BYTES);
        }
        format::info(self.format).ok_or(Error::Unsupported("textures of this format"))
    }
}

impl Resource {
    /// Where a subresource lies in a resource that is laid out in the heap.
    ///
    /// # Errors
    /// [`Error::BadArgument`] when there is no such subresource.
    pub(crate) fn layout(&self, subresource: u32) -> Result<SubresourceLayout, Error> {
        self.shape.subresource(self.format, subresource).ok_or(Error::BadArgument("no such subresource"))
    }

    /// The whole of a subresource.
    pub(crate) fn target(&self, subresource: u32) -> Target {
        Target::whole(self.shape, self.format, subresource)
    }

    /// Notes that a command in the ring uses the resource, and whether it writes it, after the command was emitted.
    pub(crate) fn note_use(&self, next_fence: u64, written: bool) {
        match &self.memory {
            Memory::Staging(staging) => staging.fence.set(next_fence),
            Memory::Buffer(buffer) if written => {
                let mut buffer = buffer.borrow_mut();
                (buffer.written, buffer.stale) = (true, true);
            }
            Memory::Buffer(_) => {}
            Memory::Host | Memory::Dynamic(_) | Memory::Default(_) => {}
        }
    }
}

impl Device {
    /// `CreateResource`; `initial` has the contents of each subresource, or is empty. `runtime_resource` is the runtime's
    /// handle, by which the kernel knows allocations.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::DeviceRemoved`]; [`Error::Unsupported`] for formats that have no known layout.
    pub fn create_resource<'s>(
        &mut self,
        description: &Description,
        initial: impl ExactSizeIterator<Item = Source<'s>>,
        runtime_resource: *mut c_void,
    ) -> Result<Resource, Error> {
        let format = description.block()?;
        self.check(description)?;
        let shape = description.shape;
        let memory = self.guest_memory(description, format)?;
        let heap = match &memory {
            Memory::Staging(staging) => {
                staging.block.range(shape.total_bytes(format).ok_or(Error::OutOfMemory)?)
            }
            _ => Default::default(),
        };
        let mut command = CreateResource {
            heap,
            id: 0,
            dimension: description.dimension,
            format: description.format,
            width: shape.width,
            height: shape.height,
            depth: shape.depth,
            mip_levels: shape.mip_levels,
            array_size: shape.array_size,
            sample_count: description.sample_count,
            sample_quality: description.sample_quality,
            usage: description.usage,
            bind_flags: description.bind_flags,
            misc_flags: description.misc_flags,
            structure_stride: description.structure_stride,
        };
        let mut resource = self.create(
            |context, id| {
                command.id = id;
                context.emit(&command)
            },
            |id| Resource {
                id,
                shape,
                format,
                is_buffer: description.is_buffer(),
                misc_flags: description.misc_flags,
                tiling: KnownTiling::new(),
                pool_tiles: Cell::new(description.pool_tiles()),
                memory,
                surface: None,
                share: None,
            },
        )?;
        let filled = self.fill(&resource, initial).and_then(|()| {
            if description.shared {
                resource.share = Some(self.share(&resource, description, runtime_resource)?);
            }
            if description.bind_flags & bind::PRESENT != 0 {
                resource.surface =
                    Some(self.create_surface(&resource, description.format, runtime_resource)?);
            }
            Ok(())
        });
        match filled {
            Ok(()) => Ok(resource),
            Err(error) => {
                // The error at hand is the one that matters.
                let _ = self.destroy_resource(resource);
                Err(error)
            }
        }
    }

    /// `DestroyResource`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn destroy_resource(&mut self, resource: Resource) -> Result<(), Error> {
        let result = self.destroy(resource.id);
        if let Some(Share { runtime_resource, allocation }) = resource.share {
            self.context.kernel.deallocate(runtime_resource, allocation);
        }
        if let Some(surface) = resource.surface {
            self.presented.forget(resource.id);
            self.context.kernel.deallocate(surface.runtime_resource, surface.allocation);
            if let Some(frames) = surface.frames {
                FramePool::give_back(&mut self.context, frames);
            }
        }
        match resource.memory {
            Memory::Host => {}
            Memory::Dynamic(mapped) => {
                if let Some(piece) = mapped.into_inner() {
                    self.context.close(piece);
                }
            }
            Memory::Buffer(buffer) => {
                let DynamicBuffer { current, retired, mapped, keeps: _, written: _, stale: _ } =
                    buffer.into_inner();
                let mapped = match mapped {
                    BufferMap::Keep(block) => Some(block),
                    BufferMap::Upload(piece) => {
                        self.context.close(piece);
                        None
                    }
                    BufferMap::None | BufferMap::NoOverwrite => None,
                };
                let blocks = retired.into_iter().map(|(_, block)| block).chain(current).chain(mapped);
                blocks.for_each(|block| self.context.free(block));
            }
            Memory::Staging(staging) => self.context.free(staging.block),
            Memory::Default(mapped) => {
                if let Some(DefaultMap { block, written: _ }) = mapped.into_inner() {
                    self.context.free(block);
                }
            }
        }
        result
    }

    /// Refuses what the host would refuse by poisoning the context, though the DDI has it.
    fn check(&self, description: &Description) -> Result<(), Error> {
        const KNOWN: u32 = bind::VERTEX_BUFFER
            | bind::INDEX_BUFFER
            | bind::CONSTANT_BUFFER
            | bind::SHADER_RESOURCE
            | bind::RENDER_TARGET
            | bind::DEPTH_STENCIL
            | bind::PRESENT
            | bind::UNORDERED_ACCESS
            | bind::STREAM_OUTPUT;
        if description.bind_flags & !KNOWN != 0 {
            return Err(Error::Unsupported("video resources"));
        }
        if description.bind_flags & bind::STREAM_OUTPUT != 0 && !self.caps.has_stream_output() {
            return Err(Error::Unsupported("stream output"));
        }
        self.check_tiled(description)?;
        if description.is_buffer() {
            return Ok(());
        }
        if !self.caps.has_texture(description.dimension, description.format) {
            return Err(Error::Unsupported("textures of this format and dimension"));
        }
        let samples = description.sample_count;
        if samples > 1 && self.caps.quality_levels(description.format, samples) == 0 {
            return Err(Error::Unsupported("this number of samples"));
        }
        Ok(())
    }

    /// The memory that a fresh resource gets on the guest's side.
    fn guest_memory(&mut self, description: &Description, format: FormatInfo) -> Result<Memory, Error> {
        match description.usage {
            usage::DYNAMIC if description.is_buffer() => {
                let keeps = description.bind_flags & (bind::VERTEX_BUFFER | bind::INDEX_BUFFER) != 0;
                Ok(Memory::Buffer(RefCell::new(DynamicBuffer { keeps, ..Default::default() })))
            }
            usage::DYNAMIC => Ok(Memory::Dynamic(RefCell::default())),
            usage::STAGING => {
                let bytes = description.shape.total_bytes(format).ok_or(Error::OutOfMemory)?;
                let block =
                    self.context.allocate(bytes, SUBRESOURCE_ALIGN * u64::from(format.block_bytes))?;
                // The heap is used again and again; what the program reads before it writes must not be another's.
                crate::copy::clear(block.cells());
                Ok(Memory::Staging(Staging { block, fence: Cell::new(0), written: RefCell::default() }))
            }
            usage::DEFAULT if description.is_buffer() && description.mappable => {
                Ok(Memory::Default(RefCell::default()))
            }
            _ => Ok(Memory::Host),
        }
    }

    /// Writes the initial contents.
    fn fill<'s>(
        &mut self,
        resource: &Resource,
        initial: impl ExactSizeIterator<Item = Source<'s>>,
    ) -> Result<(), Error> {
        for (subresource, source) in (0..).zip(initial) {
            match &resource.memory {
                Memory::Staging(staging) => {
                    let layout = resource.layout(subresource)?;
                    let target = resource.target(subresource);
                    target.store(
                        staging.block.cells(),
                        layout.offset,
                        layout.row_pitch,
                        layout.depth_pitch,
                        &source,
                    );
                }
                Memory::Buffer(buffer) if buffer.borrow().keeps => {
                    self.fill_buffer(resource, &mut buffer.borrow_mut(), &source)?;
                }
                Memory::Host | Memory::Dynamic(_) | Memory::Buffer(_) | Memory::Default(_) => {
                    let target = resource.target(subresource);
                    self.unpredicated(|device| device.write(resource, subresource, target, &source))?;
                }
            }
        }
        Ok(())
    }

    /// Makes a presentable resource known to the kernel.
    fn create_surface(
        &mut self,
        resource: &Resource,
        format: u32,
        runtime_resource: *mut c_void,
    ) -> Result<Surface, Error> {
        let Shape { width, height, .. } = resource.shape;
        let frames = if self.caps.presents_to_guest() {
            Some(self.frames.take(&mut self.context, width, height)?)
        } else {
            None
        };
        let data = AllocationData {
            header: PrivateHeader::new(kind::ALLOCATION),
            context: self.context.number(),
            resource: resource.id,
            width,
            height,
            format,
            row_pitch: frames.as_ref().map_or(0, |frames| frames.row_pitch),
            frames_offset: frames.as_ref().map_or(0, |frames| frames.block.offset()),
            frame_bytes: frames.as_ref().map_or(0, |frames| frames.frame_bytes),
        };
        match self.context.kernel.allocate(runtime_resource, &data, None) {
            Ok(allocation) => Ok(Surface { allocation, runtime_resource, frames }),
            Err(error) => {
                if let Some(frames) = frames {
                    FramePool::give_back(&mut self.context, frames);
                }
                Err(error)
            }
        }
    }
}
