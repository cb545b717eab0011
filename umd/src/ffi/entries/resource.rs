//! Resources and mappings.

use core::ffi::c_void;

use pvgpu_protocol::kernel_interface::{PrivateData, SharedResourceData};
use pvgpu_protocol::staging::Shape;
use pvgpu_umd_ddi::*;

use crate::device::Device;
use crate::error::Error;
use crate::ffi::argument::{
    Argument, Out, Place, Ref, Runtime, Taken, device, entries, entry_index, user_bytes,
};
use crate::resource::{Description, Resource};
use crate::transfer::{Source, Target};

/// Reads one member of the runtime's description. The struct grew with the versions, so no reference to all of it is made.
macro_rules! member {
    ($arg:ident.$member:ident) => {
        // SAFETY: the description is valid during the call, and this member is part of every version.
        unsafe { (*$arg).$member }
    };
}

/// Creates a resource from the runtime's description.
///
/// # Safety
/// `arg` is the runtime's.
unsafe fn create(
    device: &mut Device,
    arg: *const D3D11DDIARG_CREATERESOURCE,
    runtime_resource: *mut c_void,
) -> Result<Resource, Error> {
    if arg.is_null() {
        return Err(Error::BadArgument("a null pointer"));
    }
    let (mips, samples, primary) =
        (member!(arg.pMipInfoList), member!(arg.SampleDesc), member!(arg.pPrimaryDesc));
    // SAFETY: the list has at least one entry, the first mip's.
    let mip = unsafe { mips.as_ref() }.ok_or(Error::BadArgument("a resource without extents"))?;
    let description = Description {
        dimension: member!(arg.ResourceDimension),
        shape: Shape {
            width: mip.TexelWidth,
            height: mip.TexelHeight.max(1),
            depth: mip.TexelDepth.max(1),
            mip_levels: member!(arg.MipLevels).max(1),
            array_size: member!(arg.ArraySize).max(1),
        },
        format: member!(arg.Format),
        sample_count: samples.Count.max(1),
        sample_quality: samples.Quality,
        usage: member!(arg.Usage),
        bind_flags: member!(arg.BindFlags),
        misc_flags: member!(arg.MiscFlags),
        structure_stride: member!(arg.ByteStride),
        shared: member!(arg.MiscFlags) & D3D10_DDI_RESOURCE_MISC_SHARED != 0,
        mappable: member!(arg.MapFlags) != 0,
    };
    // SAFETY: the runtime lets the call answer in the primary's description.
    if let Some(primary) = unsafe { primary.as_mut() } {
        // No scan-out in this version: DXGI blits to its own primary.
        primary.DriverFlags = DXGI_DDI_PRIMARY_DRIVER_FLAG_NO_SCANOUT;
    }
    let initial = member!(arg.pInitialDataUP);
    // SAFETY: the list comes with this description.
    let initial = unsafe { initial_data(&description, initial) }?;
    device.create_resource(&description, initial.into_iter(), runtime_resource)
}

/// The initial contents by subresource; none when there are none.
///
/// # Safety
/// `list` is the runtime's, for a resource of this description.
unsafe fn initial_data<'a>(
    description: &Description,
    list: *const D3D10_DDIARG_SUBRESOURCE_UP,
) -> Result<Vec<Source<'a>>, Error> {
    if list.is_null() {
        return Ok(Vec::new());
    }
    let format = description.block()?;
    let count = description.shape.subresources().ok_or(Error::OutOfMemory)?;
    // SAFETY: the runtime passes an entry for each subresource.
    let list = unsafe { core::slice::from_raw_parts(list, count as usize) };
    let source = |(subresource, data): (u32, &D3D10_DDIARG_SUBRESOURCE_UP)| {
        let (row_pitch, depth_pitch) = (data.SysMemPitch, data.SysMemSlicePitch);
        let bytes =
            Target::whole(description.shape, format, subresource).source_bytes(row_pitch, depth_pitch);
        // SAFETY: the program's memory holds the subresource with these pitches.
        let bytes = Some(unsafe { user_bytes(data.pSysMem, bytes) }).filter(|slice| slice.len() == bytes);
        let bytes = bytes.ok_or(Error::BadArgument("initial contents without data"))?;
        Ok(Source { bytes, row_pitch, depth_pitch })
    };
    (0..).zip(list).map(source).collect()
}

