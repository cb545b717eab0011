//! Which parts of the heap the records of a ring read and write, as far as the other machine has to know.
//!
//! The guest's end of a mirror reads its own guest's records for that; the host's end knows nothing of them. A record that does not
//! decode is carried as it is: the host will refuse it in its own way.

use std::collections::BTreeMap;

use pvgpu_protocol::command::{
    self, ArchivedCreateResource, ArchivedHeapRange, Command, CommandRef, HeapRange, dimension, present_flag,
    usage,
};
use pvgpu_protocol::format::{self, FormatInfo};
use pvgpu_protocol::record::RecordHeader;
use pvgpu_protocol::staging::Shape;

/// What a record does that a mirror has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Reads a part of the heap that the guest's processor has written.
    Reads(HeapRange),
    /// The same; the part is written again and again, and mostly a little of it.
    Updates(HeapRange),
    /// Writes a part of the heap, before the fence that follows.
    Writes(HeapRange),
    /// The same; the part is a frame with rows of `pitch` bytes, `width` pixels each.
    Shows {
        /// The part.
        range: HeapRange,
        /// Bytes from row to row.
        pitch: u32,
        /// Pixels.
        width: u32,
        /// Of what.
        surface: u32,
        /// No newer frame may take its place.
        keep: bool,
    },
    /// A fence.
    Fence(u64),
    /// Ring 0: a context begins.
    Begins {
        /// Its number.
        context: u32,
        /// Its ring.
        ring: HeapRange,
    },
    /// Ring 0: a context is to end.
    Ends {
        /// Its number.
        context: u32,
    },
}

/// A staging resource.
#[derive(Clone, Copy, Debug)]
struct Staging {
    heap: HeapRange,
    shape: Shape,
    format: FormatInfo,
}

/// What a ring's records have made so far.
#[derive(Debug, Default)]
pub struct Footprint {
    staging: BTreeMap<u32, Staging>,
    queries: BTreeMap<u32, HeapRange>,
}

/// Opcodes whose records are looked at; most records of a frame are none of them.
const WATCHED: [u16; 27] = [
    command::Fence::OPCODE,
    command::CreateContext::OPCODE,
    command::DestroyContext::OPCODE,
    command::BlitHeap::OPCODE,
    command::FillHeap::OPCODE,
    command::SetPointerShape::OPCODE,
    command::CreateResource::OPCODE,
    command::DestroyObject::OPCODE,
    command::CreateQuery::OPCODE,
    command::CreateShader::OPCODE,
    command::CreateStreamOutputShader::OPCODE,
    command::TryOpenSharedResource::OPCODE,
    command::DescribeTiling::OPCODE,
    command::UpdateTiles::OPCODE,
    command::EndQuery::OPCODE,
    command::CopyResource::OPCODE,
    command::CopyRegion::OPCODE,
    command::ResolveSubresource::OPCODE,
    command::CopyStructureCount::OPCODE,
    command::CopyTiles::OPCODE,
    command::UpdateSubresource::OPCODE,
    command::UpdateInline::OPCODE,
    command::DiscardBuffer::OPCODE,
    command::WriteNoOverwrite::OPCODE,
    command::PlaceBuffer::OPCODE,
    command::WriteStaging::OPCODE,
    command::Present::OPCODE,
];

