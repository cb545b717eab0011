//! Tiled resources: what is refused where there is no tier; where there is one, how resources are tiled, what mappings do, and which
//! calls break a rule.
#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use core::ptr;

use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::*;
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_R8G8B8A8_UNORM, DXGI_FORMAT_R32G32B32_FLOAT};
use windows::core::{Interface, Result};

use super::contents::words;
use crate::check::Report;
use crate::device::{
    buffer, buffer_desc, code, context, made, target_view, texture, texture_desc, with_format,
};

/// Bytes of a tile.
const TILE: u32 = 65536;
// CAST: flags.
const TILED: u32 = D3D11_RESOURCE_MISC_TILED.0 as u32;
// CAST: flags.
const POOL: u32 = D3D11_RESOURCE_MISC_TILE_POOL.0 as u32;
// CAST: flags.
const TO_TILES: u32 = D3D11_TILE_COPY_LINEAR_BUFFER_TO_SWIZZLED_TILED_RESOURCE.0 as u32;
// CAST: flags.
const TO_BUFFER: u32 = D3D11_TILE_COPY_SWIZZLED_TILED_RESOURCE_TO_LINEAR_BUFFER.0 as u32;
// CAST: flags.
const NULL: u32 = D3D11_TILE_RANGE_NULL.0 as u32;
// CAST: flags.
const SKIP: u32 = D3D11_TILE_RANGE_SKIP.0 as u32;
// CAST: flags.
const REUSE: u32 = D3D11_TILE_RANGE_REUSE_SINGLE_TILE.0 as u32;

/// Checks the rules of this file.
///
/// # Errors
/// What stops the checks.
pub fn check(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let mut options = D3D11_FEATURE_DATA_D3D11_OPTIONS1::default();
    // CAST: a few bytes.
    let size = size_of_val(&options) as u32;
    // SAFETY: the struct is the feature's.
    unsafe { device.CheckFeatureSupport(D3D11_FEATURE_D3D11_OPTIONS1, (&raw mut options).cast(), size) }?;
    let has_tier = options.TiledResourcesTier != D3D11_TILED_RESOURCES_NOT_SUPPORTED;
    let made = buffer(device, &misc(buffer_desc(TILE, D3D11_BIND_FLAG(0), D3D11_USAGE_DEFAULT, 0), POOL));
    report.equal("there are tile pools if there is a tier", made.is_ok(), has_tier);
    let desc = D3D11_TEXTURE2D_DESC { MiscFlags: TILED, ..texture_desc(256, 1, D3D11_BIND_SHADER_RESOURCE) };
    report.equal("and tiled textures", texture(device, &desc).is_ok(), has_tier);
    // CAST: flags.
    let tiled = D3D11_FORMAT_SUPPORT2_TILED.0 as u32;
    let mut support =
        D3D11_FEATURE_DATA_FORMAT_SUPPORT2 { InFormat: DXGI_FORMAT_R8G8B8A8_UNORM, OutFormatSupport2: 0 };
    // CAST: a few bytes.
    let size = size_of_val(&support) as u32;
    // SAFETY: the struct is the feature's.
    unsafe { device.CheckFeatureSupport(D3D11_FEATURE_FORMAT_SUPPORT2, (&raw mut support).cast(), size) }?;
    report.equal("of RGBA", support.OutFormatSupport2 & tiled != 0, has_tier);
    if !has_tier {
        report.equal("a pool is refused", code(&made), E_INVALIDARG);
        return Ok(());
    }
    creation(report, device)?;
    tilings(report, device)?;
    let mapping = Mapping::new(device)?;
    mapping.contents(report, &mapping.context.clone(), false)?;
    let mut deferred = None;
    // SAFETY: the out-pointer is a local's.
    unsafe { device.CreateDeferredContext(0, Some(&mut deferred)) }?;
    mapping.contents(report, &crate::device::made(deferred)?.cast()?, true)?;
    mapping.rules(report);
    textures(report, device)?;
    // SAFETY: the device is alive.
    report.holds("the device is not removed", unsafe { device.GetDeviceRemovedReason() }.is_ok());
    Ok(())
}

