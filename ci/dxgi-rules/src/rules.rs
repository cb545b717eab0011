//! The tests, and what they need: a factory and a window.

#![expect(
    unsafe_code,
    clippy::undocumented_unsafe_blocks,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a test of a COM library is unsafe calls from end to end"
)]

use std::ffi::c_void;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use windows::Win32::Foundation::{COLORREF, DXGI_STATUS_OCCLUDED, HWND, S_FALSE, S_OK};
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::Win32::Graphics::Dxgi::*;
use windows::Win32::Graphics::Gdi::{GetDC, GetPixel, ReleaseDC};
use windows::Win32::System::Threading::WaitForSingleObject;
use windows::Win32::UI::WindowsAndMessaging::*;
use windows_core::{ComObject, GUID, HRESULT, IUnknown, Interface, Result, w};

use crate::device::Device;
use crate::{frames, nulls, screen};

/// A factory of the dxgi.dll that the program finds.
pub fn factory() -> IDXGIFactory2 {
    unsafe { CreateDXGIFactory1() }.unwrap()
}

/// The argument of the process that only presents.
const CHILD: &str = "child-that-presents-for-ever";

/// All tests. Rust's own harness would import a library that Wine 8 lacks.
const TESTS: [(&str, fn()); 14] = [
    ("descriptions_against_the_rules_are_refused", descriptions_against_the_rules_are_refused),
    ("frames_reach_the_window_and_are_scaled_to_it", frames_reach_the_window_and_are_scaled_to_it),
    ("presents_are_throttled_and_report_a_lost_device", presents_are_throttled_and_report_a_lost_device),
    ("buffers_are_resized_when_nobody_holds_them", buffers_are_resized_when_nobody_holds_them),
    ("the_waitable_object_counts_frames", the_waitable_object_counts_frames),
    ("private_data_parents_and_fullscreen_follow_dxgi", private_data_parents_and_fullscreen_follow_dxgi),
    ("dirty_and_scrolled_parts_change_alone", frames::dirty_and_scrolled_parts_change_alone),
    ("turned_frames_are_turned_back", frames::turned_frames_are_turned_back),
    ("statistics_count_what_was_shown", frames::statistics_count_what_was_shown),
    ("null_pointers_are_refused", nulls::null_pointers_are_refused),
    ("full_screen_covers_the_monitor_and_ends", screen::full_screen_covers_the_monitor_and_ends),
    ("alt_enter_switches_unless_told_not_to", screen::alt_enter_switches_unless_told_not_to),
    ("changes_are_told_to_who_registered", screen::changes_are_told_to_who_registered),
    ("a_run_saves_its_frames_and_ends", a_run_saves_its_frames_and_ends),
];

