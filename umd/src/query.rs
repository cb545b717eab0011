//! Queries: their results appear in the heap, so asking for one is a comparison of fences and a read of memory.

use core::cell::Cell;

use pvgpu_protocol::command::{BeginQuery, CreateQuery, EndQuery, QUERY_SLOT_BYTES};
use pvgpu_umd_ddi::{
    D3D10_DDI_GET_DATA_DO_NOT_FLUSH, D3D10DDI_QUERY, D3D10DDI_QUERY_EVENT, D3D10DDI_QUERY_OCCLUSION,
    D3D10DDI_QUERY_OCCLUSIONPREDICATE, D3D10DDI_QUERY_PIPELINESTATS, D3D10DDI_QUERY_TIMESTAMP,
    D3D10DDI_QUERY_TIMESTAMPDISJOINT, D3D11DDI_QUERY_PIPELINESTATS, TRUE,
};

use crate::copy;
use crate::device::Device;
use crate::error::Error;
use crate::heap::Block;

/// A query of the device.
#[derive(Debug)]
pub struct Query {
    pub(crate) id: u32,
    kind: D3D10DDI_QUERY,
    /// Where the host writes the result.
    slot: Block,
    /// The fence that follows its last end; 0 before the first.
    fence: Cell<u64>,
    /// Begun and not ended.
    begun: Cell<bool>,
}

impl Query {
    /// Whether it counts from a beginning; events and timestamps only end.
    fn has_begin(&self) -> bool {
        !matches!(self.kind, D3D10DDI_QUERY_EVENT | D3D10DDI_QUERY_TIMESTAMP)
    }
}

impl Device {
    /// `CreateQuery`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for stream-output queries and counters; [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn create_query(&mut self, kind: D3D10DDI_QUERY) -> Result<Query, Error> {
        match kind {
            D3D10DDI_QUERY_EVENT
            | D3D10DDI_QUERY_OCCLUSION
            | D3D10DDI_QUERY_OCCLUSIONPREDICATE
            | D3D10DDI_QUERY_TIMESTAMP
            | D3D10DDI_QUERY_TIMESTAMPDISJOINT
            | D3D10DDI_QUERY_PIPELINESTATS
            | D3D11DDI_QUERY_PIPELINESTATS => {}
            _ => return Err(Error::Unsupported("stream-output queries and counters")),
        }
        let block = self.context.allocate(QUERY_SLOT_BYTES, 8)?;
        let slot = block.range(QUERY_SLOT_BYTES);
        self.create(
            |context, id| context.emit(&CreateQuery { slot, id, kind }),
            |id| Query { id, kind, slot: block, fence: Cell::new(0), begun: Cell::new(false) },
        )
    }

    /// `DestroyQuery`.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn destroy_query(&mut self, query: Query) -> Result<(), Error> {
        let result = self.destroy(query.id);
        self.context.free(query.slot);
        result
    }

    /// `QueryBegin`. A query that was begun begins anew, as the API has it.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn begin_query(&mut self, query: &Query) -> Result<(), Error> {
        if !query.has_begin() {
            return Ok(());
        }
        if query.begun.replace(true) {
            self.context.emit(&EndQuery { query: query.id, reserved: 0 })?;
        }
        self.context.emit(&BeginQuery { query: query.id, reserved: 0 })
    }

    /// `QueryEnd`. A query that was not begun counts nothing.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn end_query(&mut self, query: &Query) -> Result<(), Error> {
        if query.has_begin() && !query.begun.replace(false) {
            self.context.emit(&BeginQuery { query: query.id, reserved: 0 })?;
        }
        self.context.emit(&EndQuery { query: query.id, reserved: 0 })?;
        query.fence.set(self.context.stream.next_fence());
        Ok(())
    }

    /// `QueryGetData`: the result's bytes into `data`, which may be empty.
    ///
    /// # Errors
    /// [`Error::StillDrawing`] when the result is not there yet, [`Error::DeviceRemoved`].
    pub fn query_data(&mut self, query: &Query, data: &mut [u8], flags: u32) -> Result<(), Error> {
        let fence = query.fence.get();
        if fence == 0 {
            return Err(Error::BadArgument("a query that was never ended"));
        }
        if fence > self.context.stream.completed() {
            if flags & D3D10_DDI_GET_DATA_DO_NOT_FLUSH == 0 {
                self.context.flush_through(fence)?;
            }
            let removed = self.context.stream.is_removed();
            return Err(if removed { Error::DeviceRemoved } else { Error::StillDrawing });
        }
        if query.kind == D3D10DDI_QUERY_EVENT {
            for (to, from) in data.iter_mut().zip(TRUE.to_le_bytes()) {
                *to = from;
            }
        } else {
            copy::load(query.slot.cells(), data);
        }
        Ok(())
    }
}
