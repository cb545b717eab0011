//! Swap chains: the buffers that a program draws to and presents.
//!
//! - `present`: Present, from the checks to the rotation of the buffers.
//! - `window`: sizes, full-screen, outputs.
//! - `interface`: the COM methods, which call those; `table`: how they treat null pointers.
//!
//! # Invariants
//! - The state's lock is not held while messages are sent to the window, while Present waits for a frame, or while private data
//!   is released: each of them may run code of the program that calls the swap chain again.
//! - The program sees one reference of the swap chain to its device and none to its buffers, see `com::buffers`.

#![expect(unsafe_code, reason = "implements and calls COM interfaces")]

mod interface;
mod present;
mod table;
mod window;

pub use interface::frame_statistics;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pvgpu_interfaces::IPvgpuDxgiDevice;
use windows::Win32::Foundation::{E_INVALIDARG, E_OUTOFMEMORY};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_ALPHA_MODE_IGNORE, DXGI_RATIONAL};
use windows::Win32::Graphics::Dxgi::{
    DXGI_ERROR_INVALID_CALL, DXGI_ERROR_UNSUPPORTED, DXGI_SWAP_CHAIN_DESC, DXGI_SWAP_CHAIN_DESC1,
    DXGI_SWAP_CHAIN_FULLSCREEN_DESC, IDXGIDevice1, IDXGIFactory, IDXGIOutput, IDXGISwapChain1,
    IDXGISwapChain4,
};
use windows_core::{Error, IUnknown, Result, implement};

use super::association::Associations;
use super::buffers::{Borrowed, Buffers};
use super::presenter::{Presenter, Shared, run};
use super::private_data::PrivateData;
use super::screen::Screen;
use super::semaphore::Semaphore;
use super::{debug, sink, vtable};
use crate::gdi::window::Window;
use crate::rules::chain::{Broken, Chain, Request};
use crate::rules::format;
use crate::rules::mode::Mode;
use crate::rules::present::WAITABLE_LATENCY;
use crate::rules::rotation::Rotation;

/// What a program asks for when it makes a swap chain.
pub struct Creation {
    window: Window,
    request: Request,
    fullscreen: DXGI_SWAP_CHAIN_FULLSCREEN_DESC,
    restrict_to: Option<IDXGIOutput>,
}

impl Creation {
    /// From `IDXGIFactory::CreateSwapChain`.
    pub fn from_desc(desc: &DXGI_SWAP_CHAIN_DESC) -> Self {
        let mode = &desc.BufferDesc;
        Self {
            window: Window::new(desc.OutputWindow),
            request: Request {
                width: mode.Width,
                height: mode.Height,
                format: mode.Format.0.cast_unsigned(),
                stereo: false,
                sample_count: desc.SampleDesc.Count,
                sample_quality: desc.SampleDesc.Quality,
                usage: desc.BufferUsage.0,
                buffer_count: desc.BufferCount,
                scaling: 0,
                effect: desc.SwapEffect.0,
                alpha_mode: DXGI_ALPHA_MODE_IGNORE.0,
                flags: desc.Flags,
            },
            fullscreen: DXGI_SWAP_CHAIN_FULLSCREEN_DESC {
                RefreshRate: mode.RefreshRate,
                ScanlineOrdering: mode.ScanlineOrdering,
                Scaling: mode.Scaling,
                Windowed: desc.Windowed,
            },
            restrict_to: None,
        }
    }

    /// From `IDXGIFactory2::CreateSwapChainForHwnd`.
    pub fn from_desc1(
        window: Window,
        desc: &DXGI_SWAP_CHAIN_DESC1,
        fullscreen: Option<&DXGI_SWAP_CHAIN_FULLSCREEN_DESC>,
        restrict_to: Option<IDXGIOutput>,
    ) -> Self {
        let windowed = DXGI_SWAP_CHAIN_FULLSCREEN_DESC { Windowed: true.into(), ..Default::default() };
        Self {
            window,
            request: Request {
                width: desc.Width,
                height: desc.Height,
                format: desc.Format.0.cast_unsigned(),
                stereo: desc.Stereo.as_bool(),
                sample_count: desc.SampleDesc.Count,
                sample_quality: desc.SampleDesc.Quality,
                usage: desc.BufferUsage.0,
                buffer_count: desc.BufferCount,
                scaling: desc.Scaling.0,
                effect: desc.SwapEffect.0,
                alpha_mode: desc.AlphaMode.0,
                flags: desc.Flags,
            },
            fullscreen: fullscreen.copied().unwrap_or(windowed),
            restrict_to,
        }
    }
}

/// A swap chain.
#[implement(IDXGISwapChain4)]
pub struct SwapChain {
    factory: IDXGIFactory,
    restrict_to: Option<IDXGIOutput>,
    screen: Arc<Screen>,
    /// The buffers go before the device does.
    state: Mutex<State>,
    /// The same device as `device`, for back buffers and presents.
    dxgi: Borrowed<IPvgpuDxgiDevice>,
    /// The same device, for its frame latency.
    limits: Borrowed<IDXGIDevice1>,
    /// The device as the program passed it.
    device: IUnknown,
    shared: Arc<Shared>,
    presenter: Option<Presenter>,
    /// The swap chain's number at the present sink.
    number: usize,
    private: PrivateData,
}

