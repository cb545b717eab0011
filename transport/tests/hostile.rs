//! What a stranger may send: any bytes, and handshakes that are altered, cut or mixed. Nothing of it panics, waits for ever or
//! gets a session. `fuzz/` has the same for libFuzzer.

use std::io::{self, IoSlice};
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use pvgpu_transport::carrier::{Receiver, Sender};
use pvgpu_transport::secure::handshake::{self, Duplex, Expected, Hello, Lane, Mode, Verdict};
use pvgpu_transport::secure::pairing::{self, Code, Slot};
use pvgpu_transport::secure::{
    DirectionKeys, Identity, Peer, Peers, Role, SealedReceiver, Sealer, SecureError,
};

/// Receives a script and then the end; keeps what is sent.
#[derive(Default)]
struct Script {
    bytes: Vec<u8>,
    position: usize,
}

impl Receiver for Script {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.position..];
        let count = left.len().min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Ok(count)
    }
}

struct Kept(Vec<u8>);

impl Sender for Kept {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        parts.iter().for_each(|part| self.0.extend_from_slice(part));
        Ok(())
    }
}

struct Machines {
    guest: Identity,
    host: Identity,
    peers: Peers,
}

fn machines() -> Machines {
    let (guest, host) = (Identity::generate().expect("random"), Identity::generate().expect("random"));
    let peer = |role, identity: &Identity| Peer {
        name: "x".to_owned(),
        role,
        key: identity.public(),
        address: None,
    };
    let peers = Peers::in_memory(vec![peer(Role::Host, &host), peer(Role::Guest, &guest)]);
    Machines { guest, host, peers }
}

