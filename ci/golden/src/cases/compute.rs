//! Compute shaders: threads, shared memory, atomics, every kind of view, hidden counters, indirect dispatches.

use super::common::*;
use super::textures::{bytes, patchwork};
use crate::kit::*;

cases![
    thread_numbers,
    prefix_sum,
    shared_atomics,
    shared_structures,
    buffer_atomics,
    signed_atomics,
    texture_atomics,
    append,
    consume,
    counter,
    raw_buffers,
    structured_buffers,
    structured_part,
    typed_buffers,
    write_row,
    write_rows,
    write_plane,
    write_planes,
    write_slice,
    write_volume,
    read_and_write,
    beyond,
    beyond_part,
    sizes,
    sizes_of_part,
    sampled,
    constants,
    indirect,
    indirect_from_shader,
    eight_views,
    clear_words,
    clear_floats,
    clear_texture,
    chained,
];

/// A dispatch that has no view but the output.
fn plain(cs: Code, groups: [u32; 3]) -> Dispatch {
    Dispatch { cs, groups, ..Dispatch::default() }
}

fn thread_numbers(t: &mut Test<'_>) -> Result<()> {
    let found = t.dispatch(plain(shader!("compute.thread_numbers"), [2, 2, 2]), 128)?;
    let number = |place: u32| {
        let (group, index) = (place / 16, place % 16);
        let ([gx, gy, gz], [x, y, z]) =
            ([group % 2, group / 2 % 2, group / 4], [index % 4, index / 4 % 2, index / 8]);
        let all = gx * 4 + x + (gy * 2 + y) * 100 + (gz * 2 + z) * 10000;
        all + (x + y * 10 + z * 100) * 1_000_000
    };
    t.expect_words(&found, &(0..128).map(number).collect::<Vec<_>>());
    Ok(())
}

fn prefix_sum(t: &mut Test<'_>) -> Result<()> {
    let found = t.dispatch(plain(shader!("compute.prefix_sum"), [2, 1, 1]), 512)?;
    let sum = |place: u32| (0..=place % 256).map(|i| i * 3 + place / 256).sum();
    t.expect_words(&found, &(0..512).map(sum).collect::<Vec<_>>());
    Ok(())
}

fn shared_atomics(t: &mut Test<'_>) -> Result<()> {
    let found = t.dispatch(plain(shader!("compute.shared_atomics"), [1; 3]), 8)?;
    t.expect_words(&found, &[2016, 63, 5, u32::MAX, 0, 9, 77, 32]);
    Ok(())
}

fn shared_structures(t: &mut Test<'_>) -> Result<()> {
    let mut found = t.dispatch(plain(shader!("compute.shared_structures"), [1; 3]), 192)?;
    // The last record negates a zero, whose sign is the device's affair.
    if let Some(word) = found.get_mut(31 * 6 + 2) {
        *word |= 1 << 31;
    }
    let record = |i: u32| {
        let n = 31 - i;
        // CAST: below 32.
        let real = n as f32;
        [real.to_bits(), (real + 0.5).to_bits(), (-real).to_bits(), n * n, !n, n.wrapping_neg()]
    };
    let expected: Vec<u32> = (0..32).flat_map(record).collect();
    t.expect_words(&found, &expected);
    Ok(())
}

/// Runs a dispatch on a structured buffer with these words as its output.
fn on_words(t: &mut Test<'_>, dispatch: Dispatch, contents: &[u32]) -> Result<Vec<u32>> {
    let buffer = t.gpu.structured(4, &words(contents))?;
    let mut uavs = vec![t.gpu.uav(&buffer)?];
    uavs.extend(dispatch.uavs.iter().cloned());
    t.gpu.dispatch(&Dispatch { uavs, ..dispatch })?;
    t.gpu.read_words(&buffer)
}

