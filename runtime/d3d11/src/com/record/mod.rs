//! Recording: what a deferred context does with the calls that the immediate context makes at once.
//!
//! ```text
//!  deferred context ── Pipeline<Recorder> ──► stream of calls, as the driver takes them ──► CommandList ──► Driver
//!                        rules, state            one word that says which, then the arguments
//! ```
//! Rules are checked and redundant bindings dropped while recording; playing a list back only reads it. Recording takes no
//! lock and touches nothing that another thread writes, but for one count of an object when a list meets it for the first
//! time, and for the pool when a list needs another block of memory.

pub mod references;
pub mod stream;

use std::sync::Arc;

use pvgpu_umd_ddi::{D3D10_DDI_BOX, D3D10DDI_MIPINFO};

use super::context::list::CommandList;
use super::driver::{Calls, Driver, StageCalls, Subresource};
use super::guard::{Graves, Locked, Own, Pipeline};
use super::object::{Com, Keep};
use super::resource::Resource;
use crate::desc::subresource::{Packed, packed};
use references::References;
use stream::{Chunk, Play, Pool, Reader, Value, Writer};

/// Where the calls of a context go: to the driver at once, or into a list.
pub trait Sink: Calls + StageCalls + Sized {
    /// How bound objects are kept alive.
    type Keeper: Keep;
    /// What else the context has.
    type Own;

    /// Updates a box of a resource from the application's memory. `size` is that of the subresource.
    ///
    /// # Safety
    /// `data` has as many bytes as the box (or the subresource) takes with these pitches.
    unsafe fn update(&mut self, to: &Com<Resource>, size: &D3D10DDI_MIPINFO, update: Update);

    /// Plays a command list, or records that it is to be played.
    fn run(pipeline: &mut Pipeline<Self>, list: &Com<CommandList>);
}

/// One `UpdateSubresource`.
#[derive(Clone, Copy)]
pub struct Update {
    /// Number of the subresource.
    pub subresource: u32,
    /// What is updated; `None` for everything.
    pub region: Option<D3D10_DDI_BOX>,
    /// The application's bytes.
    pub data: *const core::ffi::c_void,
    /// Bytes from row to row and from slice to slice.
    pub pitches: [u32; 2],
    /// `D3D11_COPY_FLAGS`.
    pub flags: u32,
}

impl Sink for Driver {
    type Keeper = Graves;
    type Own = Own;

    #[inline]
    unsafe fn update(&mut self, to: &Com<Resource>, _size: &D3D10DDI_MIPINFO, update: Update) {
        let Update { subresource: index, region, data, pitches, flags } = update;
        let constants = to.inner.is_constant_buffer();
        let to = Subresource { resource: to.handle(), index };
        // SAFETY: the caller's promise.
        unsafe { self.update_subresource(constants, to, region.as_ref(), data, pitches, flags) };
    }

    fn run(pipeline: &mut Pipeline<Self>, list: &Com<CommandList>) {
        list.inner.play(pipeline);
    }
}

/// A list in the making.
pub struct Recorder {
    pool: Arc<Pool>,
    full: Vec<Chunk>,
    chunk: Option<Chunk>,
}

impl Recorder {
    /// An empty list.
    pub fn new(pool: Arc<Pool>) -> Self {
        Self { pool, full: Vec::new(), chunk: None }
    }

    /// Room for a call and `words` words of arguments.
    #[inline]
    pub fn begin(&mut self, play: Play, words: usize) -> Writer<'_> {
        let needed = words + 1;
        if self.chunk.as_ref().is_none_or(|chunk| chunk.room() < needed) {
            self.grow(needed);
        }
        let place = self.chunk.as_mut().and_then(|chunk| chunk.take(needed));
        let mut writer = Writer::new(place.unwrap_or_default());
        writer.call(play);
        writer
    }

    #[cold]
    fn grow(&mut self, words: usize) {
        let new = self.pool.chunk(words);
        self.full.extend(self.chunk.replace(new));
    }

    /// What has been recorded; the recorder is empty after.
    pub fn finish(&mut self) -> Recording {
        let mut chunks = core::mem::take(&mut self.full);
        chunks.extend(self.chunk.take());
        Recording { chunks, pool: Arc::clone(&self.pool) }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.finish());
    }
}

