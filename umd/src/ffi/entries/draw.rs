//! Draws and dispatches.

use pvgpu_protocol::command::indirect_kind;

use crate::ffi::argument::{Ref, entries, entry_index};
use crate::resource::Resource;

entries! {
    /// `pfnDraw`.
    draw at entry_index!(pfnDraw) =>
    |device, count: u32, start: u32| device.draw(count, 1, start, 0);

    /// `pfnDrawIndexed`.
    draw_indexed at entry_index!(pfnDrawIndexed) =>
    |device, count: u32, start: u32, base: i32| device.draw_indexed(count, 1, start, base, 0);

    /// `pfnDrawInstanced`.
    draw_instanced at entry_index!(pfnDrawInstanced) =>
    |device, count: u32, instances: u32, start: u32, start_instance: u32| {
        device.draw(count, instances, start, start_instance)
    };

    /// `pfnDrawIndexedInstanced`.
    draw_indexed_instanced at entry_index!(pfnDrawIndexedInstanced) =>
    |device, count: u32, instances: u32, start: u32, base: i32, start_instance: u32| {
        device.draw_indexed(count, instances, start, base, start_instance)
    };

    /// `pfnDrawInstancedIndirect`.
    draw_instanced_indirect at entry_index!(pfnDrawInstancedIndirect) =>
    |device, buffer: Ref<Resource>, offset: u32| device.draw_indirect(indirect_kind::DRAW, &buffer, offset);

    /// `pfnDrawIndexedInstancedIndirect`.
    draw_indexed_instanced_indirect at entry_index!(pfnDrawIndexedInstancedIndirect) =>
    |device, buffer: Ref<Resource>, offset: u32| device.draw_indirect(indirect_kind::DRAW_INDEXED, &buffer, offset);

    /// `pfnDrawAuto`.
    draw_auto at entry_index!(pfnDrawAuto) => |device| device.draw_auto();

    /// `pfnDispatch`.
    dispatch at entry_index!(pfnDispatch) => |device, x: u32, y: u32, z: u32| device.dispatch(x, y, z);

    /// `pfnDispatchIndirect`.
    dispatch_indirect at entry_index!(pfnDispatchIndirect) =>
    |device, buffer: Ref<Resource>, offset: u32| device.draw_indirect(indirect_kind::DISPATCH, &buffer, offset);
}
