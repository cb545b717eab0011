//! State objects: samplers, vertex layouts, and the parts of a pipeline that D3D11 sets one by one.

use std::cell::Cell;
use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{self, InputElement, RenderTargetBlend, StencilFace};
use pvgpu_protocol::format;
use pvgpu_protocol::limits::VERTEX_BUFFER_SLOTS;

use super::conv::{Filter, is_dual_source, map_address, map_compare, map_filter};
use super::formats::{map_color, number_type};
use super::shader::ComponentTypes;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::format::component_bytes;
use crate::ops::{DepthStencilState, RasterizerState};

/// `D3D10_DDI_TEXTURE_ADDRESS_MODE` border.
const ADDRESS_BORDER: u32 = 4;

/// A vertex layout.
pub struct ElementLayout {
    /// Distinguishes layouts in keys.
    pub uid: u64,
    pub elements: Vec<InputElement>,
    /// By vertex-buffer slot: what offset and stride must be multiples of; 0 where there is no attribute.
    pub alignments: [u32; VERTEX_BUFFER_SLOTS],
    /// By vertex-buffer slot: where the attribute that reaches farthest ends.
    pub extents: [u32; VERTEX_BUFFER_SLOTS],
    /// By register: what the attributes' formats give.
    pub types: ComponentTypes,
}

impl ElementLayout {
    pub fn new(uid: u64, elements: &[InputElement]) -> Self {
        let (mut alignments, mut extents) = ([0; VERTEX_BUFFER_SLOTS], [0; VERTEX_BUFFER_SLOTS]);
        for element in elements {
            let slot = element.input_slot as usize;
            if let (Some(alignment), Some(extent)) = (alignments.get_mut(slot), extents.get_mut(slot)) {
                let bytes = format::info(element.format).map_or(0, |info| info.block_bytes);
                *alignment = component_bytes(element.format).max(*alignment);
                *extent = element.aligned_byte_offset.saturating_add(bytes).max(*extent);
            }
        }
        Self { uid, elements: elements.to_vec(), alignments, extents, types: element_types(elements) }
    }
}

/// By register: what the formats of attributes give.
pub fn element_types(elements: &[InputElement]) -> ComponentTypes {
    let mut types = ComponentTypes::default();
    for element in elements {
        types.set(element.input_register, number_type(map_color(element.format)));
    }
    types
}

/// A blend state.
pub struct BlendState {
    /// Distinguishes states in keys.
    pub uid: u64,
    pub alpha_to_coverage: bool,
    pub targets: [RenderTargetBlend; 8],
}

impl BlendState {
    /// A state; without independent blending every target has the first one's.
    pub fn new(
        uid: u64,
        alpha_to_coverage: bool,
        independent: bool,
        mut targets: [RenderTargetBlend; 8],
    ) -> Self {
        if !independent {
            let [first, ..] = targets;
            targets = [first; 8];
        }
        Self { uid, alpha_to_coverage, targets }
    }

    /// D3D11's default: no blending, all channels written.
    pub fn default_state() -> Self {
        Self::new(0, false, false, [RenderTargetBlend { write_mask: 0xf, ..Default::default() }; 8])
    }

    /// Whether target 0 blends with two sources.
    pub fn is_dual_source(&self) -> bool {
        let [first, ..] = &self.targets;
        first.blend_enable != 0 && has_dual_source(first)
    }
}

/// Whether a target's factors name the second source.
pub fn has_dual_source(target: &RenderTargetBlend) -> bool {
    [target.src_blend, target.dest_blend, target.src_blend_alpha, target.dest_blend_alpha]
        .into_iter()
        .any(is_dual_source)
}

/// D3D11's default depth-stencil state.
pub fn default_depth_stencil() -> DepthStencilState {
    let face = StencilFace { fail_op: 1, depth_fail_op: 1, pass_op: 1, func: 8 };
    DepthStencilState {
        depth_enable: true,
        depth_write: true,
        depth_func: 2,
        stencil_enable: false,
        stencil_read_mask: 0xff,
        stencil_write_mask: 0xff,
        front: face,
        back: face,
    }
}

/// D3D11's default rasterizer state.
pub fn default_rasterizer() -> RasterizerState {
    RasterizerState {
        fill_mode: 3,
        cull_mode: 3,
        front_counter_clockwise: false,
        depth_bias: 0,
        depth_bias_clamp: 0.0,
        slope_scaled_depth_bias: 0.0,
        depth_clip_enable: true,
        scissor_enable: false,
        multisample: false,
        antialiased_lines: false,
        forced_sample_count: 0,
    }
}

/// Half of the smallest difference that levels of detail must have (`D3D11_MIP_LOD_FRACTIONAL_BIT_COUNT`, 8 bits).
const HALF_STEP: f32 = 1.0 / 512.0;

/// D3D11's default sampler.
pub fn default_sampler() -> command::CreateSampler {
    command::CreateSampler {
        id: command::NONE,
        filter: 0x15,
        address_u: 3,
        address_v: 3,
        address_w: 3,
        mip_lod_bias: 0.0,
        max_anisotropy: 1,
        comparison_func: 1,
        border_color: [1.0; 4],
        min_lod: f32::MIN,
        max_lod: f32::MAX,
    }
}

