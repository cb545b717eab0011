//! Graphics and compute pipelines, made when a draw or dispatch first needs them.
//!
//! What Vulkan 1.3 lets be dynamic is dynamic: viewports, culling, depth and stencil tests, depth bias, topology within its class,
//! vertex strides. The rest is in the key.

use ash::vk;
use pvgpu_dxbc::SAMPLE_COUNT_SPEC_ID;
use pvgpu_protocol::command::RenderTargetBlend;
use pvgpu_protocol::limits::{RENDER_TARGETS, VERTEX_BUFFER_SLOTS};

use super::Device;
use super::bindings::Bindings;
use super::conv::{map_blend_factor, map_blend_op, map_logic_op, map_samples};
use super::descriptor::Program;
use super::formats::{aspects, map_color};
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
}

/// What distinguishes the pipelines of a program. The default stands for a compute program's only one.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PipelineKey {
    layout: u64,
    blend: u64,
    sample_mask: u32,
    wireframe: bool,
    depth_clip: bool,
    topology: vk::PrimitiveTopology,
    targets: TargetFormats,
}

impl PipelineKey {
    pub fn new(bound: &Bindings, topology: vk::PrimitiveTopology, targets: TargetFormats) -> Self {
        Self {
            layout: bound.layout.as_ref().map_or(0, |layout| layout.uid),
            blend: bound.blend.uid,
            sample_mask: bound.sample_mask,
            wireframe: bound.rasterizer.fill_mode == FILL_WIREFRAME,
            depth_clip: bound.rasterizer.depth_clip_enable,
            topology,
            targets,
        }
    }
}

/// Dynamic states of every graphics pipeline.
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

/// The vertex input of a pipeline.
#[derive(Default)]
struct VertexInput {
    bindings: Vec<vk::VertexInputBindingDescription>,
    attributes: Vec<vk::VertexInputAttributeDescription>,
    divisors: Vec<vk::VertexInputBindingDivisorDescriptionEXT>,
}

/// Makes a graphics pipeline of what is bound.
pub fn create_graphics(
    device: &Device,
    program: &Program,
    bound: &Bindings,
    key: &PipelineKey,
) -> Result<vk::Pipeline, Fault> {
    let samples = [key.targets.samples];
    let entries = [vk::SpecializationMapEntry::default()
        .constant_id(SAMPLE_COUNT_SPEC_ID)
        .offset(0)
        .size(size_of::<u32>())];
    let specialization =
        vk::SpecializationInfo::default().map_entries(&entries).data(bytemuck::cast_slice(&samples));
    let stages: Vec<_> = program
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
    let input = vertex_input(device, program, bound)?;
    let mut divisors =
        vk::PipelineVertexInputDivisorStateCreateInfoEXT::default().vertex_binding_divisors(&input.divisors);
    let mut vertex_input = vk::PipelineVertexInputStateCreateInfo::default()
        .vertex_binding_descriptions(&input.bindings)
        .vertex_attribute_descriptions(&input.attributes);
    if !input.divisors.is_empty() {
        vertex_input = vertex_input.push_next(&mut divisors);
    }
    let assembly = vk::PipelineInputAssemblyStateCreateInfo::default().topology(key.topology);
    let viewport = vk::PipelineViewportStateCreateInfo::default();
    let mut clip =
        vk::PipelineRasterizationDepthClipStateCreateInfoEXT::default().depth_clip_enable(key.depth_clip);
    let wireframe = key.wireframe && device.caps.fill_mode_non_solid;
    let mut rasterization = vk::PipelineRasterizationStateCreateInfo::default()
        .polygon_mode(if wireframe { vk::PolygonMode::LINE } else { vk::PolygonMode::FILL })
        .line_width(1.0);
    if device.caps.depth_clip_enable {
        // D3D11 clamps depth to the viewport whether or not it clips.
        rasterization = rasterization.depth_clamp_enable(true).push_next(&mut clip);
    }
    let masks = [key.sample_mask];
    let multisample = vk::PipelineMultisampleStateCreateInfo::default()
        .rasterization_samples(map_samples(key.targets.samples))
        .sample_mask(&masks)
        .alpha_to_coverage_enable(bound.blend.alpha_to_coverage);
    let depth = vk::PipelineDepthStencilStateCreateInfo::default();
    let targets = &bound.blend.targets;
    let blends: Vec<_> = (0..key.targets.count)
        .filter_map(|index| targets.get(index).map(|target| (index, target)))
        .map(|(index, target)| attachment(target, program.pixel_outputs & (1 << index) != 0))
        .collect();
    let [first, ..] = targets;
    let logic = first.logic_op_enable != 0 && device.caps.logic_op;
    let blend = vk::PipelineColorBlendStateCreateInfo::default()
        .attachments(&blends)
        .logic_op_enable(logic)
        .logic_op(map_logic_op(first.logic_op));
    let dynamic = vk::PipelineDynamicStateCreateInfo::default().dynamic_states(&DYNAMIC);
    let colors = key.targets.colors.get(..key.targets.count).unwrap_or_default();
    let parts = aspects(key.targets.depth);
    let part = |aspect| if parts.contains(aspect) { key.targets.depth } else { vk::Format::UNDEFINED };
    let mut rendering = vk::PipelineRenderingCreateInfo::default()
        .color_attachment_formats(colors)
        .depth_attachment_format(part(vk::ImageAspectFlags::DEPTH))
        .stencil_attachment_format(part(vk::ImageAspectFlags::STENCIL));
    let info = [vk::GraphicsPipelineCreateInfo::default()
        .stages(&stages)
        .vertex_input_state(&vertex_input)
        .input_assembly_state(&assembly)
        .viewport_state(&viewport)
        .rasterization_state(&rasterization)
        .multisample_state(&multisample)
        .depth_stencil_state(&depth)
        .color_blend_state(&blend)
        .dynamic_state(&dynamic)
        .layout(program.layout)
        .push_next(&mut rendering)];
    // SAFETY: the modules come from our translator and match the layout; all structures live through the call.
    let made = unsafe { device.raw.create_graphics_pipelines(device.pipeline_cache, &info, None) };
    first_pipeline(device, "vkCreateGraphicsPipelines", made)
}

