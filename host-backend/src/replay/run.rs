//! Takes items from a recording and has the engine execute them, waiting where the guest had waited.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{Layout, LayoutError};
use pvgpu_protocol::event::{ContextError, EventRef, decode_event};
use pvgpu_protocol::version::VersionRange;
use pvgpu_transport::Mapping;
use pvgpu_transport::shm::Wake;
use rustix::fs::{MemfdFlags, memfd_create};

use super::frames::{FrameSink, Frames, Known, Matching};
use crate::memory::{Heap, Part, SharedCells};
use crate::record::{BadFile, Item, ReadError, Reader};
use crate::vulkan::{Device, host_info};
use crate::worker::{Engine, Fed, Inbox, Parts, Port, Report, Stats, Stuck};

/// Events that may wait for their counterpart.
const MAX_EVENTS: usize = 1024;

/// Why a replay cannot begin, or stops.
#[derive(Debug)]
pub enum ReplayError {
    /// The file.
    Read(ReadError),
    /// It was made for another version of the protocol.
    Abi(u16),
    /// Its sizes are those of no aperture.
    Layout(LayoutError),
    /// Memory for the aperture.
    Memory(String),
    /// An item makes no sense where it stands.
    Order {
        /// Records before it.
        record: u64,
        /// What is wrong.
        what: String,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Abi(abi) => {
                let VersionRange { min, max } = VersionRange::OURS;
                write!(f, "its guest spoke ABI version {abi}, and this pvgpud speaks {min} to {max}")
            }
            Self::Layout(error) => write!(f, "it is corrupt: {error}"),
            Self::Memory(error) => write!(f, "there is no memory for its aperture: {error}"),
            Self::Order { record, what } => write!(f, "it cannot go on behind record {record}: {what}"),
        }
    }
}

impl std::error::Error for ReplayError {}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// In all.
    pub wall: Duration,
    /// Reading and unpacking the file.
    pub read: Duration,
    /// Waiting for the GPU where the guest had seen a fence.
    pub wait: Duration,
}

/// What a replay has shown.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records executed.
    pub records: u64,
    /// Records of contexts that were poisoned here.
    pub skipped: u64,
    /// Draws among them.
    pub draws: u64,
    /// Dispatches among them.
    pub dispatches: u64,
    /// Frames presented.
    pub frames: u64,
    /// How they compare.
    pub matching: Matching,
    /// Contexts that were poisoned, in words, as recorded.
    pub poisoned: Vec<String>,
    /// Contexts that were poisoned here or there only.
    pub odd: Vec<String>,
    /// Time.
    pub times: Times,
}

/// Nobody rings.
struct Silence;

impl Port for Silence {
    fn interrupt(&self) {}

    fn wait(&self, _: Duration) -> Wake {
        Wake::Timeout
    }
}

/// Contexts that were poisoned, and why, in words.
type Poisonings = Rc<RefCell<VecDeque<(ContextError, String)>>>;

/// The record that comes next, once all that it reads has been put into the heap.
#[derive(Default)]
struct Pending {
    due: bool,
    context: u32,
    position: u64,
    words: Vec<u64>,
}

struct Replay {
    engine: Engine,
    heap: Heap,
    pending: Pending,
    frames: Arc<Frames>,
    poisonings: Poisonings,
    outcome: Outcome,
}

/// Replays a recording on a device. `sink` gets each frame.
///
/// # Errors
/// [`ReplayError`], with what was shown until then.
pub fn replay<R: Read>(
    mut reader: Reader<R>,
    device: Arc<Device>,
    sink: Option<FrameSink>,
) -> (Outcome, Result<(), ReplayError>) {
    let began = Instant::now();
    let stats = Arc::new(Stats::default());
    let mut replay = match Replay::new(&reader, device, sink, &stats) {
        Ok(replay) => replay,
        Err(error) => return (Outcome::default(), Err(error)),
    };
    let result = replay.run(&mut reader);
    let Replay { engine, frames, poisonings, mut outcome, .. } = replay;
    // Whatever is left is finished; no frame comes after.
    drop(engine);
    (outcome.frames, outcome.matching) = frames.result();
    outcome.draws = stats.gpu.draws.load(Ordering::Relaxed);
    outcome.dispatches = stats.gpu.dispatches.load(Ordering::Relaxed);
    for (_, text) in poisonings.borrow_mut().drain(..) {
        outcome.odd.push(format!("{text}; it was not when it was recorded"));
    }
    outcome.times.wall = began.elapsed();
    (outcome, result)
}

