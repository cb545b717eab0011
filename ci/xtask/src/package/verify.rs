//! The checks of a finished package.

use std::path::{Path, PathBuf};

use pvgpu_catalog::catalog::members;
use pvgpu_catalog::hash::hash;
use pvgpu_catalog::pe::{Pe, checksum};
use pvgpu_inf::lint::{self, Rule};
use pvgpu_inf::package::{
    CATALOG, FILES, INF, KERNEL_DRIVER, USER_DRIVER, USER_DRIVER_32, version, version_text,
};
use pvgpu_inf::parse::Inf;

use super::{PROGRAM, SYMBOLS, TEST_CERTIFICATE, contents, make_folder, probe, read, remove, sign, write};
use crate::table::{Table, bytes};
use crate::{Error, Result, imports, paths};

/// IMAGE_FILE_MACHINE_AMD64 and IMAGE_FILE_MACHINE_I386 of winnt.h.
const X64: u16 = 0x8664;
const X86: u16 = 0x14c;
/// The DLLs that the Direct3D runtime loads.
const USER_DRIVERS: [&str; 2] = [USER_DRIVER, USER_DRIVER_32];
/// The largest kernel-mode driver that we ship.
const LARGEST_DRIVER: u64 = 512 * 1024;

/// Checks everything that this machine can check; returns a table for people.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(folder: &Path, trusted: Option<&Path>) -> Result<String> {
    if !folder.is_dir() {
        return Err(Error::Missing(format!(
            "there is no package in {}; run `cargo xtask package`",
            folder.display()
        )));
    }
    complete(folder)?;
    setup_information(folder)?;
    let facts = probe::check(&folder.join(INF))?;

    let mut table =
        Table::new(&["file", "size", "version", "signature", "in the catalog", "changed: refused"]);
    let scratch = paths::target("package/scratch");
    remove(&scratch)?;
    make_folder(&scratch)?;
    let trusted = match trusted {
        Some(certificate) => certificate.to_owned(),
        None => test_certificate(folder, &scratch)?,
    };
    let catalog = folder.join(CATALOG);
    for name in [FILES.as_slice(), &[PROGRAM, INF, CATALOG]].concat() {
        let file = folder.join(name);
        let row = one(&file, name, &catalog, &trusted, &scratch)?;
        table.push([vec![name.to_owned()], row].concat());
    }
    remove(&scratch)?;
    Ok(format!(
        "{table}\nThe INF keeps all {} rules of our linter; SetupAPI reads {facts} facts from it, all as meant.",
        Rule::ALL.len()
    ))
}

/// Every file is there, and nothing else.
fn complete(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut found: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    found.retain(|name| name != TEST_CERTIFICATE);
    found.sort_unstable();
    let mut wanted = contents();
    wanted.push(SYMBOLS);
    wanted.sort_unstable();
    if found != wanted {
        return Err(Error::Failed(format!("the package holds {found:?} instead of {wanted:?}")));
    }
    Ok(())
}

/// The INF keeps the linter's rules, is ours, names the package's files, and has the version of each of them.
fn setup_information(folder: &Path) -> Result<()> {
    let text = Inf::decode(&read(&folder.join(INF))?);
    let text = text.ok_or_else(|| Error::Failed(format!("{INF} is neither ASCII nor UTF-16")))?;
    let findings = lint::check(&text);
    if !findings.is_empty() {
        let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
        return Err(Error::Failed(format!("{INF} breaks these rules:\n{}", list.join("\n"))));
    }
    let inf = Inf::parse(&text).map_err(|error| Error::Failed(format!("{INF}: {error}")))?;
    let driver_version = inf.entry("Version", "DriverVer").map_or("", |entry| entry.field(1));
    if driver_version != version_text() {
        return Err(Error::Failed(format!(
            "DriverVer is {driver_version}, the files' version {}",
            version_text()
        )));
    }
    let sources: Vec<&str> =
        inf.entries("SourceDisksFiles").iter().filter_map(|entry| entry.key.as_deref()).collect();
    if sources != FILES {
        return Err(Error::Failed(format!("{INF} names {sources:?} instead of {FILES:?}")));
    }
    Ok(())
}

/// The test certificate in the package, in the form that osslsigncode reads.
fn test_certificate(folder: &Path, scratch: &Path) -> Result<PathBuf> {
    let certificate = folder.join(TEST_CERTIFICATE);
    if !certificate.exists() {
        return Err(Error::Usage(format!(
            "the package holds no {TEST_CERTIFICATE}; say with --certificate whose signature is expected"
        )));
    }
    let pem = scratch.join("trusted.pem");
    sign::import(&certificate, &pem)?;
    Ok(pem)
}

