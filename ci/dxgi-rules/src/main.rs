//! Checks pvgpu's dxgi.dll from outside: swap chains on a device that renders nothing, in a real window.
//!
//! The device stands in for our d3d11.dll at the private interface between the two, so that presents can be refused, delayed and
//! lost at will. Each test prints a line; the first that fails ends the program with the panic's message. With an argument,
//! only tests whose names contain it are run.

#[cfg(windows)]
mod device;
#[cfg(windows)]
mod frames;
#[cfg(windows)]
mod nulls;
#[cfg(windows)]
mod rules;
#[cfg(windows)]
mod screen;

#[cfg(windows)]
fn main() {
    rules::run();
}

#[cfg(not(windows))]
fn main() {
    println!("dxgi-rules is for Windows; `cargo xtask run` starts it under Wine.");
}
