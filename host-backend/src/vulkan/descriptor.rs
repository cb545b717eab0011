//! Programs: the shaders of a pipeline with their descriptor layout, and what a draw's descriptors are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::Once;

use ash::vk;
use ash::vk::Handle;
use pvgpu_dxbc::{
    Binding, BindingClass, BindingKind, BindingLayout, DescriptorType, ForcedSamples, Reflection,
    ResourceDimension, ReturnType, SampledWith, ShaderStage, SpareSampler, StorageFormat, StreamOutput,
};
use pvgpu_protocol::command::stage;
use pvgpu_protocol::limits::RENDER_TARGETS;

use super::Device;
use super::bindings::{Bindings, ConstantBuffer, StageBindings};
use super::formats::map_color;
use super::pipeline::{PipelineKey, TargetFormats};
use super::pipeline_pool::Making;
use super::recorder::{Access, Tracker};
use super::set_cache::{Sets, WordHasher};
use super::shader::{ComponentTypes, Shader, Variant};
use super::state::Sampler;
use super::trash::{Garbage, Trash};
use super::view::{Target, View};
use crate::fault::Fault;
use crate::format::{NumberKind, number_kind};

/// The stages of a draw.
pub const GRAPHICS_STAGES: usize = 5;
/// `D3D10_SB_NAME_VIEWPORT_ARRAY_INDEX`.
const NAME_VIEWPORT_INDEX: u32 = 5;

/// Offsets are dynamic below this, in bytes; what is above lies in the set.
const FAR: u64 = 1 << 31;

/// One descriptor as an update template reads it.
#[derive(Clone, Copy)]
#[repr(C)]
pub union Descriptor {
    image: vk::DescriptorImageInfo,
    buffer: vk::DescriptorBufferInfo,
    texel: vk::BufferView,
}

/// A binding of a program.
pub struct ProgramBinding {
    stage: u32,
    class: BindingClass,
    slot: usize,
    kind: BindingKind,
    /// A constant buffer whose place is a dynamic offset.
    dynamic: bool,
    /// The byte of the push constants that says how far behind its descriptor a view begins.
    start: Option<u32>,
    /// A resource whose texels are compared with a reference.
    compared: bool,
    /// Of a sampler that does not compare: the slots of the textures that are read with it, a bit each.
    sampled: u128,
}

/// A binding with its place in the set's layout.
type Placed = (vk::DescriptorSetLayoutBinding<'static>, ProgramBinding);

/// Which shaders a program has, and what else its modules depend on.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ProgramKey {
    /// Vertex, hull, domain, geometry and pixel shader, or one compute shader; 0 for none.
    pub shaders: [u64; GRAPHICS_STAGES],
    pub dual_source: bool,
    /// Stream-output buffers that are bound, slot 0 in bit 0.
    pub so_buffers: u8,
    /// Of vertex attributes that are not what the vertex shader declares.
    pub inputs: ComponentTypes,
    /// Of render targets that are not what the pixel shader declares.
    pub outputs: ComponentTypes,
    /// What the pixel shader writes to slots without a target between others.
    pub unused_outputs: u8,
    /// For samples that are not the targets': the blend state, and what is rendered to.
    pub forced: Option<(u64, TargetFormats)>,
}

/// A stage of a program.
pub struct ProgramStage {
    pub flag: vk::ShaderStageFlags,
    pub module: vk::ShaderModule,
    pub uses_sample_count: bool,
}

/// Shaders that work together.
pub struct Program {
    pub layout: vk::PipelineLayout,
    pub stages: Vec<ProgramStage>,
    pub vertex: Option<Rc<Shader>>,
    /// Registers that the pixel shader writes: bit n is render target n.
    pub pixel_outputs: u32,
    pub dual_source: bool,
    /// Stream-output buffers that it writes, slot 0 in bit 0.
    pub so_buffers: u8,
    /// The stream that is rasterized; none, and nothing is.
    pub rasterized_stream: Option<u32>,
    /// A stage before the pixel shader chooses the viewport.
    pub chooses_viewport: bool,
    /// Stages with push constants: where views begin, and the blend factor of a pixel shader that blends.
    pub constant_stages: vk::ShaderStageFlags,
    pub pipelines: RefCell<HashMap<PipelineKey, Making, BuildHasherDefault<WordHasher>>>,
    pub writes: bool,
    /// The targets are no attachments, but what the pixel shader blends into.
    pub merges_in_shader: bool,
    /// The descriptor sets that were made for it.
    pub sets: RefCell<Sets>,
    /// By binding number, as dynamic offsets are.
    bindings: Vec<ProgramBinding>,
    set_layout: vk::DescriptorSetLayout,
    template: Option<vk::DescriptorUpdateTemplate>,
    /// Keep the modules alive until no pipeline is made of them any more.
    _shaders: Vec<Rc<Shader>>,
    trash: Rc<Trash>,
}

