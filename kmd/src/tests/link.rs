//! The link service of a ROOT adapter: attaching, answering, ending, and coming back.

use std::sync::atomic::Ordering;

use pvgpu_protocol::aperture::{MAGIC, guest_cell};
use pvgpu_protocol::event::error_code;
use pvgpu_protocol::kernel_interface::{
    AttachLink, DetachLink, LinkKick, LinkUp, PrivateHeader, context_life, device_kind, kind,
};
use pvgpu_protocol::limits::MIN_APERTURE_BYTES;

use super::fake::{
    Answer, Cells, FakeHost, FakeKernel, Rig, SETTINGS, USER_BASE, adapter, completed, respond,
};
use crate::ddi::Escape;
use crate::{Adapter, AdapterState, FaultKind, Handle, Notification, Removal, Settings, Status};

fn escape<T: bytemuck::Pod>(
    adapter: &Adapter<FakeKernel>,
    h_device: u64,
    data: &mut T,
) -> Result<(), Status> {
    let private_driver_data = bytemuck::bytes_of_mut(data);
    adapter.escape(Escape { h_device, h_context: 0, private_driver_data })
}

fn attach(adapter: &Adapter<FakeKernel>, h_device: u64, event: u64) -> Result<AttachLink, Status> {
    let header = PrivateHeader::new(kind::ATTACH_LINK);
    let mut request = AttachLink { header, event, address: 0, bytes: 0 };
    escape(adapter, h_device, &mut request).map(|()| request)
}

fn up(adapter: &Adapter<FakeKernel>, h_device: u64) -> Result<(), Status> {
    escape(adapter, h_device, &mut LinkUp { header: PrivateHeader::new(kind::LINK_UP) })
}

fn kick(adapter: &Adapter<FakeKernel>, h_device: u64) -> Result<(), Status> {
    escape(adapter, h_device, &mut LinkKick { header: PrivateHeader::new(kind::LINK_KICK) })
}

fn detach(adapter: &Adapter<FakeKernel>, h_device: u64) -> Result<(), Status> {
    escape(adapter, h_device, &mut DetachLink { header: PrivateHeader::new(kind::DETACH_LINK) })
}

/// A ROOT adapter without a host, and a privileged device.
fn waiting() -> (Adapter<FakeKernel>, u64, Cells) {
    let adapter = adapter();
    *adapter.kernel().answer.lock().unwrap() = Answer::Silent;
    adapter.start_device(SETTINGS, 0).expect("a host is not needed");
    adapter.kernel().privileged.store(true, Ordering::Relaxed);
    let h_device = adapter.create_device().expect("started");
    let cells = adapter.kernel().aperture.lock().unwrap().clone().expect("connected");
    (adapter, h_device, cells)
}

fn reports(adapter: &Adapter<FakeKernel>) -> std::vec::Vec<Notification> {
    while adapter.kernel().dpc.swap(false, Ordering::Relaxed) {
        adapter.dpc_routine();
    }
    core::mem::take(&mut *adapter.kernel().notifications.lock().unwrap())
}

#[test]
fn a_service_carries_the_aperture() {
    let (adapter, service, cells) = waiting();
    let got = attach(&adapter, service, 77).expect("privileged");
    assert_eq!((got.address, got.bytes), (USER_BASE, MIN_APERTURE_BYTES));
    assert_eq!(*adapter.kernel().link_event.lock().unwrap(), Some(77));
    assert_eq!(up(&adapter, service), Err(Status::NotReady), "the host has not answered");
    respond(&cells, Answer::Ready);
    up(&adapter, service).expect("it has");
    assert_eq!(adapter.state(), AdapterState::Running);
    let mut rig = Rig { adapter: adapter.into(), host: FakeHost::new(cells) };
    let context = rig.context();
    rig.submit(context, 1, 1);
    assert_eq!(rig.reports(), []);
    rig.host.complete(context.number, 1);
    kick(&rig.adapter, service).expect("the service's");
    assert_eq!(rig.reports(), [completed(1)]);
    rig.submit(context, 2, 2);
    detach(&rig.adapter, service).expect("the service's");
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::LinkBroken));
    let fault = Notification::DmaFaulted { faulted_fence_id: 2, kind: FaultKind::Host };
    assert_eq!(rig.reports(), [fault]);
    assert_eq!(*rig.adapter.kernel().link_event.lock().unwrap(), None);
    assert_eq!(detach(&rig.adapter, service), Err(Status::NotOwner(Handle::Device)));
    assert_eq!(kick(&rig.adapter, service), Err(Status::NotOwner(Handle::Device)));
}