fn buffer_atomics(t: &mut Test<'_>) -> Result<()> {
    let start = [0, 0, u32::MAX, 0, u32::MAX, 0, 1, 100, 101, 0, 0];
    let found = on_words(t, plain(shader!("compute.buffer_atomics"), [4, 1, 1]), &start)?;
    t.expect_words(&found, &[768, 255, 5, u32::MAX, 0xffff_0000, 0, 42, 200, 101, 256, 255 * 128]);
    Ok(())
}

/// A buffer for shaders to write, and its view in a format.
fn typed(
    t: &Test<'_>,
    contents: &[u8],
    format: DXGI_FORMAT,
    count: u32,
) -> Result<(Buffer, ID3D11UnorderedAccessView)> {
    let buffer = t.gpu.buffer(D3D11_BIND_UNORDERED_ACCESS | D3D11_BIND_SHADER_RESOURCE, contents)?;
    let view = t.gpu.buffer_uav(&buffer.raw, format, (0, count), D3D11_BUFFER_UAV_FLAG(0))?;
    Ok((buffer, view))
}

fn signed_atomics(t: &mut Test<'_>) -> Result<()> {
    let (buffer, view) = typed(t, &ints(&[-1000, 1000, 7]), DXGI_FORMAT_R32_SINT, 3)?;
    t.dispatch(Dispatch { uavs: vec![view], ..plain(shader!("compute.signed_atomics"), [1; 3]) }, 1)?;
    let found = t.gpu.read_words(&buffer)?;
    t.expect_words(&found, &[-37_i32, -43, 7 - 2016].map(i32::cast_unsigned));
    Ok(())
}

const UAV: D3D11_BIND_FLAG = D3D11_BIND_UNORDERED_ACCESS;

fn texture_atomics(t: &mut Test<'_>) -> Result<()> {
    let shape = Shape { format: DXGI_FORMAT_R32_UINT, bind: UAV, ..Shape::square(8) };
    let texture = t.gpu.texture(&shape, &[vec![0; 256]])?;
    let uavs = vec![t.gpu.uav(&texture)?];
    t.dispatch(Dispatch { uavs, ..plain(shader!("compute.texture_atomics"), [2, 2, 1]) }, 1)?;
    let found = t.gpu.read(&texture, 0)?;
    let found: Vec<u32> = found.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let mut expected = vec![0; 64];
    for place in 0..256_usize {
        let (x, y) = (place % 16, place / 16);
        // CAST: small.
        expected[x / 4 + y / 4 * 8] += x as u32 + 1;
    }
    expected[63] = 165;
    t.expect_words(&found, &expected);
    Ok(())
}

/// A structured buffer with a hidden counter.
fn counted(
    t: &Test<'_>,
    contents: &[u32],
    flag: D3D11_BUFFER_UAV_FLAG,
) -> Result<(Buffer, ID3D11UnorderedAccessView)> {
    let buffer = t.gpu.structured(4, &words(contents))?;
    // CAST: small.
    let view = t.gpu.buffer_uav(&buffer.raw, DXGI_FORMAT_UNKNOWN, (0, contents.len() as u32), flag)?;
    Ok((buffer, view))
}

fn count_of(t: &Test<'_>, view: &ID3D11UnorderedAccessView) -> Result<u32> {
    let buffer = t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &words(&[u32::MAX; 2]))?;
    t.gpu.copy_count(&buffer, 4, view);
    Ok(t.gpu.read_words(&buffer)?[1])
}

fn append(t: &mut Test<'_>) -> Result<()> {
    let (buffer, view) = counted(t, &[u32::MAX; 64], D3D11_BUFFER_UAV_FLAG_APPEND)?;
    let dispatch = Dispatch {
        uavs: vec![view.clone()],
        counts: vec![u32::MAX, 2],
        ..plain(shader!("compute.append"), [1; 3])
    };
    t.dispatch(dispatch, 1)?;
    let count = count_of(t, &view)?;
    t.equal("count", &count, &24);
    let mut found = t.gpu.read_words(&buffer)?[2..24].to_vec();
    found.sort_unstable();
    t.expect_words(&found, &(0..22).map(|n| n * 3).collect::<Vec<_>>());
    Ok(())
}

