//! Link addresses: how a guest and its host are told where to meet, and which of several places wins.
//!
//! One form everywhere: `shm:NAME`, `ivshmem:SOCKET`, `tcp://HOST:PORT`, `thunderbolt:auto`, `tbstream:/dev/tbstreamN`.
//! It is taken from `--link`, else the environment variable `PVGPU_LINK`, else a `pvgpu.toml` (on Windows beside the
//! program; on Linux in the user's configuration folder, then in `/etc/pvgpu`), else it is `shm:default`.

use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variable that names the link.
pub const LINK_VARIABLE: &str = "PVGPU_LINK";
/// The environment variable that trusts a cable.
pub const TRUST_VARIABLE: &str = "PVGPU_TRUST_LINK";
/// The name of the configuration file.
pub const CONFIG_FILE: &str = "pvgpu.toml";

/// Where guest and host meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Shared memory on this machine.
    Shm(ShmName),
    /// QEMU's ivshmem device; the socket of its server.
    Ivshmem(PathBuf),
    /// A network address, `HOST:PORT`.
    Tcp(String),
    /// A Thunderbolt or USB4 cable, found by itself.
    Thunderbolt,
    /// A raw stream device over such a cable.
    Tbstream(PathBuf),
}

/// What follows `shm:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShmName {
    /// A name: the folder is `/dev/shm/pvgpu-NAME`.
    Name(String),
    /// An absolute folder of one's own.
    Folder(PathBuf),
}

impl Default for Link {
    fn default() -> Self {
        Self::Shm(ShmName::Name("default".to_owned()))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shm(ShmName::Name(name)) => write!(f, "shm:{name}"),
            Self::Shm(ShmName::Folder(folder)) => write!(f, "shm:{}", folder.display()),
            Self::Ivshmem(socket) => write!(f, "ivshmem:{}", socket.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Thunderbolt => f.write_str("thunderbolt:auto"),
            Self::Tbstream(device) => write!(f, "tbstream:{}", device.display()),
        }
    }
}