/// Runs the tests whose names contain the first argument, or all.
pub fn run() {
    let wanted = std::env::args().nth(1);
    if wanted.as_deref() == Some(CHILD) {
        child_that_presents_for_ever();
    }
    for (name, test) in TESTS {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// A visible window whose client area has this size.
pub struct Window(pub HWND);

impl Window {
    pub fn open(width: i32, height: i32) -> Self {
        let style = WS_POPUP | WS_VISIBLE;
        let handle = unsafe {
            CreateWindowExW(
                Default::default(),
                w!("STATIC"),
                None,
                style,
                0,
                0,
                width,
                height,
                None,
                None,
                None,
                None,
            )
        };
        Self(handle.unwrap())
    }

    /// Waits until the pixel has this colour: blue, green, red.
    pub fn shows(&self, x: i32, y: i32, [blue, green, red, _]: [u8; 4]) -> bool {
        let wanted = COLORREF(u32::from_le_bytes([red, green, blue, 0]));
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            let pixel = unsafe {
                let context = GetDC(Some(self.0));
                let pixel = GetPixel(context, x, y);
                ReleaseDC(Some(self.0), context);
                pixel
            };
            if pixel == wanted {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _closed = unsafe { DestroyWindow(self.0) };
    }
}

pub fn desc(effect: DXGI_SWAP_EFFECT, buffers: u32) -> DXGI_SWAP_CHAIN_DESC1 {
    DXGI_SWAP_CHAIN_DESC1 {
        Format: DXGI_FORMAT_R8G8B8A8_UNORM,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        BufferUsage: DXGI_USAGE_RENDER_TARGET_OUTPUT,
        BufferCount: buffers,
        SwapEffect: effect,
        ..Default::default()
    }
}

pub fn create(
    window: &Window,
    device: &ComObject<Device>,
    desc: &DXGI_SWAP_CHAIN_DESC1,
) -> Result<IDXGISwapChain3> {
    let device: IUnknown = device.to_interface();
    unsafe { factory().CreateSwapChainForHwnd(&device, window.0, desc, None, None) }?.cast()
}

pub fn code<T>(result: Result<T>) -> HRESULT {
    result.map_or_else(|error| error.code(), |_| S_OK)
}

fn descriptions_against_the_rules_are_refused() {
    let (window, device) = (Window::open(64, 64), Device::new());
    let refused = |desc| code(create(&window, &device, &desc));
    assert_eq!(refused(desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 1)), DXGI_ERROR_INVALID_CALL);
    assert_eq!(refused(desc(DXGI_SWAP_EFFECT(2), 2)), DXGI_ERROR_INVALID_CALL);
    let stereo = DXGI_SWAP_CHAIN_DESC1 { Stereo: true.into(), ..desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2) };
    assert_eq!(refused(stereo), DXGI_ERROR_UNSUPPORTED);
    let nowhere = std::mem::ManuallyDrop::new(Window(HWND::default()));
    assert_eq!(code(create(&nowhere, &device, &desc(DXGI_SWAP_EFFECT_DISCARD, 1))), DXGI_ERROR_INVALID_CALL);
    let stranger: IUnknown = factory().cast().unwrap();
    let desc = desc(DXGI_SWAP_EFFECT_DISCARD, 1);
    let made = unsafe { factory().CreateSwapChainForHwnd(&stranger, window.0, &desc, None, None) };
    assert_eq!(code(made), DXGI_ERROR_UNSUPPORTED);
    assert_eq!(device.buffers.load(Ordering::Relaxed), 0);
}

fn frames_reach_the_window_and_are_scaled_to_it() {
    let (window, device) = (Window::open(100, 80), Device::new());
    let desc = DXGI_SWAP_CHAIN_DESC1 { Width: 50, Height: 20, ..desc(DXGI_SWAP_EFFECT_DISCARD, 1) };
    let chain = create(&window, &device, &desc).unwrap();
    assert_eq!(unsafe { chain.Present(0, DXGI_PRESENT::default()) }, S_OK);
    assert!(window.shows(0, 0, Device::colour(1)) && window.shows(99, 79, Device::colour(1)));
    assert_eq!(unsafe { chain.Present(1, DXGI_PRESENT::default()) }, S_OK);
    assert!(window.shows(99, 79, Device::colour(2)));

    let none = DXGI_SWAP_CHAIN_DESC1 {
        Scaling: DXGI_SCALING_NONE,
        BufferCount: 2,
        SwapEffect: DXGI_SWAP_EFFECT_FLIP_SEQUENTIAL,
        ..desc
    };
    drop(chain);
    let chain = create(&window, &device, &none).unwrap();
    let green = DXGI_RGBA { r: 0.0, g: 1.0, b: 0.0, a: 1.0 };
    unsafe { chain.SetBackgroundColor(&green) }.unwrap();
    assert_eq!(unsafe { chain.Present(0, DXGI_PRESENT::default()) }, S_OK);
    assert!(window.shows(49, 19, Device::colour(3)), "the frame is not scaled");
    assert!(window.shows(50, 20, [0, 255, 0, 0]), "the rest has the background colour");
}

fn presents_are_throttled_and_report_a_lost_device() {
    let (window, device) = (Window::open(64, 64), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 3)).unwrap();
    let present = |interval, flags| unsafe { chain.Present(interval, flags) };
    assert_eq!(present(0, DXGI_PRESENT::default()), S_OK);
    assert_eq!(device.waited.lock().unwrap().0, 2, "the device's frame latency");
    assert_eq!(device.rotated.load(Ordering::Relaxed), 3);
    assert_eq!(present(5, DXGI_PRESENT::default()), DXGI_ERROR_INVALID_CALL);
    assert_eq!(present(0, DXGI_PRESENT_TEST), S_OK);
    assert_eq!(device.presents.load(Ordering::Relaxed), 1);
    assert_eq!(unsafe { chain.GetLastPresentCount() }, Ok(1));

    device.slot.store(DXGI_ERROR_WAS_STILL_DRAWING.0, Ordering::Relaxed);
    assert_eq!(present(0, DXGI_PRESENT_DO_NOT_WAIT), DXGI_ERROR_WAS_STILL_DRAWING);
    assert!(device.waited.lock().unwrap().1 < 16, "less than a frame at 60 Hz");
    device.slot.store(0, Ordering::Relaxed);
    device.removed.store(DXGI_ERROR_DEVICE_HUNG.0, Ordering::Relaxed);
    assert_eq!(present(0, DXGI_PRESENT::default()), DXGI_ERROR_DEVICE_REMOVED);
    device.removed.store(0, Ordering::Relaxed);
    let _was_visible = unsafe { ShowWindow(window.0, SW_MINIMIZE) };
    assert_eq!(present(0, DXGI_PRESENT::default()), DXGI_STATUS_OCCLUDED);
    assert_eq!(device.presents.load(Ordering::Relaxed), 1);
}

