//! `cargo xtask client [NAME…]`: programs and libraries that nobody here wrote, on pvgpu, frame by frame beside Wine's own renderer.
//!
//! They come out of the public package registries into `target` when they are needed and are never committed: SDL's test programs
//! (Debian's source package and a wheel), ANGLE, which makes Direct3D 11 of OpenGL ES (a wheel; driven by SDL's `testgles2`), and
//! sokol's headers (a crate; driven by `ci/clients/shapes.c`).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::catalog::Program;
use crate::compare::{self, Match};
use crate::program::{Outcome, Renderer};
use crate::table::Table;
use crate::wine::Display;
use crate::{Error, Result, packages, paths, process, progress, sdl, toolchain, wheel};

/// Frames of each program that are compared.
const FRAMES: u32 = 40;
/// The wheel with ANGLE's DLLs for Windows, and the files in it.
const ANGLE: &str = "kivy_deps.angle==0.5.0";
const ANGLE_FILES: [&str; 3] = [
    "kivy_deps_angle-0.5.0.data/data/share/angle/bin/libEGL.dll",
    "kivy_deps_angle-0.5.0.data/data/share/angle/bin/libGLESv2.dll",
    "kivy_deps_angle-0.5.0.data/data/share/angle/bin/d3dcompiler_47.dll",
];
/// The crate with sokol's headers.
const SOKOL: &str = "sokol = \"=0.3.0\"";

/// What is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Names of clients; none for all.
    pub names: Vec<String>,
    /// Build nothing of ours.
    pub built: bool,
}

/// What one program showed.
#[derive(Debug)]
pub struct Shown {
    /// How it ended.
    pub outcome: Outcome,
    /// How its frames compare with those of Wine's own renderer.
    pub matching: Match,
}

/// Fetches and builds the clients.
///
/// # Errors
/// If a download or a compiler fails.
pub fn ensure() -> Result<()> {
    sdl::ensure_all()?;
    angle()?;
    sokol()
}

/// All clients. Their files need not be there yet.
pub fn all() -> Vec<Program> {
    let direct3d11 = || vec![("SDL_RENDER_DRIVER", "direct3d11".to_owned())];
    let drawing = |name: &&'static str| {
        let arguments = match *name {
            // With a number of iterations the sprites' places do not depend on the time of day.
            "testsprite2" => &["--info", "render", "--iterations", "100000"][..],
            _ => &[],
        };
        // These two show one frame and then wait for keys and files.
        let frames = if ["checkkeysthreads", "testdropfile"].contains(name) { 1 } else { FRAMES };
        Program::other(name, sdl::program(name), arguments, direct3d11(), frames)
    };
    let mut clients: Vec<Program> = sdl::DRAWING.iter().map(drawing).collect();
    // SDL looks for OpenGL ES in the DLLs beside the program rather than in the driver of OpenGL.
    let egl = vec![("SDL_OPENGL_ES_DRIVER", "1".to_owned())];
    clients.push(Program::other("angle", angle_folder().join("testgles2.exe"), &[], egl, FRAMES));
    clients.push(Program::other("sokol", sokol_folder().join("shapes.exe"), &[], Vec::new(), FRAMES));
    clients
}

fn angle_folder() -> PathBuf {
    paths::target("clients/angle")
}

fn sokol_folder() -> PathBuf {
    paths::target("clients/sokol")
}

/// ANGLE's DLLs, and the program that draws with them in the same folder.
fn angle() -> Result<()> {
    let folder = angle_folder();
    wheel::ensure_members(ANGLE, &ANGLE_FILES, "clients/angle")?;
    for file in [sdl::program(sdl::GLES2), paths::target("sdl/SDL2.dll")] {
        let place = folder.join(file.file_name().unwrap_or_default());
        fs::copy(&file, place).map_err(Error::io("copy", &file))?;
    }
    Ok(())
}

