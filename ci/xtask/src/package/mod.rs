//! `cargo xtask package`: the signed driver package in `target/package/pvgpu`, and the checks that it must pass.
//!
//! The order matters: the files are built and stripped, each is signed, the catalog takes their hashes, the catalog is
//! signed. [`x86`] builds the driver of 32-bit programs, [`sign`] drives openssl and osslsigncode, [`probe`] asks SetupAPI
//! (Wine's) what it makes of the INF, [`verify`] checks the finished folder and that changed files are refused.

mod probe;
mod sign;
mod verify;
mod x86;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use pvgpu_catalog::catalog::{Catalog, Member};
use pvgpu_catalog::hash::hash;
use pvgpu_inf::package::{
    CATALOG, DEVICES, FILES, INF, KERNEL_DRIVER, LINK_PROGRAM, USER_DRIVER, USER_DRIVER_32,
};

pub use sign::Identity;

use crate::{Error, Result, kernel, packages, paths, process, progress, toolchain};

/// The program that installs and watches the driver; it lies beside the package's files and is not installed with them.
const PROGRAM: &str = "pvgpu-ctl.exe";
/// The guide beside it.
const GUIDE: &str = "INSTALL.md";
/// The folder with debug information.
const SYMBOLS: &str = "symbols";
/// The certificate to be trusted, if it is a test certificate.
const TEST_CERTIFICATE: &str = "pvgpu-test.cer";
/// Tools of the C compilers for x64 and x86.
const MINGW: &str = "x86_64-w64-mingw32";
const MINGW_X86: &str = "i686-w64-mingw32";

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only check the package that was made before.
    pub verify_only: bool,
    /// Sign with this certificate instead of one of our own.
    pub identity: Option<Identity>,
    /// Check a package that is there against this certificate instead of the one in it.
    pub trusted: Option<PathBuf>,
}

/// Makes the package and checks it.
///
/// # Errors
/// If something cannot be built or signed, or the package breaks a rule.
pub fn task(options: &Options) -> Result<ExitCode> {
    packages::ensure(packages::Purpose::Package)?;
    let folder = folder();
    let mut trusted = options.trusted.clone();
    if !options.verify_only {
        kernel::build()?;
        toolchain::build_package()?;
        x86::build()?;
        let identity = match &options.identity {
            Some(identity) => identity.clone(),
            None => Identity::for_tests()?,
        };
        progress::step("Making the driver package", || make(&folder, &identity))?;
        trusted = Some(identity.certificate);
    }
    let report = progress::step("Checking the driver package", || check(&folder, trusted.as_deref()))?;
    println!("{report}\nThe package lies in {}; {GUIDE} there says how to install it.", folder.display());
    Ok(ExitCode::SUCCESS)
}

/// Checks everything of a finished package that this machine can check; returns a table for people. Every signature must lead to
/// the certificate `trusted`; None means the test certificate in the package.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(folder: &Path, trusted: Option<&Path>) -> Result<String> {
    verify::check(folder, trusted)
}

/// Where the package lies.
pub fn folder() -> PathBuf {
    paths::target("package/pvgpu")
}

/// Everything that lies in the package's folder, apart from [`SYMBOLS`]; a test certificate comes on top.
fn contents() -> Vec<&'static str> {
    [FILES.as_slice(), &[PROGRAM, INF, CATALOG, GUIDE]].concat()
}

fn make(folder: &Path, identity: &Identity) -> Result<()> {
    // A package is whole or not there: it is made beside its place.
    let partial = folder.with_extension("partial");
    remove(&partial)?;
    make_folder(&partial.join(SYMBOLS))?;
    gather(&partial)?;
    for file in [FILES.as_slice(), &[PROGRAM]].concat() {
        sign::sign(&partial.join(file), identity, sign::Hashes::Pages)?;
    }
    write(&partial.join(INF), pvgpu_inf::text::inf().as_bytes())?;
    let catalog = partial.join(CATALOG);
    write(&catalog, &make_catalog(&partial)?.to_der())?;
    sign::sign(&catalog, identity, sign::Hashes::File)?;
    if identity.is_test {
        sign::export(identity, &partial.join(TEST_CERTIFICATE))?;
    }
    copy(&paths::root().join("docs/install.md"), &partial.join(GUIDE))?;
    remove(folder)?;
    fs::rename(&partial, folder).map_err(Error::io("make", folder))
}

/// Copies what was built; debug information goes to a folder of its own.
fn gather(folder: &Path) -> Result<()> {
    copy(&paths::kernel_file(KERNEL_DRIVER), &folder.join(KERNEL_DRIVER))?;
    copy(&paths::kernel_file("pvgpukmd.pdb"), &folder.join(SYMBOLS).join("pvgpukmd.pdb"))?;
    for (built, file, tools) in [
        (paths::windows_file(USER_DRIVER), USER_DRIVER, MINGW),
        (x86::file(USER_DRIVER), USER_DRIVER_32, MINGW_X86),
        (paths::windows_file(LINK_PROGRAM), LINK_PROGRAM, MINGW),
        (paths::windows_file(PROGRAM), PROGRAM, MINGW),
    ] {
        let shipped = folder.join(file);
        // GNU's linker leaves DWARF in the file, not a PDB beside it.
        let debug = folder.join(SYMBOLS).join(format!("{file}.debug"));
        let objcopy = format!("{tools}-objcopy");
        for (option, result) in [("--only-keep-debug", &debug), ("--strip-all", &shipped)] {
            let mut copy = Command::new(&objcopy);
            // It writes the time into the header, this one if it is told.
            copy.env("SOURCE_DATE_EPOCH", time().to_string());
            process::run(copy.arg(option).args([&built, result]))?;
        }
    }
    Ok(())
}

fn make_catalog(folder: &Path) -> Result<Catalog> {
    let mut members = Vec::new();
    for name in [FILES.as_slice(), &[INF]].concat() {
        let bytes = read(&folder.join(name))?;
        let hashes =
            hash(&bytes).map_err(|error| Error::Failed(format!("{name} cannot be hashed: {error}")))?;
        members.push(Member { name: name.to_owned(), hashes });
    }
    let hardware_ids = DEVICES.iter().map(|device| device.hardware_id.to_owned()).collect();
    Ok(Catalog { members, hardware_ids, time: time() })
}

/// The time that the package carries: SOURCE_DATE_EPOCH, for a package that can be made again byte by byte, otherwise now.
fn time() -> u64 {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(Error::io("read", file))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).map_err(Error::io("write", file))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(|_| ()).map_err(Error::io("copy", from))
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("make", folder))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", folder)(error)),
        _ => Ok(()),
    }
}
