//! What wrong calls get.

use std::ptr::{from_mut, from_ref, null, null_mut};

use pvgpu_kmd_ddi::{
    D3DDDIFMT_A8R8G8B8, D3DKMDT_GDISURFACEDATA, D3DKMDT_STANDARDALLOCATION_GDISURFACE, DXGK_ALLOCATIONINFO,
    DXGK_DRIVERCAPS, DXGK_OPENALLOCATIONINFO, DXGKARG_COLLECTDBGINFO, DXGKARG_CREATEALLOCATION,
    DXGKARG_DESTROYALLOCATION, DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA, DXGKARG_OPENALLOCATION,
    DXGKARG_QUERYADAPTERINFO, DXGKQAITYPE_DRIVERCAPS, DXGKRNL_INTERFACE, STATUS_BUFFER_TOO_SMALL,
    STATUS_DEVICE_CONFIGURATION_ERROR, STATUS_DEVICE_NOT_READY, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_INVALID_USER_BUFFER, STATUS_NOT_SUPPORTED, STATUS_PRIVILEGE_NOT_HELD,
    STATUS_REVISION_MISMATCH, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
};

use super::fake_nt::nt;
use super::port::{Resources, interface, port};
use super::rig::{Rig, ddi};

#[test]
fn null_is_no_argument() {
    let rig = Rig::new();
    let context = rig.context;
    let wrong = STATUS_INVALID_PARAMETER;
    assert_eq!(ddi!(rig, DxgkDdiAddDevice, null_mut(), null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiStartDevice, context, null_mut(), null_mut(), null_mut(), null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiStopDevice, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiRemoveDevice, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiInterruptRoutine, null_mut(), 0), 0);
    assert_eq!(ddi!(rig, DxgkDdiQueryAdapterInfo, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiCreateDevice, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiCreateContext, null_mut(), null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, null_mut()), STATUS_INVALID_HANDLE);
    assert_eq!(ddi!(rig, DxgkDdiDestroyContext, null_mut()), STATUS_INVALID_HANDLE);
    assert_eq!(ddi!(rig, DxgkDdiCreateAllocation, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiDestroyAllocation, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiDescribeAllocation, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiGetStandardAllocationDriverData, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiOpenAllocation, null_mut(), null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiCloseAllocation, null_mut(), null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiRender, null_mut(), null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiPresent, null_mut(), null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiPatch, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiSubmitCommand, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiPreemptCommand, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiCancelCommand, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiBuildPagingBuffer, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiQueryCurrentFence, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiQueryEngineStatus, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiResetEngine, context, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiCollectDbgInfo, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiEscape, context, null()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiCalibrateGpuClock, context, 0, 0, null_mut()), wrong);
    assert_eq!(ddi!(rig, DxgkDdiGetNodeMetadata, context, 0, null_mut()), wrong);
    let mut rig = rig;
    rig.remove();
}

#[test]
fn what_cannot_be_started() {
    let mut rig = Rig::new();
    // An older dxgkrnl, whose interface ends early.
    let short = DXGKRNL_INTERFACE { Size: 64, ..interface() };
    assert_eq!(rig.start_with(short), STATUS_REVISION_MISMATCH);
    let lacking = DXGKRNL_INTERFACE { DxgkCbNotifyInterrupt: None, ..interface() };
    assert_eq!(rig.start_with(lacking), STATUS_REVISION_MISMATCH);
    for wrong in [0, 63, 4096] {
        nt(|nt| nt.registry.insert("ApertureSize".into(), wrong));
        assert_eq!(rig.start(), STATUS_INVALID_PARAMETER, "{wrong} MiB");
    }
    // Registers without an aperture.
    port(|port| port.resources = Some(Resources::ivshmem(0x1000, (0x2000, 64 << 20), true).truncated()));
    assert_eq!(rig.start(), STATUS_DEVICE_CONFIGURATION_ERROR);
    assert_ne!(rig.stop(), STATUS_SUCCESS, "it is not started");
    rig.remove();
}