fn consume(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<u32> = (0..32).map(|n| n * n).collect();
    let (_, source) = counted(t, &numbers, D3D11_BUFFER_UAV_FLAG_APPEND)?;
    let (target, view) = counted(t, &[0; 32], D3D11_BUFFER_UAV_FLAG_APPEND)?;
    let dispatch = Dispatch {
        uavs: vec![view, source.clone()],
        counts: vec![u32::MAX, 0, 20],
        ..plain(shader!("compute.consume"), [1; 3])
    };
    let sum = on_words(t, dispatch, &[0])?;
    t.expect_words(&sum, &[(4..20).map(|n| n * n).sum()]);
    let left = count_of(t, &source)?;
    t.equal("numbers left", &left, &4);
    let mut found = t.gpu.read_words(&target)?;
    found.sort_unstable();
    t.expect_words(&found[16..], &(4..20).map(|n| n * n * 2).collect::<Vec<_>>());
    Ok(())
}

/// Counting up gives the value before, counting down the value after.
fn counter(t: &mut Test<'_>) -> Result<()> {
    let (_, view) = counted(t, &[0; 4], D3D11_BUFFER_UAV_FLAG_COUNTER)?;
    let uavs = vec![view.clone()];
    let up = Dispatch {
        uavs: uavs.clone(),
        counts: vec![u32::MAX, 10],
        ..plain(shader!("compute.count_up"), [1; 3])
    };
    let down = Dispatch { uavs, ..plain(shader!("compute.count_down"), [1; 3]) };
    let found = [on_words(t, up, &[0])?, on_words(t, down, &[0])?].concat();
    t.expect_words(&found, &[(10..42).sum(), 41 + 40 + 39 + 38]);
    let count = count_of(t, &view)?;
    t.equal("count", &count, &38);
    Ok(())
}

fn raw_buffers(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<u32> = (0..32).map(|n| n * 0x0101_0101).collect();
    let misc = D3D11_RESOURCE_MISC_BUFFER_ALLOW_RAW_VIEWS;
    let source = t.gpu.buffer_with(D3D11_BIND_SHADER_RESOURCE, misc, 0, &words(&numbers))?;
    let target = t.gpu.buffer_with(UAV, misc, 0, &[0; 320])?;
    let view = t.gpu.buffer_uav(&target.raw, DXGI_FORMAT_R32_TYPELESS, (0, 80), D3D11_BUFFER_UAV_FLAG_RAW)?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.raw_srv(&source.raw, 32)?],
        uavs: vec![view],
        ..plain(shader!("compute.raw_buffers"), [1; 3])
    };
    t.dispatch(dispatch, 1)?;
    let expected: Vec<u32> = numbers
        .chunks_exact(4)
        .flat_map(|n| [n[0] + n[3], n[3], n[2], n[3], n[1], n[2], n[3], n[2], n[1], n[0]])
        .collect();
    let found = t.gpu.read_words(&target)?;
    t.expect_words(&found, &expected);
    Ok(())
}

/// Records of a number, three floats and two numbers.
fn record(n: u32) -> [u32; 6] {
    // CAST: small.
    [n, (n as f32).to_bits(), 0.5_f32.to_bits(), (-(n as f32)).to_bits(), n * 10, n * 100]
}

fn structured_buffers(t: &mut Test<'_>) -> Result<()> {
    let source = t.gpu.structured(24, &words((0..16).map(record).collect::<Vec<_>>().as_flattened()))?;
    let target = t.gpu.structured(24, &[0; 24 * 16])?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.srv(&source)?],
        uavs: vec![t.gpu.uav(&target)?],
        ..plain(shader!("compute.structured_buffers"), [1; 3])
    };
    t.dispatch(dispatch, 1)?;
    let twice = |bits: u32| (f32::from_bits(bits) * 2.0).to_bits();
    let expected: Vec<u32> = (0..16)
        .map(|i| record(15 - i))
        .flat_map(|[a, x, y, z, c, d]| [a, twice(z), twice(x), twice(y), c, d + a])
        .collect();
    let found = t.gpu.read_words(&target)?;
    t.expect_words(&found, &expected);
    Ok(())
}

