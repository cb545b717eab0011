//! Mapping: memory for the program to write or read, and the record that tells the host at unmap.
//!
//! - Discard: fresh memory; at unmap the buffer takes its contents ([`DiscardBuffer`]) or moves there ([`PlaceBuffer`]), or the
//!   texture is written from it.
//! - No overwrite: the memory of the last discard, which stays the buffer's as long as its contents are. The GPU reads it there,
//!   so that the record at unmap ([`WriteNoOverwrite`]) only says that it has changed: to links that mirror the heap, and to hosts
//!   that cannot read it in place. It names all of it, since nobody tells the driver which bytes changed. Where that memory is
//!   gone (an upload that was not kept, a buffer that the GPU wrote), the contents are read back once.
//! - Staging: the resource's own memory, once the host is done with it.
//! - Default buffers: a copy of the contents, which become the buffer's again at unmap.

use core::ffi::c_void;

use pvgpu_protocol::command::{
    CopyResource, CreateResource, DestroyObject, DiscardBuffer, HeapRange, PlaceBuffer, UpdateSubresource,
    WriteNoOverwrite, WriteStaging, dimension, usage,
};
use pvgpu_protocol::limits::PLACED_BUFFER_ALIGN;
use pvgpu_umd_ddi::{
    D3D10_DDI_MAP, D3D10_DDI_MAP_FLAG_DONOTWAIT, D3D10_DDI_MAP_READ, D3D10_DDI_MAP_READWRITE,
    D3D10_DDI_MAP_WRITE, D3D10_DDI_MAP_WRITE_DISCARD, D3D10_DDI_MAP_WRITE_NOOVERWRITE,
};

use crate::device::Device;
use crate::error::Error;
use crate::heap::Block;
use crate::resource::{BufferMap, DefaultMap, DynamicBuffer, Memory, Resource, Staging};
use crate::transfer::{Source, Target, upload_align};

/// Blocks that a dynamic buffer keeps for its next discards. More go back to the heap. A buffer is usually discarded
/// once or a few times a frame with up to three frames in flight.
const KEPT_BLOCKS: usize = 8;

/// Where a buffer's upload may begin, in bytes: what a program's vector stores like.
const BUFFER_ALIGN: u64 = 16;

/// Mapped memory, as `D3D10DDI_MAPPED_SUBRESOURCE`.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// First byte.
    pub address: *mut c_void,
    /// Bytes from row to row.
    pub row_pitch: u32,
    /// Bytes from slice to slice.
    pub depth_pitch: u32,
}

impl Device {
    /// `ResourceMap`, `StagingResourceMap` and the dynamic maps.
    ///
    /// # Errors
    /// [`Error::StillDrawing`] when the caller does not want to wait, [`Error::OutOfMemory`], [`Error::DeviceRemoved`];
    /// [`Error::Unsupported`] for resources that cannot be mapped so.
    #[inline]
    pub fn map(
        &mut self,
        resource: &Resource,
        subresource: u32,
        how: D3D10_DDI_MAP,
        flags: u32,
    ) -> Result<Mapping, Error> {
        match (&resource.memory, how) {
            (Memory::Dynamic(mapped), D3D10_DDI_MAP_WRITE_DISCARD) => {
                let (row_pitch, depth_pitch, bytes) = pitches(resource, subresource)?;
                let piece = self.context.upload(bytes, upload_align(resource.format))?;
                let address = piece.address();
                if let Some(unclosed) = mapped.replace(Some(piece)) {
                    self.context.close(unclosed);
                }
                Ok(Mapping { address, row_pitch, depth_pitch })
            }
            (Memory::Buffer(buffer), D3D10_DDI_MAP_WRITE_DISCARD) => {
                self.map_discard(resource, &mut buffer.borrow_mut())
            }
            (Memory::Buffer(buffer), D3D10_DDI_MAP_WRITE_NOOVERWRITE) => {
                self.map_no_overwrite(resource, &mut buffer.borrow_mut())
            }
            (Memory::Default(mapped), D3D10_DDI_MAP_READ | D3D10_DDI_MAP_WRITE | D3D10_DDI_MAP_READWRITE) => {
                let bytes = resource.shape.width;
                let block = self.read_back(resource)?;
                let address = block.address(0);
                let new = DefaultMap { block, written: how != D3D10_DDI_MAP_READ };
                if let Some(old) = mapped.replace(Some(new)) {
                    self.context.free(old.block);
                }
                Ok(Mapping { address, row_pitch: bytes, depth_pitch: bytes })
            }
            (Memory::Staging(staging), _) => {
                let mapping = self.map_staging(resource, staging, subresource, flags)?;
                if how != D3D10_DDI_MAP_READ {
                    staging.written.borrow_mut().push(subresource);
                }
                Ok(mapping)
            }
            (Memory::Dynamic(_), D3D10_DDI_MAP_WRITE_NOOVERWRITE) => Err(Error::Unsupported(
                "NO_OVERWRITE maps of constant buffers, textures and shader-visible buffers",
            )),
            _ => Err(Error::Unsupported("this kind of map of this kind of resource")),
        }
    }

