//! The thread that waits for the GPU and tells guests what is complete.
//!
//! One thread for the whole worker: it takes submissions in order, waits for each on the timeline semaphore, writes what
//! the CPU must write into the heap (query results, bounced copies), then the fence, then interrupts the guest. As all
//! contexts submit to one queue, order is kept for each of them. A fence that has nothing to wait for is completed by
//! whoever hands it over, without waking the thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ash::vk;

use super::Device;
use super::changed::{ComparedBy, Comparisons, Presented, TileWatch};
use super::memory::Slice;
use super::query::QueryResult;
use super::texels::Conversion;
use crate::memory::Heap;
use pvgpu_protocol::command::HeapRange;

/// How long one wait for the GPU may take before the thread looks around; the wait then goes on.
const WAIT: Duration = Duration::from_millis(500);

/// Where completed fences go. Called in order, by one thread at a time.
pub trait FenceSink: Send + Sync {
    /// The fence of a context has reached a value; `decoded` is when its record was taken from the ring.
    fn complete(&self, context: u32, value: u64, decoded: Instant);
}

/// A presented frame that stands in the heap.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Who presented it.
    pub context: u32,
    /// As the command said.
    pub sequence: u64,
    /// Bytes from the heap's start to its first row.
    pub offset: u64,
    /// Pixels, each `B8G8R8A8`.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes from row to row.
    pub row_pitch: u32,
}

impl Frame {
    /// Its rows without padding.
    pub fn rows(&self, heap: &Heap) -> Vec<u8> {
        let row = self.width as usize * 4;
        let mut rows = vec![0; row.saturating_mul(self.height as usize)];
        for (index, into) in (0..).zip(rows.chunks_exact_mut(row.max(1))) {
            let offset = self.offset.saturating_add(u64::from(self.row_pitch).saturating_mul(index));
            heap.read(HeapRange { offset, length: row as u64 }, into);
        }
        rows
    }
}

/// Sees each frame before the guest is told of it. Called on the completion thread, in order.
pub type FrameWatch = Arc<dyn Fn(&Frame, &Heap) + Send + Sync>;

/// Who sees presented frames; without anybody, they cost nothing more.
#[derive(Clone, Default)]
pub struct Watches {
    /// Sees the frames alone.
    pub frames: Option<FrameWatch>,
    /// Sees them with what has changed in them.
    pub tiles: Option<TileWatch>,
}

/// Bytes to copy into the heap once the GPU has written them.
pub struct HeapCopy {
    pub from: Slice,
    /// Bytes from the slice's start.
    pub at: u64,
    /// Bytes from the heap's start.
    pub offset: u64,
    pub length: u64,
}

/// Planes of texels to put together in the heap once the GPU has written them.
pub struct HeapPack {
    /// Tight rows of each plane.
    pub planes: [Option<Slice>; 2],
    pub conversion: Conversion,
    /// Texels of a row.
    pub texels: u32,
    pub rows: u32,
    pub slices: u32,
    /// The first row's place, in bytes from the heap's start.
    pub offset: u64,
    pub row_pitch: u32,
    pub depth_pitch: u32,
}

/// How much of a context's work is finished: the highest number of a batch with whose results the completion thread is
/// done. Shared with that thread, and still true when the context is gone.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// The work up to a batch.
    pub fn until(&self, batch: u64) -> Work {
        Work { progress: self.clone(), batch }
    }
}

/// A context's work up to a batch. A serial would not do: a batch may have nothing for the GPU, but results to write.
#[derive(Clone, Debug)]
pub struct Work {
    progress: Progress,
    batch: u64,
}

impl Work {
    /// Whether the GPU and the completion thread have finished it, so that they touch nothing on its behalf any more.
    pub fn is_done(&self) -> bool {
        self.progress.0.load(Ordering::Acquire) >= self.batch
    }

    /// Notes that it is finished. Batches of a context finish in order.
    pub fn finish(&self) {
        self.progress.0.store(self.batch, Ordering::Release);
    }

