//! SetupAPI, newdev, cfgmgr32 and the registry, each behind a safe function.
//!
//! Pages: "DiInstallDriverW", "UpdateDriverForPlugAndPlayDevicesW", "SetupDiCreateDeviceInfoW", "DIF_REGISTERDEVICE",
//! "DiUninstallDevice", "SetupUninstallOEMInfW" and "CM_Reenumerate_DevNode" of Microsoft's documentation.
#![expect(unsafe_code, reason = "the setup functions are C interfaces")]

use std::path::Path;

use windows::Win32::Devices::DeviceAndDriverInstallation::{
    CM_LOCATE_DEVNODE_NORMAL, CM_Locate_DevNodeW, CM_REENUMERATE_NORMAL, CM_Reenumerate_DevNode, CR_SUCCESS,
    DICD_GENERATE_ID, DIF_REGISTERDEVICE, DIGCF_ALLCLASSES, DIGCF_PRESENT, DIINSTALLDRIVER_FLAGS,
    DiInstallDriverW, DiUninstallDevice, GUID_DEVCLASS_DISPLAY, HDEVINFO, INSTALLFLAG_FORCE,
    SETUP_DI_REGISTRY_PROPERTY, SP_DEVINFO_DATA, SPDRP_DRIVER, SPDRP_HARDWAREID, SUOI_FORCEDELETE,
    SetupDiCallClassInstaller, SetupDiCreateDeviceInfoList, SetupDiCreateDeviceInfoW,
    SetupDiDestroyDeviceInfoList, SetupDiEnumDeviceInfo, SetupDiGetClassDevsW, SetupDiGetDeviceInstanceIdW,
    SetupDiGetDeviceRegistryPropertyW, SetupDiOpenDeviceInfoW, SetupDiSetDeviceRegistryPropertyW,
    SetupUninstallOEMInfW, UpdateDriverForPlugAndPlayDevicesW,
};
use windows::Win32::Foundation::{CloseHandle, HANDLE, HWND};
use windows::Win32::Security::{GetTokenInformation, TOKEN_ELEVATION, TOKEN_QUERY, TokenElevation};
use windows::Win32::System::Registry::{HKEY_LOCAL_MACHINE, RRF_RT_REG_SZ, RegGetValueW};
use windows::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};
use windows_core::{BOOL, Error, HSTRING, PCWSTR};

use crate::Failure;

/// Characters of a device's name: MAX_DEVICE_ID_LEN of cfgmgr32.h. Registry values and lists of ids are far below the other.
const NAME: usize = 200;
const TEXT: usize = 4096;
/// The class name, from which Windows makes the new device's name.
const CLASS: &str = "Display";
/// Where the values of SPDRP_DRIVER lead.
const CLASS_KEYS: &str = r"SYSTEM\CurrentControlSet\Control\Class";

/// A device as Windows lists it.
pub struct Found {
    /// Windows' name for it.
    pub instance: String,
    /// Its hardware ids.
    pub hardware_ids: Vec<String>,
    /// Its driver's key below [`CLASS_KEYS`]; empty without a driver.
    driver: String,
}

impl Found {
    /// A text in its driver's key.
    pub fn driver_value(&self, name: &str) -> Option<String> {
        if self.driver.is_empty() {
            return None;
        }
        let (key, name) = (HSTRING::from(format!(r"{CLASS_KEYS}\{}", self.driver)), HSTRING::from(name));
        let mut buffer = [0_u16; TEXT];
        let mut size = size_of_val(&buffer) as u32;
        let data = Some(buffer.as_mut_ptr().cast());
        // SAFETY: both names are terminated; the buffer is ours and has the size that the variable says.
        let result = unsafe {
            RegGetValueW(HKEY_LOCAL_MACHINE, &key, &name, RRF_RT_REG_SZ, None, data, Some(&raw mut size))
        };
        result.is_ok().then(|| text(&buffer))
    }
}

/// A list of devices.
struct Set(HDEVINFO);

impl Drop for Set {
    fn drop(&mut self) {
        // SAFETY: the list was made by SetupAPI and is given back once. Nothing can be done about a failure.
        let _given_back = unsafe { SetupDiDestroyDeviceInfoList(self.0) };
    }
}