/// sokol's headers, and the program that is built with them.
fn sokol() -> Result<()> {
    let (folder, source) = (sokol_folder(), paths::root().join("ci/clients/shapes.c"));
    let (program, headers) = (folder.join("shapes.exe"), folder.join("vendor/sokol/src/sokol"));
    let age = |file: &PathBuf| fs::metadata(file).and_then(|data| data.modified()).ok();
    if age(&program).is_some_and(|built| age(&source).is_some_and(|written| written < built)) {
        return Ok(());
    }
    progress::step("Building the program that draws with sokol", || {
        if !headers.exists() {
            let package = format!(
                "[package]\nname = \"headers\"\nversion = \"0.0.0\"\n\n[dependencies]\n{SOKOL}\n\n[workspace]\n"
            );
            let (manifest, library) = (folder.join("Cargo.toml"), folder.join("src/lib.rs"));
            fs::create_dir_all(folder.join("src")).map_err(Error::io("make", &folder))?;
            fs::write(&manifest, package).map_err(Error::io("write", &manifest))?;
            fs::write(&library, "").map_err(Error::io("write", &library))?;
            process::run_quietly(toolchain::cargo().current_dir(&folder).args(["vendor", "--quiet"]))?;
        }
        let mut gcc = Command::new("x86_64-w64-mingw32-gcc");
        gcc.args(["-O1", "-w", "-I"]).arg(&headers).arg("-o").arg(&program).arg(&source);
        process::run_quietly(gcc.args(["-ld3d11", "-ldxgi", "-lole32", "-lgdi32", "-ldxguid"])).map(|_| ())
    })
}

/// Runs clients (all without names) and compares; the exit code is 1 if one fails or looks different.
///
/// # Errors
/// If something that all clients need is missing or does not build, or a name is unknown.
pub fn task(Options { names, built }: &Options) -> Result<ExitCode> {
    let clients = all();
    if let Some(unknown) = names.iter().find(|name| !clients.iter().any(|client| client.name == **name)) {
        let known: Vec<&str> = clients.iter().map(|client| client.name).collect();
        return Err(Error::Usage(format!("there is no client \"{unknown}\": {}", known.join(", "))));
    }
    packages::ensure(packages::Purpose::Programs)?;
    ensure()?;
    if !built {
        toolchain::build_host()?;
        toolchain::build_windows()?;
    }
    let display = Display::start()?;
    let mut table = Table::new(&["client", "frames", "draws", "image match", "largest difference"]);
    let mut failures = Vec::new();
    for client in
        clients.iter().filter(|client| names.is_empty() || names.iter().any(|name| client.name == name))
    {
        match show(client, false, &display) {
            Ok(Shown { outcome, matching }) => {
                if !matching.passes() {
                    failures.push(format!("{}: frame {} does not match", client.name, matching.worst_frame));
                }
                table.push(vec![
                    client.name.to_owned(),
                    matching.frames.to_string(),
                    outcome.guest.map_or_else(|| "–".to_owned(), |guest| guest.draws.to_string()),
                    format!("{:.2} %", matching.worst * 100.0),
                    matching.largest_difference.to_string(),
                ]);
            }
            Err(error) => failures.push(format!("{}: {error}", client.name)),
        }
    }
    println!("\n{table}");
    println!("Frames are in {}.", folder("").display());
    for failure in &failures {
        eprintln!("FAILED {failure}");
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a client's frames go.
fn folder(client: &str) -> PathBuf {
    paths::target("client").join(client)
}

/// Runs one client on pvgpu, and on Wine's own renderer unless its frames are there, and compares.
///
/// # Errors
/// If it cannot be started, fails, or presents other frames than on Wine's renderer.
pub fn show(client: &Program, validate: bool, display: &Display) -> Result<Shown> {
    let reference = client.reference(display)?;
    let mut request = client.request(Renderer::Pvgpu { link: None }, folder(client.name));
    request.validate = validate;
    let outcome = progress::step(format!("Running {} on pvgpu", client.name), || {
        client.run_and_check(&request, display)
    })?;
    let matching = compare::folders(&reference, &folder(client.name))?;
    Ok(Shown { outcome, matching })
}
