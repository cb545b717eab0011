//! Which tiles of a presented frame differ from the frame before, for a mirror that sends only those.
//!
//! Frames are compared with the frame before of the same context, sizes and pitch, whoever presented it and whether it was sent or
//! not: a frame that is not sent only adds to what the next one has to bring (`pvgpu_transport::mirror::frames`). What is compared is
//! what stands in the heap, `B8G8R8A8`, whatever the texture's format is.
//!
//! On a GPU with a memory of its own, each frame is copied once more, to a buffer there, and a shader of our own compares it with
//! the one before; the mask is read with the batch's other results. A software renderer's shader would run on the
//! same cores, and needs the second copy, so there the completion thread compares.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use ash::vk;
use ash::vk::Handle;
use gpu_allocator::MemoryLocation;
use pvgpu_dxbc::BindingClass;
use pvgpu_protocol::command;
use pvgpu_protocol::command::HeapRange;
use pvgpu_transport::tiles::{Differences, Geometry, Source, TileMask};

use super::Context;
use super::completion::Frame;
use super::descriptor::Program;
use super::device::Allocation;
use super::memory::{Slice, create_buffer};
use super::recorder::{Access, Tracker};
use super::resource::Image;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::memory::Heap;

/// Sees each frame with the tiles in which it differs from the one before of its context, sizes and pitch, all of them for the first one.
/// Called on the completion thread, in order, before the guest is told of the frame.
pub type TileSink = Arc<dyn Fn(&Frame, &TileMask, &Heap) + Send + Sync>;

/// Who compares frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ComparedBy {
    /// The GPU, but where it is a software renderer.
    #[default]
    Fastest,
    /// The completion thread.
    Processor,
    /// The GPU, whatever it is.
    Gpu,
}

/// Has frames compared, for whoever wants to know.
#[derive(Clone)]
pub struct TileWatch {
    /// Who wants to know.
    pub sink: TileSink,
    /// Who compares.
    pub by: ComparedBy,
}

/// How it is known what has changed in a frame.
#[derive(Clone, Copy, Debug)]
pub enum Changed {
    /// By comparing it, if somebody wants to know.
    Unknown,
    /// All of it.
    All,
    /// By a mask that the GPU writes.
    Mask(Slice),
}

/// A frame that a batch brings into the heap.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    pub frame: Frame,
    pub changed: Changed,
}

/// Chains of frames of a size whose last ones a context keeps on the GPU, and a worker's completion thread in memory; windows that
/// are resized leave theirs behind.
const MAX_CHAINS: usize = 4;
const MAX_CHAINS_OF_WORKER: usize = 8;

impl Frame {
    /// Its sizes, for whoever cuts it into tiles; none for sizes that no texture has.
    pub fn geometry(&self) -> Option<Geometry> {
        Geometry::new(self.width, self.height, 4, self.row_pitch).ok()
    }
}

/// The rows of a frame in the heap.
pub struct FrameBytes<'h> {
    heap: &'h Heap,
    offset: u64,
}

impl<'h> FrameBytes<'h> {
    /// Those of a frame.
    pub fn new(heap: &'h Heap, frame: &Frame) -> Self {
        Self { heap, offset: frame.offset }
    }
}

impl Source for FrameBytes<'_> {
    fn bytes(&self) -> u64 {
        self.heap.bytes().saturating_sub(self.offset)
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        self.heap.read(HeapRange { offset: self.offset.saturating_add(at), length: into.len() as u64 }, into);
    }
}

/// The completion thread's part: reads masks, and compares where the GPU does not.
pub struct Comparisons {
    watch: TileWatch,
    /// The one that was used last at the end.
    chains: Vec<(u32, Geometry, Differences)>,
}

impl Comparisons {
    pub fn new(watch: TileWatch) -> Self {
        Self { watch, chains: Vec::new() }
    }

