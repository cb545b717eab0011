//! Copies, updates, resolves and mip generation: Direct3D 11's rules, then the driver.
//!
//! A call that breaks a rule is dropped, which is what Direct3D 11 does with it.

use core::ffi::c_void;

use pvgpu_umd_ddi::D3D10_DDI_BOX;

use super::super::driver::Subresource;
use super::super::guard::Locked;
use super::super::object::Com;
use super::super::resource::Resource;
use super::super::view::View;
use crate::desc::resource::{Usage, bind, misc};
use crate::desc::subresource::{box_fits, box_is_empty};
use crate::desc::view::Shape;
use crate::format;

/// The place that a region goes to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Subresource.
    pub subresource: u32,
    /// Texel (byte of a buffer) in each direction.
    pub at: [u32; 3],
}

impl Locked {
    /// `CopyResource`: two resources of one shape.
    pub fn copy_resource(&mut self, to: Option<&Com<Resource>>, from: Option<&Com<Resource>>) {
        let (Some(to), Some(from)) = (to, from) else { return };
        let same = match (&to.inner.shape, &from.inner.shape) {
            (Shape::Buffer(to), Shape::Buffer(from)) => to.byte_width == from.byte_width,
            (Shape::Texture(to), Shape::Texture(from)) => {
                let size = |texture: &crate::desc::texture::Desc| {
                    let (width, height, depth) = (texture.width, texture.height, texture.depth);
                    (
                        texture.dimension,
                        width,
                        height,
                        depth,
                        texture.mip_levels,
                        texture.array_size,
                        texture.sample_count,
                    )
                };
                size(to) == size(from) && format::can_copy(to.format, from.format)
            }
            _ => false,
        };
        if same && is_writable(to) && !core::ptr::eq(to, from) {
            self.driver.resource_copy(to.handle(), from.handle());
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
        let formats_match = format::can_copy(to.inner.format(), from.inner.format());
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
        // CAST: sizes of textures are at most 16384, and a buffer's box was checked against its size.
        let extent =
            region.map_or([from_size.TexelWidth, from_size.TexelHeight, from_size.TexelDepth], |region| {
                [region.right - region.left, region.bottom - region.top, region.back - region.front]
                    .map(i32::cast_unsigned)
            });
        let room = [to_size.PhysicalWidth, to_size.PhysicalHeight, to_size.PhysicalDepth];
        let fits = place
            .at
            .iter()
            .zip(extent)
            .zip(room)
            .all(|((at, extent), room)| at.checked_add(extent).is_some_and(|end| end <= room));
        let same_place = core::ptr::eq(to, from) && place.subresource == from_subresource;
        if fits && !(same_place && !to.inner.is_buffer() && overlaps(place.at, region, extent)) {
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
        let constant_buffer = to.inner.flags().bind & bind::CONSTANT_BUFFER != 0;
        let legal =
            |region: &D3D10_DDI_BOX| !box_is_empty(region) && box_fits(to.inner.format(), &size, region);
        if !region.as_ref().is_none_or(legal) {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe {
            self.driver.update_subresource(
                constant_buffer,
                Subresource { resource: to.handle(), index: subresource },
                region.as_ref(),
                data,
                pitches,
                flags,
            );
        }
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
        if exist && match_format && to.inner.sample_count() == 1 && is_writable(to) {
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
        };
        if let Some(view) = view.filter(generates) {
            self.driver.gen_mips(view.handle());
        }
    }

    /// `SetResourceMinLOD`: of resources made with `D3D11_RESOURCE_MISC_RESOURCE_CLAMP`.
    pub fn set_min_lod(&mut self, resource: &Com<Resource>, lod: f32) {
        if resource.inner.flags().misc & misc::RESOURCE_CLAMP != 0 {
            resource.inner.min_lod.set(lod);
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
        if fits && offset.is_multiple_of(4) {
            self.driver.copy_structure_count(to.handle(), offset, view.handle());
        }
    }
}

/// Whether the GPU may write a resource: not what is immutable, nor what only the CPU writes.
fn is_writable(resource: &Com<Resource>) -> bool {
    matches!(resource.inner.flags().usage, Usage::Default | Usage::Staging)
}

/// Whether a copy within one subresource reads what it writes.
fn overlaps(to: [u32; 3], region: Option<D3D10_DDI_BOX>, extent: [u32; 3]) -> bool {
    let from =
        region.map_or([0; 3], |region| [region.left, region.top, region.front].map(i32::cast_unsigned));
    to.iter().zip(from).zip(extent).all(|((to, from), extent)| to.abs_diff(from) < extent)
}
