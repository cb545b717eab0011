//! Queries and predicates.

#![expect(unsafe_code, reason = "Direct3D has no safe interface")]

use std::time::{Duration, Instant};

use windows::Win32::Foundation::E_FAIL;
use windows::Win32::Graphics::Direct3D11::*;
use windows::core::{Interface, Result};

use super::Gpu;
use super::device::made;

/// TIMEOUT: for a query's result; a software renderer needs some milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

impl Gpu {
    pub fn query(&self, kind: D3D11_QUERY) -> Result<ID3D11Query> {
        let mut query = None;
        let desc = D3D11_QUERY_DESC { Query: kind, MiscFlags: 0 };
        // SAFETY: description and out-pointer are locals'.
        unsafe { self.device.CreateQuery(&desc, Some(&mut query)) }?;
        made(query)
    }

    /// A predicate; `hint` has the GPU not wait for it.
    pub fn predicate(&self, kind: D3D11_QUERY, hint: bool) -> Result<ID3D11Predicate> {
        let mut predicate = None;
        let flags = if hint { D3D11_QUERY_MISC_PREDICATEHINT.0.cast_unsigned() } else { 0 };
        let desc = D3D11_QUERY_DESC { Query: kind, MiscFlags: flags };
        // SAFETY: description and out-pointer are locals'.
        unsafe { self.device.CreatePredicate(&desc, Some(&mut predicate)) }?;
        made(predicate)
    }

    pub fn begin(&self, query: &impl Interface) -> Result<()> {
        let query: ID3D11Asynchronous = query.cast()?;
        // SAFETY: the query is live.
        unsafe { self.context.Begin(&query) };
        Ok(())
    }

    pub fn end(&self, query: &impl Interface) -> Result<()> {
        let query: ID3D11Asynchronous = query.cast()?;
        // SAFETY: the query is live.
        unsafe { self.context.End(&query) };
        Ok(())
    }

    /// Draws count only while the predicate's result is not `value`.
    pub fn set_predication(&self, predicate: Option<&ID3D11Predicate>, value: bool) {
        // SAFETY: the predicate is live.
        unsafe { self.context.SetPredication(predicate, value) };
    }

    /// Waits for a query's result.
    ///
    /// # Errors
    /// What Direct3D reports, or `E_FAIL` after ten seconds.
    pub fn data<T: Copy + Default>(&self, query: &impl Interface) -> Result<T> {
        let query: ID3D11Asynchronous = query.cast()?;
        let start = Instant::now();
        loop {
            // GetData succeeds with S_FALSE while there is no result, which this wrapper does not tell from success: a
            // second call that finds an event in between would not help either, so ask the raw function.
            let mut data = T::default();
            // SAFETY: the query's vtable is its own; the data is a plain value of the size given.
            let result = unsafe {
                (self.context.vtable().GetData)(
                    self.context.as_raw(),
                    query.as_raw(),
                    std::ptr::from_mut(&mut data).cast(),
                    size_of::<T>() as u32,
                    0,
                )
            };
            result.ok()?;
            if result.0 == 0 {
                return Ok(data);
            }
            if start.elapsed() > LIMIT {
                return Err(E_FAIL.into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
