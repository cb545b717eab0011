//! Interrupts: the host rings, the DPC reports.

use pvgpu_protocol::event::error_code;

use crate::adapter::Adapter;
use crate::context::Life;
use crate::core_state::Reporter;
use crate::kernel::{Kernel, SpinLock};
use crate::status::Status;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiInterruptRoutine`: the host's doorbell is a message-signalled interrupt of our own, so it is always ours;
    /// everything is done in the DPC. Device IRQL.
    pub fn interrupt_routine(&self) -> bool {
        self.kernel.queue_dpc();
        true
    }

    /// `DxgkDdiDpcRoutine`: takes the host's events, reports completed and faulted submissions in dxgkrnl's order, wakes
    /// sleepers, and asks for the next interrupt. `DISPATCH_LEVEL`.
    pub fn dpc_routine(&self) {
        {
            let mut core = self.core.lock();
            if core.reporter != Reporter::Idle {
                core.reporter = Reporter::BusyAgain;
                return;
            }
            core.reporter = Reporter::Busy;
        }
        let mut reported = false;
        loop {
            let report = {
                let mut core = self.core.lock();
                let report = core.next_report(&self.kernel);
                if report.is_none() {
                    if core.reporter == Reporter::Busy {
                        core.reporter = Reporter::Idle;
                        break;
                    }
                    core.reporter = Reporter::Busy;
                }
                report
            };
            if let Some(report) = report {
                self.kernel.notify_interrupt(report);
                reported = true;
            }
        }
        if reported {
            self.kernel.notify_dpc();
        }
    }

    /// Why a context executes no more: a code of [`error_code`], `NONE` while it does. IRQL ≤ `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadHandle`]; [`Status::DeviceRemoved`] when the host is gone.
    pub fn query_context_error(&self, h_context: u64) -> Result<u32, Status> {
        let mut core = self.core.lock();
        if !core.state.is_linked() {
            return Err(Status::DeviceRemoved);
        }
        let (_, context) = core.contexts.get(h_context)?;
        Ok(match context.life {
            Life::Poisoned { code } => code,
            Life::Beginning | Life::Live | Life::Ending => error_code::NONE,
        })
    }
}