    /// Takes later work of the same context in; false when it is another's.
    pub fn extend(&mut self, later: &Self) -> bool {
        let same = Arc::ptr_eq(&self.progress.0, &later.progress.0);
        if same {
            self.batch = self.batch.max(later.batch);
        }
        same
    }
}

/// One batch of a context, its fence, and what must happen before that.
pub struct Submission {
    /// Finished by the completion thread, after everything else.
    pub work: Work,
    /// Value of the timeline semaphore to wait for.
    pub serial: u64,
    /// The fence to complete, if this is one.
    pub fence: Option<(u32, u64, Instant)>,
    pub queries: Vec<QueryResult>,
    pub copies: Vec<HeapCopy>,
    pub packs: Vec<HeapPack>,
    /// Empty unless somebody watches them.
    pub frames: Vec<Presented>,
}

impl Submission {
    /// Whether there is something to do for it once the GPU is done.
    fn has_results(&self) -> bool {
        let Self { work: _, serial: _, fence: _, queries, copies, packs, frames } = self;
        !(queries.is_empty() && copies.is_empty() && packs.is_empty() && frames.is_empty())
    }
}

struct Shared {
    sink: Box<dyn FenceSink>,
    /// Submissions that the thread is not done with.
    pending: AtomicU64,
    /// Everything up to this serial is complete and its results are written.
    retired: AtomicU64,
    /// For waits on the executor's thread.
    changed: (Mutex<()>, Condvar),
    stop: AtomicBool,
}

impl Shared {
    /// Everything of a submission is done: tells the guest, and whoever waits.
    fn finish(&self, submission: &Submission) {
        if let Some((context, value, decoded)) = submission.fence {
            self.sink.complete(context, value, decoded);
        }
        // Under the lock, so that a waiter that has just looked is told.
        let guard = self.changed.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.retired.fetch_max(submission.serial, Ordering::Release);
        submission.work.finish();
        drop(guard);
        self.changed.1.notify_all();
    }
}

/// The thread, owned by the worker.
pub struct Completion {
    handle: CompletionHandle,
    thread: Option<JoinHandle<()>>,
}

/// Where contexts send their submissions.
#[derive(Clone)]
pub struct CompletionHandle {
    sender: Sender<Submission>,
    shared: Arc<Shared>,
    watched: bool,
    compared_by: Option<ComparedBy>,
}

impl Completion {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        device: Arc<Device>,
        heap: Heap,
        sink: impl FenceSink + 'static,
        watches: Watches,
    ) -> std::io::Result<Self> {
        let watched = watches.frames.is_some();
        let compared_by = watches.tiles.as_ref().map(|watch| watch.by);
        let (sender, receiver) = channel();
        let shared = Arc::new(Shared {
            sink: Box::new(sink),
            pending: AtomicU64::new(0),
            retired: AtomicU64::new(0),
            changed: Default::default(),
            stop: AtomicBool::new(false),
        });
        let thread = std::thread::Builder::new().name("completion".to_owned()).spawn({
            let shared = shared.clone();
            move || run(&device, &heap, watches, &receiver, &shared)
        })?;
        Ok(Self { handle: CompletionHandle { sender, shared, watched, compared_by }, thread: Some(thread) })
    }

    /// Where contexts send their submissions.
    pub fn handle(&self) -> CompletionHandle {
        self.handle.clone()
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.handle.shared.stop.store(true, Ordering::Relaxed);
        // Replaces the sender so that the thread sees the channel close once all contexts are gone.
        self.handle.sender = channel().0;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the completion thread has panicked");
        }
    }
}

impl CompletionHandle {
    /// Hands a submission over. All are handed over by one thread, the executor's.
    pub fn send(&self, submission: Submission) {
        let is_done = self.shared.pending.load(Ordering::Acquire) == 0 && submission.serial <= self.retired();
        if is_done && !submission.has_results() {
            return self.shared.finish(&submission);
        }
        self.shared.pending.fetch_add(1, Ordering::Relaxed);
        // The thread outlives all handles but the worker's own; without it nothing is completed, which the guest sees.
        let _ = self.sender.send(submission);
    }

