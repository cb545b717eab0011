//! The calls against entry points that count adapters and look at every field.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::{Adapter, Device};

/// One test at a time: the entry points are plain functions with statics behind them.
static ONE: Mutex<()> = Mutex::new(());
static ADAPTERS: AtomicU32 = AtomicU32::new(0);
/// Added to [`ADAPTERS`] after the next question for their number.
static COMING: AtomicU32 = AtomicU32::new(0);
static OPEN: AtomicU32 = AtomicU32::new(0);
static DEVICES: AtomicU32 = AtomicU32::new(0);

const OUT_OF_HANDLES: Status = 0xC000_009A_u32.cast_signed();
const FILE: &str = "C:\\drivers\\ünicode\\pvgpuumd.dll";

unsafe extern "system" fn enum_adapters2(list: *mut D3DKMT_ENUMADAPTERS2) -> Status {
    // SAFETY: The caller passes a struct of its own.
    let list = unsafe { &mut *list };
    let count = ADAPTERS.load(Ordering::Relaxed);
    if list.pAdapters.is_null() {
        list.NumAdapters = count;
        ADAPTERS.fetch_add(COMING.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        return 0;
    }
    if list.NumAdapters < count {
        return NtStatus::BUFFER_TOO_SMALL.0;
    }
    // SAFETY: The array has as many entries as the struct says.
    let infos = unsafe { std::slice::from_raw_parts_mut(list.pAdapters, list.NumAdapters as usize) };
    for (number, info) in (0..count).zip(infos) {
        info.hAdapter = 0x4000_0000 + number;
        info.AdapterLuid = LUID { LowPart: number, HighPart: -1 };
        OPEN.fetch_add(1, Ordering::Relaxed);
    }
    list.NumAdapters = count;
    0
}

unsafe extern "system" fn query_adapter_info(query: *mut D3DKMT_QUERYADAPTERINFO) -> Status {
    // SAFETY: The caller passes a struct of its own.
    let query = unsafe { &*query };
    assert_eq!((query.Type, query.PrivateDriverDataSize), (KMTQAITYPE_UMDRIVERNAME, 524));
    if query.hAdapter == 0x4000_0001 {
        return NtStatus::NOT_SUPPORTED.0;
    }
    let file = query.pPrivateDriverData.cast::<D3DKMT_UMDFILENAMEINFO>();
    // SAFETY: The buffer has the size of this struct, which was checked above.
    let file = unsafe { &mut *file };
    assert_eq!(file.Version, KMTUMDVERSION_DX11);
    for (to, from) in file.UmdFileName.iter_mut().zip(FILE.encode_utf16()) {
        *to = from;
    }
    0
}

unsafe extern "system" fn escape(escape: *const D3DKMT_ESCAPE) -> Status {
    // SAFETY: The caller passes a struct of its own.
    let escape = unsafe { &*escape };
    assert_eq!((escape.hContext, escape.Flags, escape.Type), (0, 0, 0));
    assert!(escape.hDevice == 0 || escape.hDevice == 0xD0 + escape.hAdapter);
    if escape.hAdapter == 0x4000_0001 {
        return OUT_OF_HANDLES;
    }
    let bytes = escape.pPrivateDriverData.cast::<u8>();
    // SAFETY: The buffer has the size that the struct says.
    let data = unsafe { std::slice::from_raw_parts_mut(bytes, escape.PrivateDriverDataSize as usize) };
    data.reverse();
    0
}

unsafe extern "system" fn close_adapter(_: *const D3DKMT_CLOSEADAPTER) -> Status {
    OPEN.fetch_sub(1, Ordering::Relaxed);
    0
}

unsafe extern "system" fn create_device(create: *mut D3DKMT_CREATEDEVICE) -> Status {
    // SAFETY: The caller passes a struct of its own.
    let create = unsafe { &mut *create };
    assert_eq!((create.Flags, create.hDevice, create.CommandBufferSize), (0, 0, 0));
    if create.hAdapter == 0x4000_0001 {
        return OUT_OF_HANDLES;
    }
    create.hDevice = 0xD0 + create.hAdapter as u32;
    DEVICES.fetch_add(1, Ordering::Relaxed);
    0
}

unsafe extern "system" fn destroy_device(destroy: *const D3DKMT_DESTROYDEVICE) -> Status {
    // SAFETY: The caller passes a struct of its own.
    let destroy = unsafe { &*destroy };
    assert_eq!(destroy.hDevice, 0x4000_00D0);
    assert_ne!(OPEN.load(Ordering::Relaxed), 0, "the adapter is closed before its device");
    DEVICES.fetch_sub(1, Ordering::Relaxed);
    0
}

fn table(adapters: u32) -> Table {
    ADAPTERS.store(adapters, Ordering::Relaxed);
    // SAFETY: They behave as far as these tests look.
    unsafe { Table::new(enum_adapters2, query_adapter_info, escape, close_adapter) }
}

#[test]
fn adapters_are_opened_asked_and_closed() {
    let _one = ONE.lock();
    let table = table(2);
    let adapters = Adapter::all(&table).expect("two");
    assert_eq!((adapters.len(), OPEN.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(adapters[0].user_mode_driver().as_deref(), Ok(FILE));
    let none = adapters[1].user_mode_driver().expect_err("none");
    assert_eq!(none.to_string(), "D3DKMTQueryAdapterInfo: the driver does not know the request (0xC00000BB)");
    assert_eq!(adapters[0].escape([1u8, 2, 3]), Ok([3, 2, 1]));
    let refused = adapters[1].escape(7u32).expect_err("refused");
    assert_eq!(refused.status(), Some(NtStatus(OUT_OF_HANDLES)));
    assert_eq!(refused.to_string(), "D3DKMTEscape: the call failed (0xC000009A)");
    drop(adapters);
    assert_eq!(OPEN.load(Ordering::Relaxed), 0);
}

#[test]
fn no_adapter_and_one_that_comes_meanwhile() {
    let _one = ONE.lock();
    assert_eq!(Adapter::all(&table(0)).map(|adapters| adapters.len()), Ok(0));
    let table = table(1);
    COMING.store(2, Ordering::Relaxed);
    assert_eq!(Adapter::all(&table).map(|adapters| adapters.len()), Ok(3));
    assert_eq!(OPEN.load(Ordering::Relaxed), 0);
}

#[test]
fn a_device_asks_in_its_own_name_and_ends_before_its_adapter() {
    let _one = ONE.lock();
    let without = table(2);
    let mut adapters = Adapter::all(&without).expect("two");
    let refused = Device::create(&without, adapters.remove(0)).expect_err("no entry point makes devices");
    assert_eq!(refused.status(), Some(NtStatus::NOT_SUPPORTED));
    drop(adapters);
    assert_eq!(OPEN.load(Ordering::Relaxed), 0);

    // SAFETY: They behave as far as these tests look.
    let table = unsafe { table(2).with_devices(create_device, destroy_device) };
    let mut adapters = Adapter::all(&table).expect("two");
    let refused = Device::create(&table, adapters.remove(1)).expect_err("the second one refuses");
    assert_eq!(refused.status(), Some(NtStatus(OUT_OF_HANDLES)));
    let device = Device::create(&table, adapters.remove(0)).expect("the first one does not");
    let mut data = [1, 2, 3];
    device.escape(&mut data).expect("carried");
    assert_eq!((data, DEVICES.load(Ordering::Relaxed)), ([3, 2, 1], 1));
    drop(device);
    assert_eq!((DEVICES.load(Ordering::Relaxed), OPEN.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn ours_are_those_with_our_driver() {
    let _one = ONE.lock();
    let table = table(3);
    let (ours, others) = Adapter::ours(&table).expect("three");
    assert_eq!((ours.len(), others, OPEN.load(Ordering::Relaxed)), (2, 1, 2));
}
