//! A context's command buffers: which call goes to which, barriers, submission, and what becomes of things after.
//!
//! A batch is what is submitted at a fence: an `early` command buffer with creations and uploads to resources that the batch
//! has not used yet (so that they do not interrupt rendering), and the `main` one. See [`super`] for how hazards are found.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use ash::vk;

use super::Device;
use super::cmd::Cmd;
use super::player::{List, Player, Stream, Which};
use super::trash::Bag;
use crate::fault::Fault;

/// Batches whose beginnings are remembered.
const MAX_BATCHES: usize = 64;

/// When a resource was last used, in barrier epochs of the context's recorder; 0 for never.
#[derive(Debug, Default)]
pub struct Tracker {
    read: Cell<u64>,
    write: Cell<u64>,
    /// Last write in the early command buffer, in its epochs.
    early: Cell<u64>,
}

impl Tracker {
    /// The epoch of the last use.
    pub fn last_use(&self) -> u64 {
        self.read.get().max(self.write.get())
    }

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
#[derive(Debug)]
pub struct Serials(Cell<u64>);

impl Serials {
    /// Goes on behind the submissions that a device has finished: a replay may come after another.
    pub fn behind(finished: u64) -> Self {
        Self(Cell::new(finished))
    }

    fn next(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

struct InFlight {
    serial: u64,
    retired: Retired,
}

/// What a retired submission leaves behind.
pub struct Retired {
    pub garbage: Bag,
    pub pools: Vec<vk::DescriptorPool>,
}

/// A context's recorder.
pub struct Recorder {
    serials: Rc<Serials>,
    stream: Rc<Stream>,
    main: Option<Rc<List>>,
    early: Option<Rc<List>>,
    epoch: u64,
    /// The epoch with which the batch began.
    batch_epoch: u64,
    /// Those of the batches before, the last one first.
    batches: VecDeque<u64>,
    early_epoch: u64,
    in_flight: VecDeque<InFlight>,
    last_serial: u64,
}

impl Recorder {
    pub fn new(player: &Player, serials: Rc<Serials>) -> Result<Self, Fault> {
        Ok(Self {
            serials,
            stream: Rc::new(player.stream()?),
            main: None,
            early: None,
            epoch: 1,
            batch_epoch: 1,
            batches: VecDeque::new(),
            early_epoch: 1,
            in_flight: VecDeque::new(),
            last_serial: 0,
        })
    }

    /// The main command buffer.
    #[inline]
    pub fn main<'d>(&mut self, device: &'d Device) -> Result<Cmd<'d>, Fault> {
        match &self.main {
            Some(list) => Ok(Cmd::new(device, list.clone())),
            None => Ok(self.begin_main(device)),
        }
    }

    fn begin_main<'d>(&mut self, device: &'d Device) -> Cmd<'d> {
        let list = self.main.insert(Rc::new(self.stream.list(Which::Main)));
        let cmd = Cmd::new(device, list.clone());
        // Orders this batch behind the one before, and behind its own early part.
        cmd.full_barrier();
        self.epoch += 1;
        self.batch_epoch = self.epoch;
        self.batches.push_front(self.epoch);
        self.batches.truncate(MAX_BATCHES);
        cmd
    }

    /// The epoch with which the batch began.
    pub fn batch_epoch(&self) -> u64 {
        self.batch_epoch
    }

    /// The epoch with which an earlier batch began, 0 for the current one; 0 when there was none.
    pub fn begin_of_batch(&self, back: usize) -> u64 {
        self.batches.get(back).copied().unwrap_or(0)
    }

    /// The early command buffer.
    pub fn early<'d>(&mut self, device: &'d Device) -> Result<Cmd<'d>, Fault> {
        if let Some(list) = &self.early {
            return Ok(Cmd::new(device, list.clone()));
        }
        let list = self.early.insert(Rc::new(self.stream.list(Which::Early)));
        let cmd = Cmd::new(device, list.clone());
        cmd.full_barrier();
        self.early_epoch += 1;
        Ok(cmd)
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
    ///
    /// # Errors
    /// Why something that was recorded or submitted before could not be.
    pub fn submit(
        &mut self,
        device: &Device,
        garbage: Bag,
        pools: Vec<vk::DescriptorPool>,
    ) -> Result<u64, Fault> {
        // The last command makes everything visible to the CPU.
        self.main(device)?.host_barrier();
        let serial = self.serials.next();
        let lists = [self.early.take(), self.main.take()].into_iter().flatten();
        self.stream.submit(serial, lists);
        self.last_serial = serial;
        self.in_flight.push_back(InFlight { serial, retired: Retired { garbage, pools } });
        match self.stream.failure() {
            Some(fault) => Err(fault),
            None => Ok(serial),
        }
    }

    /// Takes the oldest submission that is finished.
    pub fn retire(&mut self, retired: u64) -> Option<Retired> {
        self.in_flight.pop_front_if(|oldest| oldest.serial <= retired).map(|oldest| oldest.retired)
    }
}
