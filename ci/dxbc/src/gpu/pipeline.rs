//! Graphics pipelines, from the stages' reflections and a draw's state.

use ash::vk;
use pvgpu_dxbc::{SAMPLE_COUNT_SPEC_ID, ShaderStage};

use super::bindings::stage_flag;
use super::draw::{Blend, Draw, Viewport};
use super::scope::Scope;

/// Makes the pipeline of a draw.
pub fn make(scope: &Scope<'_>, draw: &Draw<'_>, layout: vk::PipelineLayout) -> vk::Pipeline {
    let sample_count = draw.samples.to_le_bytes();
    let entries =
        [vk::SpecializationMapEntry::default().constant_id(SAMPLE_COUNT_SPEC_ID).size(sample_count.len())];
    let specialization = vk::SpecializationInfo::default().map_entries(&entries).data(&sample_count);
    let stages: Vec<_> = draw
        .stages
        .iter()
        .map(|stage| {
            let info = vk::PipelineShaderStageCreateInfo::default()
                .stage(stage_flag(stage.shader.reflection.stage))
                .module(scope.module(&stage.shader.spirv))
                .name(c"main");
            if stage.shader.reflection.uses_sample_count {
                info.specialization_info(&specialization)
            } else {
                info
            }
        })
        .collect();

    let (vertex_bindings, vertex_attributes) = vertex_input(draw);
    let vertex_input = vk::PipelineVertexInputStateCreateInfo::default()
        .vertex_binding_descriptions(&vertex_bindings)
        .vertex_attribute_descriptions(&vertex_attributes);
    let assembly = vk::PipelineInputAssemblyStateCreateInfo::default()
        .topology(draw.topology)
        .primitive_restart_enable(draw.indices.is_some() && is_strip(draw.topology));
    let tessellation =
        vk::PipelineTessellationStateCreateInfo::default().patch_control_points(draw.patch_control_points);

    let [width, height] = draw.extent;
    let whole = Viewport { origin: [0.0; 2], size: [width as f32, height as f32], depth: [0.0, 1.0] };
    let viewports = if draw.viewports.is_empty() { vec![whole] } else { draw.viewports.clone() };
    let viewports: Vec<_> = viewports.iter().map(viewport).collect();
    let scissor = vk::Rect2D { extent: vk::Extent2D { width, height }, ..vk::Rect2D::default() };
    let scissors = vec![scissor; viewports.len()];
    let viewport = vk::PipelineViewportStateCreateInfo::default().viewports(&viewports).scissors(&scissors);

    let mut stream = vk::PipelineRasterizationStateStreamCreateInfoEXT::default()
        .rasterization_stream(draw.rasterized_stream);
    let mut rasterization = vk::PipelineRasterizationStateCreateInfo::default()
        .rasterizer_discard_enable(!draw.rasterizes())
        .polygon_mode(vk::PolygonMode::FILL)
        .cull_mode(draw.cull)
        .front_face(vk::FrontFace::CLOCKWISE)
        .line_width(1.0);
    if draw.rasterized_stream != 0 {
        rasterization = rasterization.push_next(&mut stream);
    }
    let pixel = draw.shader(ShaderStage::Pixel);
    let mask = [draw.sample_mask];
    let multisample = vk::PipelineMultisampleStateCreateInfo::default()
        .rasterization_samples(vk::SampleCountFlags::from_raw(draw.samples))
        .sample_shading_enable(pixel.is_some_and(|shader| shader.reflection.per_sample))
        .min_sample_shading(1.0)
        .sample_mask(&mask);
    let depth = draw.depth.map_or(vk::PipelineDepthStencilStateCreateInfo::default(), |depth| {
        vk::PipelineDepthStencilStateCreateInfo::default()
            .depth_test_enable(true)
            .depth_compare_op(depth.compare)
            .depth_write_enable(depth.write)
    });
    let blends: Vec<_> =
        draw.targets.iter().map(|target| blend(draw.blend, target.format.is_integer())).collect();
    let blend = vk::PipelineColorBlendStateCreateInfo::default().attachments(&blends);

    let formats: Vec<_> = draw.targets.iter().map(|target| target.format.vk()).collect();
    let depth_format = if draw.depth.is_some() { vk::Format::D32_SFLOAT } else { vk::Format::UNDEFINED };
    let mut rendering = vk::PipelineRenderingCreateInfo::default()
        .color_attachment_formats(&formats)
        .depth_attachment_format(depth_format);
    let mut info = vk::GraphicsPipelineCreateInfo::default()
        .stages(&stages)
        .vertex_input_state(&vertex_input)
        .input_assembly_state(&assembly)
        .viewport_state(&viewport)
        .rasterization_state(&rasterization)
        .multisample_state(&multisample)
        .depth_stencil_state(&depth)
        .color_blend_state(&blend)
        .layout(layout)
        .push_next(&mut rendering);
    if draw.topology == vk::PrimitiveTopology::PATCH_LIST {
        info = info.tessellation_state(&tessellation);
    }
    scope.graphics_pipeline(info)
}

