//! Draws and dispatches: makes the command buffer know what is bound, then records the call.

use std::rc::Rc;

use ash::vk;
use pvgpu_protocol::command::{self, Viewport, indirect_kind, stage};
use pvgpu_protocol::limits::{VERTEX_BUFFER_SLOTS, VIEWPORTS};

use super::Context;
use super::bindings::Dirty;
use super::cmd::Cmd;
use super::context::Counters;
use super::conv::{map_compare, map_cull, map_stencil_op, map_topology, restarts, topology_class};
use super::descriptor::{Program, ProgramKey};
use super::pass::{depth_access, for_each_target, target_formats};
use super::pipeline::{PipelineKey, create_compute, create_graphics};
use super::recorder::Access;
use crate::fault::Fault;

/// What a draw reads besides what shaders name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Indices {
    None,
    Bound,
}

impl Context {
    pub(super) fn draw(&mut self, c: &command::Draw) -> Result<(), Fault> {
        if c.vertex_count == 0 || c.instance_count == 0 || !self.prepare_draw(Indices::None, None)? {
            return Ok(());
        }
        let cmd = self.recorder.main(&self.device)?;
        cmd.draw(c.vertex_count, c.instance_count, c.start_vertex, c.start_instance);
        self.count(|counters: &Counters| &counters.draws, 1);
        Ok(())
    }

    pub(super) fn draw_indexed(&mut self, c: &command::DrawIndexed) -> Result<(), Fault> {
        let count = self.indices_available(c.start_index).min(c.index_count);
        if count == 0 || c.instance_count == 0 || !self.prepare_draw(Indices::Bound, None)? {
            return Ok(());
        }
        let cmd = self.recorder.main(&self.device)?;
        cmd.draw_indexed(count, c.instance_count, c.start_index, c.base_vertex, c.start_instance);
        self.count(|counters: &Counters| &counters.draws, 1);
        Ok(())
    }

    /// Indices from `start` to the end of the index buffer: what lies beyond would read as index 0 and draw nothing
    /// visible, so it is left out. 0 when no buffer is bound, or it is misaligned, which D3D11 leaves undefined.
    fn indices_available(&self, start: u32) -> u32 {
        let Some(index) = &self.bound.index_buffer else { return 0 };
        let bytes = index.buffer.size().saturating_sub(u64::from(index.offset));
        if !index.offset.is_multiple_of(index.index_bytes) {
            return 0;
        }
        let count = bytes / u64::from(index.index_bytes);
        u32::try_from(count).unwrap_or(u32::MAX).saturating_sub(start)
    }

    pub(super) fn draw_indirect(&mut self, kind: u32, buffer: u32, offset: u32) -> Result<(), Fault> {
        let arguments = self.buffer(buffer)?;
        let (raw, base) = arguments.place();
        let at = base + u64::from(offset);
        let ready = match kind {
            indirect_kind::DISPATCH => self.prepare_dispatch(Some(&arguments.tracker))?,
            indirect_kind::DRAW_INDEXED => {
                self.indices_available(0) != 0
                    && self.prepare_draw(Indices::Bound, Some(&arguments.tracker))?
            }
            _ => self.prepare_draw(Indices::None, Some(&arguments.tracker))?,
        };
        if !ready {
            return Ok(());
        }
        let cmd = self.recorder.main(&self.device)?;
        match kind {
            indirect_kind::DISPATCH => {
                cmd.dispatch_indirect(raw, at);
                return self.after_dispatch();
            }
            indirect_kind::DRAW_INDEXED => cmd.draw_indexed_indirect(raw, at, 1, 20),
            _ => cmd.draw_indirect(raw, at, 1, 16),
        }
        self.count(|counters: &Counters| &counters.draws, 1);
        Ok(())
    }

    pub(super) fn dispatch(&mut self, [x, y, z]: [u32; 3]) -> Result<(), Fault> {
        if x == 0 || y == 0 || z == 0 || !self.prepare_dispatch(None)? {
            return Ok(());
        }
        self.recorder.main(&self.device)?.dispatch(x, y, z);
        self.after_dispatch()
    }

    fn after_dispatch(&mut self) -> Result<(), Fault> {
        self.end_segments()?;
        self.count(|counters: &Counters| &counters.dispatches, 1);
        Ok(())
    }

