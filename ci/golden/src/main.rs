//! Golden images: small Direct3D 11 programs, each of which isolates one feature.
//!
//! `pvgpu-golden --out DIR [--filter TEXT] [--after CASE] [CASE…]` runs cases offscreen on whichever d3d11.dll it finds. Each case leaves what it
//! rendered as `DIR/AREA/NAME.png` and what it computed as `DIR/AREA/NAME.txt`, and checks both against values computed on the
//! CPU where that is possible. `cargo xtask golden` runs it on pvgpu and on Wine's renderer, and compares.
//!
//! Standard output has two lines for each case, `begin NAME` and `end NAME VERDICT`, so that whoever reads it knows which case
//! has ended the program. A case that hangs ends the program with exit code 3.
//!
//! `cases` holds the cases, one file for each area, and no unsafe code; `kit` holds everything that cases share.

#[cfg(windows)]
mod cases;
#[cfg(windows)]
mod kit;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    kit::runner::main(&cases::all())
}

#[cfg(not(windows))]
fn main() {
    println!("pvgpu-golden is for Windows; `cargo xtask golden` starts it under Wine.");
}
