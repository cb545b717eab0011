//! The real device: `/dev/tbstreamN` of Linux 7.2 and newer.
//!
//! It is opened without blocking. Closing the last handle sends the close frame, so nobody but the two threads of the mux may
//! hold one. Two habits of the driver matter here: after a close frame was read once, further reads say `EAGAIN`, not 0; and
//! with `busy_poll` (Linux 7.3) poll(2) says `POLLERR`, since no interrupt will wake anybody.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::device::{FrameDevice, Wait, is_frame};
use super::error::StreamError;

/// An open stream device.
#[derive(Debug)]
pub(super) struct StreamFile {
    file: File,
    /// Readable once waits to read are over for good.
    woken: OwnedFd,
}

impl StreamFile {
    /// Opens a device.
    ///
    /// # Errors
    /// [`StreamError::Open`].
    pub(super) fn open(path: &Path) -> Result<Self, StreamError> {
        let error = |source| StreamError::Open { path: path.to_owned(), source };
        let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        // CAST: the flags of open(2) are an int.
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags.bits() as i32).open(path);
        Self::new(file.map_err(error)?).map_err(error)
    }

    fn new(file: File) -> io::Result<Self> {
        Ok(Self { file, woken: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }
}

/// The driver's word for a cable that was pulled, as ours.
fn unplugged(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::NXIO | Errno::NODEV | Errno::SHUTDOWN) => StreamError::Unplugged.into(),
        _ => error,
    }
}

impl FrameDevice for StreamFile {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(into).map_err(unplugged)
    }

    fn write_frame(&self, frame: &[u8]) -> io::Result<()> {
        if !is_frame(frame) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let written = (&self.file).write(frame).map_err(unplugged)?;
        match written == frame.len() {
            true => Ok(()),
            // The driver takes a frame whole. Its rest would begin a frame that is no record.
            false => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn wait(&self, what: Wait, timeout: Duration) -> io::Result<()> {
        let timeout = timeout.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        let (flags, woken) = match what {
            Wait::Readable => (PollFlags::IN, PollFlags::IN),
            Wait::Writable => (PollFlags::OUT, PollFlags::empty()),
        };
        let mut fds = [PollFd::new(&self.file, flags), PollFd::new(&self.woken, woken)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = fds[0].revents();
        if ready.contains(PollFlags::HUP) {
            return Err(StreamError::Unplugged.into());
        }
        if ready.contains(PollFlags::ERR) {
            return Err(StreamError::BusyPoll.into());
        }
        Ok(())
    }

    fn wake(&self) {
        // It fails only when the counter is full, and then it is readable.
        let _ = rustix::io::write(&self.woken, &1_u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tbstream::run;
    use std::io::IoSlice;
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;
    use std::time::Instant;

    const SOON: Duration = Duration::from_secs(10);

    /// A pair of datagram sockets stands in for two ends of a device: one frame for each write, poll, no blocking.
    fn pair() -> (StreamFile, StreamFile) {
        let (a, b) = UnixDatagram::pair().expect("a pair of sockets");
        let open = |socket: UnixDatagram| {
            socket.set_nonblocking(true).expect("not blocking");
            StreamFile::new(File::from(OwnedFd::from(socket))).expect("an event")
        };
        (open(a), open(b))
    }

    #[test]
    fn frames_go_through_and_waits_end() {
        let (a, b) = pair();
        let mut bytes = [0; 64];
        assert_eq!(b.read(&mut bytes).expect_err("nothing yet").kind(), io::ErrorKind::WouldBlock);
        b.wait(Wait::Readable, Duration::from_millis(1)).expect("the time is over");
        a.write_frame(b"frame").expect("there is room");
        b.wait(Wait::Readable, SOON).expect("there is something");
        assert_eq!(b.read(&mut bytes).expect("a frame"), 5);
        a.wait(Wait::Writable, SOON).expect("there is room");
        assert!(a.write_frame(&[]).is_err());
        assert!(a.write_frame(&[0; 4097]).is_err());
        let start = Instant::now();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| b.wait(Wait::Readable, SOON));
            b.wake();
            waiter.join().expect("no panic").expect("woken");
        });
        b.wait(Wait::Readable, SOON).expect("woken for good");
        assert!(start.elapsed() < SOON);
    }

    /// The threads over real files, poll and all: what was sent arrives, a bye ends both ends.
    #[test]
    fn a_whole_stream_runs_over_files() {
        let (a, b) = pair();
        let (mut a, mut b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| run::connect(Arc::new(b), 2, SOON));
            let a = run::connect(Arc::new(a), 1, SOON).expect("answered");
            (a, other.join().expect("no panic").expect("answered"))
        });
        let sent: Vec<u8> = (0..3_000_000_u32).map(|place| (place % 251) as u8).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| a.bulk.sender.send(&[IoSlice::new(&sent)]).expect("sent"));
            let mut got = Vec::new();
            let mut bytes = [0; 10_000];
            while got.len() < sent.len() {
                let count = b.bulk.receiver.receive(&mut bytes).expect("the stream is whole");
                assert_ne!(count, 0, "it ended after {} bytes", got.len());
                got.extend_from_slice(&bytes[..count]);
            }
            assert!(got == sent);
        });
        b.urgent.sender.send(&[IoSlice::new(b"bye")]).expect("sent");
        drop(b);
        let mut bytes = [0; 10];
        assert_eq!(a.urgent.receiver.receive(&mut bytes).expect("sent before the end"), 3);
        assert_eq!(a.urgent.receiver.receive(&mut bytes).expect("the end"), 0);
    }

    #[test]
    fn a_hang_up_is_a_cable_that_was_pulled() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let device = StreamFile::new(File::from(OwnedFd::from(reader))).expect("an event");
        drop(writer);
        let error = device.wait(Wait::Readable, SOON).expect_err("hung up");
        assert!(error.to_string().contains("the cable was pulled"), "{error}");
        assert!(unplugged(Errno::NXIO.into()).to_string().contains("the cable was pulled"));
        assert_eq!(unplugged(Errno::IO.into()).raw_os_error(), Some(Errno::IO.raw_os_error()));
    }

    #[test]
    fn an_error_without_hang_up_is_busy_polling() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let device = StreamFile::new(File::from(OwnedFd::from(writer))).expect("an event");
        drop(reader);
        let error = device.wait(Wait::Writable, SOON).expect_err("the pipe is broken");
        assert!(error.to_string().contains("busy_poll"), "{error}");
    }

    #[test]
    fn what_cannot_be_opened_says_what_to_do() {
        let missing =
            StreamFile::open(Path::new("/dev/tbstream-none")).expect_err("no such device").to_string();
        assert!(missing.contains("thunderbolt_stream"), "{missing}");
        let folder = tempfile::tempdir().expect("a folder");
        let error = StreamFile::open(folder.path()).expect_err("a folder").to_string();
        assert!(error.contains("cannot be opened"), "{error}");
    }
}
