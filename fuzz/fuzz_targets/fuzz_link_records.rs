//! Sealed records that are altered, left out, repeated, moved and cut: what comes out is a beginning of what went in, and then an error.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use pvgpu_transport::carrier::Receiver;
use pvgpu_transport::secure::{DirectionKeys, SealedReceiver, Sealer};

/// Receives bytes in portions and then the end.
struct Script {
    bytes: Vec<u8>,
    position: usize,
    portion: usize,
}

impl Receiver for Script {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.position..];
        let count = left.len().min(into.len()).min(self.portion);
        into[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Ok(count)
    }
}

const KEY: [u8; 32] = [9; 32];

fuzz_target!(|data: &[u8]| {
    let Some((&[portion, step], data)) = data.split_first_chunk() else { return };
    let mut sealer = Sealer::new(DirectionKeys::new(KEY, 0));
    let (mut plain, mut wire, mut last, mut honest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // Each four bytes are one thing that happens on the way.
    for &[what, low, high, place] in data.as_chunks().0 {
        let length = usize::from(u16::from_le_bytes([low, high])) % 2000 + 1;
        let message = vec![what; length];
        match what % 8 {
            // A record that arrives.
            0..=3 => {
                last.clear();
                sealer.seal(&[&message], &mut last).expect("sealed");
                wire.extend_from_slice(&last);
                honest.extend_from_slice(&last);
                plain.extend_from_slice(&message);
            }
            // One that is lost.
            4 => {
                let mut lost = Vec::new();
                sealer.seal(&[&message], &mut lost).expect("sealed");
                honest.extend_from_slice(&lost);
                plain.extend_from_slice(&message);
            }
            // One that comes again.
            5 => wire.extend_from_slice(&last),
            // An altered byte.
            6 => {
                let at = length % wire.len().max(1);
                if let Some(byte) = wire.get_mut(at) {
                    *byte ^= place;
                }
            }
            // A cut, or bytes from nowhere.
            _ if place < 128 => wire.truncate(wire.len().saturating_sub(usize::from(place))),
            _ => wire.extend_from_slice(&[place; 3]),
        }
    }
    let same = wire.iter().zip(&honest).take_while(|(one, other)| one == other).count();
    let is_honest = wire == honest;
    let portion = usize::from(portion) * 16 + 1;
    let mut receiver = SealedReceiver::new(
        Box::new(Script { bytes: wire, position: 0, portion }),
        DirectionKeys::new(KEY, 0),
    );
    let (mut got, mut room) = (Vec::new(), vec![0; usize::from(step) + 1]);
    let end = loop {
        match receiver.receive(&mut room) {
            Ok(0) => break Ok(()),
            Ok(received) => got.extend_from_slice(&room[..received]),
            Err(error) => break Err(error),
        }
    };
    assert!(plain.starts_with(&got), "what comes out was sent");
    assert!(got.len() <= same, "nothing behind the first difference comes out");
    if is_honest {
        assert!(end.is_ok() && got == plain, "what is not altered arrives");
    }
});