impl Program {
    /// Builds a program of shaders in pipeline order. The last one before the pixel shader writes the stream output.
    pub fn new(
        shaders: &[Rc<Shader>],
        &ProgramKey { dual_source, inputs, outputs, unused_outputs, .. }: &ProgramKey,
        stream_output: Option<StreamOutput>,
        forced: Option<Rc<ForcedSamples>>,
        trash: &Rc<Trash>,
    ) -> Result<Self, Fault> {
        let last = shaders.iter().rposition(|shader| shader.stage != stage::PIXEL);
        let writer = last.and_then(|last| shaders.get(last));
        let stream_output = stream_output.map(|output| match writer {
            Some(writer) => Rc::new(only_written(output, &writer.reflection)),
            None => Rc::new(output),
        });
        let mut program = Self {
            layout: vk::PipelineLayout::null(),
            stages: Vec::new(),
            vertex: None,
            pixel_outputs: 0,
            dual_source,
            so_buffers: stream_output.as_deref().map_or(0, captured_buffers),
            rasterized_stream: stream_output
                .as_deref()
                .map_or(Some(0), |output| output.rasterized_stream)
                // Where the device rasterizes the first stream only, another is captured and not drawn.
                .filter(|stream| *stream == 0 || trash.device.caps.feedback.stream_select)
                .filter(|stream| writer.is_none_or(|writer| has_stream(&writer.reflection, *stream))),
            chooses_viewport: writer.is_some_and(|writer| {
                writer.reflection.output_system_values() & (1 << NAME_VIEWPORT_INDEX) != 0
            }),
            constant_stages: vk::ShaderStageFlags::empty(),
            pipelines: RefCell::default(),
            writes: false,
            merges_in_shader: forced.as_ref().is_some_and(|forced| forced.blending.is_some()),
            sets: RefCell::default(),
            bindings: Vec::new(),
            set_layout: vk::DescriptorSetLayout::null(),
            template: None,
            _shaders: shaders.to_vec(),
            trash: trash.clone(),
        };
        let mut placed: Vec<Placed> = Vec::new();
        let mut previous: Option<&Reflection> = None;
        let splits = has_room_for_samplers(&trash.device.limits, shaders);
        for (index, shader) in shaders.iter().enumerate() {
            let flag = stage_flag(shader.stage);
            let read = |of: &[u32], mask: fn(&Reflection) -> u32| {
                previous.filter(|_| of.contains(&shader.stage)).map(mask)
            };
            let linked = [stage::HULL, stage::DOMAIN, stage::GEOMETRY];
            let mut variant = Variant {
                previous_outputs: read(&linked, Reflection::output_mask),
                previous_system_values: read(
                    &[stage::HULL, stage::GEOMETRY],
                    Reflection::output_system_values,
                ),
                previous_patch_constants: read(&[stage::DOMAIN], Reflection::patch_constant_mask),
                dual_source: dual_source && shader.stage == stage::PIXEL,
                stream_output: stream_output.clone().filter(|_| last == Some(index)),
                ..Variant::default()
            };
            match shader.stage {
                stage::VERTEX => variant.inputs = inputs,
                stage::PIXEL => {
                    (variant.outputs, variant.unused_outputs) = (outputs, unused_outputs);
                    variant.forced = forced.clone();
                }
                _ => {}
            }
            if shader.stage == stage::PIXEL
                && let Some(previous) = previous
            {
                // Of a geometry shader's streams one is rasterized.
                let stream = program.rasterized_stream.unwrap_or(0);
                variant.previous_outputs = Some(previous.output_mask_of(stream));
                variant.previous_system_values = Some(previous.output_system_values_of(stream));
            }
            let reflection = &shader.reflection;
            variant.split_samplers = splits && !reflection.spare_samplers.is_empty();
            let split = variant.split_samplers;
            program.stages.push(ProgramStage {
                flag,
                module: shader.module(variant)?,
                uses_sample_count: reflection.uses_sample_count,
            });
            for binding in &reflection.bindings {
                program.writes |= matches!(
                    binding.class,
                    BindingClass::UnorderedAccess | BindingClass::UnorderedAccessCounter
                );
                let start = reflection
                    .view_start(binding.class, binding.slot)
                    .filter(|_| trash.device.caps.shader.view_starts);
                if start.is_some() {
                    program.constant_stages |= flag;
                }
                let place = vk::DescriptorSetLayoutBinding::default()
                    .binding(binding.descriptor.binding)
                    .descriptor_type(map_type(binding.kind.descriptor_type()))
                    .descriptor_count(1)
                    .stage_flags(flag);
                let bound = ProgramBinding {
                    stage: shader.stage,
                    class: binding.class,
                    slot: binding.slot as usize,
                    kind: binding.kind,
                    dynamic: false,
                    start,
                    compared: binding.class == BindingClass::ShaderResource
                        && reflection.compared.checked_shr(binding.slot).unwrap_or(0) & 1 != 0,
                    sampled: read_with(reflection, binding, split),
                };
                placed.push((place, bound));
            }
            for spare in reflection.spare_samplers.iter().filter(|_| split) {
                placed.push(spare_sampler(shader.stage, flag, spare));
            }
            match shader.stage {
                stage::VERTEX => program.vertex = Some(shader.clone()),
                stage::PIXEL => {
                    program.pixel_outputs = reflection.output_mask() & !u32::from(unused_outputs);
                    if program.merges_in_shader {
                        program.constant_stages |= flag;
                        placed.extend(blended_targets(program.pixel_outputs));
                    }
                }
                _ => {}
            }
            previous = Some(reflection);
        }
        placed.sort_by_key(|(place, _)| place.binding);
        program.create_layouts(placed)?;
        Ok(program)
    }

