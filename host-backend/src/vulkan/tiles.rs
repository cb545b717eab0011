//! Tile pools, and what commands do with tiles.
//!
//! Binding memory is work of a queue of its own. So what was recorded is submitted first, changes of mappings gather until
//! something is recorded again, and are made between the two submissions: Direct3D's order of calls. A pool's memory is allocated
//! as tiles of it are first mapped, zeroed, and lives as long as anything is mapped to it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ash::vk;
use ash::vk::Handle;
use pvgpu_protocol::command::{HeapRange, NONE, TilePair, TileRun, TileSpan, tile_run};
use pvgpu_protocol::tiling::{TILE_BYTES, TilePlace};

use super::Context;
use super::completion::HeapCopy;
use super::context::disagree;
use super::recorder::{Access, Tracker};
use super::resource::Resource;
use super::sparse::{Bind, Binds, Chunk, TileMemory, Tiled};
use crate::fault::Fault;
use crate::ops::{CopyTiles, ResourceDesc};

/// Tiles whose memory is allocated at a time: 16 MiB.
const CHUNK_TILES: u32 = 256;

/// A pool of tiles.
pub struct TilePool {
    tiles: Cell<u32>,
    /// By their first tile, with their count.
    chunks: RefCell<BTreeMap<u32, (u32, Rc<Chunk>)>>,
}

impl TilePool {
    pub fn new(tiles: u32) -> Self {
        Self { tiles: Cell::new(tiles), chunks: RefCell::default() }
    }

    /// Gives it another size. Memory behind the new end goes when nothing is mapped to it.
    pub fn resize(&self, tiles: u32) {
        self.tiles.set(tiles);
        self.chunks.borrow_mut().split_off(&tiles);
    }

    /// The memory of a tile, if it was allocated.
    fn memory(&self, tile: u32) -> Option<TileMemory> {
        let chunks = self.chunks.borrow();
        let (first, (count, chunk)) = chunks.range(..=tile).next_back()?;
        let index = tile - first;
        (index < *count).then(|| TileMemory { chunk: chunk.clone(), tile: index })
    }

    /// The tiles around one without memory, for which memory is allocated with it.
    fn gap(&self, tile: u32) -> (u32, u32) {
        let chunks = self.chunks.borrow();
        let before = chunks.range(..=tile).next_back().map_or(0, |(first, (count, _))| first + count);
        let after = chunks.range(tile..).next().map_or(self.tiles.get(), |(first, _)| *first);
        let start = (tile / CHUNK_TILES * CHUNK_TILES).max(before);
        (start, (start.saturating_add(CHUNK_TILES)).min(after.max(tile + 1)) - start)
    }
}

/// Changes of mappings that are still to be made: the last for each tile.
#[derive(Default)]
pub struct Pending(BTreeMap<(u64, u8, u64), Bind>);

impl Pending {
    fn add(&mut self, tile: u64, bind: Bind) {
        let (raw, kind) = match bind {
            Bind::Buffer(raw, _) => (raw.as_raw(), 0),
            Bind::Opaque(raw, _) => (raw.as_raw(), 1),
            Bind::Image(raw, _) => (raw.as_raw(), 2),
        };
        self.0.insert((raw, kind, tile), bind);
    }

    /// All of them, those of one resource in a row.
    fn take(&mut self) -> Binds {
        std::mem::take(&mut self.0).into_values().collect()
    }
}

impl Context {
    /// Makes the changes of mappings that have gathered; nothing recorded may precede them.
    pub(super) fn bind_tiles(&mut self) -> Result<(), Fault> {
        let binds = self.tile_binds.take();
        if binds.is_empty() { Ok(()) } else { self.recorder.bind(binds) }
    }

    /// What a new tiled resource needs before its first use.
    pub(super) fn begin_tiled(&mut self, desc: &ResourceDesc, tiled: &Tiled) -> Result<(), Fault> {
        // Set once: the resource is new.
        let _first = desc.tiling.set(tiled.tiling);
        let Some((chunk, binds)) = tiled.own() else { return Ok(()) };
        self.recorder.early(&self.device)?.fill_buffer(chunk.buffer, 0, vk::WHOLE_SIZE, 0);
        for (index, bind) in (u64::MAX / 2..).zip(binds) {
            self.tile_binds.add(index, *bind);
        }
        Ok(())
    }

    fn tiled(&self, id: u32) -> Result<Rc<Tiled>, Fault> {
        let tiled = match self.resource(id)? {
            Resource::Buffer(buffer) => buffer.tiles.clone(),
            Resource::Texture(texture) => texture.image().tiles.clone(),
            Resource::Staging(_) => None,
        };
        tiled.ok_or_else(|| disagree(id))
    }

