//! Sockets as a mirror wants them.
//!
//! Buffers keep the sizes that the system finds for itself: Linux grows them to some MiB as a connection needs it, and a size that
//! is set turns that off and is capped by `net.core.rmem_max`, 208 KiB in most places. What waits to be sent is kept short on bulk
//! instead (`TCP_NOTSENT_LOWAT`), so that it waits in the program, where it can still be replaced.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::Options;
use crate::carrier::{Receiver, Sender};
use crate::secure::handshake::Lane;
use crate::stream::{receive, send_all};

/// Bytes of bulk that may wait in the kernel beyond those on the way.
#[cfg(target_os = "linux")]
const BULK_WAITING: u32 = 128 << 10;
/// Keepalive probes begin after so long without a byte.
const QUIET: Duration = Duration::from_secs(1);
/// A peer whose program takes no bulk for so long is gone (Linux). It is longer than the time after which an urgent
/// connection is: a program that stands still for a moment, with its window full, must not end the link.
#[cfg(target_os = "linux")]
const BULK_DEAD_AFTER: Duration = Duration::from_secs(30);
/// Linux begins to count when it sends something for the second time, after so long about.
#[cfg(target_os = "linux")]
const FIRST_TRY: Duration = Duration::from_millis(300);
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Sets what a connection needs for its lane.
pub(super) fn tune(stream: &TcpStream, lane: Lane, options: &Options) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(QUIET).with_interval(QUIET);
    #[cfg(target_os = "linux")]
    let keepalive = keepalive.with_retries(2);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    {
        if lane == Lane::Bulk {
            socket.set_tcp_notsent_lowat(BULK_WAITING)?;
        }
        let dead_after = if lane == Lane::Bulk { BULK_DEAD_AFTER } else { options.dead_after };
        let counted = dead_after.saturating_sub(FIRST_TRY).max(Duration::from_millis(1));
        socket.set_tcp_user_timeout(Some(counted))?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (lane, options);
    Ok(())
}

/// A socket that listens, to one interface only if one is named (Linux). An IPv6 address takes IPv6 only, so that `0.0.0.0` and `[::]`
/// can be had beside each other.
pub(super) fn listen(address: SocketAddr, interface: Option<&str>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // On Windows it would let another program take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // An address of 169.254.0.0/16 can be reached over other interfaces, too.
    #[cfg(target_os = "linux")]
    if let Some(interface) = interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = interface;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Half of a connection during its handshake: all of it must be over at some time.
pub(super) struct Timed<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) until: Instant,
    /// The first byte must come by then.
    pub(super) first: Option<Instant>,
}

impl Timed<'_> {
    fn left(&self, until: Instant) -> io::Result<Option<Duration>> {
        let left = until.saturating_duration_since(Instant::now());
        // Zero would be no limit at all.
        if left < Duration::from_millis(1) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Sender for Timed<'_> {
    fn send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        self.stream.set_write_timeout(self.left(self.until)?)?;
        send_all(self.stream, parts)
    }
}

impl Receiver for Timed<'_> {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let until = self.first.map_or(self.until, |first| first.min(self.until));
        self.stream.set_read_timeout(self.left(until)?)?;
        let received = receive(self.stream, into)?;
        self.first = None;
        Ok(received)
    }
}

/// Takes the times of a handshake away.
pub(super) fn untimed(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)
}
