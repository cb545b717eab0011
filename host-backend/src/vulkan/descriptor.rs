//! Programs (the shaders of a pipeline with their descriptor layout) and the descriptor sets of draws.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use ash::vk;
use pvgpu_dxbc::{BindingClass, BindingKind, DescriptorType, ReturnType};
use pvgpu_protocol::command::stage;

use super::Device;
use super::bindings::{Bindings, StageBindings};
use super::pipeline::PipelineKey;
use super::recorder::{Access, Tracker};
use super::shader::{Shader, Variant};
use super::state::Sampler;
use super::trash::{Garbage, Trash};
use super::view::{Target, View};
use crate::fault::Fault;
use crate::format::{NumberKind, number_kind};

/// Sets of a pool, and descriptors of each type in it.
const POOL_SETS: u32 = 512;
const POOL_DESCRIPTORS: u32 = 4096;

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
}

/// Which shaders a program has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProgramKey {
    /// Vertex or compute shader.
    pub first: u64,
    /// Pixel shader; 0 for none.
    pub pixel: u64,
    pub dual_source: bool,
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
    pub pipelines: RefCell<HashMap<PipelineKey, vk::Pipeline>>,
    pub writes: bool,
    bindings: Vec<ProgramBinding>,
    set_layout: vk::DescriptorSetLayout,
    template: Option<vk::DescriptorUpdateTemplate>,
    trash: Rc<Trash>,
}

impl Program {
    /// Builds a program of shaders in pipeline order.
    pub fn new(shaders: &[Rc<Shader>], dual_source: bool, trash: &Rc<Trash>) -> Result<Self, Fault> {
        let mut program = Self {
            layout: vk::PipelineLayout::null(),
            stages: Vec::new(),
            vertex: None,
            pixel_outputs: 0,
            pipelines: RefCell::default(),
            writes: false,
            bindings: Vec::new(),
            set_layout: vk::DescriptorSetLayout::null(),
            template: None,
            trash: trash.clone(),
        };
        let mut places = Vec::new();
        let mut previous = None;
        for shader in shaders {
            let flag = stage_flag(shader.stage);
            let pixel = shader.stage == stage::PIXEL;
            let variant = Variant {
                previous_outputs: if pixel { previous } else { None },
                dual_source: pixel && dual_source,
            };
            let reflection = &shader.reflection;
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
                program.bindings.push(ProgramBinding {
                    stage: shader.stage,
                    class: binding.class,
                    slot: binding.slot as usize,
                    kind: binding.kind,
                });
                places.push((binding.descriptor.binding, map_type(binding.kind.descriptor_type()), flag));
            }
            match shader.stage {
                stage::VERTEX => program.vertex = Some(shader.clone()),
                stage::PIXEL => program.pixel_outputs = reflection.output_mask(),
                _ => {}
            }
            previous = Some(reflection.output_mask());
        }
        program.create_layouts(&places)?;
        Ok(program)
    }

    fn create_layouts(
        &mut self,
        places: &[(u32, vk::DescriptorType, vk::ShaderStageFlags)],
    ) -> Result<(), Fault> {
        let device = &self.trash.device;
        let bindings: Vec<_> = places
            .iter()
            .map(|(binding, kind, flag)| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(*binding)
                    .descriptor_type(*kind)
                    .descriptor_count(1)
                    .stage_flags(*flag)
            })
            .collect();
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: bindings are distinct, since the translator places each (stage, class, slot) apart.
        self.set_layout = unsafe { device.raw.create_descriptor_set_layout(&info, None) }
            .map_err(|result| device.fault("vkCreateDescriptorSetLayout", result))?;
        let layouts = [self.set_layout];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts);
        // SAFETY: the set layout is alive.
        self.layout = unsafe { device.raw.create_pipeline_layout(&info, None) }
            .map_err(|result| device.fault("vkCreatePipelineLayout", result))?;
        if places.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = places
            .iter()
            .enumerate()
            .map(|(index, (binding, kind, _))| {
                vk::DescriptorUpdateTemplateEntry::default()
                    .dst_binding(*binding)
                    .descriptor_type(*kind)
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
                    if let Some(Some(view)) = stage.resources.get(binding.slot) {
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
                BindingClass::Sampler => {}
            }
        }
    }

    /// Collects the descriptors for what is bound; what is absent or does not fit the declaration is null.
    fn collect(&self, bound: &Bindings, sampler: &Sampler, into: &mut Vec<Descriptor>) -> Result<(), Fault> {
        into.clear();
        let device = &self.trash.device;
        for binding in &self.bindings {
            let Some(stage) = bound.stage(binding.stage) else { continue };
            into.push(match binding.class {
                BindingClass::ConstantBuffer => constant_buffer(device, stage, binding),
                BindingClass::Sampler => {
                    let bound = stage.samplers.get(binding.slot).and_then(Option::as_ref);
                    let raw = bound.map_or(sampler.raw, |sampler| sampler.raw);
                    Descriptor { image: vk::DescriptorImageInfo::default().sampler(raw) }
                }
                BindingClass::ShaderResource => {
                    let view = stage.resources.get(binding.slot).and_then(Option::as_ref);
                    resource(device, view, &binding.kind)?
                }
                BindingClass::UnorderedAccess => resource(device, uav(bound, binding), &binding.kind)?,
                BindingClass::UnorderedAccessCounter => {
                    let counter = uav(bound, binding).and_then(|view| view.counter.as_ref());
                    let raw = counter.map_or(vk::Buffer::null(), |counter| counter.buffer);
                    Descriptor { buffer: buffer_info(raw, 0, 4) }
                }
            });
        }
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        for (_, pipeline) in self.pipelines.take() {
            self.trash.add(Garbage::Pipeline(pipeline));
        }
        if let Some(template) = self.template {
            self.trash.add(Garbage::Template(template));
        }
        self.trash.add(Garbage::PipelineLayout(self.layout));
        self.trash.add(Garbage::SetLayout(self.set_layout));
    }
}

