//! Queries and what the driver can do.

use core::ffi::c_void;

use pvgpu_umd_ddi::*;

use crate::ffi::argument::{In, Out, Place, Ref, RefOrNull, Runtime, Taken, entries, entry_index};
use crate::query::Query;

entries! {
    /// `pfnCreateQuery`.
    create_query at entry_index!(pfnCreateQuery) =>
    |device, desc: In<D3D10DDIARG_CREATEQUERY>, place: Place<Query>, _rt: Runtime<D3D10DDI_HRTQUERY>| {
        device.create_query(desc.Query, desc.MiscFlags).map(|query| place.put(query))
    };

    /// `pfnDestroyQuery`.
    destroy_query at entry_index!(pfnDestroyQuery) => |device, query: Taken<Query>| device.destroy_query(query.0);

    /// `pfnQueryBegin`.
    query_begin at entry_index!(pfnQueryBegin) => |device, query: Ref<Query>| device.begin_query(&query);

    /// `pfnQueryEnd`.
    query_end at entry_index!(pfnQueryEnd) => |device, query: Ref<Query>| device.end_query(&query);

    /// `pfnQueryGetData`.
    query_get_data at entry_index!(pfnQueryGetData) =>
    |device, query: Ref<Query>, data: Runtime<*mut c_void>, size: u32, flags: u32| {
        let data = if data.0.is_null() {
            &mut []
        } else {
            // SAFETY: the runtime lets the call write that many bytes.
            unsafe { core::slice::from_raw_parts_mut(data.0.cast::<u8>(), size as usize) }
        };
        device.query_data(&query, data, flags)
    };

    /// `pfnSetPredication`.
    set_predication at entry_index!(pfnSetPredication) =>
    |device, query: RefOrNull<Query>, value: i32| device.set_predication(query.get(), value != FALSE);

    /// `pfnCheckFormatSupport`.
    check_format_support at entry_index!(pfnCheckFormatSupport) =>
    |device, format: u32, caps: Out<u32>| {
        caps.set(device.caps.format_support(format));
        Ok(())
    };

    /// `pfnCheckMultisampleQualityLevels`.
    check_multisample_quality_levels at entry_index!(pfnCheckMultisampleQualityLevels) =>
    |device, format: u32, sample_count: u32, levels: Out<u32>| {
        levels.set(device.caps.quality_levels(format, sample_count));
        Ok(())
    };

    /// `pfnCheckCounterInfo`: there are no counters.
    check_counter_info at entry_index!(pfnCheckCounterInfo) =>
    |_device, info: Out<D3D10DDI_COUNTER_INFO>| {
        info.set(D3D10DDI_COUNTER_INFO::default());
        Ok(())
    };
}
