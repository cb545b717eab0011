//! Indirect arguments that Vulkan does not take as they come.
//!
//! What a guest has the GPU write to a buffer of arguments is known to the GPU alone. Draws take any numbers. A dispatch of more thread
//! groups than the device has is undefined, and so is a draw by byte count that skips more bytes than there are, or has vertices that
//! are not dwords. So these arguments are copied first, and a shader of our own makes the copy one that can be executed. Nobody can
//! change it in between. (Draws by byte count are not used at all: lavapipe 22.3 takes the arguments of the indirect draw before for them.)

use std::rc::Rc;

use ash::vk;
use ash::vk::Handle;
use pvgpu_dxbc::container;
use pvgpu_protocol::command::stage;

use super::Context;
use super::bindings::Dirty;
use super::descriptor::{Program, ProgramKey, ViewStarts};
use super::recorder::{Access, Tracker};
use super::shader::Shader;
use super::view::Counter;
use crate::fault::Fault;
use crate::ops::ShaderSource;

/// Bytes of what is copied.
const BYTES: u64 = 16;

/// The shaders, and the place of the copy.
pub struct ArgumentChecks {
    groups: Rc<Program>,
    vertices: Rc<Program>,
    copy: Rc<Counter>,
}

impl ArgumentChecks {
    fn new(context: &mut Context) -> Result<Self, Fault> {
        Ok(Self {
            groups: context.own_program(include_bytes!("shaders/arguments.groups.dxbc"))?,
            vertices: context.own_program(include_bytes!("shaders/arguments.vertices.dxbc"))?,
            copy: Rc::new(Counter::new(&context.trash)?),
        })
    }
}

impl Context {
    /// A compute shader of our own, with its pipeline.
    pub(super) fn own_program(&mut self, bytes: &[u8]) -> Result<Rc<Program>, Fault> {
        let container = container::parse(bytes).map_err(|error| Fault::argument(error.to_string()))?;
        let source = ShaderSource { tokens: container.tokens, ..ShaderSource::default() };
        let shader = Rc::new(Shader::new(self.uid(), stage::COMPUTE, source, &self.trash)?);
        let program = Program::new(&[shader], &ProgramKey::default(), None, None, &self.trash)?;
        self.make_compute(true, &program)?;
        Ok(Rc::new(program))
    }

    /// Copies the thread groups of a dispatch; gives the copy, in which they are not more than there may be.
    pub(super) fn checked_groups(
        &mut self,
        tracker: &Tracker,
        arguments: vk::Buffer,
        at: u64,
    ) -> Result<Rc<Counter>, Fault> {
        let (program, copy) = self.argument_check(|checks| &checks.groups)?;
        let cmd = self.prepare_use(&[(tracker, Access::Read), (&copy.tracker, Access::Write)])?;
        cmd.copy_buffer(
            arguments,
            copy.buffer,
            &[vk::BufferCopy { src_offset: at, dst_offset: 0, size: 12 }],
        );
        self.check_arguments(&program, &copy)?;
        Ok(copy)
    }

    /// The arguments of a draw of all vertices that were streamed out, less some bytes.
    pub(super) fn streamed_vertices(
        &mut self,
        counter: &Counter,
        skipped: u32,
        stride: u32,
    ) -> Result<Rc<Counter>, Fault> {
        let (program, copy) = self.argument_check(|checks| &checks.vertices)?;
        let cmd = self.prepare_use(&[(&counter.tracker, Access::Read), (&copy.tracker, Access::Write)])?;
        cmd.copy_buffer(counter.buffer, copy.buffer, &[vk::BufferCopy { size: 4, ..Default::default() }]);
        cmd.fill_buffer(copy.buffer, 4, 4, skipped);
        cmd.fill_buffer(copy.buffer, 8, 4, stride);
        self.check_arguments(&program, &copy)?;
        Ok(copy)
    }

    fn argument_check(
        &mut self,
        which: impl FnOnce(&ArgumentChecks) -> &Rc<Program>,
    ) -> Result<(Rc<Program>, Rc<Counter>), Fault> {
        if self.argument_checks.is_none() {
            self.argument_checks = Some(ArgumentChecks::new(self)?);
        }
        let checks = self.argument_checks.as_ref();
        let found = checks.map(|checks| (which(checks).clone(), checks.copy.clone()));
        found.ok_or_else(|| Fault::argument("no checks of arguments"))
    }

    /// Runs a shader on the copy.
    fn check_arguments(&mut self, program: &Program, copy: &Counter) -> Result<(), Fault> {
        self.run_own(program, &[copy.buffer.as_raw(), 0, BYTES], [1, 1, 1])?;
        self.recorder.mark(&copy.tracker, Access::Write);
        self.recorder.barrier(&self.device)
    }

    /// Runs a shader of our own behind a barrier, outside of everything that counts or is conditional. What it uses is for the caller to
    /// mark.
    pub(super) fn run_own(
        &mut self,
        program: &Program,
        contents: &[u64],
        [x, y, z]: [u32; 3],
    ) -> Result<(), Fault> {
        self.recorder.barrier(&self.device)?;
        let pipeline = program.pipelines.borrow().values().next().cloned();
        let set = self.sets.set(program, contents)?;
        let (Some(pipeline), Some(set)) = (pipeline, set) else {
            return Err(Fault::argument("no shader of our own"));
        };
        let cmd = self.recorder.main(&self.device)?;
        cmd.bind_making(vk::PipelineBindPoint::COMPUTE, pipeline);
        cmd.bind_set(vk::PipelineBindPoint::COMPUTE, program.layout, set, &[]);
        if !program.constant_stages.is_empty() {
            // Everything begins with its descriptor. The push constants of draws and dispatches were the same memory.
            let starts = ViewStarts::default();
            cmd.push_constants(program.layout, program.constant_stages, &starts.0);
            self.pushed = Some((program.layout, starts));
            self.bound.dirty |= Dirty::DESCRIPTORS | Dirty::COMPUTE;
        }
        cmd.dispatch(x, y, z);
        Ok(())
    }
}
