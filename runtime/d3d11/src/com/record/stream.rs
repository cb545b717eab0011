//! The memory of command lists: blocks of 64-bit words, and how arguments of driver calls stand in them.

use core::alloc::Layout;
use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::slice;
use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::{Mutex, PoisonError};

use pvgpu_umd_ddi::{
    D3D10_DDI_BOX, D3D10_DDI_RECT, D3D10_DDI_VIEWPORT, D3DWDDM1_3DDI_TILE_REGION_SIZE,
    D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE,
};

use super::super::driver::{STAGES, Stage, Subresource};
use super::super::guard::Locked;

/// Makes a recorded call: reads the arguments, then calls.
pub type Play = fn(&mut Locked, &mut Reader<'_>);

/// Words of an ordinary block: 64 KiB.
const CHUNK_WORDS: usize = 8192;
/// Blocks that are kept for later lists: 16 MiB.
const KEPT_CHUNKS: usize = 256;

/// A block of words that never moves.
#[derive(Debug)]
pub struct Chunk {
    base: NonNull<u64>,
    words: usize,
    used: usize,
}

impl Chunk {
    fn layout(words: usize) -> Layout {
        Layout::array::<u64>(words).unwrap_or(Layout::new::<u64>())
    }

    fn new(words: usize) -> Self {
        let words = words.max(CHUNK_WORDS);
        let layout = Self::layout(words);
        // SAFETY: the layout has at least `CHUNK_WORDS` words.
        let base = unsafe { alloc_zeroed(layout) };
        match NonNull::new(base.cast()) {
            Some(base) => Self { base, words, used: 0 },
            None => handle_alloc_error(layout),
        }
    }

    /// Words that are left.
    #[inline]
    pub fn room(&self) -> usize {
        self.words - self.used
    }

    /// Takes `words` words, or `None` when there are fewer.
    #[inline]
    pub fn take(&mut self, words: usize) -> Option<Place> {
        if self.room() < words {
            return None;
        }
        // SAFETY: the offset is within the block.
        let start = unsafe { self.base.add(self.used) };
        self.used += words;
        Some(Place { start, words })
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: the block was allocated with this layout.
        unsafe { dealloc(self.base.as_ptr().cast(), Self::layout(self.words)) };
    }
}

/// Words of a block that one call has for itself.
#[derive(Debug)]
pub struct Place {
    start: NonNull<u64>,
    words: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self { start: NonNull::dangling(), words: 0 }
    }
}

/// Blocks that no list uses. One for a device.
#[derive(Debug, Default)]
pub struct Pool {
    chunks: Mutex<Vec<Chunk>>,
}

impl Pool {
    /// An empty block of at least `words` words.
    pub fn chunk(&self, words: usize) -> Chunk {
        let kept = (words <= CHUNK_WORDS)
            .then(|| self.chunks.lock().unwrap_or_else(PoisonError::into_inner).pop())
            .flatten();
        kept.unwrap_or_else(|| Chunk::new(words))
    }

    /// Takes blocks back that nobody reads any more.
    pub fn give_back(&self, chunks: &mut Vec<Chunk>) {
        let mut kept = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        for mut chunk in chunks.drain(..) {
            if chunk.words == CHUNK_WORDS && kept.len() < KEPT_CHUNKS {
                chunk.used = 0;
                kept.push(chunk);
            }
        }
    }
}

/// Fills the place of one call.
pub struct Writer<'a> {
    place: Place,
    _recorder: PhantomData<&'a mut Chunk>,
}

