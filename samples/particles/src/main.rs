//! The `particles` sample's program; everything is in the library beside it.

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    sample_kit::run::<particles::Particles>("particles")
}

#[cfg(not(windows))]
fn main() {
    eprintln!("particles is a Windows program: try `cargo xtask demo`");
}
