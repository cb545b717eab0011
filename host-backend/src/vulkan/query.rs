//! Queries: pools, the segments that a query is made of, and their results in D3D11's layout.
//!
//! A Vulkan query lives inside one rendering pass, and of each type only one may be open; D3D11 queries span many passes and
//! overlap. So what is counted is recorded as segments: a new one begins with each pass, and whenever a query of the
//! type begins or ends. A query's result is the sum of the segments between its begin and its end, taken when the
//! submission with the end has finished.

use std::rc::Rc;
use std::sync::Arc;

use ash::vk;
use pvgpu_protocol::command::HeapRange;

use super::Device;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::memory::Heap;

/// Counters of `D3D11_QUERY_DATA_PIPELINE_STATISTICS`; Vulkan's bits come in the same order.
const STATISTICS: usize = 11;
/// Queries of a pool.
const POOL_QUERIES: u32 = 256;

/// What a `D3D10DDI_QUERY` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKind {
    /// `EVENT`: BOOL.
    Event,
    /// `OCCLUSION`: UINT64.
    Occlusion,
    /// `TIMESTAMP`: UINT64.
    Timestamp,
    /// `TIMESTAMPDISJOINT`: UINT64 frequency, BOOL.
    TimestampDisjoint,
    /// `PIPELINESTATS`: 11 × UINT64 (the first 8 for the D3D10 kind).
    PipelineStatistics,
    /// `OCCLUSIONPREDICATE`: BOOL.
    OcclusionPredicate,
}

impl QueryKind {
    /// # Errors
    /// [`Fault`] for stream-output queries and unknown numbers.
    pub fn from_ddi(kind: u32) -> Result<Self, Fault> {
        Ok(match kind {
            0 => Self::Event,
            1 => Self::Occlusion,
            2 => Self::Timestamp,
            3 => Self::TimestampDisjoint,
            4 | 8 => Self::PipelineStatistics,
            5 => Self::OcclusionPredicate,
            other => return Err(Fault::unsupported(format!("queries of kind {other}"))),
        })
    }

    /// The type of its segments, if it counts something.
    pub fn counted(self) -> Option<vk::QueryType> {
        match self {
            Self::Occlusion | Self::OcclusionPredicate => Some(vk::QueryType::OCCLUSION),
            Self::PipelineStatistics => Some(vk::QueryType::PIPELINE_STATISTICS),
            Self::Event | Self::Timestamp | Self::TimestampDisjoint => None,
        }
    }
}

/// One query of a pool.
#[derive(Clone, Copy, Debug)]
pub struct QuerySlot {
    pub pool: vk::QueryPool,
    pub index: u32,
    kind: vk::QueryType,
}

/// A recorded segment; its query of the pool is free again after the submission that follows its last owner's end.
pub struct Segment {
    slot: QuerySlot,
    trash: Rc<Trash>,
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.trash.add(Garbage::Query(self.slot));
    }
}

/// A query object.
pub struct Query {
    pub kind: QueryKind,
    pub slot: HeapRange,
    /// Recorded since it began.
    segments: Vec<Rc<Segment>>,
}

/// Queries of a context that count at the moment.
#[derive(Default)]
pub struct ActiveQueries {
    /// Begun and not ended, with the type of their segments.
    ids: Vec<(u32, vk::QueryType)>,
    /// The open segment of each type.
    open: Vec<QuerySlot>,
}

impl Query {
    pub fn new(kind: QueryKind, slot: HeapRange) -> Self {
        Self { kind, slot, segments: Vec::new() }
    }
}

/// A finished query, for the completion thread.
pub struct QueryResult {
    pub kind: QueryKind,
    pub slot: HeapRange,
    pub segments: Vec<QuerySlot>,
    pub timestamp_frequency: u64,
}

