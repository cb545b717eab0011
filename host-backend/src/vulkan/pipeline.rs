//! Graphics and compute pipelines, made on other threads (see [`super::pipeline_pool`]).
//!
//! What Vulkan 1.3 lets be dynamic is dynamic: viewports, culling, depth and stencil tests, depth bias, topology within its class,
//! vertex strides. The rest is in the key.

use std::sync::Arc;

use ash::vk;
use pvgpu_dxbc::SAMPLE_COUNT_SPEC_ID;
use pvgpu_protocol::command::{InputElement, RenderTargetBlend};
use pvgpu_protocol::limits::{RENDER_TARGETS, VERTEX_BUFFER_SLOTS};

use super::Device;
use super::assembly::{Assembly, InputKey};
use super::bindings::Bindings;
use super::caps::Caps;
use super::conv::{map_blend_factor, map_blend_op, map_logic_op, map_samples, without_alpha};
use super::descriptor::Program;
use super::forced::Merge;
use super::formats::{aspects, map_color, number_type};
use super::pipeline_pool::{Making, PipelinePool};
use super::shader::ComponentTypes;
use super::state::{BlendState, has_dual_source};
use crate::fault::Fault;

/// `D3D10_DDI_FILL_MODE` wireframe.
const FILL_WIREFRAME: u32 = 2;

/// Formats and samples of what is rendered to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TargetFormats {
    pub colors: [vk::Format; RENDER_TARGETS],
    pub count: usize,
    pub depth: vk::Format,
    pub samples: u32,
    /// Targets, a bit each, whose format has no alpha but whose Vulkan format has: reading it gives 1 in D3D11.
    pub opaque: u8,
    /// How the rasterizer's samples become one in each target.
    pub merge: Merge,
    /// The samples that a program asked for, if the rasterizer cannot have so many; else 0.
    pub asked: u32,
}

impl TargetFormats {
    /// Whether the rasterizer has the targets' samples, or without targets those that it was asked for.
    pub fn is_plain(&self) -> bool {
        self.merge == Merge::None && self.asked == 0
    }

    /// Whether there are no targets. Nothing masks samples then.
    fn is_bare(&self) -> bool {
        self.count == 0 && self.depth == vk::Format::UNDEFINED
    }

    /// Slots without a target before the last one.
    pub fn gaps(&self) -> u8 {
        let bound = self.colors.iter().take(self.count).enumerate();
        bound.fold(0, |gaps, (slot, format)| gaps | u8::from(*format == vk::Format::UNDEFINED) << slot)
    }

    /// The numbers that each target takes of a pixel shader; with two sources, of both of the first.
    pub fn types(&self, dual_source: bool) -> ComponentTypes {
        let mut types = ComponentTypes::default();
        for (target, format) in (0..).zip(&self.colors) {
            types.set(target, number_type(*format));
        }
        if let ([first, ..], true) = (&self.colors, dual_source) {
            types.set(1, number_type(*first));
        }
        types
    }
}

/// What distinguishes the pipelines of a program. The default stands for a compute program's only one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PipelineKey {
    pub layout: u64,
    /// Strides of vertices that overlap; 0 where strides are dynamic.
    pub strides: u64,
    pub blend: u64,
    pub sample_mask: u32,
    pub wireframe: bool,
    pub depth_clip: bool,
    pub lines: LineMode,
    pub input: InputKey,
    pub targets: TargetFormats,
}

impl PipelineKey {
    pub fn new(bound: &Bindings, assembly: &Assembly, targets: TargetFormats, caps: &Caps) -> Self {
        Self {
            strides: 0,
            layout: bound.layout.as_ref().map_or(0, |layout| layout.uid),
            blend: bound.blend.uid,
            sample_mask: bound.sample_mask,
            wireframe: bound.rasterizer.fill_mode == FILL_WIREFRAME,
            depth_clip: bound.rasterizer.depth_clip_enable,
            lines: line_mode(bound, assembly, caps),
            input: assembly.key(),
            targets,
        }
    }
}

