//! From the state of a machine to the steps that are left to do.

use std::fmt;
use std::path::PathBuf;

use pvgpu_inf::package::{Bus, DEVICES};

use crate::state::{State, Version, shown};
use crate::{Error, store};

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Install the package.
    Install {
        /// Its setup information file.
        inf: PathBuf,
        /// For which device.
        device: Which,
        /// Also if the same version is there already.
        force: bool,
        /// Only say what would be done.
        dry_run: bool,
    },
    /// Remove everything of ours.
    Uninstall {
        /// Only say what would be done.
        dry_run: bool,
    },
}

impl Request {
    /// True if nothing may be changed.
    pub fn is_dry_run(&self) -> bool {
        match self {
            Self::Install { dry_run, .. } | Self::Uninstall { dry_run } => *dry_run,
        }
    }
}

/// Which device is to have the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The ivshmem device if there is one, a new one without hardware otherwise.
    #[default]
    Auto,
    /// The ivshmem device only.
    Pci,
    /// A device without hardware, made if need be, even beside an ivshmem device.
    Root,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Copy the package to the driver store; Windows also installs it on devices that are there and have no better driver.
    AddDriver {
        /// The setup information file.
        inf: PathBuf,
    },
    /// Make the device without hardware.
    CreateDevice {
        /// Its hardware id.
        hardware_id: &'static str,
    },
    /// Put the package's driver on all devices of this kind.
    UseDriver {
        /// Their hardware id.
        hardware_id: &'static str,
        /// The setup information file.
        inf: PathBuf,
    },
    /// Take a device away. A device with hardware is found again, without our driver.
    RemoveDevice {
        /// Windows' name for it.
        instance: String,
    },
    /// Remove a package of ours from the driver store.
    DeleteDriver {
        /// Its name there.
        name: String,
    },
    /// Look for devices again.
    Rescan,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddDriver { inf } => write!(f, "Add {} to the driver store", inf.display()),
            Self::CreateDevice { hardware_id } => write!(f, "Create the device {hardware_id}"),
            Self::UseDriver { hardware_id, .. } => write!(f, "Install the driver on {hardware_id}"),
            Self::RemoveDevice { instance } => write!(f, "Remove the device {instance}"),
            Self::DeleteDriver { name } => write!(f, "Remove {name} from the driver store"),
            Self::Rescan => f.write_str("Look for devices again"),
        }
    }
}

/// What to do, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Sentences about the state, for the user.
    pub facts: Vec<String>,
    /// The steps in order.
    pub steps: Vec<Step>,
}

/// Makes the plan.
///
/// # Errors
/// [`Error::Package`] if the setup information cannot be used, or there is no device for it.
pub fn make(request: &Request, state: &State) -> Result<Plan, Error> {
    match request {
        Request::Install { inf, device, force, .. } => {
            let version = store::package_version(inf).map_err(Error::Package)?;
            install(state, inf, version, *device, *force)
        }
        Request::Uninstall { .. } => Ok(uninstall(state)),
    }
}

/// The plan for an installation of this version.
fn install(
    state: &State,
    inf: &std::path::Path,
    version: Version,
    which: Which,
    force: bool,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let has_pci = state.devices.iter().any(|device| device.bus == Bus::Pci);
    let has_root = state.devices.iter().any(|device| device.bus == Bus::Root);
    let bus = match which {
        Which::Pci if !has_pci => {
            return Err(Error::Package(format!(
                "there is no ivshmem device ({}) in this machine; without --device pci a device without hardware is made",
                hardware_id(Bus::Pci)
            )));
        }
        Which::Auto if has_pci => Bus::Pci,
        Which::Pci => Bus::Pci,
        Which::Auto | Which::Root => Bus::Root,
    };

    let in_store = state.published.iter().find(|published| published.version == version);
    match in_store {
        Some(published) if !force => {
            plan.facts.push(format!(
                "Version {} is in the driver store as {}.",
                shown(version),
                published.name
            ));
        }
        _ => plan.steps.push(Step::AddDriver { inf: inf.to_owned() }),
    }
    let mut fresh = false;
    if bus == Bus::Root && !has_root {
        fresh = true;
        plan.steps.push(Step::CreateDevice { hardware_id: hardware_id(bus) });
    }
    let mut old = fresh || force;
    for device in state.devices.iter().filter(|device| device.bus == bus) {
        match device.driver {
            Some(found) if found == version => {
                plan.facts.push(format!("{} has driver {}.", device.instance, shown(version)));
            }
            Some(found) => {
                plan.facts.push(format!("{} has driver {}.", device.instance, shown(found)));
                old = true;
            }
            None => {
                plan.facts.push(format!("{} has no driver of ours.", device.instance));
                old = true;
            }
        }
    }
    if old {
        plan.steps.push(Step::UseDriver { hardware_id: hardware_id(bus), inf: inf.to_owned() });
    }
    Ok(plan)
}

/// The plan for a removal: devices first, since Windows keeps packages that a device uses.
fn uninstall(state: &State) -> Plan {
    let mut plan = Plan::default();
    let ours = state.devices.iter().filter(|device| device.bus == Bus::Root || device.driver.is_some());
    plan.steps.extend(ours.clone().map(|device| Step::RemoveDevice { instance: device.instance.clone() }));
    plan.steps
        .extend(state.published.iter().map(|published| Step::DeleteDriver { name: published.name.clone() }));
    if ours.clone().any(|device| device.bus == Bus::Pci) {
        // Windows finds the hardware again and gives it its own driver, if it has one.
        plan.steps.push(Step::Rescan);
    }
    if plan.steps.is_empty() {
        plan.facts.push("No package and no device of pvgpu's is installed.".to_owned());
    }
    plan
}

/// The hardware id of a kind of device.
pub fn hardware_id(bus: Bus) -> &'static str {
    let device = DEVICES.iter().find(|device| device.bus == bus);
    // Both kinds are in the table; a test looks.
    device.map_or("", |device| device.hardware_id)
}