#[test]
fn buffers_that_are_too_small() {
    let mut rig = Rig::new();
    let mut caps = DXGK_DRIVERCAPS::default();
    let mut argument = DXGKARG_QUERYADAPTERINFO {
        Type: DXGKQAITYPE_DRIVERCAPS,
        pOutputData: from_mut(&mut caps).cast(),
        OutputDataSize: 16,
        ..DXGKARG_QUERYADAPTERINFO::default()
    };
    assert_eq!(ddi!(rig, DxgkDdiQueryAdapterInfo, rig.context, from_ref(&argument)), STATUS_BUFFER_TOO_SMALL);
    argument.Type = 99;
    assert_eq!(ddi!(rig, DxgkDdiQueryAdapterInfo, rig.context, from_ref(&argument)), STATUS_NOT_SUPPORTED);
    let report = DXGKARG_COLLECTDBGINFO { Reason: 0x50, ..DXGKARG_COLLECTDBGINFO::default() };
    assert_eq!(ddi!(rig, DxgkDdiCollectDbgInfo, rig.context, from_ref(&report)), STATUS_UNSUCCESSFUL);
    let mut text = [0xffu8; 4096];
    let report = DXGKARG_COLLECTDBGINFO {
        Reason: 0x117,
        pBuffer: text.as_mut_ptr().cast(),
        BufferSize: text.len(),
        ..DXGKARG_COLLECTDBGINFO::default()
    };
    assert_eq!(ddi!(rig, DxgkDdiCollectDbgInfo, rig.context, from_ref(&report)), STATUS_SUCCESS);
    let end = text.iter().position(|byte| *byte == 0).expect("the rest is zero");
    assert!(end > 10 && core::str::from_utf8(&text[..end]).is_ok());
    assert!(text[end..].iter().all(|byte| *byte == 0));
    rig.remove();
}

#[test]
fn hostile_command_buffers() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    nt(|nt| nt.privileged = false);
    assert_eq!(rig.attach().err(), Some(STATUS_PRIVILEGE_NOT_HELD));
    nt(|nt| nt.privileged = true);
    let h_device = rig.create_device().expect("started");
    assert_eq!(rig.create_context(h_device).err(), Some(STATUS_DEVICE_NOT_READY));
    let (service, _) = rig.link();
    let (user, other) = (rig.user(), rig.user());
    let marker = rig.marker(&user, 1);
    let bytes = bytemuck::bytes_of(&marker);
    for wrong in [&bytes[1..], &[bytes, &[0]].concat(), &[]] {
        assert_eq!(rig.render_bytes(user.h_context, wrong).err(), Some(STATUS_INVALID_USER_BUFFER));
    }
    nt(|nt| nt.user_readable = false);
    assert_eq!(rig.render_bytes(user.h_context, bytes).err(), Some(STATUS_INVALID_USER_BUFFER));
    nt(|nt| nt.user_readable = true);
    // The marker of one context in the other.
    assert!(rig.render_bytes(other.h_context, bytes).is_err());
    assert!(rig.render_bytes(user.h_context, bytes).is_ok());
    // Handles that are not the caller's: another process's device.
    nt(|nt| nt.process = 101);
    let mut map = user.map;
    assert_ne!(rig.escape(user.h_device, user.h_context, &mut map), STATUS_SUCCESS);
    nt(|nt| nt.process = 100);
    rig.end_user(&user);
    rig.end_user(&other);
    for device in [h_device, service] {
        assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, device), STATUS_SUCCESS);
    }
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}

