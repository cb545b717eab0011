//! Plays the calls that contexts list into command buffers, and submits those, on a thread beside the executor's.
//!
//! ```text
//!  executor: decode, validate, decide ── chunks of calls ──► player: vkCmd*, vkQueueSubmit2 ──► GPU
//! ```
//! So the driver's part of a draw and ours run at the same time, and a pipeline that is not ready holds up the player, not the
//! decoder. Messages are played in the order in which they were sent, those of all contexts of a worker together; so the
//! timeline's values rise in the order of submission.
//!
//! A short batch whose end finds nothing else to do is played by the executor itself: waking a thread takes longer. A machine
//! without processors to spare has no thread, and the executor plays everything.
//!
//! # Errors
//! A failed call ends its context: the rest of its calls is dropped, its submissions are empty (so that the timeline goes on and
//! nobody waits in vain), and the executor learns of it at the next submission.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ash::vk;

use super::Device;
use super::calls::Call;
use super::completion::CompletionHandle;
use super::sparse::{self, Bind, Binds};
use crate::fault::Fault;

/// Calls of a chunk: about a hundred draws, 32 KiB.
const CHUNK: usize = 512;
/// A batch whose last chunk has no more calls than this is played by the executor if the player has nothing to do. About 10 µs.
const SHORT: usize = 64;
/// Messages that may wait; beyond that the executor waits: 8 MiB of calls.
const MAX_WAITING: usize = 256;
/// How long the player looks for more before it sleeps.
const SPIN: Duration = Duration::from_micros(30);
/// Processors from which on a thread of its own pays: the guest's thread, the executor, the player, and the driver's.
const MIN_PROCESSORS: usize = 4;

/// Which of a batch's command buffers, in the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Acquires images that other workers may have used; listed last, when it is known which.
    Acquire = 0,
    /// Creations and early uploads.
    Early = 1,
    /// Everything else.
    Main = 2,
}

/// Command buffers of a batch.
const BUFFERS: usize = 3;

/// A context's command buffers, as the player has them.
pub struct Buffers {
    device: Arc<Device>,
    pool: vk::CommandPool,
    free: Vec<vk::CommandBuffer>,
    open: [Option<vk::CommandBuffer>; BUFFERS],
    in_flight: VecDeque<(u64, Vec<vk::CommandBuffer>)>,
    failed: Option<(&'static str, vk::Result)>,
}

/// A context's end of the player.
pub struct Stream {
    buffers: Arc<Mutex<Buffers>>,
    has_failed: Arc<AtomicBool>,
    player: Arc<Shared>,
}

/// The calls of one command buffer that are not sent yet.
pub struct List {
    calls: RefCell<Vec<Call>>,
    which: Which,
    stream: Rc<Stream>,
}

enum Message {
    Calls {
        to: Arc<Mutex<Buffers>>,
        failed: Arc<AtomicBool>,
        which: Which,
        calls: Vec<Call>,
    },
    /// Behind the binding of memory `after`, if that is not 0.
    Submit {
        of: Arc<Mutex<Buffers>>,
        failed: Arc<AtomicBool>,
        serial: u64,
        after: u64,
    },
    Bind {
        of: Arc<Mutex<Buffers>>,
        failed: Arc<AtomicBool>,
        serial: u64,
        binds: Binds,
    },
}

struct Shared {
    device: Arc<Device>,
    completion: CompletionHandle,
    waiting: Mutex<Waiting>,
    work: Condvar,
    room: Condvar,
    /// Held by whoever plays, from taking a message to its end.
    playing: Mutex<()>,
    /// Messages that wait; a hint for those who do not hold the lock.
    count: AtomicUsize,
    /// Whether there is a thread.
    threaded: bool,
}

struct Waiting {
    messages: VecDeque<Message>,
    /// Emptied chunks.
    free: Vec<Vec<Call>>,
    asleep: bool,
    stop: bool,
}

/// The player of a worker.
pub struct Player {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    /// Starts it.
    pub fn start(device: Arc<Device>, completion: CompletionHandle) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threaded = processors >= MIN_PROCESSORS;
        let make = |threaded| {
            Arc::new(Shared {
                device: device.clone(),
                completion: completion.clone(),
                waiting: Mutex::new(Waiting {
                    messages: VecDeque::new(),
                    free: Vec::new(),
                    asleep: false,
                    stop: false,
                }),
                work: Condvar::new(),
                room: Condvar::new(),
                playing: Mutex::new(()),
                count: AtomicUsize::new(0),
                threaded,
            })
        };
        if !threaded {
            return Self { shared: make(false), thread: None };
        }
        let shared = make(true);
        let thread = std::thread::Builder::new().name("player".to_owned()).spawn({
            let shared = shared.clone();
            move || shared.run()
        });
        match thread {
            Ok(thread) => Self { shared, thread: Some(thread) },
            // Then the executor plays everything.
            Err(_) => Self { shared: make(false), thread: None },
        }
    }

