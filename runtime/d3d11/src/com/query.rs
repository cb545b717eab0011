//! Queries and predicates.

use core::cell::Cell;
use core::ffi::c_void;
use std::time::Duration;

use pvgpu_umd_ddi as ddi;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D10::{ID3D10Predicate_Vtbl, ID3D10Query_Vtbl};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_QUERY, D3D11_QUERY_DESC, D3D11_QUERY_DESC1, ID3D11Asynchronous_Impl, ID3D11Predicate_Impl,
    ID3D11Predicate_Vtbl, ID3D11Query_Impl, ID3D11Query1_Impl, ID3D11Query1_Vtbl,
};
use windows::Win32::System::Threading::SetEvent;
use windows_core::GUID;

use super::d3d10;
use super::device::Device;
use super::driver::Object;
use super::guard::{Guard, Locked};
use super::object::{CHAINS, Class, Com, vtable};
use crate::hresult::{DXGI_ERROR_WAS_STILL_DRAWING, E_INVALIDARG, Result, require};

/// `D3D11_QUERY` numbers that have an API of their own here.
mod kind {
    pub const EVENT: u32 = 0;
    pub const OCCLUSION: u32 = 1;
    pub const TIMESTAMP: u32 = 2;
    pub const TIMESTAMP_DISJOINT: u32 = 3;
    pub const PIPELINE_STATISTICS: u32 = 4;
    pub const OCCLUSION_PREDICATE: u32 = 5;
    pub const SO_STATISTICS: u32 = 6;
    pub const SO_OVERFLOW_PREDICATE: u32 = 7;
    pub const SO_STATISTICS_STREAM0: u32 = 8;
    pub const SO_OVERFLOW_PREDICATE_STREAM3: u32 = 15;
}

/// TIMEOUT: how often a wait for the GPU looks whether it is over: granularity of a Windows timer; guess.
const POLL: Duration = Duration::from_millis(1);

/// Words of the largest result (pipeline statistics).
pub const RESULT_WORDS: usize = 11;

/// Where a query is in its life, so that a wrong order of calls does not reach the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Made, or its result is stale.
    Idle,
    /// Between Begin and End.
    Building,
    /// Ended: there is or will be a result.
    Issued,
}

/// A query or predicate.
pub struct Query {
    query: u32,
    misc: u32,
    /// Bytes of the result.
    pub size: u32,
    /// Guarded by the device's lock.
    pub progress: Cell<Progress>,
    _memory: Object,
}

impl Query {
    /// Whether the query has only an End: events and timestamps.
    pub fn is_instant(&self) -> bool {
        matches!(self.query, kind::EVENT | kind::TIMESTAMP)
    }

    /// Whether it can be a predicate.
    pub fn is_predicate(&self) -> bool {
        is_predicate(self.query)
    }
}

fn is_predicate(query: u32) -> bool {
    query == kind::OCCLUSION_PREDICATE
        || query == kind::SO_OVERFLOW_PREDICATE
        || (kind::SO_STATISTICS_STREAM0..=kind::SO_OVERFLOW_PREDICATE_STREAM3).contains(&query)
            && !query.is_multiple_of(2)
}

/// The DDI's number of a query and the bytes of its result.
fn driver_query(query: u32) -> Result<(u32, usize)> {
    const BOOL_BYTES: usize = size_of::<ddi::BOOL>();
    Ok(match query {
        kind::EVENT => (ddi::D3D10DDI_QUERY_EVENT, BOOL_BYTES),
        kind::OCCLUSION => (ddi::D3D10DDI_QUERY_OCCLUSION, 8),
        kind::TIMESTAMP => (ddi::D3D10DDI_QUERY_TIMESTAMP, 8),
        kind::TIMESTAMP_DISJOINT => {
            (ddi::D3D10DDI_QUERY_TIMESTAMPDISJOINT, size_of::<ddi::D3D10_DDI_QUERY_DATA_TIMESTAMP_DISJOINT>())
        }
        kind::PIPELINE_STATISTICS => {
            (ddi::D3D11DDI_QUERY_PIPELINESTATS, size_of::<ddi::D3D11_DDI_QUERY_DATA_PIPELINE_STATISTICS>())
        }
        kind::OCCLUSION_PREDICATE => (ddi::D3D10DDI_QUERY_OCCLUSIONPREDICATE, BOOL_BYTES),
        kind::SO_STATISTICS => {
            (ddi::D3D10DDI_QUERY_STREAMOUTPUTSTATS, size_of::<ddi::D3D10_DDI_QUERY_DATA_SO_STATISTICS>())
        }
        kind::SO_OVERFLOW_PREDICATE => (ddi::D3D10DDI_QUERY_STREAMOVERFLOWPREDICATE, BOOL_BYTES),
        // Statistics and predicate of a stream alternate in the API and are two runs in the DDI.
        kind::SO_STATISTICS_STREAM0..=kind::SO_OVERFLOW_PREDICATE_STREAM3 => {
            let stream = (query - kind::SO_STATISTICS_STREAM0) / 2;
            if is_predicate(query) {
                (ddi::D3D11DDI_QUERY_STREAMOVERFLOWPREDICATE_STREAM0 + stream, BOOL_BYTES)
            } else {
                let bytes = size_of::<ddi::D3D10_DDI_QUERY_DATA_SO_STATISTICS>();
                (ddi::D3D11DDI_QUERY_STREAMOUTPUTSTATS_STREAM0 + stream, bytes)
            }
        }
        _ => return Err(E_INVALIDARG),
    })
}

