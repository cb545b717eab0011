//! Reading textures: filters, address modes, levels, comparisons, gathers, offsets, dimensions.

use super::common::*;
use super::textures::*;
use crate::kit::*;

const POINT: D3D11_FILTER = D3D11_FILTER_MIN_MAG_MIP_POINT;
const LINEAR: D3D11_FILTER = D3D11_FILTER_MIN_MAG_MIP_LINEAR;

cases![
    point => |t| filtered(t, POINT, D3D11_TEXTURE_ADDRESS_WRAP),
    linear => |t| filtered(t, LINEAR, D3D11_TEXTURE_ADDRESS_WRAP),
    point_mirror => |t| filtered(t, POINT, D3D11_TEXTURE_ADDRESS_MIRROR),
    linear_mirror => |t| filtered(t, LINEAR, D3D11_TEXTURE_ADDRESS_MIRROR),
    point_clamp => |t| filtered(t, POINT, D3D11_TEXTURE_ADDRESS_CLAMP),
    linear_clamp => |t| filtered(t, LINEAR, D3D11_TEXTURE_ADDRESS_CLAMP),
    point_border => |t| filtered(t, POINT, D3D11_TEXTURE_ADDRESS_BORDER),
    linear_border => |t| filtered(t, LINEAR, D3D11_TEXTURE_ADDRESS_BORDER),
    point_mirror_once => |t| filtered(t, POINT, D3D11_TEXTURE_ADDRESS_MIRROR_ONCE),
    linear_mirror_once => |t| filtered(t, LINEAR, D3D11_TEXTURE_ADDRESS_MIRROR_ONCE),
    mixed_address_modes, magnify_point_minify_linear, magnify_linear_minify_point,
    level_point, level_linear, automatic_levels, bias, sampler_bias, gradient, min_level, max_level, view_levels,
    resource_min_level, anisotropic, border_colours, offset,
    compare_functions, compare_linear, compare_level_zero, gather_red, gather_green, gather_alpha, gather_offset,
    gather_dynamic_offset, gather_four_offsets, gather_compare, load, load_beyond, load_offset, load_unsigned,
    load_signed, one_dimension, one_dimension_array, array, array_part, three_dimensions, sample_cube,
    sample_cube_array, cube_seams, load_sample, load_sample_array, sample_places, dimensions, array_dimensions,
    sample_dimensions, level_of_detail, swizzle, unbound,
];

/// A pass that reads a texture with a sampler.
fn reading(
    t: &Test<'_>,
    ps: Code,
    texture: &Texture,
    sampler: D3D11_SAMPLER_DESC,
    constants: [f32; 8],
) -> Result<Pass> {
    through(t, ps, t.gpu.srv(texture)?, sampler, constants)
}

/// The same of a view.
fn through(
    t: &Test<'_>,
    ps: Code,
    view: ID3D11ShaderResourceView,
    sampler: D3D11_SAMPLER_DESC,
    constants: [f32; 8],
) -> Result<Pass> {
    Ok(Pass {
        ps,
        resources: vec![view],
        samplers: vec![sampler],
        constants: vec![t.gpu.constants(&floats(&constants))?],
        ..Pass::default()
    })
}

/// Coordinates from 0 to 1, and an argument.
fn unit(argument: f32) -> [f32; 8] {
    [1.0, 1.0, 0.0, 0.0, argument, 0.0, 0.0, 0.0]
}

const BORDER: [f32; 4] = [0.2, 0.6, 0.4, 0.8];

/// A texture of 4×4 texels three times in each direction.
fn filtered(t: &mut Test<'_>, filter: D3D11_FILTER, mode: D3D11_TEXTURE_ADDRESS_MODE) -> Result<()> {
    let texels = patchwork(4);
    let texture = plane(t, 4, &texels)?;
    let sampler = D3D11_SAMPLER_DESC { BorderColor: BORDER, ..sampler(filter, mode) };
    let constants = [3.0, 3.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0];
    let found = t.full(&reading(t, shader!("sampling.sample"), &texture, sampler, constants)?)?;
    let source = Source { texels: &texels, size: 4, modes: [mode; 2], border: BORDER };
    t.expect_within(3.0 / 255.0, &found, |x, y| {
        let at = centre(x, y).map(|place| place / 64.0 * 3.0 - 1.0);
        if filter == POINT { source.point(at) } else { source.linear(at) }
    });
    Ok(())
}

