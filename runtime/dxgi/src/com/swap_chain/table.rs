//! How a swap chain's methods treat null pointers.

use std::ffi::c_void;

use windows::Win32::Foundation::{E_INVALIDARG, HWND, S_OK};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_COLOR_SPACE_TYPE, DXGI_MODE_ROTATION};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_INVALID_CALL, DXGI_ERROR_NOT_FOUND, DXGI_RGBA, DXGI_SWAP_CHAIN_DESC, DXGI_SWAP_CHAIN_DESC1,
    DXGI_SWAP_CHAIN_FULLSCREEN_DESC, IDXGISwapChain_Vtbl, IDXGISwapChain1_Vtbl, IDXGISwapChain2_Vtbl,
    IDXGISwapChain3_Vtbl, IDXGISwapChain4_Vtbl,
};
use windows_core::HRESULT;

use super::SwapChain_Impl;
use crate::com::vtable::refusing_null;

/// A swap chain that is restricted to no output succeeds without one.
unsafe extern "system" fn get_restrict_to_output(this: *mut c_void, output: *mut *mut c_void) -> HRESULT {
    const ORIGINAL: IDXGISwapChain1_Vtbl = IDXGISwapChain1_Vtbl::new::<SwapChain_Impl, -1>();
    if output.is_null() {
        return DXGI_ERROR_INVALID_CALL;
    }
    // SAFETY: DXGI's contract: not null means valid for writing.
    unsafe { output.write(std::ptr::null_mut()) };
    // SAFETY: these are the arguments of an entry of this object's vtable.
    let result = unsafe { (ORIGINAL.GetRestrictToOutput)(this, output) };
    if result == DXGI_ERROR_NOT_FOUND { S_OK } else { result }
}

/// The vtable of swap chains.
pub static SWAP_CHAIN: IDXGISwapChain4_Vtbl = {
    let mut table = IDXGISwapChain4_Vtbl::new::<SwapChain_Impl, -1>();
    {
        let first = &mut table.base__.base__.base__.base__;
        first.GetDesc = refusing_null!(
            IDXGISwapChain_Vtbl::<SwapChain_Impl>::GetDesc(=> DXGI_SWAP_CHAIN_DESC), E_INVALIDARG);
        first.GetContainingOutput = refusing_null!(
            IDXGISwapChain_Vtbl::<SwapChain_Impl>::GetContainingOutput(=> *mut c_void), DXGI_ERROR_INVALID_CALL);
        first.GetLastPresentCount = refusing_null!(
            IDXGISwapChain_Vtbl::<SwapChain_Impl>::GetLastPresentCount(=> u32), E_INVALIDARG);
    }
    {
        let second = &mut table.base__.base__.base__;
        second.GetDesc1 = refusing_null!(
            IDXGISwapChain1_Vtbl::<SwapChain_Impl>::GetDesc1(=> DXGI_SWAP_CHAIN_DESC1), E_INVALIDARG);
        second.GetFullscreenDesc = refusing_null!(
            IDXGISwapChain1_Vtbl::<SwapChain_Impl>::GetFullscreenDesc(=> DXGI_SWAP_CHAIN_FULLSCREEN_DESC),
            E_INVALIDARG);
        second.GetHwnd = refusing_null!(
            IDXGISwapChain1_Vtbl::<SwapChain_Impl>::GetHwnd(=> HWND), DXGI_ERROR_INVALID_CALL);
        second.GetRestrictToOutput = get_restrict_to_output;
        second.GetBackgroundColor = refusing_null!(
            IDXGISwapChain1_Vtbl::<SwapChain_Impl>::GetBackgroundColor(=> DXGI_RGBA), DXGI_ERROR_INVALID_CALL);
        second.GetRotation = refusing_null!(
            IDXGISwapChain1_Vtbl::<SwapChain_Impl>::GetRotation(=> DXGI_MODE_ROTATION), DXGI_ERROR_INVALID_CALL);
    }
    table.base__.base__.GetMaximumFrameLatency = refusing_null!(
        IDXGISwapChain2_Vtbl::<SwapChain_Impl>::GetMaximumFrameLatency(=> u32), DXGI_ERROR_INVALID_CALL);
    table.base__.CheckColorSpaceSupport = refusing_null!(
        IDXGISwapChain3_Vtbl::<SwapChain_Impl>::CheckColorSpaceSupport(space: DXGI_COLOR_SPACE_TYPE => u32),
        E_INVALIDARG);
    table
};
