//! The DXGI part of the DDI.

use pvgpu_umd_ddi::*;

use super::argument::{Argument, In, Out, Ref, attempt, device, id};
use crate::device::Device;
use crate::error::Error;
use crate::resource::Resource;

/// More back buffers than any swap chain has (`DXGI_MAX_SWAP_CHAIN_BUFFERS`).
const MAX_BACK_BUFFERS: usize = 16;

/// What DXGI is told of an error.
fn hresult(result: Result<(), Error>) -> HRESULT {
    match result {
        Ok(()) => S_OK,
        Err(error) => error.hresult(),
    }
}

/// The device of a call.
///
/// # Safety
/// The handle is the runtime's, and no other call is in the device.
unsafe fn device_of<'a>(handle: DXGI_DDI_HDEVICE) -> Result<&'a mut Device, Error> {
    let handle = D3D10DDI_HDEVICE(core::ptr::with_exposed_provenance_mut(handle));
    // SAFETY: passed on from the caller.
    unsafe { device(handle) }.ok_or(Error::BadArgument("a null device"))
}

/// A resource as DXGI names it.
fn resource_handle(handle: DXGI_DDI_HRESOURCE) -> D3D10DDI_HRESOURCE {
    D3D10DDI_HRESOURCE(core::ptr::with_exposed_provenance_mut(handle))
}