    /// The unmap of any of them.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    #[inline]
    pub fn unmap(&mut self, resource: &Resource, subresource: u32) -> Result<(), Error> {
        match &resource.memory {
            Memory::Dynamic(mapped) => {
                let Some(piece) = mapped.take() else { return Ok(()) };
                let result = self.write_mapped(resource, subresource, piece.range());
                self.context.close(piece);
                result
            }
            Memory::Buffer(buffer) => self.unmap_buffer(resource, &mut buffer.borrow_mut()),
            Memory::Default(mapped) => {
                let Some(DefaultMap { block, written }) = mapped.take() else { return Ok(()) };
                let bytes = u64::from(resource.shape.width);
                let result = if written {
                    self.write_mapped(resource, subresource, block.range(bytes))
                } else {
                    Ok(())
                };
                self.context.free(block);
                result
            }
            Memory::Staging(staging) => {
                let mut written = staging.written.borrow_mut();
                let Some(place) = written.iter().position(|mapped| *mapped == subresource) else {
                    return Ok(());
                };
                written.swap_remove(place);
                let layout = resource.layout(subresource)?;
                let whole = staging.block.range(layout.offset + layout.length);
                let data = HeapRange { offset: whole.offset + layout.offset, length: layout.length };
                self.context.emit(&WriteStaging { data })
            }
            Memory::Host => Ok(()),
        }
    }

    /// `ResourceIsStagingBusy`.
    pub fn is_busy(&mut self, resource: &Resource) -> bool {
        match &resource.memory {
            Memory::Staging(staging) => staging.fence.get() > self.context.stream.completed(),
            _ => false,
        }
    }

    /// Gives a dynamic buffer initial contents that are kept.
    pub(crate) fn fill_buffer(
        &mut self,
        resource: &Resource,
        buffer: &mut DynamicBuffer,
        source: &Source<'_>,
    ) -> Result<(), Error> {
        let block = self.context.allocate(u64::from(resource.shape.width), PLACED_BUFFER_ALIGN)?;
        crate::copy::store(block.cells(), source.bytes);
        buffer.mapped = BufferMap::Keep(block);
        self.unmap_buffer(resource, buffer)
    }

    #[inline]
    fn map_discard(&mut self, resource: &Resource, buffer: &mut DynamicBuffer) -> Result<Mapping, Error> {
        let bytes = resource.shape.width;
        let (address, mapped) = if buffer.keeps {
            let block = self.next_block(u64::from(bytes), buffer)?;
            (block.address(0), BufferMap::Keep(block))
        } else {
            let piece = self.context.upload(u64::from(bytes), BUFFER_ALIGN)?;
            (piece.address(), BufferMap::Upload(piece))
        };
        if let BufferMap::Upload(unclosed) = core::mem::replace(&mut buffer.mapped, mapped) {
            self.context.close(unclosed);
        }
        Ok(Mapping { address, row_pitch: bytes, depth_pitch: bytes })
    }

    fn map_no_overwrite(
        &mut self,
        resource: &Resource,
        buffer: &mut DynamicBuffer,
    ) -> Result<Mapping, Error> {
        let bytes = resource.shape.width;
        buffer.keeps = true;
        if buffer.written && (buffer.stale || buffer.current.is_none()) {
            let block = self.read_back(resource)?;
            if let Some(old) = buffer.current.replace(block) {
                self.context.free(old);
            }
            buffer.stale = false;
        }
        match &buffer.current {
            Some(block) => {
                let address = block.address(0);
                buffer.mapped = BufferMap::NoOverwrite;
                Ok(Mapping { address, row_pitch: bytes, depth_pitch: bytes })
            }
            // Nothing in it to be kept.
            None => self.map_discard(resource, buffer),
        }
    }

