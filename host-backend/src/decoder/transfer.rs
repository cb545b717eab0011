//! Checks of clears, copies, uploads and presents: every box lies inside its subresource, every byte inside a grant.

use std::rc::Rc;

use pvgpu_protocol::command::{
    self, HeapRange, SubresourceBox, bind, dimension, misc, present_flag, usage, view_kind,
};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::{MAX_INLINE_UPDATE_BYTES, PLACED_BUFFER_ALIGN};

use super::{Decoder, Object, finite, flag};
use crate::fault::Fault;
use crate::format::{can_copy, can_hold_depth, family, has_stencil, is_video};
use crate::ops::{Backend, CopyRegion, Op, ResourceDesc};

// Bits of `D3D11_FORMAT_SUPPORT`.
const SUPPORT_MIP_AUTOGEN: u32 = 0x2000;
const SUPPORT_DISPLAY: u32 = 0x80000;
/// One more than the highest `DXGI_FORMAT` of a family.
const FORMAT_COUNT: u32 = 116;

impl Decoder {
    pub(super) fn clear_render_target_view(
        &mut self,
        c: &command::ArchivedClearRenderTargetView,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let view = c.view.to_native();
        self.view(view, view_kind::RENDER_TARGET)?;
        let color = [0, 1, 2, 3].map(|index: usize| c.color.get(index).map_or(0.0, |f| f.to_native()));
        backend.execute(Op::ClearRenderTargetView { view, color })
    }

    pub(super) fn clear_depth_stencil_view(
        &mut self,
        c: &command::ArchivedClearDepthStencilView,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (view, flags) = (c.view.to_native(), c.flags.to_native());
        self.view(view, view_kind::DEPTH_STENCIL)?;
        if flags & !3 != 0 {
            return Err(Fault::argument(format!("clear flags {flags:#x}")));
        }
        let depth = finite(c.depth.to_native(), "clear depth")?.clamp(0.0, 1.0);
        backend.execute(Op::ClearDepthStencilView {
            view,
            depth: (flags & 1 != 0).then_some(depth),
            stencil: (flags & 2 != 0).then_some(c.stencil.to_native() & 0xff),
        })
    }

    pub(super) fn clear_unordered_access_view(
        &mut self,
        c: &command::ArchivedClearUnorderedAccessView,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let view = c.view.to_native();
        self.view(view, view_kind::UNORDERED_ACCESS)?;
        let value = [0, 1, 2, 3].map(|index: usize| c.value.get(index).map_or(0, |v| v.to_native()));
        let is_float = flag(c.is_float.to_native(), "is_float")?;
        backend.execute(Op::ClearUnorderedAccessView { view, value, is_float })
    }

    pub(super) fn clear_view(
        &mut self,
        c: &command::ArchivedClearView<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let view = c.view.to_native();
        let object = match self.object(view)? {
            Object::View(object) => object,
            other => return Err(Fault::object(view, format!("{} where a view is due", other.kind()))),
        };
        let clears = match object.desc.kind {
            view_kind::RENDER_TARGET => true,
            view_kind::DEPTH_STENCIL => !has_stencil(object.desc.format),
            // Without a format, in a raw or structured buffer, a color has no bits.
            view_kind::UNORDERED_ACCESS => {
                let raw = object.desc.range.flags & super::FLAG_RAW != 0;
                let structured = object.resource.command.misc_flags & misc::BUFFER_STRUCTURED != 0;
                !(object.resource.is_buffer() && (raw || structured))
            }
            kind => return Err(Fault::object(view, format!("a view of kind {kind} is cleared"))),
        };
        if !clears {
            // Direct3D 11.1 drops the call.
            return Ok(());
        }
        let color = [0, 1, 2, 3].map(|index: usize| c.color.get(index).map_or(0.0, |f| f.to_native()));
        let rects: Vec<_> = c
            .rects
            .iter()
            .map(|rect| command::Rect {
                left: rect.left.to_native(),
                top: rect.top.to_native(),
                right: rect.right.to_native(),
                bottom: rect.bottom.to_native(),
            })
            .collect();
        backend.execute(Op::ClearView { view, color, rects: &rects })
    }

