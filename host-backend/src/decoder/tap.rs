//! What a recording is told of the heap: which bytes a record is about to read.

use pvgpu_protocol::command::HeapRange;

use super::Decoder;
use crate::ops::{CopyRegion, Op, ResourceDesc};
use crate::record::ContextTap;

impl Decoder {
    /// Tells of ranges that an operation uses, before it does.
    pub(super) fn tell_uses(&self, tap: &ContextTap, ranges: &[Option<HeapRange>], op: &Op<'_>) {
        match op {
            // What they name is written as a whole, or was told of as data.
            Op::Present(_) | Op::EndQuery { .. } | Op::UpdateSubresource(_) => {}
            Op::CopyRegion(copy) => {
                self.tell_place(tap, copy.src, copy.src_subresource, false);
                let whole = self.overwrites(copy);
                self.tell_place(tap, copy.dst, copy.dst_subresource, whole);
            }
            _ => {
                for range in ranges.iter().flatten() {
                    tap.tap.uses(tap.context, *range, self.last_fence, false);
                }
            }
        }
    }

    /// Tells of a subresource's place, if it lies in the heap.
    fn tell_place(&self, tap: &ContextTap, id: u32, subresource: u32, overwritten: bool) {
        let Ok(desc) = self.resource(id) else { return };
        let place = |desc: &ResourceDesc| {
            let place = desc.shape.subresource(desc.format, subresource)?;
            Some(HeapRange { offset: desc.heap()?.offset.checked_add(place.offset)?, length: place.length })
        };
        if let Some(range) = place(desc) {
            tap.tap.uses(tap.context, range, self.last_fence, overwritten);
        }
    }

    /// Whether a copy leaves nothing of its target.
    fn overwrites(&self, copy: &CopyRegion) -> bool {
        let (Ok(to), Ok(from)) = (self.resource(copy.dst), self.resource(copy.src)) else { return false };
        let b = copy.src_box;
        // Blocks of different shapes scale the box; such a copy counts as partial, which costs room and nothing else.
        copy.dst_origin == [0; 3]
            && (to.format.block_width, to.format.block_height)
                == (from.format.block_width, from.format.block_height)
            && [b.right - b.left, b.bottom - b.top, b.back - b.front]
                == to.mip_extent(copy.dst_subresource % to.shape.mip_levels)
    }
}
