//! Cables as recorded trees, and real sockets in network namespaces.

use std::path::Path;

use super::adapters::{Adapter, choose};
use super::*;

/// Builds a tree of files below a folder. Each line is `PATH = CONTENT`, `PATH -> TARGET` for a link, or `PATH/` for a folder; `\n`
/// in a content is a line's end, and each content gets one.
fn build(root: &Path, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let place = |path: &str| {
            let path = root.join(path.trim());
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            path
        };
        if let Some((path, target)) = line.split_once(" -> ") {
            std::os::unix::fs::symlink(target.trim(), place(path)).expect("a link");
        } else if let Some((path, content)) = line.split_once(" = ") {
            std::fs::write(place(path), content.trim().replace("\\n", "\n") + "\n").expect("a file");
        } else {
            std::fs::create_dir_all(root.join(line)).expect("a folder");
        }
    }
}

fn survey_of(trees: &[&str]) -> Survey {
    let root = tempfile::tempdir().expect("a folder");
    trees.iter().for_each(|tree| build(root.path(), tree));
    cables(root.path()).expect("a tree")
}

fn sentences(survey: &Survey) -> Vec<String> {
    survey.advice().iter().map(ToString::to_string).collect()
}

/// A laptop with two ports and nothing plugged in but a dock.
const CONTROLLER: &str = "
    sys/devices/pci0000:00/0000:00:0d.2/domain0/uevent = DEVTYPE=thunderbolt_domain
    sys/devices/pci0000:00/0000:00:0d.2/domain0/security = user
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/uevent = DEVTYPE=thunderbolt_device
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/device_name = Gen12
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-3/uevent = DEVTYPE=thunderbolt_device\\nDRIVER=x
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-3/vendor_name = CalDigit, Inc.
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-3/device_name = TS4
    sys/bus/thunderbolt/devices/domain0 -> ../../../devices/pci0000:00/0000:00:0d.2/domain0
    sys/bus/thunderbolt/devices/0-0 -> ../../../devices/pci0000:00/0000:00:0d.2/domain0/0-0
    sys/bus/thunderbolt/devices/0-3 -> ../../../devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-3
    sys/class/net/lo/address = 00:00:00:00:00:00
    sys/class/net/enp1s0/device/uevent = DRIVER=e1000e
";

/// Another Linux machine at the first port.
const PEER: &str = "
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/uevent = DEVTYPE=thunderbolt_xdomain
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/vendor_name = Linux
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/device_name = rendernode
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/unique_id = c2010000-0060-6c0e-8392-1c6480a10019
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/rx_speed = 20.0 Gb/s
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/tx_speed = 20.0 Gb/s
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/rx_lanes = 2
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/tx_lanes = 2
    sys/bus/thunderbolt/devices/0-1 -> ../../../devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1
";

/// Its network service, without the driver.
const SERVICE: &str = "
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/uevent = DEVTYPE=thunderbolt_service\\nMODALIAS=tbsvc:knetworkp00000001v00000001r00000001
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/key = network
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.1/key = stream
    sys/bus/thunderbolt/devices/0-1.0 -> ../../../devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0
    sys/bus/thunderbolt/devices/0-1.1 -> ../../../devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.1
";

/// The network interface of the driver.
const INTERFACE: &str = "
    sys/bus/thunderbolt/drivers/thunderbolt-net/
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/driver -> ../../../../../../../bus/thunderbolt/drivers/thunderbolt-net
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/net/thunderbolt0/device -> ../../../0-1.0
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/net/thunderbolt0/ifindex = 7
    sys/devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/net/thunderbolt0/address = 02:6d:3a:91:44:5e
    sys/class/net/thunderbolt0 -> ../../devices/pci0000:00/0000:00:0d.2/domain0/0-0/0-1/0-1.0/net/thunderbolt0
";

const UP: &str = "
    sys/class/net/thunderbolt0/operstate = up
    sys/class/net/thunderbolt0/flags = 0x1003
    sys/class/net/thunderbolt0/carrier = 1
    sys/class/net/thunderbolt0/mtu = 1500
";

const ADDRESS: &str = "
    proc/net/if_inet6 = 00000000000000000000000000000001 01 80 10 80 lo\\nfe80000000000000006d3afffe91445e 07 40 20 80 thunderbolt0
";

#[test]
fn one_cable_with_everything_set_up() {
    let survey = survey_of(&[CONTROLLER, PEER, SERVICE, INTERFACE, UP, ADDRESS]);
    assert_eq!((survey.controllers, survey.cables.len()), (1, 1));
    let cable = &survey.cables[0];
    assert_eq!(cable.name, "0-1");
    assert_eq!(cable.peer.vendor.as_deref(), Some("Linux"));
    assert_eq!(cable.peer.device.as_deref(), Some("rendernode"));
    assert_eq!(cable.peer.unique_id.as_deref(), Some("c2010000-0060-6c0e-8392-1c6480a10019"));
    assert_eq!(cable.speed, Some(Speed { receive: (20, 2), transmit: (20, 2) }));
    assert!(cable.offers_network && cable.offers_stream);
    let interface = cable.ready().expect("ready");
    assert_eq!((interface.name.as_str(), interface.index, interface.mtu), ("thunderbolt0", 7, 1500));
    assert_eq!(interface.mac, Some([0x02, 0x6d, 0x3a, 0x91, 0x44, 0x5e]));
    assert_eq!(interface.link_local_v6(), Some("fe80::6d:3aff:fe91:445e".parse().expect("an address")));
    let advice = survey.advice();
    assert_eq!(advice, [Advice::SmallMtu { interface: "thunderbolt0".to_owned(), mtu: 1500 }]);
    assert!(!advice[0].is_needed());
    assert!(sentences(&survey)[0].contains("`ip link set thunderbolt0 mtu 65520`"));
}

