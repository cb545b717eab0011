//! Any datagram as a beacon. What is accepted is what somebody could have sent, byte for byte, and can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_transport::thunderbolt::beacon::{Beacon, NAME_BYTES};

fuzz_target!(|data: &[u8]| {
    let Ok(beacon) = Beacon::decode(data) else { return };
    assert!(beacon.name.len() <= NAME_BYTES && !beacon.name.chars().any(char::is_control));
    assert_eq!(beacon.encode().expect("it was accepted").as_slice(), data);
});
