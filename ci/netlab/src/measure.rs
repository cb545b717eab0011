//! What a path gives to plain TCP: how many bits a second in one stream, and how long a small message takes there and back.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Lab, Result, Side};

/// Bytes of a write.
const WRITE: usize = 1 << 20;
/// Bytes of a read.
const READ: usize = 256 << 10;
/// The share of the time at the beginning that does not count: TCP finds out how fast it may be.
const START: u32 = 3;
/// Messages that do not count, at the beginning.
const WARM_UP: usize = 20;

/// Times of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrips {
    /// How many were measured.
    pub count: usize,
    /// Half of them took no longer than this.
    pub p50: Duration,
    /// 99 of 100 took no longer than this.
    pub p99: Duration,
}

/// Bits a second that one TCP stream carries from `from` to the other side, over about `time`.
///
/// # Errors
/// If the two sides do not reach each other.
pub fn throughput(lab: &Lab, from: Side, time: Duration) -> Result<f64> {
    let (sender, receiver) = connect(lab, from)?;
    let received = both(move || send(sender, time), move || receive(receiver, time / START));
    received.map_err(Error::io("the path's throughput cannot be measured"))
}

/// How long messages of `bytes` take from `from` to the other side and back, one after the other, over about `time`.
///
/// # Errors
/// If the two sides do not reach each other.
pub fn round_trips(lab: &Lab, from: Side, bytes: usize, time: Duration) -> Result<RoundTrips> {
    let (caller, answerer) = connect(lab, from)?;
    let taken = both(move || echo(answerer, bytes), move || call(caller, bytes, time));
    taken.map(summary).map_err(Error::io("the path's round trip cannot be measured"))
}

/// Middle and 99th part of times, in any order.
fn summary(mut times: Vec<Duration>) -> RoundTrips {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len().saturating_sub(1) * percent / 100).copied();
    RoundTrips { count: times.len(), p50: at(50).unwrap_or_default(), p99: at(99).unwrap_or_default() }
}

/// A connection from `from` to the other side: both its ends.
fn connect(lab: &Lab, from: Side) -> Result<(TcpStream, TcpStream)> {
    let to = match from {
        Side::Host => Side::Guest,
        Side::Guest => Side::Host,
    };
    let failed = || Error::io("the two sides of the path cannot be connected");
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let listener = lab.inside(to, || TcpListener::bind(any))?.map_err(failed())?;
    let port = listener.local_addr().map_err(failed())?.port();
    let address = SocketAddr::from((lab.address(to), port));
    let ours = lab.inside(from, || TcpStream::connect(address))?.map_err(failed())?;
    let (theirs, _) = listener.accept().map_err(failed())?;
    for stream in [&ours, &theirs] {
        stream.set_nodelay(true).map_err(failed())?;
    }
    Ok((ours, theirs))
}

/// Runs both at once; the result is the second one's.
fn both<T: Send>(
    other: impl FnOnce() -> io::Result<()> + Send,
    measured: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let measured = measured();
        let other = other.join().unwrap_or_else(|_| Err(io::Error::other("a thread died")));
        measured.and_then(|measured| other.map(|()| measured))
    })
}

fn send(mut stream: TcpStream, time: Duration) -> io::Result<()> {
    let bytes = vec![0x5a; WRITE];
    let start = Instant::now();
    while start.elapsed() < time {
        stream.write_all(&bytes)?;
    }
    Ok(())
}

/// Bits a second from the time that `start` is over to the end.
fn receive(mut stream: TcpStream, start: Duration) -> io::Result<f64> {
    let mut bytes = vec![0; READ];
    let began = Instant::now();
    let (mut total, mut last) = (0_u64, began);
    let mut counted_from = None;
    loop {
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            break;
        }
        last = Instant::now();
        // CAST: a `usize` fits.
        total += length as u64;
        if counted_from.is_none() && last - began >= start {
            counted_from = Some((last, total));
        }
    }
    // On a machine that stands still now and then, the first read that counts may be the last.
    let (from, before) = counted_from.filter(|(from, _)| *from < last).unwrap_or((began, 0));
    let seconds = (last - from).as_secs_f64();
    // CAST: a figure of some digits.
    Ok(if seconds > 0.0 { (total - before) as f64 * 8.0 / seconds } else { 0.0 })
}

fn echo(mut stream: TcpStream, bytes: usize) -> io::Result<()> {
    let mut message = vec![0; bytes.max(1)];
    loop {
        match stream.read_exact(&mut message) {
            Ok(()) => stream.write_all(&message)?,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn call(mut stream: TcpStream, bytes: usize, time: Duration) -> io::Result<Vec<Duration>> {
    let mut message = vec![0; bytes.max(1)];
    let (began, mut times) = (Instant::now(), Vec::new());
    for number in 0_usize.. {
        let start = Instant::now();
        if number > WARM_UP && start - began >= time {
            break;
        }
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        if number >= WARM_UP {
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_99th_of_times() {
        let times: Vec<Duration> = (1..=101).rev().map(Duration::from_micros).collect();
        let expect =
            RoundTrips { count: 101, p50: Duration::from_micros(51), p99: Duration::from_micros(100) };
        assert_eq!(summary(times), expect);
        assert_eq!(summary(Vec::new()), RoundTrips::default());
    }
}
