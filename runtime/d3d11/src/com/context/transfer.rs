//! Copies, updates, resolves and mip generation: Direct3D 11's rules, then the driver.
//!
//! A call that breaks a rule is dropped, which is what Direct3D 11 does with it.

use core::ffi::c_void;
use core::sync::atomic::Ordering;

use pvgpu_protocol::format as blocks;
use pvgpu_umd_ddi::D3D10_DDI_BOX;

use super::super::driver::Subresource;
use super::super::guard::Pipeline;
use super::super::object::{Com, Keep};
use super::super::record::{Sink, Update};
use super::super::resource::Resource;
use super::super::view::View;
use crate::desc::resource::{Usage, bind, misc};
use crate::desc::subresource::{box_fits, box_is_empty};
use crate::desc::texture::{self, Dimension};
use crate::desc::view::Shape;
use crate::format;

/// `D3D11_FORMAT_SUPPORT_MIP_AUTOGEN`.
const MIP_AUTOGEN_SUPPORT: u32 = 0x2000;

/// The place that a region goes to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Subresource.
    pub subresource: u32,
    /// Texel (byte of a buffer) in each direction.
    pub at: [u32; 3],
}

impl<D: Sink> Pipeline<D> {
    /// `CopyResource`: two resources of one shape.
    pub fn copy_resource(&mut self, to: Option<&Com<Resource>>, from: Option<&Com<Resource>>) {
        let (Some(to), Some(from)) = (to, from) else { return };
        if !is_writable(to) || core::ptr::eq(to, from) {
            return;
        }
        let same = match (&to.inner.shape, &from.inner.shape) {
            (Shape::Buffer(to), Shape::Buffer(from)) => to.byte_width == from.byte_width,
            (Shape::Texture(one), Shape::Texture(other)) => {
                if !format::can_copy(one.format, other.format, has_block_copies(to)) {
                    return;
                }
                // Blocks count as the texels that they become.
                let size = |texture: &texture::Desc| {
                    let block = blocks::info(texture.format).unwrap_or(blocks::FormatInfo::BYTES);
                    let width = texture.width.div_ceil(block.block_width);
                    let height = texture.height.div_ceil(block.block_height);
                    (
                        texture.dimension,
                        width,
                        height,
                        texture.depth,
                        texture.mip_levels,
                        texture.array_size,
                        texture.sample_count,
                    )
                };
                size(one) == size(other)
            }
            _ => false,
        };
        if !same {
            return;
        }
        self.graves.touch(to);
        self.graves.touch(from);
        let block = |resource: &Com<Resource>| blocks::info(resource.inner.format()).map(|i| i.block_height);
        if to.inner.is_buffer() || block(to) == block(from) {
            self.driver.resource_copy(to.handle(), from.handle());
            return;
        }
        for index in 0..to.inner.subresources() {
            self.driver.resource_copy_region(
                Subresource { resource: to.handle(), index },
                [0; 3],
                Subresource { resource: from.handle(), index },
                None,
                0,
            );
        }
    }