/// Dynamic states of every graphics pipeline; the last one not where vertices overlap.
const DYNAMIC: [vk::DynamicState; 18] = [
    vk::DynamicState::VIEWPORT_WITH_COUNT,
    vk::DynamicState::SCISSOR_WITH_COUNT,
    vk::DynamicState::BLEND_CONSTANTS,
    vk::DynamicState::STENCIL_REFERENCE,
    vk::DynamicState::STENCIL_COMPARE_MASK,
    vk::DynamicState::STENCIL_WRITE_MASK,
    vk::DynamicState::STENCIL_TEST_ENABLE,
    vk::DynamicState::STENCIL_OP,
    vk::DynamicState::DEPTH_TEST_ENABLE,
    vk::DynamicState::DEPTH_WRITE_ENABLE,
    vk::DynamicState::DEPTH_COMPARE_OP,
    vk::DynamicState::DEPTH_BIAS,
    vk::DynamicState::DEPTH_BIAS_ENABLE,
    vk::DynamicState::CULL_MODE,
    vk::DynamicState::FRONT_FACE,
    vk::DynamicState::PRIMITIVE_TOPOLOGY,
    vk::DynamicState::PRIMITIVE_RESTART_ENABLE,
    // Also for pipelines without vertex buffers: strides are set with all vertex buffers, whatever the pipeline reads.
    vk::DynamicState::VERTEX_INPUT_BINDING_STRIDE,
];

/// How lines become pixels; only what the device has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineMode {
    /// The device's way, also where there are no lines.
    #[default]
    Default,
    Rectangular,
    Bresenham,
    Smooth,
}

impl LineMode {
    /// The mode of a number that was one.
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Rectangular,
            2 => Self::Bresenham,
            3 => Self::Smooth,
            _ => Self::Default,
        }
    }

    fn map(self) -> vk::LineRasterizationModeKHR {
        match self {
            Self::Default => vk::LineRasterizationModeKHR::DEFAULT,
            Self::Rectangular => vk::LineRasterizationModeKHR::RECTANGULAR,
            Self::Bresenham => vk::LineRasterizationModeKHR::BRESENHAM,
            Self::Smooth => vk::LineRasterizationModeKHR::RECTANGULAR_SMOOTH,
        }
    }
}

/// D3D11's choice of the line algorithm: quadrilaterals with multisampling enabled, else antialiased by alpha if asked
/// for, else aliased (functional specification, section 15.14).
fn line_mode(bound: &Bindings, assembly: &Assembly, caps: &Caps) -> LineMode {
    if !assembly.lines && bound.rasterizer.fill_mode != FILL_WIREFRAME {
        return LineMode::Default;
    }
    let rasterizer = &bound.rasterizer;
    // Vulkan has no coverage from alpha with the other two.
    if rasterizer.multisample && caps.lines.rectangular {
        LineMode::Rectangular
    } else if bound.blend.alpha_to_coverage || rasterizer.multisample {
        LineMode::Default
    } else if rasterizer.antialiased_lines && caps.lines.smooth {
        LineMode::Smooth
    } else if caps.lines.bresenham {
        LineMode::Bresenham
    } else {
        LineMode::Default
    }
}

/// The vertex input of a pipeline.
#[derive(Default)]
struct VertexInput {
    bindings: Vec<vk::VertexInputBindingDescription>,
    attributes: Vec<vk::VertexInputAttributeDescription>,
    divisors: Vec<vk::VertexInputBindingDivisorDescriptionEXT>,
}