/// What changes in the life of a swap chain.
struct State {
    chain: Chain,
    buffers: Buffers,
    refresh: DXGI_RATIONAL,
    fullscreen_desc: DXGI_SWAP_CHAIN_FULLSCREEN_DESC,
    /// Presents so far, as `GetLastPresentCount` tells.
    presents: u32,
    /// `SetMaximumFrameLatency` of a swap chain with a waitable object.
    latency: u32,
    /// `SetSourceSize`.
    source: (u32, u32),
    /// `SetBackgroundColor`: red, green, blue, alpha.
    background: [f32; 4],
    /// `SetRotation`.
    rotation: Rotation,
    /// A present told only what of it was new: each picture builds on the one before.
    builds: bool,
}

impl State {
    /// The display mode that full-screen asks for.
    fn wish(&self) -> Mode {
        Mode {
            width: self.chain.width,
            height: self.chain.height,
            refresh: (self.refresh.Numerator, self.refresh.Denominator),
            format: self.chain.format,
            scanline_order: self.fullscreen_desc.ScanlineOrdering.0,
            scaling: self.fullscreen_desc.Scaling.0,
        }
    }
}

/// The result for a broken rule.
fn refused(broken: Broken) -> Error {
    debug::say(&format!("swap chain refused: {broken}"));
    match broken {
        Broken::Stereo | Broken::Flags(_) => DXGI_ERROR_UNSUPPORTED.into(),
        Broken::Format(format::UNKNOWN) | Broken::BlitFormat(_) => E_INVALIDARG.into(),
        _ => DXGI_ERROR_INVALID_CALL.into(),
    }
}

/// Makes a swap chain of `device`, whose parent is `factory`.
///
/// # Errors
/// `DXGI_ERROR_INVALID_CALL` for a description against DXGI's rules or a window that does not exist; `DXGI_ERROR_UNSUPPORTED` for
/// what cannot be served, or a device that is not ours; else what the device reports.
pub fn create(
    factory: IDXGIFactory,
    associations: Arc<Associations>,
    device: &IUnknown,
    creation: Creation,
) -> Result<IDXGISwapChain1> {
    if !creation.window.exists() {
        debug::say("swap chain refused: there is no such window");
        return Err(DXGI_ERROR_INVALID_CALL.into());
    }
    let ours = || {
        // SAFETY: the swap chain holds `device` longer than these.
        let dxgi = unsafe { Borrowed::<IPvgpuDxgiDevice>::of(device) }?;
        // SAFETY: as above.
        let buffers = Buffers::none(unsafe { Borrowed::of(device) }?);
        // SAFETY: as above.
        Ok::<_, Error>((dxgi, buffers, unsafe { Borrowed::<IDXGIDevice1>::of(device) }?))
    };
    let (dxgi, mut buffers, limits) = ours().map_err(|_| {
        debug::say("swap chain refused: the device was not made by pvgpu's d3d11.dll");
        DXGI_ERROR_UNSUPPORTED
    })?;
    let chain = creation.request.check(creation.window.client_size()).map_err(refused)?;
    buffers.make(&chain)?;
    let semaphore = chain.is_waitable().then(|| Semaphore::new(WAITABLE_LATENCY)).transpose()?;
    let shared = Arc::new(Shared::new(creation.window, semaphore));
    let presenter = Presenter::start(Arc::clone(&shared)).map_err(|_| E_OUTOFMEMORY)?;
    // SAFETY: both interfaces are live.
    unsafe { dxgi.SetPresentSink(Some(&sink::sink())) }.ok()?;
    let state = State {
        chain,
        buffers,
        refresh: creation.fullscreen.RefreshRate,
        fullscreen_desc: creation.fullscreen,
        presents: 0,
        latency: WAITABLE_LATENCY,
        source: (chain.width, chain.height),
        background: [0.0, 0.0, 0.0, 1.0],
        rotation: Rotation::Identity,
        builds: false,
    };
    let number = sink::register(&shared);
    let screen = Screen::new(creation.window, number, &shared, associations);
    screen.set_wish(state.wish(), chain.allows_mode_switch());
    let swap_chain = SwapChain {
        factory,
        restrict_to: creation.restrict_to,
        screen,
        state: Mutex::new(state),
        dxgi,
        limits,
        device: device.clone(),
        shared,
        presenter: Some(presenter),
        number,
        private: PrivateData::default(),
    };
    let interface: IDXGISwapChain1 =
        vtable::replace(IDXGISwapChain4::from(swap_chain), &table::SWAP_CHAIN).into();
    if !creation.fullscreen.Windowed.as_bool() {
        // SAFETY: the swap chain is live; no output means the one the window is on.
        unsafe { interface.SetFullscreenState(true, None) }?;
    }
    Ok(interface)
}

impl SwapChain {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the device is still there.
    fn is_alive(&self) -> bool {
        // SAFETY: the interface is live.
        unsafe { self.dxgi.RemovedReason() }.is_ok()
    }
}

impl Drop for SwapChain {
    fn drop(&mut self) {
        if run().saves_frames() {
            self.shared.drain(|| self.is_alive());
        }
        sink::unregister(self.number);
        drop(self.presenter.take());
        let _left = self.screen.leave();
    }
}
