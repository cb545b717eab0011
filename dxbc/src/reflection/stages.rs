//! What a pipeline needs to know of geometry, hull and domain shaders and of stream output.

use crate::Error;
use crate::limits;
use crate::token::declaration::Declaration;
use crate::token::program::{Program, ShaderStage};
use crate::token::stage::{
    InputPrimitive, OutputTopology, TessellatorDomain, TessellatorOutput, TessellatorPartitioning,
};

/// What a geometry shader takes and makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeometryReflection {
    /// What it is run for. A patch of 1, 2, 3, 4 or 6 control points must be drawn as the Vulkan list of as many
    /// vertices: points, lines, triangles, lines or triangles with adjacency.
    pub input_primitive: InputPrimitive,
    /// What it makes. With several streams it is points.
    pub output_topology: OutputTopology,
    /// Vertices that one instance emits at most.
    pub max_output_vertices: u32,
    /// How often it runs for each primitive.
    pub instances: u32,
    /// The declared streams, stream 0 in bit 0.
    pub streams: u8,
}

/// What a hull or domain shader says of the tessellator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TessellationReflection {
    /// The shape of the patch.
    pub domain: TessellatorDomain,
    /// Control points of a patch that comes in: `patchControlPoints` of the pipeline, for a hull shader.
    pub input_control_points: u32,
    /// Control points of a patch that a hull shader gives; 0 in domain shaders.
    pub output_control_points: u32,
    /// How edges are divided; hull shaders only.
    pub partitioning: Option<TessellatorPartitioning>,
    /// What the tessellator makes; hull shaders only.
    pub output_primitive: Option<TessellatorOutput>,
}

/// One buffer of stream output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOutputBuffer {
    /// Bytes from one vertex to the next.
    pub stride: u32,
    /// The stream that it takes.
    pub stream: u32,
}

/// The stream output of a module: `VK_EXT_transform_feedback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOutputReflection {
    /// The buffers, by slot, that it writes.
    pub buffers: [Option<StreamOutputBuffer>; 4],
    /// The stream that is rasterized; `None`: the pipeline must discard all primitives.
    pub rasterized_stream: Option<u32>,
}

fn missing(rule: &'static str) -> Error {
    Error::Invalid { opcode: "program", offset: 0, rule }
}

/// The facts of a geometry shader; `None` for other programs.
pub fn geometry(program: &Program) -> Result<Option<GeometryReflection>, Error> {
    if program.stage != ShaderStage::Geometry {
        return Ok(None);
    }
    let (mut input, mut vertices, mut instances, mut streams) = (None, None, 1, 0u8);
    let mut topologies = Vec::new();
    for declaration in &program.declarations {
        match declaration {
            Declaration::GeometryInput(primitive) => input = Some(*primitive),
            Declaration::GeometryOutput(topology) => topologies.push(*topology),
            Declaration::MaxOutputVertices(count) => vertices = Some(*count),
            Declaration::GeometryInstances(count) => instances = *count,
            Declaration::Stream(stream) => streams |= 1 << (stream & 3),
            _ => {}
        }
    }
    // Before shader model 5.0 there is one stream, which is not declared.
    let streams = streams.max(1);
    let max_output_vertices = vertices.ok_or_else(|| missing("dcl_max_output_vertex_count is missing"))?;
    // Both factors are limited by the parser.
    let all = max_output_vertices * instances;
    if all > limits::GS_OUTPUT_VERTICES {
        let (what, limit) = ("vertices that a geometry shader emits", limits::GS_OUTPUT_VERTICES.into());
        return Err(Error::Limit { what, value: all.into(), limit });
    }
    let output_topology =
        *topologies.first().ok_or_else(|| missing("dcl_gs_output_primitive_topology is missing"))?;
    if streams.count_ones() > 1 && topologies.iter().any(|topology| *topology != OutputTopology::PointList) {
        return Err(missing("only points can go to several streams"));
    }
    Ok(Some(GeometryReflection {
        input_primitive: input.ok_or_else(|| missing("dcl_gs_input_primitive is missing"))?,
        output_topology,
        max_output_vertices,
        instances,
        streams,
    }))
}

/// The facts of a hull or domain shader; `None` for other programs.
pub fn tessellation(program: &Program) -> Result<Option<TessellationReflection>, Error> {
    let hull = program.stage == ShaderStage::Hull;
    if !hull && program.stage != ShaderStage::Domain {
        return Ok(None);
    }
    let (mut domain, mut input, mut output) = (None, None, None);
    let (mut partitioning, mut output_primitive) = (None, None);
    for declaration in &program.declarations {
        match declaration {
            Declaration::TessellatorDomain(value) => domain = Some(*value),
            Declaration::InputControlPoints(count) => input = Some(*count),
            Declaration::OutputControlPoints(count) if hull => output = Some(*count),
            Declaration::TessellatorPartitioning(value) if hull => partitioning = Some(*value),
            Declaration::TessellatorOutput(value) if hull => output_primitive = Some(*value),
            _ => {}
        }
    }
    if hull {
        if input.is_none_or(|count| count == 0) {
            return Err(missing("dcl_input_control_point_count is missing or 0"));
        }
        if output.is_none() {
            return Err(missing("dcl_output_control_point_count is missing"));
        }
        if partitioning.is_none() || output_primitive.is_none() {
            return Err(missing("dcl_tess_partitioning or dcl_tess_output_primitive is missing"));
        }
    }
    Ok(Some(TessellationReflection {
        domain: domain.ok_or_else(|| missing("dcl_tess_domain is missing"))?,
        input_control_points: input.unwrap_or(0),
        output_control_points: output.unwrap_or(0),
        partitioning,
        output_primitive,
    }))
}
