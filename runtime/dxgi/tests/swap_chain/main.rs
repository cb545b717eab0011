//! The built dxgi.dll from outside: swap chains on a device that renders nothing, in a real window.
//!
//! Runs on Windows and under Wine: build the library, then `cargo test --release --target x86_64-pc-windows-gnu` with
//! `wine` as the runner and `WINEDLLOVERRIDES=dxgi=n`. Elsewhere there is nothing to test.

#[cfg(windows)]
mod device;
#[cfg(windows)]
mod suite;

fn main() {
    #[cfg(windows)]
    suite::run();
}