    fn create_layouts(&mut self, mut placed: Vec<Placed>) -> Result<(), Fault> {
        let device = &self.trash.device;
        // Constant buffers move with every discard. As many as the device allows move without a new set.
        let dynamic = device.limits.max_descriptor_set_uniform_buffers_dynamic as usize;
        let constants =
            placed.iter_mut().filter(|(_, binding)| binding.class == BindingClass::ConstantBuffer);
        for (place, binding) in constants.take(dynamic) {
            place.descriptor_type = vk::DescriptorType::UNIFORM_BUFFER_DYNAMIC;
            binding.dynamic = true;
        }
        check_counts(&device.limits, &placed)?;
        let (bindings, used): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
        self.bindings = used;
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: bindings are distinct, since the translator places each (stage, class, slot) apart.
        self.set_layout = unsafe { device.raw.create_descriptor_set_layout(&info, None) }
            .map_err(|result| device.fault("vkCreateDescriptorSetLayout", result))?;
        let layouts = [self.set_layout];
        let starts = [vk::PushConstantRange::default()
            .stage_flags(self.constant_stages)
            .size(pvgpu_dxbc::PUSH_CONSTANT_BYTES)];
        let mut info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
        if !self.constant_stages.is_empty() {
            info = info.push_constant_ranges(&starts);
        }
        // SAFETY: the set layout is alive.
        self.layout = unsafe { device.raw.create_pipeline_layout(&info, None) }
            .map_err(|result| device.fault("vkCreatePipelineLayout", result))?;
        if bindings.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = bindings
            .iter()
            .enumerate()
            .map(|(index, place)| {
                vk::DescriptorUpdateTemplateEntry::default()
                    .dst_binding(place.binding)
                    .descriptor_type(place.descriptor_type)
                    .descriptor_count(1)
                    .offset(index * size_of::<Descriptor>())
                    .stride(size_of::<Descriptor>())
            })
            .collect();
        let info = vk::DescriptorUpdateTemplateCreateInfo::default()
            .descriptor_update_entries(&entries)
            .template_type(vk::DescriptorUpdateTemplateType::DESCRIPTOR_SET)
            .descriptor_set_layout(self.set_layout);
        // SAFETY: the entries name bindings of the set layout.
        let template = unsafe { device.raw.create_descriptor_update_template(&info, None) }
            .map_err(|result| device.fault("vkCreateDescriptorUpdateTemplate", result))?;
        self.template = Some(template);
        Ok(())
    }