/// Opens what another device shares, from what the kernel has kept with it.
///
/// # Safety
/// `arg` is the runtime's.
unsafe fn open(
    device: &mut Device,
    arg: *const D3D10DDIARG_OPENRESOURCE,
    runtime_resource: *mut c_void,
) -> Result<Resource, Error> {
    // SAFETY: the argument is the runtime's.
    let arg = unsafe { arg.as_ref() }.ok_or(Error::BadArgument("a null pointer"))?;
    let allocations = if arg.pOpenAllocationInfo.is_null() { 0 } else { arg.NumAllocations };
    if allocations == 0 {
        return Err(Error::BadArgument("a shared resource without an allocation"));
    }
    // SAFETY: the list has as many entries as the argument says, at least one.
    let allocation = unsafe { (*arg.pOpenAllocationInfo).hAllocation };
    // SAFETY: the kernel's private data is valid during the call.
    let data = unsafe { user_bytes(arg.pPrivateDriverData, arg.PrivateDriverDataSize as usize) };
    let data =
        SharedResourceData::read(data).map_err(|_| Error::BadArgument("a resource of another driver"))?;
    device.open_shared(&data, runtime_resource, allocation)
}

entries! {
    /// `pfnOpenResource`.
    open_resource at entry_index!(pfnOpenResource) =>
    |device, arg: Runtime<*const D3D10DDIARG_OPENRESOURCE>, place: Place<Resource>,
        runtime_resource: Runtime<D3D10DDI_HRTRESOURCE>| {
        // SAFETY: the argument is the runtime's.
        unsafe { open(device, arg.0, runtime_resource.0.0) }.map(|resource| place.put(resource))
    };

    /// `pfnCreateResource`.
    create_resource at entry_index!(pfnCreateResource) =>
    |device, arg: Runtime<*const D3D11DDIARG_CREATERESOURCE>, place: Place<Resource>,
        runtime_resource: Runtime<D3D10DDI_HRTRESOURCE>| {
        // SAFETY: the description is the runtime's.
        unsafe { create(device, arg.0, runtime_resource.0.0) }.map(|resource| place.put(resource))
    };

    /// `pfnDestroyResource`.
    destroy_resource at entry_index!(pfnDestroyResource) =>
    |device, resource: Taken<Resource>| device.destroy_resource(resource.0);

    /// `pfnResourceMap` and the other maps: the resource and the map type say all.
    resource_map at entry_index!(pfnResourceMap) =>
    |device, resource: Ref<Resource>, subresource: u32, how: u32, flags: u32, mapped: Out<D3D10DDI_MAPPED_SUBRESOURCE>| {
        let mapping = device.map(&resource, subresource, how, flags)?;
        mapped.set(D3D10DDI_MAPPED_SUBRESOURCE {
            pData: mapping.address,
            RowPitch: mapping.row_pitch,
            DepthPitch: mapping.depth_pitch,
        });
        Ok(())
    };

    /// `pfnResourceUnmap` and the other unmaps.
    resource_unmap at entry_index!(pfnResourceUnmap) =>
    |device, resource: Ref<Resource>, subresource: u32| device.unmap(&resource, subresource);

    /// `pfnResourceReadAfterWriteHazard`: the host tracks hazards itself.
    resource_read_after_write_hazard at entry_index!(pfnResourceReadAfterWriteHazard) =>
    |_device, _resource: Runtime<D3D10DDI_HRESOURCE>| Ok(());

    /// `pfnShaderResourceViewReadAfterWriteHazard`: the host tracks hazards itself.
    view_read_after_write_hazard at entry_index!(pfnShaderResourceViewReadAfterWriteHazard) =>
    |_device, _view: Runtime<D3D10DDI_HSHADERRESOURCEVIEW>, _resource: Runtime<D3D10DDI_HRESOURCE>| Ok(());

    /// `pfnSetResourceMinLOD`.
    set_resource_min_lod at entry_index!(pfnSetResourceMinLOD) =>
    |device, resource: Ref<Resource>, min_lod: f32| device.set_resource_min_lod(&resource, min_lod);

    /// `pfnDiscard`: a hint that changes nothing a program may see.
    discard at entry_index!(pfnDiscard) =>
    |_device, _kind: u32, _object: Runtime<*mut c_void>, _rects: Runtime<*const D3D10_DDI_RECT>, _count: u32| Ok(());

    /// `pfnCheckDirectFlipSupport`: no scan-out, no direct flip.
    check_direct_flip_support at entry_index!(pfnCheckDirectFlipSupport) =>
    |_device, _first: Runtime<D3D10DDI_HRESOURCE>, _second: Runtime<D3D10DDI_HRESOURCE>, _flags: u32,
        supported: Out<BOOL>| {
        supported.set(FALSE);
        Ok(())
    };
}

/// `pfnResourceIsStagingBusy`.
pub(in crate::ffi) unsafe extern "system" fn resource_is_staging_busy(
    handle: D3D10DDI_HDEVICE,
    resource: D3D10DDI_HRESOURCE,
) -> BOOL {
    // SAFETY: the runtime calls one entry of a living device at a time.
    let Some(device) = (unsafe { device(handle) }) else { return FALSE };
    // SAFETY: the handle is the runtime's.
    match unsafe { Ref::<Resource>::take(resource) } {
        Ok(resource) => BOOL::from(device.is_busy(&resource)),
        Err(error) => {
            device.report(entry_index!(pfnResourceIsStagingBusy), error);
            FALSE
        }
    }
}
