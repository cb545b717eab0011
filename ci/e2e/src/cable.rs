//! Two machines and a Thunderbolt cable between them, made of network namespaces and a pair of devices.
//!
//! What stands for the cable is a real network interface of each namespace, over which beacons and TCP go. What the Thunderbolt bus
//! would say of it is a tree of files, which processes of [`Cable::command`] find in place of `/sys`; all else there is the real one. The
//! programs that are tested know nothing of it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use pvgpu_netlab::{Error, Lab, Spec};
use pvgpu_xtask::paths;

pub use pvgpu_netlab::Side;

/// The interface, of the same name on both sides. Wine takes it for a description, by which Windows' cables are known.
pub const INTERFACE: &str = "usb4p2p0";
/// What is linked to the real interface of a namespace.
const ATTRIBUTES: [&str; 6] = ["operstate", "flags", "carrier", "mtu", "ifindex", "address"];
/// Replaces `/sys` in a mount namespace of its own, then runs the rest.
const INSIDE: &str = "mount -t sysfs sysfs \"$1\" && mount --bind \"$2\" /sys && shift 2 && exec \"$@\"";

/// The machines and their cable, which is out at first.
#[derive(Debug)]
pub struct Cable {
    lab: Lab,
    folder: PathBuf,
}

/// Two machines with a pair of network devices between them. None where this user may not make namespaces, which is said.
///
/// # Panics
/// If something else fails.
pub fn lab() -> Option<Lab> {
    match Lab::new(&Spec::new(pvgpu_netlab::Path::Veth)) {
        Ok(lab) => Some(lab),
        Err(error @ Error::NotAllowed { .. }) => {
            eprintln!("not checked here: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

impl Cable {
    /// Makes both machines; `name` is the test's. None where this user may not make namespaces, which is said.
    ///
    /// # Panics
    /// If something else fails.
    pub fn new(name: &str) -> Option<Self> {
        let lab = lab()?;
        let folder = paths::target("e2e/cables").join(format!("{name}-{}", std::process::id()));
        let cable = Self { lab, folder };
        for side in [Side::Host, Side::Guest] {
            cable.make_tree(side).expect("a tree of files");
            for scope in ["all", "default"] {
                let path = format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6");
                cable
                    .lab
                    .inside(side, || fs::write(path, "0"))
                    .expect("inside")
                    .expect("IPv6 is switched on");
            }
        }
        cable.ip(Side::Host, &["link", "delete", "path"]);
        Some(cable)
    }

    /// What stands for `/sys` on a side, and where the real one is mounted.
    fn places(&self, side: Side) -> (PathBuf, PathBuf) {
        let folder = self.folder.join(if side == Side::Host { "host" } else { "guest" });
        (folder.join("sys"), folder.join("real"))
    }

    /// Links everything to the real `/sys` but the Thunderbolt bus and the network interfaces.
    fn make_tree(&self, side: Side) -> std::io::Result<()> {
        let (sys, real) = self.places(side);
        fs::create_dir_all(&real)?;
        for folder in
            ["bus/thunderbolt/devices/domain0", "bus/thunderbolt/drivers/thunderbolt-net", "class/net"]
        {
            fs::create_dir_all(sys.join(folder))?;
        }
        for folder in ["", "bus", "class"] {
            for entry in fs::read_dir(Path::new("/sys").join(folder))? {
                let place = Path::new(folder).join(entry?.file_name());
                if !sys.join(&place).exists() {
                    symlink(real.join(&place), sys.join(&place))?;
                }
            }
        }
        Ok(())
    }

    /// Plugs the cable in: both machines get an interface, and see each other on their buses.
    ///
    /// # Panics
    /// If it fails.
    pub fn plug(&self) {
        let guest = self.lab.file(Side::Guest);
        let pair = ["link", "add", INTERFACE, "type", "veth", "peer", "name", INTERFACE, "netns"];
        self.ip(Side::Host, &[&pair.map(OsStr::new)[..], &[guest.as_os_str()]].concat());
        for (side, peer) in [(Side::Host, "handheld"), (Side::Guest, "rendernode")] {
            self.announce(side, peer).expect("a tree of files");
            self.ip(side, &["link", "set", INTERFACE, "up"]);
        }
    }

    /// What the bus says of a machine at the other end.
    fn announce(&self, side: Side, peer: &str) -> std::io::Result<()> {
        let (sys, real) = self.places(side);
        let devices = sys.join("bus/thunderbolt/devices");
        fs::create_dir_all(devices.join("0-1"))?;
        fs::create_dir_all(devices.join("0-1.0"))?;
        for (file, text) in [
            ("0-1/uevent", "DEVTYPE=thunderbolt_xdomain\n"),
            ("0-1/vendor_name", "Linux\n"),
            ("0-1/device_name", peer),
            ("0-1.0/key", "network\n"),
        ] {
            fs::write(devices.join(file), text)?;
        }
        symlink("../../drivers/thunderbolt-net", devices.join("0-1.0/driver"))?;
        let interface = sys.join("class/net").join(INTERFACE);
        fs::create_dir_all(&interface)?;
        symlink("../../../bus/thunderbolt/devices/0-1.0", interface.join("device"))?;
        for attribute in ATTRIBUTES {
            let real = real.join("class/net").join(INTERFACE).join(attribute);
            symlink(real, interface.join(attribute))?;
        }
        Ok(())
    }

    /// Pulls the cable: the interfaces are gone, as they are on Linux.
    ///
    /// # Panics
    /// If it fails.
    pub fn pull(&self) {
        for side in [Side::Host, Side::Guest] {
            let (sys, _) = self.places(side);
            let devices = sys.join("bus/thunderbolt/devices");
            for folder in [sys.join("class/net").join(INTERFACE), devices.join("0-1.0"), devices.join("0-1")]
            {
                fs::remove_dir_all(folder).expect("it was plugged in");
            }
        }
        self.ip(Side::Host, &["link", "delete", INTERFACE]);
    }

    /// Makes the interface of a side small or large, up or down, and the like: `ip link set INTERFACE …`.
    ///
    /// # Panics
    /// If it fails.
    pub fn set(&self, side: Side, what: &[&str]) {
        self.ip(side, &[&["link", "set", INTERFACE][..], what].concat());
    }

    fn ip(&self, side: Side, arguments: &[impl AsRef<OsStr>]) {
        let output = self.lab.command(side, "ip").args(arguments).output().expect("ip runs");
        assert!(output.status.success(), "ip: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs something on a side; what it starts is there, too, but with the real `/sys`.
    ///
    /// # Panics
    /// If the side cannot be entered.
    pub fn inside<T: Send>(&self, side: Side, what: impl FnOnce() -> T + Send) -> T {
        self.lab.inside(side, what).expect("inside")
    }

    /// A command that starts a program on a side.
    pub fn command(&self, side: Side, program: impl AsRef<OsStr>) -> Command {
        let (sys, real) = self.places(side);
        let mut command = self.lab.command(side, "unshare");
        command.args(["--mount", "sh", "-c", INSIDE, "sh"]).arg(real).arg(sys).arg(program);
        command
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
