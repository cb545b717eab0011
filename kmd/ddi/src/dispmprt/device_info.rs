//! What dxgkrnl tells a device when it starts, and smaller arguments of the entries.

use core::ffi::c_void;

use bytemuck::{Pod, Zeroable};

use crate::*;

/// What the system knows when a device starts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct DXGK_START_INFO {
    pub RequiredDmaQueueEntry: u32,
    pub AdapterGuid: GUID,
    pub AdapterLuid: LUID,
}

enumeration! {
    /// Whether a machine is docked.
    DOCKING_STATE: u32 {
        DockStateUnsupported = 0, DockStateUnDocked = 1, DockStateDocked = 2, DockStateUnknown = 3,
    }
}

/// A device's resources and where its settings are.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct DXGK_DEVICE_INFO {
    pub MiniportDeviceContext: *mut c_void,
    pub PhysicalDeviceObject: *mut DEVICE_OBJECT,
    pub DeviceRegistryPath: UNICODE_STRING,
    pub TranslatedResourceList: *mut CM_RESOURCE_LIST,
    /// Bytes.
    pub SystemMemorySize: LARGE_INTEGER,
    pub HighestPhysicalAddress: PHYSICAL_ADDRESS,
    pub AgpApertureBase: PHYSICAL_ADDRESS,
    /// Bytes.
    pub AgpApertureSize: usize,
    pub DockingState: DOCKING_STATE,
}

enumeration! {
    /// What an ACPI event is.
    DXGK_EVENT_TYPE: u32 {
        DxgkUndefinedEvent = 0,
        DxgkAcpiEvent = 1,
        DxgkPowerStateEvent = 2,
        DxgkDockingEvent = 3,
        DxgkChainedAcpiEvent = 4,
    }
}

enumeration! {
    /// How a device went.
    DXGK_SURPRISE_REMOVAL_TYPE: u32 { DxgkRemovalHibernation = 0, DxgkRemovalPnPNotify = 1, }
}

enumeration! {
    /// Services that dxgkrnl offers.
    DXGK_SERVICES: u32 {
        DxgkServicesAgp = 0,
        DxgkServicesDebugReport = 1,
        DxgkServicesTimedOperation = 2,
        DxgkServicesSPB = 3,
        DxgkServicesBDD = 4,
        DxgkServicesFirmwareTable = 5,
    }
}

/// `DxgkDdiSetPowerState::DeviceUid` of the adapter itself.
pub const DISPLAY_ADAPTER_HW_ID: u32 = 0xffff_ffff;

flags! {
    /// Nothing yet.
    DXGKARG_SYSTEM_DISPLAY_ENABLE_FLAGS { Reserved = 0..32, }
}

/// Several adapters that work as one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct LINKED_DEVICE {
    pub ChainUid: u32,
    pub NumberOfLinksInChain: u32,
    pub LeadLink: BOOLEAN,
}