/// An address that names no link, or a configuration file that cannot be used.
#[derive(Debug)]
pub enum LinkError {
    /// No known scheme.
    Scheme {
        /// The address.
        address: String,
    },
    /// The scheme is known, what follows is not legal.
    Address {
        /// The address.
        address: String,
        /// What is expected.
        expected: &'static str,
    },
    /// The link leads into virtual machines, whose programs reach it by the driver that is installed there.
    ForMachines {
        /// The link.
        link: Link,
    },
    /// The link is legal, but it leads to another machine, and a folder of this one is wanted.
    Elsewhere {
        /// The link.
        link: Link,
    },
    /// The link does not leave this machine, where it must.
    StaysHere {
        /// The link.
        link: Link,
    },
    /// The configuration file cannot be read.
    ConfigRead {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The configuration file does not hold what it should.
    ConfigParse {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: toml::de::Error,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme { address } => write!(
                f,
                "{address:?} is no link: use shm:NAME, ivshmem:SOCKET, tcp://HOST:PORT, thunderbolt:auto or tbstream:/dev/tbstreamN"
            ),
            Self::Address { address, expected } => {
                write!(f, "{address:?} is no link: {expected} is expected")
            }
            Self::ForMachines { link } => {
                write!(
                    f,
                    "{link} is for the driver in a virtual machine; programs on this machine need a shm: link"
                )
            }
            Self::Elsewhere { link } => {
                write!(f, "{link} is no folder of this machine; use a shm: link")
            }
            Self::StaysHere { link } => {
                write!(f, "{link} does not lead to another machine; use a link like tcp://HOST:PORT")
            }
            Self::ConfigRead { path, .. } => write!(f, "{} cannot be read", path.display()),
            Self::ConfigParse { path, source } => {
                write!(f, "{} must hold one line like link = \"shm:default\": {source}", path.display())
            }
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ConfigRead { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::str::FromStr for Link {
    type Err = LinkError;

    fn from_str(address: &str) -> Result<Self, LinkError> {
        let wrong = |expected| LinkError::Address { address: address.to_owned(), expected };
        if let Some(rest) = address.strip_prefix("tcp://") {
            return tcp(rest).ok_or(wrong("tcp://HOST:PORT"));
        }
        match address.split_once(':') {
            Some(("shm", name)) => shm(name)
                .ok_or(wrong("shm:NAME of letters, digits, '.', '_' and '-', or shm:/absolute/folder")),
            Some(("ivshmem", socket)) if !socket.is_empty() => Ok(Self::Ivshmem(socket.into())),
            Some(("ivshmem", _)) => Err(wrong("ivshmem:SOCKET")),
            Some(("thunderbolt", "auto")) => Ok(Self::Thunderbolt),
            Some(("thunderbolt", _)) => Err(wrong("thunderbolt:auto")),
            Some(("tbstream", device)) if device.starts_with('/') => Ok(Self::Tbstream(device.into())),
            Some(("tbstream", _)) => Err(wrong("tbstream:/dev/tbstreamN")),
            _ => Err(LinkError::Scheme { address: address.to_owned() }),
        }
    }
}

fn shm(name: &str) -> Option<Link> {
    if name.starts_with('/') {
        return Some(Link::Shm(ShmName::Folder(name.into())));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name_is_legal = (1..=64).contains(&name.len()) && name.chars().all(legal) && !name.starts_with('.');
    name_is_legal.then(|| Link::Shm(ShmName::Name(name.to_owned())))
}

fn tcp(address: &str) -> Option<Link> {
    let (host, port) = address.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    (!host.is_empty() && port != 0).then(|| Link::Tcp(address.to_owned()))
}

/// Who named the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--link`.
    Option,
    /// The environment.
    Environment,
    /// A configuration file.
    File(PathBuf),
    /// The settings that the installed service has in the registry.
    Registry,
    /// Nobody.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option => f.write_str("--link says so"),
            Self::Environment => write!(f, "the environment variable {LINK_VARIABLE} says so"),
            Self::File(path) => write!(f, "{} says so", path.display()),
            Self::Registry => f.write_str("the registry says so"),
            Self::Default => write!(
                f,
                "nothing else is said by --link, {LINK_VARIABLE} or a {CONFIG_FILE}, so it is the default"
            ),
        }
    }
}

/// The link that won, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The link.
    pub link: Link,
    /// Who named it.
    pub origin: Origin,
}

impl Resolved {
    /// Finds the link: `option` is what `--link` says.
    ///
    /// # Errors
    /// [`LinkError`] when the first place that names a link names no legal one. Later places are then not asked: a
    /// misspelt address must not lead somewhere else silently.
    pub fn find(option: Option<&str>) -> Result<Self, LinkError> {
        Self::find_or(option, None)
    }

    /// The same where the registry has its word after the files, before the default.
    ///
    /// # Errors
    /// As [`Resolved::find`].
    pub fn find_or(option: Option<&str>, registry: Option<&str>) -> Result<Self, LinkError> {
        let variable = std::env::var(LINK_VARIABLE).ok();
        Self::find_in(option, variable.as_deref(), &config_files(), registry)
    }

    fn find_in(
        option: Option<&str>,
        variable: Option<&str>,
        files: &[PathBuf],
        registry: Option<&str>,
    ) -> Result<Self, LinkError> {
        if let Some(address) = option {
            return Ok(Self { link: address.parse()?, origin: Origin::Option });
        }
        if let Some(address) = variable.filter(|address| !address.is_empty()) {
            return Ok(Self { link: address.parse()?, origin: Origin::Environment });
        }
        for path in files {
            if let Some(address) = read_config(path)?.link {
                return Ok(Self { link: address.parse()?, origin: Origin::File(path.clone()) });
            }
        }
        match registry {
            Some(address) => Ok(Self { link: address.parse()?, origin: Origin::Registry }),
            None => Ok(Self { link: Link::default(), origin: Origin::Default }),
        }
    }
}

/// Whether whoever is at the other end of a cable is trusted, so that nothing is encrypted: [`TRUST_VARIABLE`] is `1`, or a
/// configuration file says `trust_link = true`. A file that cannot be read says nothing.
pub fn trust_link() -> bool {
    match std::env::var(TRUST_VARIABLE) {
        Ok(value) if !value.is_empty() => value == "1",
        _ => config_files().iter().any(|path| read_config(path).is_ok_and(|config| config.trust_link)),
    }
}

/// What a configuration file may say.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    link: Option<String>,
    #[serde(default)]
    trust_link: bool,
}