impl QueryResult {
    /// Reads the segments' results and writes the sum into the heap.
    pub fn write(&self, device: &Device, heap: &Heap) {
        let mut sums = [0u64; STATISTICS];
        for segment in &self.segments {
            let values = read(device, *segment);
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = sum.wrapping_add(value);
            }
        }
        let [first, ..] = sums;
        let word = |value: u64| heap.write(self.slot.offset, &value.to_le_bytes());
        match self.kind {
            QueryKind::Event => word(1),
            QueryKind::Occlusion | QueryKind::Timestamp => word(first),
            QueryKind::OcclusionPredicate => word(u64::from(first != 0)),
            QueryKind::TimestampDisjoint => {
                word(self.timestamp_frequency);
                heap.write(self.slot.offset + 8, &[0; 8]);
            }
            QueryKind::PipelineStatistics => heap.write(self.slot.offset, bytemuck::cast_slice(&sums)),
        }
    }
}

/// The values of one finished query.
fn read(device: &Device, slot: QuerySlot) -> [u64; STATISTICS] {
    let mut values = [0u64; STATISTICS];
    let count = if slot.kind == vk::QueryType::PIPELINE_STATISTICS { STATISTICS } else { 1 };
    let flags = vk::QueryResultFlags::TYPE_64 | vk::QueryResultFlags::WAIT;
    // One element of the slice is one query, so that statistics arrive as one array.
    let result = if count == 1 {
        let (head, _) = values.split_at_mut(1);
        // SAFETY: the query was written by a finished submission; the slice has room for its one value.
        unsafe { device.raw.get_query_pool_results(slot.pool, slot.index, head, flags) }
    } else {
        // SAFETY: as above; the array has room for the eleven values of one query.
        unsafe {
            device.raw.get_query_pool_results(slot.pool, slot.index, std::slice::from_mut(&mut values), flags)
        }
    };
    if let Err(result) = result {
        log::error!("vkGetQueryPoolResults: {result}");
    }
    values
}

/// A context's query pools.
pub struct QueryPools {
    device: Arc<Device>,
    pools: Vec<vk::QueryPool>,
    free: [Vec<QuerySlot>; 3],
}

impl QueryPools {
    pub fn new(device: Arc<Device>) -> Self {
        Self { device, pools: Vec::new(), free: Default::default() }
    }

    /// Takes a query that is reset.
    pub fn take(&mut self, kind: vk::QueryType) -> Result<QuerySlot, Fault> {
        let class = class(kind);
        if self.free.get(class).is_none_or(Vec::is_empty) {
            self.grow(kind)?;
        }
        let slot = self.free.get_mut(class).and_then(Vec::pop);
        let slot = slot.ok_or_else(|| Fault::argument("no query of a new pool"))?;
        // SAFETY: the query is not in use: new, or recycled after its submission finished and was read.
        unsafe { self.device.raw.reset_query_pool(slot.pool, slot.index, 1) };
        Ok(slot)
    }

    fn grow(&mut self, kind: vk::QueryType) -> Result<(), Fault> {
        let mut info = vk::QueryPoolCreateInfo::default().query_type(kind).query_count(POOL_QUERIES);
        if kind == vk::QueryType::PIPELINE_STATISTICS {
            if !self.device.caps.pipeline_statistics {
                return Err(Fault::unsupported("pipeline statistics"));
            }
            info = info.pipeline_statistics(vk::QueryPipelineStatisticFlags::from_raw((1 << STATISTICS) - 1));
        }
        // SAFETY: the info is complete.
        let pool = unsafe { self.device.raw.create_query_pool(&info, None) }
            .map_err(|result| self.device.fault("vkCreateQueryPool", result))?;
        self.pools.push(pool);
        if let Some(list) = self.free.get_mut(class(kind)) {
            list.extend((0..POOL_QUERIES).map(|index| QuerySlot { pool, index, kind }));
        }
        Ok(())
    }

    /// Takes a query back whose result was read.
    pub fn recycle(&mut self, slot: QuerySlot) {
        if let Some(list) = self.free.get_mut(class(slot.kind)) {
            list.push(slot);
        }
    }
}

impl Drop for QueryPools {
    fn drop(&mut self) {
        for pool in &self.pools {
            // SAFETY: a context drops its pools after the GPU has finished all its work.
            unsafe { self.device.raw.destroy_query_pool(*pool, None) };
        }
    }
}

fn class(kind: vk::QueryType) -> usize {
    match kind {
        vk::QueryType::OCCLUSION => 0,
        vk::QueryType::TIMESTAMP => 1,
        _ => 2,
    }
}

