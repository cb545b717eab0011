//! Replaces `Present` and `Present1` for every swap chain of the process.
//!
//! All swap chains share one table of methods, which lies in dxgi.dll. A swap chain of our own leads to the table; there
//! the two entries are replaced by functions of this file, which save the frame and then call the original.
//!
//! A third entry, `SetRotation`, is replaced because Wine 8 answers E_NOTIMPL even for "no rotation", and SDL's direct3d11
//! renderer gives up then.

#![expect(unsafe_code, reason = "COM method tables are patched by hand")]

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::sync::OnceLock;

use windows::Win32::Foundation::{HMODULE, HWND, LPARAM, WPARAM};
use windows::Win32::Graphics::Direct3D::D3D_DRIVER_TYPE_HARDWARE;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_CREATE_DEVICE_FLAG, D3D11_SDK_VERSION, D3D11CreateDeviceAndSwapChain,
};
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_MODE_DESC, DXGI_MODE_ROTATION, DXGI_MODE_ROTATION_IDENTITY,
    DXGI_SAMPLE_DESC,
};
use windows::Win32::Graphics::Dxgi::{
    DXGI_PRESENT, DXGI_PRESENT_PARAMETERS, DXGI_PRESENT_TEST, DXGI_SWAP_CHAIN_DESC,
    DXGI_USAGE_RENDER_TARGET_OUTPUT, IDXGISwapChain, IDXGISwapChain1, IDXGISwapChain1_Vtbl,
};
use windows::Win32::System::Memory::{PAGE_PROTECTION_FLAGS, PAGE_READWRITE, VirtualProtect};
use windows::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, PostMessageW, WINDOW_EX_STYLE, WM_CLOSE, WS_OVERLAPPED,
};
use windows::core::{HRESULT, Interface, Result, w};

use crate::capture;
use crate::frames::{Frames, Next};

/// `IDXGISwapChain::Present`.
type Present = unsafe extern "system" fn(*mut c_void, u32, DXGI_PRESENT) -> HRESULT;
/// `IDXGISwapChain1::Present1`.
type Present1 =
    unsafe extern "system" fn(*mut c_void, u32, DXGI_PRESENT, *const DXGI_PRESENT_PARAMETERS) -> HRESULT;

/// `IDXGISwapChain1::SetRotation`.
type SetRotation = unsafe extern "system" fn(*mut c_void, DXGI_MODE_ROTATION) -> HRESULT;

/// The methods that were replaced, and the frames so far.
struct Hook {
    present: Present,
    present1: Present1,
    set_rotation: SetRotation,
    frames: Frames,
}

/// Set before the table is patched, so that the replaced methods always find it.
static HOOK: OnceLock<Hook> = OnceLock::new();

/// Hooks Present in this process; the launcher runs this on a thread of its own. Returns 0 or an HRESULT.
#[unsafe(no_mangle)]
extern "system" fn pvgpu_shots_start(_unused: *mut c_void) -> u32 {
    match swap_chain().and_then(|swap_chain| patch(&swap_chain)) {
        Ok(()) => 0,
        Err(error) => error.code().0.cast_unsigned(),
    }
}

/// A swap chain of our own, on a window that is never shown.
fn swap_chain() -> Result<IDXGISwapChain1> {
    // SAFETY: "STATIC" is a class of the system's.
    let window = unsafe {
        CreateWindowExW(
            WINDOW_EX_STYLE::default(),
            w!("STATIC"),
            None,
            WS_OVERLAPPED,
            0,
            0,
            64,
            64,
            None,
            None,
            None,
            None,
        )
    }?;
    let swap_chain = swap_chain_for(window);
    // SAFETY: the window belongs to this thread; the swap chain presents nothing to it.
    let destroyed = unsafe { DestroyWindow(window) };
    destroyed.and(swap_chain)
}

fn swap_chain_for(window: HWND) -> Result<IDXGISwapChain1> {
    let description = DXGI_SWAP_CHAIN_DESC {
        BufferDesc: DXGI_MODE_DESC {
            Width: 64,
            Height: 64,
            Format: DXGI_FORMAT_R8G8B8A8_UNORM,
            ..DXGI_MODE_DESC::default()
        },
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        BufferUsage: DXGI_USAGE_RENDER_TARGET_OUTPUT,
        BufferCount: 1,
        OutputWindow: window,
        Windowed: true.into(),
        ..DXGI_SWAP_CHAIN_DESC::default()
    };
    let (mut swap_chain, mut device, mut context) = (None, None, None);
    // SAFETY: the description is complete and the out-pointers are to locals.
    unsafe {
        D3D11CreateDeviceAndSwapChain(
            None,
            D3D_DRIVER_TYPE_HARDWARE,
            HMODULE::default(),
            D3D11_CREATE_DEVICE_FLAG::default(),
            None,
            D3D11_SDK_VERSION,
            Some(&description),
            Some(&mut swap_chain),
            Some(&mut device),
            None,
            Some(&mut context),
        )
    }?;
    let swap_chain: IDXGISwapChain = swap_chain.ok_or(windows::Win32::Foundation::E_FAIL)?;
    swap_chain.cast()
}

