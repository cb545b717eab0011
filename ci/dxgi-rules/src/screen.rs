//! Full-screen and what belongs to it: styles, gamma, ownership, keys, registrations.

#![expect(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test of a COM library is unsafe calls from end to end"
)]

use windows::Win32::Foundation::{DXGI_STATUS_OCCLUDED, E_INVALIDARG, HWND, LPARAM, RECT, S_OK, WPARAM};
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::Win32::Graphics::Dxgi::*;
use windows::Win32::System::Threading::{CreateEventW, WaitForSingleObject};
use windows::Win32::UI::WindowsAndMessaging::*;
use windows_core::{IUnknown, Interface};

use crate::device::Device;
use crate::rules::{Window, code, create, desc, factory};

/// Style, extended style, and where the window is.
fn look(window: &Window) -> (u32, u32, RECT) {
    let mut area = RECT::default();
    unsafe {
        GetWindowRect(window.0, &mut area).unwrap();
        let long = |index| GetWindowLongPtrW(window.0, index) as u32;
        (long(GWL_STYLE), long(GWL_EXSTYLE), area)
    }
}

fn is_full(chain: &IDXGISwapChain3) -> bool {
    let (mut full, mut output) = (false.into(), None);
    unsafe { chain.GetFullscreenState(Some(&mut full), Some(&mut output)) }.unwrap();
    assert_eq!(full.as_bool(), output.is_some());
    full.as_bool()
}

/// Handles the messages that wait.
fn handle_messages() {
    let mut message = MSG::default();
    while unsafe { PeekMessageW(&mut message, None, 0, 0, PM_REMOVE) }.as_bool() {
        let _answer = unsafe { DispatchMessageW(&message) };
    }
}

pub fn full_screen_covers_the_monitor_and_ends() {
    let (window, device) = (Window::open(64, 48), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    let before = look(&window);
    let windowed = unsafe { chain.GetContainingOutput() }.unwrap();
    let gamma = || {
        let mut capabilities = DXGI_GAMMA_CONTROL_CAPABILITIES::default();
        code(unsafe { windowed.GetGammaControlCapabilities(&mut capabilities) })
    };
    assert_eq!(gamma(), DXGI_ERROR_INVALID_CALL, "the desktop's gamma is not the program's");
    unsafe { chain.SetFullscreenState(true, None) }.unwrap();
    assert!(is_full(&chain));
    let desc = unsafe { windowed.GetDesc() }.unwrap();
    let (style, extended, area) = look(&window);
    assert_eq!(area, desc.DesktopCoordinates);
    assert_eq!(style & (WS_CAPTION.0 | WS_THICKFRAME.0 | WS_POPUP.0), 0);
    assert_ne!(extended & WS_EX_TOPMOST.0, 0);

    let output = unsafe { chain.GetContainingOutput() }.unwrap();
    assert_eq!(output, unsafe { chain.GetContainingOutput() }.unwrap(), "the output that it covers");
    assert_eq!(gamma(), S_OK);
    let mut curve = DXGI_GAMMA_CONTROL::default();
    assert_eq!(code(unsafe { output.GetGammaControl(&mut curve) }), DXGI_ERROR_INVALID_CALL, "none was set");
    curve.Scale = DXGI_RGB { Red: 1.0, Green: 1.0, Blue: 1.0 };
    for (index, point) in curve.GammaCurve.iter_mut().take(256).enumerate() {
        let value = index as f32 / 255.0;
        *point = DXGI_RGB { Red: value, Green: value, Blue: value };
    }
    unsafe { output.SetGammaControl(&curve) }.unwrap();
    let mut set = DXGI_GAMMA_CONTROL::default();
    unsafe { output.GetGammaControl(&mut set) }.unwrap();
    assert_eq!(set, curve);

    let stranger: IUnknown = device.to_interface();
    assert_eq!(code(unsafe { output.TakeOwnership(&stranger, false) }), E_INVALIDARG, "it is owned");
    assert_eq!(code(unsafe { chain.SetFullscreenState(false, &output) }), DXGI_ERROR_INVALID_CALL);
    let mut statistics = DXGI_FRAME_STATISTICS::default();
    let read = |statistics: &mut _| code(unsafe { chain.GetFrameStatistics(statistics) });
    assert_eq!(read(&mut statistics), DXGI_ERROR_FRAME_STATISTICS_DISJOINT, "the display changed");
    assert_eq!(read(&mut statistics), S_OK);

    unsafe { output.ReleaseOwnership() };
    assert!(is_full(&chain));
    assert_eq!(unsafe { chain.Present(0, DXGI_PRESENT::default()) }, S_OK);
    assert!(!is_full(&chain), "Present leaves a monitor that was given up");
    assert_eq!(look(&window), before);
    assert_eq!(gamma(), DXGI_ERROR_INVALID_CALL);
}

pub fn alt_enter_switches_unless_told_not_to() {
    let (window, device) = (Window::open(64, 48), Device::new());
    let maker = factory();
    let unknown: IUnknown = device.to_interface();
    let plain = desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2);
    let made = unsafe { maker.CreateSwapChainForHwnd(&unknown, window.0, &plain, None, None) };
    let chain: IDXGISwapChain3 = made.unwrap().cast().unwrap();
    let press = || {
        // Bit 29 says that Alt is down.
        let posted = unsafe { PostMessageW(Some(window.0), WM_SYSKEYDOWN, WPARAM(13), LPARAM(1 | 1 << 29)) };
        posted.unwrap();
        handle_messages();
        is_full(&chain)
    };
    assert!(press() && !press());
    for flags in [DXGI_MWA_NO_ALT_ENTER, DXGI_MWA_NO_WINDOW_CHANGES] {
        unsafe { maker.MakeWindowAssociation(window.0, flags) }.unwrap();
        assert!(!press(), "{flags:?}");
    }
    let other = factory();
    unsafe { other.MakeWindowAssociation(window.0, DXGI_MWA_NO_PRINT_SCREEN) }.unwrap();
    assert!(!press(), "another factory's wishes are not this one's");
    unsafe { maker.MakeWindowAssociation(HWND::default(), DXGI_MWA_FLAGS(0)) }.unwrap();
    assert!(press() && !press());
    assert_eq!(unsafe { maker.GetWindowAssociation() }, Ok(HWND::default()));
}

pub fn changes_are_told_to_who_registered() {
    let (window, device) = (Window::open(64, 48), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    let maker = factory();
    let event = unsafe { CreateEventW(None, false, false, None) }.unwrap();
    let cookie = unsafe { maker.RegisterOcclusionStatusEvent(event) }.unwrap();
    assert_ne!(cookie, 0);
    let told = |wait| unsafe { WaitForSingleObject(event, wait) }.0 == 0;
    assert!(!told(0));
    let _was_visible = unsafe { ShowWindow(window.0, SW_MINIMIZE) };
    let present = || unsafe { chain.Present(0, DXGI_PRESENT_TEST) };
    assert_eq!(present(), DXGI_STATUS_OCCLUDED);
    assert!(told(0), "the window is covered now");
    let _was_visible = unsafe { ShowWindow(window.0, SW_RESTORE) };
    assert!(told(5000), "without any call of the program");
    assert_eq!(present(), S_OK);
    unsafe { maker.UnregisterOcclusionStatus(cookie) };
    let _was_visible = unsafe { ShowWindow(window.0, SW_MINIMIZE) };
    assert_eq!((present(), told(600)), (DXGI_STATUS_OCCLUDED, false));
}
