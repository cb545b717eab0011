//! Keys and peers in files; the handshake and the records over channels in memory.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::handshake::{self, Duplex, Expected, Hello, Lane, Mode, Secured, Verdict};
use super::*;
use crate::carrier::{Channel, Close, Receiver, Sender};

/// An end of a channel in memory that gives received bytes in portions.
struct Pipe {
    bytes: Arc<Shared>,
    portion: usize,
}

/// The bytes on their way and whether no more will come, and how to wait for either.
type Shared = (Mutex<(VecDeque<u8>, bool)>, Condvar);

impl Pipe {
    fn pair(portion: usize) -> (Self, Self) {
        let bytes = Arc::default();
        (Self { bytes: Arc::clone(&bytes), portion }, Self { bytes, portion })
    }

    fn take_all(&self) -> Vec<u8> {
        self.bytes.0.lock().expect("no panic").0.drain(..).collect()
    }
}

impl Sender for Pipe {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut inner = self.bytes.0.lock().expect("no panic");
        for part in parts {
            inner.0.extend(part.iter());
        }
        self.bytes.1.notify_all();
        Ok(())
    }
}

impl Receiver for Pipe {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.bytes.0.lock().expect("no panic");
        while inner.0.is_empty() && !inner.1 {
            let (next, waited) = self.bytes.1.wait_timeout(inner, Duration::from_secs(5)).expect("no panic");
            inner = next;
            if waited.timed_out() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        let count = self.portion.min(into.len()).min(inner.0.len());
        for (to, from) in into.iter_mut().zip(inner.0.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

impl Close for Pipe {
    fn close(&self) {
        self.bytes.0.lock().expect("no panic").1 = true;
        self.bytes.1.notify_all();
    }
}

/// Both directions of a channel in memory.
struct Line {
    guest: (Pipe, Pipe),
    host: (Pipe, Pipe),
}

fn line(portion: usize) -> Line {
    let (to_host, at_host) = Pipe::pair(portion);
    let (to_guest, at_guest) = Pipe::pair(portion);
    Line { guest: (to_host, at_guest), host: (to_guest, at_host) }
}

fn with<T>(ends: &mut (Pipe, Pipe), part: impl FnOnce(&mut Duplex<'_>) -> T) -> T {
    part(&mut Duplex { sender: &mut ends.0, receiver: &mut ends.1 })
}

fn peer(role: Role, identity: &Identity, address: Option<&str>) -> Peer {
    let name = match role {
        Role::Host => "host",
        Role::Guest => "guest",
    };
    Peer { name: name.to_owned(), role, key: identity.public(), address: address.map(str::to_owned) }
}

struct Machines {
    guest: Identity,
    host: Identity,
    peers: Peers,
}

fn machines() -> Machines {
    let (guest, host) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
    let peers =
        Peers::in_memory(vec![peer(Role::Host, &host, Some("box:1")), peer(Role::Guest, &guest, None)]);
    Machines { guest, host, peers }
}

/// A whole handshake of one channel in memory.
fn shake(
    machines: &Machines,
    line: &mut Line,
    address: &str,
) -> (Result<Secured, SecureError>, Result<Secured, SecureError>) {
    let Line { guest, host } = line;
    std::thread::scope(|scope| {
        let expected = Expected { peers: &machines.peers, address: Some(address) };
        let guest = scope.spawn(move || {
            let result = with(guest, |duplex| {
                let (mut secured, _) =
                    handshake::initiate(duplex, Lane::Both, [7; 16], &machines.guest, expected)?;
                let binding = handshake::binding(&[&secured.hash]);
                handshake::receive_verdict(duplex, &mut secured.keys, &binding)?;
                Ok(secured)
            });
            guest.0.close();
            result
        });
        let result = with(host, |duplex| {
            let hello = handshake::receive_hello(duplex)?;
            let mut secured = handshake::respond(duplex, &hello, &machines.host)?;
            let known = handshake::guest(&machines.peers, &secured.key);
            let verdict = if known.is_ok() { Verdict::Welcome } else { Verdict::NotPaired };
            let binding = handshake::binding(&[&secured.hash]);
            handshake::send_verdict(duplex, &mut secured.keys, verdict, &binding)?;
            known.map(|_| secured)
        });
        host.0.close();
        (guest.join().expect("no panic"), result)
    })
}

#[test]
fn paired_machines_share_keys_and_nobody_else_does() {
    let machines = machines();
    for portion in [1, 7, 4096] {
        let (guest, host) = shake(&machines, &mut line(portion), "box:1");
        let (guest, host) = (guest.expect("paired"), host.expect("paired"));
        assert_eq!((guest.key, host.key), (machines.host.public(), machines.guest.public()));
        assert_eq!((guest.session, host.session), ([7; 16], [7; 16]));
        assert_eq!(guest.keys.send, host.keys.receive);
        assert_eq!(guest.keys.receive, host.keys.send);
        assert_ne!(guest.keys.send, guest.keys.receive);
        assert_eq!(
            (guest.keys.send.count(), guest.keys.receive.count()),
            (0, 1),
            "the verdict is the first record"
        );
    }
}

#[test]
fn an_unknown_host_a_wrong_key_and_a_forgotten_guest_are_told_apart() {
    let mut machines = machines();
    let known = machines.host.clone();
    machines.host = Identity::generate().expect("random");
    let (guest, host) = shake(&machines, &mut line(64), "elsewhere:1");
    let error = guest.expect_err("not paired").to_string();
    assert!(error.contains(&machines.host.fingerprint().to_string()), "{error}");
    assert!(error.contains("run `pvgpu-ctl pair` on the host"), "{error}");
    assert!(matches!(host, Err(SecureError::Closed)), "the guest has not said who it is: {host:?}");

    let (guest, _) = shake(&machines, &mut line(64), "box:1");
    let error = guest.expect_err("another key").to_string();
    assert!(error.contains(&format!("host with the key {} was expected", known.fingerprint())), "{error}");
    assert!(error.contains(&machines.host.fingerprint().to_string()), "{error}");

    machines.host = known;
    machines.peers.forget("guest").expect("there");
    let (guest, host) = shake(&machines, &mut line(64), "box:1");
    assert!(matches!(guest, Err(SecureError::ForgottenByHost)), "{guest:?}");
    let error = host.expect_err("not paired").to_string();
    assert!(error.contains(&machines.guest.fingerprint().to_string()), "{error}");
}

#[test]
fn a_guest_is_no_host_and_a_host_no_guest() {
    let mut machines = machines();
    machines.peers = Peers::in_memory(vec![
        peer(Role::Guest, &machines.host, None),
        peer(Role::Host, &machines.guest, None),
    ]);
    let (guest, _) = shake(&machines, &mut line(64), "box:1");
    assert!(matches!(guest, Err(SecureError::HostNotPaired { .. })), "{guest:?}");
    let found = handshake::guest(&machines.peers, &machines.guest.public());
    assert!(matches!(found, Err(SecureError::GuestNotPaired { .. })), "{found:?}");
}

#[test]
fn what_is_no_hello_of_ours_is_told_apart() {
    let hello = Hello { mode: Mode::Encrypted, lane: Lane::Bulk, session: [0; 16] };
    let bytes = hello.to_bytes();
    assert_eq!(Hello::from_bytes(&bytes).expect("ours"), hello);
    let check = |index: usize, byte: u8| {
        let mut bytes = bytes;
        bytes[index] = byte;
        Hello::from_bytes(&bytes)
    };
    assert!(matches!(check(0, b'G'), Err(SecureError::NotPvgpu)));
    assert!(matches!(check(8, 9), Err(SecureError::Version { theirs: 9 })));
    for (index, byte) in [(9, 0), (9, 4), (10, 3), (11, 1), (15, 1), (16, 1), (31, 255)] {
        assert!(matches!(check(index, byte), Err(SecureError::Malformed)), "{index}");
    }
    let plain = Hello { mode: Mode::Plain, lane: Lane::Urgent, session: [9; 16] };
    assert_eq!(Hello::from_bytes(&plain.to_bytes()).expect("ours"), plain);
}

#[test]
fn another_version_is_told_to_both_sides() {
    let mut line = line(64);
    let mut old = Hello { mode: Mode::Encrypted, lane: Lane::Urgent, session: [0; 16] }.to_bytes();
    old[8] = 7;
    line.guest.0.send(&[IoSlice::new(&old)]).expect("sent");
    let error = with(&mut line.host, handshake::receive_hello).expect_err("another version");
    assert!(
        error.to_string().contains("version 7 of the link's handshake and this program version 1"),
        "{error}"
    );
    // What the host has answered names its own version; a newer one would be an error to us.
    let mut answer = line.guest.1.take_all();
    assert_eq!(answer.get(..10), Some([handshake::MAGIC.as_slice(), &[1, 1]].concat().as_slice()));
    answer[8] = 2;
    line.host.0.send(&[IoSlice::new(&answer)]).expect("sent");
    let machines = machines();
    let expected = Expected { peers: &machines.peers, address: None };
    let error = with(&mut line.guest, |duplex| {
        handshake::initiate(duplex, Lane::Urgent, [0; 16], &machines.guest, expected)
            .expect_err("another version")
    });
    assert!(matches!(error, SecureError::Version { theirs: 2 }), "{error}");
}

#[test]
fn a_session_of_other_channels_is_noticed() {
    let machines = machines();
    let mut line = line(64);
    let Line { guest, host } = &mut line;
    let error = std::thread::scope(|scope| {
        let machines = &machines;
        let guest = scope.spawn(move || {
            with(guest, |duplex| {
                let expected = Expected { peers: &machines.peers, address: None };
                let (mut secured, _) =
                    handshake::initiate(duplex, Lane::Urgent, [1; 16], &machines.guest, expected)?;
                handshake::receive_verdict(
                    duplex,
                    &mut secured.keys,
                    &handshake::binding(&[&secured.hash, &[1; 32]]),
                )
            })
        });
        with(host, |duplex| {
            let hello = handshake::receive_hello(duplex).expect("a hello");
            let mut secured = handshake::respond(duplex, &hello, &machines.host).expect("paired");
            let binding = handshake::binding(&[&secured.hash, &[2; 32]]);
            handshake::send_verdict(duplex, &mut secured.keys, Verdict::Welcome, &binding).expect("sent");
        });
        guest.join().expect("no panic").expect_err("another binding")
    });
    assert!(matches!(error, SecureError::Unbound), "{error}");
}

/// A pair of channels in memory with keys for them.
fn sealed(largest: usize, portion: usize) -> (SealedSender, SealedReceiver, Arc<dyn Close>) {
    sealed_from(0, largest, portion)
}

fn sealed_from(count: u64, largest: usize, portion: usize) -> (SealedSender, SealedReceiver, Arc<dyn Close>) {
    let (sender, receiver) = Pipe::pair(portion);
    let closer = Pipe { bytes: sender.bytes.clone(), portion };
    let keys = DirectionKeys::new([5; 32], count);
    let sender = SealedSender::new(Box::new(sender), keys.clone(), largest);
    (sender, SealedReceiver::new(Box::new(receiver), keys), Arc::new(closer))
}

fn receive_all(receiver: &mut dyn Receiver, step: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut room = vec![0; step];
        match receiver.receive(&mut room)? {
            0 => return Ok(all),
            received => all.extend_from_slice(&room[..received]),
        }
    }
}

/// The sealed bytes of some messages, each one record.
fn records(messages: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut sealer = Sealer::new(DirectionKeys::new([5; 32], 0));
    let seal = |message: &&[u8]| {
        let mut record = Vec::new();
        sealer.seal(&[message], &mut record).expect("sealed");
        record
    };
    messages.iter().map(seal).collect()
}

/// What comes out of sealed bytes and then the end of the channel.
fn opened(bytes: &[u8]) -> (Vec<u8>, Option<io::Error>) {
    let (mut sender, receiver) = Pipe::pair(1000);
    sender.send(&[IoSlice::new(bytes)]).expect("sent");
    sender.close();
    let mut receiver = SealedReceiver::new(Box::new(receiver), DirectionKeys::new([5; 32], 0));
    let mut all = Vec::new();
    loop {
        let mut room = [0; 777];
        match receiver.receive(&mut room) {
            Ok(0) => return (all, None),
            Ok(received) => all.extend_from_slice(&room[..received]),
            Err(error) => {
                let again = receiver.receive(&mut room).expect_err("the channel has ended");
                assert_eq!(again.to_string(), error.to_string());
                return (all, Some(error));
            }
        }
    }
}

#[test]
fn altered_repeated_moved_lost_and_cut_records_end_the_channel() {
    let [a, b, c] = records(&[b"first", &[7; 5000], b"third"]).try_into().expect("three");
    let says = |bytes: &[&[u8]], got: &[u8], text: &str| {
        let (all, error) = opened(&bytes.concat());
        assert_eq!(all, got);
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(text), "{error}");
    };
    let whole = [b"first".as_slice(), &[7; 5000], b"third"].concat();
    assert!(opened(&[&a[..], &b, &c].concat()).1.is_none());
    says(&[&a, &b, &c], &whole, "");
    says(&[&a, &a], b"first", "repeated");
    says(&[&b], b"", "left out");
    says(&[&a, &c], b"first", "left out");
    says(&[&a, &b[..b.len() - 1]], b"first", "cut in the middle");
    says(&[&a[..1]], b"", "cut in the middle");
    for index in 0..a.len() {
        let mut wrong = a.clone();
        wrong[index] ^= 0x10;
        // A header that is longer than it should be waits for more, and the end comes first.
        let text = if index < 2 { "" } else { "does not authenticate" };
        let (all, error) = opened(&[wrong, b.clone()].concat());
        assert!(all.is_empty());
        let error = error.expect("an error").to_string();
        assert!(error.contains(text), "{index}: {error}");
    }
}

#[test]
fn keys_change_and_a_channel_goes_on_elsewhere_where_it_was() {
    let (mut sender, mut receiver, closer) = sealed_from(REKEY_AFTER - 3, 10, 64);
    let message: Vec<u8> = (0..100).collect();
    sender.send(&[IoSlice::new(&message)]).expect("sent");
    closer.close();
    assert_eq!(receive_all(&mut receiver, 64).expect("opened"), message);

    let start = DirectionKeys::new([1; 32], REKEY_AFTER - 1);
    let mut sealer = Sealer::new(start.clone());
    let mut record = Vec::new();
    sealer.seal(&[b"a"], &mut record).expect("sealed");
    let keys = sealer.into_keys();
    assert_eq!(keys.count(), REKEY_AFTER);
    assert_ne!(DirectionKeys::new([1; 32], REKEY_AFTER), keys, "the key is another one");
    let text = serde_json::to_string(&keys).expect("serialises");
    let keys: DirectionKeys = serde_json::from_str(&text).expect("parses");
    let mut next = Vec::new();
    Sealer::new(keys).seal(&[b"b"], &mut next).expect("sealed");
    let mut opener = Opener::new(start);
    assert_eq!(opener.open(&mut record).expect("opens"), b"a");
    assert_eq!(opener.open(&mut next).expect("opens"), b"b");
    assert!(!format!("{:?}", opener.into_keys()).contains("1, 1"), "keys are not printed");
}

#[test]
fn the_last_number_ends_the_channel() {
    let (mut sender, _receiver, _) = sealed_from((1 << 62) - 1, 100, 64);
    sender.send(&[IoSlice::new(b"last")]).expect("one is left");
    let error = sender.send(&[IoSlice::new(b"none")]).expect_err("none is left");
    assert!(error.to_string().contains("all records that its keys are good for"), "{error}");
    let error = sender.send(&[IoSlice::new(b"none")]).expect_err("ended");
    assert!(error.to_string().contains("ended after an earlier error"), "{error}");
}

#[test]
fn nothing_is_sent_for_nothing() {
    let (mut sender, mut receiver, closer) = sealed(100, 64);
    sender.send(&[]).expect("sent");
    sender.send(&[IoSlice::new(b""), IoSlice::new(b"")]).expect("sent");
    closer.close();
    assert_eq!(receiver.receive(&mut []).expect("nothing"), 0);
    assert_eq!(receiver.receive(&mut [0; 9]).expect("the end"), 0);
}

#[test]
fn a_channel_is_wrapped_as_a_whole() {
    let machines = machines();
    let mut shaken = line(4096);
    let (guest, host) = shake(&machines, &mut shaken, "box:1");
    let channel = |(sender, receiver): (Pipe, Pipe), secured: Secured| {
        let closer = Arc::new(Pipe { bytes: sender.bytes.clone(), portion: 1 });
        let channel = Channel { sender: Box::new(sender), receiver: Box::new(receiver), closer };
        sealed_channel(channel, secured.keys, 4078)
    };
    let fresh = line(4096);
    let mut guest = channel(fresh.guest, guest.expect("paired"));
    let mut host = channel(fresh.host, host.expect("paired"));
    guest.sender.send(&[IoSlice::new(b"to "), IoSlice::new(b"host")]).expect("sent");
    host.sender.send(&[IoSlice::new(b"to guest")]).expect("sent");
    let mut room = [0; 64];
    assert_eq!(host.receiver.receive(&mut room).expect("received"), 7);
    assert_eq!(&room[..7], b"to host");
    assert_eq!(guest.receiver.receive(&mut room).expect("received"), 8);
    assert_eq!(&room[..8], b"to guest");
    guest.closer.close();
    assert_eq!(host.receiver.receive(&mut room).expect("the end"), 0);
}

#[test]
fn an_identity_is_made_once_and_kept_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("new");
    let made: Vec<_> = std::thread::scope(|scope| {
        let make = || Identity::load_or_make(&folder).expect("made").fingerprint();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
    let path = folder.join("identity");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("changed");
        let error = Identity::load_or_make(&folder).expect_err("others may read it").to_string();
        assert!(error.contains("chmod 600"), "{error}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changed");
    }
    std::fs::write(&path, "zz").expect("written");
    let error = Identity::load_or_make(&folder).expect_err("no key").to_string();
    assert!(error.contains("holds no key; remove it"), "{error}");
}

#[test]
fn peers_are_kept_in_a_file_and_names_stay_different() {
    let folder = tempfile::tempdir().expect("a folder");
    let peers = Peers::in_folder(folder.path());
    assert_eq!(peers.list().expect("no file"), []);
    let (one, two) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
    let host = peers.add(peer(Role::Host, &one, Some("a\"b\\:1"))).expect("added");
    assert_eq!(host.name, "host");
    let nasty = Peer { name: "-host \u{1b}[2J\n".to_owned(), ..peer(Role::Host, &two, None) };
    assert_eq!(peers.add(nasty).expect("added").name, "host2J");
    let same = Peer { name: "host".to_owned(), ..peer(Role::Guest, &two, None) };
    assert_eq!(peers.add(same).expect("added").name, "host-2");
    let other = Peers::in_folder(folder.path());
    assert_eq!(other.find(Role::Host, &one.public()).expect("read"), Some(host));
    assert_eq!(other.find(Role::Guest, &one.public()).expect("read"), None);
    // The same machine again replaces what was.
    other.add(peer(Role::Host, &one, Some("c:2"))).expect("added");
    assert_eq!(peers.list().expect("read").len(), 3);
    assert_eq!(peers.forget("host-2").expect("there").key, two.public());
    let error = peers.forget("host-2").expect_err("gone").to_string();
    assert_eq!(error, "no paired machine is called \"host-2\"; choose one of host2J, host");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("peers.toml")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(folder.path().join("peers.toml"), "[[peer]]\nname = 1\n").expect("written");
    assert!(peers.list().expect_err("damaged").to_string().contains("peers.toml is damaged"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1, "nothing else is left");
}

#[test]
fn no_more_peers_than_there_may_be() {
    let machine = |number: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        Peer { name: "m".to_owned(), role: Role::Guest, key: PublicKey(key), address: None }
    };
    let peers = Peers::in_memory((0..MAX_PEERS).map(machine).collect());
    assert!(matches!(peers.add(machine(MAX_PEERS)), Err(PeersError::Full)));
    peers.add(machine(3)).expect("known already");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_comes_out(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 0..20),
        largest in 1usize..5000,
        portion in 1usize..5000,
        step in 1usize..5000,
    ) {
        let (mut sender, mut receiver, closer) = sealed(largest, portion);
        let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        sender.send(&slices).expect("sent");
        closer.close();
        prop_assert_eq!(receive_all(&mut receiver, step).expect("opened"), parts.concat());
    }

    #[test]
    fn large_records_come_out(length in 0usize..300_000, portion in 1usize..100_000) {
        let (mut sender, mut receiver, closer) = sealed(MAX_RECORD, portion);
        let message: Vec<u8> = (0..length).map(|index| (index * 7 % 251) as u8).collect();
        sender.send(&[IoSlice::new(&message)]).expect("sent");
        closer.close();
        prop_assert!(receive_all(&mut receiver, 70_000).expect("opened") == message);
    }

    #[test]
    fn any_bytes_are_no_records(bytes in proptest::collection::vec(any::<u8>(), 1..70_000)) {
        let (all, error) = opened(&bytes);
        prop_assert!(all.is_empty());
        prop_assert!(error.is_some());
    }

    #[test]
    fn one_altered_byte_is_noticed(index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let records = records(&[b"one", &[3; 300], b"two"]);
        let mut bytes = records.concat();
        bytes[index.index(records.concat().len())] ^= 1 << bit;
        let (all, error) = opened(&bytes);
        let whole = [b"one".as_slice(), &[3; 300], b"two"].concat();
        prop_assert!(error.is_some());
        prop_assert!(whole.starts_with(&all) && all.len() < whole.len());
    }
}

mod pairing_tests {
    //! Pairing by a code, in memory.