/// Views that begin in the middle of their buffers.
fn structured_part(t: &mut Test<'_>) -> Result<()> {
    let source = t.gpu.structured(24, &words((0..24).map(record).collect::<Vec<_>>().as_flattened()))?;
    let target = t.gpu.structured(24, &[0; 24 * 20])?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.buffer_srv(&source.raw, DXGI_FORMAT_UNKNOWN, 5, 16)?],
        uavs: vec![t.gpu.buffer_uav(&target.raw, DXGI_FORMAT_UNKNOWN, (2, 16), D3D11_BUFFER_UAV_FLAG(0))?],
        ..plain(shader!("compute.structured_buffers"), [1; 3])
    };
    t.dispatch(dispatch, 1)?;
    let found: Vec<u32> = t.gpu.read_words(&target)?.chunks_exact(6).map(|record| record[0]).collect();
    let expected: Vec<u32> = [0, 0].into_iter().chain((5..21).rev()).chain([0, 0]).collect();
    t.expect_words(&found, &expected);
    Ok(())
}

fn typed_buffers(t: &mut Test<'_>) -> Result<()> {
    let texels: Vec<u8> = (0..64).map(|n: u8| n * 4).collect();
    let source = t.gpu.buffer(D3D11_BIND_SHADER_RESOURCE, &texels)?;
    let (target, view) = typed(t, &[0; 16 * 8], DXGI_FORMAT_R16G16B16A16_UNORM, 16)?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.typed_srv(&source.raw, DXGI_FORMAT_R8G8B8A8_UNORM, 16)?],
        uavs: vec![view],
        ..plain(shader!("compute.typed_buffers"), [1; 3])
    };
    t.dispatch(dispatch, 1)?;
    let found = t.gpu.read_buffer(&target)?;
    // An 8-bit number n becomes n·257 of 16 bits.
    let expected: Vec<u8> = texels
        .chunks_exact(4)
        .rev()
        .flat_map(|texel| [texel[2], texel[1], texel[0], texel[3]])
        .flat_map(|n| [n, n])
        .collect();
    t.equal("bytes", &found, &expected);
    Ok(())
}

/// A texture that a compute shader fills.
fn filled(t: &mut Test<'_>, cs: Code, shape: Shape, groups: [u32; 3]) -> Result<Texture> {
    let texture = t.gpu.texture(&Shape { bind: UAV, ..shape }, &[])?;
    let uavs = vec![t.gpu.uav(&texture)?];
    t.dispatch(Dispatch { uavs, ..plain(cs, groups) }, 1)?;
    Ok(texture)
}

fn write_row(t: &mut Test<'_>) -> Result<()> {
    let texture = filled(
        t,
        shader!("compute.write_row"),
        Shape { kind: Kind::D1, height: 1, ..Shape::default() },
        [1; 3],
    )?;
    let found = t.show(&texture)?;
    // CAST: below 64; so below.
    t.expect(&found, |x, _| [x as f32 / 64.0, 1.0 - x as f32 / 64.0, 0.0, 1.0]);
    Ok(())
}

fn write_rows(t: &mut Test<'_>) -> Result<()> {
    let shape = Shape { kind: Kind::D1, height: 1, slices: 4, ..Shape::default() };
    let texture = filled(t, shader!("compute.write_rows"), shape, [1, 4, 1])?;
    for slice in 0..4 {
        let found = t.show_part(&texture, slice)?;
        t.expect(&found, |x, _| [x as f32 / 64.0, slice as f32 / 4.0, 0.0, 1.0]);
    }
    Ok(())
}

