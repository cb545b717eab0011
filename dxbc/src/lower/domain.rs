//! Domain shaders: patch constants and the place in the domain.

use rspirv::spirv::{BuiltIn, Decoration, Op, StorageClass};

use super::hull::tess_level;
use super::register::mask_components;
use super::{Lowering, Value};
use crate::Error;
use crate::ir::Scalar;
use crate::reflection::patch_constant_location;
use crate::token::declaration::SystemValue;
use crate::token::operand::RegisterFile;

impl Lowering<'_> {
    /// Fills the patch constant registers from the interface.
    pub(super) fn fill_patch_constants(&mut self) -> Result<(), Error> {
        let vec4 = self.ty(Scalar::F32, 4);
        for (number, parts) in self.interface.patch_constants.clone() {
            let written =
                self.options.previous_stage_patch_constants.is_none_or(|mask| mask >> (number & 31) & 1 != 0);
            let located = parts.iter().any(|part| !matches!(part.system_value, SystemValue::TessFactor(_)));
            let mut value = if located && written {
                let variable =
                    self.module.variable(StorageClass::Input, vec4, None, &format!("patch{number}"));
                let location = patch_constant_location(number);
                self.module.decorate(variable, Decoration::Location, &[location]);
                self.module.decorate(variable, Decoration::Patch, &[]);
                self.module.op(Op::Load, vec4, &[variable])
            } else {
                self.module.splat(Scalar::F32, 0, 4)
            };
            for part in parts {
                let SystemValue::TessFactor(factor) = part.system_value else { continue };
                let (built_in, index) = tess_level(factor);
                let levels = self.tess_levels(StorageClass::Input, built_in);
                let float = self.ty(Scalar::F32, 1);
                let pointer = self.module.pointer_type(StorageClass::Input, float);
                let index = self.module.u32(index);
                let pointer = self.module.op(Op::AccessChain, pointer, &[levels, index]);
                let level = self.module.op(Op::Load, float, &[pointer]);
                for component in mask_components(part.mask).as_slice().unwrap_or_default() {
                    let operands = [level, value, *component as u32];
                    value = self.module.op(Op::CompositeInsert, vec4, &operands);
                }
            }
            let pointer = self.file_pointer(RegisterFile::InputPatchConstant, number)?;
            self.module.op_void(Op::Store, &[pointer, value]);
        }
        Ok(())
    }

    /// vDomain: u, v and, in triangles, w.
    pub(super) fn load_domain_point(&mut self) -> Value {
        let place = self.load_built_in(BuiltIn::TessCoord, Scalar::F32, 3, "vDomain");
        let zero = self.module.f32(0.0);
        let vec4 = self.ty(Scalar::F32, 4);
        let id = self.module.op(Op::CompositeConstruct, vec4, &[place.id, zero]);
        Value { id, scalar: Scalar::F32, count: 4 }
    }
}