fn buffers_are_resized_when_nobody_holds_them() {
    let (window, device) = (Window::open(64, 48), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    let resize = |width, height| unsafe {
        code(chain.ResizeBuffers(0, width, height, DXGI_FORMAT_UNKNOWN, DXGI_SWAP_CHAIN_FLAG::default()))
    };
    let size = || unsafe { chain.GetDesc1() }.map(|desc| (desc.Width, desc.Height)).unwrap();
    assert_eq!(size(), (64, 48));
    let held: IUnknown = unsafe { chain.GetBuffer(0) }.unwrap();
    assert_eq!(
        unsafe { chain.GetBuffer::<IUnknown>(1) }.map_err(|error| error.code()).err(),
        Some(DXGI_ERROR_INVALID_CALL)
    );
    assert_eq!(resize(32, 16), DXGI_ERROR_INVALID_CALL);
    drop(held);
    assert_eq!((resize(32, 16), size()), (S_OK, (32, 16)));
    assert_eq!((resize(0, 0), size()), (S_OK, (64, 48)));
    let wrong_flags =
        unsafe { chain.ResizeBuffers(0, 0, 0, DXGI_FORMAT_UNKNOWN, DXGI_SWAP_CHAIN_FLAG_ALLOW_TEARING) };
    assert_eq!(code(wrong_flags), DXGI_ERROR_INVALID_CALL);
    drop(chain);
    let [made, released] = [&device.buffers, &device.released].map(|count| count.load(Ordering::Relaxed));
    assert_eq!((made, released), (6, 6), "two of each size, all given back");
    let kept = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_SEQUENTIAL, 3)).unwrap();
    let last: IUnknown = unsafe { kept.GetBuffer(2) }.unwrap();
    drop(last);
}

fn the_waitable_object_counts_frames() {
    let (window, device) = (Window::open(64, 48), Device::new());
    let flags = DXGI_SWAP_CHAIN_FLAG_FRAME_LATENCY_WAITABLE_OBJECT.0 as u32;
    let chain = create(
        &window,
        &device,
        &DXGI_SWAP_CHAIN_DESC1 { Flags: flags, ..desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2) },
    );
    let chain = chain.unwrap();
    let object = unsafe { chain.GetFrameLatencyWaitableObject() };
    let free = |wait| unsafe { WaitForSingleObject(object, wait) }.0 == 0;
    assert!(free(0) && !free(0), "one frame at first");
    unsafe { chain.SetMaximumFrameLatency(3) }.unwrap();
    assert!(free(0) && free(0) && !free(0), "two more");
    assert_eq!(unsafe { chain.Present(0, DXGI_PRESENT::default()) }, S_OK);
    assert!(free(5000), "the frame is shown");
    assert_eq!(code(unsafe { chain.SetMaximumFrameLatency(17) }), DXGI_ERROR_INVALID_CALL);

    let plain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_DISCARD, 1)).unwrap();
    assert!(unsafe { plain.GetFrameLatencyWaitableObject() }.is_invalid());
    assert_eq!(code(unsafe { plain.GetMaximumFrameLatency() }), DXGI_ERROR_INVALID_CALL);
}