    use super::super::pairing::{self, CODE_LENGTH, Code, Outcome, Slot, TRIES};
    use super::*;

    const NOW: Duration = Duration::ZERO;

    /// A whole pairing in memory.
    fn pair(
        code: &Code,
        slot: &Slot,
        guest: &Identity,
        host: &Identity,
        peers: &Peers,
    ) -> (Result<Peer, SecureError>, Result<Peer, SecureError>) {
        let Line { guest: mut guest_ends, host: mut host_ends } = line(64);
        std::thread::scope(|scope| {
            let initiating = scope.spawn(move || {
                let result =
                    with(&mut guest_ends, |duplex| pairing::initiate(duplex, guest, code, "the guest"));
                guest_ends.0.close();
                result
            });
            let result = with(&mut host_ends, |duplex| {
                let hello = handshake::receive_hello(duplex)?;
                pairing::respond(duplex, &hello, host, slot, peers, "the-host")
            });
            host_ends.0.close();
            (initiating.join().expect("no panic"), result)
        })
    }

    fn other_than(code: &Code) -> Code {
        let text = code.to_string();
        let other = if text.starts_with('A') { "C" } else { "A" };
        format!("{other}{}", &text[1..]).parse().expect("a code")
    }

    struct Ends {
        guest: Identity,
        host: Identity,
        peers: Peers,
        slot: Slot,
    }