    /// Calls `visit` for each resource that its shaders use.
    #[inline]
    pub fn for_each_use(&self, bound: &Bindings, mut visit: impl FnMut(&Tracker, Access)) {
        for binding in &self.bindings {
            let Some(stage) = bound.stage(binding.stage) else { continue };
            match binding.class {
                BindingClass::ConstantBuffer => {
                    if let Some(Some(buffer)) = stage.constant_buffers.get(binding.slot) {
                        visit(&buffer.buffer.tracker, Access::Read);
                    }
                }
                BindingClass::ShaderResource => {
                    if let Some(view) = resource(bound, stage, binding) {
                        view.with_tracker(|tracker| visit(tracker, Access::Read));
                    }
                }
                BindingClass::UnorderedAccess => {
                    if let Some(view) = uav(bound, binding) {
                        view.with_tracker(|tracker| visit(tracker, Access::Write));
                    }
                }
                BindingClass::UnorderedAccessCounter => {
                    if let Some(counter) = uav(bound, binding).and_then(|view| view.counter.as_ref()) {
                        visit(&counter.tracker, Access::Write);
                    }
                }
                // Targets are noted with the pass.
                BindingClass::Sampler | BindingClass::RenderTarget => {}
            }
        }
    }

    /// Lists what a set for the bound resources holds, and where its dynamic buffers lie; calls `visit` for each resource that
    /// the shaders use. What is absent or does not fit the declaration is null.
    ///
    /// A buffer takes three words, its handle, the fixed part of the offset and how much of it is seen; anything else takes one,
    /// its handle.
    #[inline]
    pub fn describe(
        &self,
        bound: &Bindings,
        sampler: &Sampler,
        contents: &mut Contents,
        mut visit: impl FnMut(&Tracker, Access),
    ) -> Result<(), Fault> {
        contents.words.clear();
        contents.offsets.clear();
        contents.starts = ViewStarts::default();
        contents.described = true;
        let device = &self.trash.device;
        for binding in &self.bindings {
            let Some(stage) = bound.stage(binding.stage) else { continue };
            match binding.class {
                BindingClass::ConstantBuffer => {
                    let info = match stage.constant_buffers.get(binding.slot) {
                        Some(Some(buffer)) => {
                            visit(&buffer.buffer.tracker, Access::Read);
                            constant_buffer(device, buffer)
                        }
                        _ => buffer_info(vk::Buffer::null(), 0, 0),
                    };
                    if binding.dynamic {
                        // A guest's heap can be larger than an offset.
                        let near = info.offset % FAR;
                        contents.buffer(vk::DescriptorBufferInfo { offset: info.offset - near, ..info });
                        // CAST: below 2 GiB.
                        contents.offsets.push(near as u32);
                    } else {
                        contents.buffer(info);
                    }
                }
                BindingClass::Sampler => {
                    let bound = stage.samplers.get(binding.slot).and_then(Option::as_ref);
                    let compares = matches!(binding.kind, BindingKind::Sampler { comparison: true });
                    let nearest = binding.sampled & stage.unfiltered != 0;
                    let raw = bound.map_or(sampler, |bound| bound).raw(compares, nearest)?;
                    contents.words.push(raw.as_raw());
                }
                BindingClass::ShaderResource => {
                    let view =
                        resource(bound, stage, binding).filter(|view| !binding.compared || can_compare(view));
                    if let Some(view) = view {
                        view.with_tracker(|tracker| visit(tracker, Access::Read));
                    }
                    contents.resource(device, view, binding)?;
                }
                BindingClass::UnorderedAccess => {
                    let view = uav(bound, binding);
                    if let Some(view) = view {
                        view.with_tracker(|tracker| visit(tracker, Access::Write));
                    }
                    contents.resource(device, view, binding)?;
                }
                BindingClass::UnorderedAccessCounter => {
                    let counter = uav(bound, binding).and_then(|view| view.counter.as_ref());
                    if let Some(counter) = counter {
                        visit(&counter.tracker, Access::Write);
                    }
                    let raw = counter.map_or(vk::Buffer::null(), |counter| counter.buffer);
                    contents.buffer(buffer_info(raw, 0, 4));
                }
                BindingClass::RenderTarget => {
                    let view = bound.render_targets.get(binding.slot).and_then(Option::as_ref);
                    let raw = view.map_or(Ok(vk::ImageView::null()), |view| view.blended())?;
                    contents.words.push(raw.as_raw());
                }
            }
        }
        if self.merges_in_shader {
            contents.starts.set_blend_factor(bound.blend_factor);
        }
        Ok(())
    }

