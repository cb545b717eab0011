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
use pvgpu_protocol::event::error_code;

use super::Device;
use super::bindings::Dirty;
use super::trash::{Garbage, Trash};
use crate::fault::Fault;
use crate::memory::Heap;

/// Counters of `D3D11_QUERY_DATA_PIPELINE_STATISTICS`; Vulkan's bits come in the same order.
const STATISTICS: usize = 11;
/// Queries of a pool.
const POOL_QUERIES: u32 = 256;
/// Vertex streams of a geometry shader, `D3D11_SO_STREAM_COUNT`.
const STREAMS: u32 = 4;

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
    /// `STREAMOUTPUTSTATS` of a stream: 2 × UINT64, primitives written and needed.
    StreamStatistics(u32),
    /// `STREAMOVERFLOWPREDICATE` of a stream, or of any for none: BOOL.
    OverflowPredicate(Option<u32>),
}

/// What is counted, a bit each: all that one query needs, or of which segments are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted(u8);

impl Counted {
    const NOTHING: Self = Self(0);
    const OCCLUSION: Self = Self(1 << 0);
    const STATISTICS: Self = Self(1 << 1);
    const STREAMS: Self = Self(((1 << STREAMS) - 1) << 2);
    const ALL: Self = Self((1 << (2 + STREAMS)) - 1);

    /// The primitives of a vertex stream.
    const fn stream(stream: u32) -> Self {
        Self(1 << (2 + stream))
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Each thing by itself: the type of its queries, and their stream.
    fn each(self) -> impl Iterator<Item = (Self, vk::QueryType, u32)> {
        let streams = (0..STREAMS)
            .map(|stream| (Self::stream(stream), vk::QueryType::TRANSFORM_FEEDBACK_STREAM_EXT, stream));
        let first = [
            (Self::OCCLUSION, vk::QueryType::OCCLUSION, 0),
            (Self::STATISTICS, vk::QueryType::PIPELINE_STATISTICS, 0),
        ];
        first.into_iter().chain(streams).filter(move |(one, ..)| self.has(*one))
    }
}

impl QueryKind {
    /// # Errors
    /// [`Fault`] for unknown numbers.
    pub fn from_ddi(kind: u32) -> Result<Self, Fault> {
        Ok(match kind {
            0 => Self::Event,
            1 => Self::Occlusion,
            2 => Self::Timestamp,
            3 => Self::TimestampDisjoint,
            4 | 8 => Self::PipelineStatistics,
            5 => Self::OcclusionPredicate,
            6 => Self::StreamStatistics(0),
            7 => Self::OverflowPredicate(None),
            9..=12 => Self::StreamStatistics(kind - 9),
            13..=16 => Self::OverflowPredicate(Some(kind - 13)),
            other => return Err(Fault::unsupported(format!("queries of kind {other}"))),
        })
    }

    /// What its segments count.
    fn counted(self) -> Counted {
        match self {
            Self::Occlusion | Self::OcclusionPredicate => Counted::OCCLUSION,
            Self::PipelineStatistics => Counted::STATISTICS,
            Self::StreamStatistics(stream) | Self::OverflowPredicate(Some(stream)) => Counted::stream(stream),
            Self::OverflowPredicate(None) => {
                (0..STREAMS).fold(Counted::NOTHING, |all, stream| Counted(all.0 | Counted::stream(stream).0))
            }
            Self::Event | Self::Timestamp | Self::TimestampDisjoint => Counted::NOTHING,
        }
    }

    /// Whether `SetPredication` takes it.
    fn is_predicate(self) -> bool {
        matches!(self, Self::OcclusionPredicate | Self::OverflowPredicate(_))
    }
}

/// Queries of a context that may count at a time: each takes a share of every pass. Guess; programs have a dozen.
const MAX_ACTIVE: usize = 1024;

/// One query of a pool.
#[derive(Clone, Copy, Debug)]
pub struct QuerySlot {
    pub pool: vk::QueryPool,
    pub index: u32,
    kind: vk::QueryType,
    stream: u32,
}

/// A recorded segment; its query of the pool is free again after the submission that follows its last owner's end.
pub struct Segment {
    slot: QuerySlot,
    trash: Rc<Trash>,
}

impl Segment {
    /// Its query.
    pub fn slot(&self) -> QuerySlot {
        self.slot
    }
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
    /// Of a predicate that has ended: its segments, and the batch it ended in.
    ended: Option<(Vec<Rc<Segment>>, u64)>,
}

/// Queries of a context that count at the moment.
#[derive(Default)]
pub struct ActiveQueries {
    /// Begun and not ended, with what they count.
    ids: Vec<(u32, Counted)>,
    /// The open segments, with what each counts.
    open: Vec<(Counted, QuerySlot)>,
}

impl ActiveQueries {
    /// Whether the primitives of a vertex stream are counted.
    pub fn count_streams(&self) -> bool {
        self.ids.iter().any(|(_, counted)| counted.has(Counted::STREAMS))
    }
}

impl Query {
    pub fn new(kind: QueryKind, slot: HeapRange) -> Self {
        Self { kind, slot, segments: Vec::new(), ended: None }
    }