    /// Whether somebody watches presented frames.
    pub fn watches_frames(&self) -> bool {
        self.watched
    }

    /// Who compares presented frames, if somebody wants to know what has changed in them.
    pub fn compared_by(&self) -> Option<ComparedBy> {
        self.compared_by
    }

    /// The highest serial whose work is finished and whose results are written.
    pub fn retired(&self) -> u64 {
        self.shared.retired.load(Ordering::Acquire)
    }

    /// Waits until work is finished; false when the device was lost meanwhile.
    pub fn wait(&self, device: &Device, work: &Work) -> bool {
        let (mutex, condition) = &self.shared.changed;
        let mut guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        while !work.is_done() {
            if device.is_lost() {
                return false;
            }
            guard = condition.wait_timeout(guard, WAIT).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

fn run(device: &Device, heap: &Heap, watches: Watches, receiver: &Receiver<Submission>, shared: &Shared) {
    let mut comparisons = watches.tiles.map(Comparisons::new);
    while let Ok(submission) = receiver.recv() {
        if !wait(device, submission.serial, shared) {
            return;
        }
        for copy in &submission.copies {
            copy_to_heap(heap, copy);
        }
        for pack in &submission.packs {
            pack_into_heap(heap, pack);
        }
        for query in &submission.queries {
            query.write(device, heap);
        }
        for presented in &submission.frames {
            if let Some(watch) = &watches.frames {
                watch(&presented.frame, heap);
            }
            if let Some(comparisons) = &mut comparisons {
                comparisons.tell(presented, heap);
            }
        }
        shared.finish(&submission);
        // Pairs with the acquire load of whoever hands over the next one.
        shared.pending.fetch_sub(1, Ordering::Release);
    }
}

/// Waits for a serial; false when the device is lost or the worker stops.
fn wait(device: &Device, serial: u64, shared: &Shared) -> bool {
    let (semaphores, values) = ([device.timeline], [serial]);
    let info = vk::SemaphoreWaitInfo::default().semaphores(&semaphores).values(&values);
    loop {
        // SAFETY: the semaphore lives as long as the device, which the caller holds.
        match unsafe { device.raw.wait_semaphores(&info, WAIT.as_nanos() as u64) } {
            Ok(()) => return true,
            Err(vk::Result::TIMEOUT) if !shared.stop.load(Ordering::Relaxed) => {}
            Err(vk::Result::TIMEOUT) => return false,
            Err(result) => {
                log::error!("vkWaitSemaphores: {result}");
                device.set_lost();
                return false;
            }
        }
    }
}

fn copy_to_heap(heap: &Heap, copy: &HeapCopy) {
    let mut bytes = vec![0; usize::try_from(copy.length).unwrap_or(0)];
    copy.from.read(copy.at, &mut bytes);
    heap.write(copy.offset, &bytes);
}

fn pack_into_heap(heap: &Heap, pack: &HeapPack) {
    let widths: Vec<usize> =
        pack.conversion.planes().iter().map(|plane| pack.texels as usize * plane.bytes as usize).collect();
    let mut planes = [Vec::new(), Vec::new()];
    let mut row = Vec::new();
    for z in 0..u64::from(pack.slices) {
        for y in 0..u64::from(pack.rows) {
            for ((bytes, slice), width) in planes.iter_mut().zip(&pack.planes).zip(&widths) {
                bytes.resize(*width, 0);
                if let Some(slice) = slice {
                    slice.read((z * u64::from(pack.rows) + y) * *width as u64, bytes);
                }
            }
            let [first, second] = &planes;
            pack.conversion.join([first, second], pack.texels, &mut row);
            let at = pack.offset + z * u64::from(pack.depth_pitch) + y * u64::from(pack.row_pitch);
            heap.write(at, &row);
        }
    }
}