    /// The descriptors that a list of [`Program::describe`] stands for.
    pub fn descriptors(&self, contents: &[u64], into: &mut Vec<Descriptor>) {
        into.clear();
        let mut words = contents.iter().copied();
        let mut next = || words.next().unwrap_or(0);
        for binding in &self.bindings {
            let general = vk::DescriptorImageInfo::default().image_layout(vk::ImageLayout::GENERAL);
            into.push(match binding.kind.descriptor_type() {
                DescriptorType::UniformBuffer | DescriptorType::StorageBuffer => {
                    let buffer = vk::Buffer::from_raw(next());
                    Descriptor { buffer: vk::DescriptorBufferInfo { buffer, offset: next(), range: next() } }
                }
                DescriptorType::UniformTexelBuffer | DescriptorType::StorageTexelBuffer => {
                    Descriptor { texel: vk::BufferView::from_raw(next()) }
                }
                DescriptorType::Sampler => {
                    Descriptor { image: general.sampler(vk::Sampler::from_raw(next())) }
                }
                DescriptorType::SampledImage | DescriptorType::StorageImage => {
                    Descriptor { image: general.image_view(vk::ImageView::from_raw(next())) }
                }
            });
        }
    }

    /// Class and slot of each binding, in the order of a set's contents.
    pub fn classes(&self) -> impl Iterator<Item = (BindingClass, usize)> + '_ {
        self.bindings.iter().map(|binding| (binding.class, binding.slot))
    }

    /// The layout of its sets.
    pub fn set_layout(&self) -> vk::DescriptorSetLayout {
        self.set_layout
    }

    /// How its sets are written; none when they would be empty.
    pub fn template(&self) -> Option<vk::DescriptorUpdateTemplate> {
        self.template
    }
}

/// How many dwords behind its descriptor each raw or structured view begins, as push constants have it
/// ([`Reflection::view_start`]); behind that the blend factor, for shaders that blend.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ViewStarts(pub [u8; pvgpu_dxbc::PUSH_CONSTANT_BYTES as usize]);

impl ViewStarts {
    fn set_blend_factor(&mut self, factor: [f32; 4]) {
        let bytes = self.0.iter_mut().skip(pvgpu_dxbc::BLEND_FACTOR_START as usize);
        for (to, from) in bytes.zip(factor.iter().flat_map(|channel| channel.to_ne_bytes())) {
            *to = from;
        }
    }
}

impl Default for ViewStarts {
    fn default() -> Self {
        Self([0; pvgpu_dxbc::PUSH_CONSTANT_BYTES as usize])
    }
}

/// What a set holds and where its dynamic buffers lie, see [`Program::describe`].
#[derive(Default)]
pub struct Contents {
    pub words: Vec<u64>,
    pub offsets: Vec<u32>,
    pub starts: ViewStarts,
    /// They are those of the draw that is being prepared.
    pub described: bool,
}

impl Contents {
    fn buffer(&mut self, info: vk::DescriptorBufferInfo) {
        self.words.extend([info.buffer.as_raw(), info.offset, info.range]);
    }

    /// Adds a shader-resource or unordered-access view.
    #[inline]
    fn resource(
        &mut self,
        device: &Device,
        view: Option<&Rc<View>>,
        binding: &ProgramBinding,
    ) -> Result<(), Fault> {
        let kind = &binding.kind;
        match kind.descriptor_type() {
            DescriptorType::StorageBuffer => {
                let (info, dwords) = storage_buffer(device, view);
                match binding.start.and_then(|start| self.starts.0.get_mut(start as usize)) {
                    Some(start) => *start = dwords,
                    // More views than there is room for starts. Nothing is seen rather than something else.
                    None if dwords != 0 => {
                        self.buffer(buffer_info(vk::Buffer::null(), 0, 0));
                        return Ok(());
                    }
                    None => {}
                }
                self.buffer(info);
            }
            DescriptorType::UniformTexelBuffer | DescriptorType::StorageTexelBuffer => {
                self.words.push(texel_buffer(view, kind)?.as_raw());
            }
            _ => self.words.push(image(view, kind)?.as_raw()),
        }
        Ok(())
    }
}

/// Whether the device has room for all further samplers of some shaders.
fn has_room_for_samplers(limits: &vk::PhysicalDeviceLimits, shaders: &[Rc<Shader>]) -> bool {
    let counts = shaders.iter().map(|shader| {
        let of = |binding: &&Binding| binding.class == BindingClass::Sampler;
        shader.reflection.bindings.iter().filter(of).count() + shader.reflection.spare_samplers.len()
    });
    counts.clone().all(|count| count <= limits.max_per_stage_descriptor_samplers as usize)
        && counts.sum::<usize>() <= limits.max_descriptor_set_samplers as usize
}

/// The textures that are read with a sampler's own descriptor, if it is one that does not compare.
fn read_with(reflection: &Reflection, binding: &Binding, split: bool) -> u128 {
    if binding.kind != (BindingKind::Sampler { comparison: false }) {
        return 0;
    }
    let with = |with: &SampledWith| if with.sampler == binding.slot { with.resources } else { 0 };
    let all = reflection.sampled.iter().fold(0, |mask, sampled| mask | with(sampled));
    let spare = reflection.spare_samplers.iter().filter(|_| split);
    spare.fold(all, |mask, spare| mask & !with(&spare.of))
}