    fn ends() -> Ends {
        let (guest, host) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
        Ends { guest, host, peers: Peers::in_memory(Vec::new()), slot: Slot::default() }
    }

    impl Ends {
        fn pair(&self, code: &Code) -> (Result<Peer, SecureError>, Result<Peer, SecureError>) {
            pair(code, &self.slot, &self.guest, &self.host, &self.peers)
        }
    }

    #[test]
    fn codes_are_entered_as_people_enter_them() {
        let slot = Slot::default();
        let code = slot.open().expect("random").code;
        let text = code.to_string();
        assert_eq!(text.len(), CODE_LENGTH + 1);
        for text in [text.clone(), text.to_lowercase(), text.replace('-', ""), format!(" {text} ")] {
            assert_eq!(text.parse::<Code>().expect("the same"), code);
        }
        for text in ["", "AAAA", "AAAA-AAAAA", "AAAA-AAA0", "AAAA-AAA1", "ÄAAA-AAA"] {
            let error = text.parse::<Code>().expect_err(text).to_string();
            assert!(error.contains("8 letters and digits"), "{error}");
        }
        let codes: std::collections::BTreeSet<String> =
            (0..100).map(|_| slot.open().expect("random").code.to_string()).collect();
        assert_eq!(codes.len(), 100);
        assert_eq!(format!("{code:?}"), "Code", "it is not printed by accident");
    }

