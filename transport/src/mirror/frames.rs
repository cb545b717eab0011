//! Frames over the bulk channel: what has changed since the last one that was sent, tile by tile.
//!
//! Both ends keep, for each context, the picture that the guest has seen last: a *reference*. The host's end does not need the
//! pixels, only which tiles differ; the guest's end has them, puts what comes into them and then copies all of it to the frame's
//! place in the heap. Places are not compared with each other: what a guest's processor has done to one of them meanwhile, nobody
//! knows.
//!
//! A frame that a newer one has overtaken is not sent. Its place gets the reference as it is, so that a guest which shows it
//! shows nothing older than before.

use crate::tiles::{Choice, Encoder, Geometry, Job, Rates, Source, TileError, TileMask};

/// References at a time. An end that needs one more forgets the one that was used longest ago; both ends count alike.
const MAX_REFERENCES: usize = 8;

/// Something that is kept for a context, and how many bytes it stands for.
#[derive(Debug)]
struct Entry<T> {
    context: u16,
    geometry: Geometry,
    kept: T,
}

/// What is kept for contexts, the one used last at the end.
#[derive(Debug)]
struct References<T> {
    entries: Vec<Entry<T>>,
    /// Bytes of all pictures together.
    limit: u64,
}

impl<T> References<T> {
    fn new(limit: u64) -> Self {
        Self { entries: Vec::new(), limit }
    }

    /// What is kept for pictures of this size of a context.
    fn get(&mut self, context: u16, geometry: Geometry) -> Option<&mut T> {
        let is = |entry: &Entry<T>| (entry.context, entry.geometry) == (context, geometry);
        let found = self.entries.iter().position(is)?;
        let entry = self.entries.remove(found);
        self.entries.push(entry);
        self.entries.last_mut().map(|entry| &mut entry.kept)
    }

    /// Keeps something new; forgets what is too much, and what the context had in another size.
    fn insert(&mut self, context: u16, geometry: Geometry, kept: T) {
        self.entries.retain(|entry| entry.context != context);
        let total = |entries: &[Entry<T>]| entries.iter().map(|entry| entry.geometry.bytes()).sum::<u64>();
        while !self.entries.is_empty()
            && (self.entries.len() >= MAX_REFERENCES
                || total(&self.entries).saturating_add(geometry.bytes()) > self.limit)
        {
            self.entries.remove(0);
        }
        self.entries.push(Entry { context, geometry, kept });
    }
}

/// A frame that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameItem {
    /// Whose.
    pub context: u16,
    /// How it lies in the heap.
    pub geometry: Geometry,
    /// Where it differs from the context's frame before; none when that is not known.
    pub changed: Option<TileMask>,
    /// What it is a frame of: only a newer one of the same may take its place.
    pub surface: u32,
    /// No newer one may take its place.
    pub keep: bool,
}

/// What the sending end knows of the other's references.
#[derive(Debug)]
pub struct FrameSender {
    /// The tiles that each lacks.
    lacks: References<TileMask>,
    encoder: Encoder,
}

/// A part of a frame, to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The reference begins anew.
    pub reset: bool,
    /// Nothing more comes for the frame.
    pub last: bool,
    /// A piece of code; empty for none.
    pub code: &'a [u8],
}

impl FrameSender {
    /// Nothing was sent. The other end's heap has `heap_bytes`.
    pub fn new(heap_bytes: u64) -> Self {
        Self { lacks: References::new(heap_bytes), encoder: Encoder::default() }
    }

    /// Sends a frame in parts; none of its tiles when it is `overtaken`.
    ///
    /// # Errors
    /// What `emit` fails with, and [`TileError::Memory`] when the source is smaller than the frame.
    pub fn send<E: From<TileError>>(
        &mut self,
        item: &FrameItem,
        overtaken: bool,
        source: &impl Source,
        choice: &Choice,
        piece_bytes: usize,
        mut emit: impl FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let FrameItem { context, geometry, changed, .. } = item;
        let mut reset = false;
        if self.lacks.get(*context, *geometry).is_none() {
            self.lacks.insert(*context, *geometry, TileMask::all(geometry));
            reset = true;
        }
        let Some(lacks) = self.lacks.get(*context, *geometry) else { return Ok(()) };
        match changed {
            Some(changed) => lacks.extend(changed),
            None => *lacks = TileMask::all(geometry),
        }
        // The first frame of a reference is sent: there is nothing else to show.
        if !overtaken || reset {
            let job = Job { geometry: *geometry, send: lacks, copy: None };
            self.encoder.encode(&job, source, choice, piece_bytes, |code| {
                emit(Part { reset: std::mem::take(&mut reset), last: false, code })
            })?;
            *lacks = TileMask::none(geometry);
        }
        emit(Part { reset, last: true, code: &[] })
    }
}

/// The receiving end's references.
#[derive(Debug)]
pub struct FrameReceiver {
    pictures: References<Vec<u8>>,
    decoder: crate::tiles::Decoder,
}

impl FrameReceiver {
    /// Nothing has come. The heap has `heap_bytes`.
    pub fn new(heap_bytes: u64) -> Self {
        Self { pictures: References::new(heap_bytes), decoder: crate::tiles::Decoder::default() }
    }

