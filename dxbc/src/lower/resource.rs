//! Bindings: the variables behind cb#, s#, t#, u# and g#, declared when they are first used.

use std::collections::BTreeMap;

use rspirv::spirv::{Capability, Decoration, Dim, ImageFormat, Op, StorageClass, Word};

use super::Lowering;
use crate::ir::{Scalar, StructLayout};
use crate::layout::{BindingClass, DescriptorSlot, TargetCapabilities};
use crate::reflection::{
    BindingKind, PUSH_CONSTANT_BYTES, Reflection, SampledWith, StorageFormat, ViewUses, atomic_format,
    r32_format, view_start_range,
};
use crate::token::declaration::{Declaration, ResourceDimension, ReturnType, ViewKind};
use crate::token::opcode::Opcode;
use crate::token::operand::{Index, Operand, RegisterFile};
use crate::token::program::{Program, ShaderStage};
use crate::{Error, limits};

/// A declared t# or u#.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The kind of view.
    pub kind: ViewKind,
    /// Writes must be visible outside the invocation that makes them.
    coherent: bool,
}

/// A declared g#.
#[derive(Debug, Clone, Copy)]
pub struct SharedMemory {
    /// Bytes of an element.
    pub stride: u32,
    /// Dwords in all.
    pub dwords: u32,
    /// Whether it is a structured one.
    pub structured: bool,
}

/// The bindings of a program.
#[derive(Debug, Default)]
pub struct Resources {
    constant_buffers: BTreeMap<u32, u32>,
    samplers: BTreeMap<u32, bool>,
    resources: BTreeMap<u32, View>,
    views: BTreeMap<u32, View>,
    shared: BTreeMap<u32, SharedMemory>,
    /// Bytes of all shared memory.
    shared_bytes: u32,
    uses: ViewUses,
    /// Declared variables, by class and slot. Shared memory is filed under its own number.
    variables: BTreeMap<(u32, u32), Word>,
    /// The push constants: where raw and structured views begin, and the blend factor.
    push_constants: Option<Word>,
}

/// The key of thread group shared memory in [`Resources::variables`]; the others are [`BindingClass`] numbers.
const SHARED: u32 = u32::MAX;
/// The key of further samplers there, which are filed by their number in [`Reflection::spare_samplers`].
const SPARE_SAMPLER: u32 = u32::MAX - 1;

/// An image: its variable, its type and its shape.
#[derive(Debug, Clone, Copy)]
pub struct Image {
    /// The variable.
    pub variable: Word,
    /// `OpTypeImage`.
    pub ty: Word,
    /// The type of its texels' components.
    pub scalar: Scalar,
    /// The shape.
    pub dimension: ResourceDimension,
}

/// What SPIR-V calls a resource dimension.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The dimensionality.
    pub dim: Dim,
    /// Whether there are layers.
    pub arrayed: bool,
    /// Whether there are samples.
    pub multisampled: bool,
    /// Coordinates, without the layer.
    pub coordinates: usize,
}

impl Shape {
    /// The shape of a dimension.
    pub fn of(dimension: ResourceDimension) -> Self {
        let (dim, arrayed, multisampled, coordinates) = match dimension {
            ResourceDimension::Buffer => (Dim::DimBuffer, false, false, 1),
            ResourceDimension::Texture1D => (Dim::Dim1D, false, false, 1),
            ResourceDimension::Texture2D => (Dim::Dim2D, false, false, 2),
            ResourceDimension::Texture2DMs => (Dim::Dim2D, false, true, 2),
            ResourceDimension::Texture3D => (Dim::Dim3D, false, false, 3),
            ResourceDimension::TextureCube => (Dim::DimCube, false, false, 3),
            ResourceDimension::Texture1DArray => (Dim::Dim1D, true, false, 1),
            ResourceDimension::Texture2DArray => (Dim::Dim2D, true, false, 2),
            ResourceDimension::Texture2DMsArray => (Dim::Dim2D, true, true, 2),
            ResourceDimension::TextureCubeArray => (Dim::DimCube, true, false, 3),
        };
        Self { dim, arrayed, multisampled, coordinates }
    }

