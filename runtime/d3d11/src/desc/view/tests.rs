//! Tests of view descriptions.

use super::*;
use crate::desc::resource::{Flags, Usage};

const ALL: u32 = bind::SHADER_RESOURCE | bind::RENDER_TARGET | bind::UNORDERED_ACCESS;

fn flags(bind: u32, misc: u32) -> Flags {
    Flags { usage: Usage::Default, bind, cpu: 0, misc }
}

fn texture(dimension: Dimension, array_size: u32, format: u32) -> Shape {
    let depth = if dimension == Dimension::Three { 8 } else { 1 };
    let (sample_count, sample_quality) = (1, 0);
    let height = if dimension == Dimension::One { 1 } else { 16 };
    let flags = flags(ALL, 0);
    let mip_levels = 4;
    let desc = texture::Desc {
        dimension,
        width: 16,
        height,
        depth,
        mip_levels,
        array_size,
        format,
        sample_count,
        sample_quality,
        flags,
        back_buffer: false,
    };
    Shape::Texture(desc.checked(false).expect("a valid texture"))
}

fn buffer(stride: u32, misc: u32) -> Shape {
    let bind = bind::SHADER_RESOURCE | bind::UNORDERED_ACCESS;
    Shape::Buffer(buffer::Desc::new(96, flags(bind, misc), stride, false).expect("a valid buffer"))
}

#[test]
fn null_descriptions_cover_everything() {
    let view = View::new(Class::ShaderResource, &texture(Dimension::Two, 1, 28), None).expect("view");
    assert_eq!(view.desc, Desc { format: 28, dimension: 4, flags: 0, args: [0, 4, 0, 0] });
    let view = View::new(Class::RenderTarget, &texture(Dimension::Two, 3, 28), None).expect("view");
    assert_eq!(view.desc, Desc { format: 28, dimension: 5, flags: 0, args: [0, 0, 3, 0] });
    assert_eq!(view.range, Range { first_mip: 0, mips: 1, first_slice: 0, slices: 3 });
    let view = View::new(Class::ShaderResource, &texture(Dimension::Two, 3, 28), None).expect("view");
    assert_eq!(view.desc.args, [0, 4, 0, 3]);
    let view = View::new(Class::UnorderedAccess, &texture(Dimension::Three, 1, 28), None).expect("view");
    assert_eq!(view.desc, Desc { format: 28, dimension: 8, flags: 0, args: [0, 0, 8, 0] });
    let view = View::new(Class::ShaderResource, &buffer(24, misc::BUFFER_STRUCTURED), None).expect("view");
    assert_eq!(view.desc.args, [0, 4, 0, 0]);
    assert_eq!(View::new(Class::ShaderResource, &buffer(0, 0), None), Err(E_INVALIDARG));
    assert_eq!(View::new(Class::DepthStencil, &texture(Dimension::Two, 1, 28), None), Err(E_INVALIDARG));
}

#[test]
fn typeless_textures_need_a_format() {
    let typeless = texture(Dimension::Two, 1, 27);
    assert_eq!(View::new(Class::ShaderResource, &typeless, None), Err(E_INVALIDARG));
    let desc = Desc { format: 29, dimension: 4, flags: 0, args: [1, REST, 0, 0] };
    let view = View::new(Class::ShaderResource, &typeless, Some(desc)).expect("view");
    assert_eq!(view.desc.args, [1, 3, 0, 0]);
    let desc = Desc { format: 87, ..desc };
    assert_eq!(View::new(Class::ShaderResource, &typeless, Some(desc)), Err(E_INVALIDARG));
}

#[test]
fn ranges_are_checked() {
    let shape = texture(Dimension::Two, 4, 28);
    let srv = |args| {
        let desc = Desc { format: 28, dimension: 5, flags: 0, args };
        View::new(Class::ShaderResource, &shape, Some(desc)).is_ok()
    };
    assert!(srv([0, 4, 0, 4]) && srv([3, 1, 3, 1]) && srv([1, REST, 2, REST]));
    assert!(!srv([0, 5, 0, 4]) && !srv([4, 1, 0, 1]) && !srv([0, 1, 4, 1]) && !srv([0, 0, 0, 1]));
    assert!(!srv([u32::MAX, 1, 0, 1]) && !srv([0, 1, 2, 3]));
    let rtv = |args| {
        let desc = Desc { format: 28, dimension: 5, flags: 0, args };
        View::new(Class::RenderTarget, &shape, Some(desc)).is_ok()
    };
    assert!(rtv([3, 0, 4, 0]) && !rtv([4, 0, 1, 0]) && !rtv([0, 1, 4, 0]));
}

#[test]
fn buffers_count_elements() {
    let view = |shape: &Shape, format, dimension, args| {
        View::new(Class::ShaderResource, shape, Some(Desc { format, dimension, flags: 0, args }))
    };
    let typed = buffer(0, 0);
    assert!(view(&typed, 2, 1, [0, 6, 0, 0]).is_ok());
    assert!(view(&typed, 2, 1, [1, 6, 0, 0]).is_err());
    assert!(view(&typed, 2, 1, [u32::MAX, 2, 0, 0]).is_err());
    assert!(view(&typed, format::R32_TYPELESS, 11, [0, 24, RAW, 0]).is_err());
    let raw = buffer(0, misc::BUFFER_ALLOW_RAW_VIEWS);
    assert!(view(&raw, format::R32_TYPELESS, 11, [0, 24, RAW, 0]).is_ok());
    assert!(view(&raw, 42, 11, [0, 24, RAW, 0]).is_err());
    let structured = buffer(24, misc::BUFFER_STRUCTURED);
    let desc = Desc { format: 0, dimension: 1, flags: 0, args: [0, 4, 2, 0] };
    assert!(View::new(Class::UnorderedAccess, &structured, Some(desc)).is_ok());
    assert!(View::new(Class::UnorderedAccess, &typed, Some(Desc { format: 42, ..desc })).is_err());
}

#[test]
fn overlapping_ranges_are_hazards() {
    let range = |first_mip, mips, first_slice, slices| Range { first_mip, mips, first_slice, slices };
    assert!(range(0, 2, 0, 1).overlaps(&range(1, 1, 0, 6)));
    assert!(!range(0, 1, 0, 1).overlaps(&range(1, 1, 0, 1)));
    assert!(!range(0, 4, 0, 2).overlaps(&range(0, 4, 2, 2)));
}
