//! A draw as plain data: stages, vertices, targets; and what it left.

use ash::vk;
use pvgpu_dxbc::{Compiled, ShaderStage};

use super::Gpu;
use super::bindings::bind;
use super::contents::{Contents, Format, Image, ImageKind};
use super::pipeline;
use super::rendering::{self, Attachments};
use super::scope::Scope;

/// What feedback buffers hold where nothing was written.
pub const FEEDBACK_MARK: u32 = 0xfeed_bacc;

/// A shader and what it binds.
#[derive(Debug, Clone)]
pub struct Stage<'a> {
    /// The translated shader.
    pub shader: &'a Compiled,
    /// Its bindings, in the order of the reflection; after the draw, what it left in them.
    pub contents: Vec<Contents>,
}

impl<'a> Stage<'a> {
    /// A shader without bindings.
    pub fn new(shader: &'a Compiled) -> Self {
        Self { shader, contents: Vec::new() }
    }

    /// A shader with bindings.
    pub fn with(shader: &'a Compiled, contents: Vec<Contents>) -> Self {
        Self { shader, contents }
    }
}

/// The values of one vertex shader input, in the type that its signature names.
#[derive(Debug, Clone, Default)]
pub struct Attribute {
    /// The input register.
    pub register: u32,
    /// Components that the vertex buffer holds: 1 to 4.
    pub components: u32,
    /// One value for each instance instead of each vertex.
    pub per_instance: bool,
    /// The values.
    pub values: Vec<[u32; 4]>,
}

impl Attribute {
    /// Four floats for each vertex.
    pub fn floats(register: u32, values: &[[f32; 4]]) -> Self {
        let values = values.iter().map(|value| value.map(f32::to_bits)).collect();
        Self { register, components: 4, per_instance: false, values }
    }

    /// Four integers for each vertex.
    pub fn integers(register: u32, values: &[[u32; 4]]) -> Self {
        Self { register, components: 4, per_instance: false, values: values.to_vec() }
    }
}

/// A render target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// One of the formats of four components.
    pub format: Format,
    /// What it holds before the draw.
    pub clear: [u32; 4],
}

impl Target {
    /// Floats, cleared to zero.
    pub fn floats() -> Self {
        Self { format: Format::R32G32B32A32Sfloat, clear: [0; 4] }
    }

    /// Unsigned integers, cleared to zero.
    pub fn integers() -> Self {
        Self { format: Format::R32G32B32A32Uint, clear: [0; 4] }
    }
}

/// A depth buffer and its test.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// What it holds before the draw.
    pub clear: f32,
    /// The test.
    pub compare: vk::CompareOp,
    /// Whether fragments that pass write.
    pub write: bool,
}

/// A viewport in D3D11's terms: from the upper left, y downwards.
#[derive(Debug, Clone, Copy)]
pub struct Viewport {
    /// Left and upper edge.
    pub origin: [f32; 2],
    /// Width and height.
    pub size: [f32; 2],
    /// Depths of the near and far plane.
    pub depth: [f32; 2],
}

/// How colours meet what the target holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blend {
    /// They replace it.
    Replace,
    /// They are added.
    Add,
    /// Target 0 becomes source 0 × source 1 + target × (1 − source 1).
    DualSource,
}

