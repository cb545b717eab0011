//! A PCI device through VFIO (linux/vfio.h): its regions, and its MSI-X vectors as eventfds.
#![expect(unsafe_code, reason = "VFIO's calls are ioctls with arguments of their own")]

use std::ffi::{CString, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use pvgpu_transport::Mapping;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl};

/// `VFIO_TYPE` and `VFIO_BASE`: calls are numbered from here.
const BASE: Opcode = (b';' as Opcode) << 8 | 100;
const GET_API_VERSION: Opcode = BASE;
const SET_IOMMU: Opcode = BASE + 2;
const GROUP_GET_STATUS: Opcode = BASE + 3;
const GROUP_SET_CONTAINER: Opcode = BASE + 4;
const GROUP_GET_DEVICE_FD: Opcode = BASE + 6;
const DEVICE_GET_REGION_INFO: Opcode = BASE + 8;
const DEVICE_SET_IRQS: Opcode = BASE + 10;

/// `VFIO_API_VERSION`.
const API_VERSION: i32 = 0;
/// `VFIO_TYPE1_IOMMU`.
const TYPE1_IOMMU: usize = 1;
/// `VFIO_GROUP_FLAGS_VIABLE`.
const GROUP_VIABLE: u32 = 1;
/// `VFIO_REGION_INFO_FLAG_MMAP`.
const REGION_MMAP: u32 = 4;
/// `VFIO_PCI_CONFIG_REGION_INDEX`; BARs have their own numbers.
const CONFIG_REGION: u32 = 7;
/// `VFIO_PCI_MSIX_IRQ_INDEX`.
const MSIX: u32 = 2;
/// `VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER`.
const TRIGGER_EVENTFD: u32 = 1 << 2 | 1 << 5;

/// The command register in the configuration space, and its bits for memory and for the bus' master, which messages need.
const COMMAND: u64 = 4;
const COMMAND_BITS: u16 = 1 << 1 | 1 << 2;

/// `struct vfio_group_status`.
#[repr(C)]
#[derive(Default)]
struct GroupStatus {
    argsz: u32,
    flags: u32,
}

/// `struct vfio_region_info`.
#[repr(C)]
#[derive(Default)]
struct RegionInfo {
    argsz: u32,
    flags: u32,
    index: u32,
    cap_offset: u32,
    size: u64,
    offset: u64,
}

/// `struct vfio_irq_set` with one eventfd.
#[repr(C)]
struct IrqSet {
    argsz: u32,
    flags: u32,
    index: u32,
    start: u32,
    count: u32,
    eventfd: i32,
}

/// A call of VFIO: its number and its argument, a number or a pointer.
struct Call {
    opcode: Opcode,
    argument: *mut c_void,
}

// SAFETY: whoever makes a `Call` pairs the number with the argument that linux/vfio.h says, and keeps it alive.
unsafe impl Ioctl for Call {
    type Output = i32;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.argument
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _argument: *mut c_void) -> rustix::io::Result<i32> {
        Ok(output)
    }
}

fn call(file: &impl AsFd, opcode: Opcode, argument: *mut c_void) -> io::Result<i32> {
    // SAFETY: the callers below pair number and argument as linux/vfio.h says.
    Ok(unsafe { ioctl(file, Call { opcode, argument }) }?)
}

fn call_with<T>(file: &impl AsFd, opcode: Opcode, argument: &mut T) -> io::Result<i32> {
    call(file, opcode, std::ptr::from_mut(argument).cast())
}

fn call_number(file: &impl AsFd, opcode: Opcode, number: usize) -> io::Result<i32> {
    call(file, opcode, std::ptr::without_provenance_mut(number))
}

/// An open device. Its container and group stay open with it.
#[derive(Debug)]
pub struct Device {
    device: File,
    _group: File,
    _container: File,
}

impl Device {
    /// Opens the device at this PCI address, alone in its group.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn open(group: &Path, address: &str) -> io::Result<Self> {
        let open = |path: &Path| File::options().read(true).write(true).open(path);
        let container = open(Path::new("/dev/vfio/vfio"))?;
        if call_number(&container, GET_API_VERSION, 0)? != API_VERSION {
            return Err(io::Error::other("another version of VFIO"));
        }
        let group = open(group)?;
        let mut status = GroupStatus { argsz: size_of::<GroupStatus>() as u32, ..GroupStatus::default() };
        call_with(&group, GROUP_GET_STATUS, &mut status)?;
        if status.flags & GROUP_VIABLE == 0 {
            return Err(io::Error::other("the device's group is not VFIO's alone"));
        }
        let mut container_fd = container.as_raw_fd();
        call_with(&group, GROUP_SET_CONTAINER, &mut container_fd)?;
        call_number(&container, SET_IOMMU, TYPE1_IOMMU)?;
        let name = CString::new(std::ffi::OsStr::new(address).as_bytes())?;
        let device = call(&group, GROUP_GET_DEVICE_FD, name.as_ptr().cast_mut().cast())?;
        // SAFETY: the call has just opened it for us.
        let device = unsafe { OwnedFd::from_raw_fd(device) };
        let this = Self { device: device.into(), _group: group, _container: container };
        this.enable()?;
        Ok(this)
    }

    /// Lets the device decode memory and send messages.
    fn enable(&self) -> io::Result<()> {
        let config = self.region(CONFIG_REGION)?;
        let mut bytes = [0; 2];
        self.device.read_exact_at(&mut bytes, config.offset + COMMAND)?;
        let command = u16::from_le_bytes(bytes) | COMMAND_BITS;
        self.device.write_all_at(&command.to_le_bytes(), config.offset + COMMAND)
    }

    fn region(&self, index: u32) -> io::Result<RegionInfo> {
        let argsz = size_of::<RegionInfo>() as u32;
        let mut info = RegionInfo { argsz, index, ..RegionInfo::default() };
        call_with(&self.device, DEVICE_GET_REGION_INFO, &mut info)?;
        Ok(info)
    }

    /// Maps a BAR.
    ///
    /// # Errors
    /// What the kernel said; a BAR that shares its page with others cannot be mapped.
    pub fn map_bar(&self, index: u32) -> io::Result<Mapping> {
        let region = self.region(index)?;
        if region.flags & REGION_MMAP == 0 {
            return Err(io::Error::other(format!("BAR{index} cannot be mapped")));
        }
        let bytes = usize::try_from(region.size).map_err(io::Error::other)?;
        Mapping::of_part(&self.device, region.offset, bytes).map_err(io::Error::other)
    }

    /// Has MSI-X message 0 ring an eventfd.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn message_to(&self, eventfd: &OwnedFd) -> io::Result<()> {
        let argsz = size_of::<IrqSet>() as u32;
        let eventfd = eventfd.as_raw_fd();
        let mut set = IrqSet { argsz, flags: TRIGGER_EVENTFD, index: MSIX, start: 0, count: 1, eventfd };
        call_with(&self.device, DEVICE_SET_IRQS, &mut set).map(|_| ())
    }
}
