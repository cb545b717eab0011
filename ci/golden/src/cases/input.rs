//! The input assembler: vertex formats, instances, indices, indirect arguments.

use super::common::*;
use crate::kit::expected::{clip, covers, from_half};
use crate::kit::*;

cases![
    float_32x4 => |t| format(t, DXGI_FORMAT_R32G32B32A32_FLOAT, floats(&[0.25, 0.5, 0.75, 1.0]), [0.25, 0.5, 0.75, 1.0]),
    float_32x3 => |t| format(t, DXGI_FORMAT_R32G32B32_FLOAT, floats(&[0.25, 0.5, 0.75]), [0.25, 0.5, 0.75, 1.0]),
    float_32x2 => |t| format(t, DXGI_FORMAT_R32G32_FLOAT, floats(&[0.25, 0.5]), [0.25, 0.5, 0.0, 1.0]),
    float_32 => |t| format(t, DXGI_FORMAT_R32_FLOAT, floats(&[0.25]), [0.25, 0.0, 0.0, 1.0]),
    half_x4 => |t| {
        let halves = [0x3400_u16, 0x3800, 0x3a00, 0x3c00];
        let bytes = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        format(t, DXGI_FORMAT_R16G16B16A16_FLOAT, bytes, halves.map(from_half))
    },
    unorm_16x2 => |t| format(t, DXGI_FORMAT_R16G16_UNORM, vec![0, 0x80, 0xff, 0xff], [0.5, 1.0, 0.0, 1.0]),
    snorm_16x2 => |t| format(t, DXGI_FORMAT_R16G16_SNORM, vec![0xff, 0x7f, 0, 0x40], [1.0, 0.5, 0.0, 1.0]),
    unorm_8x4 => |t| format(t, DXGI_FORMAT_R8G8B8A8_UNORM, vec![51, 102, 153, 204], [0.2, 0.4, 0.6, 0.8]),
    unorm_8x4_swapped => |t| format(t, DXGI_FORMAT_B8G8R8A8_UNORM, vec![51, 102, 153, 204], [0.6, 0.4, 0.2, 0.8]),
    snorm_8x4 => |t| format(t, DXGI_FORMAT_R8G8B8A8_SNORM, vec![127, 64, 0, 127], [1.0, 64.0 / 127.0, 0.0, 1.0]),
    packed_10 => |t| {
        let word = 205_u32 | 512 << 10 | 1023 << 20 | 2 << 30;
        format(t, DXGI_FORMAT_R10G10B10A2_UNORM, words(&[word]), [205.0 / 1023.0, 512.0 / 1023.0, 1.0, 2.0 / 3.0])
    },
    packed_11 => |t| {
        // 0.5, 0.25 and 1 with six and five bits of mantissa.
        let word = 0x380_u32 | 0x340 << 11 | 0x1e0 << 22;
        format(t, DXGI_FORMAT_R11G11B10_FLOAT, words(&[word]), [0.5, 0.25, 1.0, 1.0])
    },
    unsigned_8x4 => |t| integers(t, shader!("input.unsigned_only"), DXGI_FORMAT_R8G8B8A8_UINT, vec![51, 102, 153, 204]),
    unsigned_16x4 => |t| {
        integers(t, shader!("input.unsigned_only"), DXGI_FORMAT_R16G16B16A16_UINT, vec![51, 0, 102, 0, 153, 0, 204, 0])
    },
    unsigned_32x4 => |t| {
        integers(t, shader!("input.unsigned_only"), DXGI_FORMAT_R32G32B32A32_UINT, words(&[51, 102, 153, 204]))
    },
    signed_8x4 => |t| {
        let bytes = [51_u8, 102, 153, 204].map(|number| number.wrapping_sub(128)).to_vec();
        integers(t, shader!("input.signed_only"), DXGI_FORMAT_R8G8B8A8_SINT, bytes)
    },
    signed_32x4 => |t| {
        integers(t, shader!("input.signed_only"), DXGI_FORMAT_R32G32B32A32_SINT, ints(&[51 - 128, 102 - 128, 153 - 128, 204 - 128]))
    },
    instance_rate_0 => |t| instances(t, 0),
    instance_rate_1 => |t| instances(t, 1),
    instance_rate_3 => |t| instances(t, 3),
    first_instance, indexed_instances, indices_16, indices_32, base_vertex, negative_base_vertex, first_index, vertex_offset,
    appended_elements, stride_zero, beyond_the_buffer, indirect, indexed_indirect, pulled, displaced,
];

