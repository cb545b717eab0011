//! Draws and dispatches.

use pvgpu_protocol::command::{Dispatch, Draw, DrawAuto, DrawIndexed, DrawIndirect};

use crate::device::Device;
use crate::error::Error;
use crate::object::Object;
use crate::resource::Resource;

impl Device {
    /// `Draw` and `DrawInstanced`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`], as every method here.
    #[inline]
    pub fn draw(
        &mut self,
        vertex_count: u32,
        instance_count: u32,
        start_vertex: u32,
        start_instance: u32,
    ) -> Result<(), Error> {
        self.context.emit_draw(&Draw { vertex_count, instance_count, start_vertex, start_instance })
    }

    /// `DrawIndexed` and `DrawIndexedInstanced`.
    ///
    /// # Errors
    /// As [`Device::draw`].
    #[inline]
    pub fn draw_indexed(
        &mut self,
        index_count: u32,
        instance_count: u32,
        start_index: u32,
        base_vertex: i32,
        start_instance: u32,
    ) -> Result<(), Error> {
        self.context.emit_draw(&DrawIndexed {
            index_count,
            instance_count,
            start_index,
            base_vertex,
            start_instance,
            reserved: 0,
        })
    }

    /// `DrawInstancedIndirect`, `DrawIndexedInstancedIndirect` and `DispatchIndirect`; `kind` is one of
    /// [`pvgpu_protocol::command::indirect_kind`].
    ///
    /// # Errors
    /// As [`Device::draw`].
    pub fn draw_indirect(&mut self, kind: u32, buffer: &Resource, offset: u32) -> Result<(), Error> {
        self.context.emit_draw(&DrawIndirect { kind, buffer: buffer.id(), offset, reserved: 0 })
    }

    /// `DrawAuto`.
    ///
    /// # Errors
    /// As [`Device::draw`].
    pub fn draw_auto(&mut self) -> Result<(), Error> {
        self.context.emit_draw(&DrawAuto { reserved: 0 })
    }

    /// `Dispatch`.
    ///
    /// # Errors
    /// As [`Device::draw`].
    pub fn dispatch(&mut self, x: u32, y: u32, z: u32) -> Result<(), Error> {
        self.context.emit_draw(&Dispatch { x, y, z, reserved: 0 })
    }
}
