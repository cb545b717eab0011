//! Pages and MDLs, used well and badly.

use super::*;
use crate::machine::{DeviceKind, StrictMachine};
use crate::verifier::Violation;

const BYTES: u64 = 1 << 20;

fn system() -> (Arc<System>, Process) {
    let machine = StrictMachine::new(DeviceKind::Root, BYTES).expect("memory");
    let system = System::new(Arc::new(machine), true, 4);
    (system, Process::new(100, false))
}

fn rules(system: &System) -> Vec<Rule> {
    system.verifier.all().iter().map(|Violation { rule, .. }| *rule).collect()
}

fn write(address: *mut c_void, value: u8) {
    // SAFETY: a mapping of at least a page, which the test holds.
    unsafe { address.cast::<u8>().write_volatile(value) };
}

fn read(address: *mut c_void) -> u8 {
    // SAFETY: as for `write`.
    unsafe { address.cast::<u8>().read_volatile() }
}

#[test]
fn a_part_of_the_aperture_is_seen_by_its_process() {
    let (system, process) = system();
    let (memory, verifier) = (&system.memory, &system.verifier);
    let whole = memory.allocate_pages(&system, BYTES as usize);
    let kernel = memory.map_system(verifier, whole);
    let part = memory.allocate_mdl(&system, 8192, 4096);
    memory.build_partial(verifier, (whole, part), 8192, 4096);
    let user = memory.map_user(verifier, &process, part, 0);
    assert!(!kernel.is_null() && !user.is_null());
    assert_ne!(user.addr(), kernel.addr() + 8192, "a process has a mapping of its own");
    write(kernel.wrapping_byte_add(8192), 7);
    assert_eq!(read(user), 7);
    write(user, 9);
    assert_eq!(read(kernel.wrapping_byte_add(8192)), 9);
    assert_eq!(memory.mappings_of(process.id()), 1);
    memory.unmap(verifier, &process, user, part);
    assert_eq!(memory.mappings_of(process.id()), 0);
    memory.free_mdl(&system, part);
    // The same part by its address in kernel space.
    let part = memory.allocate_mdl(&system, kernel.addr() + 8192, 4096);
    memory.build_for_pool(verifier, part);
    let user = memory.map_user(verifier, &process, part, 0);
    assert_ne!(user.addr(), kernel.addr() + 8192);
    assert_eq!(read(user), 9);
    memory.unmap(verifier, &process, user, part);
    memory.free_mdl(&system, part);
    memory.unmap(verifier, &process, kernel, whole);
    memory.free_pages_and_mdl(&system, whole);
    // The machine's pages can be had again.
    let again = memory.allocate_pages(&system, BYTES as usize);
    let kernel = memory.map_system(verifier, again);
    assert_eq!(read(kernel.wrapping_byte_add(8192)), 9);
    memory.unmap(verifier, &process, kernel, again);
    memory.free_pages_and_mdl(&system, again);
    system.check_unloaded();
    assert_eq!(rules(&system), []);
}

#[test]
fn every_misuse_is_noticed() {
    let (system, process) = system();
    let (memory, verifier) = (&system.memory, &system.verifier);
    let whole = memory.allocate_pages(&system, 8192);
    let part = memory.allocate_mdl(&system, 4096, 8192);
    memory.build_partial(verifier, (whole, part), 4096, 8192);
    assert_eq!(rules(&system), [Rule::Mdl], "it does not lie inside");
    assert!(memory.map_user(verifier, &process, part, 0).is_null(), "it has no pages");
    memory.build_partial(verifier, (whole, part), 4096, 4096);
    let user = memory.map_user(verifier, &process, part, 0);
    assert!(memory.map_user(verifier, &process, part, 0).is_null(), "it is mapped");
    assert_eq!(rules(&system).len(), 3);
    let other = Process::new(104, false);
    memory.unmap(verifier, &other, user, part);
    assert_eq!(rules(&system).len(), 4, "another process's");
    let user = memory.map_user(verifier, &process, part, 0);
    memory.free_pages(&system, whole);
    assert_eq!(rules(&system).len(), 5, "the pages are mapped");
    memory.free_mdl(&system, part);
    assert_eq!(rules(&system).len(), 6, "the MDL is mapped");
    memory.unmap(verifier, &process, user, part);
    assert_eq!(rules(&system).len(), 7, "there is no such MDL");
    memory.free_mdl(&system, whole);
    assert_eq!(rules(&system).len(), 8, "it came with pages");
    system.check_unloaded();
    assert_eq!(rules(&system).get(8..), Some([Rule::MdlLeak].as_slice()));
}