/// Two vertices of one colour, drawn as a line of pixels.
fn columns(t: &mut Test<'_>, vs: Code, format: DXGI_FORMAT, bytes: Vec<u8>) -> Result<Picture> {
    // CAST: at most 16. An odd stride is fine as long as elements are aligned.
    let stride = bytes.len().next_multiple_of(4) as u32;
    let mut vertex = bytes;
    vertex.resize(stride as usize, 0);
    let buffer = t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &vertex.repeat(2))?;
    let pass = Pass {
        vs,
        ps: shader!("common.coloured_ps"),
        topology: D3D_PRIMITIVE_TOPOLOGY_LINELIST,
        elements: vec![element(s!("COLOR"), format, 0)],
        vertices: vec![(buffer, stride, 0)],
        ..Pass::default()
    };
    t.draw(&pass, Call::Vertices(2))
}

fn format(t: &mut Test<'_>, format: DXGI_FORMAT, bytes: Vec<u8>, expected: [f32; 4]) -> Result<()> {
    let found = columns(t, shader!("input.colour_only"), format, bytes)?;
    t.expect(&found, |x, _| if x == 2 { expected } else { BLACK });
    Ok(())
}

fn integers(t: &mut Test<'_>, vs: Code, format: DXGI_FORMAT, bytes: Vec<u8>) -> Result<()> {
    let found = columns(t, vs, format, bytes)?;
    t.expect(&found, |x, _| if x == 2 { [0.2, 0.4, 0.6, 0.8] } else { BLACK });
    Ok(())
}

/// A pass that draws a square of 4×4 pixels for each instance, at places and in colours that a second buffer has.
fn squares(t: &Test<'_>, rate: u32) -> Result<Pass> {
    let vertices: Vec<f32> =
        rectangle([0.0, 0.0, 4.0, 4.0], 0.5, WHITE).iter().flat_map(|(place, _)| *place).collect();
    let instances: Vec<f32> =
        (0..6_u8).map(f32::from).flat_map(|n| [n / 8.0, 1.0 - n / 8.0, 0.5, 1.0]).collect();
    let offsets: Vec<f32> =
        (0..6_u8).map(f32::from).flat_map(|n| [n * 8.0 / 32.0, -n * 4.0 / 32.0]).collect();
    let bind = D3D11_BIND_VERTEX_BUFFER;
    let stream = |slot, rate| D3D11_INPUT_ELEMENT_DESC {
        InputSlot: slot,
        InputSlotClass: D3D11_INPUT_PER_INSTANCE_DATA,
        InstanceDataStepRate: rate,
        ..Default::default()
    };
    Ok(Pass {
        vs: shader!("input.instanced"),
        ps: shader!("common.coloured_ps"),
        elements: vec![
            element(s!("POSITION"), DXGI_FORMAT_R32G32B32A32_FLOAT, 0),
            D3D11_INPUT_ELEMENT_DESC {
                SemanticName: s!("COLOR"),
                Format: DXGI_FORMAT_R32G32B32A32_FLOAT,
                ..stream(1, rate)
            },
            D3D11_INPUT_ELEMENT_DESC {
                SemanticName: s!("OFFSET"),
                Format: DXGI_FORMAT_R32G32_FLOAT,
                ..stream(2, 1)
            },
        ],
        vertices: vec![
            (t.gpu.buffer(bind, &floats(&vertices))?, 16, 0),
            (t.gpu.buffer(bind, &floats(&instances))?, 16, 0),
            (t.gpu.buffer(bind, &floats(&offsets))?, 8, 0),
        ],
        ..Pass::default()
    })
}

fn expect_squares(
    t: &mut Test<'_>,
    found: &Picture,
    drawn: std::ops::Range<u32>,
    colour: impl Fn(u32) -> u32,
) {
    t.expect(found, |x, y| {
        let number = x / 8;
        if x % 8 < 4 && drawn.contains(&number) && y / 4 == number {
            // CAST: below 6.
            let n = colour(number) as f32;
            [n / 8.0, 1.0 - n / 8.0, 0.5, 1.0]
        } else {
            BLACK
        }
    });
}

