//! A network in one machine: two namespaces, and between them a path with a rate, a delay, jitter and loss.
//!
//! For tests and benchmarks of links between machines. [`Lab::new`] makes both namespaces and the path of a [`Spec`];
//! [`Lab::inside`] runs something in one of them: whatever it binds, connects to or starts is on that side.
//!
//! There are two kinds of path. [`Path::Veth`] is the kernel's own pair of devices, with a token bucket for the rate: the fastest, and
//! its senders are held back as by a network card, so that nothing is dropped. [`Path::Relay`] carries packets through this
//! process, between two TUN devices, which adds delays, jitter and loss; its rate drops what its queue has no room for, as a switch
//! does.
//!
//! Start reading at [`Lab::new`]; [`shape`] decides what becomes of a packet, `relay` carries it out, [`measure`] tells what a
//! path gives to TCP.
//!
//! # Invariants
//! Namespaces and devices belong to open files of this process alone. The kernel takes them away when it ends, in whatever way, so
//! that nothing has to be tidied up, not even after a crash; only processes that outlive this one keep their namespace.

mod error;
pub mod measure;
mod namespace;
mod queue;
mod relay;
pub mod shape;
mod tun;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub use error::{Error, Result};
pub use relay::Carried;
pub use shape::Shape;

use namespace::Namespace;
use relay::Relay;
use tun::Tun;

/// The device of the path, of the same name on both sides.
const DEVICE: &str = "path";
/// Bytes that a token bucket lets through in one go: no less than a packet that is not cut yet, or it would be cut.
const LEAST_BURST: u64 = 128 << 10;
/// A burst's share of a second, for high rates.
const BURSTS_A_SECOND: u64 = 4_000;
/// Bytes that wait behind a token bucket. TCP is held back long before.
const BUCKET_QUEUE: u64 = 8 << 20;
/// Bytes that wait before a relay's wire, at least.
const LEAST_QUEUE: u64 = 256 << 10;
/// How long a packet may wait for a relay's wire besides.
const QUEUE_TIME: Duration = Duration::from_millis(1);
/// Packets that wait until the relay reads them. More than TCP has on the way without offloads.
const DEVICE_QUEUE: &str = "10000";

/// An end of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where the GPU would be.
    Host,
    /// Where the program would be.
    Guest,
}

/// What carries packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// A pair of devices in the kernel. It has a rate, but no delay, jitter or loss.
    Veth,
    /// A relay in this process.
    Relay,
}

/// A path, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What carries packets.
    pub path: Path,
    /// The most bytes of a packet on the wire.
    pub mtu: u16,
    /// Bits a second; None for as fast as it goes.
    pub rate: Option<u64>,
    /// Of each direction: half of the round trip.
    pub delay: Duration,
    /// On top of the delay, an even share between nothing and this for each packet.
    pub jitter: Duration,
    /// Packets of a million that are lost.
    pub loss_ppm: u32,
    /// Where chance begins; the direction to the guest begins one further on.
    pub seed: u64,
    /// TCP's packets go through the relay uncut and without checksums, as they do through a network card's driver. A path with loss
    /// cuts them all the same: it is packets of the wire that are lost.
    pub offloads: bool,
}

impl Spec {
    /// As fast as `path` goes.
    pub fn new(path: Path) -> Self {
        Self {
            path,
            mtu: 1500,
            rate: None,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss_ppm: 0,
            seed: 1,
            offloads: true,
        }
    }

    /// A relay's path with this round trip.
    pub fn with_round_trip(time: Duration) -> Self {
        Self { delay: time / 2, ..Self::new(Path::Relay) }
    }

    /// The kernel's path with this rate in bits a second.
    pub fn with_rate(rate: u64) -> Self {
        Self { rate: Some(rate), ..Self::new(Path::Veth) }
    }

    fn check(&self) -> Result<()> {
        let has_more = !self.delay.is_zero() || !self.jitter.is_zero() || self.loss_ppm > 0;
        if self.path == Path::Veth && has_more {
            return Err(Error::Spec("a pair of devices has no delay, jitter or loss; use a relay"));
        }
        if self.rate == Some(0) {
            return Err(Error::Spec("a rate must be above 0"));
        }
        if self.mtu < 576 || u32::from(self.mtu) > 65_520 {
            return Err(Error::Spec("the MTU must be between 576 and 65,520"));
        }
        if self.loss_ppm > 1_000_000 {
            return Err(Error::Spec("no more packets can be lost than there are: 1,000,000 of a million"));
        }
        Ok(())
    }

    /// What each direction does: from the host to the guest, and back.
    fn shapes(&self) -> [Shape; 2] {
        // As routers do: as much as is on the way during a round trip, and what comes at once.
        let time = 2 * self.delay + QUEUE_TIME;
        let bits = u128::from(self.rate.unwrap_or_default()) * time.as_nanos() / 1_000_000_000;
        let queue = (bits / 8).max(u128::from(LEAST_QUEUE));
        let shape = Shape {
            rate: self.rate,
            delay: self.delay,
            jitter: self.jitter,
            loss_ppm: self.loss_ppm,
            queue: usize::try_from(queue).unwrap_or(usize::MAX),
            seed: self.seed.wrapping_add(1),
        };
        [shape, Shape { seed: self.seed, ..shape }]
    }
}

