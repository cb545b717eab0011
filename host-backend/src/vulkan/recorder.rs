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
use super::sparse::Binds;
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
    /// Its memory may be others' too, so that nothing may be done to it out of order.
    aliased: bool,
}

impl Tracker {
    /// That of a resource with memory of its own, or of one whose memory may be others' too.
    pub fn of(aliased: bool) -> Self {
        Self { aliased, ..Self::default() }
    }

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
pub struct Serials {
    last: Cell<u64>,
    /// The last binding of memory that no submission has waited for; 0 for none.
    bound: Cell<u64>,
}

impl Serials {
    /// Goes on behind the submissions that a device has finished: a replay may come after another.
    pub fn behind(finished: u64) -> Self {
        Self { last: Cell::new(finished), bound: Cell::new(0) }
    }

    fn next(&self) -> u64 {
        self.last.set(self.last.get() + 1);
        self.last.get()
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
    /// The epoch with which the early command buffer began.
    early_begin: u64,
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
            early_begin: 1,
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
        self.early_begin = self.early_epoch;
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
        !tracker.aliased
            && (self.main.is_none() || tracker.read.get().max(tracker.write.get()) < self.batch_epoch)
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

    /// Whether this batch has used a resource; perhaps also when it has not, if other contexts use it.
    pub fn used_in_batch(&self, tracker: &Tracker) -> bool {
        self.main.is_some() && tracker.last_use() >= self.batch_epoch
            || self.early.is_some() && tracker.early.get() >= self.early_begin
    }

    /// Whether anything was recorded since the last submission.
    pub fn is_empty(&self) -> bool {
        self.main.is_none() && self.early.is_none()
    }

    /// The serial of the last submission; 0 for none.
    pub fn last_serial(&self) -> u64 {
        self.last_serial
    }

    /// Submits what was recorded, outside rendering, and gives its serial. `outside` are images that were used, each with
    /// whether it has been given away before: they are taken over first, and given away at the end.
    ///
    /// # Errors
    /// Why something that was recorded or submitted before could not be.
    pub fn submit(
        &mut self,
        device: &Device,
        garbage: Bag,
        pools: Vec<vk::DescriptorPool>,
        outside: &[(vk::Image, vk::ImageAspectFlags, bool)],
    ) -> Result<u64, Fault> {
        let acquire = self.acquire(device, outside);
        let main = self.main(device)?;
        // Makes everything visible to the CPU.
        main.host_barrier();
        if !outside.is_empty() {
            let images = outside.iter().map(|(image, aspects, _)| (*image, *aspects)).collect();
            main.release_outside(images, device.family);
        }
        let serial = self.serials.next();
        let lists = [acquire, self.early.take(), self.main.take()].into_iter().flatten();
        self.stream.submit(serial, self.serials.bound.take(), lists);
        self.last_serial = serial;
        self.in_flight.push_back(InFlight { serial, retired: Retired { garbage, pools } });
        match self.stream.failure() {
            Some(fault) => Err(fault),
            None => Ok(serial),
        }
    }

    /// A command buffer that takes images over which were given away.
    fn acquire(
        &self,
        device: &Device,
        outside: &[(vk::Image, vk::ImageAspectFlags, bool)],
    ) -> Option<Rc<List>> {
        let given = outside.iter().filter(|(.., given)| *given);
        let images: Vec<_> = given.map(|(image, aspects, _)| (*image, *aspects)).collect();
        if images.is_empty() {
            return None;
        }
        let list = Rc::new(self.stream.list(Which::Acquire));
        Cmd::new(device, list.clone()).acquire_outside(images, device.family);
        Some(list)
    }

    /// Binds memory between what was submitted and what follows.
    ///
    /// # Errors
    /// As for [`Recorder::submit`].
    pub fn bind(&mut self, binds: Binds) -> Result<(), Fault> {
        let serial = self.serials.next();
        self.serials.bound.set(serial);
        self.stream.bind(serial, binds);
        self.last_serial = serial;
        self.stream.failure().map_or(Ok(()), Err)
    }

    /// Takes the oldest submission that is finished.
    pub fn retire(&mut self, retired: u64) -> Option<Retired> {
        self.in_flight.pop_front_if(|oldest| oldest.serial <= retired).map(|oldest| oldest.retired)
    }
}
