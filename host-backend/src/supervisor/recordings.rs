//! Recordings that wait for their guest, and those in progress.
//!
//! The supervisor opens a recording's file, since a worker may not, and gives it to the worker as its standard output.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use pvgpu_control::Recording;

use super::Options;
use crate::record::Limits;

/// Recordings that may wait for a guest.
const MAX_WAITING: usize = 64;
/// News of one recording: it begins, it ends.
const NEWS: usize = 4;

/// A recording that waits for its guest.
struct Armed {
    number: u64,
    guest: Option<String>,
    file: File,
    limits: Limits,
    watcher: SyncSender<Recording>,
}

/// A recording in progress.
struct Running {
    number: u64,
    guest: u64,
    watcher: SyncSender<Recording>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    armed: Vec<Armed>,
    running: Vec<Running>,
}

/// What became of a recording that its client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It had not begun; its file is empty.
    Waiting,
    /// It is in progress, of this guest.
    Running(u64),
    /// It has ended.
    Ended,
}

/// All recordings of a daemon.
#[derive(Default)]
pub struct Recordings {
    inner: Mutex<Inner>,
}

impl Recordings {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next guest, or the next with a name or process, is to be recorded. Gives the recording's number and its news; none
    /// when too many wait.
    pub fn arm(
        &self,
        guest: Option<String>,
        file: File,
        limits: Limits,
    ) -> Option<(u64, Receiver<Recording>)> {
        let (watcher, news) = sync_channel(NEWS);
        let mut inner = self.lock();
        if inner.armed.len() >= MAX_WAITING {
            return None;
        }
        inner.next += 1;
        let number = inner.next;
        inner.armed.push(Armed { number, guest, file, limits, watcher });
        Some((number, news))
    }

    /// A guest has come: the file that it is to be recorded in, if it is.
    pub fn begin(&self, options: &Options, guest: u64, name: &str, process: u64) -> Option<(File, Limits)> {
        let mut inner = self.lock();
        let fits = |armed: &Armed| {
            armed.guest.as_ref().is_none_or(|asked| asked == name || *asked == process.to_string())
        };
        if let Some(index) = inner.armed.iter().position(fits) {
            let Armed { number, file, limits, watcher, .. } = inner.armed.remove(index);
            // Its client reads; if not, it learns less.
            let _ = watcher.try_send(Recording::Began { guest: name.to_owned() });
            inner.running.push(Running { number, guest, watcher });
            return Some((file, limits));
        }
        let folder = options.record.as_deref()?;
        match new_file(folder, name) {
            Ok(file) => Some((file, options.limits)),
            Err(error) => {
                log::error!("{name} is not recorded: no file can be made in {}: {error}", folder.display());
                None
            }
        }
    }

    /// A guest's recording has ended.
    pub fn ended(&self, guest: u64, ended: Recording) {
        if let Some(running) = self.take(guest) {
            let _ = running.watcher.try_send(ended);
        }
    }

    /// A guest's worker is gone; so is its recording, if it has not ended.
    pub fn lost(&self, guest: u64) {
        // Its client sees the channel close.
        drop(self.take(guest));
    }

    fn take(&self, guest: u64) -> Option<Running> {
        let mut inner = self.lock();
        let index = inner.running.iter().position(|running| running.guest == guest)?;
        Some(inner.running.swap_remove(index))
    }

    /// The client of a recording is gone. One that waits is forgotten.
    pub fn leave(&self, number: u64) -> Left {
        let mut inner = self.lock();
        if let Some(index) = inner.armed.iter().position(|armed| armed.number == number) {
            inner.armed.remove(index);
            return Left::Waiting;
        }
        let running = inner.running.iter().find(|running| running.number == number);
        running.map_or(Left::Ended, |running| Left::Running(running.guest))
    }
}

/// A file that does not exist yet, named after the guest and the time.
fn new_file(folder: &Path, name: &str) -> std::io::Result<File> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_millis());
    File::create_new(folder.join(format!("{name}-{now}.pvrec")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulkan::DeviceOptions;

    fn options(record: Option<&Path>) -> Options {
        Options {
            trust_link: false,
            aperture_bytes: 64 << 20,
            link: "shm:test".parse().expect("a link"),
            device: DeviceOptions::default(),
            cache: None,
            ready_fd: None,
            log: "info".to_owned(),
            record: record.map(Path::to_owned),
            limits: Limits::default(),
        }
    }

    fn file() -> File {
        tempfile::tempfile().expect("a file")
    }

    #[test]
    fn the_next_guest_that_fits_is_recorded_once() {
        let recordings = Recordings::default();
        let limits = |frames| Limits { frames: Some(frames), ..Limits::default() };
        let (_, seven) = recordings.arm(Some("7".to_owned()), file(), limits(1)).expect("room");
        let (_, any) = recordings.arm(None, file(), limits(2)).expect("room");
        let begin = |guest, process| {
            let begun = recordings.begin(&options(None), guest, "a", process);
            begun.and_then(|(_, limits)| limits.frames)
        };
        assert_eq!(begin(1, 6), Some(2));
        assert_eq!(begin(2, 6), None);
        assert_eq!(begin(3, 7), Some(1));
        assert_eq!(begin(4, 7), None);
        assert_eq!(seven.try_recv(), Ok(Recording::Began { guest: "a".to_owned() }));
        let ended = Recording::Ended { guest: "a".to_owned(), records: 1, frames: 2, bytes: 3, error: None };
        assert!(any.try_recv().is_ok());
        recordings.ended(1, ended.clone());
        assert_eq!(any.try_recv(), Ok(ended));
        recordings.lost(3);
        assert!(seven.recv().is_err(), "its worker is gone");
    }

    #[test]
    fn what_its_client_leaves_is_forgotten_or_ended() {
        let recordings = Recordings::default();
        let (waiting, _news) = recordings.arm(None, file(), Limits::default()).expect("room");
        assert_eq!(recordings.leave(waiting), Left::Waiting);
        assert!(recordings.begin(&options(None), 1, "a", 1).is_none());
        let (running, _news) = recordings.arm(None, file(), Limits::default()).expect("room");
        assert!(recordings.begin(&options(None), 5, "a", 1).is_some());
        assert_eq!(recordings.leave(running), Left::Running(5));
        recordings.lost(5);
        assert_eq!(recordings.leave(running), Left::Ended);
    }

    #[test]
    fn every_guest_gets_a_file_where_a_folder_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let recordings = Recordings::default();
        for guest in 1..=2 {
            let name = format!("guest-{guest}");
            assert!(recordings.begin(&options(Some(folder.path())), guest, &name, 1).is_some());
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2);
        let nowhere = folder.path().join("none");
        assert!(recordings.begin(&options(Some(&nowhere)), 3, "guest-3", 1).is_none());
    }
}