/// Everything that a graphics pipeline is made of, to be made on another thread.
pub struct Recipe {
    stages: Vec<Stage>,
    samples: u32,
    input: VertexInput,
    fixed_strides: bool,
    topology: vk::PrimitiveTopology,
    control_points: u32,
    discard: bool,
    stream: u32,
    wireframe: bool,
    depth_clip: Option<bool>,
    lines: LineMode,
    sample_mask: u32,
    alpha_to_coverage: bool,
    blends: Vec<vk::PipelineColorBlendAttachmentState>,
    logic_op: Option<vk::LogicOp>,
    /// The targets have one sample each, of which any of the rasterizer's decides.
    mixed: bool,
    targets: TargetFormats,
    layout: vk::PipelineLayout,
}

/// One shader of a pipeline. The module lives until the pipeline is made or given up.
struct Stage {
    flag: vk::ShaderStageFlags,
    module: vk::ShaderModule,
    uses_sample_count: bool,
}

/// The parts of a pipeline that are objects of Direct3D.
#[derive(Clone, Copy)]
pub struct Parts<'p> {
    pub elements: &'p [InputElement],
    /// Where they are not dynamic, see [`PipelineKey::strides`].
    pub strides: Option<[u32; VERTEX_BUFFER_SLOTS]>,
    pub blend: &'p BlendState,
}

impl Recipe {
    /// The recipe of a program's pipeline.
    ///
    /// # Errors
    /// [`Fault`] for what the device lacks.
    pub fn new(
        device: &Device,
        program: &Program,
        parts: Parts<'_>,
        key: &PipelineKey,
    ) -> Result<Self, Fault> {
        let caps = &device.caps;
        let stream = program.rasterized_stream;
        let targets = &parts.blend.targets;
        let mut formats = key.targets;
        if program.merges_in_shader {
            formats.count = 0;
        }
        let blends = (0..formats.count)
            .filter_map(|index| targets.get(index).map(|target| (index, target)))
            .map(|(index, target)| {
                // With two sources there is one target; others that are bound keep their contents.
                let written =
                    program.pixel_outputs & (1 << index) != 0 && !(program.dual_source && index != 0);
                let format = key.targets.colors.get(index).copied().unwrap_or_default();
                let written = written && format != vk::Format::UNDEFINED;
                // Only the first target has two sources; D3D11 leaves undefined what others make of them.
                let sources = index == 0 && program.dual_source || !has_dual_source(target);
                let blends = target.blend_enable != 0 && sources && device.can_blend(format);
                attachment(target, blends, written, key.targets.opaque & (1 << index) != 0)
            })
            .collect();
        let [first, ..] = targets;
        let discard = discards(program, key);
        let merges = key.targets.merge != Merge::None;
        Ok(Self {
            stages: program
                .stages
                .iter()
                // No pixel, no shader for it.
                .filter(|stage| !discard || stage.flag != vk::ShaderStageFlags::FRAGMENT)
                .map(|stage| Stage {
                    flag: stage.flag,
                    module: stage.module,
                    uses_sample_count: stage.uses_sample_count,
                })
                .collect(),
            samples: key.targets.samples,
            input: vertex_input(device, program, &parts)?,
            fixed_strides: parts.strides.is_some(),
            topology: key.input.topology,
            control_points: key.input.control_points.into(),
            discard,
            stream: stream.unwrap_or(0),
            wireframe: key.wireframe && caps.fill_mode_non_solid,
            depth_clip: caps.depth_clip_enable.then_some(key.depth_clip),
            lines: key.lines,
            // The mask is for the samples of targets. Where those are one, it decides whether anything is drawn.
            sample_mask: if merges || key.targets.is_bare() { u32::MAX } else { key.sample_mask },
            // Coverage comes from the alpha that the shader writes to the first target; without one it is full.
            // Where samples are merged, the shader does that.
            alpha_to_coverage: parts.blend.alpha_to_coverage && program.pixel_outputs & 1 != 0 && !merges,
            blends,
            logic_op: (first.logic_op_enable != 0 && caps.logic_op && formats.count != 0)
                .then(|| map_logic_op(first.logic_op)),
            mixed: key.targets.merge == Merge::Mixed,
            targets: formats,
            layout: program.layout,
        })
    }