fn uav<'b>(bound: &'b Bindings, binding: &ProgramBinding) -> Option<&'b Rc<View>> {
    let list = if binding.stage == stage::COMPUTE { &bound.compute_uavs } else { &bound.graphics_uavs };
    list.get(binding.slot)?.as_ref()
}

fn buffer_info(buffer: vk::Buffer, offset: u64, range: u64) -> vk::DescriptorBufferInfo {
    if buffer == vk::Buffer::null() {
        return vk::DescriptorBufferInfo { buffer, offset: 0, range: vk::WHOLE_SIZE };
    }
    vk::DescriptorBufferInfo { buffer, offset, range }
}

fn constant_buffer(device: &Device, stage: &StageBindings, binding: &ProgramBinding) -> Descriptor {
    let null = Descriptor { buffer: buffer_info(vk::Buffer::null(), 0, 0) };
    let Some(Some(bound)) = stage.constant_buffers.get(binding.slot) else { return null };
    let (raw, base) = bound.buffer.place();
    let start = u64::from(bound.first_constant) * 16;
    let Some(left) = bound.buffer.size().checked_sub(start).filter(|left| *left != 0) else { return null };
    let limit = u64::from(device.limits.max_uniform_buffer_range);
    let range = left.min(u64::from(bound.num_constants) * 16).min(limit);
    let aligned = (base + start).is_multiple_of(device.limits.min_uniform_buffer_offset_alignment.max(1));
    if range == 0 || !aligned {
        return null;
    }
    Descriptor { buffer: buffer_info(raw, base + start, range) }
}

/// The descriptor of a shader-resource or unordered-access view.
fn resource(device: &Device, view: Option<&Rc<View>>, kind: &BindingKind) -> Result<Descriptor, Fault> {
    Ok(match kind.descriptor_type() {
        DescriptorType::StorageBuffer => Descriptor { buffer: storage_buffer(device, view)? },
        DescriptorType::UniformTexelBuffer | DescriptorType::StorageTexelBuffer => {
            Descriptor { texel: texel_buffer(view, kind)? }
        }
        _ => Descriptor { image: image(view, kind)? },
    })
}

fn storage_buffer(device: &Device, view: Option<&Rc<View>>) -> Result<vk::DescriptorBufferInfo, Fault> {
    let null = buffer_info(vk::Buffer::null(), 0, 0);
    let Some(view) = view else { return Ok(null) };
    let Target::Buffer(buffer) = &view.target else { return Ok(null) };
    if view.is_typed(buffer) {
        return Ok(null);
    }
    let (raw, offset, bytes) = view.buffer_range(buffer);
    if !offset.is_multiple_of(device.limits.min_storage_buffer_offset_alignment.max(1)) {
        return Err(Fault::unsupported(format!("a buffer view that begins at byte {offset}")));
    }
    Ok(buffer_info(raw, offset, bytes.min(u64::from(device.limits.max_storage_buffer_range))))
}

fn texel_buffer(view: Option<&Rc<View>>, kind: &BindingKind) -> Result<vk::BufferView, Fault> {
    let null = vk::BufferView::null();
    let Some(view) = view else { return Ok(null) };
    let Target::Buffer(buffer) = &view.target else { return Ok(null) };
    if !view.is_typed(buffer) || !same_numbers(view, kind) {
        return Ok(null);
    }
    view.texel_view(buffer)
}

