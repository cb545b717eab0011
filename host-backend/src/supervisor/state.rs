//! What the supervisor knows of its guests, for the control socket.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pvgpu_control::{Gpu, Guest, Level, Source, Status, TailRecord};

/// Records that may wait for a slow watcher; more are dropped for it.
const MAX_WAITING: usize = 4096;

/// Guests and watchers.
pub struct State {
    link: String,
    gpu: Gpu,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    guests: BTreeMap<u64, Guest>,
    watchers: Vec<SyncSender<TailRecord>>,
}

impl State {
    /// No guests, no watchers.
    pub fn new(link: String, gpu: Gpu) -> Self {
        Self { link, gpu, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to `status`.
    pub fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            link: self.link.clone(),
            gpu: self.gpu.clone(),
            guests: self.lock().guests.values().cloned().collect(),
        }
    }

    /// Sets a guest's counters.
    pub fn update(&self, number: u64, guest: Guest) {
        self.lock().guests.insert(number, guest);
    }

    /// Forgets a guest.
    pub fn remove(&self, number: u64) {
        self.lock().guests.remove(&number);
    }

    /// A new watcher's records.
    pub fn watch(&self) -> Receiver<TailRecord> {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        self.lock().watchers.push(sender);
        receiver
    }

    /// Hands a record to all watchers.
    pub fn tail(&self, record: &TailRecord) {
        let mut inner = self.lock();
        inner.watchers.retain(|watcher| {
            !matches!(watcher.try_send(record.clone()), Err(TrySendError::Disconnected(_)))
        });
    }

    /// A record of the supervisor's own, for all watchers.
    pub fn note(&self, level: Level, guest: &str, code: &str, text: String) {
        self.tail(&self.record(level, guest, code, text));
    }

    /// A record of the supervisor's own.
    pub fn record(&self, level: Level, guest: &str, code: &str, text: String) -> TailRecord {
        TailRecord {
            time_ns: crate::worker::monotonic_ns(),
            source: Source::Host,
            level,
            guest: guest.to_owned(),
            area: "supervisor".to_owned(),
            code: code.to_owned(),
            process: std::process::id(),
            context: 0,
            args: Vec::new(),
            text,
        }
    }
}
