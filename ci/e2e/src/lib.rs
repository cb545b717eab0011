//! What the end-to-end tests share. The tests themselves are in `tests/`, one file per subject.
//!
//! Each test starts real processes: an X server, Wine, a Windows program and, for pvgpu, a `pvgpud` of its own with Vulkan's
//! validation layer on. What they need is built first; `cargo xtask test` installs the packages.

#![forbid(unsafe_code)]

pub mod background;
pub mod cable;
pub mod stream;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pvgpu_xtask::catalog::{self, Program};
use pvgpu_xtask::program::{Outcome, Output, Renderer, Request};
use pvgpu_xtask::wine::Display;
use pvgpu_xtask::{compare, kernel, paths, sdl, toolchain};

/// Which kernel-mode driver a program on pvgpu gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The one that is linked into our d3d11.dll.
    Linked,
    /// The file pvgpukmd.sys.
    Image,
}

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
        Renderer::Reference | Renderer::Other { .. } => *TOOLS.get_or_init(tools),
    }
}

/// Builds what the driver's image needs to run under Wine, like [`built`].
///
/// # Panics
/// If something does not build.
pub fn built_image() {
    static IMAGE: OnceLock<()> = OnceLock::new();
    IMAGE.get_or_init(|| {
        if std::env::var_os("PVGPU_BUILT").is_none() {
            kernel::build().expect("pvgpukmd.sys builds");
            toolchain::build_kernel_road().expect("its road builds");
        }
    });
}

/// Builds what a virtual machine with the driver's image needs, and the daemon, like [`built`].
///
/// # Panics
/// If something does not build.
pub fn built_vm() {
    if std::env::var_os("PVGPU_BUILT").is_none() {
        kernel::build().expect("pvgpukmd.sys builds");
        toolchain::build_host().expect("pvgpud builds");
        toolchain::build_vm().expect("the machine's program builds");
    }
}

/// The program of that name in the demo's catalog, ready to run on this renderer.
///
/// # Panics
/// If there is none, or something does not build.
pub fn program(name: &str, renderer: &Renderer) -> Program {
    built(renderer);
    sdl::ensure().expect("SDL's programs build");
    let found = catalog::programs().into_iter().find(|program| program.name == name);
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

/// Runs a program of the catalog on pvgpu with this driver and compares its frames, which are left in `target/e2e`, with those of
/// Wine's own renderer.
///
/// # Panics
/// If it fails, if a frame is too different, or if Vulkan's validation layer complains.
pub fn looks_like_the_reference(name: &str, driver: Driver) -> Outcome {
    let display = Display::start().expect("an X server starts");
    let renderer = Renderer::Pvgpu { link: None };
    let program = program(name, &renderer);
    if driver == Driver::Image {
        built_image();
    }
    let reference = program.reference(&display).expect("the reference renderer works");
    let folder = frames_folder(name, driver);
    let mut request = program.request(renderer, folder.clone());
    request.validate = true;
    request.kernel = driver == Driver::Image;
    let outcome = program.run_and_check(&request, &display).unwrap_or_else(|error| panic!("{error}"));
    let result = compare::folders(&reference, &folder).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        result.passes(),
        "frame {} in {} is too different: {result:?}",
        result.worst_frame,
        folder.display()
    );
    assert_validation_clean(&outcome);
    outcome
}

/// SDL's suite of render tests passes with this driver, and looks like the reference.
///
/// # Panics
/// If not.
pub fn sdl_suite_passes(driver: Driver) {
    let outcome = looks_like_the_reference("testautomation", driver);
    let output = fs::read_to_string(frames_folder("testautomation", driver).join("output.txt"));
    let output = output.expect("the output was kept");
    assert!(output.contains("Run Summary:") && output.contains("Failed=0"), "{output}");
    assert!(outcome.guest.is_some_and(|guest| guest.draws > 0), "pvgpud has drawn nothing");
}

/// Where a program's frames and output go.
fn frames_folder(name: &str, driver: Driver) -> PathBuf {
    paths::target(match driver {
        Driver::Linked => "e2e",
        Driver::Image => "e2e/image",
    })
    .join(name)
}

/// The validation layer has had nothing to say. Its messages name a rule of Vulkan's specification: `VUID-…`.
///
/// # Panics
/// If it has.
pub fn assert_validation_clean(outcome: &Outcome) {
    assert_log_clean(outcome.daemon_log.as_deref().unwrap_or(Path::new("")));
}

/// As [`assert_validation_clean`], for the log of a daemon.
///
/// # Panics
/// If the layer has had something to say.
pub fn assert_log_clean(log: &Path) {
    let text = fs::read_to_string(log).expect("the daemon has a log");
    let complaints: Vec<&str> = text.lines().filter(|line| line.contains("VUID-")).take(5).collect();
    assert!(complaints.is_empty(), "{}: {complaints:#?}", log.display());
}
