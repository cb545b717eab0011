//! Checks of tiled resources and tile pools: every tile exists, in the resource and in the pool.

use std::rc::Rc;

use pvgpu_protocol::command::{
    self, HeapRange, NONE, TILING_SLOT_BYTES, TilePair, TileRun, TileSpan, bind, dimension, misc, tile_copy,
    tile_run, usage,
};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::{MAX_COMMAND_TILES, MAX_GUEST_BYTES, MAX_TILED_BYTES};
use pvgpu_protocol::tiling::{TILE_BYTES, TileRange, Tiling};

use super::{Decoder, Object, within};
use crate::fault::Fault;
use crate::ops::{Backend, CopyTiles, Op, ResourceDesc};

/// `D3D11_FORMAT_SUPPORT2_TILED`.
const SUPPORT2_TILED: u32 = 0x200;
/// Where tiles may begin in a buffer or the heap: at whole blocks of every format.
const TILE_DATA_ALIGN: u64 = 16;

/// Tiles of a pool of so many bytes.
fn pool_tiles(bytes: u64) -> Result<u32, Fault> {
    if !bytes.is_multiple_of(TILE_BYTES) || bytes > MAX_GUEST_BYTES {
        return Err(Fault::argument(format!("a tile pool of {bytes} bytes")));
    }
    // CAST: at most 2^18.
    Ok((bytes / TILE_BYTES) as u32)
}

/// Refuses lists that are empty or take too long.
fn check_total(counts: impl Iterator<Item = u32>) -> Result<(), Fault> {
    let total = counts.fold(0u64, |sum, count| sum.saturating_add(count.into()));
    if total == 0 || total > u64::from(MAX_COMMAND_TILES) {
        return Err(Fault::argument(format!("{total} tiles in one command")));
    }
    Ok(())
}

impl Decoder {
    /// Whether the host has tiled resources at all.
    fn check_tier(&self) -> Result<(), Fault> {
        if self.caps.tiled { Ok(()) } else { Err(Fault::unsupported("tiled resources")) }
    }

    /// Checks what makes a resource tiled; the rest is checked as for others.
    pub(super) fn check_tiled(&self, c: &command::CreateResource) -> Result<(), Fault> {
        self.check_tier()?;
        let bound =
            bind::SHADER_RESOURCE | bind::RENDER_TARGET | bind::DEPTH_STENCIL | bind::UNORDERED_ACCESS;
        let kind = match c.dimension {
            dimension::BUFFER => true,
            dimension::TEXTURE2D | dimension::TEXTURECUBE => {
                self.caps.format(c.format).support2 & SUPPORT2_TILED != 0
            }
            _ => false,
        };
        let plain = c.usage == usage::DEFAULT && c.sample_count == 1 && c.misc_flags & misc::TILE_POOL == 0;
        if !kind || !plain || c.bind_flags & !bound != 0 {
            return Err(Fault::argument(format!(
                "a tiled resource of dimension {}, format {}, usage {} with bind flags {:#x}",
                c.dimension, c.format, c.usage, c.bind_flags
            )));
        }
        Ok(())
    }

    /// Bytes that a resource may have.
    pub(super) fn byte_limit(c: &command::CreateResource) -> u64 {
        if c.misc_flags & misc::TILED != 0 { MAX_TILED_BYTES } else { MAX_GUEST_BYTES }
    }

    /// Creates a buffer that is a tile pool.
    pub(super) fn create_tile_pool(
        &mut self,
        c: &command::CreateResource,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        self.check_tier()?;
        let one = [c.height, c.depth, c.mip_levels, c.array_size, c.sample_count] == [1; 5];
        let plain = c.usage == usage::DEFAULT && c.bind_flags == 0 && c.misc_flags == misc::TILE_POOL;
        if c.dimension != dimension::BUFFER || !one || !plain || c.heap.length != 0 {
            return Err(Fault::argument("a tile pool that is something else, too"));
        }
        let tiles = pool_tiles(c.width.into())?;
        backend.execute(Op::CreateTilePool { id: c.id, tiles })?;
        self.insert(c.id, Object::TilePool { tiles })
    }

