//! Tiled resources: what tiles hold, what they are mapped to, and what is refused. On a GPU without a tier, that all is.

use pvgpu_host_backend::vulkan::host_info;
use pvgpu_protocol::command::*;
use pvgpu_protocol::event::error_code as code;
use pvgpu_protocol::host_info::host_feature;
use pvgpu_protocol::staging::Shape;
use pvgpu_protocol::tiling::{TILE_BYTES, Tiling};

use crate::drawing::{draw_quad, target};
use crate::harness::{Ctx, Gpu, Guest, Happened, range_2d, texture_2d};
use crate::send;

const RGBA8: u32 = 28;
const BC1: u32 = 71;
/// Texels of a tile's side in RGBA8.
const SIDE: u32 = 128;
const TILE: u32 = TILE_BYTES as u32;

/// The tier of the GPU, and whether textures of a format can be tiled.
fn tier(format: u32) -> (u32, bool) {
    let gpu = Gpu::open();
    let info = host_info(&gpu.device);
    let has = |feature| u32::from(info.features & feature != 0);
    let tier = has(host_feature::TILED_RESOURCES_1) + has(host_feature::TILED_RESOURCES_2);
    (tier, info.formats[format as usize].support2 & 0x200 != 0)
}

/// Whether the GPU has a tier; one that has can tile RGBA8.
pub fn has_tiles() -> bool {
    let (tier, tiled) = tier(RGBA8);
    assert_eq!(tier != 0, tiled, "RGBA8 and the tier");
    tier != 0
}

fn buffer_desc(id: u32, width: u32, bind_flags: u32, misc_flags: u32) -> CreateResource {
    CreateResource {
        id,
        dimension: dimension::BUFFER,
        width,
        height: 1,
        depth: 1,
        mip_levels: 1,
        array_size: 1,
        sample_count: 1,
        bind_flags,
        misc_flags,
        ..Default::default()
    }
}

fn pool(ctx: &mut Ctx, tiles: u32) -> u32 {
    let id = ctx.id();
    send!(ctx.ring, buffer_desc(id, tiles * TILE, 0, misc::TILE_POOL));
    id
}

fn tiled_buffer(ctx: &mut Ctx, bytes: u32) -> u32 {
    let id = ctx.id();
    send!(ctx.ring, buffer_desc(id, bytes, bind::SHADER_RESOURCE, misc::TILED));
    id
}

fn tiled_texture(ctx: &mut Ctx, width: u32, height: u32, mips: u32) -> u32 {
    let bound = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
    ctx.texture(RGBA8, width, height, mips, bound, misc::TILED)
}

fn run(first: u32, count: u32, kind: u32, pool_tile: u32) -> TileRun {
    TileRun { first, count, kind, pool_tile }
}

fn map(ctx: &mut Ctx, resource: u32, pool: u32, runs: &[TileRun]) {
    send!(ctx.ring, UpdateTileMappings { resource, pool, runs });
}

/// Writes tiles, each full of one byte.
fn write(ctx: &mut Ctx, resource: u32, first: u32, bytes: &[u8]) {
    let contents: Vec<u8> = bytes.iter().flat_map(|byte| vec![*byte; TILE as usize]).collect();
    let data = ctx.put(&contents);
    let spans = &[TileSpan { first, count: bytes.len() as u32 }];
    send!(ctx.ring, UpdateTiles { data, resource, reserved: 0, spans });
}

/// The words that describe a resource's tiles.
fn describe(guest: &mut Guest, ctx: &mut Ctx, resource: u32) -> [u32; 4] {
    let slot = ctx.take(TILING_SLOT_BYTES);
    send!(ctx.ring, DescribeTiling { slot, resource, reserved: 0 });
    guest.finish(ctx);
    let bytes = ctx.get(slot);
    let words: Vec<u32> =
        bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("4"))).collect();
    words.try_into().expect("four words")
}

