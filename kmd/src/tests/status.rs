//! What escapes tell: the adapter, a context, the trace records; and what a trace record costs.

use std::boxed::Box;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::vec::Vec;

use pvgpu_protocol::event::error_code;
use pvgpu_protocol::host_info::{field_text, text_field};
use pvgpu_protocol::kernel_interface::{
    AdapterStatus, ContextState, PrivateHeader, ReadTelemetry, SetMode, TELEMETRY_BATCH, adapter_state,
    context_life, counter, kind, mode_flag, removal,
};
use pvgpu_protocol::telemetry::{Level, area, code};
use pvgpu_protocol::version::ABI_VERSION;

use super::fake::{Rig, SETTINGS, TestContext, completed, rig, rig_with};
use crate::ddi::Escape;
use crate::{Settings, Status};

fn status(rig: &Rig) -> AdapterStatus {
    let mut status = AdapterStatus::new();
    let private_driver_data = bytemuck::bytes_of_mut(&mut status);
    rig.adapter.escape(Escape { h_device: 0, h_context: 0, private_driver_data }).expect("anybody may ask");
    status
}

fn context_state(rig: &Rig, context: TestContext) -> ContextState {
    let mut state: ContextState = bytemuck::Zeroable::zeroed();
    state.header = PrivateHeader::new(kind::CONTEXT_STATE);
    rig.escape(context.h_device, context.h_context, &mut state).expect("mine");
    state
}

#[test]
fn the_adapter_tells_how_it_is() {
    let mut rig = rig_with(Settings { segment_bytes: 16 << 20, ..SETTINGS });
    let context = rig.context();
    rig.adapter.kernel().time_ns.store(5_000, Ordering::Relaxed);
    rig.submit(context, 1, 1);
    rig.submit(context, 2, 2);
    rig.host.complete(context.number, 1);
    assert_eq!(rig.interrupt(), [completed(1)]);
    let now = status(&rig);
    assert_eq!((now.state, now.removal, now.link_attached), (adapter_state::RUNNING, removal::NONE, 0));
    assert_eq!((now.driver_version, now.device, now.log_level), (7, SETTINGS.device, 4));
    assert_eq!((now.devices, now.contexts, now.allocations, now.in_flight), (1, 1, 0, 1));
    assert_eq!((now.uptime_ns, now.abi_version, now.connected), (5_000, u32::from(ABI_VERSION), 1));
    assert_eq!(now.aperture_bytes, 64 << 20);
    assert_eq!(now.heap_used, context.map.heap_bytes + context.map.ring_bytes + 4096);
    assert_eq!(field_text(&now.gpu_name), "a GPU");
    assert_eq!(now.gpu_driver, text_field("a driver"));
    assert_eq!(now.counters[counter::SUBMISSIONS], 2);
    assert_eq!(now.counters[counter::COMPLETIONS], 1);
    assert_eq!(now.counters[counter::INTERRUPTS], 1);
    assert!(now.counters[counter::TRACE_RECORDS] > 5);
    let preferred = now.modes.iter().filter(|mode| mode.flags & mode_flag::PREFERRED != 0).count();
    assert_eq!((preferred, now.modes[0].width != 0), (1, true));

    let mode = SetMode {
        header: PrivateHeader::new(kind::SET_MODE),
        width: 800,
        height: 600,
        refresh_millihertz: 75_000,
        reserved: 0,
    };
    let set = |mode: SetMode| {
        let mut mode = mode;
        let private_driver_data = bytemuck::bytes_of_mut(&mut mode);
        rig.adapter.escape(Escape { h_device: 0, h_context: 0, private_driver_data })
    };
    set(mode).expect("anybody may");
    let custom = |status: AdapterStatus| {
        status.modes.iter().find(|mode| mode.flags & mode_flag::CUSTOM != 0).map(|mode| mode.width)
    };
    assert_eq!(custom(status(&rig)), Some(800));
    assert!(set(SetMode { width: 801, ..mode }).is_err(), "an odd width");
    assert!(set(SetMode { reserved: 1, ..mode }).is_err());
    assert_eq!(custom(status(&rig)), Some(800), "a refused one changes nothing");
    assert_eq!(status(&rig).counters[counter::ESCAPES_REFUSED], 2);

    set(SetMode { width: 0, height: 0, refresh_millihertz: 0, ..mode }).expect("taken away");
    assert_eq!(custom(status(&rig)), None);

    rig.break_link();
    let gone = status(&rig);
    assert_eq!((gone.state, gone.removal), (adapter_state::REMOVED, removal::LINK_BROKEN));
    rig.adapter.stop_device().expect("removed");
    assert_eq!(status(&rig).state, adapter_state::STOPPED);
    let mut short = [0; 64];
    let args = Escape { h_device: 0, h_context: 0, private_driver_data: &mut short };
    assert!(rig.adapter.escape(args).is_err());
}