    /// Reads a buffer's contents from the host, and waits for them.
    #[cold]
    fn read_back(&mut self, resource: &Resource) -> Result<Block, Error> {
        // A staging resource is padded; what the buffer is placed in later is the first bytes of it.
        let bytes = resource.shape.total_bytes(resource.format).ok_or(Error::OutOfMemory)?;
        let block = self.context.allocate(bytes, PLACED_BUFFER_ALIGN)?;
        let id = self.context.ids.allocate()?;
        let command = CreateResource {
            heap: block.range(bytes),
            id,
            dimension: dimension::BUFFER,
            width: resource.shape.width,
            height: 1,
            depth: 1,
            mip_levels: 1,
            array_size: 1,
            sample_count: 1,
            usage: usage::STAGING,
            ..Default::default()
        };
        self.context.emit(&command)?;
        let copy = CopyResource { dst: id, src: resource.id };
        self.unpredicated(|device| device.context.emit(&copy))?;
        self.context.emit(&DestroyObject { id, reserved: 0 })?;
        self.context.ids.free(id);
        self.context.wait(self.context.stream.next_fence())?;
        Ok(block)
    }

    /// Memory for new contents: that of older contents that the host is done with, or fresh memory.
    fn next_block(&mut self, bytes: u64, buffer: &mut DynamicBuffer) -> Result<Block, Error> {
        if let Some((fence, _)) = buffer.retired.front() {
            let fence = *fence;
            if fence <= self.context.stream.completed()
                && let Some((_, block)) = buffer.retired.pop_front()
            {
                return Ok(block);
            }
        }
        self.context.allocate(bytes, PLACED_BUFFER_ALIGN)
    }

    #[inline]
    fn unmap_buffer(&mut self, resource: &Resource, buffer: &mut DynamicBuffer) -> Result<(), Error> {
        let (bytes, dst) = (u64::from(resource.shape.width), resource.id);
        match core::mem::take(&mut buffer.mapped) {
            BufferMap::None => Ok(()),
            BufferMap::Upload(piece) => {
                buffer.written = true;
                let result = self.context.emit(&DiscardBuffer { data: piece.range(), dst, reserved: 0 });
                self.context.close(piece);
                result
            }
            BufferMap::NoOverwrite => {
                let Some(block) = &buffer.current else { return Ok(()) };
                self.context.emit(&WriteNoOverwrite { data: block.range(bytes), dst, offset: 0 })
            }
            BufferMap::Keep(block) => {
                (buffer.written, buffer.stale) = (true, false);
                let result = self.context.emit(&PlaceBuffer { data: block.range(bytes), dst, reserved: 0 });
                if let Some(old) = buffer.current.replace(block) {
                    if buffer.retired.len() < KEPT_BLOCKS {
                        buffer.retired.push_back((self.context.stream.next_fence(), old));
                    } else {
                        self.context.free(old);
                    }
                }
                result
            }
        }
    }

    fn map_staging(
        &mut self,
        resource: &Resource,
        staging: &Staging,
        subresource: u32,
        flags: u32,
    ) -> Result<Mapping, Error> {
        let layout = resource.layout(subresource)?;
        let fence = staging.fence.get();
        if fence > self.context.stream.completed() {
            if flags & D3D10_DDI_MAP_FLAG_DONOTWAIT != 0 {
                self.context.flush_through(fence)?;
                return Err(if self.context.stream.is_removed() {
                    Error::DeviceRemoved
                } else {
                    Error::StillDrawing
                });
            }
            self.context.wait(fence)?;
        }
        Ok(Mapping {
            address: staging.block.address(layout.offset),
            row_pitch: layout.row_pitch,
            depth_pitch: layout.depth_pitch,
        })
    }

    /// Writes a dynamic texture's subresource from the memory that the program had mapped.
    fn write_mapped(&mut self, resource: &Resource, subresource: u32, data: HeapRange) -> Result<(), Error> {
        let (row_pitch, depth_pitch, _) = pitches(resource, subresource)?;
        let Target { area, .. } = resource.target(subresource);
        let command = UpdateSubresource {
            data,
            dst: resource.id,
            dst_subresource: subresource,
            dst_box: area,
            row_pitch,
            depth_pitch,
        };
        self.unpredicated(|device| device.context.emit(&command))
    }
}

/// Row pitch, depth pitch and bytes of a mapped subresource.
#[inline]
fn pitches(resource: &Resource, subresource: u32) -> Result<(u32, u32, u64), Error> {
    if resource.is_buffer {
        let bytes = resource.shape.width;
        return Ok((bytes, bytes, u64::from(bytes)));
    }
    let layout = resource.layout(subresource)?;
    Ok((layout.row_pitch, layout.depth_pitch, layout.length))
}
