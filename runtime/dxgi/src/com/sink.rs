//! Receives frames from d3d11.dll and hands each to the presenter of its swap chain.
//!
//! One sink serves all devices of the process: a present's `dxgi_context` is the number of its swap chain here.

#![expect(unsafe_code, reason = "implements and calls COM interfaces")]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pvgpu_interfaces::{IPvgpuFrame, IPvgpuPresentSink, IPvgpuPresentSink_Impl, PvgpuFrameDesc};
use windows_core::{Interface, Result, implement};

use super::presenter::Shared;
use crate::present::compose::Picture;

/// A frame on its way to the window.
pub struct Frame(IPvgpuFrame);

// SAFETY: `IPvgpuFrame` is free-threaded, as its contract says: frames are taken on one thread and released on another.
unsafe impl Send for Frame {}

impl Frame {
    /// Copies the frame out of shared memory; `picture`'s memory is used again.
    ///
    /// # Errors
    /// What d3d11.dll reports.
    pub fn copy_to(&self, picture: &mut Picture) -> Result<()> {
        let mut desc = PvgpuFrameDesc::default();
        // SAFETY: `desc` is valid for writing.
        unsafe { self.0.GetDesc(&mut desc) }.ok()?;
        picture.pixels.resize(desc.row_pitch as usize * desc.height as usize, 0);
        (picture.width, picture.height) = (desc.width, desc.height);
        // SAFETY: the vector has exactly as many bytes as are said here.
        unsafe { self.0.CopyTo(picture.pixels.as_mut_ptr(), picture.pixels.len()) }.ok()?;
        picture.close_rows(desc.row_pitch as usize);
        Ok(())
    }
}

/// The swap chains of the process by number.
static CHAINS: Mutex<BTreeMap<usize, Arc<Shared>>> = Mutex::new(BTreeMap::new());
/// The number of the next swap chain; 0 is none.
static NEXT: AtomicUsize = AtomicUsize::new(1);

fn chains() -> MutexGuard<'static, BTreeMap<usize, Arc<Shared>>> {
    CHAINS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets frames reach a swap chain; returns its number.
pub fn register(shared: &Arc<Shared>) -> usize {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    chains().insert(number, Arc::clone(shared));
    number
}

/// Frames of this swap chain are dropped from now on.
pub fn unregister(number: usize) {
    let removed = chains().remove(&number);
    drop(removed);
}

/// All swap chains of the process.
pub fn all() -> Vec<Arc<Shared>> {
    chains().values().cloned().collect()
}

/// The sink as d3d11.dll sees it.
#[implement(IPvgpuPresentSink)]
struct Sink;

/// A sink for one device.
pub fn sink() -> IPvgpuPresentSink {
    Sink.into()
}

impl IPvgpuPresentSink_Impl for Sink_Impl {
    unsafe fn FrameReady(&self, dxgi_context: usize, frame: *mut c_void) {
        // SAFETY: d3d11.dll passes an `IPvgpuFrame` or null; it stays valid during the call.
        let Some(frame) = (unsafe { IPvgpuFrame::from_raw_borrowed(&frame) }) else { return };
        let shared = chains().get(&dxgi_context).cloned();
        if let Some(shared) = shared {
            shared.deliver(Frame(frame.clone()));
        }
    }
}