    /// A stream for a context with a command pool of its own.
    ///
    /// # Errors
    /// [`Fault`] when there is no command pool.
    pub fn stream(&self) -> Result<Stream, Fault> {
        let device = self.shared.device.clone();
        let pool = device.create_command_pool()?;
        let buffers = Buffers {
            device,
            pool,
            free: Vec::new(),
            open: [None; BUFFERS],
            in_flight: VecDeque::new(),
            failed: None,
        };
        Ok(Stream {
            buffers: Arc::new(Mutex::new(buffers)),
            has_failed: Arc::default(),
            player: self.shared.clone(),
        })
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        lock(&self.shared.waiting).stop = true;
        self.shared.work.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the player has panicked");
        }
    }
}

impl Stream {
    /// A list of calls.
    pub fn list(self: &Rc<Self>, which: Which) -> List {
        List { calls: RefCell::new(self.player.chunk()), which, stream: self.clone() }
    }

    /// Ends the command buffers that are open and submits them; the timeline gets the serial when the GPU has finished.
    pub fn submit(&self, serial: u64, after: u64, lists: impl IntoIterator<Item = Rc<List>>) {
        let mut short = true;
        let mut messages = Vec::with_capacity(BUFFERS + 1);
        for list in lists {
            let calls = list.calls.take();
            short &= calls.len() <= SHORT;
            messages.push(self.calls(list.which, calls));
        }
        let (of, failed) = (self.buffers.clone(), self.has_failed.clone());
        messages.push(Message::Submit { of, failed, serial, after });
        self.player.send(messages, short);
    }

    /// Binds memory behind all that was submitted; the timeline gets the serial when that is done.
    pub fn bind(&self, serial: u64, binds: Binds) {
        let (of, failed) = (self.buffers.clone(), self.has_failed.clone());
        self.player.send([Message::Bind { of, failed, serial, binds }], true);
    }

    /// Why a call has failed, if one has.
    pub fn failure(&self) -> Option<Fault> {
        if !self.has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let (call, result) = lock(&self.buffers).failed?;
        Some(self.player.device.fault(call, result))
    }

    fn calls(&self, which: Which, calls: Vec<Call>) -> Message {
        Message::Calls { to: self.buffers.clone(), failed: self.has_failed.clone(), which, calls }
    }
}

impl List {
    /// Adds a call.
    #[inline]
    pub fn push(&self, call: Call) {
        let mut calls = self.calls.borrow_mut();
        calls.push(call);
        if calls.len() == CHUNK {
            let full = std::mem::replace(&mut *calls, self.stream.player.chunk());
            self.stream.player.send([self.stream.calls(self.which, full)], false);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // What was sent is played first; nothing is sent any more.
        self.player.drain();
        // A context waits for its last submission before it drops its stream.
        let buffers = lock(&self.buffers);
        buffers.device.destroy_command_pool(buffers.pool);
    }
}

impl Shared {
    /// An empty chunk.
    fn chunk(&self) -> Vec<Call> {
        let free = lock(&self.waiting).free.pop();
        free.unwrap_or_else(|| Vec::with_capacity(CHUNK))
    }

