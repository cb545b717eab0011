//! Submissions: dxgkrnl says when, the host has long begun, the fence line says done.

use pvgpu_protocol::event::error_code;
use pvgpu_protocol::telemetry::{Level, area, code};

use super::render::DmaPrivateData;
use crate::adapter::Adapter;
use crate::core_state::Core;
use crate::kernel::{Kernel, SpinLock};
use crate::status::Status;
use crate::submission::{Pending, Work};

/// `DXGKARG_SUBMITCOMMAND`.
#[derive(Clone, Copy, Debug)]
pub struct SubmitCommand<'a> {
    /// `pDmaBufferPrivateData`, the part of this submission: [`DmaPrivateData`].
    pub dma_buffer_private_data: &'a [u8],
    /// dxgkrnl's number.
    pub submission_fence_id: u32,
    /// Must be 0: there is one node.
    pub node_ordinal: u32,
}

impl<K: Kernel> Adapter<K> {
    /// `DxgkDdiSubmitCommand`: from now on the submission's fence is waited for; a gate before it is opened.
    /// `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::BadField`] for private data that is not ours; [`Status::InsufficientDmaBuffer`] when dxgkrnl submits
    /// thousands at once. A removed context is no error: the submission faults.
    pub fn submit_command(&self, args: SubmitCommand<'_>) -> Result<(), Status> {
        let size = size_of::<DmaPrivateData>();
        let value = args.dma_buffer_private_data.len() as u64;
        let bytes = args.dma_buffer_private_data.get(..size).ok_or(Status::BadField {
            field: "DmaBufferPrivateDataSize",
            value,
            rule: "it holds DmaPrivateData",
        })?;
        let data: DmaPrivateData = bytemuck::pod_read_unaligned(bytes);
        if args.node_ordinal != 0 {
            let value = u64::from(args.node_ordinal);
            return Err(Status::BadField { field: "NodeOrdinal", value, rule: "there is one node" });
        }
        let mut core = self.core.lock();
        // A context that is gone leaves a generation that nobody has: the submission is reported as faulted.
        let (context, generation) = match core.contexts.get(data.h_context) {
            Ok((number, context)) => {
                context.gate_wanted = context.gate_wanted.max(data.gate);
                (number, context.generation)
            }
            Err(_) => (0, 0),
        };
        let work = Work::Fence { context, generation, value: data.value };
        core.queue.push(Pending { fence_id: args.submission_fence_id, work })?;
        core.open_gates(&self.kernel);
        let trace = [u64::from(args.submission_fence_id), data.value];
        core.trace(&self.kernel, Level::Verbose, (area::SUBMISSION, code::FENCE_SUBMITTED), context, &trace);
        if generation == 0 || core.arm(&self.kernel) {
            self.kernel.queue_dpc();
        }
        Ok(())
    }

    /// `DxgkDdiPreemptCommand`. What is submitted already executes on the host and cannot be held back; the preemption
    /// is reported when it is done. `DISPATCH_LEVEL`.
    ///
    /// # Errors
    /// [`Status::InsufficientDmaBuffer`] when dxgkrnl submits thousands at once.
    pub fn preempt_command(&self, preemption_fence_id: u32) -> Result<(), Status> {
        let pending = Pending { fence_id: preemption_fence_id, work: Work::Preemption };
        self.core.lock().queue.push(pending)?;
        self.kernel.queue_dpc();
        Ok(())
    }

    /// `DxgkDdiQueryCurrentFence`: the last submission reported as completed. IRQL ≤ `DISPATCH_LEVEL`.
    pub fn query_current_fence(&self) -> u32 {
        self.core.lock().queue.last_completed()
    }
}

impl<K: Kernel> Core<K> {
    /// Poisons every context that a submission waits for, and forgets the submissions.
    pub(crate) fn poison_pending(&mut self, kernel: &K) {
        while let Some(head) = self.queue.head() {
            self.queue.complete_head();
            if let Work::Fence { context, generation, .. } = head.work
                && self.contexts.by_generation(context, generation).is_some()
            {
                let error = [u64::from(error_code::DEVICE_LOST), 0, u64::from(u32::MAX), 0];
                self.poison(kernel, context, error);
            }
        }
    }
}