fn private_data_parents_and_fullscreen_follow_dxgi() {
    let (window, device) = (Window::open(64, 48), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_DISCARD, 1)).unwrap();
    let name = GUID::from_u128(1);
    let (mut size, mut data) = (0_u32, [0_u8; 4]);
    unsafe {
        assert_eq!(code(chain.GetPrivateData(&name, &mut size, std::ptr::null_mut())), DXGI_ERROR_NOT_FOUND);
        chain.SetPrivateData(&name, 4, [1_u8, 2, 3, 4].as_ptr().cast()).unwrap();
        assert_eq!(
            code(chain.GetPrivateData(&name, &mut size, data.as_mut_ptr().cast())),
            DXGI_ERROR_MORE_DATA
        );
        assert_eq!(size, 4);
        chain.GetPrivateData(&name, &mut size, data.as_mut_ptr().cast()).unwrap();
        assert_eq!(data, [1, 2, 3, 4]);
        let set = |pointer: *const c_void| {
            (Interface::vtable(&chain).base__.base__.base__.base__.base__.SetPrivateData)(
                chain.as_raw(),
                &name,
                0,
                pointer,
            )
        };
        assert_eq!((set(std::ptr::null()), set(std::ptr::null())), (S_OK, S_FALSE));

        let parent: IDXGIFactory6 = chain.GetParent().unwrap();
        let found: IUnknown = chain.GetDevice().unwrap();
        assert_eq!(found, device.to_interface::<pvgpu_interfaces::IPvgpuDxgiDevice>().cast().unwrap());
        assert_eq!(parent.GetWindowAssociation().unwrap(), HWND::default());
        assert_eq!(code(parent.EnumAdapters(1)), DXGI_ERROR_NOT_FOUND);
        let (mut fullscreen, mut output) = (true.into(), None);
        chain.GetFullscreenState(Some(&mut fullscreen), Some(&mut output)).unwrap();
        assert!(!fullscreen.as_bool() && output.is_none());
    }
}

/// A program that presents until it is ended: run by the test below.
fn child_that_presents_for_ever() {
    let (window, device) = (Window::open(16, 16), Device::new());
    let chain = create(&window, &device, &desc(DXGI_SWAP_EFFECT_FLIP_DISCARD, 2)).unwrap();
    loop {
        assert_eq!(unsafe { chain.Present(0, DXGI_PRESENT::default()) }, S_OK);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn a_run_saves_its_frames_and_ends() {
    let folder = std::env::temp_dir().join(format!("pvgpu-dxgi-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let start = Instant::now();
    let status = Command::new(std::env::current_exe().unwrap())
        .arg(CHILD)
        .env("PVGPU_FRAMES", "3")
        .env("PVGPU_SHOTS", &folder)
        .env("PVGPU_STATS", folder.join("stats.json"))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() >= Duration::from_secs(2), "the program has time to close");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["frame-00001.png", "frame-00002.png", "frame-00003.png", "stats.json"]);
    for (number, file) in (1..).zip(&files[..3]) {
        let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).unwrap()))
            .read_info()
            .unwrap();
        let mut pixels = [0; 16 * 16 * 3];
        reader.next_frame(&mut pixels).unwrap();
        let [blue, green, red, _] = Device::colour(number);
        assert_eq!(pixels[..3], [red, green, blue], "frame {number}");
    }
    assert!(std::fs::read_to_string(&files[3]).unwrap().contains("\"frames\":"));
    std::fs::remove_dir_all(&folder).unwrap();
}