    /// Tells what has changed in a frame that stands in the heap now.
    pub fn tell(&mut self, presented: &Presented, heap: &Heap) {
        let frame = &presented.frame;
        let Some(geometry) = frame.geometry() else { return };
        let mask = match presented.changed {
            Changed::All => TileMask::all(&geometry),
            Changed::Mask(slice) => {
                let mut bytes = vec![0; mask_bytes(&geometry) as usize];
                slice.read(0, &mut bytes);
                let words = bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
                TileMask::from_words(&geometry, words)
            }
            Changed::Unknown => {
                let chain = |(context, known, _): &(u32, Geometry, Differences)| {
                    (*context, *known) == (frame.context, geometry)
                };
                let known = self.chains.iter().position(chain).map(|index| self.chains.remove(index).2);
                let mut differences = known.unwrap_or_default();
                let changed = differences.changed(&geometry, &FrameBytes::new(heap, frame));
                if self.chains.len() >= MAX_CHAINS_OF_WORKER {
                    self.chains.remove(0);
                }
                self.chains.push((frame.context, geometry, differences));
                // A frame that is not in the heap was refused by validation.
                changed.unwrap_or_else(|_| TileMask::all(&geometry))
            }
        };
        (self.watch.sink)(frame, &mask, heap);
    }
}

/// Words before the mask: what the shader needs to know.
const HEAD_BYTES: u64 = 16;

/// Bytes of a mask.
fn mask_bytes(geometry: &Geometry) -> u64 {
    u64::from(geometry.tiles().div_ceil(32)) * 4
}

/// A buffer on the GPU.
struct Bytes {
    buffer: vk::Buffer,
    allocation: Cell<Option<Allocation>>,
    tracker: Tracker,
    trash: Rc<Trash>,
}

impl Bytes {
    fn new(trash: &Rc<Trash>, size: u64) -> Result<Self, Fault> {
        let none = vk::BufferUsageFlags::empty();
        let (buffer, allocation) =
            create_buffer(&trash.device, "frame", size, MemoryLocation::GpuOnly, none)?;
        Ok(Self {
            buffer,
            allocation: Cell::new(Some(allocation)),
            tracker: Tracker::default(),
            trash: trash.clone(),
        })
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.trash.add(Garbage::Buffer(self.buffer, self.allocation.take()));
    }
}

/// The last frame of a chain, and room for the next.
struct Chain {
    geometry: Geometry,
    /// Empty until there is a first frame.
    before: Option<Bytes>,
    room: Bytes,
    /// [`HEAD_BYTES`] and the mask.
    mask: Bytes,
}

/// The GPU's part, of a context.
#[derive(Default)]
pub struct Chains {
    program: Option<Rc<Program>>,
    /// The one that was used last at the end.
    chains: Vec<Chain>,
}

impl Context {
    /// Notes a frame that the next submission brings into the heap from an image of its sizes in `B8G8R8A8`, and has it compared.
    pub(super) fn note_frame(
        &mut self,
        c: &command::Present,
        image: &Image,
        place: vk::ImageSubresourceLayers,
    ) -> Result<(), Fault> {
        let (offset, sequence) = (c.frame.offset, c.sequence);
        let (width, height, row_pitch) = (c.width, c.height, c.row_pitch);
        let frame = Frame { context: self.id(), sequence, offset, width, height, row_pitch };
        let by = self.shared.completion.compared_by();
        let changed = match (by, frame.geometry()) {
            (Some(by), Some(geometry)) if self.gpu_compares(by) => self.compare(&geometry, image, place)?,
            _ => Changed::Unknown,
        };
        if by.is_some() || self.shared.completion.watches_frames() {
            self.frames.push(Presented { frame, changed });
        }
        Ok(())
    }

    fn gpu_compares(&self, by: ComparedBy) -> bool {
        match by {
            ComparedBy::Fastest => !self.device.is_software(),
            ComparedBy::Processor => false,
            ComparedBy::Gpu => true,
        }
    }