impl Replay {
    fn new<R: Read>(
        reader: &Reader<R>,
        device: Arc<Device>,
        sink: Option<FrameSink>,
        stats: &Arc<Stats>,
    ) -> Result<Self, ReplayError> {
        let header = reader.header();
        if !(VersionRange::OURS.min..=VersionRange::OURS.max).contains(&header.abi) {
            return Err(ReplayError::Abi(header.abi));
        }
        let layout = Layout::new(header.sizes).map_err(ReplayError::Layout)?;
        let memory = |error: &dyn fmt::Display| ReplayError::Memory(error.to_string());
        // Pages that nobody writes cost nothing.
        let file = memfd_create("pvgpu-replay", MemfdFlags::CLOEXEC).map_err(|error| memory(&error))?;
        let file = File::from(file);
        file.set_len(layout.sizes.aperture).map_err(|error| memory(&error))?;
        let mapping = Mapping::of_file(&file).map_err(|error| memory(&error))?;
        let cells: SharedCells = Arc::new(mapping.whole());
        let heap = Part::new(&cells, layout.heap_offset, layout.heap_bytes()).map(Heap::new);
        let heap = heap.ok_or_else(|| memory(&"no heap"))?;
        let frames = Arc::new(Frames::default());
        let poisonings = Poisonings::default();
        let told = poisonings.clone();
        let engine = Engine::new(Parts {
            cells,
            layout,
            port: Arc::new(Silence),
            host_info: host_info(&device),
            device,
            stats: stats.clone(),
            inbox: Arc::new(Inbox::default()),
            broker: None,
            tap: None,
            frames: Some(frames.watch(sink)),
            tiles: None,
            report: Box::new(move |report| {
                if let Report::Poisoned(event, fault) = report {
                    let mut told = told.borrow_mut();
                    if told.len() < MAX_EVENTS {
                        told.push_back((event, format!("context {} is poisoned: {fault}", event.context)));
                    }
                }
            }),
        });
        let engine = engine.map_err(|error| memory(&error))?;
        Ok(Self {
            engine,
            heap,
            pending: Pending::default(),
            frames,
            poisonings,
            outcome: Outcome::default(),
        })
    }

    fn run<R: Read>(&mut self, reader: &mut Reader<R>) -> Result<(), ReplayError> {
        loop {
            let began = reader.is_between_blocks().then(Instant::now);
            let item = reader.next_item();
            if let Some(began) = began {
                self.outcome.times.read += began.elapsed();
            }
            match item {
                Ok(Some(item)) => self.item(item)?,
                Ok(None) => break,
                Err(error) => {
                    // What the worker died of may be the very last record.
                    if matches!(error, ReadError::Bad(BadFile::NoEnd)) {
                        self.execute_pending()?;
                        self.wait(|engine| engine.wait_idle())?;
                    }
                    return Err(ReplayError::Read(error));
                }
            }
        }
        self.execute_pending()?;
        self.wait(|engine| engine.wait_idle())
    }

    fn item(&mut self, item: Item<'_>) -> Result<(), ReplayError> {
        match item {
            Item::Record { context, position, words } => {
                self.execute_pending()?;
                let pending = &mut self.pending;
                (pending.due, pending.context, pending.position) = (true, context, position);
                words.copy_into(&mut pending.words);
            }
            Item::Heap { offset, bytes } => {
                let end = offset.checked_add(bytes.len() as u64);
                if !self.pending.due || end.is_none_or(|end| end > self.heap.bytes()) {
                    return Err(self.order(format!("{} bytes for the heap at {offset:#x}", bytes.len())));
                }
                self.heap.write(offset, bytes);
            }
            Item::Completed { context, value } => {
                self.execute_pending()?;
                self.wait(|engine| engine.wait_fence(context, value))?;
            }
            Item::Frame { context, sequence, width, height, hash } => {
                self.execute_pending()?;
                self.frames.recorded(Known { context, sequence, width, height, hash });
            }
            Item::Event { words } => {
                self.execute_pending()?;
                self.event(&words.to_vec())?;
            }
            Item::End { .. } => {}
        }
        Ok(())
    }

    fn execute_pending(&mut self) -> Result<(), ReplayError> {
        if !std::mem::take(&mut self.pending.due) {
            return Ok(());
        }
        let Pending { context, position, words, .. } = &self.pending;
        match self.engine.feed(*context, *position, words) {
            Ok(Fed::Executed) => self.outcome.records += 1,
            Ok(Fed::Skipped) => self.outcome.skipped += 1,
            Err(stuck) => return Err(self.order(stuck.to_string())),
        }
        Ok(())
    }

    fn wait(&mut self, wait: impl FnOnce(&mut Engine) -> Result<(), Stuck>) -> Result<(), ReplayError> {
        let began = Instant::now();
        let result = wait(&mut self.engine);
        self.outcome.times.wait += began.elapsed();
        result.map_err(|stuck| self.order(stuck.to_string()))
    }

    /// What the guest was told must be so here, too.
    fn event(&mut self, words: &[u64]) -> Result<(), ReplayError> {
        match decode_event(words) {
            Ok(EventRef::ContextDestroyed(event)) => {
                let context = event.context.to_native();
                self.wait(|engine| engine.wait_ended(context))
            }
            Ok(EventRef::ContextError(event)) => {
                let event = ContextError {
                    context: event.context.to_native(),
                    code: event.code.to_native(),
                    opcode: event.opcode.to_native(),
                    object: event.object.to_native(),
                    position: event.position.to_native(),
                };
                let mut poisonings = self.poisonings.borrow_mut();
                let here = poisonings.iter().position(|(here, _)| *here == event);
                match here.and_then(|index| poisonings.remove(index)) {
                    Some((_, text)) if self.outcome.poisoned.len() < MAX_EVENTS => {
                        self.outcome.poisoned.push(text)
                    }
                    None if self.outcome.odd.len() < MAX_EVENTS => {
                        let name = pvgpu_protocol::event::error_code::name(event.code);
                        self.outcome.odd.push(format!(
                            "context {} was poisoned at {:#x} when it was recorded ({name}); here it is not",
                            event.context, event.position
                        ));
                    }
                    _ => {}
                }
                Ok(())
            }
            Ok(EventRef::ModeRequest(_)) => Ok(()),
            Err(error) => Err(self.order(format!("an event: {error}"))),
        }
    }

    fn order(&self, what: String) -> ReplayError {
        ReplayError::Order { record: self.outcome.records + self.outcome.skipped, what }
    }
}