#[test]
fn only_who_may_attaches() {
    let (adapter, service, _) = waiting();
    let other = adapter.create_device().expect("started");
    adapter.kernel().privileged.store(false, Ordering::Relaxed);
    assert_eq!(attach(&adapter, service, 77), Err(Status::NotPrivileged));
    adapter.kernel().privileged.store(true, Ordering::Relaxed);
    assert_eq!(attach(&adapter, 0, 77), Err(Status::BadHandle(Handle::Device)));
    assert_eq!(attach(&adapter, service, 0), Err(Status::BadHandle(Handle::Event)));
    adapter.kernel().process.store(200, Ordering::Relaxed);
    assert_eq!(attach(&adapter, service, 77), Err(Status::NotOwner(Handle::Device)));
    adapter.kernel().process.store(100, Ordering::Relaxed);
    adapter.kernel().maps_left.store(0, Ordering::Relaxed);
    assert_eq!(attach(&adapter, service, 77), Err(Status::NoMemory));
    assert_eq!(*adapter.kernel().link_event.lock().unwrap(), None, "the event is let go again");
    adapter.kernel().maps_left.store(-1, Ordering::Relaxed);
    attach(&adapter, service, 77).expect("now");
    assert_eq!(attach(&adapter, other, 78), Err(Status::Busy));
    for result in [up(&adapter, other), kick(&adapter, other), detach(&adapter, other)] {
        assert_eq!(result, Err(Status::NotOwner(Handle::Device)));
    }
    adapter.stop_device().expect("started");
    assert_eq!(adapter.kernel().mapped.load(Ordering::Relaxed), 0);
    assert_eq!(*adapter.kernel().link_event.lock().unwrap(), None);

    adapter.start_device(Settings { device: device_kind::PCI, ..SETTINGS }, 0).expect("stopped");
    let service = adapter.create_device().expect("started");
    let no = Status::NotSupported { request: u32::from(kind::ATTACH_LINK) };
    assert_eq!(attach(&adapter, service, 77), Err(no), "a PCI adapter has a host of its own");
}

/// The service's process dies; another one brings another host.
#[test]
fn a_service_that_dies_is_replaced() {
    let (adapter, first, cells) = waiting();
    attach(&adapter, first, 77).expect("privileged");
    respond(&cells, Answer::Ready);
    up(&adapter, first).expect("answered");
    let mut rig = Rig { adapter: adapter.into(), host: FakeHost::new(cells.clone()) };
    let lost = rig.context();
    rig.submit(lost, 1, 1);
    rig.adapter.destroy_device(first).expect("dxgkrnl cleans up");
    assert_eq!(rig.adapter.state(), AdapterState::Removed(Removal::LinkBroken));
    assert_eq!(cells[guest_cell::MAGIC].load(Ordering::Relaxed), 0);
    // Time alone brings nobody back on a ROOT adapter.
    rig.adapter.kernel().time_ns.fetch_add(10_000_000_000, Ordering::Relaxed);
    rig.adapter.heartbeat();
    assert_eq!(cells[guest_cell::MAGIC].load(Ordering::Relaxed), 0);

    let second = rig.adapter.create_device().expect("started");
    assert_eq!(attach(&rig.adapter, second, 78), Err(Status::Busy), "the loss was not reported yet");
    assert_eq!(reports(&rig.adapter).len(), 1);
    attach(&rig.adapter, second, 78).expect("now");
    assert_eq!(cells[guest_cell::MAGIC].load(Ordering::Relaxed), MAGIC, "a fresh hello");
    assert!(matches!(rig.adapter.state(), AdapterState::Removed(_)), "until a host answers");
    respond(&cells, Answer::Ready);
    up(&rig.adapter, second).expect("answered");
    assert_eq!(rig.adapter.state(), AdapterState::Running);
    assert_eq!(rig.context_life(lost), (context_life::POISONED, error_code::DEVICE_LOST));
    rig.host = FakeHost::new(cells);
    let new = rig.context();
    rig.submit(new, 1, 2);
    rig.host.complete(new.number, 1);
    assert_eq!(rig.interrupt(), [completed(2)]);
}

#[test]
fn a_refusal_is_told() {
    let (adapter, service, cells) = waiting();
    attach(&adapter, service, 77).expect("privileged");
    respond(&cells, Answer::Refuse(pvgpu_protocol::aperture::refusal::VERSION));
    assert_eq!(up(&adapter, service), Err(Status::DeviceRemoved));
    let reason = pvgpu_protocol::aperture::refusal::VERSION;
    assert_eq!(adapter.state(), AdapterState::Removed(Removal::HostSaysGone { reason }));
}