    /// Allocates memory for a pool's tiles that have none, with zeros in it.
    fn back(&mut self, pool: &TilePool, first: u32, count: u32) -> Result<(), Fault> {
        let mut tile = first;
        while tile < first + count {
            if let Some(memory) = pool.memory(tile) {
                drop(memory);
                tile += 1;
                continue;
            }
            let (start, count) = pool.gap(tile);
            let chunk = Chunk::new(u64::from(count) * TILE_BYTES, &self.trash)?;
            self.recorder.early(&self.device)?.fill_buffer(chunk.buffer, 0, vk::WHOLE_SIZE, 0);
            pool.chunks.borrow_mut().insert(start, (count, chunk));
            tile = start + count;
        }
        Ok(())
    }

    pub(super) fn update_tile_mappings(
        &mut self,
        resource: u32,
        pool: u32,
        runs: &[TileRun],
    ) -> Result<(), Fault> {
        let tiled = self.tiled(resource)?;
        let pool = if pool == NONE { None } else { Some(self.tile_pool(pool)?) };
        for run in runs {
            if let Some(pool) = &pool {
                match run.kind {
                    tile_run::SEQUENTIAL => self.back(pool, run.pool_tile, run.count)?,
                    tile_run::REUSE => self.back(pool, run.pool_tile, 1)?,
                    _ => {}
                }
            }
        }
        self.submit_recorded()?;
        for run in runs {
            for index in 0..run.count {
                let tile = match run.kind {
                    tile_run::SEQUENTIAL => Some(run.pool_tile + index),
                    tile_run::REUSE => Some(run.pool_tile),
                    _ => None,
                };
                let memory = tile.and_then(|tile| pool.as_ref()?.memory(tile));
                self.map_tile(&tiled, run.first + index, memory);
            }
        }
        Ok(())
    }

    fn map_tile(&mut self, tiled: &Tiled, tile: u32, memory: Option<TileMemory>) {
        if let Some(bind) = tiled.map(tile, memory) {
            self.tile_binds.add(tile.into(), bind);
        }
    }

    pub(super) fn copy_tile_mappings(&mut self, dst: u32, src: u32, pairs: &[TilePair]) -> Result<(), Fault> {
        let (to, from) = (self.tiled(dst)?, self.tiled(src)?);
        self.submit_recorded()?;
        let mut places = Vec::new();
        for pair in pairs {
            let each =
                (0..pair.count).map(|index| (pair.dst_first + index, from.memory(pair.src_first + index)));
            places.extend(each);
        }
        for (tile, memory) in places {
            self.map_tile(&to, tile, memory);
        }
        Ok(())
    }

    pub(super) fn copy_tiles(&mut self, c: &CopyTiles<'_>) -> Result<(), Fault> {
        let bytes = c.spans.iter().map(|span| u64::from(span.count) * TILE_BYTES).sum();
        match self.resource(c.buffer)? {
            Resource::Buffer(buffer) => {
                let (raw, base) = buffer.place();
                let (ours, theirs) = directions(c.to_buffer);
                let in_heap = self.heap_buffer() == Some(raw) && c.to_buffer;
                if in_heap {
                    self.order_heap()?;
                }
                let other = Some((&buffer.tracker, theirs));
                self.copy_spans(c.resource, c.spans, (raw, base + c.offset), ours, other)?;
                if in_heap { self.order_heap() } else { Ok(()) }
            }
            Resource::Staging(staging) => {
                self.settle_staging(&staging)?;
                let range = HeapRange { offset: staging.heap.offset + c.offset, length: bytes };
                let (ours, theirs) = directions(c.to_buffer);
                let other = Some((&staging.tracker, theirs));
                if !c.to_buffer {
                    let source = self.upload_source(range)?;
                    return self.copy_spans(c.resource, c.spans, source, ours, other);
                }
                if let Some(heap) = self.heap_buffer() {
                    self.order_heap()?;
                    self.copy_spans(c.resource, c.spans, (heap, range.offset), ours, other)?;
                    return self.order_heap();
                }
                let slice = self.download(bytes)?;
                self.copy_spans(c.resource, c.spans, (slice.buffer, slice.offset), ours, other)?;
                // Of a tile at an edge the GPU writes a part: what is not written must stay.
                self.copies.extend(self.written_rows(c, slice, range.offset)?);
                staging.late.set(true);
                Ok(())
            }
            Resource::Texture(_) => Err(disagree(c.buffer)),
        }
    }

