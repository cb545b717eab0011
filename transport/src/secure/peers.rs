//! The machines that this one is paired with.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::keys::private_file;
use super::{PublicKey, random};

/// Machines that may be paired with one.
pub const MAX_PEERS: usize = 256;
/// The file with them.
const PEERS_FILE: &str = "peers.toml";
/// A file is not read beyond so many bytes; 256 peers take a quarter of it.
const MAX_BYTES: u64 = 256 << 10;
/// Characters of a name.
pub(super) const MAX_NAME: usize = 32;

/// What a peer is to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It renders for this machine.
    Host,
    /// This machine renders for it.
    Guest,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Guest => "guest",
        })
    }
}

/// A paired machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// What people call it; no two peers have the same name.
    pub name: String,
    /// What it is to this machine.
    pub role: Role,
    /// Its key.
    #[serde(with = "hex")]
    pub key: PublicKey,
    /// Of a host: where it was when it was paired, `HOST:PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A key as text.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::PublicKey;

    pub fn serialize<S: Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&key.to_hex())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a key has 64 hexadecimal digits");
        PublicKey::from_hex(&text).ok_or_else(wrong)
    }
}

/// What the file holds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    peer: Vec<Peer>,
}

/// The list of them; clones are the same list. A list in a file is read anew each time, so that what another program adds or
/// removes counts for the next handshake.
#[derive(Clone, Debug)]
pub struct Peers(Arc<Store>);

#[derive(Debug)]
enum Store {
    File(PathBuf),
    Memory(Mutex<Vec<Peer>>),
}

impl Peers {
    /// Those of a folder, which need not exist yet.
    pub fn in_folder(folder: &Path) -> Self {
        Self(Arc::new(Store::File(folder.join(PEERS_FILE))))
    }

    /// Those that are given, in memory only.
    pub fn in_memory(peers: Vec<Peer>) -> Self {
        Self(Arc::new(Store::Memory(Mutex::new(peers))))
    }

