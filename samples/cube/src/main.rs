//! The `cube` sample's program; everything is in the library beside it.

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    sample_kit::run::<cube::Cubes>("cube")
}

#[cfg(not(windows))]
fn main() {
    eprintln!("cube is a Windows program: try `cargo xtask demo`");
}
