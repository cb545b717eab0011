//! Mapping: memory for the program to write or read, and the record that tells the host at unmap.
//!
//! - Discard: fresh memory; at unmap the buffer takes its contents ([`DiscardBuffer`]), or the texture is written from it.
//! - No overwrite: the memory of the last discard, which stays the buffer's as long as its contents are; at unmap the host
//!   takes it again ([`WriteNoOverwrite`]), whole, since nobody tells the driver which bytes changed.
//! - Staging: the resource's own memory, once the host is done with it.

use core::ffi::c_void;

use pvgpu_protocol::command::{DiscardBuffer, HeapRange, UpdateSubresource, WriteNoOverwrite};
use pvgpu_umd_ddi::{
    D3D10_DDI_MAP, D3D10_DDI_MAP_FLAG_DONOTWAIT, D3D10_DDI_MAP_WRITE_DISCARD, D3D10_DDI_MAP_WRITE_NOOVERWRITE,
};

use crate::device::Device;
use crate::error::Error;
use crate::resource::{Memory, Renamed, RenamedMap, Resource, Staging};
use crate::transfer::{Source, Target, upload_align};

/// Blocks that a vertex or index buffer keeps for its next discards. More go back to the heap. A buffer is usually discarded
/// once or a few times a frame with up to three frames in flight.
const KEPT_BLOCKS: usize = 8;

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
            (Memory::Renamed(renamed), D3D10_DDI_MAP_WRITE_DISCARD) => {
                self.map_renamed(resource, &mut renamed.borrow_mut(), true)
            }
            (Memory::Renamed(renamed), D3D10_DDI_MAP_WRITE_NOOVERWRITE) => {
                self.map_renamed(resource, &mut renamed.borrow_mut(), false)
            }
            (Memory::Staging(staging), _) => self.map_staging(resource, staging, subresource, flags),
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
                let data = piece.range();
                let result = if resource.is_buffer {
                    self.context.emit(&DiscardBuffer { data, dst: resource.id, reserved: 0 })
                } else {
                    self.write_mapped(resource, subresource, data)
                };
                self.context.close(piece);
                result
            }
            Memory::Renamed(renamed) => self.unmap_renamed(resource, &mut renamed.borrow_mut()),
            Memory::Staging(_) | Memory::Host => Ok(()),
        }
    }

    /// `ResourceIsStagingBusy`.
    pub fn is_busy(&mut self, resource: &Resource) -> bool {
        match &resource.memory {
            Memory::Staging(staging) => staging.fence.get() > self.context.stream.completed(),
            _ => false,
        }
    }

    /// Gives a dynamic vertex or index buffer its initial contents.
    pub(crate) fn fill_renamed(
        &mut self,
        resource: &Resource,
        renamed: &mut Renamed,
        source: &Source<'_>,
    ) -> Result<(), Error> {
        let block = self.context.allocate(u64::from(resource.shape.width), 1)?;
        crate::copy::store(block.cells(), source.bytes);
        renamed.mapped = RenamedMap::Discard(block);
        self.unmap_renamed(resource, renamed)
    }

    fn map_renamed(
        &mut self,
        resource: &Resource,
        renamed: &mut Renamed,
        discard: bool,
    ) -> Result<Mapping, Error> {
        let bytes = resource.shape.width;
        let address = match &renamed.current {
            Some(_) if !discard && renamed.stale => {
                return Err(Error::Unsupported("NO_OVERWRITE maps of a buffer that the GPU has written"));
            }
            Some(block) if !discard => {
                renamed.mapped = RenamedMap::NoOverwrite;
                block.address(0)
            }
            _ => {
                let block = self.next_block(u64::from(bytes), renamed)?;
                let address = block.address(0);
                renamed.mapped = RenamedMap::Discard(block);
                address
            }
        };
        Ok(Mapping { address, row_pitch: bytes, depth_pitch: bytes })
    }

    /// Memory for new contents: older contents that the host is done with, or fresh memory.
    fn next_block(&mut self, bytes: u64, renamed: &mut Renamed) -> Result<crate::heap::Block, Error> {
        if let Some((fence, _)) = renamed.retired.front() {
            let fence = *fence;
            if fence <= self.context.stream.completed()
                && let Some((_, block)) = renamed.retired.pop_front()
            {
                return Ok(block);
            }
        }
        self.context.allocate(bytes, 1)
    }

    fn unmap_renamed(&mut self, resource: &Resource, renamed: &mut Renamed) -> Result<(), Error> {
        let bytes = u64::from(resource.shape.width);
        match core::mem::take(&mut renamed.mapped) {
            RenamedMap::None => Ok(()),
            RenamedMap::NoOverwrite => {
                let Some(block) = &renamed.current else { return Ok(()) };
                self.context.emit(&WriteNoOverwrite { data: block.range(bytes), dst: resource.id, offset: 0 })
            }
            RenamedMap::Discard(block) => {
                let data = block.range(bytes);
                let result = self.context.emit(&DiscardBuffer { data, dst: resource.id, reserved: 0 });
                if let Some(old) = renamed.current.replace(block) {
                    if renamed.retired.len() < KEPT_BLOCKS {
                        renamed.retired.push_back((self.context.stream.next_fence(), old));
                    } else {
                        self.context.free(old);
                    }
                }
                renamed.stale = false;
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
        self.context.emit(&UpdateSubresource {
            data,
            dst: resource.id,
            dst_subresource: subresource,
            dst_box: area,
            row_pitch,
            depth_pitch,
        })
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
