//! The template prefix and the private copies of it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::display::SCREEN;
use crate::{Error, Result, paths, process, progress};

/// Changes when the template is made in another way, so that old ones are made anew.
const TEMPLATE_VERSION: &str = "1";
/// DLLs that Wine must not look for: without .NET and Gecko no dialogue asks to install them.
const NEVER_LOADED: &str = "mscoree,mshtml=;winemenubuilder.exe=d";
/// Where a copy takes links instead of files: Wine's own DLLs and programs.
const SHARED: &str = "drive_c/windows";

/// A private copy of the template; its processes end and it disappears with this value.
pub struct Prefix {
    folder: PathBuf,
}

impl Prefix {
    /// Copies the template, which is made first if need be.
    ///
    /// # Errors
    /// If Wine cannot make the template, or a file cannot be copied.
    pub fn new() -> Result<Self> {
        // One process may run several programs at once.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let template = template()?;
        remove_abandoned();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let prefix = Self { folder: paths::target(&format!("wine/run-{}-{number}", std::process::id())) };
        copy(&template, &prefix.folder, Path::new(""))?;
        Ok(prefix)
    }

    /// Puts a DLL into the prefix's system folder, in the place of Wine's own.
    ///
    /// # Errors
    /// If the file cannot be copied.
    pub fn install(&self, dll: &Path) -> Result<()> {
        self.install_as(dll, dll.file_name().unwrap_or_default())
    }

    /// Puts a DLL there under another name.
    ///
    /// # Errors
    /// If the file cannot be copied.
    pub fn install_as(&self, dll: &Path, name: impl AsRef<Path>) -> Result<()> {
        let place = self.folder.join(SHARED).join("system32").join(name);
        // The old file is a link to the template's, so it must be unlinked, not overwritten.
        match fs::remove_file(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("replace", &place)(error));
            }
            _ => {}
        }
        fs::copy(dll, &place).map_err(Error::io("install", dll))?;
        Ok(())
    }

    /// Gives programs a desktop of Wine's own in place of the X server's screen: with display modes to choose from, of
    /// which a headless X server has one only. Before the first program of the prefix.
    ///
    /// # Errors
    /// If the registry's file cannot be written.
    pub fn use_desktop(&self) -> Result<()> {
        let registry = self.folder.join("user.reg");
        let keys = format!(
            "\n[Software\\\\Wine\\\\Explorer]\n\"Desktop\"=\"Default\"\n\n[Software\\\\Wine\\\\Explorer\\\\Desktops]\n\
             \"Default\"=\"{SCREEN}\"\n"
        );
        let file = File::options().append(true).open(&registry);
        file.and_then(|mut file| file.write_all(keys.as_bytes())).map_err(Error::io("write", &registry))
    }

    /// A command that runs a Windows program. `overrides` says in Wine's own notation where DLLs must come from: `d3d11=n` for
    /// a file that is not Wine's, `d3d11=b` for Wine's own, whatever lies beside the program.
    pub fn wine(&self, overrides: &str) -> Command {
        let mut wine = wine(&self.folder);
        wine.env("WINEDLLOVERRIDES", format!("{NEVER_LOADED};{overrides}"));
        wine
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        let mut server = Command::new("wineserver");
        server.env("WINEPREFIX", &self.folder);
        // Each fails only if no Wine process is left, which is what is wanted.
        let _ended = server.arg("--kill").output();
        let _waited = Command::new("wineserver").env("WINEPREFIX", &self.folder).arg("--wait").output();
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("warning: cannot remove {}: {error}", self.folder.display());
        }
    }
}

/// Makes the template prefix unless it is there already; returns its folder.
///
/// # Errors
/// If Wine fails.
pub fn template() -> Result<PathBuf> {
    let parent = paths::target("wine");
    fs::create_dir_all(&parent).map_err(Error::io("make", &parent))?;
    // Two tasks at once: the second waits here and then finds the first one's template.
    let lock = parent.join("lock");
    let lock_file = File::create(&lock).map_err(Error::io("make", &lock))?;
    lock_file.lock().map_err(Error::io("lock", &lock))?;

    let folder = parent.join("prefix");
    let version = Command::new("wine").arg("--version").output();
    let version = version.map_err(|source| Error::Io { what: "cannot start `wine`".to_owned(), source })?;
    let stamp = format!("{TEMPLATE_VERSION} {}", String::from_utf8_lossy(&version.stdout).trim());
    let stamp_file = folder.join("pvgpu-template");
    if fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
        return Ok(folder);
    }
    progress::step("Making a Wine prefix", || {
        remove_if_there(&folder)?;
        process::run_quietly(wine(&folder).args(["wineboot", "--init"]))?;
        // Programs look at the version; Windows 10 is what pvgpu is for.
        process::run_quietly(wine(&folder).args([
            "reg",
            "add",
            r"HKCU\Software\Wine",
            "/v",
            "Version",
            "/d",
            "win10",
            "/f",
        ]))?;
        process::run_quietly(Command::new("wineserver").env("WINEPREFIX", &folder).arg("--wait"))?;
        detach_from_home(&folder.join("drive_c/users"))?;
        fs::write(&stamp_file, stamp).map_err(Error::io("write", &stamp_file))
    })?;
    Ok(folder)
}