    /// The segments of a predicate that has ended, and the batch in which it did.
    pub fn ended(&self) -> Option<(Vec<Rc<Segment>>, u64)> {
        self.ended.clone()
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
        let sums = sum(device, self.segments.iter().copied());
        let [first, second, ..] = sums;
        let word = |value: u64| heap.write(self.slot.offset, &value.to_le_bytes());
        match self.kind {
            QueryKind::Event => word(1),
            QueryKind::Occlusion | QueryKind::Timestamp => word(first),
            QueryKind::OcclusionPredicate | QueryKind::OverflowPredicate(_) => {
                word(u64::from(holds(self.kind, &sums)));
            }
            QueryKind::StreamStatistics(_) => {
                heap.write(self.slot.offset, bytemuck::cast_slice(&[first, second]));
            }
            QueryKind::TimestampDisjoint => {
                word(self.timestamp_frequency);
                heap.write(self.slot.offset + 8, &[0; 8]);
            }
            QueryKind::PipelineStatistics => heap.write(self.slot.offset, bytemuck::cast_slice(&sums)),
        }
    }
}

/// The value of a predicate whose segments have finished.
pub fn predicate(device: &Device, kind: QueryKind, segments: impl Iterator<Item = QuerySlot>) -> bool {
    holds(kind, &sum(device, segments))
}

/// What sums say of a predicate. More primitives are needed than written, in whatever stream, if that is so in sum.
fn holds(kind: QueryKind, [first, second, ..]: &[u64; STATISTICS]) -> bool {
    match kind {
        QueryKind::OverflowPredicate(_) => first != second,
        _ => *first != 0,
    }
}

/// The sum of finished segments.
fn sum(device: &Device, segments: impl Iterator<Item = QuerySlot>) -> [u64; STATISTICS] {
    let mut sums = [0u64; STATISTICS];
    for segment in segments {
        let values = read(device, segment);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(value);
        }
    }
    sums
}