/// Makes a compute pipeline.
pub fn create_compute(device: &Device, program: &Program) -> Result<vk::Pipeline, Fault> {
    let Some(stage) = program.stages.first() else { return Err(Fault::argument("a program without stages")) };
    let stage =
        vk::PipelineShaderStageCreateInfo::default().stage(stage.flag).module(stage.module).name(c"main");
    let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(program.layout)];
    // SAFETY: as for graphics pipelines.
    let made = unsafe { device.raw.create_compute_pipelines(device.pipeline_cache, &info, None) };
    first_pipeline(device, "vkCreateComputePipelines", made)
}

fn first_pipeline(
    device: &Device,
    call: &'static str,
    made: Result<Vec<vk::Pipeline>, (Vec<vk::Pipeline>, vk::Result)>,
) -> Result<vk::Pipeline, Fault> {
    let made = made.map_err(|(_, result)| device.fault(call, result))?;
    made.first().copied().ok_or_else(|| Fault::argument("no pipeline"))
}

/// Connects the vertex shader's inputs with the layout's elements. An input without an element reads zeros.
fn vertex_input(device: &Device, program: &Program, bound: &Bindings) -> Result<VertexInput, Fault> {
    let mut input = VertexInput::default();
    let Some(shader) = &program.vertex else { return Ok(input) };
    let elements = bound.layout.as_ref().map_or(&[][..], |layout| &layout.elements);
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
        input.attributes.push(vk::VertexInputAttributeDescription { location, binding, format, offset });
        if input.bindings.iter().any(|known| known.binding == binding) {
            continue;
        }
        input.bindings.push(vk::VertexInputBindingDescription {
            binding,
            stride: 0,
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
            input.divisors.push(vk::VertexInputBindingDivisorDescriptionEXT { binding, divisor });
        }
    }
    Ok(input)
}

/// A vertex-buffer slot that no element uses, which is therefore never bound.
pub fn unused_slot(elements: &[pvgpu_protocol::command::InputElement]) -> u32 {
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

/// The blending of one target; a target that the pixel shader does not write keeps its contents.
fn attachment(target: &RenderTargetBlend, written: bool) -> vk::PipelineColorBlendAttachmentState {
    let mask = if written { target.write_mask } else { 0 };
    vk::PipelineColorBlendAttachmentState {
        blend_enable: u32::from(target.blend_enable != 0),
        src_color_blend_factor: map_blend_factor(target.src_blend, false),
        dst_color_blend_factor: map_blend_factor(target.dest_blend, false),
        color_blend_op: map_blend_op(target.blend_op),
        src_alpha_blend_factor: map_blend_factor(target.src_blend_alpha, true),
        dst_alpha_blend_factor: map_blend_factor(target.dest_blend_alpha, true),
        alpha_blend_op: map_blend_op(target.blend_op_alpha),
        color_write_mask: vk::ColorComponentFlags::from_raw(mask & 0xf),
    }
}
