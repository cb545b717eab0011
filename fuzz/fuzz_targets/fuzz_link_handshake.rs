//! What a stranger may send to a host, or answer a guest, before there is a session; and files of peers, and codes.
#![no_main]

use std::io::{self, IoSlice};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pvgpu_transport::carrier::{Receiver, Sender};
use pvgpu_transport::secure::handshake::{self, Duplex, Expected, Hello, Lane, Mode};
use pvgpu_transport::secure::pairing::{self, Code, Slot};
use pvgpu_transport::secure::{Identity, Peer, Peers, Role};

/// Receives a script and then the end.
struct Script<'a>(&'a [u8]);

impl Receiver for Script<'_> {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (now, later) = self.0.split_at(self.0.len().min(into.len()));
        into[..now.len()].copy_from_slice(now);
        self.0 = later;
        Ok(now.len())
    }
}

struct Nowhere;

impl Sender for Nowhere {
    fn send(&mut self, _: &[IoSlice<'_>]) -> io::Result<()> {
        Ok(())
    }
}

struct Machine {
    identity: Identity,
    peers: Peers,
}

static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    let identity = Identity::generate().expect("random bytes");
    let peer = |role| Peer { name: "x".to_owned(), role, key: identity.public(), address: None };
    let peers = Peers::in_memory(vec![peer(Role::Host), peer(Role::Guest)]);
    Machine { identity, peers }
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let Machine { identity, peers } = &*MACHINE;
    let mut receiver = Script(data);
    let mut duplex = Duplex { sender: &mut Nowhere, receiver: &mut receiver };
    match kind % 6 {
        0 => {
            // A hello of any bytes, and what it leads to.
            let Ok(hello) = handshake::receive_hello(&mut duplex) else { return };
            if hello.mode == Mode::Encrypted {
                assert!(handshake::respond(&mut duplex, &hello, identity).is_err(), "nobody has shaken hands");
            }
        }
        1 => {
            let hello = Hello { mode: Mode::Encrypted, lane: Lane::Bulk, session: [0; 16] };
            assert!(handshake::respond(&mut duplex, &hello, identity).is_err(), "nobody has shaken hands");
        }
        2 => {
            let slot = Slot::default();
            let _offer = slot.open().expect("random bytes");
            let hello = Hello { mode: Mode::Pairing, lane: Lane::Both, session: [0; 16] };
            let paired = pairing::respond(&mut duplex, &hello, identity, &slot, peers, "host");
            assert!(paired.is_err(), "nobody knows the code");
        }
        3 => {
            let expected = Expected { peers, address: None };
            let begun = handshake::initiate(&mut duplex, Lane::Urgent, [3; 16], identity, expected);
            assert!(begun.is_err(), "nobody has answered");
        }
        4 => {
            let code: Code = "K4WX-7QPA".parse().expect("a code");
            assert!(pairing::initiate(&mut duplex, identity, &code, "guest").is_err(), "nobody knows the code");
        }
        _ => {
            let text = String::from_utf8_lossy(data);
            if let Ok(code) = text.parse::<Code>() {
                assert_eq!(code.to_string().parse::<Code>().expect("a code"), code);
            }
            let name = pvgpu_transport::secure::clean_name(&text);
            assert_eq!(pvgpu_transport::secure::clean_name(&name), name);
        }
    }
});