    /// Makes the pipeline.
    ///
    /// # Errors
    /// Vulkan's.
    pub fn make(&self, device: &Device) -> Result<vk::Pipeline, vk::Result> {
        let samples = [self.samples];
        let entries = [vk::SpecializationMapEntry::default()
            .constant_id(SAMPLE_COUNT_SPEC_ID)
            .offset(0)
            .size(size_of::<u32>())];
        let specialization =
            vk::SpecializationInfo::default().map_entries(&entries).data(bytemuck::cast_slice(&samples));
        let stages: Vec<_> = self
            .stages
            .iter()
            .map(|stage| {
                let info = vk::PipelineShaderStageCreateInfo::default()
                    .stage(stage.flag)
                    .module(stage.module)
                    .name(c"main");
                if stage.uses_sample_count { info.specialization_info(&specialization) } else { info }
            })
            .collect();
        let input = &self.input;
        let mut divisors = vk::PipelineVertexInputDivisorStateCreateInfoEXT::default()
            .vertex_binding_divisors(&input.divisors);
        let mut vertex_input = vk::PipelineVertexInputStateCreateInfo::default()
            .vertex_binding_descriptions(&input.bindings)
            .vertex_attribute_descriptions(&input.attributes);
        if !input.divisors.is_empty() {
            vertex_input = vertex_input.push_next(&mut divisors);
        }
        let assembly = vk::PipelineInputAssemblyStateCreateInfo::default().topology(self.topology);
        let tessellation =
            vk::PipelineTessellationStateCreateInfo::default().patch_control_points(self.control_points);
        let viewport = vk::PipelineViewportStateCreateInfo::default();
        let mut clip = vk::PipelineRasterizationDepthClipStateCreateInfoEXT::default()
            .depth_clip_enable(self.depth_clip.unwrap_or(true));
        let mut lines = vk::PipelineRasterizationLineStateCreateInfoKHR::default()
            .line_rasterization_mode(self.lines.map());
        let mut select =
            vk::PipelineRasterizationStateStreamCreateInfoEXT::default().rasterization_stream(self.stream);
        let mut rasterization = vk::PipelineRasterizationStateCreateInfo::default()
            .polygon_mode(if self.wireframe { vk::PolygonMode::LINE } else { vk::PolygonMode::FILL })
            .line_width(1.0);
        if self.depth_clip.is_some() {
            // D3D11 clamps depth to the viewport whether or not it clips.
            rasterization = rasterization.depth_clamp_enable(true).push_next(&mut clip);
        }
        if self.lines != LineMode::Default {
            rasterization = rasterization.push_next(&mut lines);
        }
        if self.stream != 0 {
            rasterization = rasterization.push_next(&mut select);
        }
        let masks = [self.sample_mask];
        let mut reduction = vk::PipelineCoverageReductionStateCreateInfoNV::default()
            .coverage_reduction_mode(vk::CoverageReductionModeNV::MERGE);
        let mut multisample = vk::PipelineMultisampleStateCreateInfo::default()
            .rasterization_samples(map_samples(self.samples))
            .sample_mask(&masks)
            .alpha_to_coverage_enable(self.alpha_to_coverage);
        if self.mixed {
            multisample = multisample.push_next(&mut reduction);
        }
        let depth = vk::PipelineDepthStencilStateCreateInfo::default();
        let blend = vk::PipelineColorBlendStateCreateInfo::default()
            .attachments(&self.blends)
            .logic_op_enable(self.logic_op.is_some())
            .logic_op(self.logic_op.unwrap_or_default());
        let mut dynamic = DYNAMIC.to_vec();
        if self.fixed_strides {
            dynamic.pop();
        }
        if self.discard {
            dynamic.push(vk::DynamicState::RASTERIZER_DISCARD_ENABLE);
        }
        let dynamic = vk::PipelineDynamicStateCreateInfo::default().dynamic_states(&dynamic);
        let colors = self.targets.colors.get(..self.targets.count).unwrap_or_default();
        let parts = aspects(self.targets.depth);
        let part = |aspect| if parts.contains(aspect) { self.targets.depth } else { vk::Format::UNDEFINED };
        let mut rendering = vk::PipelineRenderingCreateInfo::default()
            .color_attachment_formats(colors)
            .depth_attachment_format(part(vk::ImageAspectFlags::DEPTH))
            .stencil_attachment_format(part(vk::ImageAspectFlags::STENCIL));
        let single = [vk::SampleCountFlags::TYPE_1; RENDER_TARGETS];
        let mut counts = vk::AttachmentSampleCountInfoNV::default()
            .color_attachment_samples(single.get(..self.targets.count).unwrap_or_default());
        let mut info = vk::GraphicsPipelineCreateInfo::default()
            .stages(&stages)
            .vertex_input_state(&vertex_input)
            .input_assembly_state(&assembly)
            .viewport_state(&viewport)
            .rasterization_state(&rasterization)
            .multisample_state(&multisample)
            .depth_stencil_state(&depth)
            .color_blend_state(&blend)
            .dynamic_state(&dynamic)
            .layout(self.layout)
            .push_next(&mut rendering);
        if self.mixed {
            info = info.push_next(&mut counts);
        }
        if self.control_points != 0 {
            info = info.tessellation_state(&tessellation);
        }
        // SAFETY: the modules come from our translator and match the layout; all structures live through the call.
        let made = unsafe { device.raw.create_graphics_pipelines(device.pipeline_cache, &[info], None) };
        first_pipeline(made)
    }
}

