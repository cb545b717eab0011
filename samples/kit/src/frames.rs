//! The frame loop of every sample: draws, presents, follows the window's size, and survives a lost device if asked to.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use windows::core::Result;

use crate::{Error, Gpu, Options, Window, hresult_name, is_device_lost};

/// The exit code for a lost device.
const EXIT_DEVICE_LOST: u8 = 3;
/// With `--recreate`: how often a new device is tried, and how long to wait before each try.
const RECREATE_TRIES: u32 = 10;
const RECREATE_PAUSE: Duration = Duration::from_secs(1);

/// What a sample draws.
pub trait Scene: Sized {
    /// The client area's size at the start.
    const SIZE: (u32, u32) = (640, 480);
    /// A size that the window takes half-way, if any.
    const SIZE_FROM_HALF: Option<(u32, u32)> = None;

    /// Makes everything that stays the same from frame to frame.
    ///
    /// # Errors
    /// What Direct3D reports.
    fn new(gpu: &Gpu) -> Result<Self>;

    /// Draws frame `frame` (from 0) to the back buffer. The context's state is whatever the last frame left.
    ///
    /// # Errors
    /// What Direct3D reports, or a wrong result.
    fn draw(&mut self, gpu: &Gpu, frame: u32) -> std::result::Result<(), Error>;
}

/// Runs a sample to its end and prints one line: frames and frames per second.
///
/// Exit codes: 0 all frames shown or window closed, 1 something failed, 2 wrong command line, 3 device lost.
pub fn run<S: Scene>(name: &str) -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let mut shown = 0;
    let start = Instant::now();
    let outcome = show::<S>(name, &options, &mut shown);
    let seconds = start.elapsed().as_secs_f64();
    println!("{name}: {shown} frames, {:.1} fps", f64::from(shown) / seconds);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Windows(error)) if is_device_lost(error.code()) => ExitCode::from(EXIT_DEVICE_LOST),
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Opens the window and shows frames, on a second and third device if need be. `shown` counts presented frames.
fn show<S: Scene>(name: &str, options: &Options, shown: &mut u32) -> std::result::Result<(), Error> {
    let window = Window::open(name, S::SIZE.0, S::SIZE.1)?;
    // Once a device was lost: the error it was lost with, and how many tries for a new one are left.
    let mut lost: Option<(windows::core::Error, u32)> = None;
    loop {
        let mut gpu = None;
        let before = *shown;
        let error = match show_on_one_device::<S>(options, &window, &mut gpu, shown) {
            Ok(()) => return Ok(()),
            Err(Error::Windows(error)) => error,
            Err(error) => return Err(error),
        };
        lost = match lost {
            // The new device could not be made, or was lost before its first frame.
            Some((first, tries)) if *shown == before => Some((first, tries - 1)),
            _ if is_device_lost(error.code()) => {
                let reason = gpu.as_ref().and_then(Gpu::removed_reason).unwrap_or_else(|| error.clone());
                eprintln!(
                    "{name}: device lost after {shown} frames: {} (reason: {})",
                    hresult_name(error.code()).unwrap_or("unknown"),
                    hresult_name(reason.code()).unwrap_or("unknown"),
                );
                Some((error, if options.recreate { RECREATE_TRIES } else { 0 }))
            }
            _ => return Err(error.into()),
        };
        if let Some((first, 0)) = lost {
            return Err(first.into());
        }
        drop(gpu);
        thread::sleep(RECREATE_PAUSE);
        if !window.pump() {
            return Ok(());
        }
    }
}

/// Makes a device and shows frames on it until all are shown, the window is closed or a call fails.
fn show_on_one_device<S: Scene>(
    options: &Options,
    window: &Window,
    slot: &mut Option<Gpu>,
    shown: &mut u32,
) -> std::result::Result<(), Error> {
    let gpu = slot.insert(Gpu::new(window, options.flip)?);
    let mut scene = S::new(gpu)?;
    while *shown < options.frames && window.pump() {
        if let Some((width, height)) = S::SIZE_FROM_HALF.filter(|_| *shown == options.frames / 2) {
            window.set_client_size(width, height)?;
        }
        let size = window.client_size();
        if size.0 == 0 || size.1 == 0 {
            // Minimised: nothing to draw to.
            thread::sleep(Duration::from_millis(20));
            continue;
        }
        if size != gpu.size() {
            gpu.resize(size.0, size.1)?;
        }
        scene.draw(gpu, *shown)?;
        gpu.present()?;
        *shown += 1;
    }
    Ok(())
}
