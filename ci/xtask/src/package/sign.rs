//! Certificates and signatures, by openssl and osslsigncode.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{make_folder, time};
use crate::{Error, Result, paths, process};

/// How long a test certificate holds.
const DAYS: &str = "3650";
/// Its name. Whoever trusts it trusts whoever holds this checkout's key.
const SUBJECT: &str = "/CN=pvgpu test certificate, do not trust on other machines";
/// What its key may do: sign code and nothing else.
const EXTENSIONS: [&str; 3] = [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=critical,codeSigning",
];

/// Who signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, followed by those up to its root, as PEM.
    pub certificate: PathBuf,
    /// Its private key as PEM.
    pub key: PathBuf,
    /// True for a certificate that was made here.
    pub is_test: bool,
}

impl Identity {
    /// This checkout's own certificate, made when first needed. It stays below `target` and is never committed.
    pub(super) fn for_tests() -> Result<Self> {
        let folder = paths::target("package/certificate");
        make_folder(&folder)?;
        let identity =
            Self { certificate: folder.join("test.pem"), key: folder.join("test.key"), is_test: true };
        if identity.certificate.exists() && identity.key.exists() {
            return Ok(identity);
        }
        let mut make = Command::new("openssl");
        make.args([
            "req", "-x509", "-newkey", "rsa:3072", "-sha256", "-nodes", "-days", DAYS, "-subj", SUBJECT,
        ]);
        make.args(EXTENSIONS.iter().flat_map(|extension| ["-addext", extension]));
        make.arg("-keyout").arg(&identity.key).arg("-out").arg(&identity.certificate);
        process::run_quietly(&mut make)?;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&identity.key, private).map_err(Error::io("change", &identity.key))?;
        Ok(identity)
    }
}

/// What a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hashes {
    /// A program or DLL as a whole and each of its pages, which Windows can check when it reads them.
    Pages,
    /// The file.
    File,
}

/// Signs a file in place.
pub(super) fn sign(file: &Path, identity: &Identity, hashes: Hashes) -> Result<()> {
    let signed = file.with_extension("signed");
    let mut sign = Command::new("osslsigncode");
    sign.args(["sign", "-h", "sha256", "-n", "pvgpu", "-time", &time().to_string()]);
    if hashes == Hashes::Pages {
        sign.arg("-ph");
    }
    sign.arg("-certs").arg(&identity.certificate).arg("-key").arg(&identity.key);
    process::run_quietly(sign.arg("-in").arg(file).arg("-out").arg(&signed))?;
    fs::rename(&signed, file).map_err(Error::io("write", file))
}

/// Writes the certificate in the form that Windows imports.
pub(super) fn export(identity: &Identity, file: &Path) -> Result<()> {
    let mut convert = Command::new("openssl");
    convert.args(["x509", "-outform", "DER", "-in"]).arg(&identity.certificate);
    process::run_quietly(convert.arg("-out").arg(file)).map(|_| ())
}

/// Reads a certificate of [`export`]'s form back into the form that osslsigncode reads.
pub(super) fn import(file: &Path, pem: &Path) -> Result<()> {
    let mut convert = Command::new("openssl");
    convert.args(["x509", "-inform", "DER", "-in"]).arg(file);
    process::run_quietly(convert.arg("-out").arg(pem)).map(|_| ())
}

/// True if the file's own signature holds and leads to this certificate.
pub(super) fn is_signed(file: &Path, trusted: &Path) -> Result<bool> {
    answer(verify(trusted).arg("-in").arg(file))
}

/// True if a catalog lists the file as it is and the catalog's signature holds.
pub(super) fn is_listed(file: &Path, catalog: &Path, trusted: &Path) -> Result<bool> {
    answer(verify(trusted).arg("-catalog").arg(catalog).arg("-in").arg(file))
}

fn verify(trusted: &Path) -> Command {
    let mut verify = Command::new("osslsigncode");
    verify.args(["verify", "-CAfile"]).arg(trusted);
    verify
}

fn answer(command: &mut Command) -> Result<bool> {
    let output = command
        .output()
        .map_err(|source| Error::Io { what: "cannot start osslsigncode".to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Some versions end with success although the file is not signed at all.
    Ok(output.status.success() && text.lines().any(|line| line.trim() == "Succeeded"))
}