impl super::Context {
    pub(super) fn begin_query(&mut self, id: u32) -> Result<(), Fault> {
        let query = self.query_mut(id)?;
        query.segments.clear();
        if let Some(counted) = query.kind.counted() {
            self.close_segment(counted)?;
            self.active_queries.ids.push((id, counted));
            if self.pass.is_some() {
                self.open_segment(counted)?;
            }
        }
        Ok(())
    }

    pub(super) fn end_query(&mut self, id: u32) -> Result<(), Fault> {
        self.deactivate(id)?;
        if self.query_mut(id)?.kind == QueryKind::Timestamp {
            let slot = self.queries.take(vk::QueryType::TIMESTAMP)?;
            let segment = Rc::new(Segment { slot, trash: self.trash.clone() });
            let cmd = self.recorder.main(&self.device)?;
            cmd.write_timestamp(vk::PipelineStageFlags2::ALL_COMMANDS, slot.pool, slot.index);
            self.query_mut(id)?.segments.push(segment);
        }
        // CAST: ticks a second.
        let timestamp_frequency = (1e9 / f64::from(self.device.limits.timestamp_period.max(1e-3))) as u64;
        let query = self.query_mut(id)?;
        let segments = std::mem::take(&mut query.segments);
        let result = QueryResult {
            kind: query.kind,
            slot: query.slot,
            segments: segments.iter().map(|segment| segment.slot).collect(),
            timestamp_frequency,
        };
        self.results.push(result);
        Ok(())
    }

    /// A query is destroyed, possibly between begin and end.
    pub(super) fn abandon_query(&mut self, id: u32) -> Result<(), Fault> {
        self.deactivate(id)
    }

    /// A query counts no more; others of its type go on.
    fn deactivate(&mut self, id: u32) -> Result<(), Fault> {
        let Some(counted) = self.query_mut(id)?.kind.counted() else { return Ok(()) };
        self.close_segment(counted)?;
        self.active_queries.ids.retain(|(active, _)| *active != id);
        if self.pass.is_some() {
            self.open_segment(counted)?;
        }
        Ok(())
    }

    /// Opens a segment of each type that counts, at the begin of a pass or dispatch.
    pub(super) fn begin_segments(&mut self) -> Result<(), Fault> {
        self.open_segment(vk::QueryType::OCCLUSION)?;
        self.open_segment(vk::QueryType::PIPELINE_STATISTICS)
    }

    /// Closes the open segments, at the end of a pass or dispatch.
    pub(super) fn end_segments(&mut self) -> Result<(), Fault> {
        self.close_segment(vk::QueryType::OCCLUSION)?;
        self.close_segment(vk::QueryType::PIPELINE_STATISTICS)
    }

    fn open_segment(&mut self, counted: vk::QueryType) -> Result<(), Fault> {
        if self.active_queries.ids.iter().all(|(_, active)| *active != counted) {
            return Ok(());
        }
        let slot = self.queries.take(counted)?;
        let precise = counted == vk::QueryType::OCCLUSION && self.device.caps.precise_occlusion;
        let flags = if precise { vk::QueryControlFlags::PRECISE } else { vk::QueryControlFlags::empty() };
        self.recorder.main(&self.device)?.begin_query(slot.pool, slot.index, flags);
        self.active_queries.open.push(slot);
        Ok(())
    }

    /// Closes the open segment of a type and hands it to all queries that count.
    fn close_segment(&mut self, counted: vk::QueryType) -> Result<(), Fault> {
        let open = &mut self.active_queries.open;
        let Some(index) = open.iter().position(|slot| slot.kind == counted) else { return Ok(()) };
        let slot = open.swap_remove(index);
        self.recorder.main(&self.device)?.end_query(slot.pool, slot.index);
        let segment = Rc::new(Segment { slot, trash: self.trash.clone() });
        for index in 0..self.active_queries.ids.len() {
            if let Some((id, active)) = self.active_queries.ids.get(index).copied()
                && active == counted
            {
                self.query_mut(id)?.segments.push(segment.clone());
            }
        }
        Ok(())
    }
}
