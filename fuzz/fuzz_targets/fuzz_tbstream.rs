//! Anything that the other end of a stream may send, in pieces. The first byte says how large they are and, by its lowest bit, whether
//! sessions and numbers of records are repaired, so that the mux goes on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_transport::tbstream::take_hostile;

/// What both channels may hold that nobody reads.
const MOST_WAITING: usize = 2 * 256 * 1024;

/// A header for a record of session 1, the one that `take_hostile` has, or for a hello.
fn header(kind: u8, channel: u8, length: u16, session: u32, sequence: u64) -> Vec<u8> {
    let [length_0, length_1] = length.to_le_bytes();
    let start = [kind, channel, length_0, length_1];
    [start.as_slice(), &session.to_le_bytes(), &sequence.to_le_bytes()].concat()
}

/// A hello of session 2 that has heard session 1.
fn hello() -> Vec<u8> {
    let mut bytes = header(1, 0, 28, 0, 0);
    bytes.extend_from_slice(b"pvgpu-tb\x01\0\0\0");
    for word in [2_u32, 1, 1 << 18, 1 << 18] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

fuzz_target!(|data: &[u8]| {
    let Some((first, mut rest)) = data.split_first() else { return };
    let mut bytes = hello();
    if first & 1 == 0 {
        bytes.extend_from_slice(rest);
    } else {
        let mut sequence = 0;
        while let Some(([kind, channel, length_0, length_1], payload)) = rest.split_first_chunk::<4>() {
            let length = u16::from_le_bytes([*length_0, *length_1]) % 4100;
            let payload = &payload[..payload.len().min(usize::from(length))];
            bytes.extend(header(*kind, *channel, length, 1, sequence));
            bytes.extend_from_slice(payload);
            sequence += u64::from(*kind != 1);
            rest = &rest[4 + payload.len()..];
        }
    }
    if let Ok(waiting) = take_hostile(&bytes, 1 + usize::from(first >> 1) * 40) {
        assert!(waiting <= MOST_WAITING, "{waiting} bytes wait");
    }
});
