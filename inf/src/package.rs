//! The table of the driver package: files, devices, registry settings, version.

/// The class of all display adapters.
pub const CLASS: &str = "Display";
/// GUID_DEVCLASS_DISPLAY, from "System-Defined Device Setup Classes Available to Vendors".
pub const CLASS_GUID: &str = "{4D36E968-E325-11CE-BFC1-08002BE10318}";
/// Who provides the package, as Device Manager shows it.
pub const PROVIDER: &str = "pvgpu";
/// The setup information file.
pub const INF: &str = "pvgpu.inf";
/// The catalog that holds the hash of the INF and of each file named in it.
pub const CATALOG: &str = "pvgpu.cat";
/// The kernel-mode driver's service. Its name is also what `sc query` wants.
pub const SERVICE: &str = "pvgpukmd";

/// The service of the program that carries the aperture of a device without hardware to another machine.
pub const LINK_SERVICE: &str = "pvgpu-link";

/// The kernel-mode driver.
pub const KERNEL_DRIVER: &str = "pvgpukmd.sys";
/// The user-mode driver for 64-bit programs.
pub const USER_DRIVER: &str = "pvgpuumd.dll";
/// The user-mode driver for 32-bit programs.
pub const USER_DRIVER_32: &str = "pvgpuumd32.dll";
/// The program behind [`LINK_SERVICE`].
pub const LINK_PROGRAM: &str = "pvgpu-link.exe";
/// Every file that the INF installs; the catalog holds these and the INF.
pub const FILES: [&str; 4] = [KERNEL_DRIVER, USER_DRIVER, USER_DRIVER_32, LINK_PROGRAM];
/// Those that every device needs; [`LINK_PROGRAM`] is for a device without hardware alone.
pub const DRIVER_FILES: [&str; 3] = [KERNEL_DRIVER, USER_DRIVER, USER_DRIVER_32];
/// What the list of services shows for [`LINK_SERVICE`].
pub const LINK_TITLE: &str = "pvgpu link";

/// Date of this version: month, day, year. A release changes it together with the version in the workspace's Cargo.toml.
pub const DATE: (u8, u8, u16) = (11, 21, 2026);
/// The first Windows build that the INF installs on: 10.0.19041 (version 2004). It is the first whose ntoskrnl.exe exports all that the
/// kernel-mode driver imports: ExAllocatePool2 came with it, and KeQueryPerformanceCounter was the HAL's before.
pub const FIRST_BUILD: u32 = 19_041;
/// How good this driver is for a device that several packages match: 00 is best, FF worst. Windows' own basic display
/// driver has FF. "Setting the Driver Feature Score" asks for this value from a driver of the adapter's own vendor.
pub const FEATURE_SCORE: &str = "F8";

/// How the adapter is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// An ivshmem device on the PCI bus: registers, a BAR with the aperture, message-signalled interrupts.
    Pci,
    /// A device without hardware, for links that a service in user mode mirrors.
    Root,
}

/// A device that the package installs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Where it is found.
    pub bus: Bus,
    /// The hardware id.
    pub hardware_id: &'static str,
    /// The name of its install section.
    pub section: &'static str,
    /// What Device Manager calls it.
    pub description: &'static str,
}

/// Both devices.
pub const DEVICES: [Device; 2] = [
    Device {
        bus: Bus::Pci,
        hardware_id: r"PCI\VEN_1AF4&DEV_1110",
        section: "Ivshmem",
        description: "pvgpu display adapter (shared memory)",
    },
    Device {
        bus: Bus::Root,
        hardware_id: r"ROOT\PVGPU",
        section: "Root",
        description: "pvgpu display adapter (link)",
    },
];

/// A number in the adapter's software key, which the kernel-mode driver reads when the device starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value's name.
    pub name: &'static str,
    /// What a fresh installation has. A value that is there already is kept.
    pub default: u32,
    /// What it means, for the INF's reader.
    pub meaning: &'static str,
}

/// All settings.
pub const SETTINGS: [Setting; 2] = [
    Setting {
        name: "ApertureSize",
        default: 256,
        meaning: "size of the shared memory in MiB, 64 to 4095; on PCI the device has its own size",
    },
    Setting {
        name: "LogLevel",
        default: 2,
        meaning: "what the driver records: 0 errors, 1 also warnings, 2 also life-cycle steps, 3 every step",
    },
];

/// The package's version, `w.x.y.z` as in version resources and DriverVer.
pub const fn version() -> [u16; 4] {
    let [major, minor, patch] = [
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    ];
    [major, minor, patch, 0]
}

/// The version as text.
pub fn version_text() -> String {
    let [w, x, y, z] = version();
    format!("{w}.{x}.{y}.{z}")
}

const fn number(digits: &str) -> u16 {
    match u16::from_str_radix(digits, 10) {
        Ok(number) => number,
        // PANIC: at compile time only, if a part of the workspace's version does not fit a version resource.
        Err(_) => panic!("each part of the version must be below 65536"),
    }
}
