//! Guests and a host at the two ends of a model cable, with keys, pairing, and a whole mirror over it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering as AtomicOrder};
use std::sync::mpsc::{Receiver as Arrivals, channel};

use pvgpu_protocol::aperture::{GuestHello, Layout, PAGE_BYTES, RING_HEADER_BYTES, Sizes};
use pvgpu_protocol::command::{self, CreateContext, HeapRange};
use pvgpu_protocol::version::VersionRange;
use pvgpu_ring::{Consumer, FenceReader, FenceWriter, Producer, initialise};

use super::super::model::Cable;
use super::super::session::{LinkError, initiate};
use super::*;
use crate::Mapping;
use crate::mirror::{Greeted, MirrorGuest};
use crate::secure::pairing::Outcome;
use crate::secure::{Identity, Peer as Known, Peers, Role};
use crate::shm::Wake;
use crate::tcp::Options;

const SOON: Duration = Duration::from_secs(20);
/// More frames than a device's ring has by default do not fit.
const RING: usize = 256;

/// A cable with a host at its side 0, and a guest that may come to side 1.
struct World {
    cable: Arc<Cable>,
    guest: Identity,
    hosts: Peers,
    guests: Peers,
    slot: Arc<pairing::Slot>,
    arrivals: Arrivals<Accepted>,
    notices: Arc<Mutex<Vec<String>>>,
    _host: Host,
}

fn options(trust_link: bool) -> Options {
    Options { trust_link, ..Options::default() }
}

/// The number of the next guest's session: what is still under way to the one before must not count as this one's.
static SESSION: AtomicU32 = AtomicU32::new(77);

/// `is_paired`: whether both know each other from the start.
fn world(is_paired: bool, trust_link: bool) -> World {
    let (guest, host_key) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
    let known = |name: &str, role, key: &Identity| {
        let peer = Known { name: name.to_owned(), role, key: key.public(), address: None };
        Peers::in_memory(if is_paired { vec![peer] } else { Vec::new() })
    };
    let (hosts, guests) = (known("box", Role::Host, &host_key), known("deck", Role::Guest, &guest));
    let door = Door::new(host_key, guests.clone(), options(trust_link), Arc::new(|_| {}));
    let cable = Cable::new(RING, false);
    let (sender, arrivals) = channel();
    let notices: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = notices.clone();
    let callbacks = Callbacks {
        arrived: Box::new(move |accepted| drop(sender.send(accepted))),
        notice: Box::new(move |notice| log.lock().expect("no panic").push(notice.to_string())),
    };
    let (slot, devices) = (door.pairing.clone(), cable.clone());
    let open = move || Ok(devices.try_open(0)? as Arc<dyn FrameDevice>);
    let _host = Host::start_with(open, door, callbacks).expect("a thread");
    World { cable, guest, hosts, guests, slot, arrivals, notices, _host }
}

