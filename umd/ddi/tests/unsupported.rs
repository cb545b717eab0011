//! The default tables: no null entry, each entry reports its own name and answers "no" in its own type.
#![expect(unsafe_code, reason = "the entries of a table are unsafe function pointers")]

use std::cell::RefCell;

use pvgpu_umd_ddi::*;

thread_local! {
    static CALLED: RefCell<Vec<(D3D10DDI_HDEVICE, &'static str)>> = const { RefCell::new(Vec::new()) };
}

struct Record;

impl OnUnsupported for Record {
    fn unsupported(device: D3D10DDI_HDEVICE, entry: &'static str) {
        CALLED.with_borrow_mut(|called| called.push((device, entry)));
    }
}

const DEVICE: D3D10DDI_HDEVICE = D3D10DDI_HDEVICE(std::ptr::without_provenance_mut(0x1000));

/// What the entries called since the last time reported.
fn called() -> Vec<&'static str> {
    CALLED.with_borrow_mut(|called| {
        assert!(called.iter().all(|(device, _)| *device == DEVICE));
        called.drain(..).map(|(_, entry)| entry).collect()
    })
}

macro_rules! assert_full {
    ($name:ident; $($member:ident: $type:ty,)*) => {
        let table = $name::unsupported::<Record>();
        $(assert!(table.$member.is_some(), stringify!($member));)*
        let empty = $name::default();
        $(assert!(empty.$member.is_none(), stringify!($member));)*
    };
}

#[test]
fn no_entry_is_null() {
    for_each_d3d11ddi_device_func!(assert_full);
    for_each_d3d11_1ddi_device_func!(assert_full);
    for_each_d3dwddm1_3ddi_device_func!(assert_full);
}

#[test]
fn names_follow_the_members() {
    assert_eq!(D3D11DDI_DEVICEFUNCS::NAMES.len(), 150);
    assert_eq!(D3D11_1DDI_DEVICEFUNCS::NAMES.len(), 155);
    assert_eq!(D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.len(), 164);
    assert_eq!(D3D11DDI_DEVICEFUNCS::NAMES.first(), Some(&"pfnDefaultConstantBufferUpdateSubresourceUP"));
    assert_eq!(D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.last(), Some(&"pfnSetMarkerMode"));
    // Each later table begins with the names of the one before.
    assert!(D3D11_1DDI_DEVICEFUNCS::NAMES.starts_with(D3D11DDI_DEVICEFUNCS::NAMES));
    assert!(D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.starts_with(D3D11_1DDI_DEVICEFUNCS::NAMES));
}

#[test]
fn an_entry_reports_its_name() {
    let table = D3DWDDM1_3DDI_DEVICEFUNCS::unsupported::<Record>();
    let draw = table.pfnDraw.unwrap();
    let targets = table.pfnSetRenderTargets.unwrap();
    // SAFETY: The stub only hands its first argument to `Record`.
    unsafe { draw(DEVICE, 3, 0) };
    let (views, depth) = (std::ptr::null(), D3D10DDI_HDEPTHSTENCILVIEW::NULL);
    // SAFETY: As above.
    unsafe { targets(DEVICE, views, 0, 8, depth, std::ptr::null(), std::ptr::null(), 0, 0, 0, 0) };
    assert_eq!(called(), ["pfnDraw", "pfnSetRenderTargets"]);
}

#[test]
fn two_members_of_one_type_report_different_names() {
    let table = D3D11DDI_DEVICEFUNCS::unsupported::<Record>();
    for set in [table.pfnVsSetShader, table.pfnPsSetShader, table.pfnCsSetShader] {
        // SAFETY: The stub only hands its first argument to `Record`.
        unsafe { set.unwrap()(DEVICE, D3D10DDI_HSHADER::NULL) };
    }
    assert_eq!(called(), ["pfnVsSetShader", "pfnPsSetShader", "pfnCsSetShader"]);
}

#[test]
fn answers_say_no() {
    let table = D3DWDDM1_3DDI_DEVICEFUNCS::unsupported::<Record>();
    let size = table.pfnCalcPrivateResourceSize.unwrap();
    let flush = table.pfnFlush.unwrap();
    let busy = table.pfnResourceIsStagingBusy.unwrap();
    let marker = table.pfnSetMarker.unwrap();
    let recycle = table.pfnRecycleCreateDeferredContext.unwrap();
    // SAFETY: The stubs only hand their first argument to `Record`.
    assert_eq!(unsafe { size(DEVICE, std::ptr::null()) }, 0);
    // SAFETY: As above.
    assert_eq!(unsafe { flush(DEVICE, 0) }, FALSE);
    // SAFETY: As above.
    assert_eq!(unsafe { busy(DEVICE, D3D10DDI_HRESOURCE::NULL) }, FALSE);
    // SAFETY: As above.
    assert_eq!(unsafe { marker(DEVICE) }, E_NOTIMPL);
    // SAFETY: As above.
    assert_eq!(unsafe { recycle(DEVICE, std::ptr::null()) }, E_NOTIMPL);
    assert_eq!(called().len(), 5);
}