    /// Makes everything ready for a dispatch; false when there is no compute shader.
    fn prepare_dispatch(&mut self, arguments: Option<&super::recorder::Tracker>) -> Result<bool, Fault> {
        let Some(shader) = self.bound.shader(stage::COMPUTE).cloned() else { return Ok(false) };
        self.end_pass()?;
        let key = ProgramKey { first: shader.uid, pixel: 0, dual_source: false };
        let program = self.program(key, std::slice::from_ref(&shader))?;
        let bound = &self.bound;
        let mut hazard = arguments.is_some_and(|tracker| self.recorder.hazard(tracker, Access::Read));
        program.for_each_use(bound, |tracker, access| hazard |= self.recorder.hazard(tracker, access));
        let cmd = self.recorder.main(&self.device)?;
        if hazard {
            self.recorder.barrier(&self.device)?;
        }
        program.for_each_use(bound, |tracker, access| self.recorder.mark(tracker, access));
        if let Some(tracker) = arguments {
            self.recorder.mark(tracker, Access::Read);
        }
        let known = program.pipelines.borrow().values().next().copied();
        let pipeline = match known {
            Some(pipeline) => pipeline,
            None => {
                let pipeline = create_compute(&self.device, &program)?;
                program.pipelines.borrow_mut().insert(PipelineKey::default(), pipeline);
                self.count(|counters: &Counters| &counters.pipelines, 1);
                pipeline
            }
        };
        cmd.bind_pipeline(vk::PipelineBindPoint::COMPUTE, pipeline);
        self.bind_descriptors(cmd.buffer, &program, vk::PipelineBindPoint::COMPUTE)?;
        self.bound.dirty.clear(Dirty::COMPUTE);
        self.begin_segments()?;
        Ok(true)
    }

    /// The program of some shaders.
    fn program(
        &mut self,
        key: ProgramKey,
        shaders: &[Rc<super::shader::Shader>],
    ) -> Result<Rc<Program>, Fault> {
        if let Some(program) = self.programs.get(&key) {
            return Ok(program.clone());
        }
        let program = Rc::new(Program::new(shaders, key.dual_source, &self.trash)?);
        self.programs.insert(key, program.clone());
        Ok(program)
    }

    /// Makes everything ready for a draw; false when nothing would be drawn.
    fn prepare_draw(
        &mut self,
        indices: Indices,
        arguments: Option<&super::recorder::Tracker>,
    ) -> Result<bool, Fault> {
        if self.bound.shader(stage::VERTEX).is_none() {
            return Ok(false);
        }
        let Some(topology) = map_topology(self.bound.topology) else {
            if self.bound.topology == 0 {
                return Ok(false);
            }
            return Err(Fault::unsupported("patches"));
        };
        if self.bound.dirty.take(Dirty::PIPELINE) || self.program.is_none() {
            self.choose_pipeline(topology)?;
            self.bound.dirty |= Dirty::BIND_PIPELINE | Dirty::DESCRIPTORS | Dirty::VERTEX_BUFFERS;
        }
        let Some(program) = self.program.clone() else { return Ok(false) };
        let changed = Dirty::DESCRIPTORS | Dirty::VERTEX_BUFFERS | Dirty::INDEX_BUFFER;
        if self.pass.is_none() || self.bound.dirty.has(changed) || program.writes || arguments.is_some() {
            self.settle_hazards(&program, indices, arguments)?;
        }
        if self.pass.is_none() {
            self.begin_pass(None)?;
        }
        let cmd = self.recorder.main(&self.device)?.buffer;
        self.bind_state(cmd, &program, topology, indices)?;
        Ok(true)
    }

    fn choose_pipeline(&mut self, topology: vk::PrimitiveTopology) -> Result<(), Fault> {
        let bound = &self.bound;
        let Some(vertex) = bound.shader(stage::VERTEX).cloned() else { return Ok(()) };
        let pixel = bound.shader(stage::PIXEL).cloned();
        let key = ProgramKey {
            first: vertex.uid,
            pixel: pixel.as_ref().map_or(0, |shader| shader.uid),
            dual_source: bound.blend.is_dual_source(),
        };
        let shaders: Vec<_> = [Some(vertex), pixel].into_iter().flatten().collect();
        let program = self.program(key, &shaders)?;
        let targets = target_formats(&self.bound)?;
        let key = PipelineKey::new(&self.bound, topology_class(topology), targets);
        let known = program.pipelines.borrow().get(&key).copied();
        let pipeline = match known {
            Some(pipeline) => pipeline,
            None => {
                let pipeline = create_graphics(&self.device, &program, &self.bound, &key)?;
                program.pipelines.borrow_mut().insert(key, pipeline);
                self.count(|counters: &Counters| &counters.pipelines, 1);
                pipeline
            }
        };
        self.pipeline = pipeline;
        self.program = Some(program);
        Ok(())
    }

