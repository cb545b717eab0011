//! Children of the adapter: what a monitor plugs into.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

enumeration! {
    /// What a child is.
    DXGK_CHILD_DEVICE_TYPE: u32 { TypeUninitialized = 0, TypeVideoOutput = 1, TypeOther = 2, TypeIntegratedDisplay = 3, }
}

/// A video output.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_VIDEO_OUTPUT_CAPABILITIES {
    pub InterfaceTechnology: D3DKMDT_VIDEO_OUTPUT_TECHNOLOGY,
    pub MonitorOrientationAwareness: D3DKMDT_MONITOR_ORIENTATION_AWARENESS,
    pub SupportsSdtvModes: BOOLEAN,
    pub Padding0: [u8; 3],
}

/// `DXGK_CHILD_CAPABILITIES::Type`: a union, of which a video output is the largest member.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_CHILD_CAPABILITIES_Type {
    /// Valid for `TypeVideoOutput`.
    pub VideoOutput: DXGK_VIDEO_OUTPUT_CAPABILITIES,
}

/// What a child can do.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_CHILD_CAPABILITIES {
    pub Type: DXGK_CHILD_CAPABILITIES_Type,
    pub HpdAwareness: DXGK_CHILD_DEVICE_HPD_AWARENESS,
}

/// A child.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_CHILD_DESCRIPTOR {
    pub ChildDeviceType: DXGK_CHILD_DEVICE_TYPE,
    pub ChildCapabilities: DXGK_CHILD_CAPABILITIES,
    /// 0 where ACPI knows nothing of it.
    pub AcpiUid: u32,
    /// The driver's number for it; of a video output, the target's id.
    pub ChildUid: u32,
}

enumeration! {
    /// What of a child's state is meant.
    DXGK_CHILD_STATUS_TYPE: u32 {
        StatusUninitialized = 0, StatusConnection = 1, StatusRotation = 2, StatusMiracastConnection = 3,
    }
}

/// A child's state; the union is one byte (`HotPlug.Connected`, `Rotation.Angle`) except for Miracast.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_CHILD_STATUS {
    pub Type: DXGK_CHILD_STATUS_TYPE,
    pub ChildUid: u32,
    /// `HotPlug.Connected`, or `Rotation.Angle` for `StatusRotation`.
    pub Connected: BOOLEAN,
    pub Padding0: [u8; 3],
    /// `Miracast.MiracastMonitorType`.
    pub MiracastMonitorType: D3DKMDT_VIDEO_OUTPUT_TECHNOLOGY,
}

impl DXGK_CHILD_STATUS {
    /// Whether a child is connected.
    #[must_use]
    pub const fn connection(child_uid: u32, connected: bool) -> Self {
        // CAST: false is 0, true is 1.
        let Connected = connected as BOOLEAN;
        Self {
            Type: StatusConnection,
            ChildUid: child_uid,
            Connected,
            Padding0: [0; 3],
            MiracastMonitorType: 0,
        }
    }
}

/// A part of a child's descriptor, an EDID.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_DEVICE_DESCRIPTOR {
    /// Bytes into the descriptor.
    pub DescriptorOffset: u32,
    /// Bytes.
    pub DescriptorLength: u32,
    pub DescriptorBuffer: *mut c_void,
}

/// `DXGK_CHILD_CONTAINER_ID::EldInfo`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_CHILD_CONTAINER_ID_EldInfo {
    pub PortId: u64,
    pub ManufacturerName: u16,
    pub ProductCode: u16,
}

/// The container that a child is part of.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_CHILD_CONTAINER_ID {
    pub ContainerId: GUID,
    pub EldInfo: DXGK_CHILD_CONTAINER_ID_EldInfo,
}