fn write_plane(t: &mut Test<'_>) -> Result<()> {
    let texture = filled(t, shader!("compute.write_plane"), Shape::default(), [8, 8, 1])?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| [x as f32 / 64.0, y as f32 / 64.0, 0.5, 1.0]);
    Ok(())
}

fn write_planes(t: &mut Test<'_>) -> Result<()> {
    let texture =
        filled(t, shader!("compute.write_planes"), Shape { slices: 4, ..Shape::square(16) }, [2, 2, 4])?;
    for slice in 0..4 {
        let found = t.show_part(&texture, slice)?;
        t.expect(&found, |x, y| [x as f32 / 16.0, y as f32 / 16.0, slice as f32 / 4.0, 1.0]);
    }
    Ok(())
}

/// A view of slices 2 and 3 of four, which are 0 and 1 to the shader.
fn write_slice(t: &mut Test<'_>) -> Result<()> {
    let data = vec![vec![0; 1024]; 4];
    let texture = t.gpu.texture(&Shape { slices: 4, bind: UAV, ..Shape::square(16) }, &data)?;
    let part = D3D11_UNORDERED_ACCESS_VIEW_DESC_0 {
        Texture2DArray: D3D11_TEX2D_ARRAY_UAV { MipSlice: 0, FirstArraySlice: 2, ArraySize: 2 },
    };
    let view = t.gpu.uav_as(&texture, texture.shape.format, D3D11_UAV_DIMENSION_TEXTURE2DARRAY, part)?;
    t.dispatch(Dispatch { uavs: vec![view], ..plain(shader!("compute.write_planes"), [2, 2, 2]) }, 1)?;
    for (slice, seen) in [(0, None), (1, None), (2, Some(0.0)), (3, Some(1.0))] {
        let found = t.show_part(&texture, slice)?;
        t.expect(&found, |x, y| {
            seen.map_or(BLACK, |z: f32| [x as f32 / 16.0, y as f32 / 16.0, z / 4.0, 1.0])
        });
    }
    Ok(())
}

fn write_volume(t: &mut Test<'_>) -> Result<()> {
    let shape = Shape { kind: Kind::D3, depth: 8, ..Shape::square(8) };
    let texture = filled(t, shader!("compute.write_volume"), shape, [2; 3])?;
    let found = t.show(&texture)?;
    t.expect(&found, |x, y| [x as f32 / 16.0, (y % 8) as f32 / 16.0, (y / 8) as f32 / 16.0, 1.0]);
    Ok(())
}

fn read_and_write(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<f32> = (0..64_u8).map(f32::from).collect();
    let shape = Shape { format: DXGI_FORMAT_R32_FLOAT, bind: UAV, ..Shape::square(8) };
    let texture = t.gpu.texture(&shape, &[floats(&numbers)])?;
    let uavs = vec![t.gpu.uav(&texture)?];
    t.dispatch(Dispatch { uavs, ..plain(shader!("compute.read_and_write"), [1; 3]) }, 1)?;
    let found = t.gpu.picture(&texture, 0)?;
    t.expect_within(0.0, &found, |x, y| [((x + y * 8) * 2 + x) as f32, 0.0, 0.0, 1.0]);
    Ok(())
}

fn beyond(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<u32> = (0..40).map(|n| n * 11).collect();
    let resources = vec![t.gpu.srv(&t.gpu.structured(4, &words(&numbers))?)?];
    let dispatch = Dispatch { resources, ..plain(shader!("compute.beyond"), [1; 3]) };
    let found = on_words(t, dispatch, &[9; 50])?;
    let expected = |place: usize| match place % 2 {
        0 => numbers.get(place / 2 * 3).map_or(1, |number| number + 1),
        _ => 9,
    };
    t.expect_words(&found, &(0..50).map(expected).collect::<Vec<_>>());
    Ok(())
}

