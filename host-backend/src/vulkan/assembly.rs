//! What the input assembler makes of vertices, and whether the bound stages can take it.
//!
//! D3D11 leaves draws undefined whose stages do not fit together (a hull shader without patches, a geometry shader for
//! another primitive). Here they draw nothing: Vulkan must not see them.

use ash::vk;
use pvgpu_dxbc::token::stage::{InputPrimitive, OutputTopology, TessellatorOutput};
use pvgpu_protocol::command::stage;

use super::bindings::Bindings;
use super::conv::{map_topology, topology_class};

/// `D3D11_DDI_PRIMITIVE_TOPOLOGY_1_CONTROL_POINT_PATCHLIST`, less one.
const PATCH_BASE: u32 = 32;

/// The part of a pipeline's key that comes from the input assembler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InputKey {
    /// The topology that stands for its class.
    pub topology: vk::PrimitiveTopology,
    /// Of a patch that is tessellated; else 0.
    pub control_points: u8,
    /// Nothing is rasterized.
    pub discard: bool,
}

/// How vertices become primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assembly {
    pub topology: vk::PrimitiveTopology,
    /// Of a patch that is tessellated; else 0.
    control_points: u8,
    /// Patches that neither a hull nor a geometry shader takes: their vertices are shaded and may be streamed out.
    discard: bool,
    /// Whether lines may reach the rasterizer.
    pub lines: bool,
}

/// What comes out of a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Primitive {
    Point,
    Line,
    Triangle,
    LineAdjacency,
    TriangleAdjacency,
    Patch(u32),
}

impl Assembly {
    /// Looks at the topology and the stages; `None` when nothing can be drawn.
    pub fn new(bound: &Bindings) -> Option<Self> {
        let patch = bound.topology.checked_sub(PATCH_BASE).filter(|points| (1..=32).contains(points));
        let (hull, domain) = (bound.shader(stage::HULL), bound.shader(stage::DOMAIN));
        let geometry = bound.shader(stage::GEOMETRY).filter(|shader| !shader.pass_through);
        let takes = geometry.map(|shader| shader.reflection.geometry);
        let mut assembly = Self {
            topology: vk::PrimitiveTopology::PATCH_LIST,
            control_points: 0,
            discard: false,
            lines: false,
        };
        let mut primitive = match (hull, domain, patch) {
            (Some(hull), Some(domain), Some(points)) => {
                let (hull, domain) = (hull.reflection.tessellation?, domain.reflection.tessellation?);
                let fits = hull.domain == domain.domain
                    && hull.input_control_points <= points
                    && domain.input_control_points <= hull.output_control_points;
                if !fits {
                    return None;
                }
                // CAST: 1 to 32.
                assembly.control_points = points as u8;
                match hull.output_primitive? {
                    TessellatorOutput::Point => Primitive::Point,
                    TessellatorOutput::Line => Primitive::Line,
                    TessellatorOutput::TriangleClockwise | TessellatorOutput::TriangleCounterClockwise => {
                        Primitive::Triangle
                    }
                }
            }
            (None, None, Some(points)) => {
                assembly.discard = geometry.is_none();
                assembly.topology = list_of(if assembly.discard { 1 } else { points })?;
                Primitive::Patch(points)
            }
            (None, None, None) => {
                assembly.topology = map_topology(bound.topology)?;
                assembled(assembly.topology)
            }
            _ => return None,
        };
        if let Some(takes) = takes {
            let takes = takes?;
            if expected(takes.input_primitive) != primitive {
                return None;
            }
            primitive = match takes.output_topology {
                OutputTopology::PointList => Primitive::Point,
                OutputTopology::LineStrip => Primitive::Line,
                OutputTopology::TriangleStrip => Primitive::Triangle,
            };
        }
        assembly.lines = matches!(primitive, Primitive::Line | Primitive::LineAdjacency);
        Some(assembly)
    }

    /// What of it a pipeline depends on.
    pub fn key(&self) -> InputKey {
        InputKey {
            topology: topology_class(self.topology),
            control_points: self.control_points,
            discard: self.discard,
        }
    }
}

fn assembled(topology: vk::PrimitiveTopology) -> Primitive {
    use vk::PrimitiveTopology as T;
    match topology {
        T::POINT_LIST => Primitive::Point,
        T::LINE_LIST | T::LINE_STRIP => Primitive::Line,
        T::LINE_LIST_WITH_ADJACENCY | T::LINE_STRIP_WITH_ADJACENCY => Primitive::LineAdjacency,
        T::TRIANGLE_LIST_WITH_ADJACENCY | T::TRIANGLE_STRIP_WITH_ADJACENCY => Primitive::TriangleAdjacency,
        _ => Primitive::Triangle,
    }
}

fn expected(input: InputPrimitive) -> Primitive {
    match input {
        InputPrimitive::Point => Primitive::Point,
        InputPrimitive::Line => Primitive::Line,
        InputPrimitive::Triangle => Primitive::Triangle,
        InputPrimitive::LineAdjacency => Primitive::LineAdjacency,
        InputPrimitive::TriangleAdjacency => Primitive::TriangleAdjacency,
        InputPrimitive::Patch(points) => Primitive::Patch(points),
    }
}

/// The list whose primitives have so many vertices: that is how a geometry shader gets patches.
fn list_of(vertices: u32) -> Option<vk::PrimitiveTopology> {
    use vk::PrimitiveTopology as T;
    Some(match vertices {
        1 => T::POINT_LIST,
        2 => T::LINE_LIST,
        3 => T::TRIANGLE_LIST,
        4 => T::LINE_LIST_WITH_ADJACENCY,
        6 => T::TRIANGLE_LIST_WITH_ADJACENCY,
        _ => return None,
    })
}