/// Puts our functions into the table of methods that `swap_chain` shares with all others.
fn patch(swap_chain: &IDXGISwapChain1) -> Result<()> {
    // SAFETY: a COM object begins with a pointer to its table of methods.
    let table = unsafe { swap_chain.as_raw().cast::<*mut IDXGISwapChain1_Vtbl>().read() };
    let original = swap_chain.vtable();
    let hook = Hook {
        present: original.base__.Present,
        present1: original.Present1,
        set_rotation: original.SetRotation,
        frames: Frames::from_environment(),
    };
    if HOOK.set(hook).is_err() {
        // A second call: the entries are replaced already, and saving our own functions would make them call themselves.
        return Ok(());
    }
    let mut protection = PAGE_PROTECTION_FLAGS::default();
    // SAFETY: the table is a constant of dxgi.dll, which stays loaded; it becomes writable for a moment.
    unsafe {
        VirtualProtect(table.cast(), size_of::<IDXGISwapChain1_Vtbl>(), PAGE_READWRITE, &mut protection)
    }?;
    // SAFETY: writable now; the program has not begun to run, so nobody else looks at the table meanwhile.
    let methods = unsafe { &mut *table };
    methods.base__.Present = present;
    methods.Present1 = present1;
    methods.SetRotation = set_rotation;
    let mut writable = PAGE_PROTECTION_FLAGS::default();
    // SAFETY: gives the table its former protection back.
    unsafe { VirtualProtect(table.cast(), size_of::<IDXGISwapChain1_Vtbl>(), protection, &mut writable) }
}

/// Stands in for `IDXGISwapChain::Present`.
///
/// # Safety
/// As for the original: called by the program on one of its swap chains.
unsafe extern "system" fn present(this: *mut c_void, interval: u32, flags: DXGI_PRESENT) -> HRESULT {
    let Some(hook) = HOOK.get() else { return HRESULT(0) };
    // SAFETY: `this` is the swap chain that the program calls.
    let next = unsafe { before_present(hook, this, flags) };
    // SAFETY: the original method, with exactly what the program passed.
    let result = unsafe { (hook.present)(this, interval, flags) };
    // SAFETY: as above.
    unsafe { after_present(this, next) };
    result
}

/// Stands in for `IDXGISwapChain1::Present1`.
///
/// # Safety
/// As for the original: called by the program on one of its swap chains.
unsafe extern "system" fn present1(
    this: *mut c_void,
    interval: u32,
    flags: DXGI_PRESENT,
    parameters: *const DXGI_PRESENT_PARAMETERS,
) -> HRESULT {
    let Some(hook) = HOOK.get() else { return HRESULT(0) };
    // SAFETY: `this` is the swap chain that the program calls.
    let next = unsafe { before_present(hook, this, flags) };
    // SAFETY: the original method, with exactly what the program passed.
    let result = unsafe { (hook.present1)(this, interval, flags, parameters) };
    // SAFETY: as above.
    unsafe { after_present(this, next) };
    result
}

/// Stands in for `IDXGISwapChain1::SetRotation`: no rotation always works, the rest is the original's business.
///
/// # Safety
/// As for the original: called by the program on one of its swap chains.
unsafe extern "system" fn set_rotation(this: *mut c_void, rotation: DXGI_MODE_ROTATION) -> HRESULT {
    match HOOK.get() {
        Some(hook) if rotation != DXGI_MODE_ROTATION_IDENTITY => {
            // SAFETY: the original method, with exactly what the program passed.
            unsafe { (hook.set_rotation)(this, rotation) }
        }
        _ => HRESULT(0),
    }
}

/// Saves the frame, unless the call only asks whether presenting would work.
///
/// # Safety
/// `this` is a live swap chain.
unsafe fn before_present(hook: &Hook, this: *mut c_void, flags: DXGI_PRESENT) -> Next {
    if flags.contains(DXGI_PRESENT_TEST) {
        return Next::Continue;
    }
    // SAFETY: as the caller guarantees.
    let swap_chain = unsafe { borrow(this) };
    hook.frames.on_present(|| capture::back_buffer(&swap_chain))
}

/// Closes the window or ends the process when it is time.
///
/// # Safety
/// `this` is a live swap chain.
unsafe fn after_present(this: *mut c_void, next: Next) {
    match next {
        Next::Continue => {}
        Next::CloseWindow => {
            // SAFETY: as the caller guarantees.
            let swap_chain = unsafe { borrow(this) };
            // SAFETY: the swap chain is live.
            if let Ok(description) = unsafe { swap_chain.GetDesc() } {
                // SAFETY: only posts a message. A window that is gone needs none.
                let _posted =
                    unsafe { PostMessageW(Some(description.OutputWindow), WM_CLOSE, WPARAM(0), LPARAM(0)) };
            }
        }
        Next::EndProcess => {
            // SAFETY: always works; the handle means "this process" and needs no closing.
            let this_process = unsafe { GetCurrentProcess() };
            // SAFETY: nothing of this process is needed any more. It does not return.
            let _ended = unsafe { TerminateProcess(this_process, 0) };
        }
    }
}

/// A swap chain without a reference of its own: it must not be released when this goes out of scope.
///
/// # Safety
/// `this` is a swap chain that lives longer than the result is used.
unsafe fn borrow(this: *mut c_void) -> ManuallyDrop<IDXGISwapChain> {
    // SAFETY: as the caller guarantees.
    ManuallyDrop::new(unsafe { IDXGISwapChain::from_raw(this) })
}