#[test]
fn allocations_are_made_all_or_none() {
    let mut rig = Rig::new();
    assert_eq!(rig.start(), STATUS_SUCCESS);
    let mut surface = D3DKMDT_GDISURFACEDATA {
        Width: 100,
        Height: 50,
        Format: D3DDDIFMT_A8R8G8B8,
        Type: 1,
        ..D3DKMDT_GDISURFACEDATA::default()
    };
    let mut ask = DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA {
        StandardAllocationType: D3DKMDT_STANDARDALLOCATION_GDISURFACE,
        pSurfaceData: from_mut(&mut surface).cast(),
        ..DXGKARG_GETSTANDARDALLOCATIONDRIVERDATA::default()
    };
    let entry = |ask: &mut _| ddi!(rig, DxgkDdiGetStandardAllocationDriverData, rig.context, from_mut(ask));
    assert_eq!(entry(&mut ask), STATUS_SUCCESS);
    let mut data = std::vec![0u8; ask.AllocationPrivateDriverDataSize as usize];
    ask.pAllocationPrivateDriverData = data.as_mut_ptr().cast();
    assert_eq!(entry(&mut ask), STATUS_SUCCESS);
    assert_eq!(surface.Pitch, 512);
    let size = ask.AllocationPrivateDriverDataSize;
    let good = DXGK_ALLOCATIONINFO {
        pPrivateDriverData: data.as_mut_ptr().cast(),
        PrivateDriverDataSize: size,
        ..DXGK_ALLOCATIONINFO::default()
    };
    let bad = DXGK_ALLOCATIONINFO { PrivateDriverDataSize: size - 1, ..good };
    let create = |infos: &mut [DXGK_ALLOCATIONINFO]| {
        let mut argument = DXGKARG_CREATEALLOCATION {
            NumAllocations: u32::try_from(infos.len()).expect("few"),
            pAllocationInfo: infos.as_mut_ptr(),
            ..DXGKARG_CREATEALLOCATION::default()
        };
        ddi!(rig, DxgkDdiCreateAllocation, rig.context, from_mut(&mut argument))
    };
    let mut infos = [good, good, bad];
    assert_eq!(create(&mut infos), STATUS_INVALID_PARAMETER);
    assert!(infos.iter().all(|info| info.hAllocation.is_null()));
    let mut infos = [good, good];
    assert_eq!(create(&mut infos), STATUS_SUCCESS);
    assert_eq!(
        (infos[0].Size, infos[0].SupportedWriteSegmentSet),
        ((512 * 50usize).next_multiple_of(4096), 1)
    );
    // Opening: dxgkrnl knows one of them, and one that was never made.
    let h_device = rig.create_device().expect("started");
    port(|port| port.allocations.insert(1, infos[0].hAllocation.addr()));
    port(|port| port.allocations.insert(2, 0x7777));
    let open = |handles: &[u32]| {
        let mut list: std::vec::Vec<_> = handles
            .iter()
            .map(|handle| DXGK_OPENALLOCATIONINFO {
                hAllocation: *handle,
                ..DXGK_OPENALLOCATIONINFO::default()
            })
            .collect();
        let argument = DXGKARG_OPENALLOCATION {
            NumAllocations: u32::try_from(list.len()).expect("few"),
            pOpenAllocation: list.as_mut_ptr(),
            ..DXGKARG_OPENALLOCATION::default()
        };
        let status = ddi!(rig, DxgkDdiOpenAllocation, h_device, from_ref(&argument));
        (status, list.iter().map(|one| one.hDeviceSpecificAllocation).collect::<std::vec::Vec<_>>())
    };
    assert_eq!(open(&[1, 2]), (STATUS_INVALID_HANDLE, std::vec![null_mut(), null_mut()]));
    assert_eq!(open(&[3]).0, STATUS_INVALID_HANDLE);
    let (status, opened) = open(&[1]);
    assert!(status == STATUS_SUCCESS && !opened[0].is_null());
    let handles = infos.map(|info| info.hAllocation);
    let destroy = DXGKARG_DESTROYALLOCATION {
        NumAllocations: 2,
        pAllocationList: handles.as_ptr(),
        ..DXGKARG_DESTROYALLOCATION::default()
    };
    let entry = || ddi!(rig, DxgkDdiDestroyAllocation, rig.context, from_ref(&destroy));
    assert_eq!(entry(), STATUS_SUCCESS);
    assert_eq!(entry(), STATUS_INVALID_HANDLE);
    assert_eq!(ddi!(rig, DxgkDdiDestroyDevice, h_device), STATUS_SUCCESS);
    assert_eq!(rig.stop(), STATUS_SUCCESS);
    rig.remove();
}
