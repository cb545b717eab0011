//! Null pointers, which DXGI refuses and does not write through.

#![expect(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test of a COM library is unsafe calls from end to end"
)]

use std::ptr::{null, null_mut};

use windows::Win32::Foundation::{E_INVALIDARG, E_NOINTERFACE, HANDLE, HWND, S_OK};
use windows::Win32::Graphics::Dxgi::*;
use windows_core::Interface;

use crate::device::Device;
use crate::rules::{Window, code, create, desc, factory};

pub fn null_pointers_are_refused() {
    let (window, device) = (Window::open(20, 20), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    let (this, table) = (chain.as_raw(), Interface::vtable(&chain));
    let (one, zero) = (&table.base__.base__, &table.base__.base__.base__);
    unsafe {
        assert_eq!((zero.GetDesc)(this, null_mut()), E_INVALIDARG);
        assert_eq!((zero.GetContainingOutput)(this, null_mut()), DXGI_ERROR_INVALID_CALL);
        assert_eq!((zero.GetLastPresentCount)(this, null_mut()), E_INVALIDARG);
        assert_eq!((zero.GetFullscreenState)(this, null_mut(), null_mut()), S_OK);
        assert_eq!((zero.ResizeTarget)(this, null()), DXGI_ERROR_INVALID_CALL);
        assert_eq!((one.GetDesc1)(this, null_mut()), E_INVALIDARG);
        assert_eq!((one.GetFullscreenDesc)(this, null_mut()), E_INVALIDARG);
        assert_eq!((one.GetHwnd)(this, null_mut()), DXGI_ERROR_INVALID_CALL);
        assert_eq!((one.GetRotation)(this, null_mut()), DXGI_ERROR_INVALID_CALL);
        let mut output = null_mut();
        assert_eq!((one.GetRestrictToOutput)(this, &mut output), S_OK);
        assert!(output.is_null(), "not restricted to any output");
        assert_eq!((table.CheckColorSpaceSupport)(this, Default::default(), null_mut()), E_INVALIDARG);
    }
    let output: IDXGIOutput6 = unsafe { chain.GetContainingOutput() }.unwrap().cast().unwrap();
    let (this, table) = (output.as_raw(), Interface::vtable(&output));
    let zero = &table.base__.base__.base__.base__.base__.base__;
    unsafe {
        assert_eq!((zero.GetDesc)(this, null_mut()), E_INVALIDARG);
        assert_eq!((table.GetDesc1)(this, null_mut()), E_INVALIDARG);
        assert_eq!(
            (zero.GetDisplayModeList)(this, Default::default(), Default::default(), null_mut(), null_mut()),
            DXGI_ERROR_INVALID_CALL
        );
        assert_eq!((zero.TakeOwnership)(this, null_mut(), true.into()), DXGI_ERROR_INVALID_CALL);
        let stranger = factory();
        assert_eq!(code(output.DuplicateOutput(&stranger)), DXGI_ERROR_UNSUPPORTED);
    }
    let maker: IDXGIFactory7 = factory().cast().unwrap();
    let (this, table) = (maker.as_raw(), Interface::vtable(&maker));
    let two = &table.base__.base__.base__.base__.base__;
    let zero = &two.base__.base__;
    unsafe {
        assert_eq!((zero.EnumAdapters)(this, 0, null_mut()), DXGI_ERROR_INVALID_CALL);
        assert_eq!((zero.GetWindowAssociation)(this, null_mut()), DXGI_ERROR_INVALID_CALL);
        assert_eq!(
            (two.RegisterOcclusionStatusEvent)(this, HANDLE::default(), null_mut()),
            DXGI_ERROR_INVALID_CALL
        );
        assert_eq!(code(maker.RegisterOcclusionStatusWindow(HWND::default(), 0)), DXGI_ERROR_INVALID_CALL);
    }
    let first: IDXGIFactory = unsafe { CreateDXGIFactory() }.unwrap();
    assert_eq!(
        code(first.cast::<IDXGIFactory1>()),
        E_NOINTERFACE,
        "as Windows, by which programs tell versions"
    );
    assert!(first.cast::<IDXGIFactory2>().is_ok());
    let wrong = unsafe { CreateDXGIFactory2::<IDXGIFactory2>(DXGI_CREATE_FACTORY_FLAGS(2)) };
    assert_eq!(code(wrong), DXGI_ERROR_INVALID_CALL);
}
