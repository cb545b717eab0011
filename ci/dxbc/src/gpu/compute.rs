//! Compute shaders, dispatched.
#![expect(unsafe_code, reason = "Vulkan is a C interface")]

use ash::vk;
use pvgpu_dxbc::Compiled;

use super::Gpu;
use super::bindings::bind;
use super::contents::Contents;
use super::scope::Scope;

impl Gpu {
    /// Runs `groups` thread groups. `contents` are the bindings, in the order of the reflection; afterwards buffers and
    /// storage images hold what the shader left in them.
    pub fn run(&self, shader: &Compiled, contents: &mut [Contents], groups: u32) {
        self.dispatch(shader, contents, [groups, 1, 1]);
    }

    /// As [`Gpu::run`], with groups in three dimensions.
    pub fn dispatch(&self, shader: &Compiled, contents: &mut [Contents], groups: [u32; 3]) {
        let scope = Scope::new(self);
        let mut bindings = bind(&scope, std::iter::once((shader, &*contents)));
        let pipeline = scope.compute_pipeline(&shader.spirv, bindings.layout);
        let point = vk::PipelineBindPoint::COMPUTE;
        let (device, commands) = (&scope.device.raw, scope.device.commands);
        scope.barrier();
        // SAFETY: the command buffer is recording.
        unsafe { device.cmd_bind_pipeline(commands, point, pipeline) };
        bindings.use_for(&scope, point);
        // SAFETY: pipeline and descriptors are bound.
        unsafe { device.cmd_dispatch(commands, groups[0], groups[1], groups[2]) };
        scope.barrier();
        bindings.read_back(&scope);
        scope.submit();
        bindings.update(0, contents);
    }
}
