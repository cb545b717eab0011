//! What the supervisor reads of a guest: its hello, once.

use pvgpu_protocol::aperture::{GuestHello, Layout, MAGIC, guest_cell, host_cell, host_state, refusal};
use pvgpu_protocol::version::VersionRange;
use pvgpu_transport::CellFile;

/// Reads the hello once and agrees on version and layout.
///
/// # Errors
/// One of [`refusal`], and why in a sentence.
pub fn agree(cells: &CellFile) -> Result<(GuestHello, Layout, u16), (u64, String)> {
    let mut failed = None;
    let hello = GuestHello::read(|index| {
        cells.read_cell(index).unwrap_or_else(|error| {
            failed = Some(error);
            0
        })
    });
    let hello = match (hello, failed) {
        (Some(hello), None) => hello,
        (_, Some(error)) => return Err((refusal::LAYOUT, format!("its hello cannot be read: {error}"))),
        (None, None) => return Err((refusal::LAYOUT, "it announced an aperture without a hello".to_owned())),
    };
    let version =
        VersionRange::OURS.agree(hello.versions).map_err(|error| (refusal::VERSION, error.to_string()))?;
    let layout = Layout::new(hello.sizes).map_err(|error| (refusal::LAYOUT, error.to_string()))?;
    match cells.len() {
        Ok(bytes) if bytes >= layout.sizes.aperture => Ok((hello, layout, version)),
        _ => Err((refusal::LAYOUT, "its aperture's file is smaller than the hello says".to_owned())),
    }
}

/// Whether a hello stands, and the driver has not been answered since it wrote that: with each hello it clears the host's state.
pub fn stands_unanswered(cells: &CellFile) -> bool {
    let is = |index, value| cells.read_cell(index).is_ok_and(|found| found == value);
    is(guest_cell::MAGIC, MAGIC) && is(host_cell::STATE, host_state::NONE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pvgpu_protocol::aperture::Sizes;
    use pvgpu_protocol::limits::MIN_APERTURE_BYTES;

    use super::*;

    fn cells(bytes: u64) -> CellFile {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(bytes).expect("room");
        CellFile::new(file)
    }

    fn legal() -> GuestHello {
        let sizes = Sizes::with_aperture(MIN_APERTURE_BYTES);
        GuestHello { versions: VersionRange::OURS, features: 0, sizes, process: 4 }
    }

    fn say(cells: &CellFile, hello: &GuestHello) {
        for (index, value) in hello.cells() {
            cells.write_cell(index, value).expect("inside");
        }
    }

    #[test]
    fn a_hello_is_waited_for_until_it_stands_and_nobody_has_answered() {
        let memory = cells(MIN_APERTURE_BYTES);
        assert!(!stands_unanswered(&memory) && agree(&memory).is_err());
        say(&memory, &legal());
        assert!(stands_unanswered(&memory) && agree(&memory).is_ok());
        for state in [host_state::READY, host_state::REFUSED, host_state::GONE, 77] {
            memory.write_cell(host_cell::STATE, state).expect("inside");
            assert!(!stands_unanswered(&memory));
        }
        let short = cells(4096);
        say(&short, &legal());
        assert_eq!(agree(&short).map(|_| ()).expect_err("too short").0, refusal::LAYOUT);
        assert!(agree(&cells(0)).is_err() && !stands_unanswered(&cells(0)));
    }

    /// Values at which numbers break: around sizes, and anything.
    fn value() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0),
            Just(u64::MAX),
            (0u32..64).prop_map(|bit| 1 << bit),
            (0u32..64).prop_map(|bit| (1u64 << bit).wrapping_sub(1)),
            any::<u64>(),
        ]
    }

    proptest! {
        #[test]
        fn a_mutated_hello_is_refused_or_lies_inside_the_memory(
            changes in proptest::collection::vec((0usize..12, value()), 1..6)
        ) {
            let memory = cells(MIN_APERTURE_BYTES);
            say(&memory, &legal());
            for (index, value) in changes {
                memory.write_cell(index, value).expect("inside");
            }
            if let Ok((hello, layout, version)) = agree(&memory) {
                prop_assert!((VersionRange::OURS.min..=VersionRange::OURS.max).contains(&version));
                prop_assert_eq!(layout.sizes, hello.sizes);
                prop_assert!(layout.heap_offset + layout.heap_bytes() <= MIN_APERTURE_BYTES);
                for ring in [layout.ring0, layout.event, layout.telemetry] {
                    prop_assert!(ring.end() <= layout.heap_offset);
                }
            }
        }
    }
}
