//! What a host says of itself in the control page of an aperture.

use std::sync::atomic::Ordering;

use pvgpu_protocol::aperture::{MAGIC, guest_cell, host_cell, host_state};
use pvgpu_protocol::version::VersionRange;
use pvgpu_ring::AtomicU64;

/// The host's answer to the hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// None yet.
    None,
    /// It serves this guest; what it has written is the driver's to check.
    Ready,
    /// It will not serve this guest.
    Refused(Reason),
    /// It does not any more, or has gone before it could answer.
    Gone(Reason),
}

/// Why a host does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// One of [`pvgpu_protocol::aperture::refusal`].
    pub refusal: u64,
    /// The protocol versions that it speaks.
    pub versions: VersionRange,
}

fn cell(aperture: &impl AsRef<[AtomicU64]>, index: usize) -> u64 {
    aperture.as_ref().get(index).map_or(0, |cell| cell.load(Ordering::Acquire))
}

/// Reads the host's answer.
pub fn answer(aperture: &impl AsRef<[AtomicU64]>) -> Answer {
    let reason = || Reason {
        refusal: cell(aperture, host_cell::REASON),
        versions: VersionRange::from_word(cell(aperture, host_cell::VERSIONS)),
    };
    match cell(aperture, host_cell::STATE) {
        host_state::NONE => Answer::None,
        host_state::REFUSED => Answer::Refused(reason()),
        host_state::GONE => Answer::Gone(reason()),
        // A state that does not exist is for the driver to refuse.
        _ => Answer::Ready,
    }
}

/// Whether the driver's hello stands. It takes it back when the host is gone for it, and says another one to the next service.
pub fn hello_stands(aperture: &impl AsRef<[AtomicU64]>) -> bool {
    cell(aperture, guest_cell::MAGIC) == MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_what_is_too_short() {
        let page: Vec<AtomicU64> = (0..512).map(|_| AtomicU64::new(0)).collect();
        assert_eq!((answer(&page), hello_stands(&page)), (Answer::None, false));
        let versions = VersionRange { min: 1, max: 2 };
        let store = |index: usize, value| page[index].store(value, Ordering::Release);
        store(host_cell::REASON, 4);
        store(host_cell::VERSIONS, versions.to_word());
        store(guest_cell::MAGIC, MAGIC);
        let reason = Reason { refusal: 4, versions };
        for (state, expected) in [
            (host_state::READY, Answer::Ready),
            (host_state::REFUSED, Answer::Refused(reason)),
            (host_state::GONE, Answer::Gone(reason)),
            (77, Answer::Ready),
        ] {
            store(host_cell::STATE, state);
            assert_eq!(answer(&page), expected);
        }
        assert!(hello_stands(&page));
        let none: Vec<AtomicU64> = Vec::new();
        assert_eq!((answer(&none), hello_stands(&none)), (Answer::None, false));
    }
}
