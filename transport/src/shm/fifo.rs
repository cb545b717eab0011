//! FIFOs as doorbells, on the host's side.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

/// Makes a FIFO that only this user may open.
pub(super) fn make(path: &Path) -> io::Result<()> {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    Ok(())
}

/// Opens the reading end. Without a writer so far it reads nothing; end of file comes when the last writer goes.
pub(super) fn open_reader(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?.into())
}

/// Opens the writing end. It is opened for reading, too, so that it needs no reader to open and never breaks.
pub(super) fn open_writer(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(open(path, flags, Mode::empty())?.into())
}

/// Waits until `file` can be read or its writers are gone; false when the time is over.
pub(super) fn wait_readable(file: &File, timeout: std::time::Duration) -> io::Result<bool> {
    let timeout = timeout.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut fds = [PollFd::new(file, PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