    /// All of them.
    ///
    /// # Errors
    /// [`PeersError`] when the file cannot be read or is damaged; nobody is a peer then.
    pub fn list(&self) -> Result<Vec<Peer>, PeersError> {
        match &*self.0 {
            Store::File(path) => read(path),
            Store::Memory(peers) => Ok(peers.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        }
    }

    /// The peer with a key and a role.
    ///
    /// # Errors
    /// As of [`Self::list`].
    pub fn find(&self, role: Role, key: &PublicKey) -> Result<Option<Peer>, PeersError> {
        Ok(self.list()?.into_iter().find(|peer| peer.role == role && peer.key == *key))
    }

    /// Adds a peer, or renews the one with the same key and role; a name that another one has gets a number. Gives it as it is kept.
    ///
    /// # Errors
    /// [`PeersError`]; nothing has changed then.
    pub fn add(&self, peer: Peer) -> Result<Peer, PeersError> {
        self.change(|peers| {
            peers.retain(|known| known.role != peer.role || known.key != peer.key);
            if peers.len() >= MAX_PEERS {
                return Err(PeersError::Full);
            }
            let wish = clean_name(&peer.name);
            let taken = |name: &str| peers.iter().any(|known| known.name == name);
            let names = (2..).map(|number: u32| format!("{wish}-{number}"));
            let name =
                std::iter::once(wish.clone()).chain(names).find(|name| !taken(name)).unwrap_or_default();
            let peer = Peer { name, ..peer };
            peers.push(peer.clone());
            Ok(peer)
        })
    }

    /// Removes a peer by its name. Sessions in progress go on.
    ///
    /// # Errors
    /// [`PeersError::NoSuchPeer`] when there is none, and those of the file.
    pub fn forget(&self, name: &str) -> Result<Peer, PeersError> {
        self.change(|peers| match peers.iter().position(|peer| peer.name == name) {
            Some(index) => Ok(peers.remove(index)),
            None => Err(PeersError::NoSuchPeer {
                name: name.to_owned(),
                names: peers.iter().map(|peer| peer.name.clone()).collect(),
            }),
        })
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Peer>) -> Result<T, PeersError>,
    ) -> Result<T, PeersError> {
        match &*self.0 {
            Store::File(path) => {
                let mut peers = read(path)?;
                let result = change(&mut peers)?;
                let failed = |source| PeersError::Write { path: path.clone(), source };
                write(path, &peers).map_err(failed)?;
                Ok(result)
            }
            Store::Memory(peers) => change(&mut peers.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

fn read(path: &Path) -> Result<Vec<Peer>, PeersError> {
    let failed = |source| PeersError::Read { path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    let parsed = toml::from_str::<File>(&text);
    let parsed =
        parsed.map_err(|source| PeersError::Parse { path: path.to_owned(), source: Box::new(source) })?;
    Ok(parsed.peer)
}

/// Writes a new file and puts it in the old one's place, so that a reader sees one or the other.
fn write(path: &Path, peers: &[Peer]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut text =
        String::from("# The machines that this one is paired with; `pvgpu-ctl peers` shows them.\n");
    for Peer { name, role, key, address } in peers {
        text.push_str(&format!(
            "\n[[peer]]\nname = {}\nrole = \"{role}\"\nkey = \"{}\"\n",
            quoted(name),
            key.to_hex()
        ));
        if let Some(address) = address {
            text.push_str(&format!("address = {}\n", quoted(address)));
        }
    }
    let unique = random::<8>().map_err(|_| io::Error::other("no random bytes"))?;
    let new = path.with_extension(format!("{:016x}", u64::from_le_bytes(unique)));
    let mut file = private_file(&new)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    drop(file);
    let result = written.and_then(|()| std::fs::rename(&new, path));
    if result.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    result
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// A peer's name for itself, made fit for a file, a terminal and a command line.
pub fn clean_name(name: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let clean: String = name.chars().filter(legal).take(MAX_NAME).collect();
    let clean = clean.trim_start_matches(['-', '.']);
    if clean.is_empty() { "unnamed".to_owned() } else { clean.to_owned() }
}

/// What this machine calls itself when it is paired.
pub fn machine_name() -> String {
    let name = if cfg!(windows) {
        std::env::var("COMPUTERNAME").ok()
    } else {
        std::fs::read_to_string("/proc/sys/kernel/hostname").ok()
    };
    clean_name(&name.unwrap_or_default())
}

/// Why the list of peers cannot be used.
#[derive(Debug)]
pub enum PeersError {
    /// The file cannot be read.
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not hold what it should.
    Parse {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
    /// It cannot be written.
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are [`MAX_PEERS`] already.
    Full,
    /// Nobody has this name.
    NoSuchPeer {
        /// The name.
        name: String,
        /// Those that there are.
        names: Vec<String>,
    },
}

impl fmt::Display for PeersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(
                    f,
                    "{} cannot be read ({source}); make it readable, or remove it and pair again",
                    path.display()
                )
            }
            Self::Parse { path, source } => {
                write!(f, "{} is damaged; mend it, or remove it and pair again: {source}", path.display())
            }
            Self::Write { path, source } => {
                write!(
                    f,
                    "{} cannot be written ({source}); name another folder in {}",
                    path.display(),
                    super::KEYS_VARIABLE
                )
            }
            Self::Full => write!(
                f,
                "{MAX_PEERS} machines are paired already; forget one with `pvgpu-ctl peers forget NAME`"
            ),
            Self::NoSuchPeer { name, names } if names.is_empty() => {
                write!(f, "no machine is paired, so none is called {name:?}")
            }
            Self::NoSuchPeer { name, names } => {
                write!(f, "no paired machine is called {name:?}; choose one of {}", names.join(", "))
            }
        }
    }
}

impl std::error::Error for PeersError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            Self::Parse { source, .. } => Some(source),
            Self::Full | Self::NoSuchPeer { .. } => None,
        }
    }
}
