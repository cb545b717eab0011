//! Queries: their results appear in the heap, so asking for one is a comparison of fences and a read of memory.

use core::cell::Cell;

use pvgpu_protocol::command::{BeginQuery, CreateQuery, EndQuery, NONE, QUERY_SLOT_BYTES, SetPredication};
use pvgpu_umd_ddi::{
    D3D10_DDI_GET_DATA_DO_NOT_FLUSH, D3D10DDI_QUERY, D3D10DDI_QUERY_EVENT,
    D3D10DDI_QUERY_MISCFLAG_PREDICATEHINT, D3D10DDI_QUERY_TIMESTAMP,
    D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM3, TRUE,
};

use crate::copy;
use crate::device::Device;
use crate::error::Error;
use crate::heap::Block;

/// Ends predication.
const NO_PREDICATE: SetPredication = SetPredication { query: NONE, value: 0, hint: 0, reserved: 0 };

/// A query of the device.
#[derive(Debug)]
pub struct Query {
    pub(crate) id: u32,
    kind: D3D10DDI_QUERY,
    /// A predicate that need not be waited for.
    hint: bool,
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
    /// [`Error::Unsupported`] for counters; [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn create_query(&mut self, kind: D3D10DDI_QUERY, misc_flags: u32) -> Result<Query, Error> {
        if kind > D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM3 {
            return Err(Error::Unsupported("counters"));
        }
        let block = self.context.allocate(QUERY_SLOT_BYTES, 8)?;
        let slot = block.range(QUERY_SLOT_BYTES);
        let hint = misc_flags & D3D10DDI_QUERY_MISCFLAG_PREDICATEHINT != 0;
        self.create(
            |context, id| context.emit(&CreateQuery { slot, id, kind }),
            |id| Query { id, kind, hint, slot: block, fence: Cell::new(0), begun: Cell::new(false) },
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

    /// `SetPredication`: leaves out what follows when the predicate has `value`; without a query, nothing.
    ///
    /// # Errors
    /// [`Error::DeviceRemoved`].
    pub fn set_predication(&mut self, query: Option<&Query>, value: bool) -> Result<(), Error> {
        let predicate = query.map(|query| SetPredication {
            query: query.id,
            value: value.into(),
            hint: query.hint.into(),
            reserved: 0,
        });
        if self.shadow.predicate == predicate && predicate.is_none() {
            return Ok(());
        }
        self.shadow.predicate = predicate;
        self.context.emit(&predicate.unwrap_or(NO_PREDICATE))
    }

    /// Runs something of the driver's own, or of `Map`, that no predicate may leave out.
    pub(crate) fn unpredicated<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(predicate) = self.shadow.predicate else { return run(self) };
        self.context.emit(&NO_PREDICATE)?;
        let result = run(self);
        self.context.emit(&predicate)?;
        result
    }
}