fn mixed_address_modes(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(4);
    let texture = plane(t, 4, &texels)?;
    let modes = [D3D11_TEXTURE_ADDRESS_MIRROR, D3D11_TEXTURE_ADDRESS_BORDER];
    let sampler = D3D11_SAMPLER_DESC { AddressV: modes[1], BorderColor: BORDER, ..sampler(POINT, modes[0]) };
    let constants = [3.0, 3.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0];
    let found = t.full(&reading(t, shader!("sampling.sample"), &texture, sampler, constants)?)?;
    let source = Source { texels: &texels, size: 4, modes, border: BORDER };
    t.expect(&found, |x, y| source.point(centre(x, y).map(|place| place / 64.0 * 3.0 - 1.0)));
    Ok(())
}

/// A texture that is larger on the screen than in memory, with the filter for magnification.
fn magnified(t: &mut Test<'_>, filter: D3D11_FILTER, is_point: bool) -> Result<()> {
    let texels = patchwork(4);
    let texture = plane(t, 4, &texels)?;
    let sampler = sampler(filter, D3D11_TEXTURE_ADDRESS_CLAMP);
    let found = t.full(&reading(t, shader!("sampling.sample"), &texture, sampler, unit(0.0))?)?;
    let source = Source { texels: &texels, size: 4, modes: [D3D11_TEXTURE_ADDRESS_CLAMP; 2], border: BORDER };
    t.expect_within(3.0 / 255.0, &found, |x, y| {
        let at = centre(x, y).map(|place| place / 64.0);
        if is_point { source.point(at) } else { source.linear(at) }
    });
    Ok(())
}

fn magnify_point_minify_linear(t: &mut Test<'_>) -> Result<()> {
    magnified(t, D3D11_FILTER_MIN_LINEAR_MAG_MIP_POINT, true)
}

fn magnify_linear_minify_point(t: &mut Test<'_>) -> Result<()> {
    magnified(t, D3D11_FILTER_MIN_POINT_MAG_LINEAR_MIP_POINT, false)
}

/// Reads the texture whose levels have one colour each, and expects one colour everywhere.
fn expect_level(
    t: &mut Test<'_>,
    ps: Code,
    sampler: D3D11_SAMPLER_DESC,
    constants: [f32; 8],
    expected: f32,
) -> Result<()> {
    let texture = levels(t, D3D11_RESOURCE_MISC_FLAG(0))?;
    let found = t.full(&reading(t, ps, &texture, sampler, constants)?)?;
    // Levels of detail have at least 8 fractional bits, and approximations of logarithms on top.
    t.expect_within(6.0 / 255.0, &found, |_, _| level_colour(expected));
    Ok(())
}

fn wrap(filter: D3D11_FILTER) -> D3D11_SAMPLER_DESC {
    sampler(filter, D3D11_TEXTURE_ADDRESS_WRAP)
}

fn level_point(t: &mut Test<'_>) -> Result<()> {
    for (level, expected) in [(0.0, 0.0), (1.3, 1.0), (1.7, 2.0), (-3.0, 0.0), (5.0, 5.0), (9.0, 5.0)] {
        expect_level(t, shader!("sampling.level"), wrap(POINT), unit(level), expected)?;
    }
    Ok(())
}

fn level_linear(t: &mut Test<'_>) -> Result<()> {
    let filter = D3D11_FILTER_MIN_MAG_POINT_MIP_LINEAR;
    for (level, expected) in [(0.0, 0.0), (1.25, 1.25), (1.75, 1.75), (-3.0, 0.0), (4.5, 4.5), (9.0, 5.0)] {
        expect_level(t, shader!("sampling.level"), wrap(filter), unit(level), expected)?;
    }
    Ok(())
}