/// Wine on a prefix, without a display and without debug output unless the user's environment asks for it.
fn wine(folder: &Path) -> Command {
    let mut wine = Command::new("wine");
    wine.env("WINEPREFIX", folder)
        .env("WINEARCH", "win64")
        .env("WINEDLLOVERRIDES", NEVER_LOADED)
        .env_remove("DISPLAY");
    if std::env::var_os("WINEDEBUG").is_none() {
        wine.env("WINEDEBUG", "-all");
    }
    wine
}

/// Wine links Documents, Desktop and so on to the user's own folders: real folders take the links' places.
fn detach_from_home(users: &Path) -> Result<()> {
    for user in entries(users)?.into_iter().filter(|path| path.is_dir()) {
        for link in entries(&user)?.into_iter().filter(|path| path.is_symlink()) {
            fs::remove_file(&link).map_err(Error::io("remove", &link))?;
            fs::create_dir(&link).map_err(Error::io("make", &link))?;
        }
    }
    Ok(())
}

/// Copies `template/inside` to `copy/inside`: symbolic links as they are, Wine's own files as hard links, the rest for real.
fn copy(template: &Path, copy_root: &Path, inside: &Path) -> Result<()> {
    let folder = copy_root.join(inside);
    fs::create_dir_all(&folder).map_err(Error::io("make", &folder))?;
    for from in entries(&template.join(inside))? {
        let inside = inside.join(from.file_name().unwrap_or_default());
        let to = copy_root.join(&inside);
        let done = if from.is_symlink() {
            fs::read_link(&from).and_then(|aim| std::os::unix::fs::symlink(aim, &to))
        } else if from.is_dir() {
            copy(template, copy_root, &inside)?;
            Ok(())
        } else if inside.starts_with(SHARED) {
            fs::hard_link(&from, &to)
        } else {
            fs::copy(&from, &to).map(|_| ())
        };
        done.map_err(Error::io("copy to", &to))?;
    }
    Ok(())
}

/// Removes copies that a killed xtask has left.
fn remove_abandoned() {
    for folder in entries(&paths::target("wine")).unwrap_or_default() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let owner = name.strip_prefix("run-").and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            // Failing to tidy up must not keep a program from running.
            let _removed = fs::remove_dir_all(folder);
        }
    }
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(Error::io("read", folder))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn copies_share_wines_files_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("pvgpu-prefix-test-{}", std::process::id()));
        let (template, to) = (folder.join("template"), folder.join("copy"));
        fs::create_dir_all(template.join("drive_c/windows/system32")).expect("a folder can be made");
        fs::create_dir_all(template.join("dosdevices")).expect("a folder can be made");
        let (dll, registry) = ("drive_c/windows/system32/d3d11.dll", "system.reg");
        for file in [dll, registry] {
            fs::write(template.join(file), "of the template").expect("a file can be written");
        }
        symlink("../drive_c", template.join("dosdevices/c:")).expect("a link can be made");

        copy(&template, &to, Path::new("")).expect("the template can be copied");
        let same = |file: &str| {
            let number = |root: &Path| fs::metadata(root.join(file)).expect("the file is there").ino();
            number(&template) == number(&to)
        };
        assert!(same(dll) && !same(registry));
        assert_eq!(fs::read_link(to.join("dosdevices/c:")).expect("a link"), Path::new("../drive_c"));

        // Replacing a DLL in the copy leaves the template's alone.
        let ours = folder.join("d3d11.dll");
        fs::write(&ours, "ours").expect("a file can be written");
        let prefix = std::mem::ManuallyDrop::new(Prefix { folder: to.clone() });
        prefix.install(&ours).expect("the DLL can be installed");
        assert_eq!(fs::read_to_string(to.join(dll)).expect("the file is there"), "ours");
        assert_eq!(fs::read_to_string(template.join(dll)).expect("the file is there"), "of the template");
        fs::remove_dir_all(&folder).expect("the folder can be removed");
    }
}
