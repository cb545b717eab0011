//! dxgkrnl's callbacks, as far as the driver calls them.

use core::ffi::c_void;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::vec::Vec;

use pvgpu_kmd_ddi::{
    BOOLEAN, CM_PARTIAL_RESOURCE_DESCRIPTOR, CM_PARTIAL_RESOURCE_DESCRIPTOR_u, CM_RESOURCE_INTERRUPT,
    CM_RESOURCE_INTERRUPT_MESSAGE, CM_RESOURCE_LIST, CM_RESOURCE_RANGE, CmResourceTypeInterrupt,
    CmResourceTypeMemory, DISPATCH_LEVEL, DXGK_CHILD_STATUS, DXGK_DEVICE_INFO, DXGKARGCB_GETHANDLEDATA,
    DXGKARGCB_NOTIFY_INTERRUPT_DATA, DXGKRNL_INTERFACE, HANDLE, KSYNCHRONIZE_ROUTINE, MEMORY_CACHING_TYPE,
    NTSTATUS, PASSIVE_LEVEL, PHYSICAL_ADDRESS, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS,
    STATUS_UNSUCCESSFUL, UNICODE_STRING,
};

use super::fake_nt::{at_irql, at_most, fails, nt, physical};

/// The interrupt's IRQL.
const DIRQL: u8 = 5;

/// A device's resources: BAR0, the table of messages, BAR2, the interrupt.
#[repr(C)]
#[derive(Default)]
pub(super) struct Resources {
    list: CM_RESOURCE_LIST,
    rest: [CM_PARTIAL_RESOURCE_DESCRIPTOR; 3],
}

impl Resources {
    /// An ivshmem device's; `message` says how it interrupts.
    pub(super) fn ivshmem(registers: u64, aperture: (u64, u32), message: bool) -> Self {
        let memory = |start, length| CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: CmResourceTypeMemory,
            u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_memory(CM_RESOURCE_RANGE::new(start, length)),
            ..CM_PARTIAL_RESOURCE_DESCRIPTOR::default()
        };
        let interrupt = CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: CmResourceTypeInterrupt,
            Flags: if message { CM_RESOURCE_INTERRUPT_MESSAGE | 1 } else { 0 },
            u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u::from_interrupt(CM_RESOURCE_INTERRUPT::default()),
            ..CM_PARTIAL_RESOURCE_DESCRIPTOR::default()
        };
        let mut all = Self::default();
        all.list.Count = 1;
        all.list.List[0].PartialResourceList.Count = 4;
        all.list.List[0].PartialResourceList.PartialDescriptors[0] = memory(registers, 256);
        all.rest = [memory(registers + 0x1000, 4096), memory(aperture.0, aperture.1), interrupt];
        all
    }

    /// Only the first resource of it.
    pub(super) fn truncated(mut self) -> Self {
        self.list.List[0].PartialResourceList.Count = 1;
        self
    }
}

/// What dxgkrnl was told, and what it has to tell.
pub(super) struct Port {
    pub(super) resources: Option<Resources>,
    pub(super) reports: Vec<DXGKARGCB_NOTIFY_INTERRUPT_DATA>,
    pub(super) notified_dpcs: u32,
    pub(super) dpc_queued: bool,
    pub(super) connected: Vec<bool>,
    /// dxgkrnl's handles of allocations, and the driver's.
    pub(super) allocations: BTreeMap<u32, usize>,
    /// There is no interrupt to synchronise with.
    pub(super) no_interrupt: bool,
    /// The driver's DPC routine and context, once it is started.
    pub(super) dpc: Option<(unsafe extern "win64" fn(*mut c_void), usize)>,
}

std::thread_local! {
    static PORT: RefCell<Port> = const { RefCell::new(Port {
        resources: None,
        reports: Vec::new(),
        notified_dpcs: 0,
        dpc_queued: false,
        connected: Vec::new(),
        allocations: BTreeMap::new(),
        no_interrupt: false,
        dpc: None,
    }) };
}

/// Looks at dxgkrnl, or changes it.
pub(super) fn port<T>(look: impl FnOnce(&mut Port) -> T) -> T {
    PORT.with(|port| look(&mut port.borrow_mut()))
}

/// Runs the DPC if it is queued, as often as it queues itself.
pub(super) fn run_dpc() {
    while port(|port| core::mem::take(&mut port.dpc_queued)) {
        let Some((routine, context)) = port(|port| port.dpc) else { continue };
        let context = core::ptr::with_exposed_provenance_mut(context);
        // SAFETY: the driver's DPC routine, with the context that AddDevice gave.
        at_irql(DISPATCH_LEVEL, || unsafe { routine(context) });
    }
}