/// Tiles of a texture.
fn tiles_of([width, height]: [u32; 2], mips: u32, slices: u32, standard: u32, packed: u32) -> Option<u32> {
    let shape = Shape { width, height, depth: 1, mip_levels: mips, array_size: slices };
    let format = pvgpu_protocol::format::info(RGBA8).expect("known");
    Tiling::new(dimension::TEXTURE2D, format, shape, standard, packed).map(|tiling| tiling.total())
}

/// A staging buffer of some tiles, filled with a byte; gives its number and place.
fn staging(ctx: &mut Ctx, tiles: u32, byte: u8) -> (u32, HeapRange) {
    let heap = ctx.put(&vec![byte; (tiles * TILE) as usize]);
    let id = ctx.id();
    let desc = buffer_desc(id, tiles * TILE, 0, 0);
    send!(ctx.ring, CreateResource { usage: usage::STAGING, heap, ..desc });
    (id, heap)
}

/// The byte that all of a place are, or what is wrong.
fn only(bytes: &[u8]) -> u8 {
    let first = bytes[0];
    let other = bytes.iter().position(|byte| *byte != first);
    assert_eq!(other, None, "{} bytes of {first}, then {:?}", bytes.len(), other.map(|at| bytes[at]));
    first
}

#[test]
fn the_tier_is_true() {
    let (tier, _) = tier(RGBA8);
    if tier == 0 {
        for misc in [misc::TILED, misc::TILE_POOL] {
            let mut guest = Guest::new();
            let mut ctx = guest.context();
            send!(ctx.ring, buffer_desc(7, TILE, 0, misc));
            let event = guest.event();
            let refused = Happened::Error { context: 1, code: code::UNSUPPORTED, opcode: 0x100, object: 7 };
            assert_eq!(event, refused);
            guest.end();
        }
    }
    assert!(tier <= 2);
}

#[test]
fn mips_are_standard_or_packed() {
    if !has_tiles() {
        return;
    }
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let texture = tiled_texture(&mut ctx, 512, 256, 10);
    let [standard, packed_mips, packed_tiles, total] = describe(&mut guest, &mut ctx, texture);
    // Whole tiles may not be packed; which of the smaller mips are is the GPU's to say.
    assert!((2..=10).contains(&standard), "{standard} standard mips");
    assert_eq!((standard + packed_mips, packed_tiles != 0), (10, standard < 10));
    assert_eq!(Some(total), tiles_of([512, 256], 10, 1, standard, packed_tiles));
    let buffer = tiled_buffer(&mut ctx, TILE + 16);
    assert_eq!(describe(&mut guest, &mut ctx, buffer), [1, 0, 0, 2]);
    guest.end();
}

