//! Uploads and copies of buffers, and which copy a pair of resources needs; textures are in [`super::texture_copy`].

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{self, HeapRange};

use super::Context;
use super::cmd::Cmd;
use super::completion::HeapCopy;
use super::context::{Counters, disagree};
use super::memory::{OwnedSlice, Slice};
use super::recorder::{Access, Tracker};
use super::resource::{Buffer, Resource, Staging};
use crate::fault::Fault;
use crate::ops::CopyRegion;

impl Context {
    /// A slice that lives until the batch has finished.
    pub(super) fn transient(&self, bytes: u64) -> Result<Slice, Fault> {
        let slice = self.slices.take(bytes)?;
        self.trash.add_slice(slice);
        Ok(slice)
    }

    /// Ends the pass, inserts a barrier if a use needs one, notes the uses, and gives the main command buffer.
    pub(super) fn prepare_use(&mut self, uses: &[(&Tracker, Access)]) -> Result<Cmd<'_>, Fault> {
        self.end_pass()?;
        self.recorder.main(&self.device)?;
        if uses.iter().any(|(tracker, access)| self.recorder.hazard(tracker, *access)) {
            self.recorder.barrier(&self.device)?;
        }
        for (tracker, access) in uses {
            self.recorder.mark(tracker, *access);
        }
        self.recorder.main(&self.device)
    }

    /// A command buffer for an upload: the early one if the batch has not used the resource, so that the pass goes on.
    pub(super) fn upload_cmd(&mut self, tracker: &Tracker) -> Result<Cmd<'_>, Fault> {
        if self.recorder.untouched(tracker) {
            return self.recorder.early_write(&self.device, tracker);
        }
        self.prepare_use(&[(tracker, Access::Write)])
    }

    /// Bytes of the heap as the source of a copy.
    pub(super) fn upload_source(&mut self, range: HeapRange) -> Result<(vk::Buffer, u64), Fault> {
        self.count(|counters: &Counters| &counters.upload_bytes, range.length);
        if let Some(heap) = self.heap_buffer() {
            return Ok((heap, range.offset));
        }
        let slice = self.transient(range.length)?;
        slice.write_from_heap(0, &self.shared.heap, range);
        Ok((slice.buffer, slice.offset))
    }

    pub(super) fn update_subresource(&mut self, c: &command::UpdateSubresource) -> Result<(), Fault> {
        match self.resource(c.dst)? {
            Resource::Buffer(buffer) => {
                let (start, length) = (c.dst_box.left, c.dst_box.right - c.dst_box.left);
                let data = HeapRange { offset: c.data.offset, length: u64::from(length) };
                if u64::from(length) == buffer.size() && buffer.may_move() {
                    return self.replace_buffer(&buffer, data);
                }
                let (source, src_offset) = self.upload_source(data)?;
                self.copy_into_buffer(&buffer, u64::from(start), source, src_offset, data.length)
            }
            Resource::Texture(texture) => self.update_texture(&texture, c),
            Resource::Staging(_) => Err(disagree(c.dst)),
        }
    }

    fn copy_into_buffer(
        &mut self,
        buffer: &Buffer,
        at: u64,
        source: vk::Buffer,
        src_offset: u64,
        size: u64,
    ) -> Result<(), Fault> {
        let (raw, base) = buffer.place();
        let cmd = self.upload_cmd(&buffer.tracker)?;
        cmd.copy_buffer(source, raw, &[vk::BufferCopy { src_offset, dst_offset: base + at, size }]);
        Ok(())
    }

    pub(super) fn update_inline(&mut self, dst: u32, offset: u32, data: &[u8]) -> Result<(), Fault> {
        let buffer = self.buffer(dst)?;
        self.count(|counters: &Counters| &counters.upload_bytes, data.len() as u64);
        if data.len() as u64 == buffer.size() && buffer.may_move() {
            let slice = self.slices.take(buffer.size())?;
            slice.write(0, data);
            buffer.replace(OwnedSlice::new(slice, &self.trash));
            self.buffer_moved(&buffer);
            return Ok(());
        }
        let slice = self.transient(data.len() as u64)?;
        slice.write(0, data);
        self.copy_into_buffer(&buffer, u64::from(offset), slice.buffer, slice.offset, data.len() as u64)
    }

    pub(super) fn discard_buffer(&mut self, dst: u32, data: HeapRange) -> Result<(), Fault> {
        let buffer = self.buffer(dst)?;
        self.count(|counters: &Counters| &counters.upload_bytes, data.length);
        self.replace_buffer(&buffer, data)
    }

    /// Gives a buffer new contents in a new place.
    fn replace_buffer(&mut self, buffer: &Rc<Buffer>, data: HeapRange) -> Result<(), Fault> {
        let slice = self.slices.take(buffer.size())?;
        slice.write_from_heap(0, &self.shared.heap, data);
        buffer.replace(OwnedSlice::new(slice, &self.trash));
        self.buffer_moved(buffer);
        Ok(())
    }

    /// Lets the GPU read a buffer's contents where they lie in the heap, if the driver could import it.
    pub(super) fn place_buffer(&mut self, dst: u32, data: HeapRange) -> Result<(), Fault> {
        let Some(heap) = self.heap_buffer() else { return self.discard_buffer(dst, data) };
        let buffer = self.buffer(dst)?;
        if buffer.place_in_heap(heap, data) {
            const KEPT: usize = 64;
            // The list is cleaned when it has doubled.
            if self.placed.len() >= KEPT && self.placed.len().is_power_of_two() {
                self.placed.retain(|placed| placed.strong_count() != 0);
            }
            self.placed.push(Rc::downgrade(&buffer));
        }
        self.buffer_moved(&buffer);
        Ok(())
    }

    /// Moves buffers out of a part of the heap that is no longer this context's.
    pub fn leave_heap(&mut self, range: HeapRange) -> Result<(), Fault> {
        let placed = std::mem::take(&mut self.placed);
        let mut result = Ok(());
        for buffer in placed.iter().filter_map(std::rc::Weak::upgrade) {
            let Some(place) = buffer.heap_place() else { continue };
            if place.offset < range.offset + range.length && range.offset < place.offset + place.length {
                result = result.and(self.replace_buffer(&buffer, place));
            }
        }
        self.placed = placed;
        self.placed.retain(|buffer| buffer.upgrade().is_some_and(|buffer| buffer.heap_place().is_some()));
        result
    }

    /// Moves a buffer out of the heap, where the GPU could read beyond its end.
    pub(super) fn take_out_of_heap(&mut self, buffer: &Rc<Buffer>) -> Result<(), Fault> {
        match buffer.heap_place() {
            Some(place) => self.replace_buffer(buffer, place),
            None => Ok(()),
        }
    }

    pub(super) fn write_no_overwrite(&mut self, dst: u32, offset: u32, data: HeapRange) -> Result<(), Fault> {
        let buffer = self.buffer(dst)?;
        if let Some(place) = buffer.heap_place() {
            if data.offset == place.offset + u64::from(offset) {
                // They are there.
                return Ok(());
            }
            self.replace_buffer(&buffer, place)?;
        }
        self.count(|counters: &Counters| &counters.upload_bytes, data.length);
        let heap = &self.shared.heap;
        let written = buffer.with_slice(|slice| slice.write_from_heap(u64::from(offset), heap, data));
        written.ok_or_else(|| disagree(dst))
    }

    pub(super) fn copy_region(&mut self, c: &CopyRegion) -> Result<(), Fault> {
        match (self.resource(c.dst)?, self.resource(c.src)?) {
            (Resource::Texture(dst), Resource::Texture(src)) => self.copy_textures(&dst, &src, c),
            (Resource::Texture(dst), Resource::Staging(src)) => self.upload_staging(&dst, &src, c),
            (Resource::Staging(dst), Resource::Texture(src)) => self.read_back_texture(&dst, &src, c),
            (Resource::Buffer(dst), Resource::Buffer(src)) => {
                let ((to, base), (from, src_base)) = (dst.place(), src.place());
                let size = u64::from(c.src_box.right - c.src_box.left);
                let [x, _, _] = c.dst_origin;
                let region = vk::BufferCopy {
                    src_offset: src_base + u64::from(c.src_box.left),
                    dst_offset: base + u64::from(x),
                    size,
                };
                self.copy_buffers((&dst.tracker, to), (&src.tracker, from), region)
            }
            (Resource::Buffer(dst), Resource::Staging(src)) => {
                let size = u64::from(c.src_box.right - c.src_box.left);
                let [x, _, _] = c.dst_origin;
                let range = HeapRange { offset: src.heap.offset + u64::from(c.src_box.left), length: size };
                self.settle_staging(&src)?;
                let (from, src_offset) = self.upload_source(range)?;
                let (to, base) = dst.place();
                let region = vk::BufferCopy { src_offset, dst_offset: base + u64::from(x), size };
                self.copy_buffers((&dst.tracker, to), (&src.tracker, from), region)
            }
            (Resource::Staging(dst), Resource::Buffer(src)) => self.read_back_buffer(&dst, &src, c),
            (Resource::Staging(dst), Resource::Staging(src)) => self.copy_staging(&dst, &src, c),
            _ => Err(disagree(c.dst)),
        }
    }

    /// Copies from one buffer to another, or within one, where the ranges may overlap.
    fn copy_buffers(
        &mut self,
        (dst, to): (&Tracker, vk::Buffer),
        (src, from): (&Tracker, vk::Buffer),
        region: vk::BufferCopy,
    ) -> Result<(), Fault> {
        let overlaps = to == from
            && region.src_offset < region.dst_offset + region.size
            && region.dst_offset < region.src_offset + region.size;
        let between = if overlaps { Some(self.transient(region.size)?) } else { None };
        let in_heap = self.heap_buffer() == Some(to);
        if in_heap {
            self.order_heap()?;
        }
        let cmd = self.prepare_use(&[(dst, Access::Write), (src, Access::Read)])?;
        if let Some(between) = between {
            cmd.copy_buffer(from, between.buffer, &[vk::BufferCopy { dst_offset: between.offset, ..region }]);
            cmd.full_barrier();
            cmd.copy_buffer(between.buffer, to, &[vk::BufferCopy { src_offset: between.offset, ..region }]);
        } else {
            cmd.copy_buffer(from, to, &[region]);
        }
        if in_heap { self.order_heap() } else { Ok(()) }
    }

    /// A barrier before, and one after, whatever the GPU writes to the heap itself. Ranges of the heap that several resources name
    /// are one guest's mistake; what comes of it is bytes that nobody can tell, and no more than that.
    pub(super) fn order_heap(&mut self) -> Result<(), Fault> {
        self.end_pass()?;
        self.recorder.main(&self.device)?;
        self.recorder.barrier(&self.device)
    }

    fn read_back_buffer(&mut self, dst: &Staging, src: &Buffer, c: &CopyRegion) -> Result<(), Fault> {
        let (from, base) = src.place();
        let size = u64::from(c.src_box.right - c.src_box.left);
        let [x, _, _] = c.dst_origin;
        let offset = dst.heap.offset + u64::from(x);
        let (buffer, dst_offset) = match self.heap_buffer() {
            Some(buffer) => (buffer, offset),
            None => {
                let slice = self.download(size)?;
                self.copies.push(HeapCopy { from: slice, at: 0, offset, length: size });
                (slice.buffer, slice.offset)
            }
        };
        let src_offset = base + u64::from(c.src_box.left);
        let region = vk::BufferCopy { src_offset, dst_offset, size };
        self.copy_buffers((&dst.tracker, buffer), (&src.tracker, from), region)
    }

    /// Memory for the GPU to write and the completion thread to read.
    pub(super) fn download(&self, bytes: u64) -> Result<Slice, Fault> {
        let slice = self.readback.take(bytes)?;
        self.trash.add(super::trash::Garbage::Readback(slice));
        Ok(slice)
    }

    pub(super) fn copy_structure_count(
        &mut self,
        dst: u32,
        dst_offset: u32,
        src_view: u32,
    ) -> Result<(), Fault> {
        let view = self.view(src_view)?;
        let Some(counter) = &view.counter else {
            return Err(Fault::object(src_view, "a view without a counter"));
        };
        match self.resource(dst)? {
            Resource::Buffer(buffer) => {
                let (raw, base) = buffer.place();
                let cmd =
                    self.prepare_use(&[(&counter.tracker, Access::Read), (&buffer.tracker, Access::Write)])?;
                let region =
                    vk::BufferCopy { src_offset: 0, dst_offset: base + u64::from(dst_offset), size: 4 };
                cmd.copy_buffer(counter.buffer, raw, &[region]);
                Ok(())
            }
            Resource::Staging(staging) => {
                let offset = staging.heap.offset + u64::from(dst_offset);
                let (raw, dst_offset) = match self.heap_buffer() {
                    Some(heap) => (heap, offset),
                    None => {
                        let slice = self.download(4)?;
                        self.copies.push(HeapCopy { from: slice, at: 0, offset, length: 4 });
                        (slice.buffer, slice.offset)
                    }
                };
                let region = vk::BufferCopy { src_offset: 0, dst_offset, size: 4 };
                self.copy_buffers((&staging.tracker, raw), (&counter.tracker, counter.buffer), region)
            }
            Resource::Texture(_) => Err(disagree(dst)),
        }
    }
}
