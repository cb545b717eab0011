//! What the end-to-end tests share. The tests themselves are in `tests/`, one file per subject.
//!
//! Each test starts real processes: an X server, Wine, a Windows program and, for pvgpu, a `pvgpud` of its own with Vulkan's
//! validation layer on. What they need is built first; `cargo xtask test` installs the packages.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pvgpu_xtask::catalog::{self, Program};
use pvgpu_xtask::program::{Output, Renderer, Request};
use pvgpu_xtask::{paths, sdl, toolchain};

/// Builds what a run on this renderer needs, once per test process; not at all with `PVGPU_BUILT` in the environment, by which
/// `cargo xtask test` says that it has just done so.
///
/// # Panics
/// If something does not build.
pub fn built(renderer: &Renderer) {
    static PVGPU: OnceLock<()> = OnceLock::new();
    static TOOLS: OnceLock<()> = OnceLock::new();
    let tools = || toolchain::build_windows_tools().expect("the Windows samples and tools build");
    let all = || {
        toolchain::build_host().expect("pvgpud builds");
        toolchain::build_windows().expect("the Windows programs build");
    };
    match renderer {
        _ if std::env::var_os("PVGPU_BUILT").is_some() => {}
        Renderer::Pvgpu { .. } => *PVGPU.get_or_init(all),
        Renderer::Reference => *TOOLS.get_or_init(tools),
    }
}

/// The program of that name in the demo's catalog, ready to run on this renderer.
///
/// # Panics
/// If there is none, or something does not build.
pub fn program(name: &str, renderer: &Renderer) -> Program {
    built(renderer);
    let found = catalog::programs(&sdl::ensure().expect("SDL's programs build"))
        .into_iter()
        .find(|program| program.name == name);
    found.unwrap_or_else(|| panic!("the catalog has no {name}"))
}

/// A run of one of the samples, whose output goes to the file that is returned too.
pub fn sample(test: &str, file: &str, arguments: &[&str], renderer: Renderer) -> (Request, PathBuf) {
    built(&renderer);
    let output = paths::target("e2e").join(test).join("output.txt");
    let request = Request {
        arguments: arguments.iter().map(Into::into).collect(),
        timeout: Some(Duration::from_secs(60)),
        output: Output::File(output.clone()),
        validate: true,
        ..Request::new(renderer, paths::windows_file(file))
    };
    (request, output)
}

/// Looks again and again until there is something, for at most `limit`.
///
/// # Panics
/// If time runs out; `what` says what was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {} s in vain for {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}