    /// Coordinates with the layer.
    pub fn with_layer(&self) -> usize {
        self.coordinates + usize::from(self.arrayed)
    }
}

impl Resources {
    /// Collects the declarations.
    pub fn of(program: &Program) -> Self {
        let mut resources = Self { uses: ViewUses::of(program), ..Self::default() };
        // Without D3D11's "globally coherent", writes must still reach the rest of the thread group.
        let group_sync = program.instructions.iter().any(|instruction| {
            instruction.opcode == Opcode::Sync
                && (instruction.sync_flags().uav_group || instruction.sync_flags().uav_global)
        });
        for declaration in &program.declarations {
            match *declaration {
                Declaration::ConstantBuffer { slot, elements, dynamic } => {
                    let all = dynamic || elements == 0;
                    let elements = if all { limits::CONSTANT_BUFFER_ELEMENTS } else { elements };
                    resources.constant_buffers.insert(slot, elements);
                }
                Declaration::Sampler { slot, comparison } => {
                    resources.samplers.insert(slot, comparison);
                }
                Declaration::Resource { slot, kind } => {
                    resources.resources.insert(slot, View { kind, coherent: false });
                }
                Declaration::UnorderedAccessView { slot, kind, globally_coherent } => {
                    resources.views.insert(slot, View { kind, coherent: globally_coherent || group_sync });
                }
                Declaration::ThreadGroupSharedMemory { register, stride, count, structured } => {
                    // The parser has checked the product.
                    let dwords = stride / 4 * count;
                    resources.shared.insert(register, SharedMemory { stride, dwords, structured });
                    resources.shared_bytes = resources.shared_bytes.saturating_add(dwords * 4);
                }
                _ => {}
            }
        }
        resources
    }

    /// Adds what only the translation decides to the reflection: the formats of typed views.
    pub fn describe(&self, reflection: &mut Reflection, target: &TargetCapabilities) {
        for binding in &mut reflection.bindings {
            if let BindingKind::StorageTyped { return_type, format, .. } = &mut binding.kind {
                *format = self.storage_format(binding.slot, *return_type, target);
            }
        }
    }

    /// The format that a typed view must be declared with, if any: atomics need one, loads do unless the device can
    /// do without. D3D11.0 allows both on one-component 32-bit formats only, so that the return type tells.
    fn storage_format(
        &self,
        slot: u32,
        ty: ReturnType,
        target: &TargetCapabilities,
    ) -> Option<StorageFormat> {
        if self.uses.atomic(slot) {
            return atomic_format(ty);
        }
        let load = self.uses.load(slot) && !target.shader_storage_image_read_without_format;
        if load { r32_format(ty) } else { None }
    }
}