#[test]
fn tiles_of_textures_hold_what_is_written() {
    if !has_tiles() {
        return;
    }
    for bouncing in [false, true] {
        let mut guest = if bouncing { Guest::bouncing() } else { Guest::new() };
        let mut ctx = guest.context();
        let texture = tiled_texture(&mut ctx, 2 * SIDE, SIDE + 8, 1);
        let pool = pool(&mut ctx, 8);
        map(&mut ctx, texture, pool, &[run(0, 4, tile_run::SEQUENTIAL, 2)]);
        write(&mut ctx, texture, 0, &[10, 11, 12, 13]);
        let place = ctx.read_back(texture, RGBA8, 2 * SIDE, SIDE + 8, 4);
        let (copy, copied) = staging(&mut ctx, 4, 99);
        let spans = &[TileSpan { first: 2, count: 2 }, TileSpan { first: 0, count: 2 }];
        let to_buffer = CopyTiles {
            buffer_offset: 0,
            resource: texture,
            buffer: copy,
            direction: tile_copy::TO_BUFFER,
            reserved: 0,
            spans,
        };
        send!(ctx.ring, to_buffer);
        guest.finish(&mut ctx);
        let row = (2 * SIDE * 4) as usize;
        for (y, bytes) in
            ctx.get(HeapRange { length: (row as u64) * u64::from(SIDE + 8), ..place }).chunks(row).enumerate()
        {
            let first = if y < SIDE as usize { 10 } else { 12 };
            assert_eq!((only(&bytes[..row / 2]), only(&bytes[row / 2..])), (first, first + 1), "row {y}");
        }
        let copied = ctx.get(copied);
        let tiles: Vec<&[u8]> = copied.chunks(TILE as usize).collect();
        // Eight rows of the lower tiles are inside.
        let inside = (SIDE * 4 * 8) as usize;
        for (tile, byte) in [(0, 12), (1, 13)] {
            assert_eq!((only(&tiles[tile][..inside]), only(&tiles[tile][inside..])), (byte, 99));
        }
        assert_eq!((only(tiles[2]), only(tiles[3])), (10, 11));
        // The other way round, in another order.
        let from = ctx.buffer(&copied, 4 * TILE, usage::DEFAULT, bind::SHADER_RESOURCE, 0, 0);
        send!(
            ctx.ring,
            CopyTiles {
                buffer_offset: u64::from(2 * TILE),
                buffer: from,
                direction: tile_copy::TO_RESOURCE,
                spans: &[TileSpan { first: 1, count: 1 }, TileSpan { first: 0, count: 1 }],
                ..to_buffer
            }
        );
        let place = ctx.read_back(texture, RGBA8, 2 * SIDE, SIDE, 4);
        guest.finish(&mut ctx);
        for bytes in ctx.get(HeapRange { length: (row as u64) * u64::from(SIDE), ..place }).chunks(row) {
            assert_eq!((only(&bytes[..row / 2]), only(&bytes[row / 2..])), (11, 10));
        }
        guest.end();
    }
}

#[test]
fn mappings_decide_what_is_seen() {
    if !has_tiles() {
        return;
    }
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let (one, other) = (tiled_buffer(&mut ctx, 3 * TILE), tiled_buffer(&mut ctx, 2 * TILE));
    let pool = pool(&mut ctx, 2);
    // A pool begins with zeros, whatever its memory was before.
    map(&mut ctx, one, pool, &[run(0, 2, tile_run::SEQUENTIAL, 0), run(2, 1, tile_run::REUSE, 0)]);
    let fresh = ctx.read_back_buffer(one, 3 * TILE);
    write(&mut ctx, one, 0, &[1, 2]);
    let first = ctx.read_back_buffer(one, 3 * TILE);
    // The same memory the other way round in another resource; later runs win.
    map(&mut ctx, other, pool, &[run(0, 2, tile_run::REUSE, 0), run(0, 1, tile_run::SEQUENTIAL, 1)]);
    let swapped = ctx.read_back_buffer(other, 2 * TILE);
    write(&mut ctx, other, 1, &[3]);
    send!(ctx.ring, TiledResourceBarrier { reserved: 0 });
    let through = ctx.read_back_buffer(one, 3 * TILE);
    // A larger pool keeps what was there.
    send!(ctx.ring, ResizeTilePool { bytes: u64::from(3 * TILE), pool, reserved: 0 });
    map(&mut ctx, one, pool, &[run(2, 1, tile_run::SEQUENTIAL, 2)]);
    write(&mut ctx, one, 2, &[4]);
    let larger = ctx.read_back_buffer(one, 3 * TILE);
    // Mappings move with no bytes being copied, as if all were read first.
    send!(
        ctx.ring,
        CopyTileMappings {
            dst: one,
            src: one,
            pairs: &[
                TilePair { dst_first: 0, src_first: 2, count: 1 },
                TilePair { dst_first: 1, src_first: 0, count: 2 },
            ]
        }
    );
    let moved = ctx.read_back_buffer(one, 3 * TILE);
    // Neither the pool's end nor a smaller size takes memory from under a mapping.
    send!(ctx.ring, ResizeTilePool { bytes: 0, pool, reserved: 0 });
    send!(ctx.ring, DestroyObject { id: pool, reserved: 0 });
    let kept = ctx.read_back_buffer(one, 3 * TILE);
    map(&mut ctx, one, NONE, &[run(0, 3, tile_run::NULL, 0)]);
    send!(ctx.ring, DestroyObject { id: one, reserved: 0 });
    let last = ctx.read_back_buffer(other, 2 * TILE);
    guest.finish(&mut ctx);
    let seen = |place| ctx.get(place).chunks(TILE as usize).map(only).collect::<Vec<_>>();
    assert_eq!(seen(fresh), [0, 0, 0]);
    assert_eq!(seen(first), [1, 2, 1]);
    assert_eq!(seen(swapped), [2, 1]);
    assert_eq!(seen(through), [3, 2, 3]);
    assert_eq!(seen(larger), [3, 2, 4]);
    assert_eq!(seen(moved), [4, 3, 2]);
    assert_eq!(seen(kept), [4, 3, 2]);
    assert_eq!(seen(last), [2, 3]);
    guest.end();
}

