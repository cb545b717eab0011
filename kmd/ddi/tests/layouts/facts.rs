//! Sizes that public headers assert or that public documents state for x64, entered by hand.

use crate::layout;

/// Name, bytes on x64, who says so.
const STATED: &[(&str, usize, &str)] = &[
    // Assertions in ReactOS' d3dkmddi.h (MIT).
    ("DXGK_SEGMENTPREFERENCE", 0x4, "ReactOS C_ASSERT"),
    ("DXGK_SEGMENTBANKPREFERENCE", 0x4, "ReactOS C_ASSERT"),
    ("DXGK_ALLOCATIONINFOFLAGS", 0x4, "ReactOS C_ASSERT"),
    ("DXGK_ALLOCATIONUSAGEINFO1", 0x24, "ReactOS C_ASSERT"),
    ("DXGK_ALLOCATIONUSAGEHINT", 0x28, "ReactOS C_ASSERT"),
    ("DXGK_ALLOCATIONINFO", 0x58, "ReactOS C_ASSERT"),
    // The names in the docs of the reserved blocks: 16 and 64 words.
    ("DXGKARGCB_NOTIFY_INTERRUPT_DATA_u", 16 * 4, "docs: UINT Reserved[16]"),
    ("DXGKARG_BUILDPAGINGBUFFER_u", 64 * 4, "docs: UINT Reserved[64]"),
    // wdm.h packs resource lists to four bytes.
    ("CM_PARTIAL_RESOURCE_DESCRIPTOR", 20, "mingw ddk/wdm.h, pshpack4"),
    ("CM_RESOURCE_LIST", 40, "mingw ddk/wdm.h, pshpack4"),
];

#[test]
fn stated_sizes_are_ours() {
    for (name, size, source) in STATED {
        assert_eq!(layout(name).size, *size, "{name}: {source}");
    }
}

/// The number of entries by interface version: 8 bytes of version and padding, then pointers.
#[test]
fn the_entry_table_grows_as_the_docs_count_it() {
    use pvgpu_kmd_ddi::*;
    let entries = |version| (DRIVER_INITIALIZATION_DATA::size_for(version) - 8) / 8;
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_VISTA), 61);
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WIN7), 70);
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WIN8), 82);
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WDDM1_3), 88);
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WDDM2_0), 103);
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WDDM2_1), 109);
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WDDM2_2), 128);
    // A version between two has what the earlier one has.
    assert_eq!(entries(DXGKDDI_INTERFACE_VERSION_WDDM1_3_PATH_INDEPENDENT_ROTATION), 88);
}