/// The values of one finished query.
fn read(device: &Device, slot: QuerySlot) -> [u64; STATISTICS] {
    let flags = vk::QueryResultFlags::TYPE_64 | vk::QueryResultFlags::WAIT;
    let mut values = [0u64; STATISTICS];
    // One element of the slice is one query, so that all its values arrive as one array.
    let result = match slot.kind {
        vk::QueryType::PIPELINE_STATISTICS => {
            let all = std::slice::from_mut(&mut values);
            // SAFETY: the query was written by a finished submission; the array has room for its eleven values.
            unsafe { device.raw.get_query_pool_results(slot.pool, slot.index, all, flags) }
        }
        vk::QueryType::TRANSFORM_FEEDBACK_STREAM_EXT => {
            let mut pair = [[0u64; 2]];
            // SAFETY: as above; the array has room for its two values.
            let result =
                unsafe { device.raw.get_query_pool_results(slot.pool, slot.index, &mut pair, flags) };
            for (to, from) in values.iter_mut().zip(pair.as_flattened()) {
                *to = *from;
            }
            result
        }
        _ => {
            let (one, _) = values.split_at_mut(1);
            // SAFETY: as above; the slice has room for its one value.
            unsafe { device.raw.get_query_pool_results(slot.pool, slot.index, one, flags) }
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
    free: [Vec<QuerySlot>; 4],
}

impl QueryPools {
    pub fn new(device: Arc<Device>) -> Self {
        Self { device, pools: Vec::new(), free: Default::default() }
    }

    /// Takes a query that is reset, to count a stream if it is of that type.
    pub fn take(&mut self, kind: vk::QueryType, stream: u32) -> Result<QuerySlot, Fault> {
        let class = class(kind);
        if self.free.get(class).is_none_or(Vec::is_empty) {
            self.grow(kind)?;
        }
        let slot = self.free.get_mut(class).and_then(Vec::pop);
        let slot = slot.ok_or_else(|| Fault::argument("no query of a new pool"))?;
        // SAFETY: the query is not in use: new, or recycled after its submission finished and was read.
        unsafe { self.device.raw.reset_query_pool(slot.pool, slot.index, 1) };
        Ok(QuerySlot { stream, ..slot })
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
            list.extend((0..POOL_QUERIES).map(|index| QuerySlot { pool, index, kind, stream: 0 }));
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
        vk::QueryType::PIPELINE_STATISTICS => 2,
        _ => 3,
    }
}

impl super::Context {
    pub(super) fn begin_query(&mut self, id: u32) -> Result<(), Fault> {
        let query = self.query_mut(id)?;
        query.segments.clear();
        let counted = query.kind.counted();
        if counted != Counted::NOTHING {
            if self.active_queries.ids.len() >= MAX_ACTIVE {
                return Err(Fault::new(
                    error_code::LIMIT,
                    format!("more than {MAX_ACTIVE} queries count at a time"),
                ));
            }
            self.close_segments(counted)?;
            self.active_queries.ids.push((id, counted));
            self.counts_streams(counted);
            if self.pass.is_some() {
                self.open_segments(counted)?;
            }
        }
        Ok(())
    }

    pub(super) fn end_query(&mut self, id: u32) -> Result<(), Fault> {
        self.deactivate(id)?;
        if self.query_mut(id)?.kind == QueryKind::Timestamp {
            let slot = self.queries.take(vk::QueryType::TIMESTAMP, 0)?;
            let segment = Rc::new(Segment { slot, trash: self.trash.clone() });
            let cmd = self.recorder.main(&self.device)?;
            cmd.write_timestamp(vk::PipelineStageFlags2::ALL_COMMANDS, slot.pool, slot.index);
            self.query_mut(id)?.segments.push(segment);
        }
        // CAST: ticks a second.
        let timestamp_frequency = (1e9 / f64::from(self.device.limits.timestamp_period.max(1e-3))) as u64;
        let batch = self.sent + 1;
        let query = self.query_mut(id)?;
        let segments = std::mem::take(&mut query.segments);
        let result = QueryResult {
            kind: query.kind,
            slot: query.slot,
            segments: segments.iter().map(|segment| segment.slot).collect(),
            timestamp_frequency,
        };
        query.ended = query.kind.is_predicate().then_some((segments, batch));
        self.results.push(result);
        Ok(())
    }

    /// A query is destroyed, possibly between begin and end.
    pub(super) fn abandon_query(&mut self, id: u32) -> Result<(), Fault> {
        self.deactivate(id)
    }

    /// A query counts no more; others that count the same go on.
    fn deactivate(&mut self, id: u32) -> Result<(), Fault> {
        let counted = self.query_mut(id)?.kind.counted();
        if counted == Counted::NOTHING {
            return Ok(());
        }
        self.close_segments(counted)?;
        self.active_queries.ids.retain(|(active, _)| *active != id);
        self.counts_streams(counted);
        if self.pass.is_some() {
            self.open_segments(counted)?;
        }
        Ok(())
    }

    /// Whether vertex streams are counted has changed: what is written depends on it.
    fn counts_streams(&mut self, counted: Counted) {
        if counted.has(Counted::STREAMS) {
            self.bound.dirty |= Dirty::PIPELINE;
        }
    }

    /// Opens a segment of everything that is counted, at the begin of a pass or dispatch.
    #[inline]
    pub(super) fn begin_segments(&mut self) -> Result<(), Fault> {
        if self.active_queries.ids.is_empty() { Ok(()) } else { self.open_segments(Counted::ALL) }
    }

    /// Closes the open segments, at the end of a pass or dispatch.
    #[inline]
    pub(super) fn end_segments(&mut self) -> Result<(), Fault> {
        if self.active_queries.open.is_empty() { Ok(()) } else { self.close_segments(Counted::ALL) }
    }

    /// Opens segments of what some queries count.
    fn open_segments(&mut self, wanted: Counted) -> Result<(), Fault> {
        for (counted, kind, stream) in wanted.each() {
            let feedback = &self.device.caps.feedback;
            let has = kind != vk::QueryType::TRANSFORM_FEEDBACK_STREAM_EXT
                || feedback.present && stream < feedback.streams;
            if !has || !self.active_queries.ids.iter().any(|(_, active)| active.has(counted)) {
                continue;
            }
            let slot = self.queries.take(kind, stream)?;
            let cmd = self.recorder.main(&self.device)?;
            if kind == vk::QueryType::TRANSFORM_FEEDBACK_STREAM_EXT {
                cmd.begin_stream_query(slot.pool, slot.index, stream);
            } else {
                let precise = kind == vk::QueryType::OCCLUSION && self.device.caps.precise_occlusion;
                let precise = if precise { vk::QueryControlFlags::PRECISE } else { Default::default() };
                cmd.begin_query(slot.pool, slot.index, precise);
            }
            self.active_queries.open.push((counted, slot));
        }
        Ok(())
    }

    /// Closes open segments and hands them to all queries that count the same.
    fn close_segments(&mut self, wanted: Counted) -> Result<(), Fault> {
        while let Some(index) = self.active_queries.open.iter().position(|(counted, _)| counted.has(wanted)) {
            let (counted, slot) = self.active_queries.open.swap_remove(index);
            let cmd = self.recorder.main(&self.device)?;
            if slot.kind == vk::QueryType::TRANSFORM_FEEDBACK_STREAM_EXT {
                cmd.end_stream_query(slot.pool, slot.index, slot.stream);
            } else {
                cmd.end_query(slot.pool, slot.index);
            }
            let segment = Rc::new(Segment { slot, trash: self.trash.clone() });
            for index in 0..self.active_queries.ids.len() {
                if let Some((id, active)) = self.active_queries.ids.get(index).copied()
                    && active.has(counted)
                {
                    self.query_mut(id)?.segments.push(segment.clone());
                }
            }
        }
        Ok(())
    }
}