/// True if this process may change drivers.
pub fn is_elevated() -> bool {
    // SAFETY: no arguments; the handle needs not be closed.
    let process = unsafe { GetCurrentProcess() };
    let mut token = HANDLE::default();
    // SAFETY: the process is our own and the token a variable of ours.
    if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) }.is_err() {
        return false;
    }
    let mut elevation = TOKEN_ELEVATION::default();
    let (place, mut size) = (Some((&raw mut elevation).cast()), size_of::<TOKEN_ELEVATION>() as u32);
    // SAFETY: the token is open; the place is ours and has the size that is said.
    let known = unsafe { GetTokenInformation(token, TokenElevation, place, size, &raw mut size) };
    // SAFETY: the token was opened above and is closed once. Nothing can be done about a failure.
    let _closed = unsafe { CloseHandle(token) };
    known.is_ok() && elevation.TokenIsElevated != 0
}

/// The devices of one enumerator that are there, with or without a driver.
pub fn devices(enumerator: &str) -> Result<Vec<Found>, Failure> {
    let name = HSTRING::from(enumerator);
    // SAFETY: the name is terminated; no class and no window are named.
    let set = unsafe { SetupDiGetClassDevsW(None, &name, None, DIGCF_ALLCLASSES | DIGCF_PRESENT) };
    let set = Set(set.map_err(failure)?);
    let mut found = Vec::new();
    for index in 0.. {
        let mut device = empty();
        // SAFETY: the list is open, the device a variable of ours with its size in it.
        if unsafe { SetupDiEnumDeviceInfo(set.0, index, &raw mut device) }.is_err() {
            break;
        }
        let mut buffer = [0; NAME];
        // SAFETY: the list and the device in it are valid; the buffer's slice says its length.
        let named = unsafe { SetupDiGetDeviceInstanceIdW(set.0, &raw const device, Some(&mut buffer), None) };
        if named.is_err() {
            continue;
        }
        found.push(Found {
            instance: text(&buffer),
            hardware_ids: property(&set, &device, SPDRP_HARDWAREID).split('\0').map(str::to_owned).collect(),
            driver: property(&set, &device, SPDRP_DRIVER).trim_end_matches('\0').to_owned(),
        });
    }
    Ok(found)
}

/// A device's property, with all its zeros; empty if it has none.
fn property(set: &Set, device: &SP_DEVINFO_DATA, property: SETUP_DI_REGISTRY_PROPERTY) -> String {
    let mut buffer = [0_u8; TEXT];
    let mut size = 0;
    let (data, needed) = (Some(buffer.as_mut_slice()), Some(&raw mut size));
    // SAFETY: the list and the device in it are valid; the buffer's slice says its length; the size is ours.
    let found = unsafe { SetupDiGetDeviceRegistryPropertyW(set.0, device, property, None, data, needed) };
    if found.is_err() {
        return String::new();
    }
    let bytes = buffer.get(..size as usize).unwrap_or_default();
    String::from_utf16_lossy(
        &bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>(),
    )
}

/// Copies a package to the driver store and installs it where it is the best.
pub fn add_driver(inf: &Path) -> Result<bool, Failure> {
    let inf = HSTRING::from(inf);
    let mut restart = BOOL::default();
    // SAFETY: the path is terminated; the answer is a variable of ours; no window is named.
    unsafe { DiInstallDriverW(None, &inf, DIINSTALLDRIVER_FLAGS(0), Some(&raw mut restart)) }
        .map_err(failure)?;
    Ok(restart.as_bool())
}

/// Puts a package's driver on all devices of this hardware id.
pub fn use_driver(hardware_id: &str, inf: &Path) -> Result<bool, Failure> {
    let (id, inf) = (HSTRING::from(hardware_id), HSTRING::from(inf));
    let mut restart = BOOL::default();
    let answer = Some(&raw mut restart);
    // SAFETY: both texts are terminated; the answer is a variable of ours; no window is named.
    unsafe { UpdateDriverForPlugAndPlayDevicesW(None, &id, &inf, INSTALLFLAG_FORCE, answer) }
        .map_err(failure)?;
    Ok(restart.as_bool())
}