    #[test]
    fn who_knows_the_code_is_paired_once() {
        let ends = ends();
        let offer = ends.slot.open().expect("random");
        assert_eq!(ends.slot.wait(&offer, NOW), None);
        let (host, guest) = ends.pair(&offer.code);
        let (host, guest) = (host.expect("paired"), guest.expect("paired"));
        assert_eq!((host.name.as_str(), host.role, host.key), ("the-host", Role::Host, ends.host.public()));
        assert_eq!(
            (guest.name.as_str(), guest.role, guest.key),
            ("theguest", Role::Guest, ends.guest.public())
        );
        assert_eq!(ends.peers.list().expect("in memory"), std::slice::from_ref(&guest));
        assert_eq!(ends.slot.wait(&offer, NOW), Some(Outcome::Paired(guest)));
        let (again, _) = ends.pair(&offer.code);
        assert!(matches!(again, Err(SecureError::NoPairing)), "{again:?}");
    }

    #[test]
    fn a_wrong_code_may_be_tried_three_times() {
        let ends = ends();
        let offer = ends.slot.open().expect("random");
        let wrong = other_than(&offer.code);
        for left in (0..TRIES).rev() {
            let (guest, host) = ends.pair(&wrong);
            assert!(
                matches!(guest, Err(SecureError::WrongCode { tries_left }) if tries_left == left),
                "{guest:?}"
            );
            assert!(
                matches!(host, Err(SecureError::WrongCode { tries_left }) if tries_left == left),
                "{host:?}"
            );
        }
        let (right, _) = ends.pair(&offer.code);
        assert!(matches!(right, Err(SecureError::NoPairing)), "{right:?}");
        assert_eq!(ends.slot.wait(&offer, SECOND), Some(Outcome::TriedTooOften));
        assert_eq!(ends.peers.list().expect("in memory"), []);
        // A new code begins anew.
        let offer = ends.slot.open().expect("random");
        ends.pair(&wrong).0.expect_err("still wrong");
        ends.pair(&offer.code).0.expect("paired");
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_code_expires_and_is_withdrawn() {
        let ends = ends();
        let offer = ends.slot.open_for(Duration::from_millis(30)).expect("random");
        assert_eq!(ends.slot.wait(&offer, SECOND), Some(Outcome::Expired));
        assert!(matches!(ends.pair(&offer.code).0, Err(SecureError::NoPairing)));
        let first = ends.slot.open().expect("random");
        let second = ends.slot.open().expect("random");
        assert_eq!(ends.slot.wait(&first, NOW), Some(Outcome::Withdrawn));
        ends.slot.withdraw(&first);
        assert_eq!(ends.slot.wait(&second, NOW), None);
        ends.slot.withdraw(&second);
        assert_eq!(ends.slot.wait(&second, NOW), Some(Outcome::Withdrawn));
        assert!(matches!(ends.pair(&second.code).0, Err(SecureError::NoPairing)));
    }

    #[test]
    fn tries_that_are_made_at_once_are_counted_too() {
        let ends = ends();
        let offer = ends.slot.open().expect("random");
        let wrong = other_than(&offer.code);
        let results: Vec<_> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..12).map(|_| scope.spawn(|| ends.pair(&wrong).0)).collect();
            tries.into_iter().map(|one| one.join().expect("no panic")).collect()
        });
        let tested = results.iter().filter(|one| matches!(one, Err(SecureError::WrongCode { .. }))).count();
        assert_eq!(tested, usize::from(TRIES), "{results:?}");
    }

    /// Passes bytes on, altering one of them.
    fn pass_on(mut from: Pipe, mut to: Pipe, alter: Option<usize>) {
        let mut seen = 0;
        let mut room = [0; 64];
        while let Ok(received @ 1..) = from.receive(&mut room) {
            for (index, byte) in room[..received].iter_mut().enumerate() {
                if alter == Some(seen + index) {
                    *byte ^= 1;
                }
            }
            seen += received;
            to.send(&[IoSlice::new(&room[..received])]).expect("sent");
        }
        to.close();
    }

    #[test]
    fn whatever_is_altered_on_the_way_nobody_is_paired() {
        // The guest's 32 + 33 + 48 + 96 bytes, and the host's 16 + 33 + 16 + 128 + 51.
        let (from_guest, from_host) = (209, 244);
        let places = (0..from_guest).step_by(7).map(|place| (Some(place), None));
        for (in_guests, in_hosts) in places.chain((0..from_host).step_by(7).map(|place| (None, Some(place))))
        {
            let ends = ends();
            let offer = ends.slot.open().expect("random");
            let (near, far) = (line(64), line(64));
            let (mut guest_ends, mut host_ends) = (near.guest, far.host);
            std::thread::scope(|scope| {
                let (near_in, near_out, far_in, far_out) =
                    (near.host.1, near.host.0, far.guest.1, far.guest.0);
                scope.spawn(move || pass_on(near_in, far_out, in_guests));
                scope.spawn(move || pass_on(far_in, near_out, in_hosts));
                let (ends, code) = (&ends, &offer.code);
                let guest = scope.spawn(move || {
                    let result =
                        with(&mut guest_ends, |duplex| pairing::initiate(duplex, &ends.guest, code, "g"));
                    guest_ends.0.close();
                    result
                });
                let host = with(&mut host_ends, |duplex| {
                    let hello = handshake::receive_hello(duplex)?;
                    pairing::respond(duplex, &hello, &ends.host, &ends.slot, &ends.peers, "h")
                });
                host_ends.0.close();
                let guest = guest.join().expect("no panic");
                // What is unused in an answer may be anything; and the last message only the guest hears.
                let unused = |place: usize| (10..16).contains(&place) || (59..65).contains(&place);
                if !in_hosts.is_some_and(unused) {
                    assert!(guest.is_err(), "{in_guests:?} {in_hosts:?}");
                }
                if !in_hosts.is_some_and(|place| place >= 193 || unused(place)) {
                    assert!(host.is_err(), "{in_guests:?} {in_hosts:?}");
                    assert_eq!(ends.peers.list().expect("in memory"), []);
                }
            });
        }
    }
}