fn answered(
    bytes: &[u8],
    part: impl FnOnce(&mut Duplex<'_>) -> Result<(), SecureError>,
) -> Result<(), SecureError> {
    let (mut receiver, mut sender) = (Script { bytes: bytes.to_vec(), position: 0 }, Kept(Vec::new()));
    part(&mut Duplex { sender: &mut sender, receiver: &mut receiver })
}

/// Everything that a host does with what a stranger sends.
fn host(machines: &Machines, slot: &Slot, bytes: &[u8]) -> Result<(), SecureError> {
    answered(bytes, |duplex| {
        let hello = handshake::receive_hello(duplex)?;
        match hello.mode {
            Mode::Plain => handshake::respond_plain(duplex),
            Mode::Encrypted => handshake::respond(duplex, &hello, &machines.host).map(drop),
            Mode::Pairing => {
                pairing::respond(duplex, &hello, &machines.host, slot, &machines.peers, "h").map(drop)
            }
        }
    })
}

/// Everything that a guest does with what a stranger answers.
fn guest(machines: &Machines, code: &Code, bytes: &[u8]) -> [Result<(), SecureError>; 2] {
    let expected = Expected { peers: &machines.peers, address: None };
    [
        answered(bytes, |duplex| {
            handshake::initiate(duplex, Lane::Urgent, [3; 16], &machines.guest, expected).map(drop)
        }),
        answered(bytes, |duplex| pairing::initiate(duplex, &machines.guest, code, "g").map(drop)),
    ]
}

fn hello(mode: Mode) -> Vec<u8> {
    Hello { mode, lane: Lane::Urgent, session: [0; 16] }.to_bytes().to_vec()
}

/// An answer that goes on.
fn go_on() -> Vec<u8> {
    [handshake::MAGIC.as_slice(), &[handshake::VERSION, 0], &[0; 6]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_make_no_session(tail in proptest::collection::vec(any::<u8>(), 0..500), mode in 0usize..4) {
        let machines = machines();
        let slot = Slot::default();
        let code = slot.open().expect("random").code;
        let head = match mode {
            0 => Vec::new(),
            1 => hello(Mode::Encrypted),
            2 => hello(Mode::Pairing),
            _ => [hello(Mode::Pairing), vec![0x41]].concat(),
        };
        let bytes = [head, tail.clone()].concat();
        prop_assert!(host(&machines, &slot, &bytes).is_err());
        for head in [Vec::new(), go_on(), [go_on(), vec![0x42]].concat()] {
            for result in guest(&machines, &code, &[head, tail.clone()].concat()) {
                prop_assert!(result.is_err());
            }
        }
    }

    #[test]
    fn a_hello_is_read_as_it_is_written(mut bytes: [u8; 32]) {
        if let Ok(hello) = Hello::from_bytes(&bytes) {
            prop_assert_eq!(hello.to_bytes(), bytes);
        }
        // Most bytes are none; these are near one.
        for (to, from) in bytes.iter_mut().zip(hello(Mode::Plain)) {
            *to = from;
        }
        prop_assert!(Hello::from_bytes(&bytes).is_ok());
    }

    #[test]
    fn records_that_are_left_out_repeated_or_moved_end_the_channel(
        lengths in proptest::collection::vec(1usize..400, 1..8),
        order in proptest::collection::vec(0usize..8, 0..10),
        cut in 0usize..200,
    ) {
        let keys = DirectionKeys::new([9; 32], 0);
        let mut sealer = Sealer::new(keys.clone());
        let messages: Vec<Vec<u8>> = (0..).zip(&lengths).map(|(byte, length)| vec![byte; *length]).collect();
        let records: Vec<Vec<u8>> = messages.iter().map(|message| {
            let mut record = Vec::new();
            sealer.seal(&[message], &mut record).expect("sealed");
            record
        }).collect();
        let sent: Vec<usize> = order.into_iter().filter(|index| *index < records.len()).collect();
        let mut bytes = sent.iter().map(|index| records[*index].clone()).collect::<Vec<_>>().concat();
        let whole = bytes.len();
        bytes.truncate(whole.saturating_sub(cut));
        let in_order = sent.iter().enumerate().take_while(|(number, index)| number == *index).count();
        let mut receiver = SealedReceiver::new(Box::new(Script { bytes: bytes.clone(), position: 0 }), keys);
        let (mut got, mut room) = (Vec::new(), [0; 100]);
        let end = loop {
            match receiver.receive(&mut room) {
                Ok(0) => break Ok(()),
                Ok(received) => got.extend_from_slice(&room[..received]),
                Err(error) => break Err(error),
            }
        };
        // What came out is what was sent first, as far as it is whole and in order.
        let mut expected = Vec::new();
        let mut used = 0;
        for number in 0..in_order {
            if used + records[number].len() <= bytes.len() {
                expected.extend_from_slice(&messages[number]);
                used += records[number].len();
            } else {
                break;
            }
        }
        prop_assert_eq!(got, expected);
        prop_assert_eq!(end.is_ok(), used == bytes.len());
    }
}

/// Half of a wire that alters one bit of what passes.
struct Wire {
    to: mpsc::Sender<Vec<u8>>,
    alter: Option<usize>,
    passed: usize,
}

impl Sender for Wire {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        if let Some(byte) = self.alter.and_then(|place| bytes.get_mut(place.checked_sub(self.passed)?)) {
            *byte ^= 0x20;
        }
        self.passed += bytes.len();
        self.to.send(bytes).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Inlet {
    from: mpsc::Receiver<Vec<u8>>,
    left: Vec<u8>,
}

impl Receiver for Inlet {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() {
            self.left = self.from.recv_timeout(Duration::from_secs(20)).unwrap_or_default();
        }
        let count = self.left.len().min(into.len());
        for (to, from) in into.iter_mut().zip(self.left.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

#[test]
fn a_handshake_with_one_altered_bit_makes_no_session() {
    let machines = machines();
    // The guest's hello and two messages, and the host's answer, message and verdict.
    let (of_guest, of_host) = (32 + 32 + 80, 16 + 96 + 51);
    let places = (0..of_guest).map(|place| (Some(place), None));
    let places = places.chain((0..of_host).map(|place| (None, Some(place)))).chain([(None, None)]);
    for (in_guests, in_hosts) in places {
        let ((to_host, at_host), (to_guest, at_guest)) = (mpsc::channel(), mpsc::channel());
        let (guest, host) = std::thread::scope(|scope| {
            let machines = &machines;
            let guest = scope.spawn(move || {
                let mut sender = Wire { to: to_host, alter: in_guests, passed: 0 };
                let mut receiver = Inlet { from: at_guest, left: Vec::new() };
                let mut duplex = Duplex { sender: &mut sender, receiver: &mut receiver };
                let expected = Expected { peers: &machines.peers, address: None };
                let (mut secured, _) =
                    handshake::initiate(&mut duplex, Lane::Both, [3; 16], &machines.guest, expected)?;
                let binding = handshake::binding(&[&secured.hash]);
                handshake::receive_verdict(&mut duplex, &mut secured.keys, &binding).map(|()| secured.session)
            });
            let host = (|| {
                let mut sender = Wire { to: to_guest, alter: in_hosts, passed: 0 };
                let mut receiver = Inlet { from: at_host, left: Vec::new() };
                let mut duplex = Duplex { sender: &mut sender, receiver: &mut receiver };
                let hello = handshake::receive_hello(&mut duplex)?;
                let mut secured = handshake::respond(&mut duplex, &hello, &machines.host)?;
                handshake::guest(&machines.peers, &secured.key)?;
                let binding = handshake::binding(&[&secured.hash]);
                handshake::send_verdict(&mut duplex, &mut secured.keys, Verdict::Welcome, &binding)?;
                Ok::<_, SecureError>(secured.session)
            })();
            (guest.join().expect("no panic"), host)
        });
        match (in_guests, in_hosts) {
            (None, None) => {
                assert_eq!((guest.expect("paired"), host.expect("paired")), ([3; 16], [3; 16]));
            }
            // Bytes of an answer that mean nothing yet.
            (None, Some(10..16)) => {}
            // The host has had its say by then; the guest ends the session.
            (None, Some(112..)) => assert!(guest.is_err(), "{in_hosts:?}"),
            _ => assert!(guest.is_err() && host.is_err(), "{in_guests:?} {in_hosts:?}"),
        }
    }
}