#[test]
fn packed_mips_and_slices_are_rendered_to() {
    if !has_tiles() {
        return;
    }
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let bound = bind::SHADER_RESOURCE | bind::RENDER_TARGET;
    let id = ctx.id();
    send!(
        ctx.ring,
        CreateResource { array_size: 2, ..texture_2d(id, RGBA8, 256, 256, 9, bound, misc::TILED) }
    );
    let [standard, _, packed, total] = describe(&mut guest, &mut ctx, id);
    assert_eq!(Some(total), tiles_of([256, 256], 9, 2, standard, packed));
    let pool = pool(&mut ctx, total);
    map(&mut ctx, id, pool, &[run(0, total, tile_run::SEQUENTIAL, 0)]);
    let mut places = Vec::new();
    for slice in 0..2 {
        for mip in 0..9 {
            let range = ViewRange { most_detailed_mip: mip, first_array_slice: slice, ..range_2d() };
            let view = ctx.view(id, view_kind::RENDER_TARGET, RGBA8, range);
            let value = (slice * 9 + mip + 1) as u8;
            let color = [f32::from(value) / 255.0; 4];
            send!(ctx.ring, ClearRenderTargetView { color, view, reserved: 0 });
            places.push((slice * 9 + mip, 256 >> mip, value));
        }
    }
    let mut found = Vec::new();
    for (subresource, size, value) in places {
        let heap = ctx.take(u64::from(size * size * 4).next_multiple_of(256));
        let copy = ctx.id();
        send!(
            ctx.ring,
            CreateResource { usage: usage::STAGING, heap, ..texture_2d(copy, RGBA8, size, size, 1, 0, 0) }
        );
        let src_box = SubresourceBox { right: size, bottom: size, back: 1, ..Default::default() };
        send!(
            ctx.ring,
            CopyRegion {
                dst: copy,
                dst_subresource: 0,
                dst_x: 0,
                dst_y: 0,
                dst_z: 0,
                src: id,
                src_subresource: subresource,
                src_box,
                reserved: 0,
            }
        );
        found.push((HeapRange { length: u64::from(size * size * 4), ..heap }, value));
    }
    guest.finish(&mut ctx);
    for (place, value) in found {
        assert_eq!(only(&ctx.get(place)), value);
    }
    guest.end();
}

