//! The adapter: the system's services and the lock around everything else.

use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::ring0::KernelCommand;
use crate::status::Status;

/// How often a full ring 0 is tried again at `PASSIVE_LEVEL`, a millisecond apart. The host reads ring 0 before all others;
/// two seconds is twice the time after which a silent host counts as gone.
const RING0_TRIES: u32 = 2000;

/// One pvgpu adapter. Its methods are the driver's entry points; see [`crate::ddi`].
pub struct Adapter<K: Kernel> {
    pub(crate) kernel: K,
    pub(crate) core: K::SpinLock<Core<K>>,
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiAddDevice`: an adapter that is stopped. `PASSIVE_LEVEL`.
    pub fn new(kernel: K) -> Self {
        Self { kernel, core: SpinLock::new(Core::new()) }
    }

    /// The system's services, as given to [`Adapter::new`].
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// Sends a command on ring 0, waiting for room. `PASSIVE_LEVEL`.
    pub(crate) fn send(&self, command: KernelCommand) -> Result<(), Status> {
        for _ in 0..RING0_TRIES {
            let sent = self.core.lock().send(&self.kernel, command);
            if sent != Err(Status::Ring0Full) {
                return sent;
            }
            self.kernel.sleep_ms(1);
        }
        Err(Status::Ring0Full)
    }
}