/// As [`beyond`], through a view of a part, which begins where few devices let a descriptor begin.
fn beyond_part(t: &mut Test<'_>) -> Result<()> {
    let numbers: Vec<u32> = (0..40).map(|n| n * 11).collect();
    let source = t.gpu.structured(4, &words(&numbers))?;
    let resources = vec![t.gpu.buffer_srv(&source.raw, DXGI_FORMAT_UNKNOWN, 3, 30)?];
    let dispatch = Dispatch { resources, ..plain(shader!("compute.beyond"), [1; 3]) };
    let found = on_words(t, dispatch, &[9; 50])?;
    let expected = |place: usize| match place % 2 {
        0 => numbers[3..33].get(place / 2 * 3).map_or(1, |number| number + 1),
        _ => 9,
    };
    t.expect_words(&found, &(0..50).map(expected).collect::<Vec<_>>());
    Ok(())
}

fn sizes_of_part(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(&Shape { width: 24, height: 10, bind: UAV, ..Shape::default() }, &[])?;
    let source = t.gpu.structured(4, &[0; 148])?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.buffer_srv(&source.raw, DXGI_FORMAT_UNKNOWN, 7, 21)?],
        uavs: vec![t.gpu.uav(&texture)?],
        ..plain(shader!("compute.sizes"), [1; 3])
    };
    let found = t.dispatch(dispatch, 5)?;
    t.expect_words(&found, &[21, 4, 24, 10, 5]);
    Ok(())
}

fn sizes(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(&Shape { width: 24, height: 10, bind: UAV, ..Shape::default() }, &[])?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.srv(&t.gpu.structured(4, &[0; 148])?)?],
        uavs: vec![t.gpu.uav(&texture)?],
        ..plain(shader!("compute.sizes"), [1; 3])
    };
    let found = t.dispatch(dispatch, 5)?;
    t.expect_words(&found, &[37, 4, 24, 10, 5]);
    Ok(())
}

fn sampled(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(8);
    let source = t.gpu.texture(&Shape::square(8), &[bytes(&texels)])?;
    let target = t.gpu.texture(&Shape { bind: UAV, ..Shape::default() }, &[])?;
    let dispatch = Dispatch {
        resources: vec![t.gpu.srv(&source)?],
        samplers: vec![sampler(D3D11_FILTER_MIN_MAG_MIP_POINT, D3D11_TEXTURE_ADDRESS_CLAMP)],
        uavs: vec![t.gpu.uav(&target)?],
        ..plain(shader!("compute.sampled"), [8, 8, 1])
    };
    t.dispatch(dispatch, 1)?;
    let found = t.show(&target)?;
    t.expect(&found, |x, y| texels[(x / 8 + y / 8 * 8) as usize]);
    Ok(())
}

fn scaled(t: &Test<'_>) -> Result<Dispatch> {
    let constants = vec![t.gpu.constants(&words(&[7, 3, 0, 0]))?];
    Ok(Dispatch { constants, ..plain(shader!("compute.scaled"), [3, 1, 1]) })
}

fn expect_scaled(t: &mut Test<'_>, found: &[u32], written: u32) {
    let expected: Vec<u32> = (0..64).map(|n| if n < written { n * 7 + 3 } else { 0xdead_beef }).collect();
    t.expect_words(found, &expected);
}

fn constants(t: &mut Test<'_>) -> Result<()> {
    let dispatch = scaled(t)?;
    let found = t.dispatch(dispatch, 64)?;
    expect_scaled(t, &found, 48);
    Ok(())
}

fn indirect(t: &mut Test<'_>) -> Result<()> {
    let misc = D3D11_RESOURCE_MISC_DRAWINDIRECT_ARGS;
    let arguments = t.gpu.buffer_with(D3D11_BIND_FLAG(0), misc, 0, &words(&[99, 2, 1, 1]))?;
    let dispatch = Dispatch { indirect: Some((arguments, 4)), ..scaled(t)? };
    let found = t.dispatch(dispatch, 64)?;
    expect_scaled(t, &found, 32);
    Ok(())
}

