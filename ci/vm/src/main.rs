//! `/init` of the virtual machine of `ci/e2e/tests/ivshmem.rs`: runs pvgpukmd.sys, the file, on QEMU's ivshmem device.
//!
//! A Linux kernel has started it as its first process. It gives the PCI device to itself through VFIO and runs the driver's image
//! on it under the strict model of dxgkrnl: real registers, real shared memory, real message-signalled interrupts. What it finds
//! out it prints on the console, one line a finding, `pvgpu-vm: NAME VALUE …`; the test on the host judges that. Its steps:
//!
//! 1. a frame, which pvgpud on the host renders;
//! 2. the machine is reset without a word to the driver, boots again, and the driver of this start renders in the same memory;
//! 3. the driver is stopped and started, and renders again;
//! 4. the host kills the worker: the driver sees it, begins anew, and renders again;
//! 5. the host kills pvgpud: the driver sees it;
//! 6. the driver is unloaded; what it did wrong is printed.

#[cfg(target_os = "linux")]
mod device;
#[cfg(target_os = "linux")]
mod frame;
#[cfg(target_os = "linux")]
mod init;
#[cfg(target_os = "linux")]
mod steps;
#[cfg(target_os = "linux")]
mod vfio;

#[cfg(target_os = "linux")]
fn main() {
    init::run(steps::run);
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this is a part of a test on Linux");
}
