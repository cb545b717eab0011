//! Draws and dispatches: makes the command buffer know what is bound, then records the call.

use std::rc::Rc;

use ash::vk;
use pvgpu_dxbc::{ForcedSamples, StreamOutput};
use pvgpu_protocol::command::{self, Viewport, indirect_kind, stage};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::limits::{VERTEX_BUFFER_SLOTS, VIEWPORTS};

use super::Context;
use super::assembly::Assembly;
use super::bindings::{Dirty, VertexBuffer};
use super::cmd::Cmd;
use super::context::Counters;
use super::conv::{map_compare, map_cull, map_stencil_op, restarts};
use super::descriptor::{GRAPHICS_STAGES, Program, ProgramKey};
use super::feedback::{for_each_so_target, written_buffers};
use super::forced::forced_samples;
use super::pass::{depth_access, for_each_target, target_formats};
use super::pipeline::{Parts, PipelineKey, Recipe, TargetFormats, discards, make_compute};
use super::pipeline_list::{note_of, note_of_compute};
use super::pipeline_pool::Making;
use super::recorder::{Access, Tracker};
use super::shader::ComponentTypes;
use super::state::BlendState;
use super::view::Counter;
use crate::fault::Fault;

/// Pipelines that a context's shaders may have at a time: they go with their shaders. Large programs need some ten thousand.
const MAX_PIPELINES: usize = 1 << 15;