impl Writer<'_> {
    /// Of a place that nobody else writes.
    #[inline]
    pub fn new(place: Place) -> Self {
        Self { place, _recorder: PhantomData }
    }

    #[inline]
    fn word(&mut self, value: u64) {
        let Some(left) = self.place.words.checked_sub(1) else { return };
        // SAFETY: there is at least one word left.
        unsafe { self.place.start.write(value) };
        // SAFETY: as above; the end of the place is an address of it too.
        self.place.start = unsafe { self.place.start.add(1) };
        self.place.words = left;
    }

    /// Writes which call it is.
    #[inline]
    pub fn call(&mut self, play: Play) {
        self.word(play as usize as u64);
    }

    /// Writes a length, and gives the place of as many bytes, for the caller to fill.
    #[inline]
    pub fn bytes(&mut self, count: usize) -> *mut u8 {
        self.word(count as u64);
        let start = self.place.start.as_ptr().cast();
        let words = count.div_ceil(size_of::<u64>());
        let Some(left) = self.place.words.checked_sub(words) else { return start };
        // SAFETY: there are as many words left.
        self.place.start = unsafe { self.place.start.add(words) };
        self.place.words = left;
        start
    }

    #[inline]
    fn list<T: Plain>(&mut self, list: &[T]) {
        let bytes = size_of_val(list);
        let fits = bytes.div_ceil(size_of::<u64>()) < self.place.words;
        self.word(list.len() as u64);
        if fits {
            // SAFETY: the place has the bytes, and nothing else overlaps it.
            unsafe {
                core::ptr::copy_nonoverlapping(
                    list.as_ptr().cast::<u8>(),
                    self.place.start.as_ptr().cast(),
                    bytes,
                );
            }
            let words = bytes.div_ceil(size_of::<u64>());
            // SAFETY: as above.
            self.place.start = unsafe { self.place.start.add(words) };
            self.place.words -= words;
        }
    }
}

/// Words of a list of `bytes` bytes and its length.
#[inline]
pub const fn words_of(bytes: usize) -> usize {
    1 + bytes.div_ceil(size_of::<u64>())
}

/// Reads a block.
pub struct Reader<'a> {
    words: &'a [u64],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From a block's start.
    pub fn new(chunk: &'a Chunk) -> Self {
        // SAFETY: the first `used` words are written, and a finished list is written no more.
        let words = unsafe { slice::from_raw_parts(chunk.base.as_ptr(), chunk.used) };
        Self { words, at: 0 }
    }

    /// The next call, `None` at the end.
    #[inline]
    pub fn call(&mut self) -> Option<Play> {
        let word = *self.words.get(self.at)?;
        self.at += 1;
        // CAST: it was a pointer.
        // SAFETY: `Recorder::begin` writes a `Play` first, and each `Play` reads what was written after it.
        Some(unsafe { core::mem::transmute::<usize, Play>(word as usize) })
    }

    #[inline]
    fn word(&mut self) -> u64 {
        let word = self.words.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        word
    }

    #[inline]
    fn list<T: Plain>(&mut self) -> &'a [T] {
        // CAST: it was a length.
        let count = self.word() as usize;
        let words = (count * size_of::<T>()).div_ceil(size_of::<u64>());
        let Some(found) = self.words.get(self.at..self.at + words) else { return &[] };
        self.at += words;
        // SAFETY: the words are `count` values of `T`, which is aligned to a word or less.
        unsafe { slice::from_raw_parts(found.as_ptr().cast(), count) }
    }
}

/// Values that are copied as bytes.
///
/// # Safety
/// Every bit pattern that was one stays one when copied, zeros are one, and the alignment is at most that of a word.
unsafe trait Plain: Copy + 'static {}

/// What an array is that no list has.
static ZEROS: [u64; 64] = [0; 64];

// SAFETY: a byte.
unsafe impl Plain for u8 {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}
// SAFETY: a number.
unsafe impl Plain for f32 {}
// SAFETY: a pointer, copied as a whole.
unsafe impl Plain for *mut c_void {}
// SAFETY: four integers.
unsafe impl Plain for D3D10_DDI_RECT {}
// SAFETY: six numbers.
unsafe impl Plain for D3D10_DDI_VIEWPORT {}
// SAFETY: six integers.
unsafe impl Plain for D3D10_DDI_BOX {}
// SAFETY: four integers.
unsafe impl Plain for D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE {}
// SAFETY: five integers without gaps.
unsafe impl Plain for D3DWDDM1_3DDI_TILE_REGION_SIZE {}

