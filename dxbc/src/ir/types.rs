//! Types and constants, each declared once.
//!
//! Types with a memory layout (blocks and the arrays in them) are kept apart from plain ones of the same shape,
//! because Vulkan allows layout decorations in external memory only.

use rspirv::spirv::{Decoration, Dim, ImageFormat, Op, StorageClass, Word};

use super::module::Module;

/// The scalar types that the lowering computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// 32-bit float, the type in which registers are kept.
    F32,
    /// 32-bit unsigned integer.
    U32,
    /// 32-bit signed integer.
    I32,
    /// 64-bit float.
    F64,
    /// Truth value.
    Bool,
}

impl Scalar {
    /// How many there are.
    pub(super) const COUNT: usize = 5;
}

/// What a scalar or vector type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The components' type.
    pub scalar: Scalar,
    /// The number of components, 1 to 4.
    pub count: u8,
}

/// A structure type with a memory layout: one array as its only member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructLayout {
    /// A uniform block of this many `vec4`.
    Uniform(u32),
    /// A storage block of dwords.
    Dwords {
        /// Whether the shader only reads it.
        read_only: bool,
    },
    /// A storage block of one dword: a view's counter.
    Counter,
    /// A block of push constants, of this many dwords from this byte on.
    Constants {
        /// The first byte.
        offset: u32,
        /// Dwords.
        count: u32,
    },
}

impl Module {
    /// The type that `key` (an opcode and its operands without the result) declares.
    fn unique_type(&mut self, op: Op, operands: &[u32]) -> Word {
        let head = [op as u32];
        if let Some(id) = self.unique.get(&head, operands) {
            return id;
        }
        let id = self.id();
        self.globals.push(op, 0, id, false, &[operands]);
        self.unique.insert(&head, operands, id);
        id
    }

    /// What a type is, if it is a scalar or a vector.
    pub fn shape(&self, ty: Word) -> Option<Shape> {
        let place = self.shapes.binary_search_by_key(&ty, |(id, _)| *id).ok()?;
        self.shapes.get(place).map(|(_, shape)| *shape)
    }

    /// `void`.
    pub fn void_type(&mut self) -> Word {
        self.unique_type(Op::TypeVoid, &[])
    }

    /// `void()`.
    pub fn void_function_type(&mut self) -> Word {
        let void = self.void_type();
        self.unique_type(Op::TypeFunction, &[void])
    }

    /// A scalar (`count` 1) or a vector of `count` (2 to 4) components.
    pub fn vector_type(&mut self, scalar: Scalar, count: usize) -> Word {
        let cached = self.vector_types.get(scalar as usize).and_then(|row| row.get(count.wrapping_sub(1)));
        if let Some(id) = cached.filter(|id| **id != 0) {
            return *id;
        }
        let element = match scalar {
            // The scalar type gets its place in the list of shapes before the vector's.
            _ if count > 1 => self.vector_type(scalar, 1),
            Scalar::F32 => self.unique_type(Op::TypeFloat, &[32]),
            Scalar::U32 => self.unique_type(Op::TypeInt, &[32, 0]),
            Scalar::I32 => self.unique_type(Op::TypeInt, &[32, 1]),
            Scalar::F64 => self.unique_type(Op::TypeFloat, &[64]),
            Scalar::Bool => self.unique_type(Op::TypeBool, &[]),
        };
        let id = match count {
            2..=4 => self.unique_type(Op::TypeVector, &[element, count as u32]),
            _ => element,
        };
        let slot =
            self.vector_types.get_mut(scalar as usize).and_then(|row| row.get_mut(count.wrapping_sub(1)));
        if let Some(slot) = slot {
            *slot = id;
            // Ids only grow, so that the list stays sorted. CAST: at most four.
            self.shapes.push((id, Shape { scalar, count: count.clamp(1, 4) as u8 }));
        }
        id
    }

    /// A structure of two scalars or vectors, the result of extended arithmetic.
    pub fn pair_type(&mut self, member: Word) -> Word {
        self.unique_type(Op::TypeStruct, &[member, member])
    }

    /// An array without a memory layout.
    pub fn array_type(&mut self, element: Word, count: u32) -> Word {
        let count = self.u32(count);
        self.unique_type(Op::TypeArray, &[element, count])
    }

    /// A pointer.
    pub fn pointer_type(&mut self, class: StorageClass, to: Word) -> Word {
        self.unique_type(Op::TypePointer, &[class as u32, to])
    }

    /// `OpTypeSampler`.
    pub fn sampler_type(&mut self) -> Word {
        self.unique_type(Op::TypeSampler, &[])
    }

    /// An image. `sampled`: read through a sampler or fetched; otherwise a storage image of `format`.
    pub fn image_type(
        &mut self,
        scalar: Scalar,
        dim: Dim,
        arrayed: bool,
        multisampled: bool,
        sampled: bool,
        format: ImageFormat,
    ) -> Word {
        let texel = self.vector_type(scalar, 1);
        let usage = if sampled { 1 } else { 2 };
        // Vulkan ignores the depth operand: a comparing instruction makes a comparing access.
        let operands = [texel, dim as u32, 0, arrayed.into(), multisampled.into(), usage, format as u32];
        self.unique_type(Op::TypeImage, &operands)
    }

    /// An image together with a sampler.
    pub fn sampled_image_type(&mut self, image: Word) -> Word {
        self.unique_type(Op::TypeSampledImage, &[image])
    }