    pub(super) fn set_resource_min_lod(
        &mut self,
        c: &command::ArchivedSetResourceMinLod,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let resource = c.resource.to_native();
        let desc = self.resource(resource)?;
        if desc.is_buffer() || desc.is_staging() || desc.command.misc_flags & misc::RESOURCE_CLAMP == 0 {
            return Err(Fault::object(resource, "a least mip of a resource that does not allow it"));
        }
        let min_lod = finite(c.min_lod.to_native(), "min_lod")?.max(0.0);
        backend.execute(Op::SetResourceMinLod { resource, min_lod })
    }

    /// Two resources that a copy connects.
    fn pair(&self, dst: u32, src: u32) -> Result<(Rc<ResourceDesc>, Rc<ResourceDesc>), Fault> {
        let (to, from) = (self.resource(dst)?.clone(), self.resource(src)?.clone());
        if to.command.usage == usage::IMMUTABLE {
            return Err(Fault::argument("a copy into an immutable resource").about(dst));
        }
        if to.is_buffer() != from.is_buffer() || to.command.sample_count != from.command.sample_count {
            return Err(Fault::argument("a copy between resources of different kinds").about(dst));
        }
        Ok((to, from))
    }

    pub(super) fn copy_resource(
        &mut self,
        c: &command::ArchivedCopyResource,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, src) = (c.dst.to_native(), c.src.to_native());
        let (to, from) = self.pair(dst, src)?;
        let same = to.shape == from.shape && to.command.dimension == from.command.dimension;
        if dst == src || !same || !castable(&to, &from) {
            return Err(Fault::argument("CopyResource between different shapes").about(dst));
        }
        let mips = to.shape.mip_levels;
        for subresource in 0..to.shape.subresources().unwrap_or(0) {
            let [right, bottom, back] = to.mip_extent(subresource % mips);
            let op = Op::CopyRegion(CopyRegion {
                dst,
                dst_subresource: subresource,
                dst_origin: [0; 3],
                src,
                src_subresource: subresource,
                src_box: SubresourceBox { left: 0, top: 0, front: 0, right, bottom, back },
            });
            self.execute_in_heap(&[to.heap(), from.heap()], op, backend)?;
        }
        Ok(())
    }

    pub(super) fn copy_region(
        &mut self,
        c: &command::ArchivedCopyRegion,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, src) = (c.dst.to_native(), c.src.to_native());
        let (to, from) = self.pair(dst, src)?;
        let region = CopyRegion {
            dst,
            dst_subresource: c.dst_subresource.to_native(),
            dst_origin: [c.dst_x.to_native(), c.dst_y.to_native(), c.dst_z.to_native()],
            src,
            src_subresource: c.src_subresource.to_native(),
            src_box: native_box(&c.src_box),
        };
        let b = region.src_box;
        check_box(&from, region.src_subresource, b).map_err(|fault| fault.about(src))?;
        if !castable(&to, &from) {
            return Err(Fault::argument(format!(
                "a copy from format {} to {}",
                from.command.format, to.command.format
            ))
            .about(dst));
        }
        let [x, y, z] = region.dst_origin;
        let scale = |texels: u32, from: u32, to: u32| texels.div_ceil(from).checked_mul(to);
        let target = (|| {
            let width = scale(b.right - b.left, from.format.block_width, to.format.block_width)?;
            let height = scale(b.bottom - b.top, from.format.block_height, to.format.block_height)?;
            Some(SubresourceBox {
                left: x,
                top: y,
                front: z,
                right: x.checked_add(width)?,
                bottom: y.checked_add(height)?,
                back: z.checked_add(b.back - b.front)?,
            })
        })();
        let target = target.ok_or_else(|| Fault::argument("a copy that ends beyond 2^32").about(dst))?;
        check_target(&to, region.dst_subresource, target).map_err(|fault| fault.about(dst))?;
        // Direct3D 11: depth-stencil and multisampled subresources are copied whole or not at all; so are planes.
        let must = |desc: &ResourceDesc| {
            desc.command.sample_count > 1
                || desc.command.bind_flags & bind::DEPTH_STENCIL != 0
                || desc.format.planar
        };
        if (must(&to) || must(&from))
            && !(is_whole(&from, b, region.src_subresource) && is_whole(&to, target, region.dst_subresource))
        {
            return Err(Fault::argument("a part of a depth or multisampled subresource is copied").about(dst));
        }
        self.execute_in_heap(&[to.heap(), from.heap()], Op::CopyRegion(region), backend)
    }

    pub(super) fn resolve_subresource(
        &mut self,
        c: &command::ArchivedResolveSubresource,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, src, format) = (c.dst.to_native(), c.src.to_native(), c.format.to_native());
        let (dst_subresource, src_subresource) =
            (c.dst_subresource.to_native(), c.src_subresource.to_native());
        let (to, from) = (self.resource(dst)?, self.resource(src)?);
        // Samples are averaged in one format, which is that of whatever is not typeless.
        let usable = |desc: &ResourceDesc| {
            let own = desc.command.format;
            let fits = own == format
                || crate::format::is_typeless(own)
                || desc.command.bind_flags & bind::PRESENT != 0;
            !desc.is_buffer() && !desc.is_staging() && family(own) == family(format) && fits
        };
        let extents = |desc: &ResourceDesc, sub: u32| {
            let count = desc.shape.subresources()?;
            (sub < count).then(|| desc.mip_extent(sub % desc.shape.mip_levels))
        };
        let extent = extents(from, src_subresource);
        if !usable(to)
            || !usable(from)
            || to.command.sample_count != 1
            || extent.is_none()
            || extents(to, dst_subresource) != extent
            || crate::format::is_typeless(format)
            || [to, from].iter().any(|desc| is_depth_image(desc) || is_video(desc.command.format))
            || from.command.dimension == dimension::TEXTURE3D
            || to.command.dimension == dimension::TEXTURE3D
            || from.command.dimension != to.command.dimension
            || (dst, dst_subresource) == (src, src_subresource)
        {
            return Err(Fault::argument(format!("a resolve of {src} as format {format}")).about(dst));
        }
        backend.execute(Op::ResolveSubresource { dst, dst_subresource, src, src_subresource, format })
    }

    pub(super) fn generate_mips(&mut self, id: u32, backend: &mut impl Backend) -> Result<(), Fault> {
        let view = self.view(id, view_kind::SHADER_RESOURCE)?;
        let wanted = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
        let format = self.caps.format(view.desc.format);
        if view.resource.is_buffer()
            || format.support & SUPPORT_MIP_AUTOGEN == 0
            || view.resource.command.misc_flags & misc::AUTO_GEN_MIP_MAP == 0
            || view.resource.command.bind_flags & wanted != wanted
            || self.caps.format(view.desc.format).support & SUPPORT_MIP_AUTOGEN == 0
        {
            return Err(Fault::argument("mips of a resource that does not allow it").about(id));
        }
        backend.execute(Op::GenerateMips { view: id })
    }

    pub(super) fn copy_structure_count(
        &mut self,
        c: &command::ArchivedCopyStructureCount,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, dst_offset, src_view) =
            (c.dst.to_native(), c.dst_offset.to_native(), c.src_view.to_native());
        let view = self.view(src_view, view_kind::UNORDERED_ACCESS)?;
        if !view.resource.is_buffer() {
            return Err(Fault::object(src_view, "a texture has no counter"));
        }
        let desc = self.resource(dst)?;
        let end = u64::from(dst_offset) + 4;
        if !desc.is_buffer() || !dst_offset.is_multiple_of(4) || end > u64::from(desc.command.width) {
            return Err(Fault::argument(format!("a counter written at {dst_offset}")).about(dst));
        }
        self.execute_in_heap(&[desc.heap()], Op::CopyStructureCount { dst, dst_offset, src_view }, backend)
    }

    pub(super) fn update_subresource(
        &mut self,
        c: &command::ArchivedUpdateSubresource,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let dst = c.dst.to_native();
        let data = self.heap_range(c.data)?;
        let desc = self.resource(dst)?;
        if desc.is_staging() || desc.command.sample_count != 1 {
            return Err(Fault::object(dst, "an update of a staging or multisampled resource"));
        }
        let update = command::UpdateSubresource {
            data,
            dst,
            dst_subresource: c.dst_subresource.to_native(),
            dst_box: native_box(&c.dst_box),
            row_pitch: c.row_pitch.to_native(),
            depth_pitch: c.depth_pitch.to_native(),
        };
        check_target(desc, update.dst_subresource, update.dst_box).map_err(|fault| fault.about(dst))?;
        if desc.format.planar && !is_whole(desc, update.dst_box, update.dst_subresource) {
            return Err(Fault::argument("an update of a part of planes").about(dst));
        }
        let needed = upload_bytes(desc, update.dst_box, update.row_pitch, update.depth_pitch);
        if needed.is_none_or(|bytes| bytes > data.length) {
            return Err(Fault::new(
                error_code::BAD_HEAP_RANGE,
                format!(
                    "{} bytes for a box with pitches {} and {}",
                    data.length, update.row_pitch, update.depth_pitch
                ),
            )
            .about(dst));
        }
        self.execute_in_heap(&[Some(data)], Op::UpdateSubresource(update), backend)
    }

    pub(super) fn update_inline(
        &mut self,
        c: &command::ArchivedUpdateInline<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, offset) = (c.dst.to_native(), c.offset.to_native());
        let data: &[u8] = &c.data;
        let desc = self.gpu_buffer(dst)?;
        let end = u64::from(offset) + data.len() as u64;
        if data.is_empty() || data.len() > MAX_INLINE_UPDATE_BYTES || end > u64::from(desc.command.width) {
            return Err(Fault::argument(format!(
                "{} bytes at {offset} of a buffer of {}",
                data.len(),
                desc.command.width
            ))
            .about(dst));
        }
        backend.execute(Op::UpdateInline { dst, offset, data })
    }

    pub(super) fn discard_buffer(
        &mut self,
        c: &command::ArchivedDiscardBuffer,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let dst = c.dst.to_native();
        let data = self.heap_range(c.data)?;
        let desc = self.dynamic_buffer(dst)?;
        if data.length != u64::from(desc.command.width) {
            return Err(Fault::argument(format!(
                "{} bytes for a buffer of {}",
                data.length, desc.command.width
            ))
            .about(dst));
        }
        backend.execute(Op::DiscardBuffer { dst, data })
    }

    pub(super) fn write_no_overwrite(
        &mut self,
        c: &command::ArchivedWriteNoOverwrite,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, offset) = (c.dst.to_native(), c.offset.to_native());
        let data = self.heap_range(c.data)?;
        let desc = self.dynamic_buffer(dst)?;
        let end = u64::from(offset).checked_add(data.length);
        if end.is_none_or(|end| end > u64::from(desc.command.width)) {
            return Err(Fault::argument(format!(
                "{} bytes at {offset} of a buffer of {}",
                data.length, desc.command.width
            ))
            .about(dst));
        }
        backend.execute(Op::WriteNoOverwrite { dst, offset, data })
    }

    /// Whether frames may have a format: it, or a member of its family, can be shown.
    fn is_displayable(&self, format: u32) -> bool {
        let shown = |format: u32| self.caps.format(format).support & SUPPORT_DISPLAY != 0;
        shown(format) || (0..FORMAT_COUNT).any(|member| family(member) == format && shown(member))
    }

    pub(super) fn place_buffer(
        &mut self,
        c: &command::ArchivedPlaceBuffer,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let dst = c.dst.to_native();
        let data = self.heap_range(c.data)?;
        let desc = self.dynamic_buffer(dst)?;
        if data.length != u64::from(desc.command.width) || !data.offset.is_multiple_of(PLACED_BUFFER_ALIGN) {
            return Err(Fault::argument(format!(
                "{} bytes at {:#x} for a buffer of {}",
                data.length, data.offset, desc.command.width
            ))
            .about(dst));
        }
        // Nobody tells later which batches still read it.
        self.grants.mark(data, u64::MAX);
        backend.execute(Op::PlaceBuffer { dst, data })
    }

    fn dynamic_buffer(&self, id: u32) -> Result<&Rc<ResourceDesc>, Fault> {
        let desc = self.gpu_buffer(id)?;
        if desc.command.usage != usage::DYNAMIC {
            return Err(Fault::object(id, "a buffer that is not dynamic"));
        }
        Ok(desc)
    }

    pub(super) fn rotate_resource_identities(
        &mut self,
        c: &command::ArchivedRotateResourceIdentities<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        /// `DXGI_MAX_SWAP_CHAIN_BUFFERS`.
        const MAX_BUFFERS: usize = 16;
        if c.resources.len() > MAX_BUFFERS {
            return Err(Fault::argument(format!("{} resources rotate", c.resources.len())));
        }
        let ids: Vec<u32> = c.resources.iter().map(|id| id.to_native()).collect();
        let mut first: Option<&ResourceDesc> = None;
        for (index, id) in ids.iter().enumerate() {
            let desc = self.resource(*id)?;
            let twice = ids.get(..index).is_some_and(|before| before.contains(id));
            let alike = first.is_none_or(|first| alike(first, desc));
            let tiled = desc.command.misc_flags & misc::TILED != 0;
            if desc.is_staging() || desc.is_buffer() || tiled || twice || !alike {
                return Err(Fault::object(
                    *id,
                    "resources that rotate must be distinct textures of one shape",
                ));
            }
            first = Some(desc);
        }
        backend.execute(Op::RotateResourceIdentities { resources: &ids })
    }

    pub(super) fn present(
        &mut self,
        c: &command::ArchivedPresent,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let frame = HeapRange::from(c.frame);
        let present = command::Present {
            frame,
            src: c.src.to_native(),
            src_subresource: c.src_subresource.to_native(),
            width: c.width.to_native(),
            height: c.height.to_native(),
            row_pitch: c.row_pitch.to_native(),
            flags: c.flags.to_native(),
            sequence: c.sequence.to_native(),
        };
        let desc = self.resource(present.src)?;
        let bad = |what: String| Err(Fault::argument(what).about(present.src));
        if desc.is_buffer() || desc.is_staging() || is_depth_image(desc) || is_video(desc.command.format) {
            return Err(Fault::object(present.src, "a resource that cannot be presented"));
        }
        if desc.shape.subresources().is_none_or(|count| present.src_subresource >= count) {
            return bad(format!("subresource {} is presented", present.src_subresource));
        }
        if !self.is_displayable(desc.command.format) {
            return Err(
                Fault::unsupported(format!("frames of format {}", desc.command.format)).about(present.src)
            );
        }
        if present.flags & !present_flag::ALL != 0 {
            return bad(format!("present flags {:#x}", present.flags));
        }
        let [width, height, _] = desc.mip_extent(present.src_subresource % desc.shape.mip_levels);
        if present.width != width || present.height != height {
            return bad(format!("{}×{} of {width}×{height} presented", present.width, present.height));
        }
        if frame.length != 0 {
            self.heap_place(c.frame)?;
            let pitch = u64::from(present.row_pitch);
            // CAST: products of two u32 fit a u64.
            let needed = pitch * u64::from(height - 1) + 4 * u64::from(width);
            if !pitch.is_multiple_of(4) || pitch < 4 * u64::from(width) || needed > frame.length {
                return bad(format!("{} bytes for a frame with pitch {pitch}", frame.length));
            }
        }
        let frame = Some(frame).filter(|frame| frame.length != 0);
        self.execute_in_heap(&[frame], Op::Present(present), backend)
    }
}

