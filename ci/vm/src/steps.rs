//! The steps of the test, in the machine.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_dxgkrnl::strict::{Options, PciDevice, System};
use pvgpu_kernel_tests::image;
use pvgpu_kernel_tests::rig::{Ended, require};
use pvgpu_kernel_tests::user::UserContext;
use pvgpu_protocol::aperture::{MAGIC, guest_cell};
use pvgpu_protocol::kernel_interface::{adapter_state, wait_result};
use pvgpu_transport::Mapping;

use crate::device::Ivshmem;
use crate::frame::{self, SIZE};
use crate::init;

/// The host starts a worker with a software renderer, beside an emulated machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the host may take to do what this side has asked for on the console.
const HOST: Duration = Duration::from_secs(60);

/// Runs all steps on the device of a VFIO group.
///
/// # Errors
/// What went wrong, in a sentence.
pub fn run(group: &Path) -> Result<(), String> {
    let device = Ivshmem::open(group).map_err(|error| format!("the device does not open ({error})"))?;
    let device = Arc::new(device);
    // The memory outlives a reset, and so does the hello of a driver that was not stopped.
    let was_reset = cell(device.aperture(), guest_cell::MAGIC) == MAGIC;
    let options = Options { pci: Some(device.clone()), image: Some(image::shipped()), ..Options::default() };
    let system = System::boot(options).map_err(|error| error.to_string())?;
    let ended = steps(&system, &device, was_reset);
    system.unload();
    println!("pvgpu-vm: messages {}", device.messages());
    for violation in system.violations() {
        println!("pvgpu-vm: violation {violation}");
    }
    for line in system.debug_lines() {
        println!("pvgpu-vm: driver {}", line.trim_end());
    }
    ended.map_err(|failure| failure.to_string())
}

fn cell(mapping: &Mapping, index: usize) -> u64 {
    mapping.whole().as_ref()[index].load(Ordering::Acquire)
}

fn steps(system: &System, device: &Ivshmem, was_reset: bool) -> Ended {
    system.add_device()?;
    system.start()?;
    state(system, adapter_state::RUNNING, PATIENCE, "the adapter does not run")?;
    let peer = cell(device.aperture(), guest_cell::PEER);
    println!("pvgpu-vm: aperture {} peer {peer}", device.aperture().len());
    if !was_reset {
        render(system, device, "first")?;
        println!("pvgpu-vm: resets itself");
        init::reset();
        return require(false, "the machine does not restart");
    }
    render(system, device, "after-reset")?;

    system.stop()?;
    system.start()?;
    state(system, adapter_state::RUNNING, PATIENCE, "the adapter does not run after it was started again")?;
    render(system, device, "restarted")?;

    lose_host(system, "kill-worker")?;
    state(system, adapter_state::RUNNING, PATIENCE, "the adapter does not run on a new worker")?;
    render(system, device, "new-worker")?;

    lose_host(system, "kill-pvgpud")
}

fn state(system: &System, state: u32, patience: Duration, otherwise: &'static str) -> Ended {
    require(system.wait_for_state(state, patience), otherwise)
}

/// A process renders a frame; some of its pixels are printed.
fn render(system: &System, device: &Ivshmem, name: &str) -> Ended {
    let start = Instant::now();
    let messages = device.messages();
    let process = system.process();
    let kernel_device = process.open_device()?;
    let mut context = UserContext::create(&process, &kernel_device)?;
    context.rings = true;
    let frame = frame::render(&mut context)?;
    let at = |bytes: &[u8], x: u32, y: u32| {
        let first = (y * SIZE + x) as usize * 4;
        bytes[first..first + 4].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let corners = [(SIZE - 1, 0), (0, SIZE - 1), (SIZE / 4, SIZE * 3 / 4), (SIZE * 3 / 4, SIZE / 4)];
    let pixels = |bytes: &[u8]| corners.map(|(x, y)| at(bytes, x, y)).join(" ");
    println!("pvgpu-vm: {name} copied {}", pixels(&frame.copied));
    println!("pvgpu-vm: {name} presented {}", pixels(&frame.presented));
    let covered =
        frame.copied.as_chunks::<4>().0.iter().filter(|pixel| **pixel == [255, 102, 0, 255]).count();
    let ground = frame.copied.as_chunks::<4>().0.iter().filter(|pixel| **pixel == [0, 51, 102, 255]).count();
    println!("pvgpu-vm: {name} pixels {covered} {ground}");

    // How long a flush takes, there and back, when host and guest sleep in between.
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(5));
        let start = Instant::now();
        context.flush()?;
        context.wait(PATIENCE)?;
        times.push(start.elapsed());
    }
    times.sort();
    println!("pvgpu-vm: {name} round-trip-us {}", times[times.len() / 2].as_micros());
    println!("pvgpu-vm: {name} messages {}", device.messages() - messages);
    println!("pvgpu-vm: {name} ms {}", start.elapsed().as_millis());
    kernel_device.destroy();
    Ok(())
}

/// Asks the host to kill something, and waits until a program sees its device removed.
fn lose_host(system: &System, what: &str) -> Ended {
    let process = system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    context.rings = true;
    context.flush()?;
    context.wait(PATIENCE)?;
    println!("pvgpu-vm: please {what}");
    let asked = Instant::now();
    let deadline = asked + HOST;
    // A program that renders on sees it by a flush or a wait.
    loop {
        let flushed = context.flush();
        let waited = context.wait_result(context.value, Duration::from_millis(50));
        if flushed.is_err() || waited == Ok(wait_result::REMOVED) || waited.is_err() {
            break;
        }
        require(Instant::now() < deadline, "the host does not go")?;
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("pvgpu-vm: removed {what} {}", asked.elapsed().as_millis());
    device.destroy();
    Ok(())
}
