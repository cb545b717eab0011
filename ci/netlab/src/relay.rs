//! Carries packets between two TUN devices: a thread for each direction, which reads, waits for the packets' times, and writes.
//!
//! One thread does both because a second would have to be woken for each packet. It sleeps until shortly before the next packet
//! leaves and spends the rest of the time looking whether another comes, so that delays are exact to some microseconds. A path
//! without rate and delay needs no queue: each packet is written when it has been read.

use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::queue::Queue;
use crate::shape::{Shape, Shaper, Verdict};
use crate::tun::Tun;
use crate::{Error, Result};

/// So long before a packet leaves the thread does not sleep any more: about what the system takes to wake it.
const SPIN: Duration = Duration::from_micros(30);
/// Packets that are read in a row before it looks whether one leaves.
const BURST: usize = 16;
/// The most bytes that wait in a direction. Beyond 20 ms at 40 Gb/s, and never touched where less is needed.
const CAPACITY: usize = 192 << 20;

/// What a direction has carried.
#[derive(Debug, Default)]
struct Counters {
    packets: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
    dropped: AtomicU64,
    late_nanos: AtomicU64,
    latest_nanos: AtomicU64,
}

/// What a direction has carried until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Packets written to the far device.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets lost by chance.
    pub lost: u64,
    /// Packets for which a queue had no room, or which the far device did not take.
    pub dropped: u64,
    /// By how much packets left after their time, on average.
    pub mean_lateness: Duration,
    /// The most that one left after its time.
    pub worst_lateness: Duration,
}

/// A running relay; it ends with this value.
#[derive(Debug)]
pub(crate) struct Relay {
    stop: Arc<OwnedFd>,
    threads: Vec<JoinHandle<()>>,
    counters: [Arc<Counters>; 2],
}

impl Relay {
    /// Carries packets from the first device to the second in the first shape, and back in the second.
    pub fn start(devices: [Tun; 2], shapes: [Shape; 2]) -> Result<Self> {
        let stop = eventfd(0, EventfdFlags::CLOEXEC)
            .map_err(Error::system("the relay's threads cannot be told to end"))?;
        let stop = Arc::new(stop);
        let [first, second] = devices.map(Arc::new);
        let counters = [Arc::default(), Arc::default()];
        let mut relay = Self { stop: stop.clone(), threads: Vec::new(), counters };
        let ways = [(first.clone(), second.clone()), (second, first)];
        for (((from, to), shape), counters) in ways.into_iter().zip(shapes).zip(&relay.counters) {
            let direction = Direction { from, to, shape, stop: stop.clone(), counters: counters.clone() };
            let thread = thread::Builder::new().name("relay".to_owned()).spawn(move || {
                // The default is 50 µs; without it delays are that much longer.
                let _coarser = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
                // A real path does not wait for the programs at its ends. Of this thread only; users may not, and then it does wait.
                hurry();
                if let Err(error) = direction.run() {
                    eprintln!("the relay ends: {error}");
                }
            });
            relay.threads.push(thread.map_err(Error::io("the relay's threads cannot be started"))?);
        }
        Ok(relay)
    }

    /// What was carried from the first device to the second, and back.
    pub fn carried(&self) -> [Carried; 2] {
        self.counters.each_ref().map(|counters| {
            let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let packets = load(&counters.packets);
            Carried {
                packets,
                bytes: load(&counters.bytes),
                lost: load(&counters.lost),
                dropped: load(&counters.dropped),
                mean_lateness: Duration::from_nanos(
                    load(&counters.late_nanos).checked_div(packets).unwrap_or_default(),
                ),
                worst_lateness: Duration::from_nanos(load(&counters.latest_nanos)),
            }
        })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // A write to an eventfd fails only if the counter is full, and then it has been written to.
        let _told = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        for thread in self.threads.drain(..) {
            // A thread that died carries nothing any more, which is what is wanted.
            let _ended = thread.join();
        }
    }
}

/// One direction with what its thread needs.
struct Direction {
    from: Arc<Tun>,
    to: Arc<Tun>,
    shape: Shape,
    stop: Arc<OwnedFd>,
    counters: Arc<Counters>,
}

