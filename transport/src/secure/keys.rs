//! The keys of this machine and of others, and where they are kept.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use zeroize::Zeroizing;

use super::{SecureError, random};

/// The environment variable that names the folder of keys.
pub const KEYS_VARIABLE: &str = "PVGPU_KEYS";
/// The file with this machine's key.
const IDENTITY_FILE: &str = "identity";
/// What is hashed in front of a key.
const FINGERPRINT_LABEL: &[u8] = b"pvgpu fingerprint 1";
/// Whoever finds a key that another process is just writing waits so often, and so long each time.
const WAITS: u32 = 25;
const WAIT: Duration = Duration::from_millis(20);

/// A machine's public key: a point of Curve25519.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// What people compare: the first half of [`PublicKey::digest`].
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_digest(&self.digest())
    }

    /// A hash that names the key, for programs: a beacon carries it.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[FINGERPRINT_LABEL, &self.0])
    }

    /// From 64 hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        Some(Self(*from_hex(text)?))
    }

    /// As 64 hexadecimal digits.
    pub(super) fn to_hex(self) -> String {
        to_hex(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// The first 128 bits of a hash of a public key; written as eight groups of four hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of the key with this [`PublicKey::digest`].
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(digest) {
            *to = *from;
        }
        Self(short)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks(2).enumerate() {
            if index > 0 {
                f.write_str("-")?;
            }
            for byte in pair {
                write!(f, "{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// This machine's key pair. Clones are the same key.
#[derive(Clone)]
pub struct Identity {
    secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public.fingerprint())
    }
}

impl Identity {
    /// A new key.
    ///
    /// # Errors
    /// [`SecureError::Random`].
    pub fn generate() -> Result<Self, SecureError> {
        Self::of(Zeroizing::new(random()?))
    }

    fn of(secret: Zeroizing<[u8; 32]>) -> Result<Self, SecureError> {
        let curve = DefaultResolver.resolve_dh(&DHChoice::Curve25519);
        let mut curve = curve.ok_or(SecureError::Random)?;
        curve.set(secret.as_slice());
        let public = curve.pubkey().try_into().map_err(|_| SecureError::Random)?;
        Ok(Self { secret, public: PublicKey(public) })
    }

    /// The key in a folder; made there when there is none yet, for this user alone to read.
    ///
    /// # Errors
    /// [`KeysError`], as [`SecureError::Keys`].
    pub fn load_or_make(folder: &Path) -> Result<Self, SecureError> {
        let path = folder.join(IDENTITY_FILE);
        if let Some(identity) = Self::load(&path)? {
            return Ok(identity);
        }
        let made = Self::generate()?;
        match made.save(folder, &path) {
            // Another process was faster: its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let missing = || KeysError::NoKey { path: path.clone() };
                Self::load(&path)?.ok_or_else(|| SecureError::Keys(missing()))
            }
            Err(source) => Err(SecureError::Keys(KeysError::Write { path, source })),
            Ok(()) => Ok(made),
        }
    }

    fn save(&self, folder: &Path, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = private_file(path)?;
        let mut line = Zeroizing::new(to_hex(self.secret.as_slice()));
        line.push('\n');
        file.write_all(line.as_bytes())?;
        file.sync_all()
    }

    fn load(path: &Path) -> Result<Option<Self>, SecureError> {
        let failed = |source| SecureError::Keys(KeysError::Read { path: path.to_owned(), source });
        let mut text = Zeroizing::new(String::new());
        for _ in 0..WAITS {
            let file = match std::fs::File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(source) => return Err(failed(source)),
            };
            check_private(&file, path)?;
            text.clear();
            file.take(256).read_to_string(&mut text).map_err(failed)?;
            if let Some(secret) = from_hex(text.trim_end()) {
                return Self::of(secret).map(Some);
            }
            std::thread::sleep(WAIT);
        }
        Err(SecureError::Keys(KeysError::NoKey { path: path.to_owned() }))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

/// Why this machine's key cannot be had.
#[derive(Debug)]
pub enum KeysError {
    /// No place for it.
    NoFolder,
    /// The file cannot be read.
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be made.
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read the file.
    NotPrivate {
        /// Which file.
        path: PathBuf,
    },
    /// It holds no key.
    NoKey {
        /// Which file.
        path: PathBuf,
    },
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder => {
                write!(f, "there is no folder for this machine's key; name one in {KEYS_VARIABLE}")
            }
            Self::Read { path, source } => {
                write!(
                    f,
                    "{} cannot be read ({source}); name another folder in {KEYS_VARIABLE}",
                    path.display()
                )
            }
            Self::Write { path, source } => {
                write!(
                    f,
                    "{} cannot be made ({source}); name another folder in {KEYS_VARIABLE}",
                    path.display()
                )
            }
            Self::NotPrivate { path } => {
                write!(f, "others may read {0}; run `chmod 600 {0}`", path.display())
            }
            Self::NoKey { path } => {
                write!(f, "{} holds no key; remove it and pair again", path.display())
            }
        }
    }
}

impl std::error::Error for KeysError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Where this machine's key and its peers are kept: `PVGPU_KEYS`, else on Windows `%APPDATA%\pvgpu`, and on Linux `/etc/pvgpu` for
/// root and the user's configuration folder for others.
///
/// # Errors
/// [`KeysError::NoFolder`] when the environment names none.
pub fn keys_folder() -> Result<PathBuf, KeysError> {
    let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = named(KEYS_VARIABLE) {
        return Ok(folder);
    }
    #[cfg(unix)]
    {
        if rustix::process::geteuid().is_root() {
            return Ok(Path::new("/etc").join("pvgpu"));
        }
        let home = || named("HOME").map(|home| home.join(".config"));
        named("XDG_CONFIG_HOME").or_else(home).map(|folder| folder.join("pvgpu")).ok_or(KeysError::NoFolder)
    }
    #[cfg(not(unix))]
    {
        named("APPDATA").map(|folder| folder.join("pvgpu")).ok_or(KeysError::NoFolder)
    }
}

/// Makes a file that only this user may read; fails when it is there already.
pub(super) fn private_file(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Refuses a secret that others may read.
#[cfg(unix)]
fn check_private(file: &std::fs::File, path: &Path) -> Result<(), SecureError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| SecureError::Keys(KeysError::Read { path: path.to_owned(), source });
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(SecureError::Keys(KeysError::NotPrivate { path: path.to_owned() }))
}

/// What lies below `%APPDATA%` is its user's alone.
#[cfg(not(unix))]
fn check_private(_file: &std::fs::File, _path: &Path) -> Result<(), SecureError> {
    Ok(())
}

/// SHA-256 of all parts, one behind the other.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    hash
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if text.len() != 64 {
        return None;
    }
    for (to, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        *to = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}