/// Coordinates that run so fast that a pixel covers one, two, four, eight texels.
fn automatic_levels(t: &mut Test<'_>) -> Result<()> {
    for (scale, expected) in [(2.0, 0.0), (4.0, 1.0), (8.0, 2.0), (16.0, 3.0)] {
        let constants = [scale, scale, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        expect_level(t, shader!("sampling.sample"), wrap(LINEAR), constants, expected)?;
    }
    Ok(())
}

fn bias(t: &mut Test<'_>) -> Result<()> {
    for (bias, expected) in [(0.0, 1.0), (1.5, 2.5), (-1.0, 0.0), (12.0, 5.0)] {
        let constants = [4.0, 4.0, 0.0, 0.0, bias, 0.0, 0.0, 0.0];
        expect_level(t, shader!("sampling.bias"), wrap(LINEAR), constants, expected)?;
    }
    Ok(())
}

fn sampler_bias(t: &mut Test<'_>) -> Result<()> {
    let sampler = D3D11_SAMPLER_DESC { MipLODBias: 1.5, ..wrap(LINEAR) };
    expect_level(t, shader!("sampling.sample"), sampler, [4.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 2.5)?;
    expect_level(t, shader!("sampling.level"), sampler, unit(1.0), 2.5)
}

fn gradient(t: &mut Test<'_>) -> Result<()> {
    // Derivatives of 4 and 8 texels of 32: the larger one counts.
    let constants = [1.0, 1.0, 0.0, 0.0, 4.0 / 32.0, 8.0 / 32.0, 0.0, 0.0];
    expect_level(t, shader!("sampling.gradient"), wrap(LINEAR), constants, 3.0)
}

fn min_level(t: &mut Test<'_>) -> Result<()> {
    let sampler = D3D11_SAMPLER_DESC { MinLOD: 2.5, ..wrap(LINEAR) };
    expect_level(t, shader!("sampling.level"), sampler, unit(0.0), 2.5)
}

fn max_level(t: &mut Test<'_>) -> Result<()> {
    let sampler = D3D11_SAMPLER_DESC { MaxLOD: 1.5, ..wrap(LINEAR) };
    expect_level(t, shader!("sampling.level"), sampler, unit(4.0), 1.5)
}

/// A view of levels 2 and 3 only.
fn view_levels(t: &mut Test<'_>) -> Result<()> {
    let texture = levels(t, D3D11_RESOURCE_MISC_FLAG(0))?;
    let part =
        D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 2, MipLevels: 2 } };
    let view = t.gpu.srv_as(&texture, texture.shape.format, D3D11_SRV_DIMENSION_TEXTURE2D, part)?;
    for (level, expected) in [(0.0, 2.0), (1.0, 3.0), (4.0, 3.0)] {
        let pass = reading(t, shader!("sampling.level"), &texture, wrap(POINT), unit(level))?;
        let found = t.full(&Pass { resources: vec![view.clone()], ..pass })?;
        t.expect(&found, |_, _| level_colour(expected));
    }
    Ok(())
}

fn resource_min_level(t: &mut Test<'_>) -> Result<()> {
    let texture = levels(t, D3D11_RESOURCE_MISC_RESOURCE_CLAMP)?;
    t.gpu.set_min_lod(&texture, 3.0);
    let pass = reading(t, shader!("sampling.level"), &texture, wrap(POINT), unit(1.0))?;
    let found = t.full(&pass)?;
    t.expect(&found, |_, _| level_colour(3.0));
    Ok(())
}

/// A pixel that covers eight texels in one direction and one in the other: the finest level, or nearly so.
fn anisotropic(t: &mut Test<'_>) -> Result<()> {
    let texture = levels(t, D3D11_RESOURCE_MISC_FLAG(0))?;
    let sampler = D3D11_SAMPLER_DESC { MaxAnisotropy: 8, ..wrap(D3D11_FILTER_ANISOTROPIC) };
    let pass =
        reading(t, shader!("sampling.sample"), &texture, sampler, [16.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])?;
    let target = t.target(&pass)?;
    t.gpu.draw(&Pass { targets: vec![t.gpu.rtv(&target)?], ..pass }, &Call::Vertices(3))?;
    // How much sharper it is than level 3, which an isotropic filter takes, is the hardware's choice.
    let found = t.gpu.picture(&target, 0)?;
    let level = |texel: [f32; 4]| texel[0] * 5.0;
    t.equal("pixels of a level beyond 1.1", &found.count(|texel| level(texel) > 1.1), &0);
    Ok(())
}