    /// Inserts a barrier if something that the draw uses needs one, and notes the uses.
    fn settle_hazards(
        &mut self,
        program: &Program,
        indices: Indices,
        arguments: Option<&super::recorder::Tracker>,
    ) -> Result<(), Fault> {
        // The batch, and with it the epoch, begins here if it has not yet.
        self.recorder.main(&self.device)?;
        let (bound, recorder) = (&self.bound, &self.recorder);
        let visit = |visit: &mut dyn FnMut(&super::recorder::Tracker, Access)| {
            program.for_each_use(bound, &mut *visit);
            for vertex in bound.vertex_buffers.iter().flatten() {
                visit(&vertex.buffer.tracker, Access::Read);
            }
            if indices == Indices::Bound
                && let Some(index) = &bound.index_buffer
            {
                visit(&index.buffer.tracker, Access::Read);
            }
            if let Some(tracker) = arguments {
                visit(tracker, Access::Read);
            }
        };
        let mut hazard = false;
        visit(&mut |tracker, access| hazard |= recorder.hazard(tracker, access));
        if self.pass.is_none() {
            for_each_target(bound, |tracker, access| hazard |= recorder.hazard(tracker, access));
        }
        if hazard {
            self.end_pass()?;
            self.recorder.barrier(&self.device)?;
        }
        let (bound, recorder) = (&self.bound, &self.recorder);
        program.for_each_use(bound, |tracker, access| recorder.mark(tracker, access));
        for vertex in bound.vertex_buffers.iter().flatten() {
            recorder.mark(&vertex.buffer.tracker, Access::Read);
        }
        if indices == Indices::Bound
            && let Some(index) = &bound.index_buffer
        {
            recorder.mark(&index.buffer.tracker, Access::Read);
        }
        if let Some(tracker) = arguments {
            recorder.mark(tracker, Access::Read);
        }
        Ok(())
    }

    /// Records whatever the command buffer does not know yet.
    fn bind_state(
        &mut self,
        buffer: vk::CommandBuffer,
        program: &Program,
        topology: vk::PrimitiveTopology,
        indices: Indices,
    ) -> Result<(), Fault> {
        let device = self.device.clone();
        let cmd = Cmd { device: &device, buffer };
        if self.bound.dirty.take(Dirty::BIND_PIPELINE) {
            cmd.bind_pipeline(vk::PipelineBindPoint::GRAPHICS, self.pipeline);
        }
        if self.bound.dirty.take(Dirty::TOPOLOGY) {
            cmd.set_topology(topology);
            cmd.set_restart(restarts(topology));
        }
        if self.bound.dirty.take(Dirty::DESCRIPTORS) {
            self.bind_descriptors(buffer, program, vk::PipelineBindPoint::GRAPHICS)?;
        }
        if self.bound.dirty.take(Dirty::VERTEX_BUFFERS) {
            self.bind_vertex_buffers(cmd);
        }
        if indices == Indices::Bound
            && self.bound.dirty.take(Dirty::INDEX_BUFFER)
            && let Some(index) = &self.bound.index_buffer
        {
            let (raw, base) = index.buffer.place();
            let kind = if index.index_bytes == 2 { vk::IndexType::UINT16 } else { vk::IndexType::UINT32 };
            cmd.bind_index_buffer(raw, base + u64::from(index.offset), kind);
        }
        if self.bound.dirty.take(Dirty::VIEWPORTS) {
            self.set_viewports(cmd);
        }
        if self.bound.dirty.take(Dirty::BLEND_FACTOR) {
            cmd.set_blend_constants(&self.bound.blend_factor);
        }
        if self.bound.dirty.take(Dirty::DEPTH) {
            self.set_depth_stencil(cmd);
        }
        if self.bound.dirty.take(Dirty::RASTERIZER) {
            let rasterizer = &self.bound.rasterizer;
            cmd.set_cull_mode(map_cull(rasterizer.cull_mode));
            // The viewport is upside down, which D3D11's winding rules see as they are.
            cmd.set_front_face(if rasterizer.front_counter_clockwise {
                vk::FrontFace::COUNTER_CLOCKWISE
            } else {
                vk::FrontFace::CLOCKWISE
            });
            let biased = rasterizer.depth_bias != 0 || rasterizer.slope_scaled_depth_bias != 0.0;
            cmd.set_depth_bias_enable(biased);
            let clamp = if device.caps.depth_bias_clamp { rasterizer.depth_bias_clamp } else { 0.0 };
            // CAST: D3D11's bias is an integer that Vulkan takes as a float.
            cmd.set_depth_bias(rasterizer.depth_bias as f32, clamp, rasterizer.slope_scaled_depth_bias);
        }
        Ok(())
    }

