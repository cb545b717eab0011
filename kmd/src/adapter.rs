//! The adapter: the system's services and the lock around everything else.

use core::sync::atomic::{AtomicBool, AtomicU64};

use crate::context::Context;
use crate::core_state::Core;
use crate::display::CrashScreen;
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
    /// Interrupts that were ours; counted where the lock cannot be had.
    pub(crate) interrupts: AtomicU64,
    /// A vertical blank was reported, of which the DPC has not told dxgkrnl yet.
    pub(crate) vsync_reported: AtomicBool,
    /// The screen of a bug check; used where the lock cannot be had.
    pub(crate) crash: CrashScreen,
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiAddDevice`: an adapter that is stopped. `PASSIVE_LEVEL`.
    pub fn new(kernel: K) -> Self {
        Self {
            kernel,
            core: SpinLock::new(Core::new()),
            interrupts: AtomicU64::new(0),
            vsync_reported: AtomicBool::new(false),
            crash: CrashScreen::default(),
        }
    }

    /// The system's services, as given to [`Adapter::new`].
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// Sends a command about a context on ring 0, waiting for room, and notes `then` behind the same lock: what the host was
    /// told and what the context remembers of it never differ. A context that is ending is told nothing. `PASSIVE_LEVEL`.
    pub(crate) fn send_for(
        &self,
        h_context: u64,
        command: KernelCommand,
        then: impl Fn(&mut Context<K>),
    ) -> Result<(), Status> {
        for _ in 0..RING0_TRIES {
            {
                let mut core = self.core.lock();
                core.contexts.get(h_context)?;
                match core.send(&self.kernel, command) {
                    Ok(()) => {
                        let (_, context) = core.contexts.get(h_context)?;
                        then(context);
                        return Ok(());
                    }
                    Err(Status::Ring0Full) => {}
                    Err(status) => return Err(status),
                }
            }
            self.kernel.sleep_ms(1);
        }
        Err(Status::Ring0Full)
    }
}