/// The binding of a further sampler.
fn spare_sampler(stage: u32, flag: vk::ShaderStageFlags, spare: &SpareSampler) -> Placed {
    let place = vk::DescriptorSetLayoutBinding::default()
        .binding(spare.descriptor.binding)
        .descriptor_type(vk::DescriptorType::SAMPLER)
        .descriptor_count(1)
        .stage_flags(flag);
    let binding = ProgramBinding {
        stage,
        class: BindingClass::Sampler,
        slot: spare.of.sampler as usize,
        kind: BindingKind::Sampler { comparison: false },
        dynamic: false,
        start: None,
        compared: false,
        sampled: spare.of.resources,
    };
    (place, binding)
}

/// The bindings of the targets that a pixel shader blends into: a bit for each output.
fn blended_targets(outputs: u32) -> impl Iterator<Item = Placed> {
    let layout = BindingLayout::default();
    let (class, dimension) = (BindingClass::RenderTarget, ResourceDimension::Texture2DArray);
    // CAST: 8 targets.
    (0..RENDER_TARGETS as u32).filter(move |slot| outputs >> slot & 1 != 0).map(move |slot| {
        let place = vk::DescriptorSetLayoutBinding::default()
            .binding(layout.descriptor(ShaderStage::Pixel, class, slot).binding)
            .descriptor_type(vk::DescriptorType::STORAGE_IMAGE)
            .descriptor_count(1)
            .stage_flags(vk::ShaderStageFlags::FRAGMENT);
        let bound = ProgramBinding {
            stage: stage::PIXEL,
            class,
            slot: slot as usize,
            kind: BindingKind::StorageTyped { dimension, return_type: ReturnType::Uint, format: None },
            dynamic: false,
            start: None,
            compared: false,
            sampled: 0,
        };
        (place, bound)
    })
}

/// The declaration with gaps for registers that the shader does not write. That may be so where a geometry shader without
/// code was made for another shader than the one that is bound.
fn only_written(mut output: StreamOutput, reflection: &Reflection) -> StreamOutput {
    for entry in &mut output.entries {
        let written = |register: u32| reflection.outputs.iter().any(|output| output.register == register);
        entry.register = entry.register.filter(|register| written(*register));
        if reflection.geometry.is_none() {
            entry.stream = 0;
        }
    }
    output
}

/// Whether a shader writes a stream at all.
fn has_stream(reflection: &Reflection, stream: u32) -> bool {
    let streams = reflection.geometry.map_or(1, |geometry| u32::from(geometry.streams));
    streams.checked_shr(stream).unwrap_or(0) & 1 != 0
}

/// The buffers that something is captured into, slot 0 in bit 0.
fn captured_buffers(output: &StreamOutput) -> u8 {
    let captured = output.entries.iter().filter(|entry| entry.register.is_some());
    captured.fold(0, |mask, entry| mask | 1u8.checked_shl(entry.buffer).unwrap_or(0))
}

impl Drop for Program {
    fn drop(&mut self) {
        let pipelines = self.pipelines.take();
        let alive = &self.trash.pipelines;
        alive.set(alive.get().saturating_sub(pipelines.len()));
        for (_, pipeline) in pipelines {
            self.trash.add(Garbage::Pipeline(pipeline));
        }
        if let Some(template) = self.template {
            self.trash.add(Garbage::Template(template));
        }
        self.trash.add(Garbage::PipelineLayout(self.layout));
        self.trash.add(Garbage::SetLayout(self.set_layout));
    }
}

/// The view of a shader resource that a shader may see.
#[inline]
fn resource<'b>(
    bound: &Bindings,
    stage: &'b StageBindings,
    binding: &ProgramBinding,
) -> Option<&'b Rc<View>> {
    let view = stage.resource(binding.slot)?;
    (binding.stage == stage::COMPUTE || !bound.is_rendered_to(view)).then_some(view)
}

/// Whether texels of a view may be compared. D3D11 compares some colours, too; Vulkan leaves it undefined unless the device says that it
/// can.
fn can_compare(view: &View) -> bool {
    static TOLD: Once = Once::new();
    if !view.compared {
        TOLD.call_once(|| log::warn!("this GPU compares no texels but those of depth textures"));
    }
    view.compared
}