    /// What of a copy of tiles goes from a slice to the heap.
    fn written_rows(
        &self,
        c: &CopyTiles<'_>,
        from: super::memory::Slice,
        offset: u64,
    ) -> Result<Vec<HeapCopy>, Fault> {
        let (tiled, resource) = (self.tiled(c.resource)?, self.resource(c.resource)?);
        let (mut copies, mut at) = (Vec::new(), 0);
        let mut add = |at: u64, length: u64| copies.push(HeapCopy { from, at, offset: offset + at, length });
        for tile in tiles(c.spans) {
            match (&resource, tiled.tiling.place(tile)) {
                (Resource::Texture(texture), Some(TilePlace::Standard { mip, x, y, .. })) => {
                    let (block, (_, extent)) = (texture.desc.format, tiled.area(mip, x, y));
                    let blocks = |texels: u32, block: u32| u64::from(texels.div_ceil(block));
                    let bytes = u64::from(block.block_bytes);
                    let pitch = blocks(tiled.tiling.tile().width, block.block_width) * bytes;
                    let length = blocks(extent.width, block.block_width) * bytes;
                    for row in 0..blocks(extent.height, block.block_height) {
                        add(at + row * pitch, length);
                    }
                }
                _ => add(at, TILE_BYTES),
            }
            at += TILE_BYTES;
        }
        Ok(copies)
    }

    pub(super) fn update_tiles(
        &mut self,
        resource: u32,
        data: HeapRange,
        spans: &[TileSpan],
    ) -> Result<(), Fault> {
        let source = self.upload_source(data)?;
        self.copy_spans(resource, spans, source, Access::Write, None)
    }

    /// Copies tiles to (`Read`) or from (`Write`) bytes in a buffer.
    fn copy_spans(
        &mut self,
        resource: u32,
        spans: &[TileSpan],
        (buffer, mut offset): (vk::Buffer, u64),
        access: Access,
        other: Option<(&Tracker, Access)>,
    ) -> Result<(), Fault> {
        let tiled = self.tiled(resource)?;
        fn uses<'t>(
            own: (&'t Tracker, Access),
            other: Option<(&'t Tracker, Access)>,
        ) -> Vec<(&'t Tracker, Access)> {
            std::iter::once(own).chain(other).collect()
        }
        match self.resource(resource)? {
            Resource::Buffer(target) => {
                let (raw, size) = (target.place().0, target.size());
                let mut regions = Vec::new();
                for tile in tiles(spans) {
                    let start = u64::from(tile) * TILE_BYTES;
                    let size = TILE_BYTES.min(size.next_multiple_of(TILE_BYTES) - start);
                    let (src_offset, dst_offset) = match access {
                        Access::Read => (start, offset),
                        Access::Write => (offset, start),
                    };
                    regions.push(vk::BufferCopy { src_offset, dst_offset, size });
                    offset += TILE_BYTES;
                }
                let cmd = self.prepare_use(&uses((&target.tracker, access), other))?;
                match access {
                    Access::Read => cmd.copy_buffer(raw, buffer, &regions),
                    Access::Write => cmd.copy_buffer(buffer, raw, &regions),
                }
            }
            Resource::Texture(texture) => {
                let (image, shape) = (texture.image(), tiled.tiling.tile());
                let mut regions = Vec::new();
                for tile in tiles(spans) {
                    let Some(TilePlace::Standard { slice, mip, x, y }) = tiled.tiling.place(tile) else {
                        return Err(disagree(resource));
                    };
                    let (image_offset, image_extent) = tiled.area(mip, x, y);
                    regions.push(vk::BufferImageCopy {
                        buffer_offset: offset,
                        buffer_row_length: shape.width,
                        buffer_image_height: shape.height,
                        image_subresource: vk::ImageSubresourceLayers {
                            aspect_mask: image.aspects(),
                            mip_level: mip,
                            base_array_layer: slice,
                            layer_count: 1,
                        },
                        image_offset,
                        image_extent,
                    });
                    offset += TILE_BYTES;
                }
                let cmd = self.prepare_use(&uses((&image.tracker, access), other))?;
                let layout = vk::ImageLayout::GENERAL;
                match access {
                    Access::Read => cmd.copy_image_to_buffer(image.raw, layout, buffer, &regions),
                    Access::Write => cmd.copy_buffer_to_image(buffer, image.raw, layout, &regions),
                }
            }
            Resource::Staging(_) => return Err(disagree(resource)),
        }
        Ok(())
    }

    /// Orders what follows behind all before, whatever memory it uses.
    pub(super) fn tiled_resource_barrier(&mut self) -> Result<(), Fault> {
        if self.recorder.is_empty() {
            return Ok(());
        }
        self.end_pass()?;
        self.recorder.barrier(&self.device)
    }
}

/// How tiles and a buffer are used by a copy between them.
fn directions(to_buffer: bool) -> (Access, Access) {
    if to_buffer { (Access::Read, Access::Write) } else { (Access::Write, Access::Read) }
}

fn tiles(spans: &[TileSpan]) -> impl Iterator<Item = u32> {
    spans.iter().flat_map(|span| span.first..span.first + span.count)
}
