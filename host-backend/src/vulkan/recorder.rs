//! A context's command buffers: recording, barriers, submission, and what becomes of them after.
//!
//! A batch is what is submitted at a fence: an `early` command buffer with creations and uploads to resources that the batch
//! has not used yet (so that they do not interrupt rendering), and the `main` one. See [`super`] for how hazards are found.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use ash::vk;

use super::Device;
use super::cmd::Cmd;
use super::trash::Garbage;
use crate::fault::Fault;

/// When a resource was last used, in barrier epochs of the context's recorder; 0 for never.
#[derive(Debug, Default)]
pub struct Tracker {
    read: Cell<u64>,
    write: Cell<u64>,
    /// Last write in the early command buffer, in its epochs.
    early: Cell<u64>,
}

impl Tracker {
    /// Whether the GPU was ever asked to write it.
    pub fn was_written(&self) -> bool {
        self.write.get() != 0
    }
}

/// How a resource is about to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// Numbers all submissions of a worker: the values of the timeline semaphore.
#[derive(Debug, Default)]
pub struct Serials(Cell<u64>);

impl Serials {
    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

struct InFlight {
    serial: u64,
    buffers: Vec<vk::CommandBuffer>,
    garbage: Vec<Garbage>,
    pools: Vec<vk::DescriptorPool>,
}

/// What a retired submission leaves behind.
pub struct Retired {
    pub garbage: Vec<Garbage>,
    pub pools: Vec<vk::DescriptorPool>,
}

/// A context's recorder.
pub struct Recorder {
    device: Arc<Device>,
    serials: Rc<Serials>,
    pool: vk::CommandPool,
    free: Vec<vk::CommandBuffer>,
    main: Option<vk::CommandBuffer>,
    early: Option<vk::CommandBuffer>,
    epoch: u64,
    /// The epoch with which the batch began.
    batch_epoch: u64,
    early_epoch: u64,
    in_flight: VecDeque<InFlight>,
    last_serial: u64,
}

impl Recorder {
    pub fn new(device: Arc<Device>, serials: Rc<Serials>) -> Result<Self, Fault> {
        let pool = device.create_command_pool()?;
        Ok(Self {
            device,
            serials,
            pool,
            free: Vec::new(),
            main: None,
            early: None,
            epoch: 1,
            batch_epoch: 1,
            early_epoch: 1,
            in_flight: VecDeque::new(),
            last_serial: 0,
        })
    }