    fn send(&self, messages: impl IntoIterator<Item = Message>, short: bool) {
        if !self.threaded {
            let _playing = lock(&self.playing);
            messages.into_iter().for_each(|message| self.play(message));
            return;
        }
        if short
            && self.count.load(Ordering::Acquire) == 0
            && let Ok(_playing) = self.playing.try_lock()
            && self.nothing_waits()
        {
            // Messages are sent by this thread alone, so none can have come since.
            messages.into_iter().for_each(|message| self.play(message));
            return;
        }
        let mut waiting = lock(&self.waiting);
        while waiting.messages.len() >= MAX_WAITING {
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.messages.extend(messages);
        self.count.store(waiting.messages.len(), Ordering::Release);
        let asleep = waiting.asleep;
        drop(waiting);
        if asleep {
            self.work.notify_one();
        }
    }

    fn nothing_waits(&self) -> bool {
        lock(&self.waiting).messages.is_empty()
    }

    /// Waits until everything that was sent is played.
    fn drain(&self) {
        let mut waiting = lock(&self.waiting);
        while !waiting.messages.is_empty() {
            waiting = self.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        drop(waiting);
        drop(lock(&self.playing));
    }

    /// The thread.
    fn run(&self) {
        let mut looking = Instant::now();
        loop {
            if self.count.load(Ordering::Acquire) == 0 && looking.elapsed() < SPIN {
                std::hint::spin_loop();
                continue;
            }
            // In this order, so that a message is never taken by one and overtaken by another.
            let playing = lock(&self.playing);
            let mut waiting = lock(&self.waiting);
            match waiting.messages.pop_front() {
                Some(message) => {
                    let count = waiting.messages.len();
                    self.count.store(count, Ordering::Release);
                    drop(waiting);
                    self.room.notify_one();
                    self.play(message);
                    looking = Instant::now();
                }
                None if waiting.stop => return,
                None => {
                    drop(playing);
                    waiting.asleep = true;
                    waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                    waiting.asleep = false;
                    looking = Instant::now();
                }
            }
        }
    }

    fn play(&self, message: Message) {
        match message {
            Message::Calls { to, failed, which, mut calls } => {
                let mut buffers = lock(&to);
                if buffers.failed.is_none()
                    && let Err(failure) = buffers.play(which, &mut calls, &self.completion)
                {
                    buffers.failed = Some(failure);
                    failed.store(true, Ordering::Relaxed);
                }
                drop(buffers);
                calls.clear();
                lock(&self.waiting).free.push(calls);
            }
            Message::Bind { of, failed, serial, binds } => {
                let mut buffers = lock(&of);
                if let Err(failure) = buffers.bind(serial, &binds) {
                    buffers.failed.get_or_insert(failure);
                    failed.store(true, Ordering::Relaxed);
                }
            }
            Message::Submit { of, failed, serial, after } => {
                let mut buffers = lock(&of);
                if let Err(failure) = buffers.submit(serial, after) {
                    buffers.failed.get_or_insert(failure);
                    failed.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Buffers {
    fn play(
        &mut self,
        which: Which,
        calls: &mut Vec<Call>,
        completion: &CompletionHandle,
    ) -> Result<(), (&'static str, vk::Result)> {
        let buffer = match self.open.get(which as usize).copied().flatten() {
            Some(buffer) => buffer,
            None => {
                let buffer = self.begin(completion)?;
                if let Some(open) = self.open.get_mut(which as usize) {
                    *open = Some(buffer);
                }
                buffer
            }
        };
        for call in calls.drain(..) {
            call.play(&self.device.raw, buffer).map_err(|result| ("making a pipeline", result))?;
        }
        Ok(())
    }

    fn begin(
        &mut self,
        completion: &CompletionHandle,
    ) -> Result<vk::CommandBuffer, (&'static str, vk::Result)> {
        let retired = completion.retired();
        while let Some((_, done)) = self.in_flight.pop_front_if(|(serial, _)| *serial <= retired) {
            self.free.extend(done);
        }
        let raw = &self.device.raw;
        let buffer = match self.free.pop() {
            Some(buffer) => buffer,
            None => {
                let info =
                    vk::CommandBufferAllocateInfo::default().command_pool(self.pool).command_buffer_count(1);
                // SAFETY: the pool is alive; whoever plays holds this context's lock.
                let buffers = unsafe { raw.allocate_command_buffers(&info) }
                    .map_err(|result| ("vkAllocateCommandBuffers", result))?;
                buffers.first().copied().ok_or(("vkAllocateCommandBuffers", vk::Result::ERROR_UNKNOWN))?
            }
        };
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the buffer is new, or its last submission has finished.
        unsafe { raw.begin_command_buffer(buffer, &info) }
            .map_err(|result| ("vkBeginCommandBuffer", result))?;
        Ok(buffer)
    }

    fn bind(&mut self, serial: u64, binds: &[Bind]) -> Result<(), (&'static str, vk::Result)> {
        let device = &self.device;
        // What is not bound any more still has its place on the timeline.
        let binds = if self.failed.is_none() { binds } else { &[] };
        let _alone = lock(&device.submitting);
        let bound = sparse::submit(device, binds, serial);
        if bound.is_err() {
            // Nobody will ever signal the serial.
            device.set_lost();
        }
        bound.map_err(|result| ("vkQueueBindSparse", result))
    }

    fn submit(&mut self, serial: u64, after: u64) -> Result<(), (&'static str, vk::Result)> {
        let device = &self.device;
        let open: Vec<_> = self.open.iter_mut().filter_map(Option::take).collect();
        let mut result = Ok(());
        if self.failed.is_none() {
            for buffer in &open {
                // SAFETY: the buffer is in the recording state and outside rendering.
                let ended = unsafe { device.raw.end_command_buffer(*buffer) };
                result = result.and(ended.map_err(|result| ("vkEndCommandBuffer", result)));
            }
        }
        // A buffer that could not be recorded as a whole is not submitted; its place on the timeline is.
        let submitted = if self.failed.is_none() && result.is_ok() { open.as_slice() } else { &[] };
        let infos: Vec<_> = submitted
            .iter()
            .map(|buffer| vk::CommandBufferSubmitInfo::default().command_buffer(*buffer))
            .collect();
        let signals = [vk::SemaphoreSubmitInfo::default()
            .semaphore(device.timeline)
            .value(serial)
            .stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)];
        let wait = [vk::SemaphoreSubmitInfo::default()
            .semaphore(device.timeline)
            .value(after)
            .stage_mask(vk::PipelineStageFlags2::ALL_COMMANDS)];
        let submits = [vk::SubmitInfo2::default()
            .wait_semaphore_infos(if after == 0 { &[] } else { &wait })
            .command_buffer_infos(&infos)
            .signal_semaphore_infos(&signals)];
        let _alone = lock(&device.submitting);
        // SAFETY: whoever uses the queue holds its lock; the buffers are complete.
        let sent = unsafe { device.raw.queue_submit2(device.queue, &submits, vk::Fence::null()) };
        if sent.is_err() {
            // Nobody will ever signal the serial.
            device.set_lost();
        }
        self.in_flight.push_back((serial, open));
        result.and(sent.map_err(|result| ("vkQueueSubmit2", result)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