#[test]
fn nothing_is_left_to_advise_with_large_packets() {
    let large = "sys/class/net/thunderbolt0/mtu = 65520";
    let survey = survey_of(&[CONTROLLER, PEER, SERVICE, INTERFACE, UP, large, ADDRESS]);
    assert_eq!(survey.advice(), []);
}

#[test]
fn two_cables() {
    let second = [PEER, SERVICE, INTERFACE, UP].map(|tree| {
        tree.replace("/0-1", "/0-501")
            .replace("thunderbolt0", "thunderbolt1")
            .replace("ifindex = 7", "ifindex = 8")
    });
    let addresses = "proc/net/if_inet6 = fe800000000000000000000000000007 07 40 20 80 thunderbolt0\\nfe800000000000000000000000000008 08 40 20 80 thunderbolt1";
    let mut trees = vec![CONTROLLER, PEER, SERVICE, INTERFACE, UP, addresses];
    trees.extend(second.iter().map(String::as_str));
    let survey = survey_of(&trees);
    let ready: Vec<_> =
        survey.cables.iter().filter_map(|cable| Some((cable.name.as_str(), cable.ready()?))).collect();
    assert_eq!(ready.len(), 2, "{survey:#?}");
    assert_eq!((ready[0].0, ready[0].1.name.as_str(), ready[0].1.index), ("0-1", "thunderbolt0", 7));
    assert_eq!((ready[1].0, ready[1].1.name.as_str(), ready[1].1.index), ("0-501", "thunderbolt1", 8));
}

#[test]
fn each_thing_that_is_missing_has_its_sentence() {
    let says = |trees: &[&str], part: &str| {
        let survey = survey_of(trees);
        let sentences = sentences(&survey);
        assert!(survey.cables.iter().all(|cable| cable.ready().is_none()));
        assert!(survey.advice()[0].is_needed() && sentences[0].contains(part), "{part}: {sentences:?}");
    };
    says(&[], "no Thunderbolt or USB4 controller");
    says(&["sys/bus/thunderbolt/devices/"], "no Thunderbolt or USB4 controller");
    says(&[CONTROLLER], "no other machine");
    says(&[CONTROLLER, PEER], "cable 0-1 leads to Linux rendernode, which offers no network");
    says(&[CONTROLLER, PEER, SERVICE], "`modprobe thunderbolt-net`");
    let down = "sys/class/net/thunderbolt0/operstate = down\nsys/class/net/thunderbolt0/flags = 0x1002";
    says(&[CONTROLLER, PEER, SERVICE, INTERFACE, down, ADDRESS], "`ip link set thunderbolt0 up`");
    let alone = UP.replace("carrier = 1", "carrier = 0").replace("= up", "= down");
    says(&[CONTROLLER, PEER, SERVICE, INTERFACE, &alone, ADDRESS], "the other machine has not answered");
    says(&[CONTROLLER, PEER, SERVICE, INTERFACE, UP], "no link-local address");
    let tentative = ADDRESS.replace("20 80", "20 c0");
    says(&[CONTROLLER, PEER, SERVICE, INTERFACE, UP, &tentative], "no link-local address");
}

#[test]
fn a_bond_carries_the_addresses() {
    let bond = "
        sys/devices/virtual/net/bond0/ifindex = 12
        sys/devices/virtual/net/bond0/operstate = up
        sys/devices/virtual/net/bond0/flags = 0x1443
        sys/devices/virtual/net/bond0/carrier = 1
        sys/devices/virtual/net/bond0/mtu = 65520
        sys/class/net/bond0 -> ../../devices/virtual/net/bond0
        sys/class/net/thunderbolt0/master -> ../../../../../../../../../virtual/net/bond0
        proc/net/if_inet6 = fe80000000000000006d3afffe91445e 0c 40 20 80 bond0
    ";
    let survey = survey_of(&[CONTROLLER, PEER, SERVICE, INTERFACE, &UP.replace("1500", "65520"), bond]);
    let cable = &survey.cables[0];
    assert_eq!(cable.interface.as_ref().map(|interface| interface.name.as_str()), Some("thunderbolt0"));
    assert_eq!(cable.ready().map(|link| (link.name.as_str(), link.index)), Some(("bond0", 12)));
    assert_eq!(
        sentences(&survey),
        ["thunderbolt0 is a part of bond0, so that pvgpu uses the addresses of bond0"]
    );
}