#[test]
fn a_context_tells_how_it_is() {
    let mut rig = rig();
    let (bad, good) = (rig.context(), rig.context());
    rig.submit(good, 5, 1);
    rig.host.complete(good.number, 3);
    let state = context_state(&rig, good);
    assert_eq!((state.context, state.life, state.error), (good.number, context_life::LIVE, 0));
    assert_eq!((state.submitted, state.completed), (5, 3));
    rig.host.poison(bad.number, error_code::BAD_SHADER);
    rig.interrupt();
    let state = context_state(&rig, bad);
    assert_eq!((state.life, state.error), (context_life::POISONED, error_code::BAD_SHADER));
    rig.break_link();
    let state = context_state(&rig, good);
    assert_eq!((state.life, state.removal), (context_life::REMOVED, removal::LINK_BROKEN));
    assert_eq!(context_state(&rig, bad).life, context_life::POISONED, "why it ended does not change");
}

fn read(rig: &Rig, cursor: u64) -> Box<ReadTelemetry> {
    let mut request = Box::new(ReadTelemetry::new(cursor));
    let private_driver_data = bytemuck::bytes_of_mut(&mut *request);
    rig.adapter.escape(Escape { h_device: 0, h_context: 0, private_driver_data }).expect("started");
    request
}

#[test]
fn trace_records_are_read_by_cursor() {
    let rig = rig();
    rig.adapter.kernel().privileged.store(true, Ordering::Relaxed);
    let context = rig.context();
    let first = read(&rig, 0);
    let codes: Vec<u16> = first.given().map(|record| record.code).collect();
    assert_eq!(codes, [code::ADAPTER_STARTED, code::CONTEXT_CREATED, code::HEAP_GRANTED]);
    assert_eq!((first.cursor, first.dropped), (3, 0));
    let created = first.given().nth(1).expect("three");
    assert_eq!((created.process, created.context, created.area), (100, context.number, area::CONTEXT));
    assert_eq!(read(&rig, first.cursor).count, 0, "no more");
    let end = read(&rig, u64::MAX);
    assert_eq!((end.count, end.cursor), (0, 3));
    assert_eq!(read(&rig, 1 << 40).cursor, 3, "a cursor of another start begins at the end");

    // More than the ring holds: the oldest are gone, and counted.
    let slots = (256 << 10) / 64;
    for value in 1..=slots + 100 {
        rig.submit(context, value, 1);
        rig.adapter.core.try_clear();
    }
    let later = read(&rig, 3);
    assert_eq!((later.count as usize, later.dropped), (TELEMETRY_BATCH, 100));
    let values: Vec<u64> = later.given().map(|record| record.args[1]).collect();
    assert_eq!(values[..2], [101, 102], "the oldest that is there");
}

/// Empties the queue as if all had been reported.
trait Clear {
    fn try_clear(&self);
}

impl Clear for super::fake::FakeLock<crate::core_state::Core<super::fake::FakeKernel>> {
    fn try_clear(&self) {
        crate::SpinLock::lock(self).queue.clear();
    }
}

#[test]
fn others_see_only_their_own_records() {
    let rig = rig();
    let mine = rig.context();
    rig.adapter.kernel().process.store(200, Ordering::Relaxed);
    let theirs = rig.context();
    let seen = read(&rig, 0);
    let processes: BTreeSet<u32> = seen.given().map(|record| record.process).collect();
    assert_eq!(processes, BTreeSet::from([0, 200]));
    assert!(seen.given().all(|record| record.context != mine.number));
    assert!(seen.given().any(|record| record.context == theirs.number));
    assert_eq!((seen.cursor, seen.dropped), (5, 0), "what is not shown is not lost");
}

#[test]
fn the_level_is_a_limit() {
    let rig = rig_with(Settings { log_level: Level::Info, ..SETTINGS });
    let context = rig.context();
    rig.submit(context, 1, 1);
    rig.adapter.kernel().privileged.store(true, Ordering::Relaxed);
    assert!(read(&rig, 0).given().all(|record| record.level <= Level::Info));
    let silent = rig_with(Settings { log_level: Level::Error, ..SETTINGS });
    silent.context();
    assert_eq!(read(&silent, 0).count, 0);
    silent.break_link();
    assert_eq!(read(&silent, 0).given().map(|record| record.code).collect::<Vec<_>>(), [code::HOST_GONE]);
}

#[test]
fn a_stopped_adapter_has_no_records() {
    let rig = rig();
    rig.adapter.stop_device().expect("running");
    let mut request = Box::new(ReadTelemetry::new(0));
    let private_driver_data = bytemuck::bytes_of_mut(&mut *request);
    let result = rig.adapter.escape(Escape { h_device: 0, h_context: 0, private_driver_data });
    assert_eq!(result, Err(Status::DeviceRemoved));
}
