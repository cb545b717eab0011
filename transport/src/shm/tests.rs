//! Guest and host meet, ring, and notice each other's death.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::link::{Link, ShmName};

const BYTES: u64 = 1 << 16;
const SOON: Duration = Duration::from_secs(5);
const NOW: Duration = Duration::from_millis(20);

struct Meeting {
    link: Link,
    _parent: tempfile::TempDir,
    folder: PathBuf,
}

fn meeting() -> Meeting {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("link");
    Meeting { link: Link::Shm(ShmName::Folder(folder.clone())), _parent: parent, folder }
}

fn announce(link: &Link) -> Announced {
    Announced::new(link, BYTES, |mapping| mapping.whole().as_ref()[0].store(42, Ordering::Relaxed))
        .expect("the link is served")
}

fn connect(link: &Link, listener: &mut HostListener) -> (GuestPort, HostPort, ApertureFile) {
    let announced = announce(link);
    let aperture = listener.next_guest().expect("the folder is there").expect("a guest has come");
    let host = HostPort::open(&aperture).expect("the aperture maps");
    let guest = announced.open_doorbells().expect("the doorbells are there");
    (guest, host, aperture)
}

#[test]
fn both_sides_see_the_same_memory_and_ring() {
    let meeting = meeting();
    let mut listener = HostListener::bind(&meeting.link).expect("a fresh folder");
    assert!(listener.next_guest().expect("the folder is there").is_none());
    let (guest, host, aperture) = connect(&meeting.link, &mut listener);
    assert!(listener.next_guest().expect("the folder is there").is_none(), "a guest is found once");
    assert_eq!(aperture.cells().read_cell(0).expect("inside"), 42);
    aperture.cells().write_cell(1, 43).expect("inside");
    assert!(aperture.cells().write_cell(1 << 20, 1).is_err());
    assert_eq!(guest.mapping().whole().as_ref()[1].load(Ordering::Relaxed), 43);
    assert_eq!(host.mapping().whole().as_ref()[0].load(Ordering::Relaxed), 42);

    assert_eq!(host.wait_doorbell(NOW), Wake::Timeout);
    guest.ring_doorbell();
    guest.ring_doorbell();
    assert_eq!(host.wait_doorbell(SOON), Wake::Rung);
    assert_eq!(host.wait_doorbell(NOW), Wake::Timeout);
    assert_eq!(guest.wait_interrupt(NOW), Wake::Timeout);
    host.interrupt();
    assert_eq!(guest.wait_interrupt(SOON), Wake::Rung);
    // A wake is no interrupt: it ends the wait as its time would, at once, and does not hide an interrupt.
    guest.wake_waiter();
    let start = std::time::Instant::now();
    assert_eq!(guest.wait_interrupt(SOON), Wake::Timeout);
    assert!(start.elapsed() < SOON);
    guest.wake_waiter();
    host.interrupt();
    while guest.wait_interrupt(SOON) != Wake::Rung {}
}

#[test]
fn a_death_on_either_side_is_seen_on_the_other() {
    let meeting = meeting();
    let mut listener = HostListener::bind(&meeting.link).expect("a fresh folder");
    let (guest, host, _) = connect(&meeting.link, &mut listener);
    drop(guest);
    assert_eq!(host.wait_doorbell(SOON), Wake::Gone);
    let (guest, host, _) = connect(&meeting.link, &mut listener);
    drop(host);
    assert_eq!(guest.wait_interrupt(SOON), Wake::Gone);
    guest.ring_doorbell();
}

#[test]
fn nothing_is_left_behind() {
    let meeting = meeting();
    let mut listener = HostListener::bind(&meeting.link).expect("a fresh folder");
    let (guest, host, aperture) = connect(&meeting.link, &mut listener);
    drop((guest, host));
    listener.forget(&aperture);
    let left: Vec<_> = std::fs::read_dir(&meeting.folder)
        .expect("there")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(left, [HOST_FILE]);
    drop(listener);
    assert!(!meeting.folder.exists());
}

#[test]
fn no_host_a_dead_host_and_a_second_host_are_told_apart() {
    let meeting = meeting();
    let error = Announced::new(&meeting.link, BYTES, |_| {}).expect_err("nobody serves");
    assert!(matches!(error, ConnectError::NoHost { .. }), "{error}");
    assert!(error.to_string().contains("start one with `pvgpud --link shm:/"), "{error}");

    std::fs::create_dir(&meeting.folder).expect("made");
    std::fs::write(meeting.folder.join(HOST_FILE), "4194305\n").expect("written");
    std::fs::write(meeting.folder.join("guest-1-2-3.aperture"), "left by a crash").expect("written");
    let error = Announced::new(&meeting.link, BYTES, |_| {}).expect_err("the host is dead");
    assert!(matches!(error, ConnectError::DeadHost { process: 4_194_305, .. }), "{error}");

    let mut listener = HostListener::bind(&meeting.link).expect("a dead host's folder is taken over");
    assert!(listener.next_guest().expect("there").is_none(), "leftovers are no guests");
    let error = HostListener::bind(&meeting.link).expect_err("served already");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
}

#[test]
fn an_announcement_taken_back_is_no_guest() {
    let meeting = meeting();
    let mut listener = HostListener::bind(&meeting.link).expect("a fresh folder");
    drop(announce(&meeting.link));
    assert!(listener.next_guest().expect("there").is_none());
}

#[test]
fn what_is_no_plain_file_is_no_guest() {
    let meeting = meeting();
    let mut listener = HostListener::bind(&meeting.link).expect("a fresh folder");
    std::os::unix::fs::symlink("/etc/passwd", meeting.folder.join("guest-x.aperture")).expect("linked");
    std::fs::create_dir(meeting.folder.join("guest-y.aperture")).expect("made");
    assert!(listener.next_guest().expect("there").is_none());
    std::fs::remove_file(meeting.folder.join("guest-x.aperture")).expect("removed");
    std::fs::remove_dir(meeting.folder.join("guest-y.aperture")).expect("removed");
}