/// Checks one file; returns its row's cells.
fn one(file: &Path, name: &str, catalog: &Path, trusted: &Path, scratch: &Path) -> Result<Vec<String>> {
    let content = read(file)?;
    // CAST: a length fits 64 bits.
    let size = content.len() as u64;
    let refused = |what: &str| Err(Error::Failed(format!("{name}: {what}")));
    let mut shown = String::new();
    if name != INF && name != CATALOG {
        let pe = Pe::parse(&content).map_err(|error| Error::Failed(format!("{name}: {error}")))?;
        let found = pe.version.and_then(|range| pvgpu_version::read(content.get(range)?));
        if found != Some(version()) {
            return refused(&format!("its version resource says {found:?}, not {}", version_text()));
        }
        shown = version_text();
        let written = content.get(pe.checksum.clone()).and_then(|bytes| bytes.try_into().ok());
        if written.map(u32::from_le_bytes) != Some(checksum(&content, &pe.checksum)) {
            return refused("its checksum is not that of its content");
        }
        let machine = if name == USER_DRIVER_32 { X86 } else { X64 };
        if pe.machine != machine {
            return refused(&format!("it is for machine {:#x}, not {machine:#x}", pe.machine));
        }
    }
    if name != INF && name != CATALOG {
        links(&content, name)?;
    }
    if name == KERNEL_DRIVER && size > LARGEST_DRIVER {
        return refused(&format!("it has {size} bytes, more than {LARGEST_DRIVER}"));
    }
    let signed = name != INF;
    let is_member = FILES.contains(&name) || name == INF;
    if signed && !sign::is_signed(file, trusted)? {
        return refused("its signature does not hold");
    }
    if is_member && listed(file, name, catalog, trusted)?.contains(&false) {
        return refused("the catalog does not list it");
    }
    let changed = tampered(&content, name, scratch)?;
    for copy in &changed {
        if signed && sign::is_signed(copy, trusted)? {
            return refused("a changed copy passes for signed");
        }
        if is_member && listed(copy, name, catalog, trusted)?.contains(&true) {
            return refused("the catalog lists a changed copy");
        }
    }
    let word = |is: bool| if is { "ok" } else { "–" }.to_owned();
    Ok(vec![
        bytes(size),
        shown,
        word(signed),
        word(is_member),
        format!("{} of {}", changed.len(), changed.len()),
    ])
}

/// A program or DLL needs nothing but Windows, and gives what it must.
fn links(content: &[u8], name: &str) -> Result<()> {
    let pe = goblin::pe::PE::parse(content).map_err(|error| Error::Failed(format!("{name}: {error}")))?;
    imports::check(&pe, name, if name == KERNEL_DRIVER { imports::KERNEL } else { imports::WINDOWS })?;
    let exports: Vec<&str> = pe.exports.iter().filter_map(|export| export.name).collect();
    // The name without decoration, for x86 too.
    let wanted: &[&str] = if USER_DRIVERS.contains(&name) { &["OpenAdapter10_2"] } else { &[] };
    if exports != wanted {
        return Err(Error::Failed(format!("{name}: it exports {exports:?} instead of {wanted:?}")));
    }
    Ok(())
}

/// Whether the catalog lists a file as it is: as we read it, and as osslsigncode does. That cannot be asked about texts; for the
/// INF our reading counts alone, of the catalog whose signature is checked on its own.
fn listed(file: &Path, name: &str, catalog: &Path, trusted: &Path) -> Result<Vec<bool>> {
    let hashes = hash(&read(file)?).map_err(|error| Error::Failed(format!("{name}: {error}")))?;
    let catalog_bytes = read(catalog)?;
    let members = members(&catalog_bytes);
    let members = members.ok_or_else(|| Error::Failed(format!("{CATALOG} is no catalog")))?;
    let mut answers =
        vec![members.contains(&hashes.sha256.as_slice()), members.contains(&hashes.sha1.as_slice())];
    if name != INF {
        answers.push(sign::is_listed(file, catalog, trusted)?);
    }
    Ok(answers)
}

/// Copies of a file, each with one byte changed: in the middle, and near the begin and the end of what is hashed.
fn tampered(content: &[u8], name: &str, scratch: &Path) -> Result<Vec<PathBuf>> {
    let end = Pe::parse(content).map_or(content.len(), |pe| pe.signatures.start);
    // The first bytes of a program are its old header, which nothing reads but which the hash covers.
    let places: &[usize] = match name {
        // In a catalog the hashes come first and the signature last.
        CATALOG => &[content.len() / 4, content.len() - 10],
        _ => &[0x20, end / 2, end - 1],
    };
    let mut copies = Vec::new();
    for (number, place) in places.iter().enumerate() {
        let mut changed = content.to_vec();
        if let Some(byte) = changed.get_mut(*place) {
            *byte ^= 1;
        }
        let copy = scratch.join(format!("{number}-{name}"));
        write(&copy, &changed)?;
        copies.push(copy);
    }
    Ok(copies)
}