    fn bind_descriptors(
        &mut self,
        buffer: vk::CommandBuffer,
        program: &Program,
        point: vk::PipelineBindPoint,
    ) -> Result<(), Fault> {
        let Some(sampler) = &self.default_sampler else { return Ok(()) };
        if let Some(set) = self.descriptors.set(program, &self.bound, sampler)? {
            Cmd { device: &self.device, buffer }.bind_descriptor_sets(point, program.layout, 0, &[set], &[]);
        }
        Ok(())
    }

    fn bind_vertex_buffers(&self, cmd: Cmd<'_>) {
        let mut buffers = [vk::Buffer::null(); VERTEX_BUFFER_SLOTS];
        let mut offsets = [0; VERTEX_BUFFER_SLOTS];
        let mut sizes = [0; VERTEX_BUFFER_SLOTS];
        let mut strides = [0; VERTEX_BUFFER_SLOTS];
        let limit = (self.device.limits.max_vertex_input_bindings as usize).min(VERTEX_BUFFER_SLOTS);
        let slots = buffers.iter_mut().zip(&mut offsets).zip(&mut sizes).zip(&mut strides);
        for ((((buffer, offset), size), stride), bound) in slots.zip(&self.bound.vertex_buffers) {
            let Some(bound) = bound else { continue };
            let (raw, base) = bound.buffer.place();
            let left = bound.buffer.size().saturating_sub(u64::from(bound.offset));
            if left != 0 {
                *buffer = raw;
                *offset = base + u64::from(bound.offset);
                *size = left;
                *stride = u64::from(bound.stride);
            }
        }
        cmd.bind_vertex_buffers(
            0,
            buffers.get(..limit).unwrap_or_default(),
            offsets.get(..limit).unwrap_or_default(),
            sizes.get(..limit).unwrap_or_default(),
            strides.get(..limit).unwrap_or_default(),
        );
    }

    fn set_depth_stencil(&self, cmd: Cmd<'_>) {
        let depth = &self.bound.depth;
        let writable =
            self.bound.depth_stencil.as_ref().is_some_and(|view| depth_access(view) == Access::Write);
        let present = self.bound.depth_stencil.is_some();
        cmd.set_depth_test(depth.depth_enable && present);
        cmd.set_depth_write(depth.depth_write && depth.depth_enable && writable);
        cmd.set_depth_compare(map_compare(depth.depth_func));
        cmd.set_stencil_test(depth.stencil_enable && present);
        for (faces, face) in
            [(vk::StencilFaceFlags::FRONT, &depth.front), (vk::StencilFaceFlags::BACK, &depth.back)]
        {
            cmd.set_stencil_op(
                faces,
                map_stencil_op(face.fail_op),
                map_stencil_op(face.pass_op),
                map_stencil_op(face.depth_fail_op),
                map_compare(face.func),
            );
        }
        let both = vk::StencilFaceFlags::FRONT_AND_BACK;
        cmd.set_stencil_compare_mask(both, depth.stencil_read_mask);
        cmd.set_stencil_write_mask(both, if writable { depth.stencil_write_mask } else { 0 });
        cmd.set_stencil_reference(both, self.bound.stencil_ref);
    }

