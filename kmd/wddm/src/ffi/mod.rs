//! The entry points: `extern "win64"` functions that turn the DDI's arguments into the core's calls, and the table of them.
//!
//! Pointers are of three kinds. What dxgkrnl owns (argument blocks, lists, buffers, captured private data) is its promise and
//! is used as the DDI says. What user mode owns (`DXGKARG_RENDER::pCommand`) is copied by [`crate::Nt::copy_from_user`]. What
//! the driver gave out as a handle comes back as it was given ([`crate::handles`]).

mod absent;
mod adapter;
mod allocation;
mod device;
pub(crate) mod display;
mod info;
mod interrupt;
mod paging;
mod render;
mod start;
mod submit;
mod timeout;

use pvgpu_kmd_ddi::{DRIVER_INITIALIZATION_DATA, DXGKDDI_INTERFACE_VERSION_WDDM1_3};

use crate::nt::Nt;

/// The table that `DxgkInitialize` gets: the driver over the services `N`.
///
/// Every entry that a driver of WDDM 1.3 with our capabilities can be called through is there. Empty are those of multi-plane
/// overlays and of history buffers, and those that the DDI reserves; behind WDDM 1.3's end
/// stands `SetStablePowerState`, which later systems look for.
#[must_use]
pub fn initialization_data<N: Nt>() -> DRIVER_INITIALIZATION_DATA {
    DRIVER_INITIALIZATION_DATA {
        Version: DXGKDDI_INTERFACE_VERSION_WDDM1_3,
        DxgkDdiAddDevice: Some(adapter::dxgk_ddi_add_device::<N>),
        DxgkDdiStartDevice: Some(adapter::dxgk_ddi_start_device::<N>),
        DxgkDdiStopDevice: Some(adapter::dxgk_ddi_stop_device::<N>),
        DxgkDdiRemoveDevice: Some(adapter::dxgk_ddi_remove_device::<N>),
        DxgkDdiDispatchIoRequest: Some(adapter::dxgk_ddi_dispatch_io_request),
        DxgkDdiInterruptRoutine: Some(interrupt::dxgk_ddi_interrupt_routine::<N>),
        DxgkDdiDpcRoutine: Some(interrupt::dxgk_ddi_dpc_routine::<N>),
        DxgkDdiQueryChildRelations: Some(display::dxgk_ddi_query_child_relations),
        DxgkDdiQueryChildStatus: Some(display::dxgk_ddi_query_child_status::<N>),
        DxgkDdiQueryDeviceDescriptor: Some(display::dxgk_ddi_query_device_descriptor::<N>),
        DxgkDdiSetPowerState: Some(adapter::dxgk_ddi_set_power_state::<N>),
        DxgkDdiNotifyAcpiEvent: Some(adapter::dxgk_ddi_notify_acpi_event),
        DxgkDdiResetDevice: Some(adapter::dxgk_ddi_reset_device),
        DxgkDdiUnload: Some(adapter::dxgk_ddi_unload),
        DxgkDdiQueryInterface: Some(adapter::dxgk_ddi_query_interface),
        DxgkDdiControlEtwLogging: Some(adapter::dxgk_ddi_control_etw_logging),
        DxgkDdiQueryAdapterInfo: Some(info::dxgk_ddi_query_adapter_info::<N>),
        DxgkDdiCreateDevice: Some(device::dxgk_ddi_create_device::<N>),
        DxgkDdiCreateAllocation: Some(allocation::dxgk_ddi_create_allocation::<N>),
        DxgkDdiDestroyAllocation: Some(allocation::dxgk_ddi_destroy_allocation::<N>),
        DxgkDdiDescribeAllocation: Some(allocation::dxgk_ddi_describe_allocation::<N>),
        DxgkDdiGetStandardAllocationDriverData: Some(
            allocation::dxgk_ddi_get_standard_allocation_driver_data::<N>,
        ),
        DxgkDdiAcquireSwizzlingRange: Some(absent::not_there),
        DxgkDdiReleaseSwizzlingRange: Some(absent::not_there_const),
        DxgkDdiPatch: Some(render::dxgk_ddi_patch::<N>),
        DxgkDdiSubmitCommand: Some(submit::dxgk_ddi_submit_command::<N>),
        DxgkDdiPreemptCommand: Some(submit::dxgk_ddi_preempt_command::<N>),
        DxgkDdiBuildPagingBuffer: Some(paging::dxgk_ddi_build_paging_buffer::<N>),
        DxgkDdiSetPalette: Some(display::dxgk_ddi_set_palette),
        DxgkDdiSetPointerPosition: Some(display::dxgk_ddi_set_pointer_position::<N>),
        DxgkDdiSetPointerShape: Some(display::dxgk_ddi_set_pointer_shape::<N>),
        DxgkDdiResetFromTimeout: Some(timeout::dxgk_ddi_reset_from_timeout::<N>),
        DxgkDdiRestartFromTimeout: Some(timeout::dxgk_ddi_restart_from_timeout::<N>),
        DxgkDdiEscape: Some(device::dxgk_ddi_escape::<N>),
        DxgkDdiCollectDbgInfo: Some(timeout::dxgk_ddi_collect_dbg_info::<N>),
        DxgkDdiQueryCurrentFence: Some(submit::dxgk_ddi_query_current_fence::<N>),
        DxgkDdiIsSupportedVidPn: Some(display::dxgk_ddi_is_supported_vid_pn::<N>),
        DxgkDdiRecommendFunctionalVidPn: Some(display::dxgk_ddi_recommend_functional_vid_pn::<N>),
        DxgkDdiEnumVidPnCofuncModality: Some(display::dxgk_ddi_enum_vid_pn_cofunc_modality::<N>),
        DxgkDdiSetVidPnSourceAddress: Some(display::dxgk_ddi_set_vid_pn_source_address::<N>),
        DxgkDdiSetVidPnSourceVisibility: Some(display::dxgk_ddi_set_vid_pn_source_visibility::<N>),
        DxgkDdiCommitVidPn: Some(display::dxgk_ddi_commit_vid_pn::<N>),
        DxgkDdiUpdateActiveVidPnPresentPath: Some(display::dxgk_ddi_update_active_vid_pn_present_path::<N>),
        DxgkDdiRecommendMonitorModes: Some(display::dxgk_ddi_recommend_monitor_modes::<N>),
        DxgkDdiRecommendVidPnTopology: Some(display::dxgk_ddi_recommend_vid_pn_topology::<N>),
        DxgkDdiGetScanLine: Some(display::dxgk_ddi_get_scan_line::<N>),
        DxgkDdiStopCapture: Some(absent::not_there_const),
        DxgkDdiControlInterrupt: Some(interrupt::dxgk_ddi_control_interrupt::<N>),
        DxgkDdiCreateOverlay: Some(absent::not_there),
        DxgkDdiDestroyDevice: Some(device::dxgk_ddi_destroy_device::<N>),
        DxgkDdiOpenAllocation: Some(allocation::dxgk_ddi_open_allocation::<N>),
        DxgkDdiCloseAllocation: Some(allocation::dxgk_ddi_close_allocation::<N>),
        DxgkDdiRender: Some(render::dxgk_ddi_render::<N>),
        DxgkDdiPresent: Some(render::dxgk_ddi_present::<N>),
        DxgkDdiUpdateOverlay: Some(absent::not_there_const),
        DxgkDdiFlipOverlay: Some(absent::not_there_const),
        DxgkDdiDestroyOverlay: Some(absent::destroy_overlay),
        DxgkDdiCreateContext: Some(device::dxgk_ddi_create_context::<N>),
        DxgkDdiDestroyContext: Some(device::dxgk_ddi_destroy_context::<N>),
        DxgkDdiLinkDevice: Some(absent::link_device),
        DxgkDdiSetDisplayPrivateDriverFormat: Some(absent::set_display_private_driver_format),
        DxgkDdiRenderKm: Some(render::dxgk_ddi_render_km),
        DxgkDdiQueryVidPnHWCapability: Some(display::dxgk_ddi_query_vid_pn_hw_capability::<N>),
        DxgkDdiSetPowerComponentFState: Some(info::dxgk_ddi_set_power_component_state),
        DxgkDdiQueryDependentEngineGroup: Some(timeout::dxgk_ddi_query_dependent_engine_group),
        DxgkDdiQueryEngineStatus: Some(timeout::dxgk_ddi_query_engine_status::<N>),
        DxgkDdiResetEngine: Some(timeout::dxgk_ddi_reset_engine::<N>),
        DxgkDdiStopDeviceAndReleasePostDisplayOwnership: Some(
            display::dxgk_ddi_stop_device_and_release_post_display_ownership,
        ),
        DxgkDdiSystemDisplayEnable: Some(display::dxgk_ddi_system_display_enable::<N>),
        DxgkDdiSystemDisplayWrite: Some(display::dxgk_ddi_system_display_write::<N>),
        DxgkDdiCancelCommand: Some(submit::dxgk_ddi_cancel_command::<N>),
        DxgkDdiPowerRuntimeControlRequest: Some(info::dxgk_ddi_power_runtime_control_request),
        DxgkDdiNotifySurpriseRemoval: Some(adapter::dxgk_ddi_notify_surprise_removal::<N>),
        DxgkDdiGetNodeMetadata: Some(info::dxgk_ddi_get_node_metadata),
        DxgkDdiControlInterrupt2: Some(interrupt::dxgk_ddi_control_interrupt2::<N>),
        DxgkDdiCalibrateGpuClock: Some(info::dxgk_ddi_calibrate_gpu_clock::<N>),
        DxgkDdiSetStablePowerState: Some(info::dxgk_ddi_set_stable_power_state),
        ..DRIVER_INITIALIZATION_DATA::default()
    }
}
