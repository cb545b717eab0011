//! The state of this Windows machine, and the steps on it.

mod ffi;

use std::path::PathBuf;

use pvgpu_inf::package::{Bus, PROVIDER};

use crate::plan::{Step, hardware_id};
use crate::state::{Device, State};
use crate::{Failure, Machine, store};

/// ERROR_NO_MORE_ITEMS as an HRESULT: the devices have this driver, or a better one, already.
const NOTHING_BETTER: u32 = 0x8007_0103;

/// Finds out how things stand.
///
/// # Errors
/// If Windows does not list its devices.
pub fn state() -> Result<State, Failure> {
    let mut devices = Vec::new();
    for (bus, enumerator) in [(Bus::Pci, "PCI"), (Bus::Root, "ROOT")] {
        for found in ffi::devices(enumerator)? {
            if !found.hardware_ids.iter().any(|id| id.eq_ignore_ascii_case(hardware_id(bus))) {
                continue;
            }
            let provider = found.driver_value("ProviderName");
            let version = found.driver_value("DriverVersion").and_then(|text| store::version(&text));
            let driver = version.filter(|_| provider.as_deref() == Some(PROVIDER));
            devices.push(Device { instance: found.instance, bus, driver });
        }
    }
    let windows = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    Ok(State { elevated: ffi::is_elevated(), published: store::published(&windows.join("INF")), devices })
}

/// The machine that this program runs on.
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn take(&mut self, step: &Step) -> Result<bool, Failure> {
        match step {
            Step::AddDriver { inf } => nothing_better(ffi::add_driver(&absolute(inf)?)),
            Step::CreateDevice { hardware_id } => ffi::create_device(hardware_id).map(|()| false),
            Step::UseDriver { hardware_id, inf } => {
                nothing_better(ffi::use_driver(hardware_id, &absolute(inf)?))
            }
            Step::RemoveDevice { instance } => ffi::remove_device(instance),
            Step::DeleteDriver { name } => ffi::delete_driver(name).map(|()| false),
            Step::Rescan => ffi::rescan().map(|()| false),
        }
    }
}

/// Windows reports it as an error that nothing was left to do.
fn nothing_better(result: Result<bool, Failure>) -> Result<bool, Failure> {
    match result {
        Err(failure) if failure.code == NOTHING_BETTER => Ok(false),
        other => other,
    }
}

/// The setup functions take full paths only.
fn absolute(inf: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(inf).map_err(|error| Failure { code: 0x8007_0003, message: error.to_string() })
}