unsafe extern "win64" fn get_device_information(_: HANDLE, information: *mut DXGK_DEVICE_INFO) -> NTSTATUS {
    at_most(PASSIVE_LEVEL);
    if fails() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    let list = port(|port| port.resources.as_mut().map(core::ptr::from_mut));
    let filled = DXGK_DEVICE_INFO {
        DeviceRegistryPath: UNICODE_STRING::default(),
        TranslatedResourceList: list.map_or(null_mut(), |list| list.cast()),
        ..DXGK_DEVICE_INFO::default()
    };
    // SAFETY: the driver's place.
    unsafe { information.write(filled) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn map_memory(
    _: HANDLE,
    start: PHYSICAL_ADDRESS,
    _length: u32,
    in_io_space: BOOLEAN,
    map_to_user_mode: BOOLEAN,
    _cache_type: MEMORY_CACHING_TYPE,
    address: *mut *mut c_void,
) -> NTSTATUS {
    at_most(PASSIVE_LEVEL);
    assert_eq!((in_io_space, map_to_user_mode), (0, 0));
    if fails() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    nt(|nt| nt.live += 1);
    // SAFETY: the driver's place.
    unsafe { address.write(physical(start)) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn unmap_memory(_: HANDLE, _: *mut c_void) -> NTSTATUS {
    at_most(PASSIVE_LEVEL);
    nt(|nt| nt.live -= 1);
    STATUS_SUCCESS
}

unsafe extern "win64" fn queue_dpc(_: HANDLE) -> BOOLEAN {
    BOOLEAN::from(!port(|port| core::mem::replace(&mut port.dpc_queued, true)))
}

unsafe extern "win64" fn synchronize_execution(
    _: HANDLE,
    routine: KSYNCHRONIZE_ROUTINE,
    context: *mut c_void,
    message_number: u32,
    result: *mut BOOLEAN,
) -> NTSTATUS {
    at_most(DISPATCH_LEVEL);
    assert_eq!(message_number, 0);
    if port(|port| port.no_interrupt) {
        return STATUS_UNSUCCESSFUL;
    }
    let routine = routine.expect("a routine");
    // SAFETY: the driver's routine, with its context.
    let done = at_irql(DIRQL, || unsafe { routine(context) });
    // SAFETY: the driver's place.
    unsafe { result.write(done) };
    STATUS_SUCCESS
}

unsafe extern "win64" fn notify_interrupt(_: HANDLE, data: *const DXGKARGCB_NOTIFY_INTERRUPT_DATA) {
    let held_off = nt(|nt| nt.irql) == DIRQL;
    assert!(held_off != port(|port| port.no_interrupt), "with the interrupt held off, where there is one");
    // SAFETY: the driver's data.
    let data = unsafe { *data };
    port(|port| port.reports.push(data));
}

unsafe extern "win64" fn notify_dpc(_: HANDLE) {
    at_most(DISPATCH_LEVEL);
    port(|port| port.notified_dpcs += 1);
}

unsafe extern "win64" fn indicate_child_status(_: HANDLE, status: *mut DXGK_CHILD_STATUS) -> NTSTATUS {
    at_most(DISPATCH_LEVEL);
    // SAFETY: the driver's data.
    let status = unsafe { *status };
    port(|port| port.connected.push(status.Connected != 0));
    STATUS_SUCCESS
}

unsafe extern "win64" fn get_handle_data(data: *const DXGKARGCB_GETHANDLEDATA) -> *mut c_void {
    at_most(PASSIVE_LEVEL);
    // SAFETY: the driver's data.
    let data = unsafe { *data };
    let found = port(|port| port.allocations.get(&data.hObject).copied());
    core::ptr::without_provenance_mut(found.unwrap_or(0))
}

/// The interface that StartDevice gets.
pub(super) fn interface() -> DXGKRNL_INTERFACE {
    DXGKRNL_INTERFACE {
        Size: u32::try_from(size_of::<DXGKRNL_INTERFACE>()).expect("small"),
        Version: pvgpu_kmd_ddi::DXGKDDI_INTERFACE_VERSION_WDDM1_3,
        DeviceHandle: core::ptr::without_provenance_mut(0x55),
        DxgkCbGetDeviceInformation: Some(get_device_information),
        DxgkCbIndicateChildStatus: Some(indicate_child_status),
        DxgkCbMapMemory: Some(map_memory),
        DxgkCbUnmapMemory: Some(unmap_memory),
        DxgkCbQueueDpc: Some(queue_dpc),
        DxgkCbSynchronizeExecution: Some(synchronize_execution),
        DxgkCbNotifyInterrupt: Some(notify_interrupt),
        DxgkCbNotifyDpc: Some(notify_dpc),
        DxgkCbGetHandleData: Some(get_handle_data),
        ..DXGKRNL_INTERFACE::default()
    }
}