/// Each colour serves `rate` instances; with 0 the first one serves all.
fn instances(t: &mut Test<'_>, rate: u32) -> Result<()> {
    let found = t.draw(&squares(t, rate)?, Call::Instances(6, 6, 0, 0))?;
    expect_squares(t, &found, 0..6, |n| n.checked_div(rate).unwrap_or(0));
    Ok(())
}

fn first_instance(t: &mut Test<'_>) -> Result<()> {
    let found = t.draw(&squares(t, 1)?, Call::Instances(6, 3, 0, 2))?;
    expect_squares(t, &found, 2..5, |n| n);
    Ok(())
}

/// Both triangles of each square from three vertices and three others.
fn indexed_instances(t: &mut Test<'_>) -> Result<()> {
    let indices = t.gpu.buffer(D3D11_BIND_INDEX_BUFFER, &words(&[9, 2, 3, 4, 5, 6, 7]))?;
    let pass = Pass { indices: Some((indices, DXGI_FORMAT_R32_UINT)), ..squares(t, 1)? };
    let found = t.draw(&pass, Call::IndexedInstances(6, 4, 1, -2, 1))?;
    expect_squares(t, &found, 1..5, |n| n);
    Ok(())
}

const PLACES: [[f32; 2]; 7] =
    [[0.0, 0.0], [2.0, 2.0], [60.0, 4.0], [4.0, 60.0], [62.0, 8.0], [62.0, 62.0], [8.0, 62.0]];

fn indexed(t: &mut Test<'_>, format: DXGI_FORMAT, call: Call, drawn: [usize; 3]) -> Result<()> {
    let numbers = [5_u32, 1, 2, 3, 4];
    let bytes: Vec<u8> = match format {
        // CAST: small.
        DXGI_FORMAT_R16_UINT => numbers.iter().flat_map(|index| (*index as u16).to_le_bytes()).collect(),
        _ => words(&numbers),
    };
    let indices = Some((t.gpu.buffer(D3D11_BIND_INDEX_BUFFER, &bytes)?, format));
    let found = t.draw(&Pass { indices, ..outline(t, &PLACES)? }, call)?;
    let triangle = drawn.map(|corner| PLACES[corner]);
    t.expect(&found, |x, y| white_if(covers(triangle, centre(x, y))));
    Ok(())
}

fn indices_16(t: &mut Test<'_>) -> Result<()> {
    indexed(t, DXGI_FORMAT_R16_UINT, Call::Indices(3, 0, 0), [5, 1, 2])
}

fn indices_32(t: &mut Test<'_>) -> Result<()> {
    indexed(t, DXGI_FORMAT_R32_UINT, Call::Indices(3, 0, 0), [5, 1, 2])
}

fn first_index(t: &mut Test<'_>) -> Result<()> {
    indexed(t, DXGI_FORMAT_R16_UINT, Call::Indices(3, 1, 0), [1, 2, 3])
}

fn base_vertex(t: &mut Test<'_>) -> Result<()> {
    indexed(t, DXGI_FORMAT_R16_UINT, Call::Indices(3, 1, 3), [4, 5, 6])
}

fn negative_base_vertex(t: &mut Test<'_>) -> Result<()> {
    indexed(t, DXGI_FORMAT_R16_UINT, Call::Indices(3, 2, -1), [1, 2, 3])
}

/// The buffer begins at its third vertex.
fn vertex_offset(t: &mut Test<'_>) -> Result<()> {
    let mut pass = outline(t, &PLACES)?;
    pass.vertices[0].2 = 2 * 32;
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |x, y| white_if(covers([PLACES[2], PLACES[3], PLACES[4]], centre(x, y))));
    Ok(())
}

/// Elements that follow the one before.
fn appended_elements(t: &mut Test<'_>) -> Result<()> {
    let mut pass = outline(t, &PLACES)?;
    pass.elements[1].AlignedByteOffset = D3D11_APPEND_ALIGNED_ELEMENT;
    let found = t.draw(&pass, Call::Vertices(3))?;
    t.expect(&found, |x, y| white_if(covers([PLACES[0], PLACES[1], PLACES[2]], centre(x, y))));
    Ok(())
}

