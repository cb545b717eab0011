//! SDL's own test programs: Windows programs that nobody here wrote.
//!
//! Their source is Debian's source package of SDL 2; SDL2.dll comes out of the wheel `pysdl2-dll` of the same version. Both are
//! fetched into `target/sdl` when needed and are not part of the project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::wheel::{self, WheelFile};
use crate::{Error, Result, paths, process, progress};

/// The DLL, of the version that Debian 12 has the source of.
const DLL: WheelFile =
    WheelFile { requirement: "pysdl2-dll==2.26.5", member: "sdl2dll/dll/SDL2.dll", folder: "sdl" };
/// Debian's name of the source package.
const SOURCE_PACKAGE: &str = "libsdl2";
/// Lists of source packages where apt finds its own lists of binary packages.
const APT_SOURCES: [&str; 2] = ["/etc/apt/sources.list", "/etc/apt/sources.list.d"];

/// The test programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Checks SDL's functions; `--filter Render` checks its renderer.
    pub testautomation: PathBuf,
    /// Moves sprites until its window is closed.
    pub testsprite2: PathBuf,
}

/// Fetches and builds the programs unless they are there already.
///
/// # Errors
/// If a download or the C compiler fails.
pub fn ensure() -> Result<Programs> {
    let folder = paths::target("sdl");
    let programs = Programs {
        testautomation: folder.join("testautomation.exe"),
        testsprite2: folder.join("testsprite2.exe"),
    };
    let dll = wheel::ensure(&DLL)?;
    if programs.testautomation.exists() && programs.testsprite2.exists() {
        return Ok(programs);
    }
    let source = source(&folder)?;
    progress::step("Building SDL's test programs", || {
        copy_pictures(&source.join("test"), &folder)?;
        let main = source.join("src/main/windows/SDL_windows_main.c");
        let mut shared = files(&source.join("src/test"), "SDL_test_")?;
        shared.push(main);
        let sprite = ["test/testsprite2.c", "test/testutils.c"].map(|file| source.join(file)).to_vec();
        let automation = files(&source.join("test"), "testautomation")?;
        // One compiler for each program, side by side.
        let (first, second) = thread::scope(|scope| {
            let sprite = scope
                .spawn(|| compile(&source, &dll, &[sprite, shared.clone()].concat(), &programs.testsprite2));
            let automation =
                compile(&source, &dll, &[automation, shared.clone()].concat(), &programs.testautomation);
            (
                sprite.join().unwrap_or_else(|_| Err(Error::Failed("the building thread died".to_owned()))),
                automation,
            )
        });
        first.and(second)
    })?;
    Ok(programs)
}

/// Fetches and unpacks SDL's source; returns its top folder.
fn source(folder: &Path) -> Result<PathBuf> {
    let unpacked = folder.join("source");
    if unpacked.exists() {
        return Ok(unpacked);
    }
    progress::step("Fetching SDL's source package", || {
        let apt = folder.join("apt");
        for part in ["lists/partial", "cache/archives/partial", "sources", "download"] {
            let part = apt.join(part);
            fs::create_dir_all(&part).map_err(Error::io("make", &part))?;
        }
        add_source_lists(&apt.join("sources"))?;
        // A list that does not exist for source packages makes `update` fail; what counts is whether SDL's is there.
        if let Err(error) = process::run_quietly(apt_get(&apt).arg("update")) {
            eprintln!("    {error}; going on");
        }
        process::run_quietly(
            apt_get(&apt)
                .args(["source", "--download-only", SOURCE_PACKAGE])
                .current_dir(apt.join("download")),
        )?;
        let archive = files(&apt.join("download"), "")?
            .into_iter()
            .find(|file| file.to_string_lossy().contains(".orig.tar"));
        let archive = archive
            .ok_or_else(|| Error::Failed(format!("{SOURCE_PACKAGE} has no original source archive")))?;
        let fresh = folder.join("source.new");
        fs::create_dir_all(&fresh).map_err(Error::io("make", &fresh))?;
        process::run_quietly(
            Command::new("tar")
                .arg("--extract")
                .arg("--file")
                .arg(archive)
                .args(["--strip-components", "1"])
                .current_dir(&fresh),
        )?;
        fs::rename(&fresh, &unpacked).map_err(Error::io("name", &unpacked))
    })?;
    Ok(unpacked)
}

