//! What is known of a machine before anything is done.

use pvgpu_inf::package::Bus;

/// A version, `w.x.y.z`.
pub type Version = [u16; 4];

/// A version as people write it.
pub fn shown(version: Version) -> String {
    let [w, x, y, z] = version;
    format!("{w}.{x}.{y}.{z}")
}

/// One of our packages in the driver store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The name that Windows gave its INF, e.g. `oem12.inf`.
    pub name: String,
    /// Its version.
    pub version: Version,
}

/// A device that the package is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Windows' name for this very device, e.g. `ROOT\DISPLAY\0000`.
    pub instance: String,
    /// How it is found.
    pub bus: Bus,
    /// The version of our driver on it; None if it has another driver or none.
    pub driver: Option<Version>,
}

/// The state of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// True if this process may change drivers.
    pub elevated: bool,
    /// Our packages in the driver store, in no order.
    pub published: Vec<Published>,
    /// The devices, those with other drivers too.
    pub devices: Vec<Device>,
}