/// The three colours that every hardware has, and one of the program's own.
fn border_colours(t: &mut Test<'_>) -> Result<()> {
    let texture = plane(t, 4, &patchwork(4))?;
    for border in [BLACK, [0.0, 0.0, 0.0, 1.0], WHITE, BORDER] {
        let sampler =
            D3D11_SAMPLER_DESC { BorderColor: border, ..sampler(LINEAR, D3D11_TEXTURE_ADDRESS_BORDER) };
        let constants = [1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        let found = t.full(&reading(t, shader!("sampling.sample"), &texture, sampler, constants)?)?;
        t.expect(&found, |_, _| border);
    }
    Ok(())
}

/// Reads a texture of 8×8 texels by points, and expects for each pixel what is computed from its texel's place.
fn expect_texels(
    t: &mut Test<'_>,
    ps: Code,
    argument: [f32; 4],
    expected: impl Fn(&Source<'_>, [i32; 2]) -> [f32; 4],
) -> Result<()> {
    let texels = patchwork(8);
    let texture = plane(t, 8, &texels)?;
    let mut constants = unit(0.0);
    constants[4..].copy_from_slice(&argument);
    let found = t.full(&reading(t, ps, &texture, wrap(POINT), constants)?)?;
    let source = Source { texels: &texels, size: 8, modes: [D3D11_TEXTURE_ADDRESS_WRAP; 2], border: BORDER };
    // CAST: below 8.
    t.expect(&found, |x, y| expected(&source, [x as i32 / 8, y as i32 / 8]));
    Ok(())
}

fn offset(t: &mut Test<'_>) -> Result<()> {
    expect_texels(t, shader!("sampling.offset"), BLACK, |source, [x, y]| source.texel([x + 1, y - 2]))
}

/// The four texels that a linear filter would mix, one channel of each, counter-clockwise from the lower left one.
fn gathered(source: &Source<'_>, [x, y]: [u32; 2], channel: usize, [dx, dy]: [i32; 2]) -> [f32; 4] {
    // CAST: below 8.
    let corner = |place: u32| ((place as f32 + 0.5) / 8.0 - 0.5).floor() as i32;
    let (left, top) = (corner(x) + dx, corner(y) + dy);
    [[0, 1], [1, 1], [1, 0], [0, 0]].map(|[right, down]| source.texel([left + right, top + down])[channel])
}

fn gather(
    t: &mut Test<'_>,
    ps: Code,
    channel: usize,
    argument: [f32; 4],
    offsets: [[i32; 2]; 4],
) -> Result<()> {
    let texels = patchwork(8);
    let texture = plane(t, 8, &texels)?;
    let mut constants = unit(0.0);
    constants[4..].copy_from_slice(&argument);
    let found = t.full(&reading(t, ps, &texture, wrap(POINT), constants)?)?;
    let source = Source { texels: &texels, size: 8, modes: [D3D11_TEXTURE_ADDRESS_WRAP; 2], border: BORDER };
    t.expect(&found, |x, y| {
        [0, 1, 2, 3].map(|corner| gathered(&source, [x, y], channel, offsets[corner])[corner])
    });
    Ok(())
}

fn gather_red(t: &mut Test<'_>) -> Result<()> {
    gather(t, shader!("sampling.gather_red"), 0, BLACK, [[0; 2]; 4])
}

fn gather_green(t: &mut Test<'_>) -> Result<()> {
    gather(t, shader!("sampling.gather_green"), 1, BLACK, [[0; 2]; 4])
}

fn gather_alpha(t: &mut Test<'_>) -> Result<()> {
    gather(t, shader!("sampling.gather_alpha"), 3, BLACK, [[0; 2]; 4])
}

fn gather_offset(t: &mut Test<'_>) -> Result<()> {
    gather(t, shader!("sampling.gather_offset"), 0, BLACK, [[2, 1]; 4])
}

fn gather_dynamic_offset(t: &mut Test<'_>) -> Result<()> {
    gather(t, shader!("sampling.gather_dynamic_offset"), 0, [-3.0, 5.0, 0.0, 0.0], [[-3, 5]; 4])
}

/// Each of the four texels has an offset of its own.
fn gather_four_offsets(t: &mut Test<'_>) -> Result<()> {
    gather(t, shader!("sampling.gather_four_offsets"), 0, BLACK, [[0, 0], [1, 0], [0, 1], [-1, -1]])
}

/// A comparison, and what it means.
type Comparison = (D3D11_COMPARISON_FUNC, fn(f32, f32) -> bool);

const COMPARISONS: [Comparison; 8] = [
    (D3D11_COMPARISON_NEVER, |_, _| false),
    (D3D11_COMPARISON_LESS, |a, b| a < b),
    (D3D11_COMPARISON_EQUAL, |a, b| a == b),
    (D3D11_COMPARISON_LESS_EQUAL, |a, b| a <= b),
    (D3D11_COMPARISON_GREATER, |a, b| a > b),
    (D3D11_COMPARISON_NOT_EQUAL, |a, b| a != b),
    (D3D11_COMPARISON_GREATER_EQUAL, |a, b| a >= b),
    (D3D11_COMPARISON_ALWAYS, |_, _| true),
];

/// A depth texture of 4×4 texels with a depth of n/16 each.
fn depths(t: &Test<'_>) -> Result<ID3D11ShaderResourceView> {
    let texels: Vec<f32> = (0..16_u8).map(|n| f32::from(n) / 16.0).collect();
    let bind = D3D11_BIND_FLAG(D3D11_BIND_SHADER_RESOURCE.0 | D3D11_BIND_DEPTH_STENCIL.0);
    let shape = Shape { format: DXGI_FORMAT_R32_TYPELESS, bind, ..Shape::square(4) };
    let texture = t.gpu.texture(&shape, &[floats(&texels)])?;
    let part =
        D3D11_SHADER_RESOURCE_VIEW_DESC_0 { Texture2D: D3D11_TEX2D_SRV { MostDetailedMip: 0, MipLevels: 1 } };
    t.gpu.srv_as(&texture, DXGI_FORMAT_R32_FLOAT, D3D11_SRV_DIMENSION_TEXTURE2D, part)
}

fn comparing(filter: D3D11_FILTER, function: D3D11_COMPARISON_FUNC) -> D3D11_SAMPLER_DESC {
    D3D11_SAMPLER_DESC { ComparisonFunc: function, ..sampler(filter, D3D11_TEXTURE_ADDRESS_CLAMP) }
}

/// The reference, 0.5, is compared with each texel: `reference FUNCTION texel`.
fn compare_functions(t: &mut Test<'_>) -> Result<()> {
    let depths = depths(t)?;
    for (function, is_so) in COMPARISONS {
        let sampler = comparing(D3D11_FILTER_COMPARISON_MIN_MAG_MIP_POINT, function);
        let found = t.full(&through(t, shader!("sampling.compare"), depths.clone(), sampler, unit(0.5))?)?;
        // CAST: below 16.
        t.expect(&found, |x, y| white_if(is_so(0.5, (x / 16 + y / 16 * 4) as f32 / 16.0)));
    }
    Ok(())
}

/// The results of four comparisons are mixed, not their depths.
fn compare_mixed(t: &mut Test<'_>, ps: Code) -> Result<()> {
    let depths = depths(t)?;
    let sampler = comparing(D3D11_FILTER_COMPARISON_MIN_MAG_MIP_LINEAR, D3D11_COMPARISON_LESS);
    let found = t.full(&through(t, ps, depths, sampler, unit(0.40))?)?;
    let results: Vec<[f32; 4]> = (0..16_u8).map(|n| white_if(0.40 < f32::from(n) / 16.0)).collect();
    let source =
        Source { texels: &results, size: 4, modes: [D3D11_TEXTURE_ADDRESS_CLAMP; 2], border: BORDER };
    t.expect_within(3.0 / 255.0, &found, |x, y| source.linear(centre(x, y).map(|place| place / 64.0)));
    Ok(())
}

fn compare_linear(t: &mut Test<'_>) -> Result<()> {
    compare_mixed(t, shader!("sampling.compare"))
}

fn compare_level_zero(t: &mut Test<'_>) -> Result<()> {
    compare_mixed(t, shader!("sampling.compare_level_zero"))
}

fn gather_compare(t: &mut Test<'_>) -> Result<()> {
    let depths = depths(t)?;
    let sampler = comparing(D3D11_FILTER_COMPARISON_MIN_MAG_MIP_LINEAR, D3D11_COMPARISON_LESS);
    let found = t.full(&through(t, shader!("sampling.gather_compare"), depths, sampler, unit(0.40))?)?;
    t.expect(&found, |x, y| {
        // CAST: below 4.
        let corner = |place: u32| ((place as f32 + 0.5) / 16.0 - 0.5).floor() as i32;
        [[0, 1], [1, 1], [1, 0], [0, 0]].map(|[right, down]| {
            let (x, y) = ((corner(x) + right).clamp(0, 3), (corner(y) + down).clamp(0, 3));
            f32::from(u8::from(0.40 < (x + y * 4) as f32 / 16.0))
        })
    });
    Ok(())
}

/// Places beyond the texture, on the left and above it, read as zeros.
fn load(t: &mut Test<'_>) -> Result<()> {
    expect_texels(t, shader!("sampling.load"), BLACK, |source, [x, y]| {
        if x < 2 || y < 2 { BLACK } else { source.texel([x - 2, y - 2]) }
    })
}

/// A level that the texture does not have reads as zeros.
fn load_beyond(t: &mut Test<'_>) -> Result<()> {
    expect_texels(t, shader!("sampling.load"), [7.0, 0.0, 0.0, 0.0], |_, _| BLACK)
}

fn load_offset(t: &mut Test<'_>) -> Result<()> {
    expect_texels(t, shader!("sampling.load_offset"), BLACK, |source, [x, y]| {
        if x + 1 > 7 || y < 2 { BLACK } else { source.texel([x + 1, y - 2]) }
    })
}

fn load_unsigned(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(
        &Shape { format: DXGI_FORMAT_R8G8B8A8_UINT, ..Shape::square(4) },
        &[(0..64).map(|n: u8| n * 4).collect()],
    )?;
    let found = t.full(&reading(t, shader!("sampling.load_unsigned"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, y| {
        let first = (x / 16 + y / 16 * 4) * 16;
        // CAST: at most 255.
        [0, 4, 8, 12].map(|channel| (first + channel) as f32 / 255.0)
    });
    Ok(())
}

fn load_signed(t: &mut Test<'_>) -> Result<()> {
    let texture = t.gpu.texture(
        &Shape { format: DXGI_FORMAT_R8G8B8A8_SINT, ..Shape::square(4) },
        &[(0..64).map(|n: u8| (n * 4).wrapping_sub(128)).collect()],
    )?;
    let found = t.full(&reading(t, shader!("sampling.load_signed"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, y| {
        let first = (x / 16 + y / 16 * 4) * 16;
        // CAST: at most 255.
        [0, 4, 8, 12].map(|channel| (first + channel) as f32 / 255.0)
    });
    Ok(())
}

fn one_dimension(t: &mut Test<'_>) -> Result<()> {
    let row = &patchwork(8)[..8];
    let shape = Shape { kind: Kind::D1, height: 1, ..Shape::square(8) };
    let texture = t.gpu.texture(&Shape { height: 1, ..shape }, &[bytes(row)])?;
    let found = t.full(&reading(t, shader!("sampling.one_dimension"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, _| row[x as usize / 8]);
    Ok(())
}

fn one_dimension_array(t: &mut Test<'_>) -> Result<()> {
    let texels = patchwork(8);
    let rows: Vec<Vec<u8>> = texels.chunks_exact(8).take(3).map(bytes).collect();
    let shape = Shape { kind: Kind::D1, height: 1, slices: 3, ..Shape::square(8) };
    let texture = t.gpu.texture(&Shape { height: 1, ..shape }, &rows)?;
    let found =
        t.full(&reading(t, shader!("sampling.one_dimension_array"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, y| {
        let slice = (centre(x, y)[1] / 16.0 - 1.0).round().clamp(0.0, 2.0);
        // CAST: 0 to 2.
        texels[x as usize / 8 + slice as usize * 8]
    });
    Ok(())
}

const SLICES: [[f32; 4]; 4] = [RED, GREEN, BLUE, WHITE];

fn slices(t: &Test<'_>) -> Result<Texture> {
    let data: Vec<Vec<u8>> = SLICES.iter().map(|colour| bytes(&[*colour; 16])).collect();
    t.gpu.texture(&Shape { slices: 4, ..Shape::square(4) }, &data)
}

fn array(t: &mut Test<'_>) -> Result<()> {
    let texture = slices(t)?;
    let found = t.full(&reading(t, shader!("sampling.array"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, y| {
        let slice = (centre(x, y)[1] / 64.0 * 6.0 - 1.5).round_ties_even().clamp(0.0, 3.0);
        // CAST: 0 to 3.
        SLICES[slice as usize]
    });
    Ok(())
}

/// A view of slices 1 and 2 only.
fn array_part(t: &mut Test<'_>) -> Result<()> {
    let texture = slices(t)?;
    let part = D3D11_SHADER_RESOURCE_VIEW_DESC_0 {
        Texture2DArray: D3D11_TEX2D_ARRAY_SRV {
            MostDetailedMip: 0,
            MipLevels: 1,
            FirstArraySlice: 1,
            ArraySize: 2,
        },
    };
    let view = t.gpu.srv_as(&texture, texture.shape.format, D3D11_SRV_DIMENSION_TEXTURE2DARRAY, part)?;
    let pass = reading(t, shader!("sampling.array"), &texture, wrap(POINT), unit(0.0))?;
    let found = t.full(&Pass { resources: vec![view], ..pass })?;
    t.expect(&found, |x, y| {
        let slice = (centre(x, y)[1] / 64.0 * 6.0 - 1.5).round_ties_even().clamp(0.0, 1.0);
        // CAST: 0 or 1.
        SLICES[slice as usize + 1]
    });
    Ok(())
}

/// Half-way between two slices of a 3D texture their colours are mixed.
fn three_dimensions(t: &mut Test<'_>) -> Result<()> {
    let data: Vec<u8> = SLICES.iter().flat_map(|colour| bytes(&[*colour; 16])).collect();
    let shape = Shape { kind: Kind::D3, depth: 4, ..Shape::square(4) };
    let texture = t.gpu.texture(&shape, &[data])?;
    for (depth, expected) in [(0.125, RED), (0.5, [0.0, 0.5, 0.5, 1.0]), (0.875, WHITE)] {
        let sampler = sampler(LINEAR, D3D11_TEXTURE_ADDRESS_CLAMP);
        let found =
            t.full(&reading(t, shader!("sampling.three_dimensions"), &texture, sampler, unit(depth))?)?;
        t.expect_within(3.0 / 255.0, &found, |_, _| expected);
    }
    Ok(())
}

const FACES: [[f32; 4]; 6] =
    [RED, [0.0, 1.0, 1.0, 1.0], GREEN, [1.0, 0.0, 1.0, 1.0], BLUE, [1.0, 1.0, 0.0, 1.0]];

/// The face that a direction hits: +X, -X, +Y, -Y, +Z, -Z.
fn face(x: u32, y: u32) -> usize {
    let [u, v] = centre(x, y).map(|place| f64::from(place) / 64.0);
    let (a, b) = (u * std::f64::consts::TAU, (v - 0.5) * std::f64::consts::PI);
    let direction = [a.cos() * b.cos(), b.sin(), a.sin() * b.cos()];
    let axis = (0..3).max_by(|p, q| direction[*p].abs().total_cmp(&direction[*q].abs())).unwrap_or(0);
    axis * 2 + usize::from(direction[axis] < 0.0)
}

fn cubes(t: &Test<'_>, colours: &[[f32; 4]]) -> Result<Texture> {
    let data: Vec<Vec<u8>> = colours.iter().map(|colour| bytes(&[*colour; 16])).collect();
    // CAST: 6 or 12.
    t.gpu.texture(&Shape { kind: Kind::Cube, slices: colours.len() as u32, ..Shape::square(4) }, &data)
}

/// Pixels whose direction hits an edge of the cube may be of either face.
const ON_EDGES: usize = 24;

fn sample_cube(t: &mut Test<'_>) -> Result<()> {
    let texture = cubes(t, &FACES)?;
    let found = t.full(&reading(t, shader!("sampling.sample_cube"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect_most(ON_EDGES, 0.01, &found, |x, y| FACES[face(x, y)]);
    Ok(())
}

fn sample_cube_array(t: &mut Test<'_>) -> Result<()> {
    let colours = [FACES, FACES.map(|colour| colour.map(|channel| channel * 0.6))].concat();
    let texture = cubes(t, &colours)?;
    let part = D3D11_SHADER_RESOURCE_VIEW_DESC_0 {
        TextureCubeArray: D3D11_TEXCUBE_ARRAY_SRV {
            MostDetailedMip: 0,
            MipLevels: 1,
            First2DArrayFace: 0,
            NumCubes: 2,
        },
    };
    let view = t.gpu.srv_as(&texture, texture.shape.format, D3D11_SRV_DIMENSION_TEXTURECUBEARRAY, part)?;
    let pass = reading(t, shader!("sampling.sample_cube_array"), &texture, wrap(POINT), unit(0.0))?;
    let found = t.full(&Pass { resources: vec![view], ..pass })?;
    t.expect_most(ON_EDGES, 0.01, &found, |x, y| colours[face(x, y) + if y < 32 { 0 } else { 6 }]);
    Ok(())
}

/// A linear filter mixes across the edges of a cube's faces: near an edge there are colours of neither face.
fn cube_seams(t: &mut Test<'_>) -> Result<()> {
    let texture = cubes(t, &FACES)?;
    let found = t.full(&reading(t, shader!("sampling.sample_cube"), &texture, wrap(LINEAR), unit(0.0))?)?;
    t.holds("faces are mixed", found.count(|texel| !FACES.contains(&texel)) > 500);
    t.holds("faces have middles", found.count(|texel| FACES.contains(&texel)) > 500);
    Ok(())
}

/// A target with four samples, each of which was drawn in a colour of its own.
fn samples(t: &Test<'_>) -> Result<Texture> {
    let canvas = Canvas { samples: 4, ..Canvas::default() };
    let pass = Pass { ps: shader!("common.constant"), canvas, ..Pass::default() };
    let target = t.target(&pass)?;
    for (sample, colour) in SLICES.iter().enumerate() {
        let constants = vec![t.gpu.constants(&floats(colour))?];
        let targets = vec![t.gpu.rtv(&target)?];
        t.gpu.draw(
            &Pass { sample_mask: 1 << sample, constants, targets, ..pass.clone() },
            &Call::Vertices(3),
        )?;
    }
    Ok(target)
}

fn quarter(x: u32, y: u32) -> usize {
    (x / 32 + y / 32 * 2) as usize
}

fn load_sample(t: &mut Test<'_>) -> Result<()> {
    let texture = samples(t)?;
    let found = t.full(&reading(t, shader!("sampling.load_sample"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, y| SLICES[quarter(x, y)]);
    Ok(())
}

/// The left half reads slice 0 of a multisampled array, the right half slice 1.
fn load_sample_array(t: &mut Test<'_>) -> Result<()> {
    let bind = D3D11_BIND_RENDER_TARGET | D3D11_BIND_SHADER_RESOURCE;
    let texture = t.gpu.texture(&Shape { samples: 4, slices: 2, bind, ..Shape::default() }, &[])?;
    for (slice, colour) in [(0, RED), (1, GREEN)] {
        let part = D3D11_RENDER_TARGET_VIEW_DESC_0 {
            Texture2DMSArray: D3D11_TEX2DMS_ARRAY_RTV { FirstArraySlice: slice, ArraySize: 1 },
        };
        let view =
            t.gpu.rtv_as(&texture, texture.shape.format, D3D11_RTV_DIMENSION_TEXTURE2DMSARRAY, part)?;
        t.gpu.clear(&view, colour);
    }
    let found =
        t.full(&reading(t, shader!("sampling.load_sample_array"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |x, _| if x < 32 { RED } else { GREEN });
    Ok(())
}

fn sample_places(t: &mut Test<'_>) -> Result<()> {
    let texture = samples(t)?;
    let found = t.full(&reading(t, shader!("sampling.sample_places"), &texture, wrap(POINT), unit(0.0))?)?;
    let places = [[6.0, 2.0], [14.0, 6.0], [2.0, 10.0], [10.0, 14.0]];
    t.expect(&found, |x, y| {
        let [x, y]: [f32; 2] = places[quarter(x, y)];
        [x / 16.0, y / 16.0, 0.0, 1.0]
    });
    Ok(())
}

fn dimensions(t: &mut Test<'_>) -> Result<()> {
    let texture = levels(t, D3D11_RESOURCE_MISC_FLAG(0))?;
    for (level, size) in [(0.0, 32.0), (2.0, 8.0)] {
        let found =
            t.full(&reading(t, shader!("sampling.dimensions"), &texture, wrap(POINT), unit(level))?)?;
        t.expect(&found, |_, _| [size, size, 6.0, 255.0].map(|number| number / 255.0));
    }
    Ok(())
}

fn array_dimensions(t: &mut Test<'_>) -> Result<()> {
    let data = [vec![0; 16 * 8 * 4], vec![0; 8 * 4 * 4]];
    let data: Vec<Vec<u8>> = data.iter().cycle().take(10).cloned().collect();
    let texture =
        t.gpu.texture(&Shape { width: 16, height: 8, slices: 5, levels: 2, ..Shape::default() }, &data)?;
    let found =
        t.full(&reading(t, shader!("sampling.array_dimensions"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |_, _| [8.0, 4.0, 5.0, 2.0].map(|number| number / 255.0));
    Ok(())
}

fn sample_dimensions(t: &mut Test<'_>) -> Result<()> {
    let texture = samples(t)?;
    let found =
        t.full(&reading(t, shader!("sampling.sample_dimensions"), &texture, wrap(POINT), unit(0.0))?)?;
    t.expect(&found, |_, _| [64.0, 64.0, 4.0, 255.0].map(|number| number / 255.0));
    Ok(())
}

/// Coordinates that call for level 1, and for level 7 of 6.
fn level_of_detail(t: &mut Test<'_>) -> Result<()> {
    let texture = levels(t, D3D11_RESOURCE_MISC_FLAG(0))?;
    for (scale, clamped, raw) in [(4.0, 1.0, 1.0), (256.0, 5.0, 7.0)] {
        let constants = [scale, scale, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let found =
            t.full(&reading(t, shader!("sampling.level_of_detail"), &texture, wrap(LINEAR), constants)?)?;
        t.expect_within(0.02, &found, |_, _| [clamped / 8.0, raw / 8.0, 0.0, 1.0]);
    }
    Ok(())
}

fn swizzle(t: &mut Test<'_>) -> Result<()> {
    expect_texels(t, shader!("sampling.swizzle"), BLACK, |source, place| {
        let [r, g, b, a] = source.texel(place);
        [a, b, r, g]
    })
}

/// Without a texture everything is zero.
fn unbound(t: &mut Test<'_>) -> Result<()> {
    let constants = vec![t.gpu.constants(&floats(&unit(0.0)))?];
    let canvas = Canvas { clear: WHITE, ..Canvas::default() };
    let samplers = vec![wrap(LINEAR)];
    let found =
        t.full(&Pass { ps: shader!("sampling.sample"), constants, samplers, canvas, ..Pass::default() })?;
    t.expect(&found, |_, _| BLACK);
    Ok(())
}