impl World {
    /// Opens the guest's device as soon as nobody else has it.
    fn device(&self) -> Arc<dyn FrameDevice> {
        let begin = Instant::now();
        loop {
            match self.cable.try_open(1) {
                Ok(device) => return device,
                Err(error) => assert!(begin.elapsed() < SOON, "{error}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn open(&self) -> Channels {
        let number = || Ok(SESSION.fetch_add(1, AtomicOrder::Relaxed));
        run::open(|| Ok(self.device()), number, SOON).expect("the host answers")
    }

    fn connect(&self, trust_link: bool) -> Result<Channels, SecureError> {
        initiate(self.open(), &self.guest, &self.hosts, &options(trust_link))
    }

    fn accept(&self) -> Channels {
        let Accepted { urgent, bulk, .. } = self.arrivals.recv_timeout(SOON).expect("a guest comes");
        Channels { urgent: urgent.into_channel(), bulk: bulk.into_channel() }
    }

    fn says(&self, part: &str) {
        let begin = Instant::now();
        loop {
            let notices = self.notices.lock().expect("no panic").clone();
            if notices.iter().any(|notice| notice.contains(part)) {
                return;
            }
            assert!(begin.elapsed() < SOON, "no notice says {part:?}: {notices:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn goes_through(from: &mut Channel, to: &mut Channel, bytes: usize) {
    let message: Vec<u8> = (0..bytes).map(|place| (place % 251) as u8).collect();
    thread::scope(|scope| {
        let sending = scope.spawn(|| from.sender.send(&[IoSlice::new(&message)]));
        let (mut got, mut room) = (Vec::new(), vec![0; 10_000]);
        while got.len() < bytes {
            let count = to.receiver.receive(&mut room).expect("the link is whole");
            assert_ne!(count, 0, "it ended after {} bytes", got.len());
            got.extend_from_slice(&room[..count]);
        }
        assert!(got == message);
        sending.join().expect("no panic").expect("sent");
    });
}

fn exchange(guest: &mut Channels, host: &mut Channels) {
    goes_through(&mut guest.urgent, &mut host.urgent, 1000);
    goes_through(&mut host.urgent, &mut guest.urgent, 3);
    goes_through(&mut guest.bulk, &mut host.bulk, 1_000_000);
    goes_through(&mut host.bulk, &mut guest.bulk, 1_000_000);
}

#[test]
fn paired_guests_are_served_one_after_the_other() {
    let world = world(true, false);
    for _ in 0..2 {
        let mut guest = world.connect(false).expect("paired");
        let mut host = world.accept();
        exchange(&mut guest, &mut host);
        drop(guest);
        let mut bytes = [0; 8];
        assert_eq!(host.urgent.receiver.receive(&mut bytes).expect("ended"), 0);
    }
    // And when it is the worker that ends.
    let mut guest = world.connect(false).expect("paired");
    let mut host = world.accept();
    host.urgent.sender.send(&[IoSlice::new(b"bye")]).expect("sent");
    drop(host);
    let mut bytes = [0; 8];
    assert_eq!(guest.urgent.receiver.receive(&mut bytes).expect("what was sent before"), 3);
    assert_eq!(guest.urgent.receiver.receive(&mut bytes).expect("ended"), 0);
    world.says("the guest's stream has ended");
}

#[test]
fn sealed_records_fill_frames() {
    let world = world(true, false);
    let mut guest = world.connect(false).expect("paired");
    let mut host = world.accept();
    let bulk = |cable: &Cable| cable.count(1, (2, 1));
    let before = bulk(&world.cable);
    goes_through(&mut guest.bulk, &mut host.bulk, 10 * RECORD_BYTES);
    assert_eq!((RECORD_BYTES, bulk(&world.cable) - before), (4062, 10));
}

#[test]
fn a_trusted_cable_needs_no_keys_and_both_must_say_so() {
    let trusting = world(false, true);
    assert!(matches!(trusting.connect(false), Err(SecureError::HostIsPlain)));
    let mut guest = trusting.connect(true).expect("trusted");
    exchange(&mut guest, &mut trusting.accept());
    let sealed = world(true, false);
    assert!(matches!(sealed.connect(true), Err(SecureError::HostEncrypts)));
    sealed.says("leave --trust-link out on the guest");
}

#[test]
fn a_stranger_is_refused_and_paired_by_a_code() {
    let world = world(false, false);
    assert!(matches!(world.connect(false), Err(SecureError::HostNotPaired { .. })));
    let offer = world.slot.open().expect("random");
    let mut channels = world.open();
    let host = pairing::initiate(&mut duplex(&mut channels.urgent), &world.guest, &offer.code, "deck");
    world.hosts.add(host.expect("the code is right")).expect("in memory");
    drop(channels);
    world.says("is paired as deck");
    assert!(matches!(world.slot.wait(&offer, SOON), Some(Outcome::Paired(_))));
    let mut guest = world.connect(false).expect("paired");
    exchange(&mut guest, &mut world.accept());
    drop(guest);
    // Forgotten by the host, it is refused before anything else of it is read.
    world.guests.forget("deck").expect("it was there");
    assert!(matches!(world.connect(false), Err(SecureError::ForgottenByHost)));
    world.says("is not paired with this host");
    assert!(world.arrivals.try_recv().is_err());
}

#[test]
fn a_silent_machine_is_given_up_and_the_next_one_let_in() {
    let mut silent = options(false);
    silent.handshake_time = Duration::from_millis(200);
    let world = world(true, false);
    let channels = world.open();
    // The host's patience is five seconds; this end's own is shorter.
    let error = initiate(channels, &world.guest, &Peers::in_memory(Vec::new()), &silent);
    assert!(matches!(error, Err(SecureError::HostNotPaired { .. })));
    let mut guest = world.connect(false).expect("paired");
    exchange(&mut guest, &mut world.accept());
}

/// A guest's driver and a host's worker, with a mirror over the cable: a command goes there, its fence comes back.
#[test]
fn a_mirror_runs_over_the_cable_and_ends_with_it() {
    let world = world(true, false);
    for _ in 0..2 {
        let sizes = Sizes::with_aperture(64 << 20);
        let layout = Layout::new(sizes).expect("a usual size");
        let mapping = Mapping::anonymous(64 << 20).expect("memory");
        let place = layout.ring0;
        let ring0 = mapping.region(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside");
        initialise(&ring0, 0).expect("a ring");
        let events = layout.event;
        let events =
            mapping.region(events.ring_offset(), RING_HEADER_BYTES + events.capacity).expect("inside");
        initialise(&events, 0).expect("a ring");
        let hello = GuestHello { versions: VersionRange::OURS, features: 0, sizes, process: 5 };
        for (index, value) in hello.cells() {
            mapping.whole().as_ref()[index].store(value, AtomicOrder::Release);
        }
        let guest =
            MirrorGuest::begin(mapping.clone(), world.connect(false).expect("paired")).expect("begun");
        let greeted = Greeted::hear(world.accept(), SOON).expect("a hello");
        assert_eq!((greeted.hello.sizes, greeted.hello.process), (sizes, 5));
        let copy = Mapping::anonymous(64 << 20).expect("memory");
        let host = greeted.begin(copy.clone(), layout).expect("begun");

        let mut commands = Producer::new(ring0, 0).expect("a ring");
        let mut payload = Vec::new();
        let create = CreateContext {
            ring: HeapRange { offset: 0, length: PAGE_BYTES + (64 << 10) },
            context: 1,
            process: 5,
        };
        let header = command::encode(&create, &mut |part: &[u8]| payload.extend_from_slice(part));
        let header = header.expect("a small command").to_word();
        let mut record = commands.reserve(payload.len()).expect("there is room");
        record.write(&payload).expect("it fits");
        let _published = record.commit((header >> 32) as u32);
        guest.ring_doorbell();
        let ring = copy.region(place.ring_offset(), RING_HEADER_BYTES + place.capacity).expect("inside");
        let mut executed = Consumer::new(ring, 0).expect("a ring");
        let (begin, mut words) = (Instant::now(), vec![0; 1024]);
        while executed.pop_into(&mut words).expect("an honest ring").is_none() {
            assert!(begin.elapsed() < SOON, "the command does not come: {:?}", guest.why());
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(words[0], header);

        let page =
            |mapping: &Mapping| mapping.region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside");
        FenceWriter::new(page(&copy), 1).expect("a line").complete(9, 1);
        let mut fences = FenceReader::new(page(&mapping), 1).expect("a line");
        while fences.poll().expect("an honest line") < 9 {
            assert!(begin.elapsed() < SOON, "the fence does not come: {:?}", guest.why());
            host.interrupt();
            thread::sleep(Duration::from_millis(1));
        }

        world.cable.unplug();
        while guest.wait_interrupt(Duration::from_millis(50)) != Wake::Gone {
            assert!(begin.elapsed() < SOON, "the guest does not notice");
        }
        assert!(guest.why().is_some_and(|why| why.contains("the cable was pulled")), "{:?}", guest.why());
        world.says("the guest's stream has ended");
        world.says("does not exist");
        world.cable.plug();
    }
}

#[test]
fn absence_is_told_from_what_does_not_pass() {
    let stream = |error: io::Error| LinkError::Stream(error).is_absence();
    use super::super::StreamError;
    let open = |kind: io::ErrorKind| StreamError::Open { path: "/dev/tbstream0".into(), source: kind.into() };
    assert!(stream(StreamError::Alone { waited: SOON }.into()) && stream(StreamError::Unplugged.into()));
    assert!(stream(open(io::ErrorKind::NotFound).into()) && stream(open(io::ErrorKind::ResourceBusy).into()));
    assert!(!stream(open(io::ErrorKind::PermissionDenied).into()) && !stream(StreamError::BusyPoll.into()));
    assert!(!LinkError::Handshake(SecureError::Busy).is_absence());
}