/// The DDI's number of a query and the bytes of its result.
///
/// # Errors
/// `E_INVALIDARG` for a kind that does not exist, or that is none of a `predicate`.
pub fn checked(desc: &D3D11_QUERY_DESC, predicate: bool) -> Result<(u32, usize)> {
    let query = desc.Query.0.cast_unsigned();
    // The overflow of one stream predicates, but is made as a query.
    let made_as_predicate = [kind::OCCLUSION_PREDICATE, kind::SO_OVERFLOW_PREDICATE].contains(&query);
    require(!predicate || made_as_predicate)?;
    let hint = ddi::D3D10DDI_QUERY_MISCFLAG_PREDICATEHINT;
    require(desc.MiscFlags & !hint == 0 && (desc.MiscFlags == 0 || is_predicate(query)))?;
    driver_query(query)
}

impl Com<Device> {
    /// Creates a query, or a predicate when `predicate` says so: a public reference as an interface pointer of chain 0.
    ///
    /// # Errors
    /// `E_INVALIDARG` for a kind that does not exist, and the driver's.
    pub fn create_query(&self, desc: &D3D11_QUERY_DESC, predicate: bool) -> Result<*mut c_void> {
        self.inner.kernel.require_alive()?;
        let (number, size) = checked(desc, predicate)?;
        let query = desc.Query.0.cast_unsigned();
        let argument = ddi::D3D10DDIARG_CREATEQUERY { Query: number, MiscFlags: desc.MiscFlags };
        let mut guard = Guard::new(&self.inner);
        let mut memory = guard.driver.create_query(&argument)?;
        let handle = memory.handle();
        let inner = Query {
            query,
            misc: desc.MiscFlags,
            // CAST: at most 88.
            size: size as u32,
            progress: Cell::new(Progress::Idle),
            _memory: memory,
        };
        let mut vtables = [core::ptr::null(); CHAINS];
        vtables[0] = if inner.is_predicate() {
            vtable!(ID3D11Predicate_Vtbl, Com<Query>, 0)
        } else {
            vtable!(ID3D11Query1_Vtbl, Com<Query>, 0)
        };
        vtables[d3d10::CHAIN] = if inner.is_predicate() {
            vtable!(ID3D10Predicate_Vtbl, Com<Query>, 4)
        } else {
            vtable!(ID3D10Query_Vtbl, Com<Query>, 4)
        };
        Ok(Com::new(vtables, self, handle, inner).as_ptr().cast())
    }
}

impl Com<Device> {
    /// Sets an event once the GPU has done everything sent so far: waits for it here.
    pub fn set_event_when_idle(&self, event: HANDLE) {
        let argument = ddi::D3D10DDIARG_CREATEQUERY { Query: ddi::D3D10DDI_QUERY_EVENT, MiscFlags: 0 };
        let mut guard = Guard::new(&self.inner);
        if let Ok(mut query) = guard.driver.create_query(&argument) {
            let handle = query.handle();
            guard.driver.query_end(handle);
            guard.driver.flush();
            while guard.driver.query_get_data(handle, &mut [], 0, true) == Err(DXGI_ERROR_WAS_STILL_DRAWING) {
                // Others may use the device meanwhile.
                drop(guard);
                std::thread::sleep(POLL);
                guard = Guard::new(&self.inner);
            }
            guard.driver.destroy_query(handle);
        }
        drop(guard);
        // SAFETY: the event is the caller's; a handle that is none is refused.
        let _ = unsafe { SetEvent(event) };
    }
}

impl Class for Query {
    fn chain(&self, iid: &GUID) -> Option<usize> {
        let found = if self.is_predicate() {
            ID3D11Predicate_Vtbl::matches(iid)
        } else {
            ID3D11Query1_Vtbl::matches(iid)
        };
        if found {
            return Some(0);
        }
        let old = if self.is_predicate() {
            ID3D10Predicate_Vtbl::matches(iid)
        } else {
            ID3D10Query_Vtbl::matches(iid)
        };
        old.then_some(d3d10::CHAIN)
    }

    fn destroy(&self, handle: *mut c_void, locked: &mut Locked) {
        locked.driver.destroy_query(handle);
    }
}

impl ID3D11Asynchronous_Impl for Com<Query> {
    fn GetDataSize(&self) -> u32 {
        self.inner.size
    }
}

impl ID3D11Query_Impl for Com<Query> {
    fn GetDesc(&self, desc: *mut D3D11_QUERY_DESC) {
        let value = D3D11_QUERY_DESC {
            Query: D3D11_QUERY(self.inner.query.cast_signed()),
            MiscFlags: self.inner.misc,
        };
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = value;
        }
    }
}

impl ID3D11Query1_Impl for Com<Query> {
    fn GetDesc1(&self, desc: *mut D3D11_QUERY_DESC1) {
        // The description begins with the older one; the device has one queue, for all.
        // SAFETY: COM's contract: not null means valid.
        if let Some(out) = unsafe { desc.as_mut() } {
            *out = D3D11_QUERY_DESC1::default();
        }
        ID3D11Query_Impl::GetDesc(self, desc.cast());
    }
}

impl ID3D11Predicate_Impl for Com<Query> {}