fn misc(desc: D3D11_BUFFER_DESC, flags: u32) -> D3D11_BUFFER_DESC {
    D3D11_BUFFER_DESC { MiscFlags: flags, ..desc }
}

fn pool(device: &ID3D11Device, tiles: u32) -> Result<ID3D11Buffer> {
    buffer(device, &misc(buffer_desc(tiles * TILE, D3D11_BIND_FLAG(0), D3D11_USAGE_DEFAULT, 0), POOL))
}

fn tiled_buffer(device: &ID3D11Device, tiles: u32) -> Result<ID3D11Buffer> {
    let desc = buffer_desc(tiles * TILE, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT, 0);
    buffer(device, &misc(desc, TILED))
}

fn creation(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let none = D3D11_BIND_FLAG(0);
    let default = |bytes, bind| buffer_desc(bytes, bind, D3D11_USAGE_DEFAULT, 0);
    let buffers = [
        ("a pool has whole tiles", misc(default(TILE + 16, none), POOL), false),
        ("a pool may be empty", misc(default(0, none), POOL), true),
        ("a pool is not bound", misc(default(TILE, D3D11_BIND_SHADER_RESOURCE), POOL), false),
        ("a pool is not tiled", misc(default(TILE, none), POOL | TILED), false),
        ("tiled vertices are refused", misc(default(TILE, D3D11_BIND_VERTEX_BUFFER), TILED), false),
        ("tiled constants are refused", misc(default(TILE, D3D11_BIND_CONSTANT_BUFFER), TILED), false),
        (
            "a tiled buffer need not end with a tile",
            misc(default(100, D3D11_BIND_SHADER_RESOURCE), TILED),
            true,
        ),
    ];
    for (rule, desc, allowed) in buffers {
        let found = code(&buffer(device, &desc));
        report.equal(rule, found, if allowed { windows::core::HRESULT(0) } else { E_INVALIDARG });
    }
    let desc = D3D11_TEXTURE2D_DESC { MiscFlags: TILED, ..texture_desc(256, 1, D3D11_BIND_SHADER_RESOURCE) };
    let textures = [
        (
            "a tiled texture is no staging",
            D3D11_TEXTURE2D_DESC {
                Usage: D3D11_USAGE_STAGING,
                BindFlags: 0,
                // CAST: flags.
                CPUAccessFlags: D3D11_CPU_ACCESS_READ.0 as u32,
                ..desc
            },
        ),
        // CAST: flags.
        (
            "nor shared",
            D3D11_TEXTURE2D_DESC { MiscFlags: TILED | D3D11_RESOURCE_MISC_SHARED.0 as u32, ..desc },
        ),
        ("nor a pool", D3D11_TEXTURE2D_DESC { MiscFlags: POOL, ..desc }),
        ("nor of 96 bits", with_format(desc, DXGI_FORMAT_R32G32B32_FLOAT)),
    ];
    for (rule, desc) in textures {
        report.equal(rule, code(&texture(device, &desc)), E_INVALIDARG);
    }
    let data = [0_u32; 16];
    let initial = D3D11_SUBRESOURCE_DATA { pSysMem: data.as_ptr().cast(), ..Default::default() };
    let desc = misc(default(64, D3D11_BIND_SHADER_RESOURCE), TILED);
    let mut made = None;
    // SAFETY: the description and the data are complete.
    let refused = unsafe { device.CreateBuffer(&desc, Some(&initial), Some(&mut made)) };
    report.equal("there is nowhere for initial data", code(&refused), E_INVALIDARG);
    Ok(())
}

/// What `GetResourceTiling` says.
struct Found {
    tiles: u32,
    packed: D3D11_PACKED_MIP_DESC,
    shape: D3D11_TILE_SHAPE,
    subresources: Vec<D3D11_SUBRESOURCE_TILING>,
}