fn image(view: Option<&Rc<View>>, kind: &BindingKind) -> Result<vk::DescriptorImageInfo, Fault> {
    let null = vk::DescriptorImageInfo::default().image_layout(vk::ImageLayout::GENERAL);
    let (BindingKind::Typed { dimension, .. } | BindingKind::StorageTyped { dimension, .. }) = kind else {
        return Ok(null);
    };
    let Some(view) = view else { return Ok(null) };
    let Target::Texture(texture) = &view.target else { return Ok(null) };
    if !same_numbers(view, kind) {
        return Ok(null);
    }
    let raw = view.shader_view(texture, *dimension)?.unwrap_or_default();
    Ok(null.image_view(raw))
}

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

/// A context's descriptor pools.
pub struct DescriptorPools {
    device: Arc<Device>,
    current: Option<vk::DescriptorPool>,
    /// Pools with sets of the current batch, the current one not included.
    used: Vec<vk::DescriptorPool>,
    free: Vec<vk::DescriptorPool>,
    scratch: Vec<Descriptor>,
}

impl DescriptorPools {
    pub fn new(device: Arc<Device>) -> Self {
        Self { device, current: None, used: Vec::new(), free: Vec::new(), scratch: Vec::new() }
    }

    /// A set with the descriptors of what is bound; valid until the batch has finished.
    pub fn set(
        &mut self,
        program: &Program,
        bound: &Bindings,
        sampler: &Sampler,
    ) -> Result<Option<vk::DescriptorSet>, Fault> {
        let Some(template) = program.template else { return Ok(None) };
        program.collect(bound, sampler, &mut self.scratch)?;
        let set = self.allocate(program.set_layout)?;
        let data = self.scratch.as_ptr().cast();
        // SAFETY: the template reads one descriptor of the union for each binding of the program, each of which `collect`
        // has written with the variant of its type.
        unsafe { self.device.raw.update_descriptor_set_with_template(set, template, data) };
        Ok(Some(set))
    }

    fn allocate(&mut self, layout: vk::DescriptorSetLayout) -> Result<vk::DescriptorSet, Fault> {
        let layouts = [layout];
        let mut retried = false;
        loop {
            let pool = match self.current {
                Some(pool) => pool,
                None => *self.current.insert(match self.free.pop() {
                    Some(pool) => pool,
                    None => create_pool(&self.device)?,
                }),
            };
            let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
            // SAFETY: the pool and the layout are alive; only this thread uses them.
            match unsafe { self.device.raw.allocate_descriptor_sets(&info) } {
                Ok(sets) => return sets.first().copied().ok_or_else(|| Fault::argument("no descriptor set")),
                Err(vk::Result::ERROR_OUT_OF_POOL_MEMORY | vk::Result::ERROR_FRAGMENTED_POOL) if !retried => {
                    self.used.extend(self.current.take());
                    retried = true;
                }
                Err(result) => return Err(self.device.fault("vkAllocateDescriptorSets", result)),
            }
        }
    }

    /// The pools that the batch has used, to travel with its submission.
    pub fn take_used(&mut self) -> Vec<vk::DescriptorPool> {
        self.used.extend(self.current.take());
        std::mem::take(&mut self.used)
    }

    /// Takes pools back whose batch has finished.
    pub fn recycle(&mut self, pools: Vec<vk::DescriptorPool>) {
        for pool in pools {
            // SAFETY: no submission uses the pool's sets any more.
            match unsafe {
                self.device.raw.reset_descriptor_pool(pool, vk::DescriptorPoolResetFlags::empty())
            } {
                Ok(()) => self.free.push(pool),
                // SAFETY: as above.
                Err(_) => unsafe { self.device.raw.destroy_descriptor_pool(pool, None) },
            }
        }
    }
}

impl Drop for DescriptorPools {
    fn drop(&mut self) {
        for pool in self.take_used().into_iter().chain(std::mem::take(&mut self.free)) {
            // SAFETY: a context drops its pools after the GPU has finished all its work.
            unsafe { self.device.raw.destroy_descriptor_pool(pool, None) };
        }
    }
}

fn create_pool(device: &Device) -> Result<vk::DescriptorPool, Fault> {
    let sizes = [
        vk::DescriptorType::UNIFORM_BUFFER,
        vk::DescriptorType::UNIFORM_TEXEL_BUFFER,
        vk::DescriptorType::STORAGE_BUFFER,
        vk::DescriptorType::STORAGE_TEXEL_BUFFER,
        vk::DescriptorType::SAMPLED_IMAGE,
        vk::DescriptorType::STORAGE_IMAGE,
        vk::DescriptorType::SAMPLER,
    ]
    .map(|kind| vk::DescriptorPoolSize { ty: kind, descriptor_count: POOL_DESCRIPTORS });
    let info = vk::DescriptorPoolCreateInfo::default().max_sets(POOL_SETS).pool_sizes(&sizes);
    // SAFETY: the info is complete.
    unsafe { device.raw.create_descriptor_pool(&info, None) }
        .map_err(|result| device.fault("vkCreateDescriptorPool", result))
}