impl Lowering<'_> {
    pub(super) fn bind(&mut self, class: BindingClass, slot: u32, variable: Word) {
        self.place(self.options.layout.descriptor(self.program.stage, class, slot), variable);
        self.resources.variables.insert((class as u32, slot), variable);
    }

    fn place(&mut self, place: DescriptorSlot, variable: Word) {
        self.module.decorate(variable, Decoration::DescriptorSet, &[place.set]);
        self.module.decorate(variable, Decoration::Binding, &[place.binding]);
    }

    fn bound(&self, class: BindingClass, slot: u32) -> Option<Word> {
        self.resources.variables.get(&(class as u32, slot)).copied()
    }

    /// A pointer to an element of a constant buffer.
    pub(super) fn constant_buffer_element(&mut self, slot: u32, index: &Index) -> Result<Word, Error> {
        let elements = self.resources.constant_buffers.get(&slot).copied();
        let elements = elements.ok_or_else(|| self.invalid("the constant buffer is not declared"))?;
        let class = BindingClass::ConstantBuffer;
        let variable = match self.bound(class, slot) {
            Some(variable) => variable,
            None => {
                let ty = self.module.block_type(StructLayout::Uniform(elements + 1));
                let variable = self.module.variable(StorageClass::Uniform, ty, None, &format!("cb{slot}"));
                self.bind(class, slot, variable);
                variable
            }
        };
        let index = match index.relative {
            None if index.base >= elements => {
                return Err(self.invalid("a constant buffer index is out of the declared size"));
            }
            None => self.module.u32(index.base),
            // What is not backed by the bound buffer reads as zero: so does the spare element, since a buffer has at
            // most the declared elements where indices are computed.
            Some(_) => self.index(index, elements)?,
        };
        let vec4 = self.ty(Scalar::F32, 4);
        let pointer = self.module.pointer_type(StorageClass::Uniform, vec4);
        let member = self.module.u32(0);
        Ok(self.module.op(Op::AccessChain, pointer, &[variable, member, index]))
    }

    /// The declared view behind a t# or u# operand, and its slot.
    pub(super) fn view(&self, operand: &Operand) -> Result<(View, u32), Error> {
        let slot = operand.register().ok_or_else(|| self.invalid("the resource has no immediate slot"))?;
        let views = match operand.file {
            RegisterFile::Resource => &self.resources.resources,
            RegisterFile::UnorderedAccessView => &self.resources.views,
            _ => return Err(self.invalid("the operand is not a resource")),
        };
        let view = views.get(&slot).copied().ok_or_else(|| self.invalid("the resource is not declared"))?;
        Ok((view, slot))
    }

    /// The image of a typed view.
    pub(super) fn image_of(&mut self, operand: &Operand) -> Result<Image, Error> {
        let (view, slot) = self.view(operand)?;
        let ViewKind::Typed { dimension, return_type } = view.kind else {
            return Err(self.invalid("the view is not a typed one"));
        };
        let as_bits = operand.file == RegisterFile::UnorderedAccessView && self.resources.uses.atomic(slot);
        let scalar = match return_type {
            ReturnType::Float if as_bits => Scalar::U32,
            ReturnType::Float | ReturnType::Unorm | ReturnType::Snorm | ReturnType::Mixed => Scalar::F32,
            ReturnType::Sint => Scalar::I32,
            // A double is read as its two dwords, from a view of dwords.
            ReturnType::Uint | ReturnType::Double => Scalar::U32,
        };
        let sampled = operand.file == RegisterFile::Resource;
        let shape = Shape::of(dimension);
        let format = if sampled { ImageFormat::Unknown } else { self.view_format(slot, return_type)? };
        let capability = match (dimension, sampled) {
            (ResourceDimension::Buffer, true) => Some(Capability::SampledBuffer),
            (ResourceDimension::Buffer, false) => Some(Capability::ImageBuffer),
            (ResourceDimension::Texture1D | ResourceDimension::Texture1DArray, true) => {
                Some(Capability::Sampled1D)
            }
            (ResourceDimension::Texture1D | ResourceDimension::Texture1DArray, false) => {
                Some(Capability::Image1D)
            }
            _ => None,
        };
        if let Some(capability) = capability {
            self.module.capability(capability);
        }
        if dimension == ResourceDimension::TextureCubeArray {
            let present = self.target().image_cube_array;
            self.require(present, Capability::SampledCubeArray, "imageCubeArray")?;
        }
        if !sampled && (shape.multisampled || shape.dim == Dim::DimCube) {
            return Err(self.invalid("an unordered access view cannot have this dimension"));
        }
        let ty =
            self.module.image_type(scalar, shape.dim, shape.arrayed, shape.multisampled, sampled, format);
        let class = if sampled { BindingClass::ShaderResource } else { BindingClass::UnorderedAccess };
        let variable = match self.bound(class, slot) {
            Some(variable) => variable,
            None => {
                let name = format!("{}{slot}", operand.file.prefix());
                let variable = self.module.variable(StorageClass::UniformConstant, ty, None, &name);
                self.bind(class, slot, variable);
                if view.coherent {
                    self.module.decorate(variable, Decoration::Coherent, &[]);
                }
                variable
            }
        };
        Ok(Image { variable, ty, scalar, dimension })
    }

    /// The SPIR-V format of a typed unordered access view.
    fn view_format(&mut self, slot: u32, return_type: ReturnType) -> Result<ImageFormat, Error> {
        let target = *self.target();
        if let Some(format) = self.resources.storage_format(slot, return_type, &target) {
            return Ok(match format {
                StorageFormat::R32Sfloat => ImageFormat::R32f,
                StorageFormat::R32Uint => ImageFormat::R32ui,
                StorageFormat::R32Sint => ImageFormat::R32i,
            });
        }
        if self.resources.uses.atomic(slot) {
            return Err(self.invalid("atomics need a view of 32-bit integers"));
        }
        if self.resources.uses.load(slot) {
            self.require(
                target.shader_storage_image_read_without_format,
                Capability::StorageImageReadWithoutFormat,
                "shaderStorageImageReadWithoutFormat",
            )?;
        }
        if self.resources.uses.store(slot) {
            self.require(
                target.shader_storage_image_write_without_format,
                Capability::StorageImageWriteWithoutFormat,
                "shaderStorageImageWriteWithoutFormat",
            )?;
        }
        Ok(ImageFormat::Unknown)
    }

    /// The variable of a declared sampler, with which a texture is read.
    pub(super) fn sampler(&mut self, operand: &Operand, texture: &Operand) -> Result<Word, Error> {
        let slot = operand.register().filter(|_| operand.file == RegisterFile::Sampler);
        let slot = slot.filter(|slot| self.resources.samplers.contains_key(slot));
        let slot = slot.ok_or_else(|| self.invalid("the sampler is not declared"))?;
        let spare = texture.register().and_then(|texture| self.spare_sampler(slot, texture));
        let known = match spare {
            Some((number, _)) => self.resources.variables.get(&(SPARE_SAMPLER, number)).copied(),
            None => self.bound(BindingClass::Sampler, slot),
        };
        if let Some(variable) = known {
            return Ok(variable);
        }
        let ty = self.module.sampler_type();
        let name = spare.map_or(format!("s{slot}"), |(number, _)| format!("s{slot}_{number}"));
        let variable = self.module.variable(StorageClass::UniformConstant, ty, None, &name);
        match spare {
            Some((number, place)) => {
                self.place(place, variable);
                self.resources.variables.insert((SPARE_SAMPLER, number), variable);
            }
            None => self.bind(BindingClass::Sampler, slot, variable),
        }
        Ok(variable)
    }

    /// The further descriptor of a sampler for a texture, if there is one: its number and its place.
    fn spare_sampler(&self, sampler: u32, texture: u32) -> Option<(u32, DescriptorSlot)> {
        let spare = self.reflection.spare_samplers.iter().filter(|_| self.options.split_samplers);
        let serves = |one: &SampledWith| {
            one.sampler == sampler && one.resources.checked_shr(texture).unwrap_or(0) & 1 != 0
        };
        (0..)
            .zip(spare)
            .find(|(_, spare)| serves(&spare.of))
            .map(|(number, spare)| (number, spare.descriptor))
    }

    /// The storage block of a raw or structured view.
    pub(super) fn dword_buffer(&mut self, operand: &Operand) -> Result<Word, Error> {
        let (view, slot) = self.view(operand)?;
        let read_only = operand.file == RegisterFile::Resource;
        let class = if read_only { BindingClass::ShaderResource } else { BindingClass::UnorderedAccess };
        if let Some(variable) = self.bound(class, slot) {
            return Ok(variable);
        }
        let ty = self.module.block_type(StructLayout::Dwords { read_only });
        let name = format!("{}{slot}", operand.file.prefix());
        let variable = self.module.variable(StorageClass::StorageBuffer, ty, None, &name);
        self.bind(class, slot, variable);
        if view.coherent {
            self.module.decorate(variable, Decoration::Coherent, &[]);
        }
        Ok(variable)
    }

    /// How many dwords behind the beginning of its descriptor a raw or structured view begins; none where that is 0.
    pub(super) fn view_start(&mut self, operand: &Operand) -> Result<Option<Word>, Error> {
        if !self.options.layout.view_starts {
            return Ok(None);
        }
        let (_, slot) = self.view(operand)?;
        let read_only = operand.file == RegisterFile::Resource;
        let class = if read_only { BindingClass::ShaderResource } else { BindingClass::UnorderedAccess };
        let Some(place) = self.reflection.view_start(class, slot) else { return Ok(None) };
        let (variable, first) = self.push_constants();
        let uint = self.ty(Scalar::U32, 1);
        let pointer = self.module.pointer_type(StorageClass::PushConstant, uint);
        let member = self.module.u32(0);
        let place = place - first;
        let (dword, shift, bits) =
            (self.module.u32(place / 4), self.module.u32(place % 4 * 8), self.module.u32(8));
        let pointer = self.module.op(Op::AccessChain, pointer, &[variable, member, dword]);
        let four = self.module.op(Op::Load, uint, &[pointer]);
        Ok(Some(self.module.op(Op::BitFieldUExtract, uint, &[four, shift, bits])))
    }

    /// The variable of the stage's push constants, of which there may be one, and the byte where it begins.
    pub(super) fn push_constants(&mut self) -> (Word, u32) {
        let (first, mut bytes) = view_start_range(self.program.stage);
        if self.forced().is_some_and(|forced| forced.blending.is_some()) {
            bytes = PUSH_CONSTANT_BYTES - first;
        }
        let variable = match self.resources.push_constants {
            Some(variable) => variable,
            None => {
                let layout = StructLayout::Constants { offset: first, count: bytes / 4 };
                let ty = self.module.block_type(layout);
                let variable = self.module.variable(StorageClass::PushConstant, ty, None, "push_constants");
                *self.resources.push_constants.insert(variable)
            }
        };
        (variable, first)
    }

    /// A pointer to the counter of a structured view.
    pub(super) fn counter(&mut self, operand: &Operand) -> Result<Word, Error> {
        let (view, slot) = self.view(operand)?;
        let writable = operand.file == RegisterFile::UnorderedAccessView;
        if !writable || !matches!(view.kind, ViewKind::Structured { .. }) {
            return Err(self.invalid("only structured unordered access views have a counter"));
        }
        let class = BindingClass::UnorderedAccessCounter;
        let variable = match self.bound(class, slot) {
            Some(variable) => variable,
            None => {
                let ty = self.module.block_type(StructLayout::Counter);
                let variable =
                    self.module.variable(StorageClass::StorageBuffer, ty, None, &format!("u{slot}_counter"));
                self.bind(class, slot, variable);
                variable
            }
        };
        let uint = self.ty(Scalar::U32, 1);
        let pointer = self.module.pointer_type(StorageClass::StorageBuffer, uint);
        let member = self.module.u32(0);
        Ok(self.module.op(Op::AccessChain, pointer, &[variable, member]))
    }

    /// The variable of a declared g#, an array of dwords, and what was declared.
    pub(super) fn shared_memory(&mut self, operand: &Operand) -> Result<(Word, SharedMemory), Error> {
        if self.program.stage != ShaderStage::Compute {
            return Err(self.invalid("only a compute shader has thread group shared memory"));
        }
        let register =
            operand.register().ok_or_else(|| self.invalid("shared memory has no immediate number"))?;
        let memory = self.resources.shared.get(&register).copied();
        let memory = memory.ok_or_else(|| self.invalid("the shared memory is not declared"))?;
        let total = self.resources.shared_bytes;
        if total > limits::SHARED_MEMORY_BYTES {
            let limit = limits::SHARED_MEMORY_BYTES.into();
            return Err(Error::Limit {
                what: "bytes of thread group shared memory",
                value: total.into(),
                limit,
            });
        }
        let variable = match self.resources.variables.get(&(SHARED, register)) {
            Some(variable) => *variable,
            None => {
                let uint = self.ty(Scalar::U32, 1);
                let ty = self.module.array_type(uint, memory.dwords);
                let variable =
                    self.module.variable(StorageClass::Workgroup, ty, None, &format!("g{register}"));
                self.resources.variables.insert((SHARED, register), variable);
                variable
            }
        };
        Ok((variable, memory))
    }
}