/// Bytes of the buffer that stands for vertex buffers that are not bound.
const NO_VERTICES: u64 = 16;

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
        if kind == indirect_kind::DRAW_INDEXED
            && let Some(index) = self.bound.index_buffer.as_ref().map(|index| index.buffer.clone())
        {
            // How many indices are read is for the GPU to find, beyond the buffer's end perhaps.
            self.take_out_of_heap(&index)?;
        }
        let (raw, base) = arguments.place();
        let at = base + u64::from(offset);
        if kind == indirect_kind::DISPATCH {
            return self.dispatch_indirect(&arguments.tracker, raw, at);
        }
        let ready = match kind {
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
            indirect_kind::DRAW_INDEXED => cmd.draw_indexed_indirect(raw, at, 1, 20),
            _ => cmd.draw_indirect(raw, at, 1, 16),
        }
        self.count(|counters: &Counters| &counters.draws, 1);
        Ok(())
    }

    /// `DrawAuto`: as many vertices of the first vertex buffer as stream output has written to it.
    pub(super) fn draw_auto(&mut self) -> Result<(), Fault> {
        let [first, ..] = &self.bound.vertex_buffers;
        let Some(first) = first else { return Ok(()) };
        let (buffer, stride, offset) = (first.buffer.clone(), first.stride, first.offset);
        let Some(counter) = &buffer.so_counter else { return Ok(()) };
        if stride == 0 {
            return Ok(());
        }
        let arguments = self.streamed_vertices(counter, offset, stride)?;
        if !self.prepare_draw(Indices::None, Some(&arguments.tracker))? {
            return Ok(());
        }
        self.recorder.main(&self.device)?.draw_indirect(arguments.buffer, 0, 1, 16);
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

    fn dispatch_indirect(&mut self, tracker: &Tracker, arguments: vk::Buffer, at: u64) -> Result<(), Fault> {
        if self.bound.shader(stage::COMPUTE).is_none() {
            return Ok(());
        }
        let groups = self.checked_groups(tracker, arguments, at)?;
        if !self.prepare_dispatch(Some(&groups.tracker))? {
            return Ok(());
        }
        self.recorder.main(&self.device)?.dispatch_indirect(groups.buffer, 0);
        self.after_dispatch()
    }

    fn after_dispatch(&mut self) -> Result<(), Fault> {
        self.end_condition()?;
        self.end_segments()?;
        self.count(|counters: &Counters| &counters.dispatches, 1);
        Ok(())
    }

    /// Makes everything ready for a dispatch; false when there is no compute shader.
    fn prepare_dispatch(&mut self, arguments: Option<&Tracker>) -> Result<bool, Fault> {
        let Some(shader) = self.bound.shader(stage::COMPUTE).cloned() else { return Ok(false) };
        self.end_pass()?;
        let key = ProgramKey { shaders: [shader.uid, 0, 0, 0, 0], ..ProgramKey::default() };
        let program = self.program(key, std::slice::from_ref(&shader), None, None)?;
        let bound = &self.bound;
        let mut hazard = arguments.is_some_and(|tracker| self.recorder.hazard(tracker, Access::Read));
        program.for_each_use(bound, |tracker, access| hazard |= self.recorder.hazard(tracker, access));
        let device = self.device.clone();
        let cmd = self.recorder.main(&device)?;
        if hazard {
            self.recorder.barrier(&device)?;
        }
        program.for_each_use(bound, |tracker, access| self.recorder.mark(tracker, access));
        if let Some(tracker) = arguments {
            self.recorder.mark(tracker, Access::Read);
        }
        let known = program.pipelines.borrow().values().next().cloned();
        let pipeline = match known {
            Some(pipeline) => pipeline,
            None => {
                self.count(|counters: &Counters| &counters.pipelines_in_frames, 1);
                self.shared.notes.borrow_mut().add(note_of_compute(&shader));
                self.make_compute(true, &program)?
            }
        };
        self.bind_pipeline(&cmd, vk::PipelineBindPoint::COMPUTE, &pipeline);
        self.contents.described = false;
        self.bind_descriptors(&program, vk::PipelineBindPoint::COMPUTE)?;
        self.bound.dirty.clear(Dirty::COMPUTE);
        if !program.constant_stages.is_empty() {
            // The push constants of draws were the same memory.
            self.bound.dirty |= Dirty::DESCRIPTORS;
        }
        self.begin_segments()?;
        self.begin_condition()?;
        Ok(true)
    }

    /// Has a compute program's pipeline made.
    pub(super) fn make_compute(&self, needed: bool, program: &Program) -> Result<Making, Fault> {
        self.check_pipelines()?;
        let making = make_compute(&self.device, &self.shared.pipelines, needed, program)?;
        program.pipelines.borrow_mut().insert(PipelineKey::default(), making.clone());
        self.trash.pipelines.update(|alive| alive + 1);
        self.count(|counters: &Counters| &counters.pipelines, 1);
        Ok(making)
    }

    /// Refuses one pipeline more than there may be.
    fn check_pipelines(&self) -> Result<(), Fault> {
        if self.trash.pipelines.get() < MAX_PIPELINES {
            return Ok(());
        }
        Err(Fault::new(error_code::LIMIT, format!("more than {MAX_PIPELINES} pipelines of one context")))
    }

    /// Has a graphics program's pipeline made.
    pub(super) fn make_graphics(
        &self,
        needed: bool,
        program: &Program,
        parts: Parts<'_>,
        key: PipelineKey,
    ) -> Result<Making, Fault> {
        self.check_pipelines()?;
        let recipe = Recipe::new(&self.device, program, parts, &key)?;
        let device = self.device.clone();
        let making = self.shared.pipelines.make(needed, move || recipe.make(&device));
        program.pipelines.borrow_mut().insert(key, making.clone());
        self.trash.pipelines.update(|alive| alive + 1);
        self.count(|counters: &Counters| &counters.pipelines, 1);
        Ok(making)
    }

    fn bind_pipeline(&self, cmd: &Cmd<'_>, point: vk::PipelineBindPoint, pipeline: &Making) {
        if pipeline.ready().is_none() {
            self.count(|counters: &Counters| &counters.pipelines_late, 1);
        }
        cmd.bind_making(point, pipeline.clone());
    }

    /// The program of some shaders.
    pub(super) fn program(
        &mut self,
        key: ProgramKey,
        shaders: &[Rc<super::shader::Shader>],
        stream_output: Option<StreamOutput>,
        forced: Option<Rc<ForcedSamples>>,
    ) -> Result<Rc<Program>, Fault> {
        if let Some(program) = self.programs.get(&key) {
            return Ok(program.clone());
        }
        let program = Rc::new(Program::new(shaders, &key, stream_output, forced, &self.trash)?);
        self.programs.insert(key, program.clone());
        Ok(program)
    }

    /// The program of the shaders of a draw, some of whose stream-output buffers are bound, for attributes and targets of some types.
    pub(super) fn graphics_program(
        &mut self,
        shaders: &[Option<&Rc<super::shader::Shader>>; GRAPHICS_STAGES],
        blend: &BlendState,
        so_buffers: u8,
        attributes: ComponentTypes,
        targets: &TargetFormats,
    ) -> Result<Rc<Program>, Fault> {
        let [vertex, .., pixel] = shaders;
        let dual_source = blend.is_dual_source();
        let unlike = |types: ComponentTypes, shader: &Option<&Rc<super::shader::Shader>>| {
            shader.map_or(ComponentTypes::default(), |shader| types.unlike(shader.types))
        };
        let key = ProgramKey {
            shaders: shaders.map(|shader| shader.map_or(0, |shader| shader.uid)),
            dual_source,
            so_buffers,
            inputs: unlike(attributes, vertex),
            outputs: unlike(targets.types(dual_source), pixel),
            unused_outputs: pixel.map_or(0, |pixel| targets.gaps() & pixel.outputs),
            forced: (!targets.is_plain()).then_some((blend.uid, *targets)),
        };
        if let Some(program) = self.programs.get(&key) {
            return Ok(program.clone());
        }
        let [_, _, _, geometry, _] = shaders;
        // What is declared for buffers that are not bound is written nowhere.
        let stream_output = geometry.and_then(|shader| shader.stream_output.as_ref()).map(|output| {
            let mut output = output.clone();
            output.entries.retain(|entry| so_buffers & 1u8.checked_shl(entry.buffer).unwrap_or(0) != 0);
            output
        });
        let shaders: Vec<_> =
            shaders.iter().copied().flatten().filter(|shader| !shader.pass_through).cloned().collect();
        let forced = forced_samples(&self.device, targets, blend);
        self.program(key, &shaders, stream_output, forced)
    }

    /// Makes everything ready for a draw; false when nothing would be drawn.
    fn prepare_draw(&mut self, indices: Indices, arguments: Option<&Tracker>) -> Result<bool, Fault> {
        if self.bound.shader(stage::VERTEX).is_none() {
            return Ok(false);
        }
        if self.bound.dirty.take(Dirty::PIPELINE) || self.program.is_none() {
            let before = self.assembly.map(|assembly| assembly.topology);
            self.assembly = Assembly::new(&self.bound);
            // It depends on the shaders, too.
            if self.assembly.map(|assembly| assembly.topology) != before {
                self.bound.dirty |= Dirty::TOPOLOGY;
            }
            if let Some(assembly) = self.assembly {
                self.choose_pipeline(&assembly)?;
            }
        }
        let Some(assembly) = self.assembly else { return Ok(false) };
        let Some(program) = self.program.clone() else { return Ok(false) };
        if self.bound.dirty.has(Dirty::BIND_PIPELINE) {
            self.end_feedback()?;
        }
        if self.pass.is_some_and(|pass| pass.in_shader || program.merges_in_shader) {
            self.end_pass()?;
        }
        self.need_full_buffer(&program)?;
        self.need_no_vertices()?;
        self.contents.described = false;
        let writes = program.writes || program.so_buffers != self.feedback;
        // Within a pass only what has changed can be in the way of a draw that writes nothing but targets: whatever else is
        // written in between ends the pass.
        let plain = self.pass.is_some() && !writes && arguments.is_none();
        if !plain || self.note_changes(&program, indices)? {
            self.settle_hazards(&program, indices, arguments)?;
        }
        if self.pass.is_none() {
            self.begin_pass(None)?;
        }
        self.bind_state(&program, assembly.topology, indices)?;
        self.begin_feedback(&program)?;
        Ok(true)
    }

    fn choose_pipeline(&mut self, assembly: &Assembly) -> Result<(), Fault> {
        let mut targets = target_formats(&self.bound, &self.device.limits)?;
        self.force_samples(&mut targets)?;
        let bound = &self.bound;
        let stages = [stage::VERTEX, stage::HULL, stage::DOMAIN, stage::GEOMETRY, stage::PIXEL];
        let shaders = stages.map(|stage| bound.shader(stage).cloned());
        let shaders = shaders.each_ref().map(Option::as_ref);
        let stream_output = bound.shader(stage::GEOMETRY).and_then(|shader| shader.stream_output.as_ref());
        let counted = self.active_queries.count_streams();
        let so_buffers = stream_output.map_or(0, |output| written_buffers(output, bound.so_mask(), counted));
        let blend = bound.blend.clone();
        let attributes = bound.layout.as_ref().map_or(ComponentTypes::default(), |layout| layout.types);
        let program = self.graphics_program(&shaders, &blend, so_buffers, attributes, &targets)?;
        let mut key = PipelineKey::new(&self.bound, assembly, targets, &self.device.caps);
        let strides = self.bound.strides();
        if let Some(strides) = &strides {
            key.strides = self.interner.strides(strides)?;
        }
        self.bound.set_fixed_strides(strides.is_some());
        self.discards = discards(&program, &key);
        let known = program.pipelines.borrow().get(&key).cloned();
        let pipeline = match known {
            Some(pipeline) => pipeline,
            None => {
                self.count(|counters: &Counters| &counters.pipelines_in_frames, 1);
                let elements = self.bound.layout.as_ref().map_or(&[][..], |layout| &layout.elements);
                let parts = Parts { elements, strides, blend: &self.bound.blend };
                // Vertices that overlap, and forced samples, are too rare to be remembered.
                if strides.is_none() && targets.is_plain() {
                    self.shared.notes.borrow_mut().add(note_of(&shaders, so_buffers, parts, &key));
                }
                self.make_graphics(true, &program, parts, key)?
            }
        };
        if self.pipeline.as_ref().is_none_or(|before| !before.is(&pipeline)) {
            self.pipeline = Some(pipeline);
            self.bound.dirty |= Dirty::BIND_PIPELINE;
        }
        // What shaders blend into, and with which factor, is among the descriptors.
        if program.merges_in_shader
            || self.program.as_ref().is_none_or(|before| !Rc::ptr_eq(before, &program))
        {
            self.program = Some(program);
            self.bound.dirty |= Dirty::DESCRIPTORS;
        }
        Ok(())
    }

    /// Notes that a draw reads what was bound since the last one; true when something of it needs a barrier first.
    #[inline]
    fn note_changes(&mut self, program: &Program, indices: Indices) -> Result<bool, Fault> {
        let Self { bound, recorder, contents, default_sampler, .. } = self;
        let mut hazard = false;
        let mut visit = |tracker: &Tracker, access| {
            hazard |= recorder.hazard(tracker, access);
            recorder.mark(tracker, access);
        };
        if bound.dirty.has(Dirty::DESCRIPTORS)
            && let Some(sampler) = default_sampler
        {
            program.describe(bound, sampler, contents, &mut visit)?;
        }
        if bound.dirty.has(Dirty::VERTEX_BUFFERS) {
            let changed = bound.vertex_buffers.get(bound.vertex_changes()).unwrap_or_default();
            for vertex in changed.iter().flatten() {
                visit(&vertex.buffer.tracker, Access::Read);
            }
        }
        if indices == Indices::Bound
            && bound.dirty.has(Dirty::INDEX_BUFFER)
            && let Some(index) = &bound.index_buffer
        {
            visit(&index.buffer.tracker, Access::Read);
        }
        Ok(hazard)
    }

    /// Inserts a barrier if something that the draw uses needs one, and notes the uses.
    fn settle_hazards(
        &mut self,
        program: &Program,
        indices: Indices,
        arguments: Option<&Tracker>,
    ) -> Result<(), Fault> {
        // The batch, and with it the epoch, begins here if it has not yet.
        self.recorder.main(&self.device)?;
        let feeds = program.so_buffers != self.feedback;
        let (bound, recorder) = (&self.bound, &self.recorder);
        let visit = |visit: &mut dyn FnMut(&Tracker, Access)| {
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
            if feeds {
                for_each_so_target(bound, self.full_buffer.as_ref(), program, &mut *visit);
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
        if program.so_buffers != self.feedback {
            let full = self.full_buffer.as_ref();
            for_each_so_target(bound, full, program, |tracker, access| recorder.mark(tracker, access));
        }
        Ok(())
    }

    /// Records whatever the command buffer does not know yet.
    fn bind_state(
        &mut self,
        program: &Program,
        topology: vk::PrimitiveTopology,
        indices: Indices,
    ) -> Result<(), Fault> {
        if self.bound.dirty.take(Dirty::DESCRIPTORS) {
            self.bind_descriptors(program, vk::PipelineBindPoint::GRAPHICS)?;
        }
        let cmd = self.recorder.main(&self.device)?;
        if self.bound.dirty.has(Dirty::VERTEX_BUFFERS) {
            self.bind_vertex_buffers(&cmd);
            self.bound.forget_vertex_changes();
        }
        if indices == Indices::Bound
            && self.bound.dirty.take(Dirty::INDEX_BUFFER)
            && let Some(index) = &self.bound.index_buffer
        {
            let (raw, base) = index.buffer.place();
            let kind = if index.index_bytes == 2 { vk::IndexType::UINT16 } else { vk::IndexType::UINT32 };
            cmd.bind_index_buffer(raw, base + u64::from(index.offset), kind);
        }
        if self.bound.dirty.has(Dirty::SELDOM) || (program.chooses_viewport && !self.all_viewports) {
            self.bind_seldom(program, topology)?;
        }
        Ok(())
    }

    /// Records what changes with few draws.
    fn bind_seldom(&mut self, program: &Program, topology: vk::PrimitiveTopology) -> Result<(), Fault> {
        let cmd = self.recorder.main(&self.device)?;
        let device = &self.device;
        if self.bound.dirty.take(Dirty::BIND_PIPELINE)
            && let Some(pipeline) = &self.pipeline
        {
            self.bind_pipeline(&cmd, vk::PipelineBindPoint::GRAPHICS, pipeline);
            if self.discards {
                cmd.set_rasterizer_discard(true);
            }
        }
        if self.bound.dirty.take(Dirty::TOPOLOGY) {
            cmd.set_topology(topology);
            cmd.set_restart(restarts(topology));
        }
        if self.bound.dirty.take(Dirty::VIEWPORTS) || (program.chooses_viewport && !self.all_viewports) {
            self.all_viewports = program.chooses_viewport;
            self.set_viewports(&cmd);
        }
        if self.bound.dirty.take(Dirty::BLEND_FACTOR) {
            cmd.set_blend_constants(&self.bound.blend_factor);
        }
        if self.bound.dirty.take(Dirty::DEPTH) {
            self.set_depth_stencil(&cmd);
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
            let target = self.bound.depth_stencil.as_ref().and_then(|view| view.texture());
            let floats = target.is_some_and(|texture| {
                matches!(texture.image().format, vk::Format::D32_SFLOAT | vk::Format::D32_SFLOAT_S8_UINT)
            });
            // CAST: D3D11's bias is an integer that Vulkan takes as a float.
            let constant = rasterizer.depth_bias as f32 / if floats { 1.0 } else { device.unorm_bias_unit };
            cmd.set_depth_bias(constant, clamp, rasterizer.slope_scaled_depth_bias);
        }
        Ok(())
    }

    fn bind_descriptors(&mut self, program: &Program, point: vk::PipelineBindPoint) -> Result<(), Fault> {
        let Self { device, bound, recorder, sets, contents, pushed, default_sampler, .. } = self;
        let Some(sampler) = default_sampler else { return Ok(()) };
        if !contents.described {
            program.describe(bound, sampler, contents, |_, _| {})?;
        }
        if let Some(set) = sets.set(program, &contents.words)? {
            let cmd = recorder.main(device)?;
            cmd.bind_set(point, program.layout, set, &contents.offsets);
            let push = Some((program.layout, contents.starts));
            if !program.constant_stages.is_empty() && *pushed != push {
                cmd.push_constants(program.layout, program.constant_stages, &contents.starts.0);
                *pushed = push;
            }
        }
        Ok(())
    }

    fn bind_vertex_buffers(&self, cmd: &Cmd<'_>) {
        let limit = (self.device.limits.max_vertex_input_bindings as usize).min(VERTEX_BUFFER_SLOTS);
        let changes = self.bound.vertex_changes();
        let changes = changes.start.min(limit)..changes.end.min(limit);
        // CAST: below 32.
        let first = changes.start as u32;
        let none = [0; VERTEX_BUFFER_SLOTS];
        let alignments = self.bound.layout.as_ref().map_or(&none, |layout| &layout.alignments);
        let alignments = alignments.get(changes.clone()).unwrap_or_default();
        let changed = self.bound.vertex_buffers.get(changes).unwrap_or_default();
        let dynamic = !self.bound.fixed_strides;
        if let ([one], [alignment]) = (changed, alignments) {
            let (buffer, offset, size, stride) = self.vertices_of(one.as_ref(), *alignment);
            cmd.bind_vertex_buffers(first, &[buffer], &[offset], &[size], dynamic.then_some(&[stride]));
            return;
        }
        let mut buffers = [vk::Buffer::null(); VERTEX_BUFFER_SLOTS];
        let mut offsets = [0; VERTEX_BUFFER_SLOTS];
        let mut sizes = [0; VERTEX_BUFFER_SLOTS];
        let mut strides = [0; VERTEX_BUFFER_SLOTS];
        let slots = buffers.iter_mut().zip(&mut offsets).zip(&mut sizes).zip(&mut strides);
        for (((((buffer, offset), size), stride), bound), alignment) in slots.zip(changed).zip(alignments) {
            (*buffer, *offset, *size, *stride) = self.vertices_of(bound.as_ref(), *alignment);
        }
        let count = changed.len();
        if count != 0 {
            cmd.bind_vertex_buffers(
                first,
                buffers.get(..count).unwrap_or_default(),
                offsets.get(..count).unwrap_or_default(),
                sizes.get(..count).unwrap_or_default(),
                strides.get(..count).filter(|_| dynamic),
            );
        }
    }

    /// What is bound for a vertex buffer: its place, or for nothing the buffer that stands for it where there is one.
    fn vertices_of(&self, bound: Option<&VertexBuffer>, alignment: u32) -> (vk::Buffer, u64, u64, u64) {
        match (place_of(bound, alignment), &self.no_vertices) {
            ((buffer, ..), Some(none)) if buffer == vk::Buffer::null() => (none.buffer, 0, NO_VERTICES, 0),
            (place, _) => place,
        }
    }

    /// Makes a buffer of zeros that stands for vertex buffers that are not bound, where the driver needs one.
    fn need_no_vertices(&mut self) -> Result<(), Fault> {
        if self.device.caps.null_vertex_buffers || self.no_vertices.is_some() {
            return Ok(());
        }
        let none = Counter::new(&self.trash)?;
        let cmd = self.recorder.early_write(&self.device, &none.tracker)?;
        cmd.fill_buffer(none.buffer, 0, NO_VERTICES, 0);
        self.no_vertices = Some(none);
        Ok(())
    }

    fn set_depth_stencil(&self, cmd: &Cmd<'_>) {
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

    fn set_viewports(&self, cmd: &Cmd<'_>) {
        let limit = if self.device.caps.multi_viewport { VIEWPORTS } else { 1 };
        // A shader may choose any of them; those that are not set are empty.
        let count = if self.all_viewports { limit } else { self.bound.viewports.len().clamp(1, limit) };
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

/// The place of a vertex buffer, the bytes that lie behind its offset, and its stride; nothing for none and for offsets beyond, and for
/// what cannot be fetched.
fn place_of(bound: Option<&VertexBuffer>, alignment: u32) -> (vk::Buffer, u64, u64, u64) {
    let nothing = (vk::Buffer::null(), 0, 0, 0);
    let Some(bound) = bound else { return nothing };
    if !bound.can_be_fetched(alignment) {
        return nothing;
    }
    let (raw, base) = bound.buffer.place();
    match bound.buffer.size().saturating_sub(u64::from(bound.offset)) {
        0 => nothing,
        left => (raw, base + u64::from(bound.offset), left, u64::from(bound.stride)),
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
