//! What all contexts of a guest together may hold in the host's own memory. The GPU's memory is counted where it is allocated.

use std::cell::Cell;

use pvgpu_protocol::event::error_code;

use crate::fault::Fault;

/// Objects of all contexts. One context may have 2^20; an object takes some hundred bytes here and in the driver.
pub const MAX_GUEST_OBJECTS: u32 = 4 << 20;
/// Bytes of shader tokens of all contexts. The largest programs have some ten thousand shaders of some kilobytes; what is made of
/// them takes several times as much.
pub const MAX_SHADER_BYTES: u64 = 512 << 20;

/// What is in use.
#[derive(Debug, Default)]
pub struct Quota {
    objects: Cell<u32>,
    shader_bytes: Cell<u64>,
}

impl Quota {
    /// Refuses one object more than there may be.
    ///
    /// # Errors
    /// `LIMIT`.
    pub fn check_object(&self) -> Result<(), Fault> {
        if self.objects.get() < MAX_GUEST_OBJECTS {
            return Ok(());
        }
        Err(Fault::new(error_code::LIMIT, format!("more than {MAX_GUEST_OBJECTS} objects of one guest")))
    }

    /// Refuses more tokens than there may be.
    ///
    /// # Errors
    /// `LIMIT`.
    pub fn check_shader(&self, bytes: u64) -> Result<(), Fault> {
        if self.shader_bytes.get().saturating_add(bytes) <= MAX_SHADER_BYTES {
            return Ok(());
        }
        Err(Fault::new(
            error_code::LIMIT,
            format!("more than {MAX_SHADER_BYTES} bytes of shaders of one guest"),
        ))
    }

    /// An object has come, with tokens if it is a shader.
    pub fn add(&self, shader_bytes: u64) {
        self.objects.set(self.objects.get().saturating_add(1));
        self.shader_bytes.set(self.shader_bytes.get().saturating_add(shader_bytes));
    }

    /// Objects are gone, and their tokens.
    pub fn remove(&self, objects: u32, shader_bytes: u64) {
        self.objects.set(self.objects.get().saturating_sub(objects));
        self.shader_bytes.set(self.shader_bytes.get().saturating_sub(shader_bytes));
    }

    /// Objects and bytes of tokens in use.
    pub fn used(&self) -> (u32, u64) {
        (self.objects.get(), self.shader_bytes.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fits_and_one_more_does_not() {
        let quota = Quota::default();
        quota.objects.set(MAX_GUEST_OBJECTS - 1);
        assert!(quota.check_object().is_ok());
        quota.add(7);
        assert_eq!(quota.check_object().map_err(|fault| fault.code), Err(error_code::LIMIT));
        assert!(quota.check_shader(MAX_SHADER_BYTES - 7).is_ok());
        for bytes in [MAX_SHADER_BYTES - 6, u64::MAX] {
            assert_eq!(quota.check_shader(bytes).map_err(|fault| fault.code), Err(error_code::LIMIT));
        }
        quota.remove(1, 7);
        assert_eq!(quota.used(), (MAX_GUEST_OBJECTS - 1, 0));
        quota.remove(u32::MAX, u64::MAX);
        assert_eq!(quota.used(), (0, 0));
    }
}
