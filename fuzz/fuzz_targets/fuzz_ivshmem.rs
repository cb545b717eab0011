//! What an ivshmem link reads of its peers: a client the messages of a server, a host the hello in a machine's memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_protocol::aperture::{GuestHello, Layout};
use pvgpu_protocol::version::VersionRange;
use pvgpu_transport::ivshmem::Setup;

/// The bytes of a message and of whether a descriptor comes with it.
const MESSAGE: usize = 9;
/// What a client keeps at most: 64 doorbells and a memory.
const MAX_DESCRIPTORS: usize = 65;

fuzz_target!(|data: &[u8]| {
    let mut setup = Setup::default();
    for message in data.chunks_exact(MESSAGE) {
        let (number, with) = message.split_at(MESSAGE - 1);
        let number = i64::from_le_bytes(number.try_into().expect("eight bytes"));
        if setup.take(number, (with[0] & 1 != 0).then_some(())).is_err() {
            break;
        }
        assert!(setup.descriptors() <= MAX_DESCRIPTORS);
    }
    assert!(!setup.is_complete() || setup.id().is_some());

    let cell = |index: usize| {
        let bytes = data.get(index * 8..index * 8 + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    };
    let Some(hello) = GuestHello::read(cell) else { return };
    // Shown or not, an error is a sentence.
    if let Err(error) = VersionRange::OURS.agree(hello.versions) {
        assert!(!error.to_string().is_empty());
    }
    match Layout::new(hello.sizes) {
        Ok(layout) => {
            assert_eq!(layout.heap_offset + layout.heap_bytes(), hello.sizes.aperture);
            for ring in [layout.ring0, layout.event, layout.telemetry] {
                assert!(ring.end() <= layout.heap_offset);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