/// Whether bytes of one may be copied to the other.
fn castable(to: &ResourceDesc, from: &ResourceDesc) -> bool {
    let same_bytes = to.format.block_bytes == from.format.block_bytes;
    to.is_buffer() || can_copy(to.command.format, from.command.format, same_bytes)
}

/// Whether a texture may be kept as depth, whatever it is used for.
fn is_depth_image(desc: &ResourceDesc) -> bool {
    let c = &desc.command;
    can_hold_depth(c.format)
        && (c.bind_flags & bind::DEPTH_STENCIL != 0
            || has_stencil(c.format)
            || crate::format::is_depth_stencil(c.format))
}

/// Whether a box is all of a subresource.
fn is_whole(desc: &ResourceDesc, b: SubresourceBox, subresource: u32) -> bool {
    let [width, height, depth] = desc.mip_extent(subresource % desc.shape.mip_levels);
    [b.left, b.top, b.front, b.right, b.bottom, b.back] == [0, 0, 0, width, height, depth]
}

/// Whether two resources can exchange their contents.
fn alike(a: &ResourceDesc, b: &ResourceDesc) -> bool {
    let shape = |d: &ResourceDesc| {
        let c = &d.command;
        (c.dimension, c.format, c.sample_count, c.usage, c.bind_flags, c.misc_flags)
    };
    a.shape == b.shape && shape(a) == shape(b)
}

