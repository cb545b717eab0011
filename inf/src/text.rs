//! Writes `pvgpu.inf` from the table.

use std::fmt::Write;

use crate::package::{
    Bus, CATALOG, CLASS, CLASS_GUID, DATE, DEVICES, DRIVER_FILES, FEATURE_SCORE, FILES, FIRST_BUILD,
    KERNEL_DRIVER, LINK_PROGRAM, LINK_SERVICE, LINK_TITLE, PROVIDER, SERVICE, SETTINGS, USER_DRIVER,
    USER_DRIVER_32, version_text,
};

/// How many slots UserModeDriverName has for us: Direct3D 9, 10 and 11, in that order. The runtime takes the third for Direct3D
/// 11; the first must name a DLL too ("Enabling Support for the Direct3D Version 11 DDI"). Direct3D 9 finds no adapter in ours.
const SLOTS: usize = 3;

/// The whole file, with the line ends that Windows' tools expect.
pub fn inf() -> String {
    let mut text = String::new();
    // A String cannot fail to take text.
    let _infallible = write(&mut text);
    text.replace('\n', "\r\n")
}

fn write(out: &mut String) -> std::fmt::Result {
    let (month, day, year) = DATE;
    let version = version_text();
    writeln!(out, "; Setup information of pvgpu, a display driver for GPUs in another machine.")?;
    writeln!(
        out,
        "; Written by the crate pvgpu-inf from inf/src/package.rs. Change that table, not this file.\n"
    )?;

    writeln!(out, "[Version]")?;
    writeln!(out, "Signature = \"$WINDOWS NT$\"")?;
    writeln!(out, "Class = {CLASS}")?;
    writeln!(out, "ClassGuid = {CLASS_GUID}")?;
    writeln!(out, "Provider = %Provider%")?;
    writeln!(out, "CatalogFile = {CATALOG}")?;
    writeln!(out, "DriverVer = {month:02}/{day:02}/{year},{version}")?;
    writeln!(out, "PnpLockdown = 1\n")?;

    let target = format!("NTamd64.10.0...{FIRST_BUILD}");
    writeln!(out, "[Manufacturer]\n%Provider% = Models,{target}\n")?;
    writeln!(out, "[Models.{target}]")?;
    for device in DEVICES {
        writeln!(out, "%{0}.Device% = {0},{1}", device.section, device.hardware_id)?;
    }

    writeln!(out, "\n; Everything stays in the driver store (DIRID 13) and runs from there.")?;
    writeln!(out, "[SourceDisksNames]\n1 = %Disk%,,,\"\"\n")?;
    writeln!(out, "[SourceDisksFiles]")?;
    for file in FILES {
        writeln!(out, "{file} = 1")?;
    }
    writeln!(out, "\n[DestinationDirs]\nDefaultDestDir = 13\n")?;
    writeln!(out, "[Driver.Files]")?;
    for file in DRIVER_FILES {
        writeln!(out, "{file}")?;
    }
    writeln!(out, "\n[Link.Files]\n{LINK_PROGRAM}")?;

    for device in DEVICES {
        let section = device.section;
        writeln!(out, "\n[{section}]")?;
        writeln!(out, "FeatureScore = {FEATURE_SCORE}")?;
        let link = if device.bus == Bus::Root { ",Link.Files" } else { "" };
        writeln!(out, "CopyFiles = Driver.Files{link}")?;
        writeln!(out, "AddReg = Driver.Settings\n")?;
        if device.bus == Bus::Pci {
            writeln!(out, "[{section}.HW]\nAddReg = {section}.Interrupts\n")?;
            writeln!(
                out,
                "; One message: the host needs a single vector. Without messages Windows gives a line interrupt."
            )?;
            writeln!(out, "[{section}.Interrupts]")?;
            let key = r"Interrupt Management\MessageSignaledInterruptProperties";
            writeln!(out, "HKR,\"{key}\",MSISupported,%REG_DWORD%,1")?;
            writeln!(out, "HKR,\"{key}\",MessageNumberLimit,%REG_DWORD%,1\n")?;
        }
        writeln!(out, "[{section}.Services]")?;
        writeln!(out, "AddService = {SERVICE},%SPSVCINST_ASSOCSERVICE%,Driver.Service")?;
        if device.bus == Bus::Root {
            writeln!(out, "AddService = {LINK_SERVICE},,Link.Service")?;
        }
    }

    writeln!(out, "\n[Driver.Service]")?;
    writeln!(out, "DisplayName = %Service%")?;
    writeln!(out, "ServiceType = %SERVICE_KERNEL_DRIVER%")?;
    writeln!(out, "StartType = %SERVICE_DEMAND_START%")?;
    writeln!(out, "ErrorControl = %SERVICE_ERROR_IGNORE%")?;
    writeln!(out, "LoadOrderGroup = Video")?;
    writeln!(out, "ServiceBinary = %13%\\{KERNEL_DRIVER}\n")?;

    writeln!(
        out,
        "; Carries the aperture of the device without hardware to the host; waits until it is told where that is."
    )?;
    writeln!(out, "[Link.Service]")?;
    writeln!(out, "DisplayName = %LinkService%")?;
    writeln!(out, "ServiceType = %SERVICE_WIN32_OWN_PROCESS%")?;
    writeln!(out, "StartType = %SERVICE_AUTO_START%")?;
    writeln!(out, "ErrorControl = %SERVICE_ERROR_IGNORE%")?;
    writeln!(out, "ServiceBinary = %13%\\{LINK_PROGRAM}\n")?;

    writeln!(out, "[Driver.Settings]")?;
    writeln!(out, "; The Direct3D 9, 10 and 11 drivers, for 64-bit and for 32-bit programs.")?;
    for (value, file) in [("UserModeDriverName", USER_DRIVER), ("UserModeDriverNameWow", USER_DRIVER_32)] {
        let slots = vec![format!("\"%13%\\{file}\""); SLOTS].join(",");
        writeln!(out, "HKR,,{value},%REG_MULTI_SZ%,{slots}")?;
    }
    let names: Vec<_> =
        [USER_DRIVER, USER_DRIVER_32].iter().filter_map(|file| file.strip_suffix(".dll")).collect();
    writeln!(out, "HKR,,InstalledDisplayDrivers,%REG_MULTI_SZ%,{}", names.join(","))?;
    for setting in SETTINGS {
        writeln!(out, "; {}: {}.", setting.name, setting.meaning)?;
        writeln!(out, "HKR,,{},%REG_DWORD_KEEP%,{}", setting.name, setting.default)?;
    }

    writeln!(out, "\n[Strings]")?;
    writeln!(out, "Provider = \"{PROVIDER}\"")?;
    writeln!(out, "Disk = \"pvgpu driver package\"")?;
    writeln!(out, "Service = \"pvgpu display driver\"")?;
    writeln!(out, "LinkService = \"{LINK_TITLE}\"")?;
    for device in DEVICES {
        writeln!(out, "{}.Device = \"{}\"", device.section, device.description)?;
    }
    for (name, value) in CONSTANTS {
        writeln!(out, "{name} = {value:#010x}")?;
    }
    Ok(())
}

/// Numbers that the INF uses by name: FLG_ADDREG_* of setupapi.h, SERVICE_* of winnt.h, SPSVCINST_* of setupapi.h.
/// REG_DWORD_KEEP is FLG_ADDREG_TYPE_DWORD with FLG_ADDREG_NOCLOBBER.
const CONSTANTS: [(&str, u32); 9] = [
    ("REG_MULTI_SZ", 0x0001_0000),
    ("REG_DWORD", 0x0001_0001),
    ("REG_DWORD_KEEP", 0x0001_0003),
    ("SPSVCINST_ASSOCSERVICE", 0x2),
    ("SERVICE_KERNEL_DRIVER", 0x1),
    ("SERVICE_WIN32_OWN_PROCESS", 0x10),
    ("SERVICE_AUTO_START", 0x2),
    ("SERVICE_DEMAND_START", 0x3),
    ("SERVICE_ERROR_IGNORE", 0x0),
];