    /// The tiles of a tile pool.
    fn tile_pool(&self, id: u32) -> Result<u32, Fault> {
        match self.object(id)? {
            Object::TilePool { tiles } => Ok(*tiles),
            other => Err(Fault::object(id, format!("{} where a tile pool is due", other.kind()))),
        }
    }

    /// A tiled resource and its tiles.
    fn tiled(&self, id: u32) -> Result<(&Rc<ResourceDesc>, Tiling), Fault> {
        let desc = self.resource(id)?;
        let tiling = desc.tiling.get().copied();
        tiling.map(|tiling| (desc, tiling)).ok_or_else(|| Fault::object(id, "a resource that is not tiled"))
    }

    pub(super) fn describe_tiling(
        &mut self,
        c: &command::ArchivedDescribeTiling,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let slot = self.heap_place(c.slot)?;
        if slot.length < TILING_SLOT_BYTES || !slot.offset.is_multiple_of(8) {
            let what = format!("a slot at {:#x}+{:#x}", slot.offset, slot.length);
            return Err(Fault::new(error_code::BAD_HEAP_RANGE, what));
        }
        let (_, tiling) = self.tiled(c.resource.to_native())?;
        let slot = HeapRange { length: TILING_SLOT_BYTES, ..slot };
        let words = [tiling.standard_mips(), tiling.packed_mips(), tiling.packed_tiles(), tiling.total()];
        self.execute_in_heap(&[Some(slot)], Op::DescribeTiling { slot, words }, backend)
    }

    pub(super) fn update_tile_mappings(
        &mut self,
        c: &command::ArchivedUpdateTileMappings<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (resource, pool) = (c.resource.to_native(), c.pool.to_native());
        let (_, tiling) = self.tiled(resource)?;
        let available = if pool == NONE { 0 } else { self.tile_pool(pool)? };
        check_total(c.runs.iter().map(|run| run.count.to_native()))?;
        let mut runs = Vec::with_capacity(c.runs.len());
        for run in c.runs.iter() {
            let run = TileRun {
                first: run.first.to_native(),
                count: run.count.to_native(),
                kind: run.kind.to_native(),
                pool_tile: run.pool_tile.to_native(),
            };
            let inside = tiling.contains(TileRange { first: run.first, count: run.count });
            let end = match run.kind {
                tile_run::SEQUENTIAL => run.pool_tile.checked_add(run.count),
                tile_run::REUSE => run.pool_tile.checked_add(1),
                tile_run::NULL => Some(0),
                other => return Err(Fault::argument(format!("a tile run of kind {other}")).about(resource)),
            };
            if !inside || end.is_none_or(|end| end > available) {
                return Err(Fault::argument(format!(
                    "{run:?} of a resource with {} tiles and a pool with {available}",
                    tiling.total()
                ))
                .about(resource));
            }
            runs.push(run);
        }
        backend.execute(Op::UpdateTileMappings { resource, pool, runs: &runs })
    }

    pub(super) fn copy_tile_mappings(
        &mut self,
        c: &command::ArchivedCopyTileMappings<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (dst, src) = (c.dst.to_native(), c.src.to_native());
        let ((_, to), (_, from)) = (self.tiled(dst)?, self.tiled(src)?);
        check_total(c.pairs.iter().map(|pair| pair.count.to_native()))?;
        let mut pairs = Vec::with_capacity(c.pairs.len());
        for pair in c.pairs.iter() {
            let pair = TilePair {
                dst_first: pair.dst_first.to_native(),
                src_first: pair.src_first.to_native(),
                count: pair.count.to_native(),
            };
            let count = pair.count;
            if !to.contains(TileRange { first: pair.dst_first, count })
                || !from.contains(TileRange { first: pair.src_first, count })
            {
                let what = format!("{pair:?} of resources with {} and {} tiles", to.total(), from.total());
                return Err(Fault::argument(what).about(dst));
            }
            pairs.push(pair);
        }
        backend.execute(Op::CopyTileMappings { dst, src, pairs: &pairs })
    }

