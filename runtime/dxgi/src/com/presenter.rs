//! The thread that shows a swap chain's frames: one for each swap chain.
//!
//! It waits for a frame, waits for the vertical blank that the frame is due at, copies the frame out of shared memory, which
//! frees its slot for a later present, draws it and, if frames are saved, writes its file. It never waits for the window's
//! thread: a program that does not handle messages still gets its frames.

#![expect(unsafe_code, reason = "Win32 has no safe interface")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use windows::Win32::System::Performance::QueryPerformanceCounter;

use super::semaphore::Semaphore;
use super::sink::Frame;
use super::status::{self, Change};
use crate::gdi::draw::draw;
use crate::gdi::monitor::Monitor;
use crate::gdi::window::Window;
use crate::present::compose::Picture;
use crate::present::pacing::Blanks;
use crate::present::picture;
use crate::present::queue::{Next, Queue, Ticket};
use crate::present::run::Run;
use crate::rules::rotation::Rotation;

/// TIMEOUT: how often an idle presenter looks whether counters are to be written.
const IDLE: Duration = Duration::from_millis(250);
/// TIMEOUT: how long the end of a swap chain or of the process may take because frames are still to be saved.
const SAVE_GRACE: Duration = Duration::from_secs(10);
/// TIMEOUT: a host that has no frame for so long hangs; the next present will say so.
const HANG: Duration = Duration::from_secs(10);
/// TIMEOUT: how often a wait for frames looks whether their device is still there.
const ALIVE_CHECK: Duration = Duration::from_millis(100);

/// What the swap chain, the present sink and the presenter's thread share.
pub struct Shared {
    queue: Queue<Frame>,
    window: Window,
    blanks: Blanks,
    latency: Option<Semaphore>,
    shown: Mutex<Shown>,
    /// Whether the window was minimised when it was last looked at.
    occluded: AtomicBool,
}

/// What `GetFrameStatistics` tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Presents that have been shown, or replaced by newer ones.
    pub presents: u32,
    /// The vertical blank at which the latest was shown.
    pub blank: u64,
    /// When that was, by `QueryPerformanceCounter`.
    pub time: i64,
    /// The display changed since the statistics were last read: they do not continue the ones before.
    pub disjoint: bool,
}

/// The settings of this process.
pub fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let program = std::env::current_exe().ok();
        let name = program.as_deref().and_then(|path| path.file_name());
        Run::new(|name| std::env::var_os(name), name.unwrap_or_default().to_string_lossy().into_owned())
    })
}

impl Shared {
    /// For a swap chain of `window`; `latency` is its waitable object.
    pub fn new(window: Window, latency: Option<Semaphore>) -> Self {
        let hertz = Monitor::of_window(window).map_or(60, |monitor| monitor.timing().hertz());
        Self {
            queue: Queue::new(run().saves_frames()),
            window,
            blanks: Blanks::at_rate(hertz),
            latency,
            shown: Mutex::default(),
            occluded: AtomicBool::new(false),
        }
    }

    /// What Present and the presenter meet at.
    pub fn queue(&self) -> &Queue<Frame> {
        &self.queue
    }

    /// The frame-latency waitable object, if the swap chain has one.
    pub fn latency(&self) -> Option<&Semaphore> {
        self.latency.as_ref()
    }

    /// What has been shown so far, read by the program: `DXGI_ERROR_FRAME_STATISTICS_DISJOINT` once after a disturbance.
    pub fn statistics(&self) -> Shown {
        let mut shown = self.lock_shown();
        let before = *shown;
        shown.disjoint = false;
        before
    }

    /// The display changes: the counts of blanks before and after do not belong together.
    pub fn disturb(&self) {
        self.lock_shown().disjoint = true;
    }

    /// Whether the window is minimised; tells those who wait for a change.
    pub fn is_occluded(&self) -> bool {
        let minimised = self.window.is_minimised();
        if self.occluded.swap(minimised, Ordering::Relaxed) != minimised {
            status::changed(Change::Occlusion);
        }
        minimised
    }

    fn lock_shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a frame in; called on the kernel model's thread.
    pub fn deliver(&self, frame: Frame) {
        self.give_back(self.queue.deliver(frame));
    }