    /// `CopySubresourceRegion` and `CopySubresourceRegion1`.
    pub fn copy_region(
        &mut self,
        to: Option<&Com<Resource>>,
        place: Place,
        from: Option<&Com<Resource>>,
        from_subresource: u32,
        region: Option<D3D10_DDI_BOX>,
        flags: u32,
    ) {
        let (Some(to), Some(from)) = (to, from) else { return };
        let Some(to_size) = to.inner.subresource_size(place.subresource) else { return };
        let Some(from_size) = from.inner.subresource_size(from_subresource) else { return };
        let kinds_match = to.inner.is_buffer() == from.inner.is_buffer();
        let formats_match = format::can_copy(to.inner.format(), from.inner.format(), has_block_copies(to));
        if !kinds_match || !formats_match || !is_writable(to) {
            return;
        }
        if to.inner.sample_count() != from.inner.sample_count() {
            return;
        }
        let legal = |region: &D3D10_DDI_BOX| {
            !box_is_empty(region) && box_fits(from.inner.format(), &from_size, region)
        };
        if !region.as_ref().is_none_or(legal) {
            return;
        }
        let everything = [from_size.TexelWidth, from_size.TexelHeight, from_size.TexelDepth];
        // CAST: sizes of textures are at most 16384, and a buffer's box was checked against its size.
        let extent = region.map_or(everything, |region| {
            [region.right - region.left, region.bottom - region.top, region.back - region.front]
                .map(i32::cast_unsigned)
        });
        // Depth and samples are copied whole or not at all; so are planes.
        let whole = [to, from].into_iter().any(|resource| {
            let planar = blocks::info(resource.inner.format()).is_some_and(|info| info.planar);
            planar
                || resource.inner.sample_count() > 1
                || resource.inner.flags().bind & bind::DEPTH_STENCIL != 0
                || matches!(format::family(resource.inner.format()), 19 | 44)
                || format::is_depth(resource.inner.format())
        });
        let target = [to_size.TexelWidth, to_size.TexelHeight, to_size.TexelDepth];
        if whole && (extent != everything || everything != target || place.at != [0; 3]) {
            return;
        }
        // In blocks of one format, texels of the other.
        let [to_block, from_block] = [to, from].map(|resource| {
            blocks::info(resource.inner.format())
                .filter(|_| !resource.inner.is_buffer())
                .unwrap_or(blocks::FormatInfo::BYTES)
        });
        let [width, height, depth] = extent;
        let scale = |texels: u32, from: u32, to: u32| texels.div_ceil(from).checked_mul(to);
        let (Some(width), Some(height)) = (
            scale(width, from_block.block_width, to_block.block_width),
            scale(height, from_block.block_height, to_block.block_height),
        ) else {
            return;
        };
        let [x, y, _] = place.at;
        if !x.is_multiple_of(to_block.block_width) || !y.is_multiple_of(to_block.block_height) {
            return;
        }
        let room = [to_size.PhysicalWidth, to_size.PhysicalHeight, to_size.PhysicalDepth];
        let fits = place
            .at
            .iter()
            .zip([width, height, depth])
            .zip(room)
            .all(|((at, extent), room)| at.checked_add(extent).is_some_and(|end| end <= room));
        if fits {
            self.graves.touch(to);
            self.graves.touch(from);
            self.driver.resource_copy_region(
                Subresource { resource: to.handle(), index: place.subresource },
                place.at,
                Subresource { resource: from.handle(), index: from_subresource },
                region.as_ref(),
                flags,
            );
        }
    }

    /// `UpdateSubresource` and `UpdateSubresource1`.
    ///
    /// # Safety
    /// `data` has as many bytes as the box (or the subresource) takes with these pitches.
    pub unsafe fn update_subresource(
        &mut self,
        to: Option<&Com<Resource>>,
        subresource: u32,
        region: Option<D3D10_DDI_BOX>,
        data: *const c_void,
        pitches: [u32; 2],
        flags: u32,
    ) {
        let Some(to) = to.filter(|_| !data.is_null()) else { return };
        let Some(size) = to.inner.subresource_size(subresource) else { return };
        if to.inner.flags().usage != Usage::Default || to.inner.sample_count() > 1 {
            return;
        }
        if to.inner.flags().bind & bind::DEPTH_STENCIL != 0 {
            return;
        }
        let legal =
            |region: &D3D10_DDI_BOX| !box_is_empty(region) && box_fits(to.inner.format(), &size, region);
        if !region.as_ref().is_none_or(legal) {
            return;
        }
        // Planes are written whole.
        if let Some(region) = &region
            && blocks::info(to.inner.format()).is_some_and(|info| info.planar)
        {
            let extent = [region.right - region.left, region.bottom - region.top].map(i32::cast_unsigned);
            if extent != [size.TexelWidth, size.TexelHeight] {
                return;
            }
        }
        self.graves.touch(to);
        // SAFETY: the caller's promise.
        unsafe { self.driver.update(to, &size, Update { subresource, region, data, pitches, flags }) };
    }

