//! What becomes of a frame on its way to the window: partial, turned, counted.

#![expect(unsafe_code, reason = "a test of a COM library is unsafe calls from end to end")]

use std::time::{Duration, Instant};

use windows::Win32::Foundation::{POINT, RECT, S_OK};
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::Win32::Graphics::Dxgi::*;
use windows_core::HRESULT;

use crate::device::Device;
use crate::rules::{Window, code, create, desc};

fn rect(left: i32, top: i32, right: i32, bottom: i32) -> RECT {
    RECT { left, top, right, bottom }
}

/// Presents with dirty rectangles and a scrolled one with its offset.
fn present(chain: &IDXGISwapChain3, dirty: &mut [RECT], scroll: Option<(RECT, POINT)>) -> HRESULT {
    let (mut area, mut offset) = scroll.unwrap_or_default();
    let parameters = DXGI_PRESENT_PARAMETERS {
        DirtyRectsCount: dirty.len() as u32,
        pDirtyRects: dirty.as_mut_ptr(),
        pScrollRect: if scroll.is_some() { &raw mut area } else { std::ptr::null_mut() },
        pScrollOffset: if scroll.is_some() { &raw mut offset } else { std::ptr::null_mut() },
    };
    // SAFETY: the chain is alive, and so are the parameters.
    unsafe { chain.Present1(0, DXGI_PRESENT::default(), &parameters) }
}

pub fn dirty_and_scrolled_parts_change_alone() {
    let (window, device) = (Window::open(60, 40), Device::new());
    let sequential = desc(DXGI_SWAP_EFFECT_FLIP_SEQUENTIAL, 2);
    let chain = create(&window, &device, &sequential).unwrap();
    let [first, second] = [1, 2].map(Device::colour);
    assert_eq!(present(&chain, &mut [], None), S_OK);
    assert!(window.shows(0, 0, first) && window.shows(59, 39, first));
    assert_eq!(present(&chain, &mut [rect(0, 0, 20, 40), rect(50, 30, 60, 40)], None), S_OK);
    assert!(window.shows(0, 0, second) && window.shows(19, 39, second) && window.shows(59, 39, second));
    assert!(window.shows(20, 0, first) && window.shows(49, 29, first));
    let right = (rect(0, 0, 20, 20), POINT { x: 20, y: 10 });
    assert_eq!(present(&chain, &mut [], Some(right)), S_OK);
    assert!(window.shows(20, 10, second) && window.shows(39, 29, second));
    assert!(window.shows(20, 9, first) && window.shows(40, 10, first), "nothing else moved");

    assert_eq!(present(&chain, &mut [rect(0, 0, 61, 40)], None), DXGI_ERROR_INVALID_CALL);
    assert_eq!(present(&chain, &mut [rect(5, 5, 5, 9)], None), DXGI_ERROR_INVALID_CALL);
    let beyond = (rect(0, 0, 20, 20), POINT { x: 41, y: 0 });
    assert_eq!(present(&chain, &mut [], Some(beyond)), DXGI_ERROR_INVALID_CALL);
    // SAFETY: the chain is alive.
    assert_eq!(unsafe { chain.GetLastPresentCount() }, Ok(3));
    drop(chain);
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    assert_eq!(present(&chain, &mut [rect(0, 0, 20, 40)], None), DXGI_ERROR_INVALID_CALL);
}

pub fn turned_frames_are_turned_back() {
    let (window, device) = (Window::open(20, 60), Device::new());
    let wide = DXGI_SWAP_CHAIN_DESC1 { Width: 60, Height: 20, ..desc(DXGI_SWAP_EFFECT_FLIP_SEQUENTIAL, 2) };
    let chain = create(&window, &device, &wide).unwrap();
    // SAFETY: the chain is alive.
    assert_eq!(unsafe { chain.GetRotation() }, Ok(DXGI_MODE_ROTATION_IDENTITY));
    // SAFETY: the chain is alive.
    assert_eq!(code(unsafe { chain.SetRotation(DXGI_MODE_ROTATION(5)) }), DXGI_ERROR_INVALID_CALL);
    // SAFETY: the chain is alive.
    unsafe { chain.SetRotation(DXGI_MODE_ROTATION_ROTATE90) }.unwrap();
    // SAFETY: the chain is alive.
    assert_eq!(unsafe { chain.GetRotation() }, Ok(DXGI_MODE_ROTATION_ROTATE90));
    assert_eq!(present(&chain, &mut [], None), S_OK);
    // What was turned clockwise has its lower left corner on top, left.
    assert_eq!(present(&chain, &mut [rect(0, 0, 10, 10)], None), S_OK);
    assert!(window.shows(0, 59, Device::colour(2)) && window.shows(9, 50, Device::colour(2)));
    assert!(window.shows(10, 59, Device::colour(1)) && window.shows(0, 49, Device::colour(1)));
    drop(chain);
    let blit = create(&window, &device, &desc(DXGI_SWAP_EFFECT_DISCARD, 1)).unwrap();
    // SAFETY: the chain is alive.
    assert_eq!(code(unsafe { blit.SetRotation(DXGI_MODE_ROTATION_ROTATE90) }), DXGI_ERROR_INVALID_CALL);
}

pub fn statistics_count_what_was_shown() {
    let (window, device) = (Window::open(20, 20), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    let read = || {
        let mut statistics = DXGI_FRAME_STATISTICS::default();
        // SAFETY: the chain is alive and the structure is a local.
        unsafe { chain.GetFrameStatistics(&mut statistics) }.map(|()| statistics)
    };
    for _ in 0..3 {
        // SAFETY: the chain is alive.
        assert_eq!(unsafe { chain.Present(1, DXGI_PRESENT::default()) }, S_OK);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    let shown = loop {
        let statistics = read().unwrap();
        if statistics.PresentCount == 3 || Instant::now() > deadline {
            break statistics;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(shown.PresentCount, 3);
    assert!(shown.PresentRefreshCount >= 2 && shown.SyncQPCTime > 0, "one blank after the other");
    assert_eq!(read().unwrap(), shown, "nothing was shown since");
    drop(chain);
    let blit = create(&window, &device, &desc(DXGI_SWAP_EFFECT_DISCARD, 1)).unwrap();
    let mut statistics = DXGI_FRAME_STATISTICS::default();
    // SAFETY: the chain is alive and the structure is a local.
    assert_eq!(code(unsafe { blit.GetFrameStatistics(&mut statistics) }), DXGI_ERROR_INVALID_CALL);
}