/// A finished stream of calls.
pub struct Recording {
    chunks: Vec<Chunk>,
    pool: Arc<Pool>,
}

impl Recording {
    /// Makes the recorded calls.
    pub fn play(&self, locked: &mut Locked) {
        for chunk in &self.chunks {
            let mut reader = Reader::new(chunk);
            while let Some(play) = reader.call() {
                play(locked, &mut reader);
            }
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.pool.give_back(&mut self.chunks);
    }
}

/// Copies a box from memory with one pair of pitches to memory with another.
///
/// # Safety
/// Both have the bytes that their pitches say, and they do not overlap.
pub unsafe fn copy_rows(
    packed: &Packed,
    from: *const u8,
    from_pitches: [u32; 2],
    to: *mut u8,
    to_pitches: [u32; 2],
) {
    for slice in 0..packed.slices {
        for row in 0..packed.rows {
            let from = from.wrapping_add(packed.row_at(row, slice, from_pitches));
            let to = to.wrapping_add(packed.row_at(row, slice, to_pitches));
            // SAFETY: the caller's promise.
            unsafe { core::ptr::copy_nonoverlapping(from, to, packed.row_bytes as usize) };
        }
    }
}

impl Sink for Recorder {
    type Keeper = References;
    type Own = ();

    unsafe fn update(&mut self, to: &Com<Resource>, size: &D3D10DDI_MIPINFO, update: Update) {
        fn play(locked: &mut Locked, reader: &mut Reader<'_>) {
            let constants = u32::get(reader) != 0;
            let (to, flags) = (Subresource::get(reader), u32::get(reader));
            let region = Option::<&D3D10_DDI_BOX>::get(reader);
            let pitches = [u32::get(reader), u32::get(reader)];
            let data = <&[u8]>::get(reader);
            // SAFETY: the bytes were packed with these pitches.
            unsafe {
                locked.driver.update_subresource(constants, to, region, data.as_ptr().cast(), pitches, flags);
            }
        }
        let Some(packed) = packed(to.inner.format(), size, update.region.as_ref()) else { return };
        let constants = u32::from(to.inner.is_constant_buffer());
        let to = Subresource { resource: to.handle(), index: update.subresource };
        let region = update.region.as_ref();
        let pitches = [packed.row_bytes, packed.row_bytes.saturating_mul(packed.rows)];
        let bytes = packed.bytes();
        let words = 6 + region.words() + stream::words_of(bytes);
        let mut writer = self.begin(play, words);
        constants.put(&mut writer);
        to.put(&mut writer);
        update.flags.put(&mut writer);
        region.put(&mut writer);
        pitches[0].put(&mut writer);
        pitches[1].put(&mut writer);
        let place = writer.bytes(bytes);
        // Microsoft's runtime, where it emulates command lists (`DriverCommandLists` is FALSE), takes the box's offset for one
        // into the source too, and programs subtract it beforehand (documentation of UpdateSubresource, "Remarks").
        let offset = packed.offset(update.region.as_ref(), update.pitches);
        let source = update.data.cast::<u8>().wrapping_offset(offset);
        // SAFETY: the caller's promise, and the place has as many bytes.
        unsafe { copy_rows(&packed, source, update.pitches, place, pitches) };
    }

    fn run(pipeline: &mut Pipeline<Self>, list: &Com<CommandList>) {
        fn play(locked: &mut Locked, reader: &mut Reader<'_>) {
            let list = <*mut core::ffi::c_void>::get(reader);
            // SAFETY: the list that is played holds this one.
            if let Some(list) = unsafe { Com::<CommandList>::from_raw(list) } {
                list.inner.play(locked);
            }
        }
        pipeline.graves.touch(list);
        let pointer = core::ptr::from_ref(list).cast_mut().cast::<core::ffi::c_void>();
        let mut writer = pipeline.driver.begin(play, pointer.words());
        pointer.put(&mut writer);
    }
}