/// Why a wait is over.
#[derive(PartialEq, Eq)]
enum Woken {
    /// A packet has come, or time is over.
    Look,
    /// The relay is to end.
    Stop,
}

impl Direction {
    fn run(self) -> Result<()> {
        if self.shape.is_immediate() { self.forward() } else { self.schedule() }
    }

    /// Writes each packet that is read, at once.
    fn forward(self) -> Result<()> {
        let mut shaper = Shaper::new(self.shape);
        let mut packet = vec![0; self.from.largest()];
        while self.wait(None)? == Woken::Look {
            while let Some(length) = self.from.read(&mut packet)? {
                let bytes = length.saturating_sub(self.from.header());
                match shaper.admit(Duration::ZERO, bytes) {
                    Verdict::Leaves(_) => self.send(packet.get(..length).unwrap_or_default()),
                    Verdict::Lost => count(&self.counters.lost),
                    Verdict::Full => count(&self.counters.dropped),
                }
            }
        }
        Ok(())
    }

    /// Keeps packets until their time.
    fn schedule(self) -> Result<()> {
        let clock = Instant::now();
        let mut shaper = Shaper::new(self.shape);
        let mut queue = Queue::new(CAPACITY, self.from.largest());
        let mut no_room = vec![0; self.from.largest()];
        loop {
            let mut came = false;
            for _ in 0..BURST {
                self.send_due(&mut queue, clock);
                let room = queue.room();
                let is_room = room.is_some();
                let Some(length) = self.from.read(room.unwrap_or(&mut no_room))? else { break };
                came = true;
                let bytes = length.saturating_sub(self.from.header());
                match shaper.admit(clock.elapsed(), bytes) {
                    Verdict::Leaves(at) if is_room => queue.push(length, at),
                    Verdict::Lost => count(&self.counters.lost),
                    Verdict::Leaves(_) | Verdict::Full => count(&self.counters.dropped),
                }
            }
            let left = queue.first_leaves().map(|at| at.saturating_sub(clock.elapsed()));
            // Whoever wants the relay to end is heard although packets come without end.
            let wait = match left {
                _ if came => Some(Duration::ZERO),
                Some(left) if left > SPIN => Some(left - SPIN),
                Some(_) => continue,
                None => None,
            };
            if self.wait(wait)? == Woken::Stop {
                return Ok(());
            }
        }
    }

    /// Writes the packets whose time has come.
    fn send_due(&self, queue: &mut Queue, clock: Instant) {
        while let Some(at) = queue.first_leaves() {
            let Some(late) = clock.elapsed().checked_sub(at) else { return };
            let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
            self.counters.late_nanos.fetch_add(late, Ordering::Relaxed);
            self.counters.latest_nanos.fetch_max(late, Ordering::Relaxed);
            self.send(queue.first().unwrap_or_default());
            queue.pop();
        }
    }

    fn send(&self, packet: &[u8]) {
        if self.to.write(packet) {
            count(&self.counters.packets);
            let bytes = packet.len().saturating_sub(self.to.header());
            // CAST: a `usize` fits.
            self.counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        } else {
            count(&self.counters.dropped);
        }
    }

    /// Waits for a packet, the relay's end, or the end of `limit`.
    fn wait(&self, limit: Option<Duration>) -> Result<Woken> {
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        let mut events = [PollFd::new(&*self.from, PollFlags::IN), PollFd::new(&*self.stop, PollFlags::IN)];
        match poll(&mut events, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(Error::system("the relay cannot wait")(errno)),
        }
        let [_, stop] = events;
        Ok(if stop.revents().is_empty() { Woken::Look } else { Woken::Stop })
    }
}

/// Has the calling thread run before the programs at the path's ends, as a real path waits for none of them: at real-time
/// priority, which only root may give. Without it, packets are as late as the machine is busy.
fn hurry() {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let mut command = Command::new("chrt");
    command.args(["--rr", "--pid", "1", &thread]);
    // Whether it was allowed shows in how late packets are, which is counted.
    let _allowed = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