    /// `ResolveSubresource`.
    pub fn resolve(
        &mut self,
        to: Option<&Com<Resource>>,
        to_subresource: u32,
        from: Option<&Com<Resource>>,
        from_subresource: u32,
        format: u32,
    ) {
        let (Some(to), Some(from)) = (to, from) else { return };
        let exist = to_subresource < to.inner.subresources() && from_subresource < from.inner.subresources();
        let family = format::family(format);
        let match_format =
            format::family(to.inner.format()) == family && format::family(from.inner.format()) == family;
        // Of 2D textures with the same extents, in colors.
        let two = |resource: &Com<Resource>| match &resource.inner.shape {
            Shape::Texture(texture) => texture.dimension == Dimension::Two,
            Shape::Buffer(_) => false,
        };
        let extent = |resource: &Com<Resource>, subresource| {
            resource.inner.subresource_size(subresource).map(|size| (size.TexelWidth, size.TexelHeight))
        };
        let alike = two(to) && two(from) && extent(to, to_subresource) == extent(from, from_subresource);
        let depth = matches!(family, 19 | 44)
            || format::is_depth(format)
            || (to.inner.flags().bind | from.inner.flags().bind) & bind::DEPTH_STENCIL != 0;
        let exist = exist && alike && !depth && !format::is_typeless(format) && !format::is_video(format);
        if exist
            && match_format
            && to.inner.sample_count() == 1
            && to.inner.flags().usage == Usage::Default
            && from.inner.flags().usage == Usage::Default
        {
            self.graves.touch(to);
            self.graves.touch(from);
            self.driver.resource_resolve_subresource(
                to.handle(),
                to_subresource,
                from.handle(),
                from_subresource,
                format,
            );
        }
    }

    /// `GenerateMips`.
    pub fn generate_mips(&mut self, view: Option<&Com<View>>) {
        let generates = |view: &&Com<View>| {
            view.inner.resource().inner.flags().misc & misc::GENERATE_MIPS != 0
                && view.inner.view.range.mips > 1
                && view
                    .device()
                    .format_support(view.inner.view.desc.format)
                    .is_ok_and(|(support, _)| support & MIP_AUTOGEN_SUPPORT != 0)
        };
        if let Some(view) = view.filter(generates) {
            self.graves.touch(view);
            self.driver.gen_mips(view.handle());
        }
    }

    /// `SetResourceMinLOD`: of resources made with `D3D11_RESOURCE_MISC_RESOURCE_CLAMP`.
    pub fn set_min_lod(&mut self, resource: &Com<Resource>, lod: f32) {
        if resource.inner.flags().misc & misc::RESOURCE_CLAMP != 0 && !resource.inner.is_buffer() {
            resource.inner.min_lod.store(lod.to_bits(), Ordering::Relaxed);
            self.graves.touch(resource);
            self.driver.set_resource_min_lod(resource.handle(), lod);
        }
    }

    /// `CopyStructureCount`.
    pub fn copy_structure_count(
        &mut self,
        to: Option<&Com<Resource>>,
        offset: u32,
        view: Option<&Com<View>>,
    ) {
        let (Some(to), Some(view)) = (to, view) else { return };
        let Some(size) = to.inner.subresource_size(0).filter(|_| to.inner.is_buffer()) else { return };
        let fits = offset.checked_add(4).is_some_and(|end| end <= size.TexelWidth);
        if fits && offset.is_multiple_of(4) && is_writable(to) && view.inner.view.is_counted() {
            self.graves.touch(to);
            self.graves.touch(view);
            self.driver.copy_structure_count(to.handle(), offset, view.handle());
        }
    }
}

/// Whether copies may write a resource: not what is immutable (documentation of CopyResource).
fn is_writable(resource: &Com<Resource>) -> bool {
    resource.inner.flags().usage != Usage::Immutable
}

/// Whether copies go between blocks and texels: from feature level 10.1 on.
fn has_block_copies(resource: &Com<Resource>) -> bool {
    resource.device().inner.feature_level >= 0xa100
}