/// A second buffer with a stride of zero has the same colour for every vertex.
fn stride_zero(t: &mut Test<'_>) -> Result<()> {
    let mut pass = outline(t, &PLACES[1..])?;
    pass.elements[1] = D3D11_INPUT_ELEMENT_DESC { InputSlot: 1, AlignedByteOffset: 0, ..pass.elements[1] };
    pass.vertices.push((t.gpu.buffer(D3D11_BIND_VERTEX_BUFFER, &floats(&GREEN))?, 0, 0));
    let found = t.draw(&pass, Call::Vertices(3))?;
    let triangle = [PLACES[1], PLACES[2], PLACES[3]];
    t.expect(&found, |x, y| if covers(triangle, centre(x, y)) { GREEN } else { BLACK });
    Ok(())
}

/// Vertices beyond the buffer are all zero, so that their triangles have no area.
fn beyond_the_buffer(t: &mut Test<'_>) -> Result<()> {
    let found = t.draw(&outline(t, &PLACES[1..4])?, Call::Vertices(300))?;
    let triangle = [PLACES[1], PLACES[2], PLACES[3]];
    t.expect(&found, |x, y| white_if(covers(triangle, centre(x, y))));
    Ok(())
}

fn arguments(t: &Test<'_>, numbers: &[u32]) -> Result<Buffer> {
    let misc = D3D11_RESOURCE_MISC_DRAWINDIRECT_ARGS;
    t.gpu.buffer_with(D3D11_BIND_FLAG(0), misc, 0, &words(numbers))
}

/// Six vertices of four instances, from instance 1, at an offset of 8 bytes.
fn indirect(t: &mut Test<'_>) -> Result<()> {
    let arguments = arguments(t, &[99, 99, 6, 4, 0, 1])?;
    let found = t.draw(&squares(t, 1)?, Call::Indirect(arguments, 8))?;
    expect_squares(t, &found, 1..5, |n| n);
    Ok(())
}

fn indexed_indirect(t: &mut Test<'_>) -> Result<()> {
    let indices = t.gpu.buffer(D3D11_BIND_INDEX_BUFFER, &words(&[99, 8, 9, 10, 11, 12, 13]))?;
    let arguments = arguments(t, &[6, 3, 1, (-8_i32).cast_unsigned(), 2])?;
    let pass = Pass { indices: Some((indices, DXGI_FORMAT_R32_UINT)), ..squares(t, 1)? };
    let found = t.draw(&pass, Call::IndexedIndirect(arguments, 0))?;
    expect_squares(t, &found, 2..5, |n| n);
    Ok(())
}

fn pulled(t: &mut Test<'_>) -> Result<()> {
    let places: Vec<f32> = PLACES[1..4]
        .iter()
        .flat_map(|place| {
            let [x, y] = clip(*place);
            [x, y, 0.5, 1.0]
        })
        .collect();
    let buffer = t.gpu.structured(16, &floats(&places))?;
    let pass = Pass {
        vs: shader!("input.pulled"),
        ps: shader!("common.coloured_ps"),
        resources: vec![t.gpu.srv(&buffer)?],
        rasterizer: Some(rasterizer()),
        ..Pass::default()
    };
    let found = t.draw(&pass, Call::Vertices(3))?;
    let triangle = [PLACES[1], PLACES[2], PLACES[3]];
    t.expect(&found, |x, y| if covers(triangle, centre(x, y)) { GREEN } else { BLACK });
    Ok(())
}

/// A grid's line, lifted by a texture.
fn displaced(t: &mut Test<'_>) -> Result<()> {
    let heights = t.gpu.texture(
        &Shape { format: DXGI_FORMAT_R32_FLOAT, ..Shape::square(2) },
        &[floats(&[0.25, 0.5, 0.25, 0.5])],
    )?;
    let vertices =
        [rectangle([0.0, 40.0, 30.0, 50.0], 0.5, RED), rectangle([34.0, 40.0, 64.0, 50.0], 0.5, GREEN)]
            .concat();
    let pass = Pass {
        vs: shader!("input.displaced"),
        resources: vec![t.gpu.srv(&heights)?],
        samplers: vec![sampler(D3D11_FILTER_MIN_MAG_MIP_POINT, D3D11_TEXTURE_ADDRESS_CLAMP)],
        ..coloured(t, &vertices)?
    };
    let found = t.draw(&pass, Call::Vertices(12))?;
    t.expect(&found, |x, y| match x {
        0..30 if (32..42).contains(&y) => RED,
        34.. if (24..34).contains(&y) => GREEN,
        _ => BLACK,
    });
    Ok(())
}