/// An argument of a driver call.
pub trait Value<'a>: Sized {
    /// Words that it takes.
    fn words(&self) -> usize;
    /// Writes it.
    fn put(self, to: &mut Writer<'_>);
    /// Reads it.
    fn get(from: &mut Reader<'a>) -> Self;
}

macro_rules! scalars {
    ($($type:ty, $value:ident => $put:expr, $word:ident => $get:expr;)*) => {
        $(
            impl Value<'_> for $type {
                #[inline]
                fn words(&self) -> usize {
                    1
                }

                #[inline]
                fn put(self, to: &mut Writer<'_>) {
                    let $value = self;
                    to.word($put);
                }

                #[inline]
                fn get(from: &mut Reader<'_>) -> Self {
                    let $word = from.word();
                    $get
                }
            }
        )*
    };
}

// CAST: each word is what the value was.
scalars! {
    u8, value => u64::from(value), word => word as u8;
    u32, value => u64::from(value), word => word as u32;
    u64, value => value, word => word;
    i32, value => u64::from(value.cast_unsigned()), word => (word as u32).cast_signed();
    f32, value => u64::from(value.to_bits()), word => f32::from_bits(word as u32);
    *mut c_void, value => value as usize as u64, word => word as usize as *mut c_void;
    Stage, value => value as u64, word => STAGES.get(word as usize).copied().unwrap_or(Stage::Vertex);
}

impl<'a> Value<'a> for Subresource {
    #[inline]
    fn words(&self) -> usize {
        2
    }

    #[inline]
    fn put(self, to: &mut Writer<'_>) {
        self.resource.put(to);
        self.index.put(to);
    }

    #[inline]
    fn get(from: &mut Reader<'a>) -> Self {
        Self { resource: Value::get(from), index: Value::get(from) }
    }
}

impl<'a> Value<'a> for [u32; 3] {
    #[inline]
    fn words(&self) -> usize {
        3
    }

    #[inline]
    fn put(self, to: &mut Writer<'_>) {
        for value in self {
            value.put(to);
        }
    }

    #[inline]
    fn get(from: &mut Reader<'a>) -> Self {
        [Value::get(from), Value::get(from), Value::get(from)]
    }
}

impl<'a, T: Plain> Value<'a> for &'a [T] {
    #[inline]
    fn words(&self) -> usize {
        words_of(size_of_val(*self))
    }

    #[inline]
    fn put(self, to: &mut Writer<'_>) {
        to.list(self);
    }

    #[inline]
    fn get(from: &mut Reader<'a>) -> Self {
        from.list()
    }
}

impl<'a, T: Plain, const N: usize> Value<'a> for &'a [T; N] {
    #[inline]
    fn words(&self) -> usize {
        words_of(size_of_val(*self))
    }

    #[inline]
    fn put(self, to: &mut Writer<'_>) {
        to.list(self.as_slice());
    }

    #[inline]
    fn get(from: &mut Reader<'a>) -> Self {
        const { assert!(size_of::<[T; N]>() <= 512) };
        let list: &'a [T] = from.list();
        // SAFETY: zeros are a value of every plain type, and there are enough of them.
        list.try_into().unwrap_or_else(|_| unsafe { &*ZEROS.as_ptr().cast::<[T; N]>() })
    }
}

impl<'a> Value<'a> for Option<&'a D3D10_DDI_BOX> {
    #[inline]
    fn words(&self) -> usize {
        self.map_or(1, |region| words_of(size_of_val(region)))
    }

    #[inline]
    fn put(self, to: &mut Writer<'_>) {
        to.list(self.map_or(&[], slice::from_ref));
    }

    #[inline]
    fn get(from: &mut Reader<'a>) -> Self {
        from.list().first()
    }
}

impl<'a> Value<'a> for Option<(&'a [u32], &'a [u32])> {
    #[inline]
    fn words(&self) -> usize {
        1 + self.map_or(0, |(first, second)| first.words() + second.words())
    }

    #[inline]
    fn put(self, to: &mut Writer<'_>) {
        u32::from(self.is_some()).put(to);
        if let Some((first, second)) = self {
            first.put(to);
            second.put(to);
        }
    }

    #[inline]
    fn get(from: &mut Reader<'a>) -> Self {
        (u32::get(from) != 0).then(|| (Value::get(from), Value::get(from)))
    }
}