    fn set_viewports(&self, cmd: Cmd<'_>) {
        let limit = if self.device.caps.multi_viewport { VIEWPORTS } else { 1 };
        let count = self.bound.viewports.len().clamp(1, limit);
        let mut viewports = [vk::Viewport::default(); VIEWPORTS];
        let mut scissors = [vk::Rect2D::default(); VIEWPORTS];
        for (index, (viewport, scissor)) in viewports.iter_mut().zip(&mut scissors).enumerate() {
            let mapped =
                self.bound.viewports.get(index).and_then(|bound| map_viewport(bound, &self.device.limits));
            let rect = if self.bound.rasterizer.scissor_enable {
                self.bound.scissors.get(index).map_or_else(vk::Rect2D::default, map_scissor)
            } else {
                ALL_PIXELS
            };
            // Without a viewport nothing is drawn; Vulkan wants one with an area all the same.
            match mapped {
                Some(mapped) => (*viewport, *scissor) = (mapped, rect),
                None => {
                    *viewport = vk::Viewport { width: 1.0, height: 1.0, max_depth: 1.0, ..Default::default() }
                }
            }
        }
        cmd.set_viewports(viewports.get(..count).unwrap_or_default());
        cmd.set_scissors(scissors.get(..count).unwrap_or_default());
    }
}

/// As much as a scissor can hold.
const ALL_PIXELS: vk::Rect2D = vk::Rect2D {
    offset: vk::Offset2D { x: 0, y: 0 },
    extent: vk::Extent2D { width: i32::MAX as u32, height: i32::MAX as u32 },
};

/// D3D11's viewport with y upwards; `None` when it is empty or beyond what the device takes.
fn map_viewport(viewport: &Viewport, limits: &vk::PhysicalDeviceLimits) -> Option<vk::Viewport> {
    let [max_width, max_height] = limits.max_viewport_dimensions;
    let [low, high] = limits.viewport_bounds_range;
    let (x, y) = (viewport.top_left_x, viewport.top_left_y);
    let (width, height) = (viewport.width, viewport.height);
    // CAST: pixel counts fit a float.
    let inside = width > 0.0
        && height > 0.0
        && width <= max_width as f32
        && height <= max_height as f32
        && x >= low
        && y >= low
        && x + width <= high
        && y + height <= high;
    inside.then(|| vk::Viewport {
        x,
        y: y + height,
        width,
        height: -height,
        min_depth: viewport.min_depth.clamp(0.0, 1.0),
        max_depth: viewport.max_depth.clamp(0.0, 1.0),
    })
}

fn map_scissor(rect: &command::Rect) -> vk::Rect2D {
    let (left, top) = (rect.left.max(0), rect.top.max(0));
    let extent =
        |from: i32, to: i32| u32::try_from(i64::from(to) - i64::from(from)).unwrap_or(0).min(i32::MAX as u32);
    let (width, height) = (extent(left, rect.right), extent(top, rect.bottom));
    vk::Rect2D { offset: vk::Offset2D { x: left, y: top }, extent: vk::Extent2D { width, height } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> vk::PhysicalDeviceLimits {
        vk::PhysicalDeviceLimits {
            max_viewport_dimensions: [16384; 2],
            viewport_bounds_range: [-32768.0, 32767.0],
            ..Default::default()
        }
    }

    #[test]
    fn viewports_are_turned_upside_down() {
        let viewport = Viewport {
            top_left_x: 1.0,
            top_left_y: 2.0,
            width: 10.0,
            height: 20.0,
            min_depth: -1.0,
            max_depth: 2.0,
        };
        let mapped = map_viewport(&viewport, &limits()).expect("has an area");
        assert_eq!((mapped.y, mapped.height), (22.0, -20.0));
        assert_eq!((mapped.min_depth, mapped.max_depth), (0.0, 1.0));
        for width in [0.0, -1.0, 20000.0] {
            assert!(map_viewport(&Viewport { width, ..viewport }, &limits()).is_none(), "{width}");
        }
    }

    #[test]
    fn scissors_never_overflow() {
        let rect = |left, top, right, bottom| map_scissor(&command::Rect { left, top, right, bottom });
        assert_eq!(rect(-5, -5, 10, 10).extent, vk::Extent2D { width: 10, height: 10 });
        assert_eq!(rect(10, 10, 5, 5).extent, vk::Extent2D::default());
        let huge = rect(i32::MIN, i32::MAX, i32::MAX, i32::MAX);
        assert_eq!((huge.offset.x, huge.extent.width, huge.extent.height), (0, i32::MAX as u32, 0));
    }
}