#[test]
fn shaders_sample_what_is_mapped_now() {
    if !has_tiles() {
        return;
    }
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let texture = tiled_texture(&mut ctx, 2 * SIDE, 2 * SIDE, 1);
    let pool = pool(&mut ctx, 3);
    let view = ctx.view(texture, view_kind::SHADER_RESOURCE, RGBA8, range_2d());
    let (image, target) = target(&mut ctx, RGBA8, 16, 16);
    draw_quad(&mut ctx, target, 16.0);
    send!(ctx.ring, SetShaderResources { stage: stage::PIXEL, start_slot: 0, views: &[view] });
    let mut places = Vec::new();
    // Nothing that is bound changes, only what is behind it.
    for (pool_tile, byte) in [(0, 100), (2, 200)] {
        map(&mut ctx, texture, pool, &[run(0, 4, tile_run::REUSE, pool_tile)]);
        write(&mut ctx, texture, 3, &[byte]);
        send!(ctx.ring, TiledResourceBarrier { reserved: 0 });
        send!(ctx.ring, Draw { vertex_count: 6, instance_count: 1, start_vertex: 0, start_instance: 0 });
        places.push((ctx.read_back(image, RGBA8, 16, 16, 4), byte));
    }
    guest.finish(&mut ctx);
    for (place, byte) in places {
        // The quad is green, and in the upper left quarter.
        let texels = ctx.get(place);
        assert_eq!((&texels[..4], texels[4 * (16 * 4 + 4) + 1]), (&[0, byte, 0, byte][..], byte));
    }
    guest.end();
}

#[test]
fn blocks_have_tiles_too() {
    let (tier, tiled) = tier(BC1);
    if tier == 0 || !tiled {
        return;
    }
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    let texture = ctx.texture(BC1, 512, 512, 1, bind::SHADER_RESOURCE, misc::TILED);
    let pool = pool(&mut ctx, 2);
    map(&mut ctx, texture, pool, &[run(0, 2, tile_run::SEQUENTIAL, 0)]);
    write(&mut ctx, texture, 0, &[7, 8]);
    let heap = ctx.take(u64::from(2 * TILE));
    let copy = ctx.id();
    send!(
        ctx.ring,
        CreateResource { usage: usage::STAGING, heap, ..texture_2d(copy, BC1, 512, 512, 1, 0, 0) }
    );
    send!(ctx.ring, CopyResource { dst: copy, src: texture });
    guest.finish(&mut ctx);
    assert_eq!(ctx.get(heap).chunks(TILE as usize).map(only).collect::<Vec<_>>(), [7, 8]);
    guest.end();
}

/// Runs a deed in a context of its own, which has a pool of 4 tiles (2), a tiled buffer of 3 (3) and a plain one (4).
fn refused(name: &str, expected: u32, deed: impl FnOnce(&mut Ctx)) {
    let mut guest = Guest::new();
    let mut ctx = guest.context();
    assert_eq!(pool(&mut ctx, 4), 2);
    assert_eq!(tiled_buffer(&mut ctx, 3 * TILE), 3);
    assert_eq!(ctx.buffer(&[], TILE, usage::DEFAULT, bind::SHADER_RESOURCE, 0, 0), 4);
    guest.finish(&mut ctx);
    deed(&mut ctx);
    ctx.fence();
    match guest.event() {
        Happened::Error { code: found, .. } => assert_eq!(found, expected, "{name}: {}", code::name(found)),
        other => panic!("{name}: {other:?}"),
    }
    guest.end();
}

macro_rules! deeds {
    ($($code:ident $name:literal => |$ctx:ident| $deed:expr;)+) => {
        #[test]
        fn what_breaks_a_rule_is_refused() {
            if !has_tiles() {
                return;
            }
            $(refused($name, code::$code, |$ctx| { $deed; });)+
        }
    };
}