/// One binding and one attribute for each input: attribute n of the draw is in vertex buffer n.
fn vertex_input(
    draw: &Draw<'_>,
) -> (Vec<vk::VertexInputBindingDescription>, Vec<vk::VertexInputAttributeDescription>) {
    let vertex = draw.shader(ShaderStage::Vertex).expect("a draw has a vertex shader");
    let mut registers = Vec::new();
    for input in vertex.reflection.inputs.iter().filter(|input| input.location.is_some()) {
        let given = draw.attributes.iter().any(|attribute| attribute.register == input.register);
        assert!(given, "the vertex shader's input {input:?} has no values");
        registers.push((input.register, input.component_type));
    }
    let used = |register| registers.iter().find(|(number, _)| *number == register);
    let mut bindings = Vec::new();
    let mut attributes = Vec::new();
    for (n, attribute) in (0..).zip(&draw.attributes) {
        // The input assembler may be given more than the shader reads.
        let Some((_, component_type)) = used(attribute.register) else { continue };
        let rate = match attribute.per_instance {
            true => vk::VertexInputRate::INSTANCE,
            false => vk::VertexInputRate::VERTEX,
        };
        let stride = 4 * attribute.components;
        bindings
            .push(vk::VertexInputBindingDescription::default().binding(n).stride(stride).input_rate(rate));
        attributes.push(
            vk::VertexInputAttributeDescription::default()
                .binding(n)
                .location(attribute.register)
                .format(attribute_format(*component_type, attribute.components)),
        );
    }
    (bindings, attributes)
}

/// The format of 32-bit components of a `D3D10_SB_REGISTER_COMPONENT_TYPE`.
fn attribute_format(component_type: u32, components: u32) -> vk::Format {
    use vk::Format as F;
    let [one, two, three, four] = match component_type {
        1 => [F::R32_UINT, F::R32G32_UINT, F::R32G32B32_UINT, F::R32G32B32A32_UINT],
        2 => [F::R32_SINT, F::R32G32_SINT, F::R32G32B32_SINT, F::R32G32B32A32_SINT],
        _ => [F::R32_SFLOAT, F::R32G32_SFLOAT, F::R32G32B32_SFLOAT, F::R32G32B32A32_SFLOAT],
    };
    match components {
        1 => one,
        2 => two,
        3 => three,
        _ => four,
    }
}

/// Vulkan's viewport for D3D11's: upside down, as translated shaders need it.
fn viewport(viewport: &Viewport) -> vk::Viewport {
    vk::Viewport {
        x: viewport.origin[0],
        y: viewport.origin[1] + viewport.size[1],
        width: viewport.size[0],
        height: -viewport.size[1],
        min_depth: viewport.depth[0],
        max_depth: viewport.depth[1],
    }
}

fn is_strip(topology: vk::PrimitiveTopology) -> bool {
    matches!(
        topology,
        vk::PrimitiveTopology::LINE_STRIP
            | vk::PrimitiveTopology::TRIANGLE_STRIP
            | vk::PrimitiveTopology::LINE_STRIP_WITH_ADJACENCY
            | vk::PrimitiveTopology::TRIANGLE_STRIP_WITH_ADJACENCY
    )
}

fn blend(blend: Blend, integer: bool) -> vk::PipelineColorBlendAttachmentState {
    let state = vk::PipelineColorBlendAttachmentState::default()
        .color_write_mask(vk::ColorComponentFlags::RGBA)
        .blend_enable(blend != Blend::Replace && !integer);
    match blend {
        Blend::Replace => state,
        Blend::Add => state
            .src_color_blend_factor(vk::BlendFactor::ONE)
            .dst_color_blend_factor(vk::BlendFactor::ONE)
            .src_alpha_blend_factor(vk::BlendFactor::ONE)
            .dst_alpha_blend_factor(vk::BlendFactor::ONE),
        Blend::DualSource => state
            .src_color_blend_factor(vk::BlendFactor::SRC1_COLOR)
            .dst_color_blend_factor(vk::BlendFactor::ONE_MINUS_SRC1_COLOR)
            .src_alpha_blend_factor(vk::BlendFactor::SRC1_ALPHA)
            .dst_alpha_blend_factor(vk::BlendFactor::ONE_MINUS_SRC1_ALPHA),
    }
}
