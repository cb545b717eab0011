//! Linux' Thunderbolt bus and its network interfaces, as files below `/sys` and `/proc`.
//!
//! Of `Documentation/ABI/testing/sysfs-bus-thunderbolt` and `drivers/thunderbolt/xdomain.c`:
//! - `bus/thunderbolt/devices/domainN`: a controller.
//! - `N-ROUTE` with `DEVTYPE=thunderbolt_xdomain` in its `uevent`: another machine, with `vendor_name`, `device_name`,
//!   `unique_id`, and since Linux 5.11 `rx_speed` and `tx_speed` (`20.0 Gb/s`, of one lane), `rx_lanes`, `tx_lanes`. Docks and
//!   disks are `thunderbolt_device`.
//! - `N-ROUTE.INDEX`: a service that the other machine offers; `key` is `network` or `stream`. Its driver is a link, `driver`.
//! - A network interface of `thunderbolt-net` has the service as its `device`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Cable, Interface, Peer, Speed, Survey, printable};

/// The largest attribute: a page.
const ATTRIBUTE_BYTES: u64 = 4096;
/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 1024;
/// The driver whose interfaces are cables.
const NETWORK_DRIVER: &str = "thunderbolt-net";

/// What the Thunderbolt bus below `root`, usually `/`, says is plugged in.
///
/// Attributes that are missing or make no sense are left out; cables are sorted by name.
///
/// # Errors
/// What the system said about the bus's folder, unless that does not exist.
pub fn cables(root: &Path) -> io::Result<Survey> {
    let bus = root.join("sys/bus/thunderbolt/devices");
    let names = match names(&bus) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let mut survey = Survey::default();
    let mut interfaces = interfaces(root);
    for name in &names {
        let folder = bus.join(name);
        if name.strip_prefix("domain").is_some_and(is_number) {
            survey.controllers += 1;
        } else if is_xdomain(name) && device_type(&folder).as_deref() == Some("thunderbolt_xdomain") {
            let services: Vec<_> =
                names.iter().filter(|service| service_of(service) == Some(name.as_str())).collect();
            survey.cables.push(cable(&bus, name, &services, &mut interfaces));
        }
    }
    Ok(survey)
}

fn cable(
    bus: &Path,
    name: &str,
    services: &[&String],
    interfaces: &mut BTreeMap<String, (Interface, Option<Interface>)>,
) -> Cable {
    let folder = bus.join(name);
    let text = |attribute| {
        text(&folder.join(attribute)).map(|text| printable(&text)).filter(|text| !text.is_empty())
    };
    let number = |attribute| text(attribute).and_then(|text| leading_number(&text));
    let speed = || {
        Some(Speed {
            receive: (number("rx_speed")?, number("rx_lanes")?),
            transmit: (number("tx_speed")?, number("tx_lanes")?),
        })
    };
    let mut cable = Cable {
        name: printable(name),
        peer: Peer { vendor: text("vendor_name"), device: text("device_name"), unique_id: text("unique_id") },
        speed: speed(),
        ..Cable::default()
    };
    for service in services {
        match self::text(&bus.join(service).join("key")).as_deref().map(str::trim) {
            Some("network") => cable.offers_network = true,
            Some("stream") => cable.offers_stream = true,
            _ => {}
        }
        if let Some((interface, master)) = interfaces.remove(*service) {
            cable.interface = Some(interface);
            cable.master = master;
        }
    }
    cable
}

/// Network interfaces of Thunderbolt cables, with their masters, by the service that each belongs to.
fn interfaces(root: &Path) -> BTreeMap<String, (Interface, Option<Interface>)> {
    let class = root.join("sys/class/net");
    let mut found = BTreeMap::new();
    for name in names(&class).unwrap_or_default() {
        let folder = class.join(&name);
        let device = folder.join("device");
        if link_name(&device.join("driver")).as_deref() != Some(NETWORK_DRIVER) {
            continue;
        }
        let Some(service) = link_name(&device) else { continue };
        let master = link_name(&folder.join("master")).filter(|master| *master != name);
        let master = master.map(|master| interface(root, &class.join(&master), &master));
        found.insert(service, (interface(root, &folder, &name), master));
    }
    found
}

fn interface(root: &Path, folder: &Path, name: &str) -> Interface {
    let attribute = |attribute| text(&folder.join(attribute)).map(|text| text.trim().to_owned());
    let number = |name| attribute(name).and_then(|text| text.parse::<u32>().ok());
    let state = attribute("operstate").unwrap_or_default();
    // Bit 0 of the flags is IFF_UP. Reading `carrier` of an interface that is down is an error.
    let flags =
        attribute("flags").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    let is_up = flags.map_or(state != "down", |flags| flags & 1 != 0);
    let index = number("ifindex").unwrap_or(0);
    Interface {
        name: printable(name),
        index,
        is_up,
        has_carrier: is_up && number("carrier").map_or(state == "up", |carrier| carrier == 1),
        mtu: number("mtu").unwrap_or(0),
        mac: attribute("address").as_deref().and_then(mac),
        addresses: addresses(root, index),
    }
}

#[cfg(target_os = "linux")]
fn addresses(root: &Path, index: u32) -> Vec<std::net::IpAddr> {
    super::address::of(root, index)
}

#[cfg(not(target_os = "linux"))]
fn addresses(_root: &Path, _index: u32) -> Vec<std::net::IpAddr> {
    Vec::new()
}

/// Names in a folder, sorted, and not too many.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.take(MOST_ENTRIES);
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// The first bytes of a plain file, as text.
pub(super) fn text(path: &Path) -> Option<String> {
    bounded(path, ATTRIBUTE_BYTES)
}

/// As [`text`], with another bound.
pub(super) fn bounded(path: &Path, most: u64) -> Option<String> {
    // Opening anything else, a FIFO for one, could wait.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The name of what a link leads to.
fn link_name(path: &Path) -> Option<String> {
    let target: PathBuf = fs::canonicalize(path).or_else(|_| fs::read_link(path)).ok()?;
    target.file_name()?.to_str().map(str::to_owned)
}

/// What kind of device a folder of the bus is.
fn device_type(folder: &Path) -> Option<String> {
    let uevent = text(&folder.join("uevent"))?;
    uevent.lines().find_map(|line| line.strip_prefix("DEVTYPE=")).map(str::to_owned)
}

/// `N-ROUTE`, the route in hexadecimal.
fn is_xdomain(name: &str) -> bool {
    name.split_once('-').is_some_and(|(domain, route)| is_number(domain) && is_hexadecimal(route))
}

/// The XDomain of `N-ROUTE.INDEX`.
fn service_of(name: &str) -> Option<&str> {
    let (xdomain, index) = name.rsplit_once('.')?;
    (is_xdomain(xdomain) && is_number(index)).then_some(xdomain)
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hexadecimal(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The whole number that a text like `20.0 Gb/s` begins with.
fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        *byte = u8::from_str_radix(parts.next().filter(|part| part.len() == 2)?, 16).ok()?;
    }
    parts.next().is_none().then_some(bytes)
}