/// Checks a box that is read: not empty, inside the subresource, on block boundaries.
fn check_box(desc: &ResourceDesc, subresource: u32, b: SubresourceBox) -> Result<(), Fault> {
    check_inside(desc, subresource, b, false)
}

/// Checks a box that is written; it may reach into the padding of the last blocks.
fn check_target(desc: &ResourceDesc, subresource: u32, b: SubresourceBox) -> Result<(), Fault> {
    check_inside(desc, subresource, b, true)
}

fn check_inside(desc: &ResourceDesc, subresource: u32, b: SubresourceBox, padded: bool) -> Result<(), Fault> {
    if desc.shape.subresources().is_none_or(|count| subresource >= count) {
        return Err(Fault::argument(format!("subresource {subresource}")));
    }
    let [width, height, depth] = desc.mip_extent(subresource % desc.shape.mip_levels);
    let (bw, bh) = (desc.format.block_width, desc.format.block_height);
    let (right, bottom) =
        if padded { (width.next_multiple_of(bw), height.next_multiple_of(bh)) } else { (width, height) };
    let ordered = b.left < b.right && b.top < b.bottom && b.front < b.back;
    let inside = b.right <= right && b.bottom <= bottom && b.back <= depth;
    let aligned = b.left.is_multiple_of(bw)
        && b.top.is_multiple_of(bh)
        && (b.right.is_multiple_of(bw) || b.right == width)
        && (b.bottom.is_multiple_of(bh) || b.bottom == height);
    if ordered && inside && aligned {
        return Ok(());
    }
    Err(Fault::argument(format!("box {b:?} in {width}×{height}×{depth} of {bw}×{bh} blocks")))
}

/// Bytes that a box takes with the given pitches; `None` when it overflows or rows overlap.
fn upload_bytes(desc: &ResourceDesc, b: SubresourceBox, row_pitch: u32, depth_pitch: u32) -> Option<u64> {
    let row =
        u64::from((b.right - b.left).div_ceil(desc.format.block_width)) * u64::from(desc.format.block_bytes);
    let rows = u64::from(desc.format.rows(b.bottom - b.top));
    let slices = u64::from(b.back - b.front);
    if rows > 1 && u64::from(row_pitch) < row {
        return None;
    }
    let slice = u64::from(row_pitch).checked_mul(rows - 1)?.checked_add(row)?;
    if slices > 1 && u64::from(depth_pitch) < slice {
        return None;
    }
    u64::from(depth_pitch).checked_mul(slices - 1)?.checked_add(slice)
}

fn native_box(b: &command::ArchivedSubresourceBox) -> SubresourceBox {
    SubresourceBox {
        left: b.left.to_native(),
        top: b.top.to_native(),
        front: b.front.to_native(),
        right: b.right.to_native(),
        bottom: b.bottom.to_native(),
        back: b.back.to_native(),
    }
}
