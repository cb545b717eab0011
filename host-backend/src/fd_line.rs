//! Sockets between supervisor and workers on which file descriptors travel beside the lines.
//!
//! A descriptor is sent with the first byte of the line that speaks of it. So whoever has read the line has the descriptor, and
//! takes it with [`FdReader::take_fd`]; what nobody takes is closed soon.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// Descriptors that wait to be taken. A line speaks of one, and lines are read in order; a peer that sends more loses them.
const MAX_WAITING: usize = 16;
/// Descriptors that one message of an honest peer carries.
const MAX_RIGHTS: usize = 1;

/// Writes a line, and a descriptor with its first byte.
///
/// # Errors
/// What the system said.
pub fn send_with_fd(mut stream: &UnixStream, line: &[u8], fd: &impl AsFd) -> std::io::Result<()> {
    let fds = [fd.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_RIGHTS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let sent = sendmsg(stream, &[IoSlice::new(line)], &mut control, SendFlags::NOSIGNAL)?;
    stream.write_all(line.get(sent..).unwrap_or_default())
}

/// The reading end.
pub struct FdReader {
    stream: UnixStream,
    fds: Fds,
}

/// Descriptors that have come.
#[derive(Clone, Default)]
pub struct Fds(Arc<Mutex<VecDeque<OwnedFd>>>);

impl Fds {
    fn lock(&self) -> MutexGuard<'_, VecDeque<OwnedFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The descriptor of the line that was just read, if one came with it.
    pub fn take(&self) -> Option<OwnedFd> {
        self.lock().pop_front()
    }
}

impl FdReader {
    /// Reads from a socket.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, fds: Fds::default() }
    }

    /// Where descriptors can be had.
    pub fn fds(&self) -> Fds {
        self.fds.clone()
    }
}

impl Read for FdReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_RIGHTS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(into)];
        let received = recvmsg(&self.stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                let mut fds = self.fds.lock();
                // Beyond that they are closed as they are dropped.
                let room = MAX_WAITING.saturating_sub(fds.len());
                fds.extend(rights.take(room));
            }
        }
        Ok(received.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead, BufReader};

    use super::*;

    fn file(text: &str) -> OwnedFd {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file.into()
    }

    fn text(fd: OwnedFd) -> String {
        let mut file = File::from(fd);
        std::io::Seek::rewind(&mut file).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        text
    }

    #[test]
    fn a_descriptor_comes_with_its_line() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let reader = FdReader::new(theirs);
        let fds = reader.fds();
        let mut lines = BufReader::new(reader).lines();
        (&ours).write_all(b"plain\n").expect("sent");
        send_with_fd(&ours, b"first\n", &file("one")).expect("sent");
        send_with_fd(&ours, b"second\n", &file("two")).expect("sent");
        (&ours).write_all(b"plain\n").expect("sent");
        let mut next = || lines.next().expect("more").expect("text");
        assert_eq!(next(), "plain");
        for (line, contents) in [("first", "one"), ("second", "two")] {
            assert_eq!(next(), line);
            assert_eq!(text(fds.take().expect("a descriptor")), contents);
        }
        assert_eq!(next(), "plain");
        assert!(fds.take().is_none());
    }

    #[test]
    fn what_nobody_takes_does_not_pile_up() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let mut reader = FdReader::new(theirs);
        let fds = reader.fds();
        let sent = file("much");
        let mut most = 0;
        for _ in 0..200 {
            send_with_fd(&ours, b"x", &sent).expect("sent");
            reader.read_exact(&mut [0]).expect("read");
            most = most.max(fds.lock().len());
        }
        assert_eq!(most, MAX_WAITING);
    }
}