#[test]
fn hostile_names_loops_and_huge_files_do_no_harm() {
    let root = tempfile::tempdir().expect("a folder");
    build(root.path(), CONTROLLER);
    build(root.path(), PEER);
    build(
        root.path(),
        "sys/bus/thunderbolt/devices/0-2 -> 0-2
         sys/bus/thunderbolt/devices/0-4 -> ../devices
         sys/bus/thunderbolt/devices/0-zz/uevent = DEVTYPE=thunderbolt_xdomain
         sys/bus/thunderbolt/devices/0-/uevent = DEVTYPE=thunderbolt_xdomain
         sys/bus/thunderbolt/devices/-1/uevent = DEVTYPE=thunderbolt_xdomain
         sys/bus/thunderbolt/devices/0-11111111111111111/uevent = DEVTYPE=thunderbolt_xdomain
         sys/bus/thunderbolt/devices/domainx/
         sys/bus/thunderbolt/devices/0-1.x/key = network
         sys/bus/thunderbolt/devices/0-1.0/key/
         sys/class/net/loop -> loop
         sys/class/net/thunderbolt9/device -> ../thunderbolt9
         sys/class/net/thunderbolt8/device/driver -> ../driver",
    );
    let peer = root.path().join("sys/bus/thunderbolt/devices/0-1");
    std::fs::write(peer.join("vendor_name"), vec![b'A'; 3 << 20]).expect("a huge file");
    std::fs::write(peer.join("device_name"), b"\x1b[2J\xff\xfe\0evil \xe2\x80\xae gnp.exe\n")
        .expect("a file");
    std::fs::write(peer.join("rx_lanes"), "99999999999999999999\n").expect("a file");
    std::fs::remove_file(peer.join("unique_id")).expect("removed");
    let fifo = peer.join("unique_id");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("a FIFO");
    let survey = cables(root.path()).expect("a tree");
    assert_eq!((survey.controllers, survey.cables.len()), (1, 1), "{survey:#?}");
    let cable = &survey.cables[0];
    assert_eq!(cable.peer.vendor.as_deref(), Some("A".repeat(64).as_str()));
    assert_eq!(cable.peer.device.as_deref(), Some("?[2J\u{fffd}\u{fffd}?evil ? gnp.exe"));
    assert_eq!((cable.peer.unique_id.as_deref(), cable.speed, cable.interface.as_ref()), (None, None, None));
    std::fs::remove_dir_all(root.path().join("sys")).expect("removed");
    std::fs::create_dir_all(root.path().join("sys/bus/thunderbolt")).expect("a folder");
    std::fs::write(root.path().join("sys/bus/thunderbolt/devices"), "no folder").expect("a file");
    assert!(cables(root.path()).is_err());
}

#[test]
fn the_survey_of_this_machine_is_no_error() {
    survey().expect("a survey");
}

fn adapter(name: &str, description: &str) -> Adapter {
    Adapter {
        friendly_name: name.to_owned(),
        description: description.to_owned(),
        index_v6: 14,
        index_v4: 14,
        is_up: true,
        mtu: 62_000,
        mac: Some([2, 0, 0, 0, 0, 1]),
        addresses: ["169.254.83.107", "fe80::9c4e:1", "fe80::9c4e:1"]
            .map(|address| address.parse().expect("an address"))
            .to_vec(),
    }
}

#[test]
fn windows_adapters_are_chosen_by_their_descriptions() {
    let adapters = [
        adapter("Ethernet", "Intel(R) Ethernet Controller I226-V"),
        adapter("Ethernet 4", "USB4(TM) P2P Network Adapter #2"),
        adapter("Ethernet 3", "Thunderbolt(TM) Networking"),
        adapter("Wi-Fi", "Thunderbolt Wi-Fi"),
        adapter("Ethernet 5", "usb4 p2p network adapter"),
        adapter("Dock", "CalDigit Thunderbolt 4 Dock Ethernet"),
    ];
    let survey = choose(&adapters);
    let names: Vec<_> =
        survey.cables.iter().map(|cable| cable.ready().expect("ready").name.as_str()).collect();
    assert_eq!(names, ["Ethernet 3", "Ethernet 4", "Ethernet 5"]);
    let link = survey.cables[0].ready().expect("ready");
    assert_eq!((link.index, link.mtu, link.addresses.len()), (14, 62_000, 2));
    assert!(link.addresses[0].is_ipv6());
    assert_eq!(survey.advice(), []);
}

#[test]
fn windows_has_sentences_of_its_own() {
    let says = |adapters: &[Adapter], part: &str| {
        let sentences = sentences(&choose(adapters));
        assert!(sentences.len() == 1 && sentences[0].contains(part), "{sentences:?}");
    };
    says(
        &[adapter("Ethernet", "Realtek PCIe GbE")],
        "Windows shows no USB4 P2P or Thunderbolt network adapter",
    );
    let usb4 = adapter("Ethernet 4", "USB4(TM) P2P Network Adapter");
    says(&[Adapter { is_up: false, ..usb4.clone() }], "the adapter Ethernet 4 is not connected");
    says(&[Adapter { addresses: Vec::new(), ..usb4 }], "Internet Protocol Version 6");
}

mod links;
