//! The tables: every entry filled, what is not supported says so, versions and capabilities.

use pvgpu_protocol::telemetry::code;
use pvgpu_umd_ddi::*;

use crate::support::{self, Kernel, Runtime};

/// Whether every entry of a table of pointers is there.
fn is_full<T>(table: &T) -> bool {
    let entries = size_of::<T>() / size_of::<usize>();
    // SAFETY: a table is a struct of nothing but nullable function pointers.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(table).cast::<usize>(), entries) }
        .iter()
        .all(|entry| *entry != 0)
}

#[test]
fn every_entry_of_every_version_is_filled() {
    let runtime: Box<Runtime<D3D11_1DDI_DEVICEFUNCS>> =
        Runtime::new(Kernel::new(1 << 20, 1 << 20), D3D11_1_DDI_INTERFACE_VERSION);
    assert!(is_full(&runtime.table) && is_full(&runtime.dxgi));
    let runtime: Box<Runtime<D3DWDDM1_3DDI_DEVICEFUNCS>> =
        Runtime::new(Kernel::new(1 << 20, 1 << 20), D3DWDDM1_3_DDI_INTERFACE_VERSION);
    assert!(is_full(&runtime.table) && is_full(&runtime.dxgi));
    for interface in [D3D11_0_DDI_INTERFACE_VERSION, D3D11_0_7_DDI_INTERFACE_VERSION] {
        let runtime: Box<Runtime<D3D11DDI_DEVICEFUNCS>> =
            Runtime::new(Kernel::new(1 << 20, 1 << 20), interface);
        assert!(is_full(&runtime.table));
        // The DXGI table of the version, and nothing behind it.
        assert!(
            runtime.dxgi.pfnPresent.is_some()
                && runtime.dxgi.pfnBlt.is_some()
                && runtime.dxgi.pfnBlt1.is_none()
        );
        let is_1_1 = interface == D3D11_0_7_DDI_INTERFACE_VERSION;
        assert_eq!(runtime.dxgi.pfnResolveSharedResource.is_some(), is_1_1);
    }
}

#[test]
fn an_unknown_version_is_refused() {
    let kernel = Kernel::new(1 << 20, 1 << 20);
    let runtime: Box<Runtime<D3D11_1DDI_DEVICEFUNCS>> = Runtime::new(kernel, D3D11_1_DDI_INTERFACE_VERSION);
    let mut create = D3D10DDIARG_CREATEDEVICE {
        Interface: D3DWDDM1_3_DDI_INTERFACE_VERSION + 1,
        hDrvDevice: runtime.device,
        ..Default::default()
    };
    let create_device = runtime.functions.pfnCreateDevice.expect("filled");
    // SAFETY: the version is checked before anything else is read.
    assert_eq!(unsafe { create_device(runtime.adapter, &raw mut create) }, E_NOTIMPL);
}

#[test]
fn what_is_not_supported_says_so() {
    let (runtime, _host) = support::device();
    call!(runtime, pfnAbandonCommandList);
    assert_eq!(runtime.kernel.take_errors(), [E_NOTIMPL]);
    let index = D3DWDDM1_3DDI_DEVICEFUNCS::NAMES.iter().position(|name| *name == "pfnAbandonCommandList");
    let index = index.expect("an entry");
    let (trace, args) = *runtime.kernel.traces.lock().expect("no panic").last().expect("a trace");
    assert_eq!((trace, args[0]), (code::UMD_UNSUPPORTED, index as u64));
}

#[test]
fn a_null_handle_is_an_error_and_not_a_crash() {
    let (runtime, _host) = support::device();
    call!(runtime, pfnGenMips, D3D10DDI_HSHADERRESOURCEVIEW::NULL);
    call!(runtime, pfnDestroyResource, D3D10DDI_HRESOURCE::NULL);
    call!(runtime, pfnCreateBlendState, core::ptr::null(), D3D10DDI_HBLENDSTATE::NULL, Default::default());
    assert_eq!(runtime.kernel.take_errors(), [E_INVALIDARG; 3]);
}

#[test]
fn versions_and_capabilities_are_answered() {
    let (runtime, _host) = support::device();
    let versions = runtime.functions.pfnGetSupportedVersions.expect("filled");
    let mut count = 0;
    // SAFETY: a null list asks for the count.
    assert_eq!(unsafe { versions(runtime.adapter, &raw mut count, core::ptr::null_mut()) }, S_OK);
    let mut list = vec![0; count as usize];
    // SAFETY: the list has that many entries.
    assert_eq!(unsafe { versions(runtime.adapter, &raw mut count, list.as_mut_ptr()) }, S_OK);
    assert!(list.contains(&D3D11_0_DDI_SUPPORTED) && list.contains(&D3D11_1_DDI_SUPPORTED));

    let caps = |kind, size: u32| {
        let mut answer = [u32::MAX; 4];
        let arg = D3D10_2DDIARG_GETCAPS {
            Type: kind,
            pData: answer.as_mut_ptr().cast(),
            DataSize: size,
            ..Default::default()
        };
        let get_caps = runtime.functions.pfnGetCaps.expect("filled");
        // SAFETY: a complete argument.
        (unsafe { get_caps(runtime.adapter, &raw const arg) }, answer)
    };
    assert_eq!(caps(D3D11DDICAPS_THREADING, 4), (S_OK, [0, u32::MAX, u32::MAX, u32::MAX]));
    assert_eq!(caps(D3D11DDICAPS_3DPIPELINESUPPORT, 4).1[0], 0b111);
    assert_eq!(caps(D3D11_1DDICAPS_D3D11_OPTIONS, 8).0, S_OK);
    assert_eq!(caps(D3D11_1DDICAPS_D3D11_OPTIONS, 4).0, E_INVALIDARG);
    assert_eq!(caps(0xffff, 4).0, E_NOTIMPL);

    let mut support = 0;
    call!(runtime, pfnCheckFormatSupport, DXGI_FORMAT_R8G8B8A8_UNORM, &raw mut support);
    assert_ne!(support & D3D10_DDI_FORMAT_SUPPORT_RENDERTARGET, 0);
    let mut levels = 7;
    call!(runtime, pfnCheckMultisampleQualityLevels, DXGI_FORMAT_R8G8B8A8_UNORM, 4, &raw mut levels);
    assert_eq!(levels, 1);
}

#[test]
fn the_context_ends_with_the_device() {
    let (runtime, _host) = support::device();
    let kernel = runtime.kernel;
    assert_eq!(kernel.contexts.load(std::sync::atomic::Ordering::Relaxed), 1);
    call!(runtime, pfnDestroyDevice);
    assert_eq!(kernel.contexts.load(std::sync::atomic::Ordering::Relaxed), 0);
    let traces: Vec<u16> = kernel.traces.lock().expect("no panic").iter().map(|(code, _)| *code).collect();
    assert_eq!(traces, [code::UMD_DEVICE_CREATED, code::UMD_DEVICE_DESTROYED]);
}
