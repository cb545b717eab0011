//! Sync objects: what orders contexts of any process.

use std::sync::Arc;

use crate::port::device::SyncState;

/// A fence object of dxgkrnl: contexts wait until it has a value, or give it one when their work is done. Clones are the same
/// object, also in other processes.
#[derive(Clone, Debug, Default)]
pub struct SyncObject {
    pub(super) state: Arc<SyncState>,
}

impl SyncObject {
    /// A new object with value 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its value.
    pub fn value(&self) -> u64 {
        self.state.value()
    }
}