/// Declares entries of the DXGI table.
macro_rules! dxgi_entries {
    ($($(#[$doc:meta])* $name:ident($arg:ident: $type:ty, $device:ident) $body:block)+) => {$(
        $(#[$doc])*
        unsafe extern "system" fn $name($arg: *mut $type) -> HRESULT {
            hresult(attempt(|| {
                // SAFETY: the argument is the runtime's.
                let $arg = unsafe { In::<$type>::take($arg) }?;
                // SAFETY: the runtime calls one entry of a living device at a time.
                let $device = unsafe { device_of($arg.hDevice) }?;
                $body
            }))
        }
    )+};
}

dxgi_entries! {
    /// `pfnPresent`.
    present(args: DXGI_DDI_ARG_PRESENT, device) {
        // SAFETY: the handle is the runtime's.
        let source = unsafe { Ref::<Resource>::take(resource_handle(args.hSurfaceToPresent)) }?;
        let destination = match args.hDstResource {
            0 => None,
            // SAFETY: the handle is the runtime's.
            handle => Some(unsafe { Ref::<Resource>::take(resource_handle(handle)) }?),
        };
        let keep = args.Flags.Value & DXGI_DDI_PRESENT_FLAGS::PvgpuKeep != 0;
        device.present(&source, args.SrcSubResourceIndex, destination.as_deref(), args.pDXGIContext, keep)
    }

    /// `pfnRotateResourceIdentities`.
    rotate_resource_identities(args: DXGI_DDI_ARG_ROTATE_RESOURCE_IDENTITIES, device) {
        let count = args.Resources as usize;
        let mut ids = [0; MAX_BACK_BUFFERS];
        let ids = ids.get_mut(..count).ok_or(Error::BadArgument("more back buffers than a swap chain has"))?;
        if count != 0 && args.pResources.is_null() {
            return Err(Error::BadArgument("a null list of resources"));
        }
        for (index, id_of) in ids.iter_mut().enumerate() {
            // SAFETY: the list has that many handles.
            let handle = unsafe { args.pResources.add(index) };
            // SAFETY: the list is readable during the call.
            let handle = resource_handle(unsafe { handle.read() });
            // SAFETY: the handle is the runtime's.
            *id_of = unsafe { id::<Resource>(handle) };
        }
        device.rotate_resource_identities(ids)
    }

    /// `pfnGetGammaCaps`: the identity ramp, as without scan-out there is no other.
    get_gamma_caps(args: DXGI_DDI_ARG_GET_GAMMA_CONTROL_CAPS, _device) {
        // SAFETY: the pointer is the runtime's to be written to.
        let caps = unsafe { Out::take(args.pGammaCapabilities) }?;
        caps.set(DXGI_GAMMA_CONTROL_CAPABILITIES {
            MaxConvertedValue: 1.0,
            NumGammaControlPoints: 2,
            ControlPointPositions: core::array::from_fn(|point| if point == 1 { 1.0 } else { 0.0 }),
            ..Default::default()
        });
        Ok(())
    }

    /// `pfnSetDisplayMode`: no scan-out in this version.
    set_display_mode(_args: DXGI_DDI_ARG_SETDISPLAYMODE, _device) {
        Err(Error::Unsupported("display modes"))
    }

    /// `pfnSetResourcePriority`: a hint that changes nothing.
    set_resource_priority(_args: DXGI_DDI_ARG_SETRESOURCEPRIORITY, _device) {
        Ok(())
    }

    /// `pfnQueryResourceResidency`: the host keeps everything resident.
    query_resource_residency(args: DXGI_DDI_ARG_QUERYRESOURCERESIDENCY, _device) {
        for index in 0..args.Resources {
            // SAFETY: the list has that many entries.
            let status = unsafe { args.pStatus.add(index) };
            // SAFETY: the entry is the runtime's to be written to.
            unsafe { Out::take(status) }?.set(DXGI_DDI_RESIDENCY_FULLY_RESIDENT);
        }
        Ok(())
    }

    /// `pfnBlt`: between surfaces of one size and format; the others are not supported.
    blt(args: DXGI_DDI_ARG_BLT, device) {
        let other = DXGI_DDI_ARG_BLT_FLAGS::Resolve | DXGI_DDI_ARG_BLT_FLAGS::Convert | DXGI_DDI_ARG_BLT_FLAGS::Stretch;
        if args.Flags.Value & other != 0 || args.Rotate > DXGI_DDI_MODE_ROTATION_IDENTITY {
            return Err(Error::Unsupported("blits that resolve, convert, stretch or rotate"));
        }
        // SAFETY: the handle is the runtime's.
        let dst = unsafe { Ref::<Resource>::take(resource_handle(args.hDstResource)) }?;
        // SAFETY: the handle is the runtime's.
        let src = unsafe { Ref::<Resource>::take(resource_handle(args.hSrcResource)) }?;
        let at = [args.DstLeft, args.DstTop, 0];
        device.copy_region((&dst, args.DstSubresource), at, (&src, args.SrcSubresource), None)
    }

    /// `pfnBlt1`: as `pfnBlt`, with a source rectangle.
    blt1(args: DXGI_DDI_ARG_BLT1, device) {
        let other = DXGI_DDI_ARG_BLT_FLAGS::Resolve | DXGI_DDI_ARG_BLT_FLAGS::Convert | DXGI_DDI_ARG_BLT_FLAGS::Stretch;
        if args.Flags.Value & other != 0 || args.Rotate > DXGI_DDI_MODE_ROTATION_IDENTITY {
            return Err(Error::Unsupported("blits that resolve, convert, stretch or rotate"));
        }
        // SAFETY: the handle is the runtime's.
        let dst = unsafe { Ref::<Resource>::take(resource_handle(args.hDstResource)) }?;
        // SAFETY: the handle is the runtime's.
        let src = unsafe { Ref::<Resource>::take(resource_handle(args.hSrcResource)) }?;
        let area = pvgpu_protocol::command::SubresourceBox {
            left: args.SrcLeft,
            top: args.SrcTop,
            front: 0,
            right: args.SrcRight,
            bottom: args.SrcBottom,
            back: 1,
        };
        let at = [args.DstLeft, args.DstTop, 0];
        device.copy_region((&dst, args.DstSubresource), at, (&src, args.SrcSubresource), Some(area))
    }

    /// `pfnResolveSharedResource`: makes what was recorded visible to other processes.
    resolve_shared_resource(_args: DXGI_DDI_ARG_RESOLVESHAREDRESOURCE, device) {
        device.flush().map(drop)
    }

    /// `pfnOfferResources`: accepted; the host keeps them.
    offer_resources(_args: DXGI_DDI_ARG_OFFERRESOURCES, _device) {
        Ok(())
    }

    /// `pfnReclaimResources`: nothing offered is ever lost.
    reclaim_resources(args: DXGI_DDI_ARG_RECLAIMRESOURCES, _device) {
        if args.pDiscarded.is_null() {
            return Ok(());
        }
        for index in 0..args.Resources as usize {
            // SAFETY: the list has that many entries.
            let discarded = unsafe { args.pDiscarded.add(index) };
            // SAFETY: the entry is the runtime's to be written to.
            unsafe { Out::take(discarded) }?.set(FALSE);
        }
        Ok(())
    }
}

/// The multiplane overlay entries, of which this driver has none.
unsafe extern "system" fn no_overlay(_args: *mut core::ffi::c_void) -> HRESULT {
    DXGI_DDI_ERR_UNSUPPORTED
}

/// The table of DXGI 1.0.
pub(super) fn base() -> DXGI_DDI_BASE_FUNCTIONS {
    DXGI_DDI_BASE_FUNCTIONS {
        pfnPresent: Some(present),
        pfnGetGammaCaps: Some(get_gamma_caps),
        pfnSetDisplayMode: Some(set_display_mode),
        pfnSetResourcePriority: Some(set_resource_priority),
        pfnQueryResourceResidency: Some(query_resource_residency),
        pfnRotateResourceIdentities: Some(rotate_resource_identities),
        pfnBlt: Some(blt),
    }
}

/// The table of DXGI 1.1.
pub(super) fn base_1_1() -> DXGI1_1_DDI_BASE_FUNCTIONS {
    DXGI1_1_DDI_BASE_FUNCTIONS {
        pfnPresent: Some(present),
        pfnGetGammaCaps: Some(get_gamma_caps),
        pfnSetDisplayMode: Some(set_display_mode),
        pfnSetResourcePriority: Some(set_resource_priority),
        pfnQueryResourceResidency: Some(query_resource_residency),
        pfnRotateResourceIdentities: Some(rotate_resource_identities),
        pfnBlt: Some(blt),
        pfnResolveSharedResource: Some(resolve_shared_resource),
    }
}

/// The table of DXGI 1.2.
pub(super) fn base_1_2() -> DXGI1_2_DDI_BASE_FUNCTIONS {
    DXGI1_2_DDI_BASE_FUNCTIONS {
        pfnPresent: Some(present),
        pfnGetGammaCaps: Some(get_gamma_caps),
        pfnSetDisplayMode: Some(set_display_mode),
        pfnSetResourcePriority: Some(set_resource_priority),
        pfnQueryResourceResidency: Some(query_resource_residency),
        pfnRotateResourceIdentities: Some(rotate_resource_identities),
        pfnBlt: Some(blt),
        pfnResolveSharedResource: Some(resolve_shared_resource),
        pfnBlt1: Some(blt1),
        pfnOfferResources: Some(offer_resources),
        pfnReclaimResources: Some(reclaim_resources),
        pfnGetMultiplaneOverlayCaps: Some(no_overlay),
        pfnGetMultiplaneOverlayFilterRange: Some(no_overlay),
        pfnCheckMultiplaneOverlaySupport: Some(no_overlay),
        pfnPresentMultiplaneOverlay: Some(no_overlay),
    }
}