    /// The main command buffer.
    #[inline]
    pub fn main<'d>(&mut self, device: &'d Device) -> Result<Cmd<'d>, Fault> {
        if let Some(buffer) = self.main {
            return Ok(Cmd { device, buffer });
        }
        let buffer = self.begin()?;
        self.main = Some(buffer);
        let cmd = Cmd { device, buffer };
        // Orders this batch behind the one before, and behind its own early part.
        cmd.full_barrier();
        self.epoch += 1;
        self.batch_epoch = self.epoch;
        Ok(cmd)
    }

    /// The early command buffer.
    pub fn early<'d>(&mut self, device: &'d Device) -> Result<Cmd<'d>, Fault> {
        if let Some(buffer) = self.early {
            return Ok(Cmd { device, buffer });
        }
        let buffer = self.begin()?;
        self.early = Some(buffer);
        let cmd = Cmd { device, buffer };
        cmd.full_barrier();
        self.early_epoch += 1;
        Ok(cmd)
    }

    fn begin(&mut self) -> Result<vk::CommandBuffer, Fault> {
        let buffer = match self.free.pop() {
            Some(buffer) => buffer,
            None => {
                let info =
                    vk::CommandBufferAllocateInfo::default().command_pool(self.pool).command_buffer_count(1);
                // SAFETY: the pool is alive and used by this thread only.
                let buffers = unsafe { self.device.raw.allocate_command_buffers(&info) }
                    .map_err(|result| self.device.fault("vkAllocateCommandBuffers", result))?;
                buffers.first().copied().ok_or_else(|| Fault::argument("no command buffer"))?
            }
        };
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the buffer is new, or its last submission has finished.
        unsafe { self.device.raw.begin_command_buffer(buffer, &info) }
            .map_err(|result| self.device.fault("vkBeginCommandBuffer", result))?;
        Ok(buffer)
    }

    /// Whether a use needs a barrier first.
    #[inline]
    pub fn hazard(&self, tracker: &Tracker, access: Access) -> bool {
        tracker.write.get() == self.epoch || access == Access::Write && tracker.read.get() == self.epoch
    }

    /// Notes a use in the main command buffer.
    #[inline]
    pub fn mark(&self, tracker: &Tracker, access: Access) {
        match access {
            Access::Read => tracker.read.set(self.epoch),
            Access::Write => tracker.write.set(self.epoch),
        }
    }

    /// Begins a new epoch with a barrier in the main command buffer; not inside rendering.
    pub fn barrier(&mut self, device: &Device) -> Result<(), Fault> {
        self.main(device)?.full_barrier();
        self.epoch += 1;
        Ok(())
    }

    /// Whether the batch's main command buffer has not used a resource yet, so that it may be written early.
    pub fn untouched(&self, tracker: &Tracker) -> bool {
        self.main.is_none() || tracker.read.get().max(tracker.write.get()) < self.batch_epoch
    }

    /// The early command buffer, ordered behind earlier writes to the resource there.
    pub fn early_write<'d>(&mut self, device: &'d Device, tracker: &Tracker) -> Result<Cmd<'d>, Fault> {
        let cmd = self.early(device)?;
        if tracker.early.get() == self.early_epoch {
            cmd.full_barrier();
            self.early_epoch += 1;
        }
        tracker.early.set(self.early_epoch);
        Ok(cmd)
    }

    /// Whether anything was recorded since the last submission.
    pub fn is_empty(&self) -> bool {
        self.main.is_none() && self.early.is_none()
    }

    /// The serial of the last submission; 0 for none.
    pub fn last_serial(&self) -> u64 {
        self.last_serial
    }

    /// Submits what was recorded, outside rendering, and gives its serial.
    pub fn submit(&mut self, garbage: Vec<Garbage>, pools: Vec<vk::DescriptorPool>) -> Result<u64, Fault> {
        let device = self.device.clone();
        // The last command makes everything visible to the CPU.
        self.main(&device)?.host_barrier();
        let buffers: Vec<vk::CommandBuffer> =
            [self.early.take(), self.main.take()].into_iter().flatten().collect();
        let result = self.submit_buffers(&device, &buffers);
        // What was not submitted is done with when all before it is.
        let serial = *result.as_ref().unwrap_or(&self.last_serial);
        self.last_serial = serial;
        self.in_flight.push_back(InFlight { serial, buffers, garbage, pools });
        result
    }

    fn submit_buffers(&self, device: &Device, buffers: &[vk::CommandBuffer]) -> Result<u64, Fault> {
        for buffer in buffers {
            // SAFETY: the buffer is in the recording state and outside rendering.
            unsafe { device.raw.end_command_buffer(*buffer) }
                .map_err(|result| device.fault("vkEndCommandBuffer", result))?;
        }
        let serial = self.serials.next();
        let infos: Vec<_> = buffers
            .iter()
            .map(|buffer| vk::CommandBufferSubmitInfo::default().command_buffer(*buffer))
            .collect();
        let signals = [vk::SemaphoreSubmitInfo::default()
            .semaphore(device.timeline)
            .value(serial)
            .stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)];
        let submits =
            [vk::SubmitInfo2::default().command_buffer_infos(&infos).signal_semaphore_infos(&signals)];
        // SAFETY: this thread is the only one that uses the queue; the buffers are complete.
        unsafe { device.raw.queue_submit2(device.queue, &submits, vk::Fence::null()) }
            .map_err(|result| device.fault("vkQueueSubmit2", result))?;
        Ok(serial)
    }

    /// Takes the oldest submission that is finished.
    pub fn retire(&mut self, retired: u64) -> Option<Retired> {
        let done = self.in_flight.pop_front_if(|oldest| oldest.serial <= retired)?;
        self.free.extend(done.buffers);
        Some(Retired { garbage: done.garbage, pools: done.pools })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // A context waits for its last submission before it drops its recorder.
        self.device.destroy_command_pool(self.pool);
    }
}