/// Whether a pipeline rasterizes nothing. That is dynamic where it is so, since the validation layer takes the samples of other pipelines
/// for one.
pub fn discards(program: &Program, key: &PipelineKey) -> bool {
    // D3D11 applies the mask to single-sampled targets too; not all drivers do.
    let targets = &key.targets;
    let single = targets.samples <= 1 || targets.merge != Merge::None;
    let masked = single && !targets.is_bare() && key.sample_mask & 1 == 0;
    key.input.discard || program.rasterized_stream.is_none() || masked
}

/// Has a compute program's pipeline made.
///
/// # Errors
/// [`Fault`] for a program without shaders.
pub fn make_compute(
    device: &Arc<Device>,
    pool: &PipelinePool,
    needed: bool,
    program: &Program,
) -> Result<Making, Fault> {
    let Some(stage) = program.stages.first() else { return Err(Fault::argument("a program without stages")) };
    let (device, layout, flag, module) = (device.clone(), program.layout, stage.flag, stage.module);
    Ok(pool.make(needed, move || {
        let stage = vk::PipelineShaderStageCreateInfo::default().stage(flag).module(module).name(c"main");
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout)];
        // SAFETY: as for graphics pipelines.
        first_pipeline(unsafe { device.raw.create_compute_pipelines(device.pipeline_cache, &info, None) })
    }))
}

fn first_pipeline(
    made: Result<Vec<vk::Pipeline>, (Vec<vk::Pipeline>, vk::Result)>,
) -> Result<vk::Pipeline, vk::Result> {
    made.map_err(|(_, result)| result)?.first().copied().ok_or(vk::Result::ERROR_UNKNOWN)
}

