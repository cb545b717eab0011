//! `Begin`, `End` and `GetData` of queries.

use super::super::guard::Locked;
use super::super::object::Com;
use super::super::query::{Progress, Query, RESULT_WORDS};
use crate::hresult::{DXGI_ERROR_INVALID_CALL, DXGI_ERROR_WAS_STILL_DRAWING, Result, S_FALSE, require};

/// `D3D11_ASYNC_GETDATA_DONOTFLUSH`.
const DO_NOT_FLUSH: u32 = 1;

impl Locked {
    /// Starts a query; events and timestamps have no start.
    pub fn begin(&mut self, query: &Com<Query>) {
        if query.inner.is_instant() {
            return;
        }
        if query.inner.progress.get() == Progress::Building {
            // A second Begin starts anew.
            self.driver.query_end(query.handle());
        }
        query.inner.progress.set(Progress::Building);
        self.driver.query_begin(query.handle());
    }

    /// Ends a query. One that never began yields the result of an empty range.
    pub fn end(&mut self, query: &Com<Query>) {
        if !query.inner.is_instant() && query.inner.progress.get() != Progress::Building {
            self.driver.query_begin(query.handle());
        }
        query.inner.progress.set(Progress::Issued);
        self.driver.query_end(query.handle());
    }

    /// The result of a query as words, of which `query.size` bytes count.
    ///
    /// # Errors
    /// `S_FALSE` when there is none yet; `DXGI_ERROR_INVALID_CALL` when the query has not ended; `E_INVALIDARG` for a size
    /// that is neither the result's nor 0.
    pub fn get_data(&mut self, query: &Com<Query>, size: u32, flags: u32) -> Result<[u64; RESULT_WORDS]> {
        require(flags & !DO_NOT_FLUSH == 0 && (size == 0 || size == query.inner.size))?;
        if query.inner.progress.get() != Progress::Issued {
            return Err(DXGI_ERROR_INVALID_CALL);
        }
        let mut data = [0; RESULT_WORDS];
        let do_not_flush = flags & DO_NOT_FLUSH != 0;
        match self.driver.query_get_data(query.handle(), &mut data, size, do_not_flush) {
            Ok(()) => Ok(data),
            Err(DXGI_ERROR_WAS_STILL_DRAWING) => Err(S_FALSE),
            Err(error) => Err(error),
        }
    }
}
