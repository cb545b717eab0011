//! Checks of `CreateResource` and `CreateQuery`.

use std::rc::Rc;

use pvgpu_protocol::command::{self, HeapRange, bind, dimension, misc, usage};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::format::{self, FormatInfo};
use pvgpu_protocol::staging::Shape;

use super::{Decoder, Object, within};
use crate::fault::Fault;
use crate::format as family;
use crate::ops::{Backend, Op, ResourceDesc};

// Direct3D 11.3 Functional Specification, appendix "Constant Listing".
const MAX_TEXTURE_1D_2D: u32 = 16384;
const MAX_TEXTURE_3D: u32 = 2048;
const MAX_ARRAY: u32 = 2048;
/// `D3D11_REQ_RESOURCE_SIZE_IN_MEGABYTES_EXPRESSION_C_TERM`: no resource needs to be larger.
const MAX_BUFFER_BYTES: u32 = 2048 << 20;
const MAX_STRUCTURE_BYTES: u32 = 2048;
/// Heap ranges of staging resources begin at a multiple of this, so that each block's size divides their offset.
const STAGING_ALIGN: u64 = 16;

// Bits of `D3D11_FORMAT_SUPPORT`.
const SUPPORT_TEXTURE1D: u32 = 0x10;
const SUPPORT_TEXTURE2D: u32 = 0x20;
const SUPPORT_TEXTURE3D: u32 = 0x40;
const SUPPORT_TEXTURECUBE: u32 = 0x80;

impl Decoder {
    pub(super) fn create_resource(
        &mut self,
        c: &command::ArchivedCreateResource,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let command = native(c);
        let id = command.id;
        self.check_free(id)?;
        if command.misc_flags & misc::TILE_POOL != 0 {
            return self.create_tile_pool(&command, backend).map_err(|fault| fault.about(id));
        }
        let desc = Rc::new(self.describe(command, c.heap.into()).map_err(|fault| fault.about(id))?);
        backend.execute(Op::CreateResource { id, desc: desc.clone() }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Resource(desc))
    }

    /// Checks everything about a resource but its number.
    pub(super) fn describe(
        &self,
        command: command::CreateResource,
        heap: HeapRange,
    ) -> Result<ResourceDesc, Fault> {
        within(command.usage, usage::DEFAULT..=usage::STAGING, "usage")?;
        let streamed = command.bind_flags & bind::STREAM_OUTPUT != 0;
        if streamed && (command.dimension != dimension::BUFFER || command.usage != usage::DEFAULT) {
            return Err(Fault::argument("stream output to something else than a default buffer"));
        }
        let known = bind::VERTEX_BUFFER
            | bind::STREAM_OUTPUT
            | bind::INDEX_BUFFER
            | bind::CONSTANT_BUFFER
            | bind::SHADER_RESOURCE
            | bind::RENDER_TARGET
            | bind::DEPTH_STENCIL
            | bind::PRESENT
            | bind::UNORDERED_ACCESS;
        if command.bind_flags & !known != 0 {
            return Err(Fault::argument(format!("bind flags {:#x}", command.bind_flags)));
        }
        if command.misc_flags & misc::TILED != 0 {
            self.check_tiled(&command)?;
        }
        let format = match command.dimension {
            dimension::BUFFER => check_buffer(&command)?,
            _ => self.check_texture(&command)?,
        };
        let shape = Shape {
            width: command.width,
            height: command.height,
            depth: command.depth,
            mip_levels: command.mip_levels,
            array_size: command.array_size,
        };
        let total = shape
            .total_bytes(format)
            .filter(|bytes| *bytes <= Self::byte_limit(&command))
            .ok_or_else(|| Fault::argument("a resource beyond the memory of a guest"))?;
        let desc = ResourceDesc::new(command, format, shape);
        if desc.is_staging() {
            let range = self.in_grants(heap)?;
            if range.length < total || !range.offset.is_multiple_of(STAGING_ALIGN) {
                return Err(Fault::new(
                    error_code::BAD_HEAP_RANGE,
                    format!(
                        "a staging resource of {total} bytes at heap range {:#x}+{:#x}",
                        range.offset, range.length
                    ),
                ));
            }
            if command.bind_flags != 0 || command.sample_count != 1 {
                return Err(Fault::argument("a staging resource cannot be bound or multisampled"));
            }
        } else if heap.length != 0 {
            return Err(Fault::argument("a heap range for a resource that is not staging"));
        }
        Ok(desc)
    }

