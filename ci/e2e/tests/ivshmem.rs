//! The driver's file on a real PCI device: QEMU's ivshmem-doorbell, in a virtual machine with Linux, rendered for by pvgpud on this
//! machine. What runs in the virtual machine is `ci/vm`; here the host's side is played, and what it prints is judged.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use pvgpu_e2e::{assert_log_clean, built_vm, wait_for};
use pvgpu_xtask::daemon::Daemon;
use pvgpu_xtask::paths;
use pvgpu_xtask::vm::{self, Kernel, Machine, initramfs};

/// From QEMU's start to the end, on a machine that is busy with other things: it emulates a processor, beside a software renderer. Alone
/// on two cores it takes a tenth of this.
const LIMIT: Duration = Duration::from_secs(300);
/// For what takes no time.
const SOON: Duration = Duration::from_secs(20);
/// The host is gone for a guest within a second of silence; the machine is emulated, and slower than its clock on a busy host.
const REMOVED_MS: u64 = 4000;
/// Where half of the host's sleep between two looks is over, in microseconds.
const UNRUNG_US: u64 = 50_000;
/// What the frame shows: upper right ground, lower left triangle.
const COPIED: &str = "003366ff ff6600ff ff6600ff 003366ff";
/// The same as it is presented: BGRA.
const PRESENTED: &str = "663300ff 0066ffff 0066ffff 663300ff";

/// What the machine has said: the words behind each name.
struct Said(BTreeMap<String, String>);

impl Said {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("the machine says nothing of {name:?}"))
    }

    fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or_else(|_| panic!("{name}: {}", self.get(name)))
    }
}

#[test]
fn the_drivers_file_renders_on_qemus_ivshmem_device() {
    if !vm::is_there().unwrap_or_else(|error| panic!("{error}")) {
        eprintln!("skipped: this system has no package with QEMU, so that no virtual machine can be run");
        return;
    }
    built_vm();
    let kernel = Kernel::ensure().unwrap_or_else(|error| panic!("{error}"));
    let image = paths::kernel_file("pvgpukmd.sys");
    let archive = initramfs(&kernel, &vm::program(), &[("pvgpukmd.sys", &image)])
        .unwrap_or_else(|error| panic!("{error}"));
    let name = format!("vm-{}", std::process::id());
    let mut daemon = Some(Daemon::start_for_machines(&name, true).unwrap_or_else(|error| panic!("{error}")));
    let log = daemon.as_ref().expect("started").log().to_owned();
    let link = daemon.as_ref().expect("started").link().to_owned();
    let socket = link.strip_prefix("ivshmem:").expect("its link");
    let start = Instant::now();
    let variables = [("PVGPU_KERNEL_IMAGE", "/pvgpukmd.sys")];
    let mut machine = Machine::start("vm-console", &kernel, &archive, socket.as_ref(), &variables)
        .unwrap_or_else(|error| panic!("{error}"));
    let console = machine.log().display().to_string();

    let mut said = Said(BTreeMap::new());
    let (mut violations, mut ended) = (Vec::new(), None);
    while let Some(line) = machine.line(LIMIT.saturating_sub(start.elapsed())) {
        if line.contains("Kernel panic") {
            ended = Some(line);
            break;
        }
        // The kernel and the machine's firmware may have begun the line.
        let Some((_, words)) = line.split_once("pvgpu-vm: ") else { continue };
        match words.split_once(' ') {
            Some(("please", "kill-worker")) => {
                let worker = wait_for("the machine's worker", SOON, || {
                    let status = daemon.as_ref()?.status()?;
                    let guest = status.guests.iter().find(|guest| guest.name == "vm-1")?;
                    // Its counters come four times a second.
                    (guest.draws > 0).then_some(guest.worker_process)
                });
                let killed = Command::new("kill").args(["-KILL", &worker.to_string()]).status();
                assert!(killed.is_ok_and(|status| status.success()), "the worker is killed");
            }
            Some(("please", "kill-pvgpud")) => daemon.take().expect("it still runs").kill(),
            Some(("violation", text)) => violations.push(text.to_owned()),
            Some(("end", text)) => ended = Some(text.to_owned()),
            Some((first, rest)) => {
                // Two words name what the steps say of themselves.
                let (name, value) = match rest.split_once(' ') {
                    Some((second, value)) if second.starts_with(|c: char| c.is_ascii_lowercase()) => {
                        (format!("{first} {second}"), value)
                    }
                    _ => (first.to_owned(), rest),
                };
                said.0.insert(name, value.to_owned());
            }
            None => {}
        }
    }
    // A daemon that was killed leaves its folder.
    let _removed = std::fs::remove_dir_all(format!("/dev/shm/pvgpu-{name}"));
    assert_eq!(ended.as_deref(), Some("ok"), "{console} after {:?}", start.elapsed());
    assert!(violations.is_empty(), "{console}: {violations:#?}");
    assert!(machine.wait(SOON).is_ok_and(|off| off), "the machine is switched off");

    // The device is what the daemon made: its size, and the number that it gave.
    assert_eq!(said.get("aperture"), format!("{} peer 2", 64 << 20));
    for step in ["first", "after-reset", "restarted", "new-worker"] {
        assert_eq!(said.get(&format!("{step} copied")), COPIED, "{console}");
        assert_eq!(said.get(&format!("{step} presented")), PRESENTED, "{console}");
        let pixels = said.get(&format!("{step} pixels"));
        // Half of 64 × 64, and not a pixel of another colour; on the diagonal it is the renderer's choice.
        let counts: Vec<u32> = pixels.split(' ').filter_map(|count| count.parse().ok()).collect();
        let [triangle, ground] = counts[..] else { panic!("{step} pixels {pixels}") };
        assert!(triangle + ground == 64 * 64 && triangle.abs_diff(2048) <= 64, "{step}: {pixels}");
        assert!(said.number(&format!("{step} messages")) > 0, "{step}: no interrupt came");
        // Without a doorbell the host would look every 100 ms.
        let us = said.number(&format!("{step} round-trip-us"));
        assert!(us < UNRUNG_US, "{step}: the doorbell does not ring: {us} µs there and back");
    }
    for what in ["kill-worker", "kill-pvgpud"] {
        let ms = said.number(&format!("removed {what}"));
        assert!(ms < REMOVED_MS, "the driver needs {ms} ms to see {what}");
    }
    assert_log_clean(&log);
    eprintln!(
        "in {:.0} s; a flush there and back takes {} µs, {} messages in all",
        start.elapsed().as_secs_f64(),
        said.get("first round-trip-us"),
        said.get("messages"),
    );
}
