//! Declarations of the geometry, hull and domain stages: primitives, streams, control points and the tessellator.

use super::declaration::{Declaration, Fields};
use super::opcode::Opcode;
use super::operand::RegisterFile;
use crate::{Error, limits};

/// What a geometry shader is run for, `D3D10_SB_PRIMITIVE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum InputPrimitive {
    Point,
    Line,
    Triangle,
    LineAdjacency,
    TriangleAdjacency,
    /// A patch of so many control points, 1 to 32.
    Patch(u32),
}

impl InputPrimitive {
    fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Point,
            2 => Self::Line,
            3 => Self::Triangle,
            6 => Self::LineAdjacency,
            7 => Self::TriangleAdjacency,
            8..=39 => Self::Patch(number - 7),
            _ => return None,
        })
    }

    /// The vertices of one primitive.
    pub fn vertices(self) -> u32 {
        match self {
            Self::Point => 1,
            Self::Line => 2,
            Self::Triangle => 3,
            Self::LineAdjacency => 4,
            Self::TriangleAdjacency => 6,
            Self::Patch(points) => points,
        }
    }
}

/// What a geometry shader makes, the members of `D3D10_SB_PRIMITIVE_TOPOLOGY` that it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum OutputTopology {
    PointList,
    LineStrip,
    TriangleStrip,
}

/// The shape of a tessellated patch, `D3D11_SB_TESSELLATOR_DOMAIN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum TessellatorDomain {
    Isoline,
    Triangle,
    Quad,
}

/// How tessellation factors divide an edge, `D3D11_SB_TESSELLATOR_PARTITIONING`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum TessellatorPartitioning {
    Integer,
    Pow2,
    FractionalOdd,
    FractionalEven,
}

/// What the tessellator makes, `D3D11_SB_TESSELLATOR_OUTPUT_PRIMITIVE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named as in the format's enumeration")]
pub enum TessellatorOutput {
    Point,
    Line,
    TriangleClockwise,
    TriangleCounterClockwise,
}

/// Reads the declaration `opcode`, whose first token is `token`. `Ok(None)`: it is none of these stages'.
pub(super) fn parse(
    opcode: Opcode,
    token: u32,
    fields: &mut Fields<'_, '_>,
) -> Result<Option<Declaration>, Error> {
    let control = |bits: u32| token >> 11 & ((1 << bits) - 1);
    Ok(Some(match opcode {
        Opcode::DclStream => Declaration::Stream(fields.slot(RegisterFile::Stream, limits::STREAMS)?),
        Opcode::DclGsInputPrimitive => {
            let primitive = InputPrimitive::from_number(control(6));
            Declaration::GeometryInput(primitive.ok_or_else(|| fields.invalid("the primitive is undefined"))?)
        }
        Opcode::DclGsOutputPrimitiveTopology => Declaration::GeometryOutput(match control(7) {
            1 => OutputTopology::PointList,
            3 => OutputTopology::LineStrip,
            5 => OutputTopology::TriangleStrip,
            _ => return Err(fields.invalid("the topology is not a point list, line strip or triangle strip")),
        }),
        Opcode::DclMaxOutputVertexCount => {
            let count =
                fields.limited("vertices that a geometry shader emits", limits::GS_OUTPUT_VERTICES)?;
            Declaration::MaxOutputVertices(fields.positive(count)?)
        }
        Opcode::DclGsInstanceCount => {
            let count = fields.limited("instances of a geometry shader", limits::GS_INSTANCES)?;
            Declaration::GeometryInstances(fields.positive(count)?)
        }
        Opcode::DclInputControlPointCount => {
            let count = fields.checked("control points of a patch", control(6), limits::CONTROL_POINTS)?;
            Declaration::InputControlPoints(count)
        }
        Opcode::DclOutputControlPointCount => {
            let count = fields.checked("control points of a patch", control(6), limits::CONTROL_POINTS)?;
            Declaration::OutputControlPoints(count)
        }
        Opcode::DclTessDomain => Declaration::TessellatorDomain(match control(2) {
            1 => TessellatorDomain::Isoline,
            2 => TessellatorDomain::Triangle,
            3 => TessellatorDomain::Quad,
            _ => return Err(fields.invalid("the domain is undefined")),
        }),
        Opcode::DclTessPartitioning => Declaration::TessellatorPartitioning(match control(3) {
            1 => TessellatorPartitioning::Integer,
            2 => TessellatorPartitioning::Pow2,
            3 => TessellatorPartitioning::FractionalOdd,
            4 => TessellatorPartitioning::FractionalEven,
            _ => return Err(fields.invalid("the partitioning is undefined")),
        }),
        Opcode::DclTessOutputPrimitive => Declaration::TessellatorOutput(match control(3) {
            1 => TessellatorOutput::Point,
            2 => TessellatorOutput::Line,
            3 => TessellatorOutput::TriangleClockwise,
            4 => TessellatorOutput::TriangleCounterClockwise,
            _ => return Err(fields.invalid("the output primitive is undefined")),
        }),
        Opcode::DclHsMaxTessfactor => {
            let bits = fields.dword()?;
            // NaN is in no range.
            if !limits::MAX_TESS_FACTOR.contains(&f32::from_bits(bits)) {
                return Err(fields.invalid("the greatest tessellation factor is not from 1 to 64"));
            }
            Declaration::MaxTessFactor(bits)
        }
        Opcode::DclHsForkPhaseInstanceCount | Opcode::DclHsJoinPhaseInstanceCount => {
            Declaration::PhaseInstances(fields.dword()?)
        }
        _ => return Ok(None),
    }))
}