/// What a configuration file says; nothing when there is no such file.
fn read_config(path: &Path) -> Result<Config, LinkError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
        Err(source) => return Err(LinkError::ConfigRead { path: path.to_owned(), source }),
    };
    toml::from_str(&text).map_err(|source| LinkError::ConfigParse { path: path.to_owned(), source })
}

/// The configuration files of this system, the first that names a link wins.
fn config_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    if cfg!(windows) {
        let program = std::env::current_exe().ok();
        files.extend(program.and_then(|program| Some(program.parent()?.join(CONFIG_FILE))));
    } else {
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or(home);
        files.extend(folder.map(|folder| folder.join("pvgpu").join(CONFIG_FILE)));
        files.push(Path::new("/etc/pvgpu").join(CONFIG_FILE));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expect: Option<Link>) {
        let parsed = address.parse::<Link>();
        match (&parsed, &expect) {
            (Ok(link), Some(expect)) => {
                assert_eq!(link, expect, "{address}");
                assert_eq!(link.to_string(), address);
            }
            (Err(error), None) => assert!(error.to_string().contains(&format!("{address:?}")), "{error}"),
            _ => panic!("{address}: {parsed:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn addresses() {
        check("shm:default", Some(Link::default()));
        check("shm:/run/me", Some(Link::Shm(ShmName::Folder("/run/me".into()))));
        check("ivshmem:/run/s", Some(Link::Ivshmem("/run/s".into())));
        check("tcp://box.local:7777", Some(Link::Tcp("box.local:7777".to_owned())));
        check("tcp://[fe80::1]:7777", Some(Link::Tcp("[fe80::1]:7777".to_owned())));
        check("thunderbolt:auto", Some(Link::Thunderbolt));
        check("tbstream:/dev/tbstream0", Some(Link::Tbstream("/dev/tbstream0".into())));
        for wrong in [
            "",
            "shm:",
            "shm:a/b",
            "shm:..",
            "shm:a b",
            "ivshmem:",
            "tcp://",
            "tcp://host",
            "tcp://:1",
            "tcp://h:0",
            "tcp://h:x",
            "thunderbolt:1",
            "tbstream:x",
            "default",
            "usb:1",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn the_first_place_wins_and_a_wrong_one_stops_the_search() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(CONFIG_FILE);
        std::fs::write(&file, "link = \"shm:file\"\n").expect("written");
        let missing = folder.path().join("missing.toml");
        let files = [missing.clone(), file.clone()];
        let find = |option, variable, files: &[PathBuf]| {
            Resolved::find_in(option, variable, files, None)
                .map(|found| (found.link.to_string(), found.origin))
        };
        assert_eq!(
            find(Some("shm:a"), Some("shm:b"), &files).ok(),
            Some(("shm:a".to_owned(), Origin::Option))
        );
        assert_eq!(find(None, Some("shm:b"), &files).ok(), Some(("shm:b".to_owned(), Origin::Environment)));
        assert_eq!(
            find(None, Some(""), &files).ok(),
            Some(("shm:file".to_owned(), Origin::File(file.clone())))
        );
        let none = std::slice::from_ref(&missing);
        assert_eq!(find(None, None, none).ok(), Some(("shm:default".to_owned(), Origin::Default)));
        let noted = |files: &[PathBuf], address| Resolved::find_in(None, None, files, Some(address));
        let found = noted(none, "shm:noted").map(|found| (found.link.to_string(), found.origin));
        assert_eq!(found.ok(), Some(("shm:noted".to_owned(), Origin::Registry)));
        assert_eq!(
            noted(&files, "shm:noted").map(|found| found.origin).ok(),
            Some(Origin::File(file.clone()))
        );
        assert!(noted(none, "nonsense").is_err());
        assert!(find(Some("nonsense"), Some("shm:b"), &files).is_err());
        std::fs::write(&file, "lnik = \"shm:file\"\n").expect("written");
        assert!(find(None, None, &files).expect_err("unknown key").to_string().contains("lnik"));
    }
}