/// `apt-get` with lists of its own, so that the machine's are left alone and no special rights are needed.
fn apt_get(apt: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let mut option = |name: &str, value: &Path| {
        command.arg("--option").arg(format!("{name}={}", value.display()));
    };
    option("Dir::Etc::sourcelist", Path::new("/dev/null"));
    option("Dir::Etc::sourceparts", &apt.join("sources"));
    option("Dir::State::lists", &apt.join("lists"));
    option("Dir::Cache", &apt.join("cache"));
    // Otherwise root's apt downloads as another user, who may not write here.
    command.args(["--option", "APT::Sandbox::User=", "--quiet"]);
    command
}

/// Writes the machine's lists of binary packages as lists of source packages.
fn add_source_lists(folder: &Path) -> Result<()> {
    let mut lists = Vec::new();
    for place in APT_SOURCES.map(Path::new) {
        if place.is_dir() {
            lists.extend(files(place, "")?);
        } else if place.exists() {
            lists.push(place.to_owned());
        }
    }
    for list in lists {
        let extension = list.extension().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&list).map_err(Error::io("read", &list))?;
        let Some(text) = as_source_list(&extension, &text) else { continue };
        let copy = folder.join(list.file_name().unwrap_or_default());
        fs::write(&copy, text).map_err(Error::io("write", &copy))?;
    }
    Ok(())
}

/// A list in one of apt's two formats with "binary packages" replaced by "source packages"; None for other files.
fn as_source_list(extension: &str, text: &str) -> Option<String> {
    let line = |line: &str| match extension {
        "list" => line.strip_prefix("deb ").map(|rest| format!("deb-src {rest}")),
        _ if line.starts_with("Types:") => Some("Types: deb-src".to_owned()),
        _ => Some(line.to_owned()),
    };
    matches!(extension, "list" | "sources")
        .then(|| text.lines().filter_map(line).map(|line| line + "\n").collect())
}

fn compile(source: &Path, dll: &Path, files: &[PathBuf], program: &Path) -> Result<()> {
    let mut gcc = Command::new("x86_64-w64-mingw32-gcc");
    // `-w`: warnings about SDL's code help nobody here.
    gcc.args(["-O1", "-w", "-I"]).arg(source.join("include")).arg("-o").arg(program);
    process::run_quietly(gcc.args(files).arg(dll).args(["-lshell32", "-luser32", "-lole32"])).map(|_| ())
}

/// The pictures that the programs load from their own folder.
fn copy_pictures(from: &Path, to: &Path) -> Result<()> {
    for picture in
        files(from, "")?.iter().filter(|file| file.extension().is_some_and(|extension| extension == "bmp"))
    {
        fs::copy(picture, to.join(picture.file_name().unwrap_or_default()))
            .map_err(Error::io("copy", picture))?;
    }
    Ok(())
}

/// The C files (or, without a prefix, all files) of a folder whose names start with `prefix`, sorted.
fn files(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .filter(|path| {
            path.is_file()
                && (prefix.is_empty() || path.extension().is_some_and(|extension| extension == "c"))
        })
        .collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_become_source_lists() {
        let old = "# comment\ndeb http://mirror.example/debian bookworm main\ndeb-src http://x y z\n";
        assert_eq!(
            as_source_list("list", old).as_deref(),
            Some("deb-src http://mirror.example/debian bookworm main\n")
        );
        let new = "Types: deb\nURIs: http://mirror.example/debian\n";
        assert_eq!(
            as_source_list("sources", new).as_deref(),
            Some("Types: deb-src\nURIs: http://mirror.example/debian\n")
        );
        assert_eq!(as_source_list("disabled", new), None);
    }
}
