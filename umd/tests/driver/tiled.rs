//! What the entries of tiled resources put into the ring: regions and ranges as runs of tiles.

use core::ptr::{null, null_mut};

use pvgpu_protocol::command::{CommandRef, NONE, decode, tile_copy, tile_run};
use pvgpu_protocol::tiling::TILE_BYTES;
use pvgpu_umd_ddi::*;

use crate::support::{Host, Kernel, Runtime};

type Device = Runtime<D3DWDDM1_3DDI_DEVICEFUNCS>;

const TILE: u32 = TILE_BYTES as u32;

fn device() -> (Box<Device>, Host) {
    let kernel = Kernel::new(1 << 20, 16 << 20);
    let host = Host::new(kernel);
    (Runtime::new(kernel, D3DWDDM1_3_DDI_INTERFACE_VERSION), host)
}

fn buffer(runtime: &mut Device, tiles: u32, misc: u32) -> D3D10DDI_HRESOURCE {
    let mip =
        D3D10DDI_MIPINFO { TexelWidth: tiles * TILE, TexelHeight: 1, TexelDepth: 1, ..Default::default() };
    let arg = D3D11DDIARG_CREATERESOURCE {
        pMipInfoList: &raw const mip,
        ResourceDimension: D3D10DDIRESOURCE_BUFFER,
        MiscFlags: misc,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        MipLevels: 1,
        ArraySize: 1,
        ..Default::default()
    };
    create!(runtime, D3D10DDI_HRESOURCE, pfnCalcPrivateResourceSize, pfnCreateResource, arg)
}

fn at(x: u32) -> D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE {
    D3DWDDM1_3DDI_TILED_RESOURCE_COORDINATE { X: x, ..Default::default() }
}

fn tiles(count: u32) -> D3DWDDM1_3DDI_TILE_REGION_SIZE {
    D3DWDDM1_3DDI_TILE_REGION_SIZE { NumTiles: count, ..Default::default() }
}

/// The runs of the only command in the ring, and its pool.
fn runs(host: &mut Host) -> (u32, Vec<[u32; 4]>) {
    let records = host.drain();
    let [words] = &records[..] else { panic!("{} records", records.len()) };
    let CommandRef::UpdateTileMappings(command) = decode(words).expect("a legal command") else {
        panic!("another command");
    };
    let run = |run: &pvgpu_protocol::command::ArchivedTileRun| {
        [run.first, run.count, run.kind, run.pool_tile].map(|word| word.to_native())
    };
    (command.pool.to_native(), command.runs.iter().map(run).collect())
}

#[test]
fn regions_and_ranges_become_runs() {
    let (mut runtime, mut host) = device();
    let pool = buffer(&mut runtime, 8, D3DWDDM1_3DDI_RESOURCE_MISC_TILE_POOL);
    let tiled = buffer(&mut runtime, 5, D3DWDDM1_3DDI_RESOURCE_MISC_TILED);
    host.drain();
    let none = D3D10DDI_HRESOURCE(null_mut());
    let offset = 3u32;
    // Nothing but a pool's beginning: everything in order.
    call!(
        runtime,
        pfnUpdateTileMappings,
        tiled,
        1,
        null(),
        null(),
        pool,
        1,
        null(),
        &raw const offset,
        null(),
        0
    );
    let (named, found) = runs(&mut host);
    assert_ne!(named, NONE);
    assert_eq!(found, [[0, 5, tile_run::SEQUENTIAL, 3]]);
    // Two regions, the second a single tile, and three ranges across them.
    let (starts, sizes) = ([at(0), at(4)], [tiles(2), tiles(1)]);
    let flags = [
        D3DWDDM_1_3DDI_TILE_RANGE_REUSE_SINGLE_TILE,
        D3DWDDM_1_3DDI_TILE_RANGE_SKIP,
        D3DWDDM_1_3DDI_TILE_RANGE_NULL,
    ];
    let (offsets, counts) = ([7u32, 9, 9], [1u32, 1, 1]);
    call!(
        runtime,
        pfnUpdateTileMappings,
        tiled,
        2,
        starts.as_ptr(),
        sizes.as_ptr(),
        pool,
        3,
        flags.as_ptr(),
        offsets.as_ptr(),
        counts.as_ptr(),
        0
    );
    assert_eq!(runs(&mut host).1, [[0, 1, tile_run::REUSE, 7], [4, 1, tile_run::NULL, 0]]);
    // To nothing needs no pool.
    let flag = D3DWDDM_1_3DDI_TILE_RANGE_NULL;
    call!(
        runtime,
        pfnUpdateTileMappings,
        tiled,
        1,
        null(),
        null(),
        none,
        1,
        &raw const flag,
        null(),
        null(),
        0
    );
    assert_eq!(runs(&mut host), (NONE, vec![[0, 5, tile_run::NULL, 0]]));
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}