    /// Checks tiles whose contents are copied; gives them and their bytes.
    fn spans(tiling: &Tiling, spans: &[command::ArchivedTileSpan]) -> Result<(Vec<TileSpan>, u64), Fault> {
        check_total(spans.iter().map(|span| span.count.to_native()))?;
        let (mut checked, mut bytes) = (Vec::with_capacity(spans.len()), 0);
        for span in spans {
            let span = TileSpan { first: span.first.to_native(), count: span.count.to_native() };
            let range = TileRange { first: span.first, count: span.count };
            if !tiling.contains(range) || tiling.has_packed(range) {
                let what = format!("the contents of {span:?} of {} tiles", tiling.total());
                return Err(Fault::argument(what));
            }
            bytes += u64::from(span.count) * TILE_BYTES;
            checked.push(span);
        }
        Ok((checked, bytes))
    }

    pub(super) fn copy_tiles(
        &mut self,
        c: &command::ArchivedCopyTiles<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (resource, buffer) = (c.resource.to_native(), c.buffer.to_native());
        let (_, tiling) = self.tiled(resource)?;
        let (spans, bytes) = Self::spans(&tiling, &c.spans).map_err(|fault| fault.about(resource))?;
        let direction = within(c.direction.to_native(), 0..=tile_copy::TO_BUFFER, "a direction")?;
        let (desc, offset) = (self.resource(buffer)?, c.buffer_offset.to_native());
        let end = offset.checked_add(bytes);
        let fits = end.is_some_and(|end| end <= u64::from(desc.command.width));
        let written = direction == tile_copy::TO_BUFFER;
        if !desc.is_buffer()
            || !fits
            || !offset.is_multiple_of(TILE_DATA_ALIGN)
            || desc.command.misc_flags & misc::TILED != 0
            || written && matches!(desc.command.usage, usage::IMMUTABLE | usage::DYNAMIC)
        {
            let what = format!("{bytes} bytes of tiles at {offset} of a buffer of {}", desc.command.width);
            return Err(Fault::argument(what).about(buffer));
        }
        let heap = desc.heap();
        let op = CopyTiles { resource, buffer, offset, to_buffer: written, spans: &spans };
        self.execute_in_heap(&[heap], Op::CopyTiles(op), backend)
    }

    pub(super) fn update_tiles(
        &mut self,
        c: &command::ArchivedUpdateTiles<'_>,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let resource = c.resource.to_native();
        let data = self.heap_range(c.data)?;
        let (_, tiling) = self.tiled(resource)?;
        let (spans, bytes) = Self::spans(&tiling, &c.spans).map_err(|fault| fault.about(resource))?;
        if bytes > data.length || !data.offset.is_multiple_of(TILE_DATA_ALIGN) {
            let what = format!("{bytes} bytes of tiles at heap range {:#x}+{:#x}", data.offset, data.length);
            return Err(Fault::new(error_code::BAD_HEAP_RANGE, what).about(resource));
        }
        self.execute_in_heap(&[Some(data)], Op::UpdateTiles { resource, data, spans: &spans }, backend)
    }

    pub(super) fn resize_tile_pool(
        &mut self,
        c: &command::ArchivedResizeTilePool,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let pool = c.pool.to_native();
        self.tile_pool(pool)?;
        let tiles = pool_tiles(c.bytes.to_native()).map_err(|fault| fault.about(pool))?;
        backend.execute(Op::ResizeTilePool { pool, tiles })?;
        if let Some(Object::TilePool { tiles: known }) = self.objects.get_mut(pool) {
            *known = tiles;
        }
        Ok(())
    }
}