fn tiling(device: &ID3D11Device, resource: &ID3D11Resource, first: u32, room: u32) -> Result<Found> {
    let device: ID3D11Device2 = device.cast()?;
    let (mut tiles, mut packed, mut shape) =
        (9, D3D11_PACKED_MIP_DESC::default(), D3D11_TILE_SHAPE::default());
    let mut subresources = vec![D3D11_SUBRESOURCE_TILING::default(); room as usize];
    let mut count = room;
    // SAFETY: the out-pointers are locals', and the list has as many entries as said.
    unsafe {
        device.GetResourceTiling(
            resource,
            Some(&mut tiles),
            Some(&mut packed),
            Some(&mut shape),
            Some(&mut count),
            first,
            subresources.as_mut_ptr(),
        );
    }
    subresources.truncate(count as usize);
    Ok(Found { tiles, packed, shape, subresources })
}

fn tilings(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let found = tiling(device, &tiled_buffer(device, 3)?.cast()?, 0, 4)?;
    report.equal("a buffer has its tiles", (found.tiles, found.packed.NumPackedMips), (3, 0));
    report.equal("of bytes", (found.shape.WidthInTexels, found.shape.HeightInTexels), (TILE, 1));
    let all: Vec<_> = found.subresources.iter().map(|sub| (sub.WidthInTiles, sub.HeightInTiles)).collect();
    report.equal("in one subresource", all, vec![(3, 1)]);
    let plain = buffer(device, &buffer_desc(64, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT, 0))?;
    let found = tiling(device, &plain.cast()?, 0, 1)?;
    report.equal("a plain buffer has none", (found.tiles, found.subresources.len()), (0, 0));
    let desc = D3D11_TEXTURE2D_DESC {
        MiscFlags: TILED,
        ArraySize: 2,
        ..texture_desc(512, 0, D3D11_BIND_SHADER_RESOURCE)
    };
    let image = texture(device, &desc)?.cast()?;
    let found = tiling(device, &image, 0, 32)?;
    let (standard, packed) = (u32::from(found.packed.NumStandardMips), u32::from(found.packed.NumPackedMips));
    report.equal("mips are standard or packed", standard + packed, 10);
    report.holds("those of whole tiles are standard", standard >= 3);
    report.equal(
        "RGBA has tiles of 128 × 128",
        (found.shape.WidthInTexels, found.shape.HeightInTexels),
        (128, 128),
    );
    report.equal("each subresource is told of", found.subresources.len(), 20);
    let side = |mip: u32| (512_u32 >> mip).div_ceil(128).max(1);
    let own: u32 = (0..standard).map(|mip| side(mip) * side(mip)).sum();
    let per_slice = own + found.packed.NumTilesForPackedMips;
    report.equal("tiles are those of all mips", found.tiles, 2 * per_slice);
    let mut first = 0;
    for (index, sub) in (0_u32..).zip(&found.subresources) {
        let (mip, slice) = (index % 10, index / 10);
        if mip == 0 {
            first = slice * per_slice;
        }
        if mip < standard {
            let is =
                (sub.WidthInTiles, sub.HeightInTiles, sub.DepthInTiles, sub.StartTileIndexInOverallResource);
            // CAST: a few tiles.
            let expected = (side(mip), side(mip) as u16, 1, first);
            report.equal("a mip begins behind the last", is, expected);
            first += side(mip) * side(mip);
        } else {
            let start = sub.StartTileIndexInOverallResource;
            report.equal(
                "a packed mip has no tiles of its own",
                (sub.WidthInTiles, start),
                (0, D3D11_PACKED_TILE),
            );
        }
    }
    if packed != 0 {
        let start = found.packed.StartTileIndexInOverallResource;
        report.equal("packed tiles follow the others", start, own);
    }
    let part = tiling(device, &image, 11, 2)?;
    let is: Vec<_> = part.subresources.iter().map(|sub| sub.WidthInTiles).collect();
    report.equal("a part of the list", is, vec![2, 1]);
    Ok(())
}

/// A tile in each direction.
fn at(x: u32, y: u32, subresource: u32) -> D3D11_TILED_RESOURCE_COORDINATE {
    D3D11_TILED_RESOURCE_COORDINATE { X: x, Y: y, Z: 0, Subresource: subresource }
}