/// A sampler.
pub struct Sampler {
    state: command::CreateSampler,
    raw: vk::Sampler,
    /// Whether it compares.
    compares: bool,
    /// Whether it filters.
    filters: bool,
    /// The same, except that bit 0 of the index is for one that compares if the other does not, and bit 1 for one that takes the nearest
    /// texel: once a shader takes it for that.
    others: Cell<[Option<vk::Sampler>; 4]>,
    trash: Rc<Trash>,
}

impl Sampler {
    pub fn new(state: &command::CreateSampler, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let filter = map_filter(state.filter);
        let raw = Self::make(state, filter, trash)?;
        Ok(Self {
            state: *state,
            raw,
            compares: filter.comparison,
            filters: !filter.is_nearest(),
            others: Cell::default(),
            trash: trash.clone(),
        })
    }

    /// The sampler for a shader that compares with it, or does not, and for texels that must not be filtered.
    #[inline]
    pub fn raw(&self, compares: bool, nearest: bool) -> Result<vk::Sampler, Fault> {
        let (compares, nearest) = (compares != self.compares, nearest && self.filters);
        if compares || nearest { self.other(compares, nearest) } else { Ok(self.raw) }
    }

    fn other(&self, compares: bool, nearest: bool) -> Result<vk::Sampler, Fault> {
        let mut others = self.others.get();
        let index = usize::from(compares) | usize::from(nearest) << 1;
        let Some(other) = others.get_mut(index) else { return Ok(self.raw) };
        if let Some(known) = *other {
            return Ok(known);
        }
        let mut filter = map_filter(self.state.filter);
        if nearest {
            filter = filter.nearest();
        }
        filter.comparison = compares != self.compares;
        let made = Self::make(&self.state, filter, &self.trash)?;
        *other = Some(made);
        self.others.set(others);
        Ok(made)
    }

    fn make(state: &command::CreateSampler, filter: Filter, trash: &Rc<Trash>) -> Result<vk::Sampler, Fault> {
        let device = &trash.device;
        let border = [state.address_u, state.address_v, state.address_w].contains(&ADDRESS_BORDER);
        let color = vk::ClearColorValue { float32: state.border_color };
        let mut custom = vk::SamplerCustomBorderColorCreateInfoEXT::default().custom_border_color(color);
        let anisotropic = filter.anisotropic && device.caps.sampler_anisotropy;
        // CAST: 1 to 16.
        let anisotropy = (state.max_anisotropy.max(1) as f32).min(device.limits.max_sampler_anisotropy);
        let bias = device.limits.max_sampler_lod_bias;
        // Half-way between two levels D3D11 takes the less detailed one, Vulkan may take either. The least step that is sure to be
        // seen; where it could turn magnifying into something else, nothing is changed.
        let plain = filter.mip == vk::SamplerMipmapMode::NEAREST && filter.min == filter.mag && !anisotropic;
        let nudge = if plain { HALF_STEP } else { 0.0 };
        let min_lod = state.min_lod.clamp(0.0, vk::LOD_CLAMP_NONE);
        let info = vk::SamplerCreateInfo::default()
            .mag_filter(filter.mag)
            .min_filter(filter.min)
            .mipmap_mode(filter.mip)
            .address_mode_u(map_address(state.address_u))
            .address_mode_v(map_address(state.address_v))
            .address_mode_w(map_address(state.address_w))
            .mip_lod_bias((state.mip_lod_bias + nudge).clamp(-bias, bias))
            .anisotropy_enable(anisotropic)
            .max_anisotropy(anisotropy)
            .compare_enable(filter.comparison)
            .compare_op(map_compare(state.comparison_func))
            .min_lod(min_lod)
            .max_lod(state.max_lod.clamp(min_lod, vk::LOD_CLAMP_NONE))
            .border_color(fixed_border(state.border_color));
        if border && fixed_value(info.border_color) != state.border_color && device.caps.custom_border_color {
            let custom = info.border_color(vk::BorderColor::FLOAT_CUSTOM_EXT).push_next(&mut custom);
            if let Some(sampler) = device.create_bordered_sampler(&custom)? {
                return Ok(sampler);
            }
        }
        device.create_sampler(&info)
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        for sampler in self.others.take().into_iter().chain([Some(self.raw)]).flatten() {
            self.trash.add(Garbage::Sampler(sampler));
        }
    }
}

/// The fixed border colour that comes nearest.
fn fixed_border(color: [f32; 4]) -> vk::BorderColor {
    let [r, g, b, a] = color.map(|value| value >= 0.5);
    if r && g && b {
        vk::BorderColor::FLOAT_OPAQUE_WHITE
    } else if a {
        vk::BorderColor::FLOAT_OPAQUE_BLACK
    } else {
        vk::BorderColor::FLOAT_TRANSPARENT_BLACK
    }
}

fn fixed_value(color: vk::BorderColor) -> [f32; 4] {
    match color {
        vk::BorderColor::FLOAT_OPAQUE_WHITE => [1.0; 4],
        vk::BorderColor::FLOAT_OPAQUE_BLACK => [0.0, 0.0, 0.0, 1.0],
        _ => [0.0; 4],
    }
}