impl Footprint {
    /// Tells what a record does, header word included.
    pub fn record(&mut self, words: &[u64], mut tell: impl FnMut(Use)) {
        let Some(header) = words.first() else { return };
        if !WATCHED.contains(&RecordHeader::from_word(*header).opcode) {
            return;
        }
        let Ok(command) = command::decode(words) else { return };
        let range = |range: &ArchivedHeapRange| HeapRange::from(*range);
        match command {
            CommandRef::Fence(c) => tell(Use::Fence(c.value.to_native())),
            CommandRef::CreateContext(c) => {
                tell(Use::Begins { context: c.context.to_native(), ring: range(&c.ring) });
            }
            CommandRef::DestroyContext(c) => tell(Use::Ends { context: c.context.to_native() }),
            CommandRef::BlitHeap(c) => {
                tell(Use::Updates(range(&c.src)));
                tell(Use::Writes(range(&c.dst)));
            }
            CommandRef::FillHeap(c) => tell(Use::Writes(range(&c.dst))),
            CommandRef::SetPointerShape(c) => tell(Use::Reads(range(&c.shape))),
            CommandRef::CreateShader(c) => tell(Use::Reads(range(&c.tokens))),
            CommandRef::CreateStreamOutputShader(c) => tell(Use::Reads(range(&c.tokens))),
            CommandRef::UpdateTiles(c) => tell(Use::Reads(range(&c.data))),
            CommandRef::UpdateSubresource(c) => {
                tell(Use::Reads(range(&c.data)));
                self.writes(c.dst.to_native(), Some(c.dst_subresource.to_native()), &mut tell);
            }
            CommandRef::UpdateInline(c) => self.writes(c.dst.to_native(), None, &mut tell),
            CommandRef::DiscardBuffer(c) => tell(Use::Reads(range(&c.data))),
            CommandRef::WriteNoOverwrite(c) => tell(Use::Updates(range(&c.data))),
            CommandRef::PlaceBuffer(c) => tell(Use::Updates(range(&c.data))),
            CommandRef::WriteStaging(c) => tell(Use::Reads(range(&c.data))),
            CommandRef::TryOpenSharedResource(c) => tell(Use::Writes(range(&c.status))),
            CommandRef::DescribeTiling(c) => tell(Use::Writes(range(&c.slot))),
            CommandRef::CreateResource(c) => self.created(c, &mut tell),
            CommandRef::CreateQuery(c) => {
                self.queries.insert(c.id.to_native(), range(&c.slot));
            }
            CommandRef::DestroyObject(c) => {
                let id = c.id.to_native();
                self.staging.remove(&id);
                self.queries.remove(&id);
            }
            CommandRef::EndQuery(c) => {
                if let Some(slot) = self.queries.get(&c.query.to_native()) {
                    tell(Use::Writes(*slot));
                }
            }
            CommandRef::CopyResource(c) => self.writes(c.dst.to_native(), None, &mut tell),
            CommandRef::CopyRegion(c) => {
                self.writes(c.dst.to_native(), Some(c.dst_subresource.to_native()), &mut tell);
            }
            CommandRef::ResolveSubresource(c) => {
                self.writes(c.dst.to_native(), Some(c.dst_subresource.to_native()), &mut tell);
            }
            CommandRef::CopyStructureCount(c) => self.writes(c.dst.to_native(), None, &mut tell),
            CommandRef::CopyTiles(c) => self.writes(c.buffer.to_native(), None, &mut tell),
            CommandRef::Present(c) => {
                let (range, pitch, width) = (range(&c.frame), c.row_pitch.to_native(), c.width.to_native());
                let keep = c.flags.to_native() & present_flag::KEEP != 0;
                tell(Use::Shows { range, pitch, width, surface: c.src.to_native(), keep });
            }
            // Not watched.
            _ => {}
        }
    }

    /// A resource was made: staging ones are remembered, and what they contain is carried over.
    fn created(&mut self, c: &ArchivedCreateResource, tell: &mut impl FnMut(Use)) {
        if c.usage.to_native() != usage::STAGING {
            return;
        }
        let heap = HeapRange::from(c.heap);
        let format = match c.dimension.to_native() {
            dimension::BUFFER => Some(FormatInfo::BYTES),
            _ => format::info(c.format.to_native()),
        };
        let shape = Shape {
            width: c.width.to_native(),
            height: c.height.to_native(),
            depth: c.depth.to_native(),
            mip_levels: c.mip_levels.to_native(),
            array_size: c.array_size.to_native(),
        };
        tell(Use::Reads(heap));
        if let Some(format) = format {
            self.staging.insert(c.id.to_native(), Staging { heap, shape, format });
        }
    }

    /// A resource is written; a subresource of it, where one is named.
    fn writes(&self, id: u32, subresource: Option<u32>, tell: &mut impl FnMut(Use)) {
        let Some(Staging { heap, shape, format }) = self.staging.get(&id) else { return };
        let part = subresource.and_then(|subresource| {
            let layout = shape.subresource(*format, subresource)?;
            let end = layout.offset.checked_add(layout.length)?;
            let offset = heap.offset.checked_add(layout.offset)?;
            (end <= heap.length).then_some(HeapRange { offset, length: layout.length })
        });
        tell(Use::Writes(part.unwrap_or(*heap)));
    }
}