fn some(tiles: u32) -> D3D11_TILE_REGION_SIZE {
    D3D11_TILE_REGION_SIZE { NumTiles: tiles, ..Default::default() }
}

/// Tiles, each full of one word.
fn filled(values: &[u32]) -> Vec<u32> {
    values.iter().flat_map(|value| vec![*value; TILE as usize / 4]).collect()
}

/// Two tiled buffers over one pool.
struct Mapping {
    device: ID3D11Device,
    context: ID3D11DeviceContext2,
    one: ID3D11Buffer,
    other: ID3D11Buffer,
    pool: ID3D11Buffer,
}

impl Mapping {
    fn new(device: &ID3D11Device) -> Result<Self> {
        Ok(Self {
            device: device.clone(),
            context: context(device)?.cast()?,
            one: tiled_buffer(device, 3)?,
            other: tiled_buffer(device, 2)?,
            pool: pool(device, 3)?,
        })
    }

    /// The first word of each tile, or none of a tile that is not all one word.
    fn seen(&self, resource: &ID3D11Buffer, tiles: usize) -> Result<Vec<Option<u32>>> {
        let per_tile = TILE as usize / 4;
        let words = words(&self.device, resource, tiles * per_tile)?;
        let tile =
            |words: &[u32]| words.first().copied().filter(|first| words.iter().all(|word| word == first));
        Ok(words.chunks(per_tile).map(tile).collect())
    }

    /// Maps all tiles of a buffer, by ranges.
    fn map(
        &self,
        to: &ID3D11DeviceContext2,
        resource: &ID3D11Buffer,
        pool: Option<&ID3D11Buffer>,
        ranges: &[(u32, u32, u32)],
    ) -> Result<()> {
        let flags: Vec<u32> = ranges.iter().map(|range| range.0).collect();
        let starts: Vec<u32> = ranges.iter().map(|range| range.1).collect();
        let counts: Vec<u32> = ranges.iter().map(|range| range.2).collect();
        // SAFETY: the lists have as many entries as said.
        unsafe {
            to.UpdateTileMappings(
                resource,
                1,
                None,
                None,
                pool,
                // CAST: a few.
                ranges.len() as u32,
                Some(flags.as_ptr()),
                Some(starts.as_ptr()),
                Some(counts.as_ptr()),
                0,
            )
        }
    }

    fn write(&self, to: &ID3D11DeviceContext2, resource: &ID3D11Buffer, first: u32, values: &[u32]) {
        let data = filled(values);
        // CAST: a few.
        let (start, size) = (at(first, 0, 0), some(values.len() as u32));
        // SAFETY: the data has 64 KiB for each tile.
        unsafe { to.UpdateTiles(resource, &start, &size, data.as_ptr().cast(), 0) };
    }

    /// Makes calls on a context; a deferred one's list is executed.
    fn run(&self, on: &ID3D11DeviceContext2, deferred: bool) -> Result<()> {
        if !deferred {
            return Ok(());
        }
        let mut list = None;
        // SAFETY: the out-pointer is a local's.
        unsafe { on.FinishCommandList(false, Some(&mut list)) }?;
        let list: ID3D11CommandList = made(list)?;
        // SAFETY: both are alive.
        unsafe { self.context.ExecuteCommandList(&list, false) };
        Ok(())
    }

