//! The display entries: children, VidPNs, sources, pointer, and the screens that are the system's.
//!
//! ```text
//!   child_entries, vidpn_entries, source_entries, system_entries   one function for each entry of the DDI
//!   network      what the VidPN entries decide        signal   modes as mode sets state them
//!   vidpn, modes, monitor                             dxgkrnl's objects, which give themselves back
//! ```

mod child_entries;
mod modes;
mod monitor;
mod network;
mod signal;
mod source_entries;
mod system_entries;
mod vidpn;
mod vidpn_entries;

#[cfg(test)]
#[path = "display_tests.rs"]
pub(crate) mod display_tests;

pub(crate) use child_entries::{
    dxgk_ddi_query_child_relations, dxgk_ddi_query_child_status, dxgk_ddi_query_device_descriptor,
};
pub(crate) use source_entries::{
    control_vsync, dxgk_ddi_get_scan_line, dxgk_ddi_set_palette, dxgk_ddi_set_pointer_position,
    dxgk_ddi_set_pointer_shape, dxgk_ddi_set_vid_pn_source_address, dxgk_ddi_set_vid_pn_source_visibility,
};
pub(crate) use system_entries::{
    acquire_post_display_ownership, dxgk_ddi_stop_device_and_release_post_display_ownership,
    dxgk_ddi_system_display_enable, dxgk_ddi_system_display_write,
};
pub(crate) use vidpn_entries::{
    dxgk_ddi_commit_vid_pn, dxgk_ddi_enum_vid_pn_cofunc_modality, dxgk_ddi_is_supported_vid_pn,
    dxgk_ddi_query_vid_pn_hw_capability, dxgk_ddi_recommend_functional_vid_pn,
    dxgk_ddi_recommend_monitor_modes, dxgk_ddi_recommend_vid_pn_topology,
    dxgk_ddi_update_active_vid_pn_present_path,
};