    fn compare(
        &mut self,
        geometry: &Geometry,
        image: &Image,
        place: vk::ImageSubresourceLayers,
    ) -> Result<Changed, Fault> {
        let known = self.present_images.chains.chains.iter().position(|chain| chain.geometry == *geometry);
        let chain = match known {
            Some(index) => self.present_images.chains.chains.remove(index),
            None => match Chain::new(*geometry, &self.trash) {
                Ok(chain) => chain,
                Err(fault) => {
                    // What a guest's memory has no room for is sent whole. A device that is lost says so with the batch.
                    log::debug!("a frame is not compared: {fault}");
                    return Ok(Changed::All);
                }
            },
        };
        let Chain { before, room: now, mask, .. } = chain;
        let region = vk::BufferImageCopy {
            image_subresource: place,
            image_extent: vk::Extent3D { width: geometry.width(), height: geometry.height(), depth: 1 },
            ..Default::default()
        };
        let cmd = self.prepare_use(&[(&image.tracker, Access::Read), (&now.tracker, Access::Write)])?;
        cmd.copy_image_to_buffer(image.raw, vk::ImageLayout::GENERAL, now.buffer, &[region]);
        let (changed, room) = match before {
            Some(before) => (self.run_comparison(geometry, &now, &before, &mask)?, Some(before)),
            None => (Changed::All, None),
        };
        // Without room for a second frame, nothing is kept of the first, and the next one is whole again.
        let room = room.or_else(|| Bytes::new(&self.trash, frame_bytes(geometry)).ok());
        if let Some(room) = room {
            let chains = &mut self.present_images.chains.chains;
            if chains.len() >= MAX_CHAINS {
                chains.remove(0);
            }
            chains.push(Chain { geometry: *geometry, before: Some(now), room, mask });
        }
        Ok(changed)
    }

    fn run_comparison(
        &mut self,
        geometry: &Geometry,
        now: &Bytes,
        before: &Bytes,
        mask: &Bytes,
    ) -> Result<Changed, Fault> {
        let known = self.present_images.chains.program.clone();
        let program = match known {
            Some(program) => program,
            None => self.own_program(include_bytes!("shaders/tiles.dxbc"))?,
        };
        self.present_images.chains.program = Some(program.clone());
        let (columns, rows, bytes) = (geometry.columns(), geometry.rows(), mask_bytes(geometry));
        let cmd = self.prepare_use(&[(&mask.tracker, Access::Write)])?;
        for (offset, value) in [(0, geometry.width()), (4, geometry.height()), (8, columns)] {
            cmd.fill_buffer(mask.buffer, offset, 4, value);
        }
        cmd.fill_buffer(mask.buffer, 12, HEAD_BYTES - 12 + bytes, 0);
        let contents = program.buffers(|class, slot| match (class, slot) {
            (BindingClass::ShaderResource, 0) => (now.buffer, frame_bytes(geometry)),
            (BindingClass::ShaderResource, _) => (before.buffer, frame_bytes(geometry)),
            _ => (mask.buffer, HEAD_BYTES + bytes),
        });
        self.run_own(&program, &contents, [columns, rows, 1])?;
        for (used, access) in [(now, Access::Read), (before, Access::Read), (mask, Access::Write)] {
            self.recorder.mark(&used.tracker, access);
        }
        let slice = self.download(bytes)?;
        let cmd = self.prepare_use(&[(&mask.tracker, Access::Read)])?;
        let region = vk::BufferCopy { src_offset: HEAD_BYTES, dst_offset: slice.offset, size: bytes };
        cmd.copy_buffer(mask.buffer, slice.buffer, &[region]);
        Ok(Changed::Mask(slice))
    }
}

impl Chain {
    fn new(geometry: Geometry, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let bytes = frame_bytes(&geometry);
        if bytes > u64::from(trash.device.limits.max_storage_buffer_range) {
            return Err(Fault::unsupported(format!("comparing frames of {bytes} bytes")));
        }
        let mask = Bytes::new(trash, HEAD_BYTES + mask_bytes(&geometry))?;
        Ok(Self { geometry, before: None, room: Bytes::new(trash, bytes)?, mask })
    }
}

/// Bytes of a frame without padding.
fn frame_bytes(geometry: &Geometry) -> u64 {
    geometry.row_bytes() as u64 * u64::from(geometry.height())
}

impl Program {
    /// What a set holds whose bindings are all buffers, as [`Program::describe`] lists it.
    fn buffers(&self, find: impl Fn(BindingClass, usize) -> (vk::Buffer, u64)) -> Vec<u64> {
        let of = |(class, slot)| {
            let (buffer, bytes) = find(class, slot);
            [buffer.as_raw(), 0, bytes]
        };
        self.classes().flat_map(of).collect()
    }
}
