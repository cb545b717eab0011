//! The adapter's one child, a video output, and the monitor at it.
#![expect(unsafe_code, reason = "entry points of the DDI")]

use core::ffi::c_void;

use pvgpu_kmd::display::{TARGET_ID, TARGETS};
use pvgpu_kmd_ddi::{
    BOOLEAN, D3DKMDT_MOA_NONE, D3DKMDT_VOT_OTHER, DXGK_CHILD_CAPABILITIES, DXGK_CHILD_CAPABILITIES_Type,
    DXGK_CHILD_DESCRIPTOR, DXGK_CHILD_STATUS, DXGK_DEVICE_DESCRIPTOR, DXGK_VIDEO_OUTPUT_CAPABILITIES,
    HpdAwarenessInterruptible, NTSTATUS, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER,
    STATUS_MONITOR_NO_DESCRIPTOR, STATUS_MONITOR_NO_MORE_DESCRIPTOR_DATA, STATUS_SUCCESS, StatusConnection,
    TypeVideoOutput,
};

use crate::convert::{bytes_mut, error};
use crate::device::Device;
use crate::nt::Nt;

/// The child. It tells by itself when its monitor comes or goes.
const CHILD: DXGK_CHILD_DESCRIPTOR = DXGK_CHILD_DESCRIPTOR {
    ChildDeviceType: TypeVideoOutput,
    ChildCapabilities: DXGK_CHILD_CAPABILITIES {
        Type: DXGK_CHILD_CAPABILITIES_Type {
            VideoOutput: DXGK_VIDEO_OUTPUT_CAPABILITIES {
                InterfaceTechnology: D3DKMDT_VOT_OTHER,
                MonitorOrientationAwareness: D3DKMDT_MOA_NONE,
                SupportsSdtvModes: 0,
                Padding0: [0; 3],
            },
        },
        HpdAwareness: HpdAwarenessInterruptible,
    },
    AcpiUid: 0,
    ChildUid: TARGET_ID,
};

/// `DxgkDdiQueryChildRelations`: the array has one more element than there are children, and the last stays zero.
/// `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_child_relations(
    miniport_device_context: *mut c_void,
    child_relations: *mut DXGK_CHILD_DESCRIPTOR,
    child_relations_size: u32,
) -> NTSTATUS {
    if miniport_device_context.is_null() || child_relations.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    // CAST: some bytes.
    let least = (TARGETS + 1) * size_of::<DXGK_CHILD_DESCRIPTOR>() as u32;
    if child_relations_size < least {
        return STATUS_BUFFER_TOO_SMALL;
    }
    // SAFETY: dxgkrnl's array has room for two.
    unsafe { child_relations.write(CHILD) };
    STATUS_SUCCESS
}

/// `DxgkDdiQueryChildStatus`: only the connection can be asked for, since the output knows nothing of orientation.
/// `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_child_status<N: Nt>(
    miniport_device_context: *mut c_void,
    child_status: *mut DXGK_CHILD_STATUS,
    _non_destructive_only: BOOLEAN,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    // SAFETY: dxgkrnl's block is the call's alone.
    let status = unsafe { child_status.as_mut() };
    let Some((device, status)) = device.zip(status) else { return STATUS_INVALID_PARAMETER };
    if status.Type != StatusConnection {
        return STATUS_INVALID_PARAMETER;
    }
    match device.adapter().query_child_status(status.ChildUid) {
        Ok(connected) => {
            status.Connected = BOOLEAN::from(connected);
            STATUS_SUCCESS
        }
        Err(status) => error(status),
    }
}

/// `DxgkDdiQueryDeviceDescriptor`: a part of the monitor's EDID; what the buffer has beyond the EDID's end is zeroed.
/// `PASSIVE_LEVEL`.
///
/// # Safety
/// dxgkrnl calls it as the DDI says.
pub(crate) unsafe extern "win64" fn dxgk_ddi_query_device_descriptor<N: Nt>(
    miniport_device_context: *mut c_void,
    child_uid: u32,
    device_descriptor: *mut DXGK_DEVICE_DESCRIPTOR,
) -> NTSTATUS {
    // SAFETY: dxgkrnl gives back what AddDevice made.
    let device = unsafe { Device::<N>::from_context(miniport_device_context) };
    // SAFETY: dxgkrnl's block, which nobody writes meanwhile.
    let descriptor = unsafe { device_descriptor.as_ref() };
    let Some((device, descriptor)) = device.zip(descriptor) else { return STATUS_INVALID_PARAMETER };
    let edid = match device.adapter().monitor_descriptor(child_uid) {
        Ok(Some(edid)) => edid,
        Ok(None) => return STATUS_MONITOR_NO_DESCRIPTOR,
        Err(status) => return error(status),
    };
    // SAFETY: dxgkrnl's buffer of that length is the call's alone.
    let buffer = unsafe { bytes_mut(descriptor.DescriptorBuffer, descriptor.DescriptorLength) };
    let Some(buffer) = buffer else { return STATUS_INVALID_PARAMETER };
    match edid.read(descriptor.DescriptorOffset as usize, buffer) {
        Some(read) => {
            buffer.iter_mut().skip(read).for_each(|byte| *byte = 0);
            STATUS_SUCCESS
        }
        None => STATUS_MONITOR_NO_MORE_DESCRIPTOR_DATA,
    }
}