    /// A block type, decorated with its layout.
    pub fn block_type(&mut self, layout: StructLayout) -> Word {
        // Keys that no opcode has: layouts live in the same map as plain types.
        let key = match layout {
            StructLayout::Uniform(count) => vec![u32::MAX, 0, count],
            StructLayout::Dwords { read_only } => vec![u32::MAX, 1, read_only.into()],
            StructLayout::Counter => vec![u32::MAX, 2],
            StructLayout::Constants { offset, count } => vec![u32::MAX, 5, offset, count],
        };
        if let Some(id) = self.unique.get(&key, &[]) {
            return id;
        }
        let (element, stride) = match layout {
            StructLayout::Uniform(_) => (self.vector_type(Scalar::F32, 4), 16),
            _ => (self.vector_type(Scalar::U32, 1), 4),
        };
        let member = match layout {
            StructLayout::Uniform(count) | StructLayout::Constants { count, .. } => {
                let count = self.u32(count);
                let id = self.id();
                self.globals.push(Op::TypeArray, 0, id, false, &[&[element, count]]);
                self.decorate(id, Decoration::ArrayStride, &[stride]);
                id
            }
            StructLayout::Dwords { .. } => {
                // One array type serves read-only and writable blocks.
                let key = vec![u32::MAX, 3];
                match self.unique.get(&key, &[]) {
                    Some(id) => id,
                    None => {
                        let id = self.id();
                        self.globals.push(Op::TypeRuntimeArray, 0, id, false, &[&[element]]);
                        self.decorate(id, Decoration::ArrayStride, &[stride]);
                        self.unique.insert(&key, &[], id);
                        id
                    }
                }
            }
            StructLayout::Counter => element,
        };
        let id = self.id();
        self.globals.push(Op::TypeStruct, 0, id, false, &[&[member]]);
        self.decorate(id, Decoration::Block, &[]);
        let offset = if let StructLayout::Constants { offset, .. } = layout { offset } else { 0 };
        self.decorate_member(id, 0, Decoration::Offset, &[offset]);
        if layout == (StructLayout::Dwords { read_only: true }) {
            self.decorate_member(id, 0, Decoration::NonWritable, &[]);
        }
        self.unique.insert(&key, &[], id);
        id
    }

    /// A scalar constant with these bits.
    pub fn constant(&mut self, scalar: Scalar, bits: u32) -> Word {
        let ty = self.vector_type(scalar, 1);
        self.unique_constant(Op::Constant, ty, &[bits])
    }

    /// A truth value.
    pub fn constant_bool(&mut self, value: bool) -> Word {
        let ty = self.vector_type(Scalar::Bool, 1);
        self.unique_constant(if value { Op::ConstantTrue } else { Op::ConstantFalse }, ty, &[])
    }

    /// An unsigned constant.
    pub fn u32(&mut self, value: u32) -> Word {
        self.constant(Scalar::U32, value)
    }

    /// A float constant.
    pub fn f32(&mut self, value: f32) -> Word {
        self.constant(Scalar::F32, value.to_bits())
    }

    /// A 64-bit float constant.
    pub fn f64(&mut self, value: f64) -> Word {
        let ty = self.vector_type(Scalar::F64, 1);
        let bits = value.to_bits();
        self.unique_constant(Op::Constant, ty, &[bits as u32, (bits >> 32) as u32])
    }

    /// A scalar or vector constant: one component for each entry of `bits`.
    pub fn constant_vector(&mut self, scalar: Scalar, bits: &[u32]) -> Word {
        let [first, rest @ ..] = bits else { return self.constant(scalar, 0) };
        let mut parts = [self.constant(scalar, *first); 4];
        if rest.is_empty() {
            return parts[0];
        }
        for (part, bits) in parts.iter_mut().skip(1).zip(rest) {
            *part = self.constant(scalar, *bits);
        }
        let count = bits.len().min(4);
        let ty = self.vector_type(scalar, count);
        let parts = parts.get(..count).unwrap_or_default();
        self.unique_constant(Op::ConstantComposite, ty, parts)
    }

    /// A scalar or vector constant whose `count` components all have these bits.
    pub fn splat(&mut self, scalar: Scalar, bits: u32, count: usize) -> Word {
        let bits = [bits; 4];
        self.constant_vector(scalar, bits.get(..count.clamp(1, 4)).unwrap_or_default())
    }

    /// A constant array or structure of constants.
    pub fn constant_composite(&mut self, ty: Word, parts: &[Word]) -> Word {
        self.unique_constant(Op::ConstantComposite, ty, parts)
    }

    /// The all-zero constant of a type.
    pub fn constant_null(&mut self, ty: Word) -> Word {
        self.unique_constant(Op::ConstantNull, ty, &[])
    }

    /// The unsigned specialisation constant with this number.
    pub fn spec_constant(&mut self, spec_id: u32, default: u32) -> Word {
        let key = vec![u32::MAX, 4, spec_id];
        if let Some(id) = self.unique.get(&key, &[]) {
            return id;
        }
        let ty = self.vector_type(Scalar::U32, 1);
        let id = self.id();
        self.globals.push(Op::SpecConstant, ty, id, false, &[&[default]]);
        self.decorate(id, Decoration::SpecId, &[spec_id]);
        self.unique.insert(&key, &[], id);
        id
    }

    fn unique_constant(&mut self, op: Op, ty: Word, operands: &[u32]) -> Word {
        let head = [op as u32, ty];
        if let Some(id) = self.unique.get(&head, operands) {
            return id;
        }
        let id = self.id();
        self.globals.push(op, ty, id, false, &[operands]);
        self.unique.insert(&head, operands, id);
        id
    }
}
