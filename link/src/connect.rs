//! The way to a host: which link, and the channels over it.

use std::path::PathBuf;

use pvgpu_transport::carrier::Channels;
use pvgpu_transport::guest;
use pvgpu_transport::link::{Origin, Resolved, trust_link};

use crate::trouble::Trouble;

/// Channels to a host.
#[derive(Debug)]
pub struct Connected {
    /// What people call the way.
    pub link: String,
    /// What a mirror runs over.
    pub channels: Channels,
}

/// Reaches a host.
pub trait Connect {
    /// Tries once. The loop sees to pauses between two tries.
    ///
    /// # Errors
    /// [`Trouble::NoLink`], [`Trouble::Link`] and [`Trouble::Connect`].
    fn connect(&self) -> Result<Connected, Trouble>;
}

/// What the registry says, if anything.
type Registry = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// The host that the configuration names. It is read at each try, so that a service follows a changed file without being started anew.
pub struct Configured {
    /// What `--link` says.
    pub option: Option<String>,
    /// What the registry says.
    pub registry: Registry,
    /// Where the keys are.
    pub keys: PathBuf,
    /// `--trust-link`; else the environment and the configuration file decide.
    pub trust_link: bool,
}

impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configured").field("option", &self.option).finish_non_exhaustive()
    }
}

impl Connect for Configured {
    fn connect(&self) -> Result<Connected, Trouble> {
        let registry = (self.registry)();
        let found = Resolved::find_or(self.option.as_deref(), registry.as_deref()).map_err(Trouble::Link)?;
        if found.origin == Origin::Default {
            return Err(Trouble::NoLink);
        }
        let link = found.link.to_string();
        match guest::connect(&found.link, &self.keys, self.trust_link || trust_link()) {
            Ok(channels) => Ok(Connected { link, channels }),
            Err(error) => Err(Trouble::Connect { link, error }),
        }
    }
}
