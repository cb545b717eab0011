//! Uploads, copies, resolves, clears.

use core::ffi::c_void;

use pvgpu_protocol::command::SubresourceBox;
use pvgpu_umd_ddi::*;

use crate::device::Device;
use crate::error::Error;
use crate::ffi::argument::{InOrNull, List, Ref, Runtime, entries, entry_index, user_bytes};
use crate::object::{DepthStencilView, RenderTargetView, ShaderResourceView, UnorderedAccessView};
use crate::resource::Resource;
use crate::transfer::{Source, Target, map_box};

/// Copies the program's memory into a part of a subresource.
///
/// # Safety
/// `memory` is what the runtime passed with the box and the pitches.
unsafe fn update(
    device: &mut Device,
    resource: &Resource,
    subresource: u32,
    part: Option<D3D10_DDI_BOX>,
    memory: *const c_void,
    (row_pitch, depth_pitch): (u32, u32),
) -> Result<(), Error> {
    let target = match &part {
        Some(part) => Target::part(resource.format, map_box(part)),
        None => resource.target(subresource),
    };
    let bytes = target.source_bytes(row_pitch, depth_pitch);
    // SAFETY: the runtime passes memory that holds the box with these pitches.
    let source = Source { bytes: unsafe { user_bytes(memory, bytes) }, row_pitch, depth_pitch };
    if source.bytes.len() < bytes {
        return Err(Error::BadArgument("an update without data"));
    }
    device.write(resource, subresource, target, &source)
}

fn part(part: InOrNull<D3D10_DDI_BOX>) -> Option<SubresourceBox> {
    part.0.as_ref().map(map_box)
}

/// The four numbers of a clear.
///
/// # Safety
/// The list came from a clear's entry, whose lists have four elements.
unsafe fn four<T: Copy + Default>(list: &List<T>) -> [T; 4] {
    // SAFETY: passed on from the caller.
    let values = unsafe { list.get(4) };
    values.first_chunk().copied().unwrap_or_default()
}

entries! {
    /// `pfnResourceUpdateSubresourceUP` and `pfnDefaultConstantBufferUpdateSubresourceUP` of 11.0.
    update_subresource_11_0 at entry_index!(pfnResourceUpdateSubresourceUP) =>
    |device, dst: Ref<Resource>, subresource: u32, area: InOrNull<D3D10_DDI_BOX>, memory: Runtime<*const c_void>,
        row_pitch: u32, depth_pitch: u32| {
        // SAFETY: the arguments belong together.
        unsafe { update(device, &dst, subresource, area.0, memory.0, (row_pitch, depth_pitch)) }
    };

    /// The same of 11.1; the copy flags are hints that this driver does not need.
    update_subresource at entry_index!(pfnResourceUpdateSubresourceUP) =>
    |device, dst: Ref<Resource>, subresource: u32, area: InOrNull<D3D10_DDI_BOX>, memory: Runtime<*const c_void>,
        row_pitch: u32, depth_pitch: u32, _flags: u32| {
        // SAFETY: the arguments belong together.
        unsafe { update(device, &dst, subresource, area.0, memory.0, (row_pitch, depth_pitch)) }
    };

    /// `pfnResourceCopy` and `pfnResourceConvert`: the host casts between formats of one size.
    resource_copy at entry_index!(pfnResourceCopy) =>
    |device, dst: Ref<Resource>, src: Ref<Resource>| device.copy_resource(&dst, &src);

    /// `pfnResourceCopyRegion` and `pfnResourceConvertRegion` of 11.0.
    resource_copy_region_11_0 at entry_index!(pfnResourceCopyRegion) =>
    |device, dst: Ref<Resource>, dst_subresource: u32, x: u32, y: u32, z: u32, src: Ref<Resource>,
        src_subresource: u32, area: InOrNull<D3D10_DDI_BOX>| {
        device.copy_region((&dst, dst_subresource), [x, y, z], (&src, src_subresource), part(area))
    };

    /// The same of 11.1; the copy flags are hints that this driver does not need.
    resource_copy_region at entry_index!(pfnResourceCopyRegion) =>
    |device, dst: Ref<Resource>, dst_subresource: u32, x: u32, y: u32, z: u32, src: Ref<Resource>,
        src_subresource: u32, area: InOrNull<D3D10_DDI_BOX>, _flags: u32| {
        device.copy_region((&dst, dst_subresource), [x, y, z], (&src, src_subresource), part(area))
    };

    /// `pfnResourceResolveSubresource`.
    resource_resolve_subresource at entry_index!(pfnResourceResolveSubresource) =>
    |device, dst: Ref<Resource>, dst_subresource: u32, src: Ref<Resource>, src_subresource: u32, format: u32| {
        device.resolve((&dst, dst_subresource), (&src, src_subresource), format)
    };

    /// `pfnGenMips`.
    gen_mips at entry_index!(pfnGenMips) => |device, view: Ref<ShaderResourceView>| device.generate_mips(&view);

    /// `pfnCopyStructureCount`.
    copy_structure_count at entry_index!(pfnCopyStructureCount) =>
    |device, dst: Ref<Resource>, offset: u32, src: Ref<UnorderedAccessView>| {
        device.copy_structure_count(&dst, offset, &src)
    };

    /// `pfnClearRenderTargetView`.
    clear_render_target_view at entry_index!(pfnClearRenderTargetView) =>
    |device, view: Ref<RenderTargetView>, color: List<f32>| {
        // SAFETY: the list is a clear's.
        device.clear_render_target(&view, unsafe { four(&color) })
    };

    /// `pfnClearDepthStencilView`.
    clear_depth_stencil_view at entry_index!(pfnClearDepthStencilView) =>
    |device, view: Ref<DepthStencilView>, flags: u32, depth: f32, stencil: u8| {
        device.clear_depth_stencil(&view, flags, depth, stencil)
    };

    /// `pfnClearUnorderedAccessViewUint`.
    clear_unordered_access_view_uint at entry_index!(pfnClearUnorderedAccessViewUint) =>
    |device, view: Ref<UnorderedAccessView>, value: List<u32>| {
        // SAFETY: the list is a clear's.
        device.clear_unordered_access(&view, unsafe { four(&value) }, false)
    };

    /// `pfnClearUnorderedAccessViewFloat`.
    clear_unordered_access_view_float at entry_index!(pfnClearUnorderedAccessViewFloat) =>
    |device, view: Ref<UnorderedAccessView>, value: List<f32>| {
        // SAFETY: the list is a clear's.
        let value = unsafe { four(&value) };
        device.clear_unordered_access(&view, value.map(f32::to_bits), true)
    };
}