/// Makes a device without hardware: a device of the display class, its hardware id, its registration.
pub fn create_device(hardware_id: &str) -> Result<(), Failure> {
    let class = GUID_DEVCLASS_DISPLAY;
    let class = &raw const class;
    // SAFETY: the class is a variable of ours; no window is named.
    let set = Set(unsafe { SetupDiCreateDeviceInfoList(Some(class), None) }.map_err(failure)?);
    let mut device = empty();
    let (name, place) = (HSTRING::from(CLASS), Some(&raw mut device));
    // SAFETY: the list is open, the name terminated; the class and the device, with its size in it, are variables of ours.
    unsafe { SetupDiCreateDeviceInfoW(set.0, &name, class, PCWSTR::null(), None, DICD_GENERATE_ID, place) }
        .map_err(failure)?;
    // A list of texts: each ends with a zero, the list with another.
    let ids: Vec<u8> = hardware_id.encode_utf16().chain([0, 0]).flat_map(u16::to_le_bytes).collect();
    // SAFETY: the list and the device in it are valid; the slice says its length.
    unsafe { SetupDiSetDeviceRegistryPropertyW(set.0, &raw mut device, SPDRP_HARDWAREID, Some(&ids)) }
        .map_err(failure)?;
    // SAFETY: the list and the device in it are valid.
    unsafe { SetupDiCallClassInstaller(DIF_REGISTERDEVICE, set.0, Some(&raw const device)) }.map_err(failure)
}

/// Takes a device away, with its driver.
pub fn remove_device(instance: &str) -> Result<bool, Failure> {
    // SAFETY: neither a class nor a window is named.
    let set = Set(unsafe { SetupDiCreateDeviceInfoList(None, None) }.map_err(failure)?);
    let mut device = empty();
    let name = HSTRING::from(instance);
    // SAFETY: the list is open, the name terminated, the device a variable of ours with its size.
    unsafe { SetupDiOpenDeviceInfoW(set.0, &name, None, 0, Some(&raw mut device)) }.map_err(failure)?;
    let mut restart = BOOL::default();
    let answer = Some(&raw mut restart);
    // SAFETY: the list and the device in it are valid; the answer is a variable of ours; no window is named.
    unsafe { DiUninstallDevice(HWND::default(), set.0, &raw const device, 0, answer) }.map_err(failure)?;
    Ok(restart.as_bool())
}

/// Removes a package from the driver store, in use or not.
pub fn delete_driver(name: &str) -> Result<(), Failure> {
    let name = HSTRING::from(name);
    // SAFETY: the name is terminated; the reserved argument is null.
    let done = unsafe { SetupUninstallOEMInfW(&name, SUOI_FORCEDELETE, None) };
    if done.as_bool() { Ok(()) } else { Err(failure(Error::from_thread())) }
}

/// Has Windows look for devices again.
pub fn rescan() -> Result<(), Failure> {
    let mut root = 0;
    // SAFETY: no name means the root of all devices; the answer is a variable of ours.
    let mut result = unsafe { CM_Locate_DevNodeW(&raw mut root, PCWSTR::null(), CM_LOCATE_DEVNODE_NORMAL) };
    if result == CR_SUCCESS {
        // SAFETY: a plain call with the number that was just found.
        result = unsafe { CM_Reenumerate_DevNode(root, CM_REENUMERATE_NORMAL) };
    }
    let message = || "the configuration manager does not look for devices".to_owned();
    if result == CR_SUCCESS { Ok(()) } else { Err(Failure { code: result.0, message: message() }) }
}

/// A device's description before SetupAPI fills it: it wants its own size in it.
fn empty() -> SP_DEVINFO_DATA {
    SP_DEVINFO_DATA { cbSize: size_of::<SP_DEVINFO_DATA>() as u32, ..Default::default() }
}

fn failure(error: Error) -> Failure {
    // CAST: the same 32 bits.
    Failure { code: error.code().0 as u32, message: error.message() }
}

/// The text up to the first zero.
fn text(buffer: &[u16]) -> String {
    let end = buffer.iter().position(|unit| *unit == 0).unwrap_or(buffer.len());
    String::from_utf16_lossy(&buffer[..end])
}