fn uav<'b>(bound: &'b Bindings, binding: &ProgramBinding) -> Option<&'b Rc<View>> {
    if binding.stage == stage::COMPUTE {
        return bound.compute_uavs.get(binding.slot)?.as_ref();
    }
    let view = bound.graphics_uavs.get(binding.slot)?.as_ref()?;
    (!bound.is_rendered_to(view)).then_some(view)
}

fn buffer_info(buffer: vk::Buffer, offset: u64, range: u64) -> vk::DescriptorBufferInfo {
    if buffer == vk::Buffer::null() {
        return vk::DescriptorBufferInfo { buffer, offset: 0, range: vk::WHOLE_SIZE };
    }
    vk::DescriptorBufferInfo { buffer, offset, range }
}

#[inline]
fn constant_buffer(device: &Device, bound: &ConstantBuffer) -> vk::DescriptorBufferInfo {
    let null = buffer_info(vk::Buffer::null(), 0, 0);
    let (raw, base) = bound.buffer.place();
    let start = u64::from(bound.first_constant) * 16;
    let Some(left) = bound.buffer.size().checked_sub(start).filter(|left| *left != 0) else { return null };
    let limit = u64::from(device.limits.max_uniform_buffer_range);
    let range = left.min(u64::from(bound.num_constants) * 16).min(limit);
    let aligned = (base + start).is_multiple_of(device.limits.min_uniform_buffer_offset_alignment.max(1));
    if range == 0 || !aligned {
        return null;
    }
    buffer_info(raw, base + start, range)
}

/// A raw or structured view: its descriptor, and how many dwords behind the descriptor's beginning it begins.
fn storage_buffer(device: &Device, view: Option<&Rc<View>>) -> (vk::DescriptorBufferInfo, u8) {
    let null = (buffer_info(vk::Buffer::null(), 0, 0), 0);
    let Some(view) = view else { return null };
    let Target::Buffer(buffer) = &view.target else { return null };
    if view.is_typed(buffer) {
        return null;
    }
    let (raw, offset, bytes) = view.buffer_range(buffer);
    let behind = offset % device.limits.min_storage_buffer_offset_alignment.max(1);
    // Vulkan allows alignments up to 256 bytes, and views begin at whole dwords.
    let Ok(dwords) = u8::try_from(behind / 4) else { return null };
    let range = (bytes + behind).min(u64::from(device.limits.max_storage_buffer_range));
    (buffer_info(raw, offset - behind, range), dwords)
}

fn texel_buffer(view: Option<&Rc<View>>, kind: &BindingKind) -> Result<vk::BufferView, Fault> {
    let null = vk::BufferView::null();
    let Some(view) = view else { return Ok(null) };
    let Target::Buffer(buffer) = &view.target else { return Ok(null) };
    if !view.is_typed(buffer) || !same_numbers(view, kind) {
        return Ok(null);
    }
    let Ok(format) = storage_format(view, kind) else { return Ok(null) };
    view.texel_view(buffer, format)
}

fn image(view: Option<&Rc<View>>, kind: &BindingKind) -> Result<vk::ImageView, Fault> {
    let null = vk::ImageView::null();
    let (BindingKind::Typed { dimension, .. } | BindingKind::StorageTyped { dimension, .. }) = kind else {
        return Ok(null);
    };
    let Some(view) = view else { return Ok(null) };
    let Target::Texture(texture) = &view.target else { return Ok(null) };
    if !same_numbers(view, kind) {
        return Ok(null);
    }
    let Ok(format) = storage_format(view, kind) else { return Ok(null) };
    Ok(view.shader_view(texture, *dimension, format)?.unwrap_or_default())
}

/// The format in which a shader must see a view, where it is not the view's own: floats that are exchanged are integers to
/// Vulkan. An error where the view cannot be seen so; D3D11 leaves that undefined.
fn storage_format(view: &View, kind: &BindingKind) -> Result<Option<vk::Format>, Unfit> {
    let BindingKind::StorageTyped { format: Some(format), .. } = kind else { return Ok(None) };
    let own = map_color(view.desc.format);
    match format {
        StorageFormat::R32Sfloat if own == vk::Format::R32_SFLOAT => Ok(None),
        StorageFormat::R32Uint if own == vk::Format::R32_UINT => Ok(None),
        StorageFormat::R32Sint if own == vk::Format::R32_SINT => Ok(None),
        StorageFormat::R32Uint if own == vk::Format::R32_SFLOAT => Ok(Some(vk::Format::R32_UINT)),
        _ => Err(Unfit),
    }
}

/// A view cannot be what a shader declares.
struct Unfit;

