//! What a first process does: file systems, kernel modules, the device for VFIO, and the end of the machine.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot};

/// The file with the names of the modules to load, in their order, one a line.
const MODULES: &str = "/modules/order";
/// `PCI\VEN_1AF4&DEV_1110`.
const IVSHMEM: (&str, &str) = ("0x1af4", "0x1110");
/// The same as VFIO's driver takes it.
const IVSHMEM_ID: &str = "1af4 1110";

/// Prepares the machine, does the work, says how it ended, and switches the machine off.
pub fn run(work: impl FnOnce(&Path) -> Result<(), String>) {
    let ended = prepare().and_then(|group| work(&group));
    match ended {
        Ok(()) => println!("pvgpu-vm: end ok"),
        Err(error) => println!("pvgpu-vm: end failed: {error}"),
    }
    // The console's last bytes are still to be sent.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let _ = reboot(RebootCommand::PowerOff);
    // Not as the first process: nothing was to be switched off.
}

/// Restarts the machine at once, as a reset does: nothing is stopped before. Returns where this is not the first process.
pub fn reset() {
    std::thread::sleep(std::time::Duration::from_millis(200));
    let _ = reboot(RebootCommand::Restart);
}

fn prepare() -> Result<PathBuf, String> {
    for (kind, place) in
        [(c"proc", c"/proc"), (c"sysfs", c"/sys"), (c"devtmpfs", c"/dev"), (c"tmpfs", c"/tmp")]
    {
        mount_at(kind, place).map_err(|error| format!("{place:?} cannot be mounted ({error})"))?;
    }
    let shm = c"/dev/shm";
    fs::create_dir_all("/dev/shm").map_err(|error| format!("no {shm:?} ({error})"))?;
    mount_at(c"tmpfs", shm).map_err(|error| format!("{shm:?} cannot be mounted ({error})"))?;
    let order = fs::read_to_string(MODULES).map_err(|error| format!("{MODULES}: {error}"))?;
    for module in order.lines() {
        let path = Path::new("/modules").join(module);
        let file = fs::File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        finit_module(file.as_fd(), c"", 0).map_err(|error| format!("{module} is not loaded ({error})"))?;
    }
    group().map_err(|error| format!("the device cannot be given to VFIO ({error})"))
}

fn mount_at(kind: &CStr, place: &CStr) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    match mount(kind, place, kind, flags, None) {
        // The kernel may have mounted devices already.
        Ok(()) | Err(rustix::io::Errno::BUSY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives the ivshmem device to VFIO's driver; its group's file.
fn group() -> io::Result<PathBuf> {
    for entry in fs::read_dir("/sys/bus/pci/devices")? {
        let device = entry?.path();
        let read = |name: &str| fs::read_to_string(device.join(name));
        if (read("vendor")?.trim(), read("device")?.trim()) != IVSHMEM {
            continue;
        }
        let address = device.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("pvgpu-vm: device {address}");
        fs::write("/sys/bus/pci/drivers/vfio-pci/new_id", IVSHMEM_ID)?;
        let group = fs::read_link(device.join("iommu_group"))?;
        return Ok(Path::new("/dev/vfio").join(group.file_name().unwrap_or_default()));
    }
    Err(io::Error::other("there is no ivshmem device on the PCI bus"))
}