/// Two namespaces with a path between them; both are gone with this value, and so is what still runs on the path.
#[derive(Debug)]
pub struct Lab {
    relay: Option<Relay>,
    host: Namespace,
    guest: Namespace,
}

impl Lab {
    /// Makes the namespaces and the path.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for a user who may not make namespaces, [`Error::NoTun`] where a relay cannot have its devices,
    /// [`Error::NoTool`] where `ip`, `tc` or `unshare` is missing, [`Error::Spec`] for what no path has.
    pub fn new(spec: &Spec) -> Result<Self> {
        spec.check()?;
        let mut lab = Self { relay: None, host: Namespace::new()?, guest: Namespace::new()? };
        match spec.path {
            Path::Veth => lab.make_pair(spec)?,
            Path::Relay => lab.make_relay(spec)?,
        }
        Ok(lab)
    }

    fn make_pair(&self, spec: &Spec) -> Result<()> {
        let guest = self.guest.path();
        let guest = guest.to_string_lossy();
        let pair = ["link", "add", DEVICE, "type", "veth", "peer", "name", DEVICE, "netns", &guest];
        self.host.run("ip", &pair)?;
        for side in [Side::Host, Side::Guest] {
            self.bring_up(side, spec.mtu)?;
            let Some(rate) = spec.rate else { continue };
            let burst = (rate / 8 / BURSTS_A_SECOND).max(LEAST_BURST).to_string();
            let bucket =
                ["qdisc", "add", "dev", DEVICE, "root", "tbf", "rate", &format!("{rate}bit"), "burst"];
            let queue = BUCKET_QUEUE.to_string();
            self.namespace(side).run("tc", &[bucket.as_slice(), &[&burst, "limit", &queue]].concat())?;
        }
        Ok(())
    }

    fn make_relay(&mut self, spec: &Spec) -> Result<()> {
        let offloads = spec.offloads && spec.loss_ppm == 0;
        let device = |namespace: &Namespace| namespace.inside(|| Tun::new(DEVICE, offloads))?;
        let devices = [device(&self.host)?, device(&self.guest)?];
        for side in [Side::Host, Side::Guest] {
            self.bring_up(side, spec.mtu)?;
            self.namespace(side).run("ip", &["link", "set", DEVICE, "txqueuelen", DEVICE_QUEUE])?;
        }
        self.relay = Some(Relay::start(devices, spec.shapes())?);
        Ok(())
    }

    fn bring_up(&self, side: Side, mtu: u16) -> Result<()> {
        let namespace = self.namespace(side);
        let address = format!("{}/30", self.address(side));
        namespace.run("ip", &["address", "add", &address, "dev", DEVICE])?;
        namespace.run("ip", &["link", "set", DEVICE, "mtu", &mtu.to_string(), "up"])
    }

    fn namespace(&self, side: Side) -> &Namespace {
        match side {
            Side::Host => &self.host,
            Side::Guest => &self.guest,
        }
    }

    /// The address of a side's end of the path, the same in every lab: a link-local one, as two machines on one cable give themselves.
    pub fn address(&self, side: Side) -> IpAddr {
        let last = match side {
            Side::Host => 1,
            Side::Guest => 2,
        };
        IpAddr::V4(Ipv4Addr::new(169, 254, 77, last))
    }

    /// Runs `what` on a thread of that side and returns what it returns. Sockets that it opens and processes that it starts stay on
    /// that side; threads that it starts begin there.
    ///
    /// # Errors
    /// If the namespace cannot be entered.
    pub fn inside<T: Send>(&self, side: Side, what: impl FnOnce() -> T + Send) -> Result<T> {
        self.namespace(side).inside(what)
    }

    /// A command that starts a program on that side, as long as this lab lives.
    pub fn command(&self, side: Side, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        let mut net = std::ffi::OsString::from("--net=");
        net.push(self.file(side));
        command.arg(net).arg("--").arg(program);
        command
    }

    /// Takes the cable out of a side: whatever is sent from then on is lost, and nobody is told. Addresses stay.
    ///
    /// # Errors
    /// [`Error::NoTool`] without `ip`.
    pub fn pull(&self, side: Side) -> Result<()> {
        self.namespace(side).run("ip", &["link", "set", DEVICE, "down"])
    }

    /// Puts the cable back.
    ///
    /// # Errors
    /// As [`Lab::pull`].
    pub fn plug(&self, side: Side) -> Result<()> {
        self.namespace(side).run("ip", &["link", "set", DEVICE, "up"])
    }

    /// The file by which tools such as `nsenter --net=FILE` find that side, as long as this lab lives.
    pub fn file(&self, side: Side) -> PathBuf {
        self.namespace(side).path()
    }

    /// What a relay has carried to the guest and to the host; None if the path has none.
    pub fn carried(&self) -> Option<[Carried; 2]> {
        self.relay.as_ref().map(Relay::carried)
    }
}