/// Whether a view's numbers are of the kind that the shader declares; Vulkan leaves a mismatch undefined.
fn same_numbers(view: &View, kind: &BindingKind) -> bool {
    let (BindingKind::Typed { return_type, .. } | BindingKind::StorageTyped { return_type, .. }) = kind
    else {
        return false;
    };
    let declared = match return_type {
        ReturnType::Uint => NumberKind::Uint,
        ReturnType::Sint => NumberKind::Sint,
        _ => NumberKind::Float,
    };
    number_kind(view.desc.format) == declared
}

/// Refuses shaders that declare more resources than the device has places for.
fn check_counts(limits: &vk::PhysicalDeviceLimits, placed: &[Placed]) -> Result<(), Fault> {
    use vk::DescriptorType as T;
    let kinds: [(&[T], u32, u32); 5] = [
        (
            &[T::UNIFORM_BUFFER, T::UNIFORM_BUFFER_DYNAMIC],
            limits.max_per_stage_descriptor_uniform_buffers,
            limits.max_descriptor_set_uniform_buffers,
        ),
        (
            &[T::STORAGE_BUFFER],
            limits.max_per_stage_descriptor_storage_buffers,
            limits.max_descriptor_set_storage_buffers,
        ),
        (
            &[T::SAMPLED_IMAGE, T::UNIFORM_TEXEL_BUFFER],
            limits.max_per_stage_descriptor_sampled_images,
            limits.max_descriptor_set_sampled_images,
        ),
        (
            &[T::STORAGE_IMAGE, T::STORAGE_TEXEL_BUFFER],
            limits.max_per_stage_descriptor_storage_images,
            limits.max_descriptor_set_storage_images,
        ),
        (&[T::SAMPLER], limits.max_per_stage_descriptor_samplers, limits.max_descriptor_set_samplers),
    ];
    let count = |stage: Option<vk::ShaderStageFlags>, of: &dyn Fn(T) -> bool| {
        let counts = |place: &vk::DescriptorSetLayoutBinding<'_>| {
            of(place.descriptor_type) && stage.is_none_or(|stage| stage == place.stage_flags)
        };
        placed.iter().filter(|(place, _)| counts(place)).count()
    };
    let mut stages: Vec<_> = placed.iter().map(|(place, _)| place.stage_flags).collect();
    stages.sort_by_key(|stage| stage.as_raw());
    stages.dedup();
    for stage in stages {
        for (types, most, _) in kinds {
            let declared = count(Some(stage), &|kind| types.contains(&kind));
            if declared > most as usize {
                return Err(Fault::unsupported(format!(
                    "{declared} resources of type {types:?}; {most} are the limit"
                )));
            }
        }
        let declared = count(Some(stage), &|kind| kind != T::SAMPLER);
        if declared > limits.max_per_stage_resources as usize {
            return Err(Fault::unsupported(format!("{declared} resources of one shader")));
        }
    }
    for (types, _, most) in kinds {
        let declared = count(None, &|kind| types.contains(&kind));
        if declared > most as usize {
            return Err(Fault::unsupported(format!(
                "{declared} resources of type {types:?}; {most} are the limit"
            )));
        }
    }
    Ok(())
}

fn stage_flag(stage: u32) -> vk::ShaderStageFlags {
    match stage {
        stage::VERTEX => vk::ShaderStageFlags::VERTEX,
        stage::HULL => vk::ShaderStageFlags::TESSELLATION_CONTROL,
        stage::DOMAIN => vk::ShaderStageFlags::TESSELLATION_EVALUATION,
        stage::GEOMETRY => vk::ShaderStageFlags::GEOMETRY,
        stage::PIXEL => vk::ShaderStageFlags::FRAGMENT,
        _ => vk::ShaderStageFlags::COMPUTE,
    }
}

fn map_type(kind: DescriptorType) -> vk::DescriptorType {
    match kind {
        DescriptorType::UniformBuffer => vk::DescriptorType::UNIFORM_BUFFER,
        DescriptorType::UniformTexelBuffer => vk::DescriptorType::UNIFORM_TEXEL_BUFFER,
        DescriptorType::StorageBuffer => vk::DescriptorType::STORAGE_BUFFER,
        DescriptorType::StorageTexelBuffer => vk::DescriptorType::STORAGE_TEXEL_BUFFER,
        DescriptorType::SampledImage => vk::DescriptorType::SAMPLED_IMAGE,
        DescriptorType::StorageImage => vk::DescriptorType::STORAGE_IMAGE,
        DescriptorType::Sampler => vk::DescriptorType::SAMPLER,
    }
}