/// Connects the vertex shader's inputs with the layout's elements. An input without an element reads zeros.
fn vertex_input(device: &Device, program: &Program, parts: &Parts<'_>) -> Result<VertexInput, Fault> {
    let (mut input, elements) = (VertexInput::default(), parts.elements);
    let Some(shader) = &program.vertex else { return Ok(input) };
    let mut seen = 0u32;
    for register in &shader.reflection.inputs {
        let Some(location) = register.location else { continue };
        let Some(bit) = 1u32.checked_shl(location).filter(|bit| seen & bit == 0) else { continue };
        seen |= bit;
        let element = elements.iter().find(|element| element.input_register == location);
        let (binding, format, offset, rate) = match element {
            Some(e) => {
                let instanced = e.input_slot_class != 0;
                let rate = instanced.then_some(e.instance_data_step_rate);
                (e.input_slot, map_color(e.format), e.aligned_byte_offset, rate)
            }
            None => (unused_slot(elements), missing_format(register.component_type), 0, None),
        };
        if binding >= device.limits.max_vertex_input_bindings {
            return Err(Fault::unsupported(format!("a vertex buffer in slot {binding}")));
        }
        if offset > device.limits.max_vertex_input_attribute_offset {
            return Err(Fault::unsupported(format!("a vertex attribute at byte {offset}")));
        }
        input.attributes.push(vk::VertexInputAttributeDescription { location, binding, format, offset });
        if input.bindings.iter().any(|known| known.binding == binding) {
            continue;
        }
        input.bindings.push(vk::VertexInputBindingDescription {
            binding,
            stride: parts.strides.and_then(|all| all.get(binding as usize).copied()).unwrap_or(0),
            input_rate: if rate.is_some() {
                vk::VertexInputRate::INSTANCE
            } else {
                vk::VertexInputRate::VERTEX
            },
        });
        if let Some(divisor) = rate.filter(|rate| *rate != 1) {
            let can = if divisor == 0 { device.caps.vertex_divisor_zero } else { device.caps.vertex_divisor };
            if !can {
                return Err(Fault::unsupported(format!("an instance step rate of {divisor}")));
            }
            let divisor = divisor.min(device.max_vertex_divisor);
            input.divisors.push(vk::VertexInputBindingDivisorDescriptionEXT { binding, divisor });
        }
    }
    Ok(input)
}

/// A vertex-buffer slot that no element uses, which is therefore never bound.
pub fn unused_slot(elements: &[InputElement]) -> u32 {
    // CAST: 32 slots.
    let mut slots = 0..VERTEX_BUFFER_SLOTS as u32;
    slots.find(|slot| elements.iter().all(|element| element.input_slot != *slot)).unwrap_or(0)
}

fn missing_format(component_type: u32) -> vk::Format {
    match component_type {
        1 => vk::Format::R32G32B32A32_UINT,
        2 => vk::Format::R32G32B32A32_SINT,
        _ => vk::Format::R32G32B32A32_SFLOAT,
    }
}

/// The blending of one target, if its format blends (D3D11 leaves it undefined for others); a target that the pixel shader does not
/// write keeps its contents.
fn attachment(
    target: &RenderTargetBlend,
    blends: bool,
    written: bool,
    opaque: bool,
) -> vk::PipelineColorBlendAttachmentState {
    let mask = if written { target.write_mask } else { 0 };
    if !blends {
        // Vulkan looks at the factors all the same.
        return vk::PipelineColorBlendAttachmentState {
            color_write_mask: vk::ColorComponentFlags::from_raw(mask & 0xf),
            ..Default::default()
        };
    }
    let factor = |factor| {
        let factor = map_blend_factor(factor, false);
        if opaque { without_alpha(factor) } else { factor }
    };
    vk::PipelineColorBlendAttachmentState {
        blend_enable: blends.into(),
        src_color_blend_factor: factor(target.src_blend),
        dst_color_blend_factor: factor(target.dest_blend),
        color_blend_op: map_blend_op(target.blend_op),
        src_alpha_blend_factor: map_blend_factor(target.src_blend_alpha, true),
        dst_alpha_blend_factor: map_blend_factor(target.dest_blend_alpha, true),
        alpha_blend_op: map_blend_op(target.blend_op_alpha),
        color_write_mask: vk::ColorComponentFlags::from_raw(mask & 0xf),
    }
}
