//! Random bytes from the system.

use super::SecureError;

/// Random bytes for keys and names of sessions.
///
/// # Errors
/// [`SecureError::Random`] when the system has none to give.
pub fn random<const BYTES: usize>() -> Result<[u8; BYTES], SecureError> {
    let mut bytes = [0; BYTES];
    getrandom::getrandom(&mut bytes).map_err(|_| SecureError::Random)?;
    Ok(bytes)
}

/// The same, as Noise wants it.
pub(super) struct SystemRandom;

impl snow::types::Random for SystemRandom {
    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), snow::Error> {
        getrandom::getrandom(into).map_err(|_| snow::Error::Rng)
    }
}
