//! A stream socket of the system as a carrier's channel.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(target_os = "linux")]
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use crate::carrier::{Channel, Close, Receiver, Sender};
#[cfg(target_os = "linux")]
use crate::mapping::{receive_span, send_span};
#[cfg(target_os = "linux")]
use crate::span::Span;

/// Bytes that are received with a span at most, behind it.
#[cfg(target_os = "linux")]
const BEHIND: usize = 4 << 10;

/// A socket that can be ended from any thread.
pub(crate) trait Socket: Send + Sync + 'static {
    /// Ends both directions.
    fn shut(&self);

    /// The kernel's name for it.
    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> BorrowedFd<'_>;
}

impl Socket for TcpStream {
    fn shut(&self) {
        // One that is closed already stays closed.
        let _ = self.shutdown(Shutdown::Both);
    }

    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

#[cfg(unix)]
impl Socket for std::os::unix::net::UnixStream {
    fn shut(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }

    #[cfg(target_os = "linux")]
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// The channel that a socket is.
pub(crate) fn channel<S: Socket>(socket: S) -> Channel
where
    for<'a> &'a S: Read + Write,
{
    let socket = Arc::new(socket);
    Channel {
        sender: Box::new(Half(socket.clone())),
        receiver: Box::new(Half(socket.clone())),
        closer: Arc::new(Half(socket)),
    }
}

/// Half of a socket.
struct Half<S>(Arc<S>);

impl<S: Socket> Sender for Half<S>
where
    for<'a> &'a S: Write,
{
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        send_all(&*self.0, parts)
    }

    #[cfg(target_os = "linux")]
    fn send_from(&mut self, head: &[u8], span: Span<'_>, _room: &mut [u8]) -> io::Result<()> {
        let (mut head, mut span) = (head, span);
        while !head.is_empty() || !span.is_empty() {
            let sent = uninterrupted(|| send_span(self.0.descriptor(), head, span))?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            span = span.split_at(sent.saturating_sub(head.len())).1;
            head = head.get(sent..).unwrap_or_default();
        }
        Ok(())
    }
}

impl<S: Socket> Receiver for Half<S>
where
    for<'a> &'a S: Read,
{
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        receive(&*self.0, into)
    }

    #[cfg(target_os = "linux")]
    fn receive_into(&mut self, span: Span<'_>, room: &mut [u8]) -> io::Result<usize> {
        // What comes behind the span begins with the next message's header; more of it would have to be copied once more.
        let more = room.len().min(BEHIND);
        let more = room.get_mut(..more).unwrap_or_default();
        uninterrupted(|| receive_span(self.0.descriptor(), span, more))
    }
}

/// Calls the system until no signal comes in between.
#[cfg(target_os = "linux")]
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl<S: Socket> Close for Half<S> {
    fn close(&self) {
        self.0.shut();
    }
}

/// Sends everything; the parts go down in one call as long as the system takes them.
pub(crate) fn send_all(mut socket: impl Write, parts: &[IoSlice<'_>]) -> io::Result<()> {
    let mut sent = loop {
        match socket.write_vectored(parts) {
            Ok(sent) => break sent,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    };
    for part in parts {
        match part.get(sent..) {
            Some([]) => sent = 0,
            Some(rest) => {
                socket.write_all(rest)?;
                sent = 0;
            }
            None => sent -= part.len(),
        }
    }
    Ok(())
}

/// Receives what is there, or waits for something.
pub(crate) fn receive(mut socket: impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