    /// Takes a part of a frame; gives the whole picture with its last one.
    ///
    /// # Errors
    /// A sentence: the part is none, or nothing is known of what it changes.
    pub fn take(
        &mut self,
        context: u16,
        geometry: Geometry,
        part: Part<'_>,
    ) -> Result<Option<&[u8]>, String> {
        let Part { reset, last, code } = part;
        if geometry.bytes() > self.pictures.limit {
            return Err(format!("the peer sent a frame of {} bytes, more than its heap", geometry.bytes()));
        }
        if reset {
            let bytes = usize::try_from(geometry.bytes()).map_err(|error| error.to_string())?;
            self.pictures.insert(context, geometry, vec![0; bytes]);
        }
        let picture = self.pictures.get(context, geometry);
        let picture = picture.ok_or("the peer sent changes of a frame that it has not begun")?;
        if !code.is_empty() {
            let decoded = self.decoder.decode(&geometry, code, None, picture.as_mut_slice());
            decoded.map_err(|error| error.to_string())?;
        }
        Ok(last.then_some(&*picture))
    }
}

/// This processor's rates of coding, measured once.
pub fn rates() -> &'static Rates {
    static RATES: std::sync::OnceLock<Rates> = std::sync::OnceLock::new();
    RATES.get_or_init(Rates::measure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(width: u32, height: u32) -> Geometry {
        Geometry::new(width, height, 4, width * 4).expect("legal")
    }

    fn picture(geometry: &Geometry, seed: u8) -> Vec<u8> {
        (0..geometry.bytes()).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect()
    }

    /// Sends a frame to the other end; gives what that shows and the bytes of code.
    fn carry(
        sender: &mut FrameSender,
        receiver: &mut FrameReceiver,
        item: &FrameItem,
        overtaken: bool,
        frame: &Vec<u8>,
    ) -> (Vec<u8>, usize) {
        let choice = Choice::new(100_000_000, rates(), rates());
        let (mut shown, mut bytes) = (None, 0);
        let sent = sender.send(item, overtaken, frame, &choice, 16 << 10, |part| {
            bytes += part.code.len();
            let whole = receiver.take(item.context, item.geometry, part).expect("an honest sender");
            if let Some(whole) = whole {
                shown = Some(whole.to_vec());
            }
            Ok::<(), TileError>(())
        });
        sent.expect("the frame is there");
        (shown.expect("a last part"), bytes)
    }

    #[test]
    fn changes_add_up_until_they_are_sent() {
        let geometry = geometry(200, 130);
        let (mut sender, mut receiver) = (FrameSender::new(1 << 20), FrameReceiver::new(1 << 20));
        let mut frame = picture(&geometry, 1);
        let item = |changed| FrameItem { context: 3, geometry, changed, surface: 0, keep: false };
        let (shown, first) = carry(&mut sender, &mut receiver, &item(None), false, &frame);
        assert_eq!(shown, frame);
        let none = TileMask::none(&geometry);
        let (shown, bytes) = carry(&mut sender, &mut receiver, &item(Some(none.clone())), false, &frame);
        assert!(shown == frame && bytes < 16, "{bytes}");

        // Overtaken: the change is not seen yet, and not lost.
        let before = frame.clone();
        frame[5] ^= 0xff;
        let mut changed = none.clone();
        changed.insert(0);
        let (shown, bytes) = carry(&mut sender, &mut receiver, &item(Some(changed)), true, &frame);
        assert_eq!((shown == before, bytes), (true, 0));
        let (shown, bytes) = carry(&mut sender, &mut receiver, &item(Some(none)), false, &frame);
        assert!(shown == frame && bytes < first, "{bytes} {first}");
    }

    #[test]
    fn both_ends_forget_alike() {
        let (mut sender, mut receiver) = (FrameSender::new(1 << 20), FrameReceiver::new(1 << 20));
        let shape = geometry(64, 64);
        for round in 0..40u16 {
            let context = round * 7 % 11;
            let frame = picture(&shape, round as u8);
            let item = FrameItem { context, geometry: shape, changed: None, surface: 0, keep: false };
            assert_eq!(carry(&mut sender, &mut receiver, &item, false, &frame).0, frame, "{round}");
        }
        // Another size, and more than there may be at once.
        for (context, height) in [(1, 1000), (2, 1500), (1, 1600), (3, 300)] {
            let shape = geometry(256, height);
            let frame = picture(&shape, 9);
            let item = FrameItem {
                context,
                geometry: shape,
                changed: Some(TileMask::none(&shape)),
                surface: 0,
                keep: false,
            };
            if shape.bytes() <= 1 << 20 {
                assert_eq!(carry(&mut sender, &mut receiver, &item, true, &frame).0, frame);
            }
        }
    }

    #[test]
    fn a_receiver_refuses_what_it_knows_nothing_of() {
        let mut receiver = FrameReceiver::new(1 << 16);
        let part = Part { reset: false, last: true, code: &[] };
        assert!(receiver.take(1, geometry(8, 8), part).is_err());
        let part = Part { reset: true, last: true, code: &[] };
        assert!(receiver.take(1, geometry(256, 256), part).is_err(), "larger than the heap");
        assert_eq!(receiver.take(1, geometry(8, 8), part), Ok(Some(&[0; 256][..])));
        let part = Part { reset: false, last: false, code: &[0xff; 40] };
        assert!(receiver.take(1, geometry(8, 8), part).is_err());
    }
}