    /// Drops frames that were replaced by newer ones.
    fn give_back(&self, replaced: Vec<Frame>) {
        let count = u32::try_from(replaced.len()).unwrap_or(u32::MAX);
        drop(replaced);
        self.retire(count, None);
    }

    /// Counts frames that are done with, the last of them shown at `blank`.
    fn retire(&self, frames: u32, blank: Option<u64>) {
        if frames == 0 {
            return;
        }
        {
            let mut shown = self.lock_shown();
            shown.presents = shown.presents.wrapping_add(frames);
            if let Some(blank) = blank {
                (shown.blank, shown.time) = (blank, now());
            }
        }
        run().count_shown(u64::from(frames), Instant::now());
        if let Some(latency) = &self.latency {
            latency.raise(frames);
        }
    }

    /// Waits until every present so far is shown and saved, as long as `alive` says that frames still come.
    pub fn drain(&self, alive: impl Fn() -> bool) {
        let deadline = Instant::now() + SAVE_GRACE;
        while !self.queue.wait_empty(ALIVE_CHECK) && Instant::now() < deadline && alive() {}
    }

    /// Waits until the frame of every present so far is here, as long as `alive` says that frames still come.
    pub fn wait_delivered(&self, alive: impl Fn() -> bool) {
        let deadline = Instant::now() + HANG;
        while !self.queue.wait_delivered(ALIVE_CHECK) && Instant::now() < deadline && alive() {}
    }

    /// The thread's body.
    fn present_frames(&self) {
        let (mut incoming, mut shown) = (Picture::default(), Picture::default());
        let mut last_blank = None;
        loop {
            match self.queue.next(IDLE) {
                Next::Closed => break,
                Next::Idle => {
                    self.is_occluded();
                    run().write_stats(Instant::now(), true);
                }
                Next::Frame(ticket, frame) => {
                    let blank = self.wait_for_blank(&ticket, last_blank);
                    last_blank = Some(blank);
                    let copied = frame.copy_to(&mut incoming);
                    drop(frame);
                    self.give_back(self.queue.copied());
                    match copied {
                        Ok(()) => {
                            shown.advance(&mut incoming, ticket.partial.as_ref());
                            self.show(&ticket, &shown);
                        }
                        Err(error) => eprintln!("pvgpu: a frame could not be read: {error}"),
                    }
                    self.retire(1, Some(blank));
                    run().write_stats(Instant::now(), false);
                    self.queue.done();
                }
            }
        }
        run().write_stats(Instant::now(), true);
    }

    /// Sleeps until the frame is due; returns the number of the blank at which it is shown.
    fn wait_for_blank(&self, ticket: &Ticket, last: Option<u64>) -> u64 {
        let now = Instant::now();
        if ticket.sync_interval == 0 {
            return self.blanks.count(now);
        }
        let due = self.blanks.due(now, last, ticket.sync_interval);
        self.queue.sleep_until(self.blanks.moment(due));
        due
    }

    fn show(&self, ticket: &Ticket, picture: &Picture) {
        if ticket.rotation == Rotation::Identity {
            draw(self.window, picture, ticket.source, ticket.scaling, ticket.background);
        } else {
            let upright = picture.upright(ticket.source, ticket.rotation);
            let size = (upright.width, upright.height);
            draw(self.window, &upright, size, ticket.scaling, ticket.background);
        }
        let Some(file) = ticket.shot.and_then(|number| run().shot(number)) else { return };
        let saved = picture::png(picture.width, picture.height, &picture.pixels)
            .map_err(|error| error.to_string())
            .and_then(|png| std::fs::write(&file, png).map_err(|error| error.to_string()));
        if let Err(error) = saved {
            eprintln!("pvgpu: cannot save {}: {error}", file.display());
        }
    }
}

/// The time, by `QueryPerformanceCounter`.
fn now() -> i64 {
    let mut now = 0;
    // SAFETY: `now` is valid for writing. It cannot fail since Windows XP.
    let _never = unsafe { QueryPerformanceCounter(&mut now) };
    now
}

/// A running presenter; dropping it ends the thread, after it has saved what has arrived.
pub struct Presenter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Presenter {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let body = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("pvgpu present".into()).spawn(move || body.present_frames())?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Presenter {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