    fn contents(&self, report: &mut Report, on: &ID3D11DeviceContext2, deferred: bool) -> Result<()> {
        let (one, other, pool) = (&self.one, &self.other, Some(&self.pool));
        let how = if deferred { ", deferred" } else { "" };
        let values = |list: &[u32]| list.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        self.map(on, one, pool, &[(0, 0, 2), (REUSE, 0, 1)])?;
        self.write(on, one, 0, &[1, 2]);
        self.run(on, deferred)?;
        let rule = format!("a tile that is used again is seen twice{how}");
        report.equal(&rule, self.seen(one, 3)?, values(&[1, 2, 1]));
        // SAFETY: both are alive and tiled.
        unsafe { on.CopyTileMappings(other, &at(0, 0, 0), one, &at(1, 0, 0), &some(2), 0) }?;
        self.write(on, other, 0, &[3]);
        // SAFETY: both are alive.
        unsafe { on.TiledResourceBarrier(other, one) };
        self.run(on, deferred)?;
        report.equal(&format!("memory follows mappings{how}"), self.seen(one, 3)?, values(&[1, 3, 1]));
        report.equal(&format!("under another name{how}"), self.seen(other, 2)?, values(&[3, 1]));
        self.map(on, one, pool, &[(SKIP, 7, 1), (0, 2, 1), (SKIP, 7, 1)])?;
        self.write(on, one, 1, &[4]);
        self.run(on, deferred)?;
        report.equal(&format!("skipped tiles stay{how}"), self.seen(one, 3)?, values(&[1, 4, 1]));
        report.equal(&format!("and others' mappings{how}"), self.seen(other, 2)?, values(&[3, 1]));
        let desc = buffer_desc(2 * TILE, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT, 0);
        let plain = buffer(&self.device, &desc)?;
        // SAFETY: all are alive.
        unsafe { on.CopyTiles(one, &at(1, 0, 0), &some(1), &plain, u64::from(TILE), TO_BUFFER) };
        // SAFETY: all are alive.
        unsafe { on.CopyTiles(one, &at(0, 0, 0), &some(1), &plain, 0, TO_BUFFER) };
        self.run(on, deferred)?;
        report.equal(&format!("tiles are copied to a buffer{how}"), self.seen(&plain, 2)?, values(&[1, 4]));
        // SAFETY: all are alive.
        unsafe { on.CopyTiles(other, &at(0, 0, 0), &some(2), &plain, 0, TO_TILES) };
        self.run(on, deferred)?;
        report.equal(&format!("and from one{how}"), self.seen(other, 2)?, values(&[1, 4]));
        // SAFETY: the pool is alive.
        unsafe { on.ResizeTilePool(&self.pool, u64::from(5 * TILE)) }?;
        self.map(on, other, pool, &[(0, 3, 2)])?;
        self.write(on, other, 0, &[5, 6]);
        self.run(on, deferred)?;
        report.equal(&format!("a pool grows{how}"), self.seen(other, 2)?, values(&[5, 6]));
        // Unmapped tiles have no contents that tier 1 promises; those that are left do.
        self.map(on, other, None, &[(NULL, 0, 1), (SKIP, 0, 1)])?;
        self.run(on, deferred)?;
        let last = self.seen(other, 2)?.pop().flatten();
        report.equal(&format!("a tile is unmapped beside another{how}"), last, Some(6));
        // SAFETY: the pool is alive.
        unsafe { on.ResizeTilePool(&self.pool, u64::from(3 * TILE)) }?;
        self.run(on, deferred)
    }