    fn check_texture(&self, c: &command::CreateResource) -> Result<FormatInfo, Fault> {
        let support = self.caps.format(c.format);
        let (width, height, depth, array, bit) = match c.dimension {
            dimension::TEXTURE1D => (MAX_TEXTURE_1D_2D, 1, 1, MAX_ARRAY, SUPPORT_TEXTURE1D),
            dimension::TEXTURE2D => (MAX_TEXTURE_1D_2D, MAX_TEXTURE_1D_2D, 1, MAX_ARRAY, SUPPORT_TEXTURE2D),
            dimension::TEXTURE3D => (MAX_TEXTURE_3D, MAX_TEXTURE_3D, MAX_TEXTURE_3D, 1, SUPPORT_TEXTURE3D),
            dimension::TEXTURECUBE => {
                (MAX_TEXTURE_1D_2D, MAX_TEXTURE_1D_2D, 1, MAX_ARRAY, SUPPORT_TEXTURECUBE)
            }
            other => return Err(Fault::argument(format!("resource dimension {other}"))),
        };
        within(c.width, 1..=width, "width")?;
        within(c.height, 1..=height, "height")?;
        within(c.depth, 1..=depth, "depth")?;
        within(c.array_size, 1..=array, "array size")?;
        let largest = c.width.max(c.height).max(c.depth);
        within(c.mip_levels, 1..=largest.checked_ilog2().unwrap_or(0) + 1, "mip levels")?;
        if c.dimension == dimension::TEXTURECUBE && (c.array_size < 6 || c.width != c.height) {
            return Err(Fault::argument("a cube needs square faces, six of them or more"));
        }
        let info = format::info(c.format).filter(|_| support.support & bit != 0);
        let info = info.ok_or_else(|| {
            Fault::unsupported(format!("format {} for a texture of dimension {}", c.format, c.dimension))
        })?;
        let multisampled = c.sample_count != 1;
        if multisampled
            && (c.dimension != dimension::TEXTURE2D
                || c.mip_levels != 1
                || c.sample_count > 16
                || !c.sample_count.is_power_of_two()
                || support.sample_counts & c.sample_count == 0)
        {
            return Err(Fault::unsupported(format!("{} samples of format {}", c.sample_count, c.format)));
        }
        if c.bind_flags & bind::DEPTH_STENCIL != 0 && !family::can_hold_depth(c.format) {
            return Err(Fault::argument(format!("format {} cannot hold depth", c.format)));
        }
        // Direct3D 11 has no such views.
        let no_volume = c.dimension == dimension::TEXTURE3D && c.bind_flags & bind::DEPTH_STENCIL != 0;
        if no_volume || multisampled && c.bind_flags & bind::UNORDERED_ACCESS != 0 {
            let flags = c.bind_flags;
            return Err(Fault::argument(format!(
                "bind flags {flags:#x} on {} samples of a volume",
                c.sample_count
            )));
        }
        let buffer_only = bind::VERTEX_BUFFER | bind::INDEX_BUFFER | bind::CONSTANT_BUFFER;
        // Texels that share chroma come in pairs, both ways where it has a plane of its own.
        let pairs = info.block_width == 2 || info.planar;
        let odd = pairs && !c.width.is_multiple_of(2) || info.planar && !c.height.is_multiple_of(2);
        if odd || pairs && c.mip_levels != 1 && family::is_video(c.format) {
            return Err(Fault::argument(format!("{}×{} texels of format {}", c.width, c.height, c.format)));
        }
        let both = bind::DEPTH_STENCIL | bind::RENDER_TARGET;
        if c.bind_flags & buffer_only != 0 || c.bind_flags & both == both {
            return Err(Fault::argument(format!("bind flags {:#x} on a texture", c.bind_flags)));
        }
        Ok(info)
    }

    pub(super) fn create_query(
        &mut self,
        c: &command::ArchivedCreateQuery,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let id = c.id.to_native();
        self.check_free(id)?;
        let kind = c.kind.to_native();
        let slot = self.heap_place(c.slot).map_err(|fault| fault.about(id))?;
        if slot.length < command::QUERY_SLOT_BYTES || !slot.offset.is_multiple_of(8) {
            return Err(Fault::new(
                error_code::BAD_HEAP_RANGE,
                format!("a query slot at {:#x}+{:#x}", slot.offset, slot.length),
            )
            .about(id));
        }
        backend.execute(Op::CreateQuery { id, kind, slot }).map_err(|fault| fault.about(id))?;
        self.insert(id, Object::Query { kind, begun: false, slot })
    }
}

fn check_buffer(c: &command::CreateResource) -> Result<FormatInfo, Fault> {
    within(c.width, 1..=MAX_BUFFER_BYTES, "buffer bytes")?;
    if [c.height, c.depth, c.mip_levels, c.array_size, c.sample_count] != [1; 5] {
        return Err(Fault::argument("a buffer has one row, slice, mip and sample"));
    }
    if c.misc_flags & misc::BUFFER_STRUCTURED != 0 {
        within(c.structure_stride, 4..=MAX_STRUCTURE_BYTES, "structure stride")?;
        if !c.structure_stride.is_multiple_of(4) {
            return Err(Fault::argument(format!("structure stride {}", c.structure_stride)));
        }
    }
    if c.bind_flags & (bind::DEPTH_STENCIL | bind::PRESENT) != 0 {
        return Err(Fault::argument(format!("bind flags {:#x} on a buffer", c.bind_flags)));
    }
    Ok(FormatInfo::BYTES)
}

fn native(c: &command::ArchivedCreateResource) -> command::CreateResource {
    command::CreateResource {
        heap: c.heap.into(),
        id: c.id.to_native(),
        dimension: c.dimension.to_native(),
        format: c.format.to_native(),
        width: c.width.to_native(),
        height: c.height.to_native(),
        depth: c.depth.to_native(),
        mip_levels: c.mip_levels.to_native(),
        array_size: c.array_size.to_native(),
        sample_count: c.sample_count.to_native(),
        sample_quality: c.sample_quality.to_native(),
        usage: c.usage.to_native(),
        bind_flags: c.bind_flags.to_native(),
        misc_flags: c.misc_flags.to_native(),
        structure_stride: c.structure_stride.to_native(),
    }
}