#[test]
fn what_leaves_resource_or_pool_is_an_error_and_no_command() {
    let (mut runtime, mut host) = device();
    let pool = buffer(&mut runtime, 4, D3DWDDM1_3DDI_RESOURCE_MISC_TILE_POOL);
    let tiled = buffer(&mut runtime, 5, D3DWDDM1_3DDI_RESOURCE_MISC_TILED);
    let plain = buffer(&mut runtime, 1, 0);
    host.drain();
    let (start, one, six, offset) = (at(0), tiles(1), tiles(6), 4u32);
    let map = |runtime: &Device,
               resource,
               size: *const D3DWDDM1_3DDI_TILE_REGION_SIZE,
               offset: *const u32| {
        let start = &raw const start;
        call!(runtime, pfnUpdateTileMappings, resource, 1, start, size, pool, 1, null(), offset, null(), 0);
    };
    map(&runtime, tiled, &raw const six, null());
    map(&runtime, tiled, &raw const one, &raw const offset);
    map(&runtime, plain, &raw const one, null());
    call!(runtime, pfnResizeTilePool, pool, 5u64);
    call!(runtime, pfnResizeTilePool, plain, TILE_BYTES);
    let (from, size) = (at(4), tiles(2));
    call!(runtime, pfnCopyTileMappings, tiled, &raw const start, tiled, &raw const from, &raw const size, 0);
    call!(runtime, pfnCopyTiles, tiled, &raw const start, &raw const one, plain, 0u64, 0);
    assert_eq!(runtime.kernel.take_errors(), [E_INVALIDARG; 7]);
    assert!(host.drain().is_empty());
    // A larger pool has the tile.
    call!(runtime, pfnResizeTilePool, pool, 5 * TILE_BYTES);
    host.drain();
    map(&runtime, tiled, &raw const one, &raw const offset);
    assert_eq!(runs(&mut host).1, [[0, 1, tile_run::SEQUENTIAL, 4]]);
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}

#[test]
fn contents_of_tiles_travel() {
    let (mut runtime, mut host) = device();
    let tiled = buffer(&mut runtime, 3, D3DWDDM1_3DDI_RESOURCE_MISC_TILED);
    let plain = buffer(&mut runtime, 2, 0);
    host.drain();
    let (start, size) = (at(1), tiles(2));
    let to_buffer = D3DWDDM1_3DDI_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER;
    call!(runtime, pfnCopyTiles, tiled, &raw const start, &raw const size, plain, 16u64, to_buffer);
    let data: Vec<u8> = (0..2 * TILE).map(|n| (n / 4096) as u8).collect();
    call!(runtime, pfnUpdateTiles, tiled, &raw const start, &raw const size, data.as_ptr().cast(), 0);
    call!(
        runtime,
        pfnTiledResourceBarrier,
        D3D10DDI_HT_RESOURCE,
        null_mut(),
        D3D10DDI_HT_RESOURCE,
        null_mut()
    );
    let (mut mips, mut packed) = (9u32, 9u32);
    call!(runtime, pfnGetMipPacking, tiled, &raw mut mips, &raw mut packed);
    assert_eq!((mips, packed), (0, 0), "a buffer has no packed mips");
    let records = host.drain();
    let [copy, update, barrier] = &records[..] else { panic!("{} records", records.len()) };
    let CommandRef::CopyTiles(copy) = decode(copy).expect("legal") else { panic!("another command") };
    assert_eq!((copy.buffer_offset.to_native(), copy.direction.to_native()), (16, tile_copy::TO_BUFFER));
    let CommandRef::UpdateTiles(update) = decode(update).expect("legal") else { panic!("another command") };
    let spans: Vec<_> =
        update.spans.iter().map(|span| (span.first.to_native(), span.count.to_native())).collect();
    assert_eq!(spans, [(1, 2)]);
    let (offset, length) = (update.data.offset.to_native(), update.data.length.to_native());
    assert_eq!(runtime.kernel.read(offset, length), data);
    assert!(matches!(decode(barrier), Ok(CommandRef::TiledResourceBarrier(_))));
    assert_eq!(runtime.kernel.take_errors(), [0; 0]);
}