    fn rules(&self, report: &mut Report) {
        let (one, on, pool) = (&self.one, &self.context, Some(&self.pool));
        let mut refused = |rule: &str, result: Result<()>| report.equal(rule, code(&result), E_INVALIDARG);
        refused("ranges as long as the regions", self.map(on, one, pool, &[(0, 0, 2)]));
        refused("and no longer", self.map(on, one, pool, &[(0, 0, 4)]));
        refused("a pool for what is mapped", self.map(on, one, None, &[(0, 0, 3)]));
        refused("flags of a range", self.map(on, one, pool, &[(NULL | SKIP, 0, 3)]));
        refused("a pool that is one", self.map(on, one, Some(&self.other), &[(0, 0, 3)]));
        refused("a tiled resource", self.map(on, &self.pool, pool, &[(0, 0, 3)]));
        let update = |start: D3D11_TILED_RESOURCE_COORDINATE, size: D3D11_TILE_REGION_SIZE, flags: u32| {
            let pool_tile = 0;
            // SAFETY: each list has one entry.
            unsafe {
                let (start, size) = (Some(&raw const start), Some(&raw const size));
                on.UpdateTileMappings(
                    one,
                    1,
                    start,
                    size,
                    pool,
                    1,
                    None,
                    Some(&raw const pool_tile),
                    None,
                    flags,
                )
            }
        };
        refused("a region inside", update(at(3, 0, 0), some(1), 0));
        refused("to its end", update(at(2, 0, 0), some(2), 0));
        refused("in a subresource", update(at(0, 0, 1), some(1), 0));
        refused("flags that exist", update(at(0, 0, 0), some(1), 2));
        let size = |width| D3D11_TILE_REGION_SIZE {
            NumTiles: width,
            bUseBox: true.into(),
            Width: width,
            Height: 1,
            Depth: 1,
        };
        refused("a box inside", update(at(1, 0, 0), size(3), 0));
        let good = update(at(1, 0, 0), size(2), 0);
        // SAFETY: the resources are alive.
        let copied = unsafe { on.CopyTileMappings(one, &at(2, 0, 0), one, &at(0, 0, 0), &some(2), 0) };
        refused("a copy inside", copied);
        // SAFETY: the resources are alive.
        refused("a pool's size in tiles", unsafe { on.ResizeTilePool(&self.pool, 100) });
        // SAFETY: the resources are alive.
        refused("of a pool", unsafe { on.ResizeTilePool(one, u64::from(TILE)) });
        report.holds("a box that fits", good.is_ok());
        // Dropped, as Direct3D drops such calls.
        // SAFETY: the resources are alive.
        unsafe { on.CopyTiles(one, &at(0, 0, 0), &some(1), &self.other, 0, TO_BUFFER) };
        // SAFETY: the resources are alive.
        unsafe { on.UpdateTiles(one, &at(9, 0, 0), &some(1), ptr::null(), 0) };
    }
}

/// What is drawn to tiles is in them.
fn textures(report: &mut Report, device: &ID3D11Device) -> Result<()> {
    let on: ID3D11DeviceContext2 = context(device)?.cast()?;
    let bound = D3D11_BIND_SHADER_RESOURCE | D3D11_BIND_RENDER_TARGET;
    let desc = D3D11_TEXTURE2D_DESC { MiscFlags: TILED, ..texture_desc(256, 0, bound) };
    let image = texture(device, &desc)?;
    let all = tiling(device, &image.cast()?, 0, 0)?.tiles;
    let pool = pool(device, all)?;
    // Without lists, everything in order.
    // SAFETY: lists may be left out.
    unsafe { on.UpdateTileMappings(&image, 1, None, None, &pool, 1, None, Some(&0), None, 0) }?;
    let target = target_view(device, &image)?;
    // SAFETY: the color has four components.
    unsafe { on.ClearRenderTargetView(&target, &[1.0, 0.0, 0.4, 0.2]) };
    let plain = buffer(device, &buffer_desc(TILE, D3D11_BIND_SHADER_RESOURCE, D3D11_USAGE_DEFAULT, 0))?;
    let size = D3D11_TILE_REGION_SIZE { NumTiles: 1, bUseBox: true.into(), Width: 1, Height: 1, Depth: 1 };
    // SAFETY: all are alive.
    unsafe { on.CopyTiles(&image, &at(1, 1, 0), &size, &plain, 0, TO_BUFFER) };
    let found = words(device, &plain, TILE as usize / 4)?;
    report.holds("a clear fills all tiles", found.iter().all(|word| *word == 0x3366_00ff));
    // The second tile of the first row gets what the first of the second row is mapped to.
    // SAFETY: the resources are alive.
    unsafe { on.CopyTileMappings(&image, &at(1, 0, 0), &image, &at(0, 1, 0), &some(1), 0) }?;
    let data = filled(&[0x0403_0201]);
    // SAFETY: the data has the tile's bytes.
    unsafe { on.UpdateTiles(&image, &at(0, 1, 0), &some(1), data.as_ptr().cast(), 0) };
    // SAFETY: both are alive.
    unsafe { on.TiledResourceBarrier(&image, &image) };
    // SAFETY: all are alive.
    unsafe { on.CopyTiles(&image, &at(1, 0, 0), &some(1), &plain, 0, TO_BUFFER) };
    let found = words(device, &plain, TILE as usize / 4)?;
    report.holds("tiles of a texture share memory", found.iter().all(|word| *word == 0x0403_0201));
    Ok(())
}