deeds! {
    BAD_ARGUMENT "a pool that is bound" => |ctx| send!(ctx.ring, buffer_desc(9, TILE, bind::SHADER_RESOURCE, misc::TILE_POOL));
    BAD_ARGUMENT "a pool of half a tile" => |ctx| send!(ctx.ring, buffer_desc(9, TILE / 2, 0, misc::TILE_POOL));
    BAD_ARGUMENT "a tiled pool" => |ctx| send!(ctx.ring, buffer_desc(9, TILE, 0, misc::TILED | misc::TILE_POOL));
    BAD_ARGUMENT "a tiled vertex buffer" => |ctx| send!(ctx.ring, buffer_desc(9, TILE, bind::VERTEX_BUFFER, misc::TILED));
    BAD_ARGUMENT "a tiled dynamic buffer" => |ctx| {
        send!(ctx.ring, CreateResource { usage: usage::DYNAMIC, ..buffer_desc(9, TILE, 0, misc::TILED) })
    };
    BAD_ARGUMENT "a tiled texture of 96 bits" => |ctx| send!(ctx.ring, texture_2d(9, 6, 64, 64, 1, 0, misc::TILED));
    BAD_ARGUMENT "a tiled multisampled texture" => |ctx| {
        let bound = bind::RENDER_TARGET;
        send!(ctx.ring, CreateResource { sample_count: 4, ..texture_2d(9, RGBA8, 64, 64, 1, bound, misc::TILED) })
    };
    BAD_ARGUMENT "a tiled frame" => |ctx| send!(ctx.ring, texture_2d(9, RGBA8, 64, 64, 1, bind::PRESENT, misc::TILED));
    BAD_OBJECT "tiles of a buffer without" => |ctx| map(ctx, 4, 2, &[run(0, 1, 0, 0)]);
    BAD_OBJECT "a resource for a pool" => |ctx| map(ctx, 3, 4, &[run(0, 1, 0, 0)]);
    BAD_OBJECT "a pool for a resource" => |ctx| map(ctx, 2, 2, &[run(0, 1, 0, 0)]);
    BAD_OBJECT "a pool that is copied" => |ctx| send!(ctx.ring, CopyResource { dst: 4, src: 2 });
    BAD_OBJECT "a pool that is written" => |ctx| send!(ctx.ring, UpdateInline { dst: 2, offset: 0, data: &[1; 8] });
    BAD_ARGUMENT "no runs" => |ctx| map(ctx, 3, 2, &[]);
    BAD_ARGUMENT "an empty run" => |ctx| map(ctx, 3, 2, &[run(0, 0, 0, 0)]);
    BAD_ARGUMENT "a run of another kind" => |ctx| map(ctx, 3, 2, &[run(0, 1, 3, 0)]);
    BAD_ARGUMENT "a run beyond the resource" => |ctx| map(ctx, 3, 2, &[run(1, 3, 0, 0)]);
    BAD_ARGUMENT "a run that wraps" => |ctx| map(ctx, 3, 2, &[run(u32::MAX, 2, 0, 0)]);
    BAD_ARGUMENT "a run beyond the pool" => |ctx| map(ctx, 3, 2, &[run(0, 2, 0, 3)]);
    BAD_ARGUMENT "a pool tile that wraps" => |ctx| map(ctx, 3, 2, &[run(0, 1, 2, u32::MAX)]);
    BAD_ARGUMENT "tiles of no pool" => |ctx| map(ctx, 3, NONE, &[run(0, 1, 0, 0)]);
    BAD_ARGUMENT "tiles that a smaller pool has lost" => |ctx| {
        send!(ctx.ring, ResizeTilePool { bytes: TILE_BYTES, pool: 2, reserved: 0 });
        map(ctx, 3, 2, &[run(0, 1, 0, 1)])
    };
    BAD_ARGUMENT "too many tiles at once" => |ctx| {
        let runs = vec![run(0, 3, tile_run::REUSE, 0); 3000];
        let pool = ctx.id();
        let large = ctx.id();
        send!(ctx.ring, buffer_desc(pool, TILE, 0, misc::TILE_POOL));
        send!(ctx.ring, buffer_desc(large, 64 * TILE, 0, misc::TILED));
        map(ctx, 3, pool, &runs);
        map(ctx, large, pool, &vec![run(0, 64, tile_run::REUSE, 0); 1025])
    };
    BAD_ARGUMENT "mappings from beyond" => |ctx| {
        send!(ctx.ring, CopyTileMappings { dst: 3, src: 3, pairs: &[TilePair { dst_first: 0, src_first: 2, count: 2 }] })
    };
    BAD_ARGUMENT "mappings to beyond" => |ctx| {
        send!(ctx.ring, CopyTileMappings { dst: 3, src: 3, pairs: &[TilePair { dst_first: 3, src_first: 0, count: 1 }] })
    };
    BAD_ARGUMENT "tiles beyond a buffer" => |ctx| {
        let spans = &[TileSpan { first: 0, count: 1 }];
        send!(ctx.ring, CopyTiles { buffer_offset: 16, resource: 3, buffer: 4, direction: 0, reserved: 0, spans })
    };
    BAD_ARGUMENT "tiles at a wrapping offset" => |ctx| {
        let spans = &[TileSpan { first: 0, count: 1 }];
        send!(ctx.ring, CopyTiles { buffer_offset: u64::MAX - 15, resource: 3, buffer: 4, direction: 0, reserved: 0, spans })
    };
    BAD_ARGUMENT "a third direction" => |ctx| {
        let spans = &[TileSpan { first: 0, count: 1 }];
        send!(ctx.ring, CopyTiles { buffer_offset: 0, resource: 3, buffer: 4, direction: 2, reserved: 0, spans })
    };
    BAD_ARGUMENT "tiles copied to tiles" => |ctx| {
        let spans = &[TileSpan { first: 0, count: 1 }];
        send!(ctx.ring, CopyTiles { buffer_offset: 0, resource: 3, buffer: 3, direction: 0, reserved: 0, spans })
    };
    BAD_HEAP_RANGE "tiles with too few bytes" => |ctx| {
        let data = ctx.take(TILE_BYTES);
        send!(ctx.ring, UpdateTiles { data, resource: 3, reserved: 0, spans: &[TileSpan { first: 0, count: 2 }] })
    };
    BAD_HEAP_RANGE "tiles of nobody's heap" => |ctx| {
        let data = HeapRange { offset: 1 << 40, length: TILE_BYTES };
        send!(ctx.ring, UpdateTiles { data, resource: 3, reserved: 0, spans: &[TileSpan { first: 0, count: 1 }] })
    };
    BAD_HEAP_RANGE "a slot of nobody's heap" => |ctx| {
        let slot = HeapRange { offset: 1 << 40, length: TILING_SLOT_BYTES };
        send!(ctx.ring, DescribeTiling { slot, resource: 3, reserved: 0 })
    };
    BAD_HEAP_RANGE "a slot that is too small" => |ctx| {
        let slot = ctx.take(8);
        send!(ctx.ring, DescribeTiling { slot, resource: 3, reserved: 0 })
    };
    BAD_OBJECT "a description of what is not tiled" => |ctx| {
        let slot = ctx.take(16);
        send!(ctx.ring, DescribeTiling { slot, resource: 4, reserved: 0 })
    };
    BAD_ARGUMENT "a pool of odd size" => |ctx| send!(ctx.ring, ResizeTilePool { bytes: 1, pool: 2, reserved: 0 });
    BAD_ARGUMENT "a pool of everything" => |ctx| send!(ctx.ring, ResizeTilePool { bytes: 1 << 63, pool: 2, reserved: 0 });
    BAD_OBJECT "another size of a resource" => |ctx| send!(ctx.ring, ResizeTilePool { bytes: 0, pool: 3, reserved: 0 });
    BAD_ARGUMENT "a tiled texture that is shared" => |ctx| {
        let texture = tiled_texture(ctx, 64, 64, 1);
        send!(ctx.ring, ShareResource { token: [1, 2], id: texture, reserved: 0 })
    };
}