/// A draw.
#[derive(Debug, Clone)]
pub struct Draw<'a> {
    /// The stages; a vertex shader at least. Without a pixel shader and a depth buffer nothing is rasterized.
    pub stages: Vec<Stage<'a>>,
    /// Values for the vertex shader's inputs.
    pub attributes: Vec<Attribute>,
    /// The topology; `PATCH_LIST` needs `patch_control_points`.
    pub topology: vk::PrimitiveTopology,
    /// Control points of a patch.
    pub patch_control_points: u32,
    /// Width and height of all targets.
    pub extent: [u32; 2],
    /// Layers of all targets.
    pub layers: u32,
    /// Samples of all targets.
    pub samples: u32,
    /// Samples that may be written: bit n is sample n.
    pub sample_mask: u32,
    /// The render targets.
    pub targets: Vec<Target>,
    /// The depth buffer.
    pub depth: Option<Depth>,
    /// The viewports; none: one that covers the targets.
    pub viewports: Vec<Viewport>,
    /// Blending.
    pub blend: Blend,
    /// Which faces are culled. The front of a triangle is clockwise, as in D3D11 by default.
    pub cull: vk::CullModeFlags,
    /// Bytes of each transform feedback buffer.
    pub feedback: Vec<usize>,
    /// The vertex stream that is rasterized.
    pub rasterized_stream: u32,
    /// Indices, for an indexed draw. In strips `u32::MAX` is the cut.
    pub indices: Option<Vec<u32>>,
    /// Vertices, or indices.
    pub count: u32,
    /// The first vertex or index.
    pub first: u32,
    /// Added to each index.
    pub vertex_offset: i32,
    /// Instances.
    pub instances: u32,
    /// The first instance.
    pub first_instance: u32,
}

impl Default for Draw<'_> {
    /// A triangle to one target of 4 by 4 pixels of floats.
    fn default() -> Self {
        Self {
            stages: Vec::new(),
            attributes: Vec::new(),
            topology: vk::PrimitiveTopology::TRIANGLE_LIST,
            patch_control_points: 0,
            extent: [4, 4],
            layers: 1,
            samples: 1,
            sample_mask: u32::MAX,
            targets: vec![Target::floats()],
            depth: None,
            viewports: Vec::new(),
            blend: Blend::Replace,
            cull: vk::CullModeFlags::NONE,
            feedback: Vec::new(),
            rasterized_stream: 0,
            indices: None,
            count: 3,
            first: 0,
            vertex_offset: 0,
            instances: 1,
            first_instance: 0,
        }
    }
}

/// What transform feedback counted for one vertex stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Primitives {
    /// Primitives that found room.
    pub written: u64,
    /// Primitives that there were.
    pub needed: u64,
}

/// What a draw left. Bindings are in the draw's stages.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The render targets.
    pub targets: Vec<Image>,
    /// The depth buffer.
    pub depth: Option<Image>,
    /// The transform feedback buffers; [`FEEDBACK_MARK`] where nothing was written.
    pub feedback: Vec<Vec<u32>>,
    /// For each vertex stream, if there is transform feedback.
    pub primitives: Vec<Primitives>,
    /// Samples that passed all tests; 0 without rasterization.
    pub samples_passed: u64,
}

impl Draw<'_> {
    /// The shader of a stage.
    pub(super) fn shader(&self, stage: ShaderStage) -> Option<&Compiled> {
        self.stages.iter().map(|one| one.shader).find(|shader| shader.reflection.stage == stage)
    }

    /// Whether there are fragments.
    pub(super) fn rasterizes(&self) -> bool {
        self.shader(ShaderStage::Pixel).is_some() || self.depth.is_some()
    }

    /// An image of the shape of all attachments.
    pub(super) fn attachment(&self, format: Format) -> Image {
        let [width, height] = self.extent;
        let image = Image::new(ImageKind::D2, format, [width, height, 1]);
        image.with_layers(self.layers).with_samples(self.samples)
    }
}

impl Gpu {
    /// Draws. Afterwards the contents in `draw` are what the shaders left in them.
    pub fn draw(&self, draw: &mut Draw<'_>) -> Drawn {
        let scope = Scope::new(self);
        let stages = draw.stages.iter().map(|stage| (stage.shader, &*stage.contents));
        let mut bindings = bind(&scope, stages);
        let mut attachments = Attachments::new(&scope, draw);
        let pipeline = pipeline::make(&scope, draw, bindings.layout);
        let queries = rendering::record(&scope, draw, &bindings, &attachments, pipeline);
        scope.barrier();
        bindings.read_back(&scope);
        attachments.read_back(&scope);
        scope.submit();
        for (n, stage) in draw.stages.iter_mut().enumerate() {
            bindings.update(n, &mut stage.contents);
        }
        let (primitives, samples_passed) = queries.results(&scope);
        let (targets, depth) = attachments.texels();
        let feedback = attachments.feedback();
        Drawn { targets, depth, feedback, primitives, samples_passed }
    }
}
