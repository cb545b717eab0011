//! Checks of draws, dispatches and queries around them.

use pvgpu_protocol::command::{self, indirect_kind, misc};

use super::{Decoder, Object, within};
use crate::fault::Fault;
use crate::ops::{Backend, Op};

/// `D3D11_CS_DISPATCH_MAX_THREAD_GROUPS_PER_DIMENSION`.
const MAX_GROUPS: u32 = 65535;

impl Decoder {
    pub(super) fn draw(
        &mut self,
        c: &command::ArchivedDraw,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        backend.execute(Op::Draw(command::Draw {
            vertex_count: c.vertex_count.to_native(),
            instance_count: c.instance_count.to_native(),
            start_vertex: c.start_vertex.to_native(),
            start_instance: c.start_instance.to_native(),
        }))
    }

    pub(super) fn draw_indexed(
        &mut self,
        c: &command::ArchivedDrawIndexed,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        backend.execute(Op::DrawIndexed(command::DrawIndexed {
            index_count: c.index_count.to_native(),
            instance_count: c.instance_count.to_native(),
            start_index: c.start_index.to_native(),
            base_vertex: c.base_vertex.to_native(),
            start_instance: c.start_instance.to_native(),
            reserved: 0,
        }))
    }

    pub(super) fn dispatch(
        &mut self,
        c: &command::ArchivedDispatch,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let groups = [
            within(c.x.to_native(), 0..=MAX_GROUPS, "thread groups")?,
            within(c.y.to_native(), 0..=MAX_GROUPS, "thread groups")?,
            within(c.z.to_native(), 0..=MAX_GROUPS, "thread groups")?,
        ];
        backend.execute(Op::Dispatch { groups })
    }

    pub(super) fn draw_indirect(
        &mut self,
        c: &command::ArchivedDrawIndirect,
        backend: &mut impl Backend,
    ) -> Result<(), Fault> {
        let (kind, buffer, offset) = (c.kind.to_native(), c.buffer.to_native(), c.offset.to_native());
        let bytes = match kind {
            indirect_kind::DRAW => 16,
            indirect_kind::DRAW_INDEXED => 20,
            indirect_kind::DISPATCH => 12,
            other => return Err(Fault::argument(format!("indirect kind {other}"))),
        };
        let desc = self.gpu_buffer(buffer)?;
        let end = u64::from(offset) + bytes;
        if desc.command.misc_flags & misc::DRAWINDIRECT_ARGS == 0
            || !offset.is_multiple_of(4)
            || end > u64::from(desc.command.width)
        {
            return Err(Fault::argument(format!(
                "arguments at {offset}+{bytes} of a buffer of {} bytes with flags {:#x}",
                desc.command.width, desc.command.misc_flags
            ))
            .about(buffer));
        }
        backend.execute(Op::DrawIndirect { kind, buffer, offset })
    }

    pub(super) fn begin_query(&mut self, query: u32, backend: &mut impl Backend) -> Result<(), Fault> {
        match self.objects.get_mut(query) {
            // Kinds 0 (event) and 2 (timestamp) only end.
            Some(Object::Query { kind, begun, .. }) if !*begun && !matches!(kind, 0 | 2) => *begun = true,
            _ => return Err(Fault::object(query, "no query that may begin now")),
        }
        backend.execute(Op::BeginQuery { query })
    }

    pub(super) fn end_query(&mut self, query: u32, backend: &mut impl Backend) -> Result<(), Fault> {
        let slot = match self.objects.get_mut(query) {
            Some(Object::Query { kind, begun, slot }) if *begun || matches!(kind, 0 | 2) => {
                *begun = false;
                *slot
            }
            _ => return Err(Fault::object(query, "no query that may end now")),
        };
        self.execute_in_heap(&[Some(slot)], Op::EndQuery { query }, backend)
    }
}
