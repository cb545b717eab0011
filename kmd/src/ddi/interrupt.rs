//! Interrupts: the host rings, the DPC reports.

use core::sync::atomic::Ordering;

use pvgpu_protocol::kernel_interface::counter;

use crate::adapter::Adapter;
use crate::core_state::Reporter;
use crate::kernel::{Kernel, SpinLock, SystemCopy};
use crate::reports::Next;
use crate::status::Status;

/// What one DPC pages at most before others get the processor: about half a millisecond.
const PAGED_A_DPC: u64 = 16 * SystemCopy::MAX_BYTES;

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiInterruptRoutine`, once the C side knows that the interrupt is the device's: everything is done in the DPC.
    /// Device IRQL.
    pub fn interrupt_routine(&self) -> bool {
        self.interrupts.fetch_add(1, Ordering::Relaxed);
        self.kernel.queue_dpc();
        true
    }

    /// `DxgkDdiDpcRoutine`: takes the host's answer and events, reports completed and faulted submissions in dxgkrnl's order,
    /// wakes sleepers, does paging, and asks for the next interrupt. Allocates nothing. `DISPATCH_LEVEL`.
    pub fn dpc_routine(&self) {
        {
            let mut core = self.core.lock();
            core.count(counter::DPCS);
            if core.reporter != Reporter::Idle {
                core.reporter = Reporter::BusyAgain;
                return;
            }
            core.reporter = Reporter::Busy;
            core.take_answer(&self.kernel);
        }
        let mut reported = false;
        let mut paged = 0u64;
        loop {
            let next = {
                let mut core = self.core.lock();
                let next = core.next(&self.kernel);
                if matches!(next, Next::Idle) {
                    if core.reporter == Reporter::Busy {
                        core.reporter = Reporter::Idle;
                        break;
                    }
                    core.reporter = Reporter::Busy;
                }
                next
            };
            match next {
                Next::Report(report) => {
                    self.kernel.notify_interrupt(report);
                    reported = true;
                }
                Next::Page(piece) => {
                    let result = piece.run(&self.kernel);
                    // What memory stands in the way of, the heartbeat tries again; what else fails would fail for ever.
                    let done = result != Err(Status::NoMemory);
                    let bytes = match result {
                        Ok(()) => piece.bytes(),
                        Err(Status::NoMemory) => 0,
                        Err(_) => u64::MAX,
                    };
                    // It may be the last to hold the aperture, once others hear that it is done.
                    drop(piece);
                    paged = paged.saturating_add(bytes);
                    let mut core = self.core.lock();
                    core.paging_done(bytes);
                    if !done || paged >= PAGED_A_DPC {
                        let again = core::mem::replace(&mut core.reporter, Reporter::Idle);
                        drop(core);
                        // What cannot be done now the heartbeat tries again; what was long enough goes on in a new DPC.
                        if done || again == Reporter::BusyAgain {
                            self.kernel.queue_dpc();
                        }
                        break;
                    }
                }
                Next::Idle => {}
            }
        }
        // Whoever has reported a vertical blank has queued this DPC after that.
        if reported | self.vsync_reported.swap(false, Ordering::AcqRel) {
            self.kernel.notify_dpc();
        }
        self.display_dpc();
    }
}
