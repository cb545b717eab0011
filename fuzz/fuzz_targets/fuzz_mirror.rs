//! What the other machine sends through a mirror's channels: any bytes are messages that encode to the same bytes, or an error; parts of
//! frames give a picture or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pvgpu_transport::mirror::frames::{FrameReceiver, Part};
use pvgpu_transport::mirror::wire::{HEADER_BYTES, Header, MAX_BULK_BYTES, Message, decode};
use pvgpu_transport::tiles::Geometry;

fuzz_target!(|bytes: &[u8]| {
    let mut frames = FrameReceiver::new(1 << 20);
    let mut rest = bytes;
    while let Some((header, later)) = rest.split_first_chunk::<HEADER_BYTES>() {
        let Ok(header) = Header::read(*header, MAX_BULK_BYTES) else { return };
        let Some((payload, later)) = later.split_at_checked(header.length as usize) else { return };
        rest = later;
        let Ok(message) = decode(header, payload) else { continue };
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(again.get(HEADER_BYTES..), Some(payload));
        if let Message::Tiles { context, width, height, pitch, reset, last, code, .. } = message
            && let Ok(geometry) = Geometry::new(width, height, 4, pitch)
        {
            // Refused or taken; what is too large is refused.
            let _ = frames.take(context, geometry, Part { reset, last, code });
        }
    }
});