/// Arguments that a shader has just written: 16 numbers of which the first three are 3, 1 and 1.
fn indirect_from_shader(t: &mut Test<'_>) -> Result<()> {
    let bind = UAV | D3D11_BIND_SHADER_RESOURCE;
    let misc = D3D11_RESOURCE_MISC_DRAWINDIRECT_ARGS;
    let arguments = t.gpu.buffer_with(bind, misc, 0, &words(&[1; 4]))?;
    let view = t.gpu.buffer_uav(&arguments.raw, DXGI_FORMAT_R32_UINT, (0, 1), D3D11_BUFFER_UAV_FLAG(0))?;
    t.gpu.clear_uav(&view, [3, 0, 0, 0]);
    let dispatch = Dispatch { indirect: Some((arguments, 0)), ..scaled(t)? };
    let found = t.dispatch(dispatch, 64)?;
    expect_scaled(t, &found, 48);
    Ok(())
}

fn eight_views(t: &mut Test<'_>) -> Result<()> {
    let buffers: Vec<Buffer> = (0..7).map(|_| t.gpu.structured(4, &[0; 16])).collect::<Result<_>>()?;
    let uavs = buffers.iter().map(|buffer| t.gpu.uav(buffer)).collect::<Result<_>>()?;
    let mut found = t.dispatch(Dispatch { uavs, ..plain(shader!("compute.eight_views"), [1; 3]) }, 4)?;
    for buffer in &buffers {
        found.extend(t.gpu.read_words(buffer)?);
    }
    let expected: Vec<u32> = (1..9).flat_map(|view| (0..4).map(move |i| view * 100 + i)).collect();
    t.expect_words(&found, &expected);
    Ok(())
}

/// A clear takes the bits of each number as they are.
fn clear_words(t: &mut Test<'_>) -> Result<()> {
    let (buffer, view) = typed(t, &[0; 16], DXGI_FORMAT_R16G16_UINT, 3)?;
    t.gpu.clear_uav(&view, [0x1234_5678, 0xabcd_0001, 9, 9]);
    let found = t.gpu.read_words(&buffer)?;
    t.expect_words(&found, &[0x0001_5678, 0x0001_5678, 0x0001_5678, 0]);
    Ok(())
}

fn clear_floats(t: &mut Test<'_>) -> Result<()> {
    let (buffer, view) = typed(t, &[0; 16], DXGI_FORMAT_R8G8B8A8_UNORM, 3)?;
    t.gpu.clear_uav_float(&view, [0.0, 1.0, 0.4, 0.8]);
    let found = t.gpu.read_words(&buffer)?;
    t.expect_words(&found, &[0xcc66_ff00, 0xcc66_ff00, 0xcc66_ff00, 0]);
    Ok(())
}

fn clear_texture(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(&Shape { bind: UAV, ..Shape::square(16) }, &[])?;
    t.gpu.clear_uav_float(&t.gpu.uav(&texture)?, [0.2, 0.4, 0.6, 0.8]);
    let found = t.show(&texture)?;
    t.expect(&found, |_, _| [0.2, 0.4, 0.6, 0.8]);
    Ok(())
}

/// Sixteen dispatches, each of which needs what the one before has written.
fn chained(t: &mut Test<'_>) -> Result<()> {
    let shape = Shape { format: DXGI_FORMAT_R32_FLOAT, bind: UAV, ..Shape::square(8) };
    let texture = t.gpu.texture(&shape, &[vec![0; 256]])?;
    let uavs = vec![t.gpu.uav(&t.gpu.structured(4, &[0; 4])?)?, t.gpu.uav(&texture)?];
    for _ in 0..16 {
        t.gpu
            .dispatch(&Dispatch { uavs: uavs.clone(), ..plain(shader!("compute.read_and_write"), [1; 3]) })?;
    }
    let found = t.gpu.picture(&texture, 0)?;
    t.expect_within(0.0, &found, |x, _| [(x * 65535) as f32, 0.0, 0.0, 1.0]);
    Ok(())
}
