//! Packets that wait for their time: a ring of bytes in which they lie one behind the other, and the times beside it.

use std::collections::VecDeque;
use std::time::Duration;

/// Packets in the order of their coming, which is that of their leaving.
#[derive(Debug)]
pub(crate) struct Queue {
    bytes: Vec<u8>,
    /// The most bytes that a packet has.
    largest: usize,
    /// Where the next packet goes, if there is room.
    tail: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    start: usize,
    length: usize,
    leaves: Duration,
}

impl Queue {
    /// Room for `capacity` bytes of packets, of which none is larger than `largest`.
    pub fn new(capacity: usize, largest: usize) -> Self {
        // Memory that is never touched costs nothing. Room for two packets keeps one at each end of the ring.
        let size = capacity.saturating_add(2 * largest);
        Self { bytes: vec![0; size], largest, tail: 0, waiting: VecDeque::new() }
    }

    /// Where the next packet is to be written; None while there is no room for the largest.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        let head = self.waiting.front().map(|first| first.start);
        self.tail = match head {
            None => 0,
            // The free part is around the end, or between the tail and the head.
            Some(head) if self.tail > head && self.bytes.len() - self.tail < self.largest => 0,
            Some(_) => self.tail,
        };
        let end = self.tail.checked_add(self.largest)?;
        let free = match head {
            Some(head) if self.tail <= head => end <= head,
            _ => end <= self.bytes.len(),
        };
        if free { self.bytes.get_mut(self.tail..end) } else { None }
    }

    /// What was written to the start of [`room`](Self::room) is a packet that leaves at that time.
    pub fn push(&mut self, length: usize, leaves: Duration) {
        let length = length.min(self.largest);
        self.waiting.push_back(Waiting { start: self.tail, length, leaves });
        self.tail = self.tail.saturating_add(length);
    }

    /// When the first packet leaves.
    pub fn first_leaves(&self) -> Option<Duration> {
        self.waiting.front().map(|first| first.leaves)
    }

    /// The first packet.
    pub fn first(&self) -> Option<&[u8]> {
        let first = self.waiting.front()?;
        self.bytes.get(first.start..first.start.checked_add(first.length)?)
    }

    /// Takes the first packet away.
    pub fn pop(&mut self) {
        self.waiting.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes and takes packets of many lengths in many rhythms; each must come out as it went in.
    #[test]
    fn packets_come_out_as_they_went_in() {
        for capacity in [1, 50, 1000] {
            let mut queue = Queue::new(capacity, 40);
            let (mut pushed, mut popped, mut refused) = (0_u64, 0_u64, 0_u64);
            let length = |number: u64| (number * 7 % 40 + 1) as usize;
            for step in 0..20_000_u64 {
                // Now more come than leave, now fewer.
                if (step * step % 11 < 6) == (step / 97 % 2 == 0) {
                    match queue.room() {
                        Some(room) => {
                            assert_eq!(room.len(), 40);
                            room[..length(pushed)].fill(pushed as u8);
                            // What lies behind the packet is free for the next one, but not what lies before it.
                            room[length(pushed)..].fill(0xee);
                            queue.push(length(pushed), Duration::from_nanos(pushed));
                            pushed += 1;
                        }
                        None => refused += 1,
                    }
                } else if let Some(packet) = queue.first() {
                    assert_eq!(packet, vec![popped as u8; length(popped)]);
                    assert_eq!(queue.first_leaves(), Some(Duration::from_nanos(popped)));
                    queue.pop();
                    popped += 1;
                }
            }
            assert!(popped > 3_000 && refused > 0, "{popped} packets, {refused} refused");
        }
    }

    #[test]
    fn an_empty_queue_always_has_room() {
        let mut queue = Queue::new(0, 10);
        for number in 0..100 {
            queue.room().expect("room in an empty queue").fill(number);
            queue.push(10, Duration::ZERO);
            assert_eq!(queue.first(), Some([number; 10].as_slice()));
            queue.pop();
            assert_eq!(queue.first(), None);
        }
    }
}
